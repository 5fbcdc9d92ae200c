//! Tests that repositories with refs in reftables get the same reports as those with refs in files.

use serde_json::Value;

use crate::history::{assert_all_found, every_surface};
use crate::support::{Scratch, key, leak, report, strings};

/// A directory in which git makes repositories with refs and ids of these kinds.
fn of(refs: &str, ids: &str) -> Scratch {
    let scratch = Scratch::new();
    let config = format!("[init]\n\tdefaultRefFormat = {refs}\n\tdefaultObjectFormat = {ids}\n");
    scratch.write(".gitconfig", config);
    scratch
}

/// What must not depend on how refs are kept: status, and the report without times and without how many bytes of
/// how many files were read.
fn status_and_report(scratch: &Scratch, args: &[&str], input: &str) -> (i32, Value) {
    let output = scratch.friskey_with("r", args, input.as_bytes());
    let mut report = report(&output);
    let coverage = report["coverage"].as_object_mut().unwrap();
    coverage.remove("files");
    coverage.remove("bytes");
    for varies in ["elapsed_seconds", "started", "repository"] {
        report.as_object_mut().unwrap().remove(varies);
    }
    for leak in report["leaks"].as_array_mut().unwrap() {
        leak.as_object_mut().unwrap().remove("exposed_seconds");
        for finding in leak["findings"].as_array_mut().unwrap() {
            // The configuration says how refs are kept, and the index when files were written.
            if ["config", "git-file"].contains(&finding["surface"].as_str().unwrap()) {
                let finding = finding.as_object_mut().unwrap();
                for place in ["start", "end", "excerpt"] {
                    finding.remove(place);
                }
            }
        }
    }
    (output.status.code().unwrap(), report)
}

/// Does the same in two directories and compares the reports of `commands`.
fn assert_same(prepare: impl Fn(&Scratch), commands: &[(i32, &[&str])]) {
    for ids in ["sha1", "sha256"] {
        let [files, tables] = ["files", "reftable"].map(|refs| {
            let scratch = of(refs, ids);
            prepare(&scratch);
            assert_eq!(scratch.git("r", &["rev-parse", "--show-ref-format"]), refs);
            scratch
        });
        for (status, args) in commands {
            let (in_files, in_tables) =
                (status_and_report(&files, args, &key(2)), status_and_report(&tables, args, &key(2)));
            assert_eq!(in_tables.0, *status, "{args:?}: {:#}", in_tables.1);
            assert_eq!(in_tables.0, in_files.0, "{args:?}");
            let (left, right) = (format!("{:#}", in_tables.1), format!("{:#}", in_files.1));
            let other = left.lines().zip(right.lines()).enumerate().find(|(_, (a, b))| a != b);
            assert!(left == right, "{args:?}: {other:?} in {:#} and {:#}", in_tables.1, in_files.1);
        }
    }
}

#[test]
fn a_history_with_a_key_on_every_surface() {
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
fn the_next_commit_and_ranges() {
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
fn an_unborn_branch_is_nothing_yet() {
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
fn hooks_of_a_repository_with_reftables() {
    for ids in ["sha1", "sha256"] {
        let scratch = of("reftable", ids);
        scratch.repository("r");
        scratch.git("r", &["clone", "-q", "--bare", ".", "../bare.git"]);
        assert!(scratch.friskey("r", &["hook", "install"]).status.success());
        assert!(scratch.friskey("r", &["hook", "install", "--hook", "pre-push"]).status.success());
        assert!(scratch.friskey("bare.git", &["hook", "install", "--hook", "pre-receive"]).status.success());
        scratch.write("r/a", key(1));
        scratch.git("r", &["add", "a"]);
        let refused = scratch.try_git("r", &["commit", "-q", "-m", "with a key"], b"");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && !said.contains("HEAD"), "{said}");
        scratch.git("r", &["commit", "-q", "--no-verify", "-m", "with a key"]);
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
fn what_tables_hold_of_names_and_logs_that_are_gone_is_found() {
    let scratch = of("reftable", "sha1");
    scratch.repository("r");
    scratch.git("r", &["config", "reftable.autoCompaction", "false"]);
    let gone = format!("gone/{}", key(1));
    scratch.git("r", &["worktree", "add", "-q", "../linked"]);
    let because = |number: u64| format!("because {}", key(number));
    let commands = [
        vec!["branch", gone.as_str()],
        vec!["branch", "-q", "-D", gone.as_str()],
        vec!["update-ref", "--create-reflog", "-m", "MESSAGE", "refs/heads/short", "HEAD"],
        vec!["branch", "-q", "-D", "short"],
    ];
    for command in commands {
        let message = because(2);
        let args: Vec<&str> =
            command.into_iter().map(|word| if word == "MESSAGE" { message.as_str() } else { word }).collect();
        let mut command = scratch.command("git", "r");
        command.env("GIT_TEST_REFTABLE_AUTOCOMPACTION", "false");
        assert!(command.args(args).status().unwrap().success());
    }
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.git("linked", &["update-ref", "-m", &because(3), "--no-deref", "HEAD", &first]);
    let (status, report) = status_and_report(&scratch, &["history", "--format", "json"], "");
    assert_eq!(status, 1);
    assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 0, "{report:#}");
    let places = |number: u64| -> Vec<(&str, &str)> {
        let leak = leak(&report, &key(number)).unwrap();
        let findings = leak["findings"].as_array().unwrap().iter();
        findings.map(|one| (one["surface"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
    };
    assert!(places(1).iter().any(|(surface, _)| *surface == "ref-name"), "{:?}", places(1));
    assert_eq!(places(2), [("reflog", ".git/logs/refs/heads/short")]);
    assert_eq!(places(3), [("reflog", ".git/worktrees/linked/logs/HEAD")]);
    assert!(strings(&report["coverage"]["surfaces"]).contains(&"reflog"));
}

#[test]
fn a_damaged_table_is_never_clean() {
    let scratch = of("reftable", "sha1");
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
