//! Tests `friskey ci` with the variables and payloads that CI systems set, on clones like theirs.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Scratch, key, leak, report, run, sarif_report};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A remote `r` and what CI checks out of it, `ci`.
struct Site {
    scratch: Scratch,
}

impl Site {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.repository("r");
        Self { scratch }
    }

    /// Commits a file with a key, or without.
    fn commit(&self, file: &str, number: Option<u64>) -> String {
        let text = number.map_or_else(|| "nothing\n".to_owned(), |number| format!("{}\n", key(number)));
        self.scratch.write(&format!("r/{file}"), text);
        self.scratch.commit("r", file)
    }

    fn git(&self, args: &[&str]) -> String {
        self.scratch.git("r", args)
    }

    /// Checks out as actions/checkout does: all branches as those of `origin`, a detached HEAD.
    fn checkout(&self, commit: &str, more: &[&str]) {
        let _ = std::fs::remove_dir_all(self.scratch.path("ci"));
        std::fs::create_dir_all(self.scratch.path("ci")).unwrap();
        let url = format!("file://{}", self.scratch.path("r").display());
        self.scratch.git("ci", &["init", "-q", "-b", "main"]);
        self.scratch.git("ci", &["remote", "add", "origin", &url]);
        let refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        self.scratch.git("ci", &[&["fetch", "-q", "--no-tags"], more, &["origin"], &refs].concat());
        self.scratch.git("ci", &["checkout", "-q", "--detach", commit]);
    }

    fn friskey(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        let mut command = self.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
        command.args(["ci", "--output", "json=../report.json"]).args(args).envs(variables.iter().copied());
        run(&mut command, b"")
    }

    /// Status, report and range of a GitHub event.
    fn github(&self, event: &str, payload: &Value) -> (i32, Value) {
        let path = self.scratch.write("event.json", payload.to_string());
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ];
        self.outcome(&self.friskey(&variables, &[]))
    }

    fn outcome(&self, output: &Output) -> (i32, Value) {
        let text = std::fs::read(self.scratch.path("report.json")).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["command"], "ci");
        let note = report["notes"][0].as_str().unwrap();
        assert!(note.starts_with("range: "), "{note}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(note), "{note}");
        (output.status.code().unwrap(), report)
    }
}

fn push(before: &str, after: &str, name: &str) -> Value {
    json!({"before": before, "after": after, "ref": name, "deleted": after == ZERO, "commits": [],
           "repository": {"default_branch": "main"}})
}

fn found(report: &Value, numbers: &[u64]) -> Vec<u64> {
    let known = report["leaks"].as_array().unwrap().len();
    let found: Vec<u64> =
        numbers.iter().copied().filter(|&number| leak(report, &key(number)).is_some()).collect();
    assert_eq!(found.len(), known, "nothing else is found");
    found
}

#[test]
fn a_push_is_its_commits_and_their_messages() {
    let site = Site::new();
    let before = site.commit("old", Some(1));
    site.commit("in", Some(2));
    site.git(&["rm", "-q", "in"]);
    site.scratch.commit("r", &format!("out, {}", key(3)));
    let after = site.commit("clean", None);
    site.checkout(&after, &[]);
    let (status, report) = site.github("push", &push(&before, &after, "refs/heads/main"));
    assert_eq!((status, found(&report, &[1, 2, 3])), (1, vec![2, 3]));
    assert_eq!(report["coverage"]["commits"], 3);
    assert!(
        report["notes"][0].as_str().unwrap().starts_with(&format!("range: {before}..{after} (GitHub push"))
    );
    let (status, report) =
        site.github("push", &push(&site.git(&["rev-parse", "HEAD~1"]), &after, "refs/heads/main"));
    assert_eq!((status, report["coverage"]["commits"].as_u64()), (0, Some(1)));
}

#[test]
fn a_new_branch_is_what_the_default_branch_has_not() {
    let site = Site::new();
    site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    let tip = site.commit("new", Some(2));
    // pushed together with it, at the same commit
    site.git(&["branch", "y"]);
    site.checkout(&tip, &[]);
    for name in ["x", "y"] {
        let (status, report) = site.github("push", &push(ZERO, &tip, &format!("refs/heads/{name}")));
        assert_eq!((status, found(&report, &[1, 2])), (1, vec![2]));
        let note = report["notes"][0].as_str().unwrap();
        assert!(
            note.ends_with(
                "everything that the default branch, main, lacks, even if other branches have it)"
            ),
            "{note}"
        );
    }
    // a branch at the tip of the default branch adds nothing
    let main = site.git(&["rev-parse", "main"]);
    let (status, report) = site.github("push", &push(ZERO, &main, "refs/heads/z"));
    assert_eq!((status, report["coverage"]["commits"].as_u64()), (0, Some(0)));
    // the very first push adds everything
    let (status, report) = site.github("push", &push(ZERO, &main, "refs/heads/main"));
    assert_eq!((status, found(&report, &[1])), (1, vec![1]));
}

#[test]
fn refs_that_are_pushed_together_leave_nothing_to_each_other() {
    let site = Site::new();
    site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    site.commit("common", Some(2));
    site.git(&["branch", "y"]);
    let x = site.commit("x", Some(3));
    site.git(&["checkout", "-q", "y"]);
    let y = site.commit("y", Some(4));
    site.git(&["tag", "v1"]);
    site.git(&["checkout", "-q", "-b", "z"]);
    let z = site.commit("z", Some(5));
    site.checkout(&x, &[]);
    for (name, tip, keys) in [
        ("refs/heads/x", &x, &[2, 3][..]),
        ("refs/heads/y", &y, &[2, 4]),
        // Nothing shows whether y, on which it is based, was ever scanned.
        ("refs/heads/z", &z, &[2, 4, 5]),
        ("refs/tags/v1", &y, &[2, 4]),
    ] {
        let (_, report) = site.github("push", &push(ZERO, tip, name));
        assert_eq!(found(&report, &[1, 2, 3, 4, 5]), keys, "{name}");
    }
    // The default branch has its own run, which looks at what came with it.
    let before = site.git(&["rev-parse", "main"]);
    site.git(&["branch", "-f", "main", &x]);
    site.checkout(&x, &[]);
    assert_eq!(found(&site.github("push", &push(ZERO, &y, "refs/heads/y")).1, &[4]), [4]);
    assert_eq!(found(&site.github("push", &push(&before, &x, "refs/heads/main")).1, &[2, 3]), [2, 3]);
}

#[test]
fn a_forced_push_falls_back_to_the_default_branch() {
    let site = Site::new();
    let main = site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    let gone = site.commit("gone", Some(2));
    site.git(&["reset", "-q", "--hard", "main"]);
    let after = site.commit("after", Some(3));
    site.checkout(&after, &[]);
    let (status, report) = site.github("push", &push(&gone, &after, "refs/heads/x"));
    assert_eq!((status, found(&report, &[1, 2, 3])), (1, vec![3]));
    assert!(report["notes"][0].as_str().unwrap().contains("removed by a force-push"));
    // The default branch itself, or no default branch: all that there is.
    let (status, report) = site.github("push", &push(&gone, &main, "refs/heads/main"));
    assert_eq!((status, found(&report, &[1])), (1, vec![1]));
    site.git(&["branch", "-q", "-D", "main"]);
    site.checkout(&after, &[]);
    let (status, report) = site.github("push", &push(&gone, &after, "refs/heads/x"));
    assert_eq!((status, found(&report, &[1, 3])), (1, vec![1, 3]));
    assert!(report["notes"][0].as_str().unwrap().contains("so its whole history"));
    // If the base is missing, nothing is known about it, and the message says so.
    let output = site.friskey(&[], &["--base", &gone]);
    assert_eq!(output.status.code(), Some(3));
    let text = site.outcome(&output).1.to_string();
    assert!(text.contains(&format!("git fetch origin {gone}")) && text.contains("fetch-depth: 0"), "{text}");
}

#[test]
fn only_a_whole_answer_has_the_category_of_the_history() {
    let site = Site::new();
    let before = site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    let after = site.commit("new", Some(2));
    site.checkout(&after, &[]);
    let request = json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}});
    let category = || {
        let sarif = sarif_report(site.scratch.path("ci/report.sarif"));
        sarif["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned()
    };
    for (event, payload, expected) in [
        ("schedule", json!({}), "friskey/history/"),
        ("pull_request", request.clone(), "friskey/history/"),
        ("pull_request_target", request, "friskey/ci/"),
        ("push", push(&before, &after, "refs/heads/x"), "friskey/ci/"),
        ("delete", json!({}), "friskey/ci/"),
    ] {
        let path = site.scratch.write("event.json", payload.to_string());
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ];
        site.friskey(&variables, &["--output", "sarif=report.sarif"]);
        assert_eq!(category(), expected, "{event}");
    }
    let range = format!("{before}..");
    for (args, expected) in [(&["history"][..], "history"), (&["history", "--range", &range], "range")] {
        let output = site.scratch.friskey("ci", &[args, &["--output", "sarif=report.sarif"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(category(), format!("friskey/{expected}/"));
    }
}

#[test]
fn deletions_and_tags() {
    let site = Site::new();
    let main = site.commit("old", Some(1));
    site.git(&["tag", "-a", "v1", "-m", &format!("release {}", key(2))]);
    site.git(&["tag", "plain"]);
    let tag = site.git(&["rev-parse", "v1"]);
    site.checkout(&main, &[]);
    let (status, report) = site.github("push", &push(&main, ZERO, "refs/heads/x"));
    assert_eq!((status, report["status"].as_str()), (0, Some("clean")));
    assert_eq!(site.github("delete", &json!({"ref": "x"})).0, 0);
    let (status, report) = site.github("push", &push(ZERO, &tag, "refs/tags/v1"));
    assert_eq!((status, found(&report, &[1, 2])), (1, vec![2]));
    assert_eq!(site.github("push", &push(ZERO, &main, "refs/tags/plain")).0, 0);
}

#[test]
fn requests_begin_at_the_merge_base() {
    let site = Site::new();
    let start = site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    let head = site.commit("new", Some(2));
    site.git(&["checkout", "-q", "main"]);
    let base = site.commit("meanwhile", Some(3));
    // GitHub's own merge of both, which is what is checked out
    site.git(&["checkout", "-q", "--detach"]);
    site.git(&["merge", "-q", "--no-ff", "-m", "merge", "x"]);
    let merge = site.git(&["rev-parse", "HEAD"]);
    site.git(&["update-ref", "refs/pull/1/merge", &merge]);
    site.git(&["checkout", "-q", "main"]);
    let request = |fork: bool, base: &str, head: &str| json!({"pull_request": {"base": {"sha": base}, "head": {"sha": head, "repo": {"fork": fork}}}});
    site.checkout(&base, &[]);
    for event in ["pull_request", "pull_request_target"] {
        let (status, report) = site.github(event, &request(false, &base, &head));
        assert_eq!((status, found(&report, &[1, 2, 3])), (1, vec![2]), "{event}");
    }
    let queue = json!({"merge_group": {"base_sha": base, "head_sha": head}});
    assert_eq!(found(&site.github("merge_group", &queue).1, &[2]), [2]);
    // from a fork: the head is in no branch, only in the merge
    site.git(&["branch", "-q", "-D", "x"]);
    site.checkout(&base, &[]);
    assert_eq!(site.github("pull_request_target", &request(true, &base, &head)).0, 3, "it was not fetched");
    site.scratch.git("ci", &["fetch", "-q", "origin", "refs/pull/1/merge"]);
    let (status, report) = site.github("pull_request", &request(true, &start, &head));
    assert_eq!((status, found(&report, &[2])), (1, vec![2]));
}

#[test]
fn events_without_a_range_are_about_all() {
    let site = Site::new();
    site.commit("old", Some(1));
    let tip = site.commit("new", Some(2));
    site.checkout(&tip, &[]);
    for event in ["schedule", "workflow_dispatch", "release"] {
        let (status, report) = site.github(event, &json!({}));
        assert_eq!((status, found(&report, &[1, 2])), (1, vec![1, 2]), "{event}");
        assert!(report["notes"][0].as_str().unwrap().starts_with("range: whole history (GitHub "));
    }
    assert_eq!(site.outcome(&site.friskey(&[], &[])).1["leaks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_shallow_clone_is_never_clean_and_the_report_says_what_to_do() {
    let site = Site::new();
    let before = site.commit("old", None);
    site.commit("middle", Some(1));
    let after = site.commit("new", None);
    for depth in ["--depth=1", "--depth=2"] {
        site.checkout(&after, &[depth]);
        for (event, payload) in [
            ("push", push(&before, &after, "refs/heads/main")),
            ("push", push(ZERO, &after, "refs/heads/x")),
            ("pull_request", json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}})),
            ("schedule", json!({})),
        ] {
            let (status, report) = site.github(event, &payload);
            if status == 0 && report["coverage"]["commits"] == 0 {
                // A branch at the tip of main adds nothing, however much is available.
                continue;
            }
            let text = report.to_string();
            assert!(
                // What is available may contain a key that is found.
                text.contains("fetch-depth: 0") && (status == 3 || status == 1),
                "{event} {text}"
            );
        }
    }
    let variables =
        [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &*after), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*before)];
    site.checkout(&after, &["--depth=1"]);
    let (status, report) = site.outcome(&site.friskey(&variables, &[]));
    assert!(status == 3 && report["notes"].to_string().contains("GIT_DEPTH: 0"), "{report}");
}

#[test]
fn gitlab_and_a_plain_range() {
    let site = Site::new();
    let before = site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "x"]);
    let after = site.commit("new", Some(2));
    site.checkout(&after, &[]);
    let common = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &*after), ("CI_COMMIT_BRANCH", "x")];
    for event in [
        vec![("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*before)],
        vec![("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &*before)],
        vec![("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", ZERO), ("CI_DEFAULT_BRANCH", "main")],
    ] {
        let (status, report) = site.outcome(&site.friskey(&[&common[..], &event].concat(), &[]));
        assert_eq!((status, found(&report, &[1, 2])), (1, vec![2]), "{event:?}");
    }
    for args in [&["--base", "origin/main"][..], &["--base", &before, "--head", "origin/x"]] {
        let (status, report) = site.outcome(&site.friskey(&[("CIRCLECI", "true")], args));
        assert_eq!((status, found(&report, &[2])), (1, vec![2]), "{args:?}");
    }
    // nothing before, and no name: its whole history
    let (_, report) = site.outcome(&site.friskey(&[("CIRCLECI", "true")], &["--base", ZERO]));
    assert_eq!(found(&report, &[1, 2]), [1, 2]);
    assert_eq!(site.friskey(&[], &["--base", "nowhere"]).status.code(), Some(3));
    assert_eq!(site.friskey(&[], &["--base", "--all"]).status.code(), Some(2));
}

#[test]
fn annotations_summary_and_events_that_cannot_be_read() {
    let site = Site::new();
    let tip = site.commit("file", Some(1));
    site.checkout(&tip, &[]);
    let summary = site.scratch.write("summary.md", "before\n");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "schedule"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let stdout = |args: &[&str]| String::from_utf8(site.friskey(&github, args).stdout).unwrap();
    assert!(stdout(&[]).contains("::error file=file,line=1"));
    let written = std::fs::read_to_string(&summary).unwrap();
    assert!(written.starts_with("before\n## friskey: 1 leak"), "{written}");
    assert!(!written.contains(&key(1)));
    assert!(!stdout(&["--format", "human", "--no-step-summary"]).contains("::error"));
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), written);
    assert_eq!(report(&site.friskey(&github, &["--format", "json"]))["command"], "ci");
    let bad = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")];
    assert_eq!(site.friskey(&bad, &[]).status.code(), Some(2));
    for text in ["", "{", "{}", "[]"] {
        let path = site.scratch.write("event.json", text);
        let bad = [&bad[..], &[("GITHUB_EVENT_PATH", path.to_str().unwrap())]].concat();
        let output = site.friskey(&bad, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_branch_named_like_a_key_is_not_repeated() {
    let site = Site::new();
    let tip = site.commit("file", None);
    site.checkout(&tip, &[]);
    let name = key(7);
    let variables = [("JENKINS_URL", "x"), ("GIT_COMMIT", &*tip), ("CHANGE_TARGET", &*name)];
    let output = site.friskey(&variables, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains(&name[10..40]));
}

#[test]
fn a_change_cannot_exempt_itself() {
    let site = Site::new();
    site.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\nbaseline = 'conf/accepted.toml'\n");
    let entry = |number| {
        let fingerprint = crate::support::fingerprint(&key(number));
        format!(
            "[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'known'\n"
        )
    };
    site.scratch.write("r/conf/accepted.toml", format!("version = 1\n{}", entry(1)));
    let before = site.scratch.commit("r", "configured");
    site.scratch.write("r/friskey.toml", "exclude = ['*']\nbaseline = 'conf/accepted.toml'\n");
    site.scratch.write("r/conf/accepted.toml", format!("version = 1\n{}{}", entry(1), entry(2)));
    site.commit("vendor/a", Some(3));
    site.commit("one", Some(1));
    let after = site.commit("two", Some(2));
    site.checkout(&after, &[]);
    let (status, report) = site.github("push", &push(&before, &after, "refs/heads/main"));
    let notes = report["notes"].to_string();
    assert_eq!((status, found(&report, &[1, 2, 3])), (1, vec![1, 2]), "{notes}");
    assert_eq!(report["suppressed"], 1, "{notes}");
    assert!(notes.contains(&format!("configuration: {before}:friskey.toml")), "{notes}");
    assert!(notes.contains(&format!("baseline: {before}:conf/accepted.toml (1 entry)")), "{notes}");
    // also if the named file is tracked by git, unless `--policy-from` says otherwise
    let args = ["--base", &before, "--config", "friskey.toml"];
    assert_eq!(site.outcome(&site.friskey(&[], &args)).0, 1);
    let args = ["--base", &before, "--config", "friskey.toml", "--policy-from", "checkout"];
    assert_eq!(site.outcome(&site.friskey(&[], &args)).0, 0);
    let args = ["--base", &before, "--no-suppress"];
    assert_eq!(site.outcome(&site.friskey(&[], &args)).1["suppressed"], 0);
    // no base, no excuse
    let (_, report) = site.github("push", &push(ZERO, &after, "refs/heads/main"));
    assert_eq!(found(&report, &[1, 2, 3]), [1, 2, 3]);
    assert!(
        report["notes"]
            .to_string()
            .contains("no configuration, baseline, rules or ignore files of the repository are used")
    );
    // a base that leads out of the repository
    site.scratch.write("r/friskey.toml", "rules = ['../elsewhere.toml']\n");
    let base = site.scratch.commit("r", "out");
    site.checkout(&base, &[]);
    let output = site.friskey(&[], &["--base", &base]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("not inside the repository"), "{said}");
}

#[test]
fn a_new_tag_is_scanned_for_commits_that_no_run_may_have_scanned() {
    let site = Site::new();
    site.commit("old", Some(1));
    site.git(&["checkout", "-q", "-b", "wip"]);
    site.commit("skipped", Some(2));
    site.git(&["checkout", "-q", "-b", "release"]);
    let tip = site.commit("release", None);
    site.git(&["tag", "-a", "v1", "-m", "v1"]);
    let tag = site.git(&["rev-parse", "v1"]);
    site.checkout(&tip, &[]);
    for (name, id) in [("refs/tags/v1", &tag), ("refs/heads/release", &tip)] {
        let (status, report) = site.github("push", &push(ZERO, id, name));
        assert_eq!((status, found(&report, &[1, 2])), (1, vec![2]), "{name}");
        assert!(report["notes"][0].as_str().unwrap().contains("even if other branches have it"), "{report}");
    }
}

/// An exclude for everything, a baseline for key `number`, and an ignore file: a change that excuses itself.
fn excuse(site: &Site, number: u64) {
    let fingerprint = crate::support::fingerprint(&key(number));
    let entry =
        format!("[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'x'\n");
    site.scratch.write("r/friskey.toml", "exclude = ['*']\n");
    site.scratch.write("r/.friskey-baseline.toml", format!("version = 1\n{entry}"));
    site.scratch.write("r/.gitignore", "*.env\n");
}

#[test]
fn no_command_obeys_the_change_that_it_looks_at() {
    let site = Site::new();
    let before = site.commit("old", None);
    site.git(&["checkout", "-q", "-b", "x"]);
    excuse(&site, 1);
    let excused = site.scratch.commit("r", "first push: the excuse");
    site.commit("a.env", Some(1));
    site.git(&["add", "-f", "a.env"]);
    let after = site.scratch.commit("r", "second push: the key");
    let request = json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}});
    let queue = json!({"merge_group": {"base_sha": before, "head_sha": after}});
    let elsewhere = json!({"repository": {"default_branch": "main"}});
    for (event, payload, known) in [
        ("pull_request", request.clone(), true),
        ("pull_request_review", request, true),
        ("merge_group", queue, true),
        // Pushed twice: the second push is not judged by the first.
        ("push", push(&excused, &after, "refs/heads/x"), true),
        ("push", push(ZERO, &after, "refs/heads/x"), true),
        ("workflow_dispatch", elsewhere, true),
        (
            "pull_request",
            json!({"pull_request": {"base": {"sha": "12".repeat(20)}, "head": {"sha": after}}}),
            false,
        ),
        ("push", json!({}), false),
    ] {
        site.checkout(&after, &[]);
        let path = site.scratch.write("event.json", payload.to_string());
        for command in [&["scan"][..], &["history"], &["ci"]] {
            if command == ["ci"] && (!known || event == "pull_request_review" || event == "workflow_dispatch")
            {
                continue;
            }
            let mut friskey = site.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
            friskey.args(command).args(["--policy-from", "event", "--format", "json", "."]);
            friskey.envs([
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_EVENT_NAME", event),
                ("GITHUB_REF", "refs/heads/x"),
            ]);
            let output = run(friskey.env("GITHUB_EVENT_PATH", &path), b"");
            let report = report(&output);
            let notes = report["notes"].to_string();
            assert_eq!(output.status.code(), Some(1), "{event} {command:?}: {notes}");
            assert_eq!(found(&report, &[1]), [1]);
            let expected =
                if known { "configuration, baseline and rules are those of" } else { "are used: " };
            assert!(notes.contains(expected), "{event} {command:?}: {notes}");
        }
    }
    // What is checked out counts where that is asked for, or where it is the default branch.
    let clean = |args: &[&str]| site.scratch.friskey("ci", args).status.code();
    assert_eq!(clean(&["history", "--policy-from", "checkout"]), Some(0));
    assert_eq!(clean(&["history", "--policy-from", &excused]), Some(0));
    assert_eq!(clean(&["history", "--policy-from", &before]), Some(1));
    assert_eq!(clean(&["history", "--policy-from", "nowhere"]), Some(2));
    assert_eq!(clean(&["history", "--policy-from", "event"]), Some(2), "there is no event here");
}

#[test]
fn the_base_may_narrow_a_scan_and_named_files_of_the_workflow_too() {
    let site = Site::new();
    site.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\n");
    let before = site.scratch.commit("r", "configured");
    site.git(&["checkout", "-q", "-b", "x"]);
    site.commit("vendor/a", Some(1));
    site.scratch.write("r/own.toml", "exclude = ['*']\n");
    let after = site.commit("b", Some(2));
    site.checkout(&after, &[]);
    let numbers = |args: &[&str]| {
        let args = [&["scan", "--policy-from", &before, "--format", "json"], args].concat();
        let report = report(&site.scratch.friskey("ci", &args));
        (found(&report, &[1, 2]), report["notes"].to_string())
    };
    assert_eq!(numbers(&[]).0, [2]);
    // The change brought it, so it does not count; a step of the workflow did, so it does.
    let (keys, notes) = numbers(&["--config", "own.toml"]);
    assert!(keys == [1, 2] && notes.contains("own.toml is not used"), "{notes}");
    site.scratch.write("ci/made.toml", "exclude = ['/b']\n");
    assert_eq!(numbers(&["--config", "made.toml"]).0, [1]);
    let outside = site.scratch.write("outside.toml", "exclude = ['/b']\n");
    assert_eq!(numbers(&["--config", outside.to_str().unwrap()]).0, [1]);
    // In a directory below and by another spelling it is the same file.
    let args = ["scan", "--policy-from", &before, "--format", "json", "--config", "../own.toml", ".."];
    assert_eq!(found(&report(&site.scratch.friskey("ci/vendor", &args)), &[1, 2]), [1, 2]);
}

#[test]
fn markers_that_count_are_named() {
    let site = Site::new();
    let before = site.git(&["rev-parse", "HEAD"]);
    site.scratch.write("r/a", format!("{} # friskey:allow test\n", key(1)));
    let after = site.scratch.commit("r", "marked");
    site.checkout(&after, &[]);
    let (status, report) = site.github("push", &push(&before, &after, "refs/heads/main"));
    let notes = report["notes"].to_string();
    assert!(status == 0 && notes.contains("accepted by a marker in what is scanned: a:1"), "{notes}");
}

#[test]
fn every_marker_that_accepted_a_finding_is_named() {
    let site = Site::new();
    let before = site.git(&["rev-parse", "HEAD"]);
    for number in 10..35 {
        site.scratch.write(&format!("r/m{number}"), format!("{} # friskey:allow test\n", key(number)));
    }
    let after = site.scratch.commit("r", "marked");
    site.checkout(&after, &[]);
    for format in ["human", "github", "json"] {
        let output = site.scratch.friskey("ci", &["ci", "--base", &before, "--format", format]);
        let text = String::from_utf8_lossy(&output.stdout);
        for number in 10..35 {
            assert!(text.contains(&format!("m{number}:1")), "{format} m{number}: {text}");
        }
    }
}

#[test]
fn a_mistake_in_the_configuration_of_the_base_does_not_reject_what_corrects_it() {
    let site = Site::new();
    site.scratch.write("r/friskey.toml", "junk\n");
    let before = site.scratch.commit("r", "broken");
    site.scratch.write("r/friskey.toml", "exclude = []\n");
    let after = site.scratch.commit("r", "mended");
    site.checkout(&after, &[]);
    let output = site.scratch.friskey("ci", &["ci", "--base", &before, "--format", "json"]);
    let notes = report(&output)["notes"].to_string();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(notes.contains("no configuration") && notes.contains("friskey.toml:1"), "{notes}");
}

#[cfg(unix)]
#[test]
fn links_of_the_base_are_followed_within_it() {
    let site = Site::new();
    site.scratch.write("r/conf/f.toml", "exclude = ['/b']\n");
    std::os::unix::fs::symlink("conf/../conf/f.toml", site.scratch.path("r/friskey.toml")).unwrap();
    let before = site.scratch.commit("r", "linked");
    let after = site.commit("b", Some(1));
    site.checkout(&after, &[]);
    let output = site.scratch.friskey("ci", &["ci", "--base", &before, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", report(&output)["notes"]);
}

#[test]
fn runs_without_a_range_take_the_policy_of_the_default_branch() {
    let site = Site::new();
    site.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\n");
    site.scratch.commit("r", "configured");
    site.git(&["checkout", "-q", "-b", "x"]);
    excuse(&site, 1);
    let tip = site.commit("a", Some(1));
    site.checkout(&tip, &[]);
    let gitlab = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &*tip), ("CI_PIPELINE_SOURCE", "schedule")];
    let branch = [("CI_COMMIT_BRANCH", "x"), ("CI_DEFAULT_BRANCH", "main")];
    let tag = [("CI_COMMIT_TAG", "v1"), ("CI_DEFAULT_BRANCH", "main")];
    let (azure, circle) =
        ([("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/heads/x")], [("CIRCLECI", "true")]);
    let variables = [&[&gitlab[..], &branch].concat()[..], &[&gitlab[..], &tag].concat(), &azure, &circle]
        .map(<[_]>::to_vec);
    for variables in variables {
        let (status, report) = site.outcome(&site.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!((status, found(&report, &[1])), (1, vec![1]), "{variables:?}: {notes}");
        assert!(notes.contains("the default branch, main"), "{variables:?}: {notes}");
    }
    // On the default branch itself nothing is under review.
    site.git(&["checkout", "-q", "main"]);
    site.git(&["merge", "-q", "--ff-only", "x"]);
    site.checkout(&tip, &[]);
    let branch = [("CI_COMMIT_BRANCH", "main"), ("CI_DEFAULT_BRANCH", "main")];
    assert_eq!(site.outcome(&site.friskey(&[&gitlab[..], &branch].concat(), &[])).0, 0);
}

#[test]
fn a_push_to_the_default_branch_cannot_exempt_itself_if_its_previous_state_is_unknown() {
    let site = Site::new();
    site.commit("old", None);
    excuse(&site, 1);
    site.commit("a.env", Some(1));
    site.git(&["add", "-f", "a.env"]);
    let tip = site.scratch.commit("r", "the key and the excuse");
    site.checkout(&tip, &[]);
    let azure = |reason| {
        [("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/heads/main"), ("BUILD_REASON", reason)].to_vec()
    };
    let bitbucket = [("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_BRANCH", "main")].to_vec();
    let circle = [("CIRCLECI", "true"), ("CIRCLE_BRANCH", "main")].to_vec();
    let buildkite = |source| {
        [
            ("BUILDKITE", "true"),
            ("BUILDKITE_BRANCH", "main"),
            ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
            ("BUILDKITE_SOURCE", source),
        ]
        .to_vec()
    };
    let jenkins = [("JENKINS_URL", "x"), ("BRANCH_NAME", "main")].to_vec();
    let gitlab = |source| {
        [
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", &*tip),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", source),
        ]
        .to_vec()
    };
    let pushes = [
        azure("IndividualCI"),
        azure("BatchedCI"),
        azure(""),
        bitbucket,
        circle,
        buildkite("webhook"),
        jenkins,
        gitlab("parent_pipeline"),
    ];
    for variables in pushes {
        let (status, report) = site.outcome(&site.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!((status, found(&report, &[1])), (1, vec![1]), "{variables:?}: {notes}");
        assert!(notes.contains("--policy-from checkout"), "{variables:?}: {notes}");
    }
    // No push starts these, so what is on the branch was there before.
    for variables in [azure("Schedule"), azure("Manual"), buildkite("schedule"), gitlab("schedule")] {
        let (status, report) = site.outcome(&site.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!(status, 0, "{variables:?}: {notes}");
        assert!(notes.contains(&format!("those of {tip} (the default branch, ")), "{variables:?}: {notes}");
    }
    let (status, report) =
        site.outcome(&site.friskey(&azure("IndividualCI"), &["--policy-from", "checkout"]));
    assert!(status == 0 && report["notes"].to_string().contains("those of the checkout"), "{report}");
}

#[test]
fn the_policy_of_a_run_for_the_default_branch_is_the_commits_and_not_the_work_trees() {
    let site = Site::new();
    let tip = site.commit("old", Some(1));
    site.checkout(&tip, &[]);
    // As after `git checkout request -- .`
    site.scratch.write("ci/friskey.toml", "exclude = ['*']\n");
    let path =
        site.scratch.write("event.json", json!({"repository": {"default_branch": "main"}}).to_string());
    for args in [&["scan", "--policy-from", "event"][..], &["ci"], &["history", "--policy-from", "event"]] {
        let mut friskey = site.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
        friskey.args(args).args(["--format", "json", "."]).envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "schedule"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", &tip),
        ]);
        let output = run(friskey.env("GITHUB_EVENT_PATH", &path), b"");
        let report = report(&output);
        assert_eq!((output.status.code(), found(&report, &[1])), (Some(1), vec![1]), "{args:?}");
        let notes = report["notes"].to_string();
        assert!(notes.contains(&format!("configuration, baseline and rules are those of {tip}")), "{notes}");
    }
}

#[test]
fn builds_of_a_branch_in_a_row_are_judged_by_the_default_branch() {
    let site = Site::new();
    site.commit("old", None);
    site.git(&["checkout", "-q", "-b", "x"]);
    excuse(&site, 1);
    let passed = site.scratch.commit("r", "the excuse");
    site.commit("a.env", Some(1));
    site.git(&["add", "-f", "a.env"]);
    let tip = site.scratch.commit("r", "the key");
    site.checkout(&tip, &[]);
    let jenkins = [
        ("JENKINS_URL", "x"),
        ("BRANCH_NAME", "x"),
        ("GIT_COMMIT", &*tip),
        ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &*passed),
    ];
    let (status, report) = site.outcome(&site.friskey(&jenkins, &[]));
    let notes = report["notes"].to_string();
    assert_eq!((status, found(&report, &[1])), (1, vec![1]), "{notes}");
    assert!(notes.contains("the default branch, main"), "{notes}");
    // In a clone of that branch alone, no branch may add the exemption.
    site.scratch.git("ci", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let (status, report) = site.outcome(&site.friskey(&jenkins, &[]));
    let notes = report["notes"].to_string();
    assert_eq!((status, found(&report, &[1])), (1, vec![1]), "{notes}");
    assert!(notes.contains("it is not known which branch is the default one"), "{notes}");
}

#[test]
fn the_default_branch_is_judged_by_its_last_build_that_passed() {
    let site = Site::new();
    site.scratch.write("r/friskey.toml", "exclude = ['*.env']\n");
    let passed = site.scratch.commit("r", "configured");
    let tip = site.commit("a.env", Some(1));
    site.checkout(&tip, &[]);
    for (variable, value) in [("BRANCH_NAME", "main"), ("GIT_BRANCH", "origin/main")] {
        let jenkins = [
            ("JENKINS_URL", "x"),
            (variable, value),
            ("GIT_COMMIT", &*tip),
            ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &*passed),
        ];
        assert_eq!(site.outcome(&site.friskey(&jenkins, &[])).0, 0, "{variable}");
    }
}

#[test]
fn one_push_cannot_exempt_the_next() {
    let site = Site::new();
    site.commit("old", None);
    site.git(&["checkout", "-q", "-b", "x"]);
    site.scratch.write("r/friskey.toml", "exclude = ['*.env']\n");
    site.scratch.commit("r", "excuse");
    let before = site.git(&["rev-parse", "HEAD"]);
    let after = site.commit("a.env", Some(1));
    site.checkout(&after, &[]);
    // as in a clone of a single branch
    site.scratch.git("ci", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let (status, report) = site.github("push", &push(&before, &after, "refs/heads/x"));
    assert_eq!((status, found(&report, &[1])), (1, vec![1]), "{}", report["notes"]);
}
