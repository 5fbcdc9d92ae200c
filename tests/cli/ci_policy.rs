//! Tests that `friskey ci` applies no configuration, baseline, rules or ignore files from the change that it scans.

use serde_json::json;

use crate::ci::{CiSetup, ZERO_ID, found_keys, push_payload};
use crate::support::{key, report, run};

#[test]
fn a_change_cannot_exempt_itself() {
    let setup = CiSetup::new();
    setup.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\nbaseline = 'conf/accepted.toml'\n");
    let entry = |number| {
        let fingerprint = crate::support::fingerprint(&key(number));
        format!(
            "[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'known'\n"
        )
    };
    setup.scratch.write("r/conf/accepted.toml", format!("version = 1\n{}", entry(1)));
    let before = setup.scratch.commit("r", "configured");
    setup.scratch.write("r/friskey.toml", "exclude = ['*']\nbaseline = 'conf/accepted.toml'\n");
    setup.scratch.write("r/conf/accepted.toml", format!("version = 1\n{}{}", entry(1), entry(2)));
    setup.commit("vendor/a", Some(3));
    setup.commit("one", Some(1));
    let after = setup.commit("two", Some(2));
    setup.checkout(&after, &[]);
    let (status, report) = setup.github("push", &push_payload(&before, &after, "refs/heads/main"));
    let notes = report["notes"].to_string();
    assert_eq!((status, found_keys(&report, &[1, 2, 3])), (1, vec![1, 2]), "{notes}");
    assert_eq!(report["suppressed"], 1, "{notes}");
    assert!(notes.contains(&format!("configuration: {before}:friskey.toml")), "{notes}");
    assert!(notes.contains(&format!("baseline: {before}:conf/accepted.toml (1 entry)")), "{notes}");
    // Even a configuration file that an option names is read from the base if git tracks it, unless `--policy-from` says
    // otherwise.
    let args = ["--base", &before, "--config", "friskey.toml"];
    assert_eq!(setup.status_and_report(&setup.friskey(&[], &args)).0, 1);
    let args = ["--base", &before, "--config", "friskey.toml", "--policy-from", "checkout"];
    assert_eq!(setup.status_and_report(&setup.friskey(&[], &args)).0, 0);
    let args = ["--base", &before, "--no-suppress"];
    assert_eq!(setup.status_and_report(&setup.friskey(&[], &args)).1["suppressed"], 0);
    // Without a base, no file of the repository can exempt a key.
    let (_, report) = setup.github("push", &push_payload(ZERO_ID, &after, "refs/heads/main"));
    assert_eq!(found_keys(&report, &[1, 2, 3]), [1, 2, 3]);
    assert!(
        report["notes"]
            .to_string()
            .contains("no configuration, baseline, rules or ignore files of the repository are used")
    );
    // A configuration in the base that names a file outside the repository is an error.
    setup.scratch.write("r/friskey.toml", "rules = ['../elsewhere.toml']\n");
    let base = setup.scratch.commit("r", "rules outside");
    setup.checkout(&base, &[]);
    let output = setup.friskey(&[], &["--base", &base]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("not inside the repository"), "{stderr}");
}

/// Writes files with which a change would exempt itself: an exclude for everything, a baseline for the key `number`, and
/// an ignore file.
fn write_exemptions(setup: &CiSetup, number: u64) {
    let fingerprint = crate::support::fingerprint(&key(number));
    let entry =
        format!("[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'x'\n");
    setup.scratch.write("r/friskey.toml", "exclude = ['*']\n");
    setup.scratch.write("r/.friskey-baseline.toml", format!("version = 1\n{entry}"));
    setup.scratch.write("r/.gitignore", "*.env\n");
}

#[test]
fn no_command_applies_a_policy_from_the_change_that_it_scans() {
    let setup = CiSetup::new();
    let before = setup.commit("old", None);
    setup.git(&["checkout", "-q", "-b", "x"]);
    write_exemptions(&setup, 1);
    let with_exemptions = setup.scratch.commit("r", "first push: the exemptions");
    setup.commit("a.env", Some(1));
    setup.git(&["add", "-f", "a.env"]);
    let after = setup.scratch.commit("r", "second push: the key");
    let pull_request = json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after}}});
    let queue = json!({"merge_group": {"base_sha": before, "head_sha": after}});
    let without_change = json!({"repository": {"default_branch": "main"}});
    for (event, payload, has_policy_base) in [
        ("pull_request", pull_request.clone(), true),
        ("pull_request_review", pull_request, true),
        ("merge_group", queue, true),
        // The policy of a second push is not that of the first push to the same branch.
        ("push", push_payload(&with_exemptions, &after, "refs/heads/x"), true),
        ("push", push_payload(ZERO_ID, &after, "refs/heads/x"), true),
        ("workflow_dispatch", without_change, true),
        (
            "pull_request",
            json!({"pull_request": {"base": {"sha": "12".repeat(20)}, "head": {"sha": after}}}),
            false,
        ),
        ("push", json!({}), false),
    ] {
        setup.checkout(&after, &[]);
        let path = setup.scratch.write("event.json", payload.to_string());
        for command in [&["scan"][..], &["history"], &["ci"]] {
            // `ci` scans another range after these events, or reports an error.
            if command == ["ci"]
                && (!has_policy_base || event == "pull_request_review" || event == "workflow_dispatch")
            {
                continue;
            }
            let mut friskey = setup.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
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
            assert_eq!(found_keys(&report, &[1]), [1]);
            let expected =
                if has_policy_base { "configuration, baseline and rules are those of" } else { "are used: " };
            assert!(notes.contains(expected), "{event} {command:?}: {notes}");
        }
    }
    // `--policy-from` can name the checkout or any commit.
    let status =
        |policy: &str| setup.scratch.friskey("ci", &["history", "--policy-from", policy]).status.code();
    assert_eq!(status("checkout"), Some(0));
    assert_eq!(status(&with_exemptions), Some(0));
    assert_eq!(status(&before), Some(1));
    assert_eq!(status("nowhere"), Some(2));
    assert_eq!(status("event"), Some(2), "there is no event here");
}

#[test]
fn exclusions_apply_if_they_are_in_the_base_or_in_a_file_that_the_workflow_wrote() {
    let setup = CiSetup::new();
    setup.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\n");
    let before = setup.scratch.commit("r", "configured");
    setup.git(&["checkout", "-q", "-b", "x"]);
    setup.commit("vendor/a", Some(1));
    setup.scratch.write("r/added.toml", "exclude = ['*']\n");
    let after = setup.commit("b", Some(2));
    setup.checkout(&after, &[]);
    let scan = |args: &[&str]| {
        let args = [&["scan", "--policy-from", &before, "--format", "json"], args].concat();
        let report = report(&setup.scratch.friskey("ci", &args));
        (found_keys(&report, &[1, 2]), report["notes"].to_string())
    };
    assert_eq!(scan(&[]).0, [2]);
    // A configuration file that the change adds is not used. One that a step of the workflow writes is used.
    let (keys, notes) = scan(&["--config", "added.toml"]);
    assert!(keys == [1, 2] && notes.contains("added.toml is not used"), "{notes}");
    setup.scratch.write("ci/written.toml", "exclude = ['/b']\n");
    assert_eq!(scan(&["--config", "written.toml"]).0, [1]);
    let outside = setup.scratch.write("outside.toml", "exclude = ['/b']\n");
    assert_eq!(scan(&["--config", outside.to_str().unwrap()]).0, [1]);
    // The file is also recognized by another path, from a directory below.
    let args = ["scan", "--policy-from", &before, "--format", "json", "--config", "../added.toml", ".."];
    assert_eq!(found_keys(&report(&setup.scratch.friskey("ci/vendor", &args)), &[1, 2]), [1, 2]);
}

#[test]
fn a_note_names_the_marker_that_accepted_a_finding() {
    let setup = CiSetup::new();
    let before = setup.git(&["rev-parse", "HEAD"]);
    setup.scratch.write("r/a", format!("{} # friskey:allow test\n", key(1)));
    let after = setup.scratch.commit("r", "marked");
    setup.checkout(&after, &[]);
    let (status, report) = setup.github("push", &push_payload(&before, &after, "refs/heads/main"));
    let notes = report["notes"].to_string();
    assert!(status == 0 && notes.contains("accepted by a marker in what is scanned: a:1"), "{notes}");
}

#[test]
fn every_format_names_all_markers_that_accepted_a_finding() {
    let setup = CiSetup::new();
    let before = setup.git(&["rev-parse", "HEAD"]);
    for number in 10..35 {
        setup.scratch.write(&format!("r/m{number}"), format!("{} # friskey:allow test\n", key(number)));
    }
    let after = setup.scratch.commit("r", "marked");
    setup.checkout(&after, &[]);
    for format in ["human", "github", "json"] {
        let output = setup.scratch.friskey("ci", &["ci", "--base", &before, "--format", format]);
        let text = String::from_utf8_lossy(&output.stdout);
        for number in 10..35 {
            assert!(text.contains(&format!("m{number}:1")), "{format} m{number}: {text}");
        }
    }
}

#[test]
fn a_mistake_in_the_configuration_of_the_base_does_not_block_its_correction() {
    let setup = CiSetup::new();
    setup.scratch.write("r/friskey.toml", "junk\n");
    let before = setup.scratch.commit("r", "broken");
    setup.scratch.write("r/friskey.toml", "exclude = []\n");
    let after = setup.scratch.commit("r", "corrected");
    setup.checkout(&after, &[]);
    let output = setup.scratch.friskey("ci", &["ci", "--base", &before, "--format", "json"]);
    let notes = report(&output)["notes"].to_string();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(notes.contains("no configuration") && notes.contains("friskey.toml:1"), "{notes}");
}

#[cfg(unix)]
#[test]
fn symbolic_links_in_the_base_are_followed_within_it() {
    let setup = CiSetup::new();
    setup.scratch.write("r/conf/f.toml", "exclude = ['/b']\n");
    std::os::unix::fs::symlink("conf/../conf/f.toml", setup.scratch.path("r/friskey.toml")).unwrap();
    let before = setup.scratch.commit("r", "linked");
    let after = setup.commit("b", Some(1));
    setup.checkout(&after, &[]);
    let output = setup.scratch.friskey("ci", &["ci", "--base", &before, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", report(&output)["notes"]);
}

#[test]
fn runs_without_a_range_apply_the_policy_of_the_default_branch() {
    let setup = CiSetup::new();
    setup.scratch.write("r/friskey.toml", "exclude = ['/vendor/']\n");
    setup.scratch.commit("r", "configured");
    setup.git(&["checkout", "-q", "-b", "x"]);
    write_exemptions(&setup, 1);
    let tip = setup.commit("a", Some(1));
    setup.checkout(&tip, &[]);
    let gitlab = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &*tip), ("CI_PIPELINE_SOURCE", "schedule")];
    let branch = [("CI_COMMIT_BRANCH", "x"), ("CI_DEFAULT_BRANCH", "main")];
    let tag = [("CI_COMMIT_TAG", "v1"), ("CI_DEFAULT_BRANCH", "main")];
    let (azure, circle) =
        ([("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/heads/x")], [("CIRCLECI", "true")]);
    let variables = [&[&gitlab[..], &branch].concat()[..], &[&gitlab[..], &tag].concat(), &azure, &circle]
        .map(<[_]>::to_vec);
    for variables in variables {
        let (status, report) = setup.status_and_report(&setup.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]), "{variables:?}: {notes}");
        assert!(notes.contains("the default branch, main"), "{variables:?}: {notes}");
    }
    // On the default branch itself, the exemptions are the policy.
    setup.git(&["checkout", "-q", "main"]);
    setup.git(&["merge", "-q", "--ff-only", "x"]);
    setup.checkout(&tip, &[]);
    let branch = [("CI_COMMIT_BRANCH", "main"), ("CI_DEFAULT_BRANCH", "main")];
    assert_eq!(setup.status_and_report(&setup.friskey(&[&gitlab[..], &branch].concat(), &[])).0, 0);
}

#[test]
fn a_push_to_the_default_branch_cannot_exempt_itself_if_its_previous_state_is_unknown() {
    let setup = CiSetup::new();
    setup.commit("old", None);
    write_exemptions(&setup, 1);
    setup.commit("a.env", Some(1));
    setup.git(&["add", "-f", "a.env"]);
    let tip = setup.scratch.commit("r", "the key and the exemptions");
    setup.checkout(&tip, &[]);
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
        let (status, report) = setup.status_and_report(&setup.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]), "{variables:?}: {notes}");
        assert!(notes.contains("--policy-from checkout"), "{variables:?}: {notes}");
    }
    // These builds are not started by a push, so everything on the branch was there before.
    for variables in [azure("Schedule"), azure("Manual"), buildkite("schedule"), gitlab("schedule")] {
        let (status, report) = setup.status_and_report(&setup.friskey(&variables, &[]));
        let notes = report["notes"].to_string();
        assert_eq!(status, 0, "{variables:?}: {notes}");
        assert!(notes.contains(&format!("those of {tip} (the default branch, ")), "{variables:?}: {notes}");
    }
    let (status, report) =
        setup.status_and_report(&setup.friskey(&azure("IndividualCI"), &["--policy-from", "checkout"]));
    assert!(status == 0 && report["notes"].to_string().contains("those of the checkout"), "{report}");
}

#[test]
fn a_run_for_the_default_branch_applies_the_policy_of_the_commit_not_of_the_work_tree() {
    let setup = CiSetup::new();
    let tip = setup.commit("old", Some(1));
    setup.checkout(&tip, &[]);
    // An uncommitted file, as after `git checkout BRANCH -- .` for the branch of a pull request.
    setup.scratch.write("ci/friskey.toml", "exclude = ['*']\n");
    let path =
        setup.scratch.write("event.json", json!({"repository": {"default_branch": "main"}}).to_string());
    for args in [&["scan", "--policy-from", "event"][..], &["ci"], &["history", "--policy-from", "event"]] {
        let mut friskey = setup.scratch.command(env!("CARGO_BIN_EXE_friskey"), "ci");
        friskey.args(args).args(["--format", "json", "."]).envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "schedule"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", &tip),
        ]);
        let output = run(friskey.env("GITHUB_EVENT_PATH", &path), b"");
        let report = report(&output);
        assert_eq!((output.status.code(), found_keys(&report, &[1])), (Some(1), vec![1]), "{args:?}");
        let notes = report["notes"].to_string();
        assert!(notes.contains(&format!("configuration, baseline and rules are those of {tip}")), "{notes}");
    }
}

#[test]
fn each_build_of_a_branch_applies_the_policy_of_the_default_branch() {
    let setup = CiSetup::new();
    setup.commit("old", None);
    setup.git(&["checkout", "-q", "-b", "x"]);
    write_exemptions(&setup, 1);
    let passed = setup.scratch.commit("r", "the exemptions");
    setup.commit("a.env", Some(1));
    setup.git(&["add", "-f", "a.env"]);
    let tip = setup.scratch.commit("r", "the key");
    setup.checkout(&tip, &[]);
    let jenkins = [
        ("JENKINS_URL", "x"),
        ("BRANCH_NAME", "x"),
        ("GIT_COMMIT", &*tip),
        ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &*passed),
    ];
    let (status, report) = setup.status_and_report(&setup.friskey(&jenkins, &[]));
    let notes = report["notes"].to_string();
    assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]), "{notes}");
    assert!(notes.contains("the default branch, main"), "{notes}");
    // In a clone of that branch alone, where the default branch is unknown, the exemptions are not applied either.
    setup.scratch.git("ci", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let (status, report) = setup.status_and_report(&setup.friskey(&jenkins, &[]));
    let notes = report["notes"].to_string();
    assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]), "{notes}");
    assert!(notes.contains("it is not known which branch is the default one"), "{notes}");
}

#[test]
fn the_reason_for_an_unknown_policy_base_names_what_is_missing() {
    let setup = CiSetup::new();
    let before = setup.commit("old", None);
    let after = setup.commit("a.env", Some(1));
    setup.checkout(&after, &[]);
    let zeros = "0".repeat(40);
    let notes = |before: &str, branch: &[(&'static str, &'static str)]| {
        let common = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", &*after),
            ("CI_COMMIT_BEFORE_SHA", before),
            ("CI_DEFAULT_BRANCH", "main"),
        ];
        let (_, report) = setup.status_and_report(&setup.friskey(&[&common[..], branch].concat(), &[]));
        report["notes"].to_string()
    };
    // The default branch is there, but the pushed one may be it.
    let unknown = notes(&before, &[]);
    assert!(unknown.contains("it is not known which branch was pushed to"), "{unknown}");
    setup.scratch.git("ci", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let missing = "1".repeat(40);
    for before in [&before, &zeros, &missing] {
        let notes = notes(before, &[("CI_COMMIT_BRANCH", "x")]);
        assert!(notes.contains("git fetch origin main:refs/remotes/origin/main"), "{before}: {notes}");
    }
}

#[test]
fn a_build_of_the_default_branch_applies_the_policy_of_its_last_successful_build() {
    let setup = CiSetup::new();
    setup.scratch.write("r/friskey.toml", "exclude = ['*.env']\n");
    let passed = setup.scratch.commit("r", "configured");
    let tip = setup.commit("a.env", Some(1));
    setup.checkout(&tip, &[]);
    for (variable, value) in [("BRANCH_NAME", "main"), ("GIT_BRANCH", "origin/main")] {
        let jenkins = [
            ("JENKINS_URL", "x"),
            (variable, value),
            ("GIT_COMMIT", &*tip),
            ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &*passed),
        ];
        assert_eq!(setup.status_and_report(&setup.friskey(&jenkins, &[])).0, 0, "{variable}");
    }
}

#[test]
fn one_push_cannot_exempt_the_next() {
    let setup = CiSetup::new();
    setup.commit("old", None);
    setup.git(&["checkout", "-q", "-b", "x"]);
    setup.scratch.write("r/friskey.toml", "exclude = ['*.env']\n");
    setup.scratch.commit("r", "exempt");
    let before = setup.git(&["rev-parse", "HEAD"]);
    let after = setup.commit("a.env", Some(1));
    setup.checkout(&after, &[]);
    // As in a clone of a single branch.
    setup.scratch.git("ci", &["update-ref", "-d", "refs/remotes/origin/main"]);
    let (status, report) = setup.github("push", &push_payload(&before, &after, "refs/heads/x"));
    assert_eq!((status, found_keys(&report, &[1])), (1, vec![1]), "{}", report["notes"]);
}
