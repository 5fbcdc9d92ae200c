//! Tests which commits `friskey ci` scans, with the variables and payloads that CI systems set, on clones like theirs.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Scratch, key, leak, report, run, sarif_report};

/// The id in a payload for a ref that does not exist before or after the push.
pub(crate) const ZERO_ID: &str = "0000000000000000000000000000000000000000";

/// A repository `r` and a CI system's clone of it, `ci`.
pub(crate) struct CiSetup {
    pub(crate) scratch: Scratch,
}

impl CiSetup {
    /// Creates the repository, with one commit on `main`, and no clone yet.
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new();
        scratch.repository("r");
        Self { scratch }
    }

    /// Commits a file with the key `key_number`, or without a key. Returns the id of the commit.
    pub(crate) fn commit(&self, file: &str, key_number: Option<u64>) -> String {
        let text = key_number.map_or_else(|| "nothing\n".to_owned(), |number| format!("{}\n", key(number)));
        self.scratch.write(&format!("r/{file}"), text);
        self.scratch.commit("r", file)
    }

    /// Runs git in the repository `r`.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.scratch.git("r", args)
    }

    /// Creates the clone as actions/checkout does: with all branches of `origin`, and a detached HEAD.
    pub(crate) fn checkout(&self, commit: &str, fetch_options: &[&str]) {
        let _ = std::fs::remove_dir_all(self.scratch.path("ci"));
        std::fs::create_dir_all(self.scratch.path("ci")).unwrap();
        let url = format!("file://{}", self.scratch.path("r").display());
        self.scratch.git("ci", &["init", "-q", "-b", "main"]);
        self.scratch.git("ci", &["remote", "add", "origin", &url]);
        let refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        self.scratch.git("ci", &[&["fetch", "-q", "--no-tags"], fetch_options, &["origin"], &refs].concat());
        self.scratch.git("ci", &["checkout", "-q", "--detach", commit]);
    }

    /// Runs `friskey ci` in the clone.
    pub(crate) fn friskey(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        let mut command = self.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
        command.args(["ci", "--output", "json=../report.json"]).args(args).envs(variables.iter().copied());
        run(&mut command, b"")
    }

    /// Runs `friskey ci` for a GitHub event. Returns its status and report.
    pub(crate) fn github(&self, event: &str, payload: &Value) -> (i32, Value) {
        let path = self.scratch.write("event.json", payload.to_string());
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ];
        self.status_and_report(&self.friskey(&variables, &[]))
    }

    /// The status and the report of a run, whose first note must name the scanned range.
    pub(crate) fn status_and_report(&self, output: &Output) -> (i32, Value) {
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

/// The payload of a push that moves `ref_name` from `before` to `after`.
pub(crate) fn push_payload(before: &str, after: &str, ref_name: &str) -> Value {
    json!({"before": before, "after": after, "ref": ref_name, "deleted": after == ZERO_ID, "commits": [],
           "repository": {"default_branch": "main"}})
}

/// Those of the keys `numbers` that a report contains. It must not contain any other key.
pub(crate) fn found_keys(report: &Value, numbers: &[u64]) -> Vec<u64> {
    let found: Vec<u64> =
        numbers.iter().copied().filter(|&number| leak(report, &key(number)).is_some()).collect();
    let leak_count = report["leaks"].as_array().unwrap().len();
    assert_eq!(found.len(), leak_count, "the report contains another key");
    found
}

#[test]
fn a_push_is_scanned_for_its_commits_and_their_messages() {
    let setup = CiSetup::new();
    let before = setup.commit("old", Some(1));
    setup.commit("in", Some(2));
    setup.git(&["rm", "-q", "in"]);
    setup.scratch.commit("r", &format!("out, {}", key(3)));
    let after = setup.commit("clean", None);
    setup.checkout(&after, &[]);
    let (status, report) = setup.github("push", &push_payload(&before, &after, "refs/heads/main"));
    assert_eq!((status, found_keys(&report, &[1, 2, 3])), (1, vec![2, 3]));
    assert_eq!(report["coverage"]["commits"], 3);
    assert!(
        report["notes"][0].as_str().unwrap().starts_with(&format!("range: {before}..{after} (GitHub push"))
    );
    let (status, report) =
        setup.github("push", &push_payload(&setup.git(&["rev-parse", "HEAD~1"]), &after, "refs/heads/main"));
    assert_eq!((status, report["coverage"]["commits"].as_u64()), (0, Some(1)));
}

#[test]
fn a_new_branch_is_scanned_for_commits_that_the_default_branch_lacks() {
    let setup = CiSetup::new();
    setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    let tip = setup.commit("new", Some(2));
    // Another branch at the same commit, pushed together with the first.
    setup.git(&["branch", "y"]);
    setup.checkout(&tip, &[]);
    for name in ["x", "y"] {
        let (status, report) =
            setup.github("push", &push_payload(ZERO_ID, &tip, &format!("refs/heads/{name}")));
        assert_eq!((status, found_keys(&report, &[1, 2])), (1, vec![2]));
        let note = report["notes"][0].as_str().unwrap();
        assert!(
            note.ends_with(
                "everything that the default branch, main, lacks, even if other branches have it)"
            ),
            "{note}"
        );
    }
    // A branch at the tip of the default branch adds nothing.
    let main = setup.git(&["rev-parse", "main"]);
    let (status, report) = setup.github("push", &push_payload(ZERO_ID, &main, "refs/heads/z"));
    assert_eq!((status, report["coverage"]["commits"].as_u64()), (0, Some(0)));
    // The first push to a repository adds everything.
    let (status, report) = setup.github("push", &push_payload(ZERO_ID, &main, "refs/heads/main"));
    assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]));
}

#[test]
fn each_of_several_refs_pushed_together_is_scanned_for_all_that_the_default_branch_lacks() {
    let setup = CiSetup::new();
    setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    setup.commit("common", Some(2));
    setup.git(&["branch", "y"]);
    let x = setup.commit("x", Some(3));
    setup.git(&["checkout", "-q", "y"]);
    let y = setup.commit("y", Some(4));
    setup.git(&["tag", "v1"]);
    setup.git(&["checkout", "-q", "-b", "z"]);
    let z = setup.commit("z", Some(5));
    setup.checkout(&x, &[]);
    for (name, tip, keys) in [
        ("refs/heads/x", &x, &[2, 3][..]),
        ("refs/heads/y", &y, &[2, 4]),
        // Includes the commits of y, on which z is based, since y may never have been scanned.
        ("refs/heads/z", &z, &[2, 4, 5]),
        ("refs/tags/v1", &y, &[2, 4]),
    ] {
        let (_, report) = setup.github("push", &push_payload(ZERO_ID, tip, name));
        assert_eq!(found_keys(&report, &[1, 2, 3, 4, 5]), keys, "{name}");
    }
    // If the default branch is pushed together with others, its own run scans what was pushed to it.
    let before = setup.git(&["rev-parse", "main"]);
    setup.git(&["branch", "-f", "main", &x]);
    setup.checkout(&x, &[]);
    assert_eq!(found_keys(&setup.github("push", &push_payload(ZERO_ID, &y, "refs/heads/y")).1, &[4]), [4]);
    assert_eq!(
        found_keys(&setup.github("push", &push_payload(&before, &x, "refs/heads/main")).1, &[2, 3]),
        [2, 3]
    );
}

#[test]
fn a_forced_push_falls_back_to_the_default_branch() {
    let setup = CiSetup::new();
    let main = setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    let gone = setup.commit("gone", Some(2));
    setup.git(&["reset", "-q", "--hard", "main"]);
    let after = setup.commit("after", Some(3));
    setup.checkout(&after, &[]);
    let (status, report) = setup.github("push", &push_payload(&gone, &after, "refs/heads/x"));
    assert_eq!((status, found_keys(&report, &[1, 2, 3])), (1, vec![3]));
    assert!(report["notes"][0].as_str().unwrap().contains("removed by a force-push"));
    // The whole history is scanned if the default branch itself was forced, or if there is no default branch.
    let (status, report) = setup.github("push", &push_payload(&gone, &main, "refs/heads/main"));
    assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]));
    setup.git(&["branch", "-q", "-D", "main"]);
    setup.checkout(&after, &[]);
    let (status, report) = setup.github("push", &push_payload(&gone, &after, "refs/heads/x"));
    assert_eq!((status, found_keys(&report, &[1, 3])), (1, vec![1, 3]));
    assert!(report["notes"][0].as_str().unwrap().contains("so its whole history"));
    // If the base that an option names is missing, nothing is scanned, and the message says how to fetch it.
    let output = setup.friskey(&[], &["--base", &gone]);
    assert_eq!(output.status.code(), Some(3));
    let text = setup.status_and_report(&output).1.to_string();
    assert!(text.contains(&format!("git fetch origin {gone}")) && text.contains("fetch-depth: 0"), "{text}");
}

#[test]
fn only_a_report_that_decides_about_all_alerts_has_the_category_of_the_history() {
    let setup = CiSetup::new();
    let before = setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    let after = setup.commit("new", Some(2));
    setup.checkout(&after, &[]);
    let pull_request = json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}});
    let category = || {
        let sarif = sarif_report(setup.scratch.path("ci/report.sarif"));
        sarif["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned()
    };
    for (event, payload, expected) in [
        ("schedule", json!({}), "friskey/history/"),
        ("pull_request", pull_request.clone(), "friskey/history/"),
        ("pull_request_target", pull_request, "friskey/ci/"),
        ("push", push_payload(&before, &after, "refs/heads/x"), "friskey/ci/"),
        ("delete", json!({}), "friskey/ci/"),
    ] {
        let path = setup.scratch.write("event.json", payload.to_string());
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ];
        setup.friskey(&variables, &["--output", "sarif=report.sarif"]);
        assert_eq!(category(), expected, "{event}");
    }
    let range = format!("{before}..");
    for (args, expected) in [(&["history"][..], "history"), (&["history", "--range", &range], "range")] {
        let output = setup.scratch.friskey("ci", &[args, &["--output", "sarif=report.sarif"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(category(), format!("friskey/{expected}/"));
    }
}

#[test]
fn a_deletion_adds_nothing_and_a_tag_adds_its_message() {
    let setup = CiSetup::new();
    let main = setup.commit("old", Some(1));
    setup.git(&["tag", "-a", "v1", "-m", &format!("release {}", key(2))]);
    setup.git(&["tag", "plain"]);
    let tag = setup.git(&["rev-parse", "v1"]);
    setup.checkout(&main, &[]);
    let (status, report) = setup.github("push", &push_payload(&main, ZERO_ID, "refs/heads/x"));
    assert_eq!((status, report["status"].as_str()), (0, Some("clean")));
    assert_eq!(setup.github("delete", &json!({"ref": "x"})).0, 0);
    let (status, report) = setup.github("push", &push_payload(ZERO_ID, &tag, "refs/tags/v1"));
    assert_eq!((status, found_keys(&report, &[1, 2])), (1, vec![2]));
    assert_eq!(setup.github("push", &push_payload(ZERO_ID, &main, "refs/tags/plain")).0, 0);
}

#[test]
fn a_pull_request_is_scanned_from_its_merge_base() {
    let setup = CiSetup::new();
    let start = setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    let head = setup.commit("new", Some(2));
    setup.git(&["checkout", "-q", "main"]);
    let base = setup.commit("meanwhile", Some(3));
    // GitHub checks out a merge of both, which it makes itself.
    setup.git(&["checkout", "-q", "--detach"]);
    setup.git(&["merge", "-q", "--no-ff", "-m", "merge", "x"]);
    let merge = setup.git(&["rev-parse", "HEAD"]);
    setup.git(&["update-ref", "refs/pull/1/merge", &merge]);
    setup.git(&["checkout", "-q", "main"]);
    let pull_request = |fork: bool, base: &str, head: &str| json!({"pull_request": {"base": {"sha": base}, "head": {"sha": head, "repo": {"fork": fork}}}});
    setup.checkout(&base, &[]);
    for event in ["pull_request", "pull_request_target"] {
        let (status, report) = setup.github(event, &pull_request(false, &base, &head));
        assert_eq!((status, found_keys(&report, &[1, 2, 3])), (1, vec![2]), "{event}");
    }
    let queue = json!({"merge_group": {"base_sha": base, "head_sha": head}});
    assert_eq!(found_keys(&setup.github("merge_group", &queue).1, &[2]), [2]);
    // The head of a pull request from a fork is on no branch, and is reachable only from that merge.
    setup.git(&["branch", "-q", "-D", "x"]);
    setup.checkout(&base, &[]);
    assert_eq!(
        setup.github("pull_request_target", &pull_request(true, &base, &head)).0,
        3,
        "the head was not fetched"
    );
    setup.scratch.git("ci", &["fetch", "-q", "origin", "refs/pull/1/merge"]);
    let (status, report) = setup.github("pull_request", &pull_request(true, &start, &head));
    assert_eq!((status, found_keys(&report, &[2])), (1, vec![2]));
}

#[test]
fn the_whole_history_is_scanned_after_an_event_without_a_range() {
    let setup = CiSetup::new();
    setup.commit("old", Some(1));
    let tip = setup.commit("new", Some(2));
    setup.checkout(&tip, &[]);
    for event in ["schedule", "workflow_dispatch", "release"] {
        let (status, report) = setup.github(event, &json!({}));
        assert_eq!((status, found_keys(&report, &[1, 2])), (1, vec![1, 2]), "{event}");
        assert!(report["notes"][0].as_str().unwrap().starts_with("range: whole history (GitHub "));
    }
    assert_eq!(setup.status_and_report(&setup.friskey(&[], &[])).1["leaks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_shallow_clone_is_never_clean_and_the_report_says_what_to_do() {
    let setup = CiSetup::new();
    let before = setup.commit("old", None);
    setup.commit("middle", Some(1));
    let after = setup.commit("new", None);
    for depth in ["--depth=1", "--depth=2"] {
        setup.checkout(&after, &[depth]);
        for (event, payload) in [
            ("push", push_payload(&before, &after, "refs/heads/main")),
            ("push", push_payload(ZERO_ID, &after, "refs/heads/x")),
            ("pull_request", json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}})),
            ("schedule", json!({})),
        ] {
            let (status, report) = setup.github(event, &payload);
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
    setup.checkout(&after, &["--depth=1"]);
    let (status, report) = setup.status_and_report(&setup.friskey(&variables, &[]));
    assert!(status == 3 && report["notes"].to_string().contains("GIT_DEPTH: 0"), "{report}");
}

#[test]
fn gitlab_and_other_systems_scan_the_same_range() {
    let setup = CiSetup::new();
    let before = setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "x"]);
    let after = setup.commit("new", Some(2));
    setup.checkout(&after, &[]);
    let common = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &*after), ("CI_COMMIT_BRANCH", "x")];
    for event in [
        vec![("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*before)],
        vec![("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &*before)],
        vec![
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BEFORE_SHA", ZERO_ID),
            ("CI_DEFAULT_BRANCH", "main"),
        ],
    ] {
        let (status, report) = setup.status_and_report(&setup.friskey(&[&common[..], &event].concat(), &[]));
        assert_eq!((status, found_keys(&report, &[1, 2])), (1, vec![2]), "{event:?}");
    }
    for args in [&["--base", "origin/main"][..], &["--base", &before, "--head", "origin/x"]] {
        let (status, report) = setup.status_and_report(&setup.friskey(&[("CIRCLECI", "true")], args));
        assert_eq!((status, found_keys(&report, &[2])), (1, vec![2]), "{args:?}");
    }
    // If nothing is known about the state before, the whole history is scanned.
    let (_, report) = setup.status_and_report(&setup.friskey(&[("CIRCLECI", "true")], &["--base", ZERO_ID]));
    assert_eq!(found_keys(&report, &[1, 2]), [1, 2]);
    assert_eq!(setup.friskey(&[], &["--base", "nowhere"]).status.code(), Some(3));
    assert_eq!(setup.friskey(&[], &["--base", "--all"]).status.code(), Some(2));
}

#[test]
fn annotations_and_the_summary_are_written_and_an_unreadable_event_is_an_error() {
    let setup = CiSetup::new();
    let tip = setup.commit("file", Some(1));
    setup.checkout(&tip, &[]);
    let summary = setup.scratch.write("summary.md", "before\n");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "schedule"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let stdout = |args: &[&str]| String::from_utf8(setup.friskey(&github, args).stdout).unwrap();
    assert!(stdout(&[]).contains("::error file=file,line=1"));
    let summary_text = std::fs::read_to_string(&summary).unwrap();
    assert!(summary_text.starts_with("before\n## friskey: 1 leak"), "{summary_text}");
    assert!(!summary_text.contains(&key(1)));
    assert!(!stdout(&["--format", "human", "--no-step-summary"]).contains("::error"));
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), summary_text);
    assert_eq!(report(&setup.friskey(&github, &["--format", "json"]))["command"], "ci");
    let without_payload = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")];
    assert_eq!(setup.friskey(&without_payload, &[]).status.code(), Some(2));
    for text in ["", "{", "{}", "[]"] {
        let path = setup.scratch.write("event.json", text);
        let variables = [&without_payload[..], &[("GITHUB_EVENT_PATH", path.to_str().unwrap())]].concat();
        let output = setup.friskey(&variables, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_name_of_a_branch_is_not_shown_if_it_is_a_key() {
    let setup = CiSetup::new();
    let tip = setup.commit("file", None);
    setup.checkout(&tip, &[]);
    let name = key(7);
    let variables = [("JENKINS_URL", "x"), ("GIT_COMMIT", &*tip), ("CHANGE_TARGET", &*name)];
    let output = setup.friskey(&variables, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let log = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&log).contains(&name[10..40]));
}

#[test]
fn a_new_tag_is_scanned_for_commits_that_no_run_may_have_scanned() {
    let setup = CiSetup::new();
    setup.commit("old", Some(1));
    setup.git(&["checkout", "-q", "-b", "wip"]);
    setup.commit("skipped", Some(2));
    setup.git(&["checkout", "-q", "-b", "release"]);
    let tip = setup.commit("release", None);
    setup.git(&["tag", "-a", "v1", "-m", "v1"]);
    let tag = setup.git(&["rev-parse", "v1"]);
    setup.checkout(&tip, &[]);
    for (name, id) in [("refs/tags/v1", &tag), ("refs/heads/release", &tip)] {
        let (status, report) = setup.github("push", &push_payload(ZERO_ID, id, name));
        assert_eq!((status, found_keys(&report, &[1, 2])), (1, vec![2]), "{name}");
        assert!(report["notes"][0].as_str().unwrap().contains("even if other branches have it"), "{report}");
    }
}
