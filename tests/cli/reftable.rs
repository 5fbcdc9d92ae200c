//! Tests that repositories with refs in reftables get the same reports as those with refs in files.

use serde_json::Value;

use crate::history::{assert_all_found, every_surface};
use crate::support::{Scratch, key, leak, report, strings};

/// A directory in which git creates repositories with this ref format (`files`, `reftable`) and object format (`sha1`,
/// `sha256`).
fn scratch_with_formats(ref_format: &str, object_format: &str) -> Scratch {
    let scratch = Scratch::new();
    let config =
        format!("[init]\n\tdefaultRefFormat = {ref_format}\n\tdefaultObjectFormat = {object_format}\n");
    scratch.write(".gitconfig", config);
    scratch
}

/// Runs friskey with `input` on standard input. Returns the status and those parts of the report that must not depend on the
/// ref format: all but times, the description of the repository, and the number of files and bytes that were read.
fn status_and_report(scratch: &Scratch, args: &[&str], input: &str) -> (i32, Value) {
    let output = scratch.friskey_with("r", args, input.as_bytes());
    let mut report = report(&output);
    let coverage = report["coverage"].as_object_mut().unwrap();
    coverage.remove("files");
    coverage.remove("bytes");
    for field in ["elapsed_seconds", "started", "repository"] {
        report.as_object_mut().unwrap().remove(field);
    }
    for leak in report["leaks"].as_array_mut().unwrap() {
        leak.as_object_mut().unwrap().remove("exposed_seconds");
        for finding in leak["findings"].as_array_mut().unwrap() {
            // Positions in the configuration depend on its entry for the ref format, and the bytes of the index on the
            // times of files.
            if ["config", "git-file"].contains(&finding["surface"].as_str().unwrap()) {
                let finding = finding.as_object_mut().unwrap();
                for field in ["start", "end", "excerpt"] {
                    finding.remove(field);
                }
            }
        }
    }
    (output.status.code().unwrap(), report)
}

/// Prepares a repository with each ref format, and asserts that every command exits with the status given with it and has
/// the same report in both. Every command gets `key(2)` on standard input, for `trace`.
fn assert_same(prepare: impl Fn(&Scratch), commands: &[(i32, &[&str])]) {
    for object_format in ["sha1", "sha256"] {
        let [files, tables] = ["files", "reftable"].map(|ref_format| {
            let scratch = scratch_with_formats(ref_format, object_format);
            prepare(&scratch);
            assert_eq!(scratch.git("r", &["rev-parse", "--show-ref-format"]), ref_format);
            scratch
        });
        for (status, args) in commands {
            let (in_files, in_tables) =
                (status_and_report(&files, args, &key(2)), status_and_report(&tables, args, &key(2)));
            assert_eq!(in_tables.0, *status, "{args:?}: {:#}", in_tables.1);
            assert_eq!(in_tables.0, in_files.0, "{args:?}");
            let (tables_json, files_json) = (format!("{:#}", in_tables.1), format!("{:#}", in_files.1));
            let first_difference =
                tables_json.lines().zip(files_json.lines()).enumerate().find(|(_, (a, b))| a != b);
            assert!(
                tables_json == files_json,
                "{args:?}: {first_difference:?} in {:#} and {:#}",
                in_tables.1,
                in_files.1
            );
        }
    }
}

#[test]
fn every_surface_of_a_history_has_the_same_findings() {
    let prepare = |scratch: &Scratch| assert_all_found(scratch, &every_surface(scratch));
    assert_same(
        prepare,
        &[
            (1, &["history", "--format", "json"]),
            (1, &["history", "--format", "json", "--surfaces", "reflog,ref-name"]),
            (1, &["history", "--format", "json", "--surfaces=-reflog"]),
            (1, &["trace", "--format", "json"]),
        ],
    );
}

#[test]
fn staged_files_and_ranges_have_the_same_findings() {
    let prepare = |scratch: &Scratch| {
        scratch.repository("r");
        scratch.write("r/old.env", format!("A={}\n", key(1)));
        scratch.commit("r", "old");
        scratch.git("r", &["tag", "-a", "-m", "annotated", "v1"]);
        scratch.git("r", &["checkout", "-q", "-b", "side/branch"]);
        scratch.write("r/old.env", format!("# touched\nA={}\n", key(1)));
        scratch.write("r/new.env", format!("B={}\n", key(2)));
        scratch.commit("r", &format!("with {}", key(3)));
        scratch.write("r/staged", key(4));
        scratch.git("r", &["add", "staged"]);
    };
    assert_same(
        prepare,
        &[
            (1, &["staged", "--format", "json"]),
            (1, &["staged", "--format", "json", "old.env"]),
            (1, &["history", "--format", "json", "--range", "v1..HEAD"]),
            (1, &["history", "--format", "json", "--range", "main..side/branch"]),
            (0, &["history", "--format", "json", "--range", "main@{0}~1..v1^{commit} --not HEAD~1"]),
            (1, &["history", "--format", "json", "--range", "--all --not --tags"]),
            (3, &["history", "--format", "json", "--range", "main..nowhere"]),
            (1, &["ci", "--format", "json", "--base", "main"]),
            (1, &["ci", "--format", "json", "--base", "refs/tags/v1", "--head", "side/branch"]),
            (0, &["ci", "--format", "json", "--base", "side/branch", "--head", "main"]),
        ],
    );
}

#[test]
fn a_staged_key_is_found_before_the_first_commit() {
    let prepare = |scratch: &Scratch| {
        std::fs::create_dir_all(scratch.path("r")).unwrap();
        scratch.git("r", &["init", "-q", "-b", "main"]);
        scratch.write("r/staged", key(4));
        scratch.git("r", &["add", "staged"]);
    };
    let staged: &[&str] = &["staged", "--format", "json"];
    assert_same(prepare, &[(1, staged), (1, &["history", "--format", "json"])]);
}

#[test]
fn hooks_reject_keys_in_repositories_with_reftables() {
    for object_format in ["sha1", "sha256"] {
        let scratch = scratch_with_formats("reftable", object_format);
        scratch.repository("r");
        scratch.git("r", &["clone", "-q", "--bare", ".", "../bare.git"]);
        assert!(scratch.friskey("r", &["hook", "install"]).status.success());
        assert!(scratch.friskey("r", &["hook", "install", "--hook", "pre-push"]).status.success());
        assert!(scratch.friskey("bare.git", &["hook", "install", "--hook", "pre-receive"]).status.success());
        scratch.write("r/a", key(1));
        scratch.git("r", &["add", "a"]);
        let commit = scratch.try_git("r", &["commit", "-q", "-m", "with a key"], b"");
        let stderr = String::from_utf8_lossy(&commit.stderr).into_owned();
        // Rejected because of the key, not because HEAD could not be resolved.
        assert!(!commit.status.success() && !stderr.contains("HEAD"), "{stderr}");
        scratch.git("r", &["commit", "-q", "--no-verify", "-m", "with a key"]);
        // Rejected by the pre-push hook, and without it by the pre-receive hook.
        assert!(!scratch.try_git("r", &["push", "-q", "../bare.git", "main"], b"").status.success());
        let push = ["push", "-q", "--no-verify", "../bare.git", "main"];
        assert!(!scratch.try_git("r", &push, b"").status.success());
        scratch.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
        scratch.write("r/b", "nothing");
        scratch.commit("r", "fine");
        scratch.git("r", &["push", "-q", "../bare.git", "main"]);
    }
}

#[test]
fn keys_in_deleted_refs_and_reflogs_of_tables_are_found() {
    let scratch = scratch_with_formats("reftable", "sha1");
    scratch.repository("r");
    // Compaction would remove the deleted refs and reflogs from the tables.
    scratch.git("r", &["config", "reftable.autoCompaction", "false"]);
    let deleted_branch = format!("gone/{}", key(1));
    scratch.git("r", &["worktree", "add", "-q", "../linked"]);
    let reflog_message = |number: u64| format!("because {}", key(number));
    let message = reflog_message(2);
    let commands = [
        vec!["branch", deleted_branch.as_str()],
        vec!["branch", "-q", "-D", deleted_branch.as_str()],
        vec!["update-ref", "--create-reflog", "-m", message.as_str(), "refs/heads/short", "HEAD"],
        vec!["branch", "-q", "-D", "short"],
    ];
    for args in commands {
        let mut git = scratch.command("git", "r");
        git.env("GIT_TEST_REFTABLE_AUTOCOMPACTION", "false");
        assert!(git.args(args).status().unwrap().success());
    }
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.git("linked", &["update-ref", "-m", &reflog_message(3), "--no-deref", "HEAD", &first]);
    let (status, report) = status_and_report(&scratch, &["history", "--format", "json"], "");
    assert_eq!(status, 1);
    assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 0, "{report:#}");
    let places = |number: u64| -> Vec<(&str, &str)> {
        let leak = leak(&report, &key(number)).unwrap();
        let findings = leak["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| (finding["surface"].as_str().unwrap(), finding["path"].as_str().unwrap()))
            .collect()
    };
    assert!(places(1).iter().any(|(surface, _)| *surface == "ref-name"), "{:?}", places(1));
    assert_eq!(places(2), [("reflog", ".git/logs/refs/heads/short")]);
    assert_eq!(places(3), [("reflog", ".git/worktrees/linked/logs/HEAD")]);
    assert!(strings(&report["coverage"]["surfaces"]).contains(&"reflog"));
}

#[test]
fn a_damaged_table_makes_an_audit_incomplete_and_stops_staged() {
    let scratch = scratch_with_formats("reftable", "sha1");
    scratch.repository("r");
    assert_eq!(status_and_report(&scratch, &["history", "--format", "json"], "").0, 0);
    let list = std::fs::read_to_string(scratch.path("r/.git/reftable/tables.list")).unwrap();
    let table = scratch.path(&format!("r/.git/reftable/{}", list.lines().last().unwrap()));
    let bytes = std::fs::read(&table).unwrap();
    std::fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
    let (status, report) = status_and_report(&scratch, &["history", "--format", "json"], "");
    assert_eq!((status, &report["status"]), (3, &"incomplete".into()));
    let skipped = report["coverage"]["skipped"].to_string();
    assert!(skipped.contains("reftable/0x"), "{skipped}");
    assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(2));
}
