//! Examples and exit statuses of every command, for `--help` and the manual pages.

use std::fmt::Write;

/// What the long help of one command ends with.
pub(super) struct Notes {
    /// The command with the program's name, e.g. `friskey hook install`.
    command: &'static str,
    /// What each example does, and its command line.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// The exit statuses and their meanings.
    pub(super) statuses: &'static [(u8, &'static str)],
}

/// The notes on `command`, given with the program's name.
pub(super) fn notes(command: &str) -> Option<&'static Notes> {
    NOTES.iter().find(|notes| notes.command == command)
}

/// The end of the long help of `command`.
pub(super) fn text(command: &str) -> String {
    let mut text = String::new();
    let Some(notes) = notes(command) else { return text };
    let heading = if notes.examples.len() == 1 { "Example:" } else { "Examples:" };
    text.push_str(heading);
    // Writing to a string never fails.
    for (purpose, line) in notes.examples {
        let _ = write!(text, "\n  {purpose}:\n    {line}\n");
    }
    text.push_str("\nExit status:");
    for (status, meaning) in notes.statuses {
        let _ = write!(text, "\n  {status}  {meaning}");
    }
    text
}

const SCAN: &[(u8, &str)] = &[
    (0, "No findings in what was scanned; the receipt names what was excluded"),
    (1, "At least one finding, whether or not everything could be scanned"),
    (2, "The scan could not be done: invalid arguments or configuration, no such path, not a repository"),
    (3, "No findings, but something could not be scanned; the receipt names it"),
];

const TRACE: &[(u8, &str)] = &[
    (0, "The key is not in what was searched; the receipt names what was excluded"),
    (1, "The key was found, whether or not everything could be searched"),
    (2, "The search could not be done: no key given, invalid arguments, not a repository"),
    (3, "The key was not found, but something could not be searched; the receipt names it"),
];

const PROVE: &[(u8, &str)] = &[
    (0, "Proven for this clone: none of the purged keys and none of the rewritten objects is in it"),
    (1, "A purged key or a rewritten object is still there; the refs that lead to it are named"),
    (2, "The proof could not be attempted: invalid arguments or report, not a repository"),
    (
        3,
        "Nothing was found, but not everything could be seen: a plain or incomplete clone, something unreadable",
    ),
];

const VERIFY: &[(u8, &str)] = &[
    (
        0,
        "Every leaked key is dead, but for accepted ones, which are not verified unless --no-suppress is given",
    ),
    (1, "At least one leaked key is live"),
    (2, "Nothing was asked: invalid arguments, no admin key, no such report"),
    (3, "No leaked key is known to be live, but not every one is known to be dead"),
];

const REVOKE: &[(u8, &str)] = &[
    (0, "The key is gone from the organization's list"),
    (1, "Nothing was changed or sent, since --yes or --consent was not given"),
    (
        2,
        "Nothing was asked or changed: invalid arguments, no admin key, --yes or --consent names another key",
    ),
    (
        3,
        "Not revoked, or not known to be: no certain match, a refusal, a report only submitted, or the key is still listed",
    ),
];

const PURGE: &[(u8, &str)] = &[
    (
        0,
        "The new repository is written and proven; or there is nothing to purge; or --dry-run showed the plan",
    ),
    (
        2,
        "Nothing was written: invalid arguments, no repository, something at NEW.git, a full disk, a proof that failed",
    ),
    (
        3,
        "Nothing was written, since the repository is incomplete: shallow, partial, or with unreadable objects",
    ),
];

const KEYS: &[(u8, &str)] = &[
    (0, "All keys were listed, and nothing is due"),
    (1, "Something is due about at least one key"),
    (2, "Nothing was asked: invalid arguments, no admin key"),
    (3, "Nothing is due about the keys that were listed, but not all could be"),
];

const HOOK_RUN: &[(u8, &str)] = &[
    (0, "No findings in what was scanned; git goes on"),
    (1, "At least one finding; git stops"),
    (2, "The scan could not be done; git stops"),
    (3, "No findings, but something could not be scanned; git stops"),
];

const HOOK_STATUS: &[(u8, &str)] = &[
    (0, "Every hook that `friskey hook install` would install runs friskey"),
    (1, "At least one of these hooks does not run friskey"),
    (2, "The hooks could not be looked up: not a repository, invalid arguments"),
];

const HOOK: &[(u8, &str)] = &[
    (0, "Done; for `run`, no findings in what was scanned"),
    (1, "`status`: a hook does not run friskey; `run`: at least one finding"),
    (2, "The command failed: invalid arguments, not a repository, a hook that cannot be written"),
    (3, "`run`: no findings, but something could not be scanned"),
];

const BASELINE_SCAN: &[(u8, &str)] = &[
    (0, "Done, and nothing that was to be scanned was skipped"),
    (2, "The command failed: invalid arguments or configuration, a baseline that cannot be read or written"),
    (3, "Done, but something could not be scanned; `friskey scan` names it"),
];

const BASELINE_CHECK: &[(u8, &str)] = &[
    (0, "No expired entries and no stale ones; with PATH or --exclude, only expired ones are looked for"),
    (1, "At least one entry is expired or stale"),
    (2, "The check could not be done: no baseline, invalid arguments or configuration"),
    (3, "No such entries found, but something could not be scanned; `friskey scan` names it"),
];

const BASELINE: &[(u8, &str)] = &[
    (0, "Done; for `check`, no expired or stale entries in what was checked"),
    (1, "`check`: at least one entry is expired or stale"),
    (2, "The command failed: invalid arguments or configuration, no baseline"),
    (3, "`create`, `update`, `check`: something could not be scanned; `friskey scan` names it"),
];

const EXPLAIN: &[(u8, &str)] = &[
    (0, "A scan would report no key in this text"),
    (1, "A scan would report at least one key in this text"),
    (2, "The text could not be read, or the arguments, configuration or rules are invalid"),
];

const RULES_CHECK: &[(u8, &str)] = &[
    (0, "Every rule passes its own examples and counter-examples"),
    (1, "At least one example or counter-example fails"),
    (2, "The rules could not be loaded"),
];

const RULES: &[(u8, &str)] = &[
    (0, "Done"),
    (1, "`check`: at least one example or counter-example fails"),
    (2, "The rules could not be loaded, or no rule has the id"),
];

const PRINT: &[(u8, &str)] =
    &[(0, "Done"), (2, "The command failed: invalid arguments, or output that cannot be written")];

const INSTALL: &[(u8, &str)] = &[
    (0, "Done"),
    (2, "The command failed: invalid arguments, not a repository, a hook that cannot be written"),
];

const FLEET_PLAN: &[(u8, &str)] = &[
    (0, "Every folder was searched"),
    (2, "The search could not be done: invalid arguments, a root that cannot be read"),
    (3, "The plan was printed, but it is empty or something could not be searched; the plan names it"),
];

const FLEET_AUDIT: &[(u8, &str)] = &[
    (0, "No findings, and every repository of the shard was audited completely"),
    (1, "At least one finding"),
    (2, "The audits could not be done: invalid arguments, no plan, results that cannot be kept"),
    (3, "No findings, but a repository failed, was not audited completely or not reached"),
];

const FLEET_REPORT: &[(u8, &str)] = &[
    (0, "No findings, and every repository of the plan was audited completely, once"),
    (1, "At least one finding, whether or not the plan is covered"),
    (2, "The report could not be made: invalid arguments, no state directory"),
    (3, "No findings, but the plan is not covered; the report lists what is missing"),
];

const FLEET: &[(u8, &str)] = &[
    (0, "Done, completely, and without findings"),
    (1, "`audit`, `report`: at least one finding"),
    (2, "The command failed: invalid arguments, no plan, results that cannot be kept"),
    (3, "No findings, but something is missing; the output lists it"),
];

const NOTES: &[Notes] = &[
    Notes {
        command: "friskey",
        examples: &[
            ("Scan the current directory", "friskey scan"),
            ("Check every commit before it is made", "friskey hook install"),
            ("Audit the whole history of a repository", "friskey history path/to/repo"),
        ],
        statuses: SCAN,
    },
    Notes {
        command: "friskey scan",
        examples: &[
            ("Scan the current directory", "friskey scan"),
            ("Scan standard input", "git diff | friskey scan -"),
            (
                "Write a SARIF report and print the findings",
                "friskey scan --format human --output sarif=friskey.sarif",
            ),
            (
                "Scan ignored files too, except those in `vendor`",
                "friskey scan --no-ignore --exclude vendor/",
            ),
        ],
        statuses: SCAN,
    },
    Notes {
        command: "friskey staged",
        examples: &[
            ("Scan what the next commit would contain", "friskey staged"),
            ("Scan the staged content of one file", "friskey staged src/config.py"),
        ],
        statuses: SCAN,
    },
    Notes {
        command: "friskey history",
        examples: &[
            ("Audit the repository around the current directory", "friskey history"),
            ("Audit what a branch adds to main", "friskey history --range origin/main..HEAD"),
            (
                "Write an HTML report on a bare repository",
                "friskey history repo.git --output html=audit.html",
            ),
        ],
        statuses: SCAN,
    },
    Notes {
        command: "friskey ci",
        examples: &[
            ("Scan the commits of the current CI event", "friskey ci"),
            (
                "Give the range on a CI system that friskey does not know",
                "friskey ci --base origin/main --head HEAD",
            ),
            ("Write a SARIF report", "friskey ci --output sarif=friskey.sarif"),
        ],
        statuses: SCAN,
    },
    Notes {
        command: "friskey fleet",
        examples: &[
            ("Plan the audit of all mirrors below a folder", "friskey fleet plan /srv/mirrors > fleet.json"),
            ("Audit them", "friskey fleet audit fleet.json --state results"),
            ("Report on all of them", "friskey fleet report results"),
        ],
        statuses: FLEET,
    },
    Notes {
        command: "friskey fleet plan",
        examples: &[(
            "Plan the audit of all mirrors below a folder",
            "friskey fleet plan /srv/mirrors > fleet.json",
        )],
        statuses: FLEET_PLAN,
    },
    Notes {
        command: "friskey fleet audit",
        examples: &[
            ("Audit all repositories of a plan", "friskey fleet audit fleet.json --state results"),
            (
                "Audit the part that an engine's job stands for, e.g. a task of a Slurm array",
                "friskey fleet audit fleet.json --state results --shard auto",
            ),
        ],
        statuses: FLEET_AUDIT,
    },
    Notes {
        command: "friskey fleet report",
        examples: &[
            ("Report on all repositories", "friskey fleet report results"),
            (
                "Join results of two machines, and write SARIF with a run for each repository",
                "friskey fleet report results-1 results-2 --output sarif=fleet.sarif",
            ),
        ],
        statuses: FLEET_REPORT,
    },
    Notes {
        command: "friskey hook",
        examples: &[
            ("Install the default hooks", "friskey hook install"),
            ("See which hooks run friskey", "friskey hook status"),
        ],
        statuses: HOOK,
    },
    Notes {
        command: "friskey hook install",
        examples: &[
            ("Install the default hooks in the current repository", "friskey hook install"),
            (
                "Install only the pre-commit and pre-push hooks",
                "friskey hook install --hook pre-commit,pre-push",
            ),
            ("Install the pre-receive hook on a server", "friskey hook install /srv/git/project.git"),
        ],
        statuses: INSTALL,
    },
    Notes {
        command: "friskey hook status",
        examples: &[("See which hooks of the current repository run friskey", "friskey hook status")],
        statuses: HOOK_STATUS,
    },
    Notes {
        command: "friskey hook uninstall",
        examples: &[
            ("Remove all of friskey's hooks", "friskey hook uninstall"),
            ("Remove only the pre-push hook", "friskey hook uninstall --hook pre-push"),
        ],
        statuses: INSTALL,
    },
    Notes {
        command: "friskey hook run",
        examples: &[
            ("Call friskey from your own pre-commit hook", "friskey hook run pre-commit"),
            ("Call friskey from your own commit-msg hook", "friskey hook run commit-msg -- \"$@\""),
        ],
        statuses: HOOK_RUN,
    },
    Notes {
        command: "friskey trace",
        examples: &[
            ("Paste the key at a hidden prompt", "friskey trace"),
            ("Take the key from an environment variable", "friskey trace --env OPENAI_API_KEY"),
            ("Select the key by the fingerprint in a report", "friskey trace --fingerprint 3c1f09ab"),
            ("Select the key by its last four characters", "friskey trace --last-four x9KA"),
        ],
        statuses: TRACE,
    },
    Notes {
        command: "friskey prove",
        examples: &[
            (
                "Prove that a fresh mirror clone has nothing left of what was purged",
                "friskey prove check.git --report purge.json",
            ),
            (
                "Write the proof as JSON",
                "friskey prove check.git --report purge.json --format json > proof.json",
            ),
        ],
        statuses: PROVE,
    },
    Notes {
        command: "friskey verify",
        examples: &[
            (
                "Verify the keys in a report, with the admin key in OPENAI_ADMIN_KEY",
                "friskey verify report.json",
            ),
            (
                "Audit this repository and write a page with the result",
                "friskey verify --output html=verified.html",
            ),
            (
                "Paste a leaked key at a hidden prompt",
                "friskey verify - --admin-key-file ~/.openai-admin-key",
            ),
            ("Also ask with the leaked keys themselves", "friskey verify report.json --send-key"),
        ],
        statuses: VERIFY,
    },
    Notes {
        command: "friskey revoke",
        examples: &[
            (
                "Show which key of the organization would be deleted",
                "friskey revoke report.json --key 3c1f09ab",
            ),
            (
                "Delete it, and keep its costs and audit log",
                "friskey revoke report.json --key 3c1f09ab --yes key_Qm3vX9 --evidence evidence.json",
            ),
            (
                "Put a new key into a GitHub secret first, and then delete the leaked one",
                "friskey revoke --key 3c1f09ab --yes key_Qm3vX9 --replace --to 'gh secret set API_KEY'",
            ),
            (
                "Show what would be reported to OpenAI of a key that no admin key reaches",
                "friskey revoke report.json --key 3c1f09ab --report",
            ),
        ],
        statuses: REVOKE,
    },
    Notes {
        command: "friskey purge",
        examples: &[
            ("Show what would be rewritten", "friskey purge --dry-run project.git"),
            (
                "Write a repository without any leaked key, and a report for `friskey prove`",
                "friskey purge project.git --into purged.git --report purge.json",
            ),
            (
                "Purge one key, by its fingerprint in a report",
                "friskey purge --into ../purged.git --key 3c1f09ab",
            ),
        ],
        statuses: PURGE,
    },
    Notes {
        command: "friskey keys",
        examples: &[
            ("List all keys, with the admin key in OPENAI_ADMIN_KEY", "friskey keys"),
            ("Mark keys that are older than half a year", "friskey keys --max-age 180"),
            ("In a scheduled job, print nothing if nothing is due", "friskey keys --quiet --format json"),
        ],
        statuses: KEYS,
    },
    Notes {
        command: "friskey baseline",
        examples: &[
            ("Accept all keys that a scan finds now", "friskey baseline create --reason 'revoked test keys'"),
            ("Look for entries that can be dropped", "friskey baseline check"),
        ],
        statuses: BASELINE,
    },
    Notes {
        command: "friskey baseline add",
        examples: &[
            (
                "Accept all keys in a report",
                "friskey baseline add --from report.json --reason 'revoked' --owner security",
            ),
            (
                "Accept one key of a report, in test data only",
                "friskey baseline add 3c1f09ab --from report.json --path 'tests/**' --reason 'example'",
            ),
        ],
        statuses: &[
            (0, "Done"),
            (
                2,
                "The command failed: invalid arguments, an unreadable report, a baseline that cannot be written",
            ),
        ],
    },
    Notes {
        command: "friskey baseline create",
        examples: &[
            ("Accept all keys that a scan finds now", "friskey baseline create --reason 'revoked test keys'"),
            (
                "Accept them until a date",
                "friskey baseline create --reason 'rotation is planned' --expires 2030-01-31",
            ),
        ],
        statuses: BASELINE_SCAN,
    },
    Notes {
        command: "friskey baseline update",
        examples: &[
            ("Accept new keys too", "friskey baseline update --reason 'revoked test keys'"),
            ("Drop entries that are no longer needed", "friskey baseline update --prune"),
        ],
        statuses: BASELINE_SCAN,
    },
    Notes {
        command: "friskey baseline check",
        examples: &[("Look for expired and stale entries", "friskey baseline check")],
        statuses: BASELINE_CHECK,
    },
    Notes {
        command: "friskey explain",
        examples: &[
            ("Paste the text at a hidden prompt", "friskey explain"),
            ("Explain the contents of a file as JSON", "friskey explain --json < .env"),
        ],
        statuses: EXPLAIN,
    },
    Notes {
        command: "friskey rules",
        examples: &[
            ("List the rules in force", "friskey rules list"),
            ("Test your own rules", "friskey rules check --rules my-rules.toml"),
        ],
        statuses: RULES,
    },
    Notes {
        command: "friskey rules list",
        examples: &[
            ("List the built-in rules and the configured ones", "friskey rules list"),
            ("List the built-in rules only", "friskey rules list --no-config"),
        ],
        statuses: &[(0, "Done"), (2, "The rules could not be loaded")],
    },
    Notes {
        command: "friskey rules show",
        examples: &[("Show one rule", "friskey rules show openai-project-key")],
        statuses: &[(0, "Done"), (2, "The rules could not be loaded, or no rule has the id")],
    },
    Notes {
        command: "friskey rules check",
        examples: &[
            ("Test the rules in force", "friskey rules check"),
            ("Test your own rules too", "friskey rules check --rules my-rules.toml"),
        ],
        statuses: RULES_CHECK,
    },
    Notes {
        command: "friskey completions",
        examples: &[
            ("Enable completions in the current bash", "eval \"$(friskey completions bash)\""),
            (
                "Install completions for fish",
                "friskey completions fish > ~/.config/fish/completions/friskey.fish",
            ),
        ],
        statuses: PRINT,
    },
    Notes {
        command: "friskey man",
        examples: &[
            ("Write the manual page to a file", "friskey man > friskey.1"),
            ("Write a page for each command", "friskey man --dir man1"),
        ],
        statuses: PRINT,
    },
];
