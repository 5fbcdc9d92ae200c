//! The sections ENVIRONMENT and FILES of the manual page.

/// Environment variables that friskey reads.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "FRISKEY_CONFIG",
        "Configuration file, as with --config. An empty variable is treated as unset, here and below.",
    ),
    ("FRISKEY_BASELINE", "Baseline, as with --baseline."),
    ("FRISKEY_MIN_CONFIDENCE", "Lowest confidence to report, as with --min-confidence."),
    ("FRISKEY_THREADS", "Number of threads, as with --threads."),
    ("FRISKEY_MAX_TIME", "Time limit in seconds, as with --max-time."),
    ("FRISKEY_FORMAT", "Format of the report on standard output, as with --format."),
    (
        "FRISKEY_SHARDS, FRISKEY_SHARD_INDEX",
        "Number of shards, and the index of this one from 0, for `fleet audit --shard auto`.",
    ),
    (
        "SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT, SLURM_ARRAY_TASK_MIN, SLURM_ARRAY_TASK_MAX, \
         SLURM_ARRAY_TASK_STEP, \
         JOB_COMPLETION_INDEX, CI_NODE_INDEX, CI_NODE_TOTAL, BUILDKITE_PARALLEL_JOB, BUILDKITE_PARALLEL_JOB_COUNT, \
         CIRCLE_NODE_INDEX, CIRCLE_NODE_TOTAL, AWS_BATCH_JOB_ARRAY_INDEX, AWS_BATCH_JOB_ARRAY_SIZE, \
         BATCH_TASK_INDEX, BATCH_TASK_COUNT, CLOUD_RUN_TASK_INDEX, CLOUD_RUN_TASK_COUNT",
        "Set by engines: the shard that `fleet audit --shard auto` audits.",
    ),
    (
        "OPENAI_ADMIN_KEY",
        "The organization's admin key, for `verify`, `revoke` and `keys`. An option never takes a key.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, HTTP_PROXY, NO_PROXY",
        "The HTTP proxy that `verify`, `revoke` and `keys` connect through (the first that is set; others, such as SOCKS, are \
         refused), and hosts to reach without it.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux: the certificate authorities that `verify`, `revoke` and `keys` trust, instead of the system's.",
    ),
    ("NO_COLOR", "Disables color, unless --color is given."),
    ("CLICOLOR_FORCE", "Enables color even if the output is not a terminal, unless it is 0."),
    ("TERM", "`dumb` disables color."),
    ("HOME, XDG_CONFIG_HOME", "Where the user's git configuration and global excludes are."),
    ("TMPDIR", "Directory for temporary files."),
    (
        "GIT_DIR, GIT_INDEX_FILE, GIT_WORK_TREE, GIT_OBJECT_DIRECTORY, GIT_ALTERNATE_OBJECT_DIRECTORIES, GITHEAD_*",
        "Set by git for its hooks: the repository, index, objects and merged commits. Read by `staged` and `hook run`.",
    ),
    (
        "GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME, GIT_COMMITTER_EMAIL, GIT_EDITOR",
        "Set by git for its hooks. The commit-msg hook scans the names and addresses along with the message, and \
         needs the editor to know whether git cuts the message at its scissors line.",
    ),
    (
        "PRE_COMMIT_REMOTE_NAME, PRE_COMMIT_REMOTE_URL, PRE_COMMIT_REMOTE_BRANCH, PRE_COMMIT_LOCAL_BRANCH, \
         PRE_COMMIT_FROM_REF, PRE_COMMIT_TO_REF",
        "Set by pre-commit and prek: what is pushed. Read by `hook run`.",
    ),
    ("PATH", "Read by `hook status` to check that the hooks find friskey."),
    (
        "GITHUB_ACTIONS, GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REF, GITHUB_SHA",
        "GitHub Actions: the event whose commits `ci` scans, and the base that `--policy-from event` uses.",
    ),
    ("GITHUB_STEP_SUMMARY", "GitHub Actions: the file that the step summary is appended to."),
    ("GITHUB_WORKSPACE", "GitHub Actions: the checkout that paths in reports are relative to."),
    (
        "GITLAB_CI, CI_COMMIT_SHA, CI_COMMIT_BEFORE_SHA, CI_COMMIT_BRANCH, CI_COMMIT_TAG, CI_DEFAULT_BRANCH, \
         CI_PIPELINE_SOURCE, CI_MERGE_REQUEST_DIFF_BASE_SHA, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
        "The same for GitLab.",
    ),
    (
        "BITBUCKET_BUILD_NUMBER, BITBUCKET_BRANCH, BITBUCKET_COMMIT, BITBUCKET_PR_DESTINATION_BRANCH, \
         BITBUCKET_PR_DESTINATION_COMMIT",
        "The same for Bitbucket.",
    ),
    (
        "TF_BUILD, BUILD_REASON, BUILD_SOURCEBRANCH, BUILD_SOURCEVERSION, SYSTEM_PULLREQUEST_TARGETBRANCH, \
         SYSTEM_PULLREQUEST_SOURCECOMMITID",
        "The same for Azure Pipelines.",
    ),
    (
        "JENKINS_URL, BRANCH_NAME, CHANGE_TARGET, GIT_BRANCH, GIT_COMMIT, GIT_LOCAL_BRANCH, GIT_PREVIOUS_SUCCESSFUL_COMMIT",
        "The same for Jenkins.",
    ),
    ("CIRCLECI, CIRCLE_BRANCH", "The same for CircleCI."),
    (
        "BUILDKITE, BUILDKITE_BRANCH, BUILDKITE_COMMIT, BUILDKITE_PIPELINE_DEFAULT_BRANCH, BUILDKITE_PULL_REQUEST, \
         BUILDKITE_PULL_REQUEST_BASE_BRANCH, BUILDKITE_SOURCE",
        "The same for Buildkite.",
    ),
];

/// Files that friskey reads or writes, other than those it scans and those named by options.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "friskey.toml",
        "Configuration. Read from the root of the repository around the current directory; without a repository, \
         from the current directory.",
    ),
    (".friskey-baseline.toml", "Accepted keys, in the same directory. Written by the `baseline` commands."),
    (
        ".ignore, .gitignore, .git/info/exclude",
        "What `scan` and the `baseline` commands leave out, unless --no-ignore is given. Files that git tracks are \
         scanned in any case.",
    ),
    (
        "$XDG_CONFIG_HOME/git/ignore",
        "The user's global excludes, or the file that core.excludesFile in the user's git configuration names. They \
         work like .gitignore.",
    ),
    (
        ".git/config",
        "The repository's git configuration. The `hook` commands also read the user's and the system's, as git does; \
         `scan` and the `baseline` commands read only core.excludesFile from the user's. Nothing that a configuration \
         names is run.",
    ),
    (
        ".git/hooks/NAME",
        "Hooks, or those in the directory that core.hooksPath names. Written by `hook install`, removed by \
         `hook uninstall`.",
    ),
    (".git/hooks/NAME.before-friskey", "The previous hook; friskey's hook runs it first."),
];
