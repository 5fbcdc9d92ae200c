//! Tests how `history`, `staged` and the pre-commit hook apply markers, the baseline and the configuration.

use super::{Scratch, assert_refused, key, notes, open_findings};

fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.git(&["init", "-q", "-b", "main"]);
    scratch
}

/// A repository whose baseline accepts two keys, one of which is only in the history.
fn repository_with_baseline() -> Scratch {
    let scratch = repository();
    scratch.write("a.py", &key(1));
    scratch.write("b.py", &key(2));
    commit(&scratch);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "old"]).status, 0);
    scratch.write("a.py", "gone\n");
    commit(&scratch);
    scratch
}

fn commit(scratch: &Scratch) {
    scratch.git(&["add", "-A"]);
    scratch.git(&["commit", "-qm", "a commit"]);
}

#[test]
fn history_accepts_a_key_that_the_newest_version_marks_everywhere() {
    let scratch = repository();
    let (first, second) = (key(1), key(2));
    scratch.write("a.py", &format!("a = '{first}'\n"));
    commit(&scratch);
    scratch.write("a.py", &format!("a = '{first}'  # friskey:allow revoked\nb = '{second}'\n"));
    commit(&scratch);
    let report = scratch.json(&["history"]);
    assert_eq!(open_findings(&report), ["a.py:2"]);
    assert_eq!(report["suppressed"], 1);
    assert_eq!(open_findings(&scratch.json(&["history", "--no-suppress"])), ["a.py:1", "a.py:2"]);
    // A single finding without a marker keeps the leak open.
    scratch.write("a.py", &format!("a = '{first}'  # friskey:allow revoked\nb = '{first}'\n"));
    commit(&scratch);
    assert_eq!(open_findings(&scratch.json(&["history"])), ["a.py:2", "a.py:2"]);
    scratch.write("a.py", &format!("a = '{first}'  # friskey:allow\n"));
    commit(&scratch);
    let strict = scratch.json(&["history", "--strict"]);
    assert!(notes(&strict)[0].starts_with("a.py:1: `friskey:allow` gives no reason"), "{strict}");
}

#[test]
fn history_honors_the_baseline() {
    let scratch = repository();
    scratch.write("a.py", &key(1));
    scratch.write("docs/b.md", &key(2));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "old"]).status, 0);
    let text = scratch.read(".friskey-baseline.toml");
    let limited_to_docs = text.replace("reason = \"old\"", "reason = \"old\", path = \"/docs/\"");
    scratch.write(".friskey-baseline.toml", &limited_to_docs);
    commit(&scratch);
    assert_eq!(open_findings(&scratch.json(&["history"])), ["a.py:1"]);
    assert_eq!(
        open_findings(&scratch.json_in("docs", &["history"])),
        ["a.py:1"],
        "the baseline's globs are relative to the root"
    );
    // `trace` reports a key even if it is accepted.
    let output = scratch.run_with("", &["trace", "--env", "KEY"], &[("KEY", &key(2))]);
    assert_eq!(output.status, 1, "{}", output.stderr);
}

#[test]
fn history_of_another_repository_ignores_the_surrounding_configuration() {
    let scratch = repository();
    scratch.write("a.py", &key(1));
    scratch.write("friskey.toml", "nonsense = 1\n");
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x", "--no-config"]).status, 0);
    commit(&scratch);
    let elsewhere = repository();
    elsewhere.write("friskey.toml", "more-nonsense = 1\n");
    let path = scratch.path("");
    let path = path.to_str().unwrap();
    let report = elsewhere.json(&["history", path]);
    assert_eq!(open_findings(&report), ["a.py:1"]);
    assert!(notes(&report).is_empty());
    assert_eq!(scratch.run(&["history"]).status, 2, "the repository's own configuration is invalid");
    let baseline = scratch.path(".friskey-baseline.toml");
    let with_baseline = elsewhere.json(&["history", path, "--baseline", baseline.to_str().unwrap()]);
    assert!(open_findings(&with_baseline).is_empty());
}

#[test]
fn history_scans_the_configured_surfaces() {
    let scratch = repository();
    scratch.write("a.py", &key(1));
    scratch.write("vendor/b.py", &key(2));
    scratch.write("friskey.toml", "surfaces = ['commit-message']\nexclude = ['/vendor/']\n");
    commit(&scratch);
    let report = scratch.json(&["history"]);
    assert!(open_findings(&report).is_empty());
    assert_eq!(report["coverage"]["surfaces"], serde_json::json!(["commit-message"]));
    assert_eq!(notes(&report), ["configuration: friskey.toml, which leaves out /vendor/"]);
    assert_eq!(open_findings(&scratch.json(&["history", "--surfaces", "blob"])), ["a.py:1"]);
    let all = scratch.json(&["history", "--surfaces", "blob", "--no-config"]);
    assert_eq!(open_findings(&all), ["a.py:1", "vendor/b.py:1"]);
}

#[test]
fn staged_and_the_hook_apply_markers_baseline_and_configuration() {
    let scratch = repository();
    scratch.write("README", "hello\n");
    commit(&scratch);
    scratch.write("a.py", &format!("a = '{}'  # friskey:allow sample\nb = '{}'\n", key(1), key(2)));
    scratch.write("vendor/c.py", &key(3));
    scratch.git(&["add", "-A"]);
    assert_eq!(open_findings(&scratch.json(&["staged"])), ["a.py:2", "vendor/c.py:1"]);
    scratch.write("friskey.toml", "exclude = ['vendor/']\n");
    assert_eq!(open_findings(&scratch.json(&["staged"])), ["a.py:2"]);
    assert_eq!(open_findings(&scratch.json_in("vendor", &["staged"])), ["a.py:2"]);
    assert_eq!(open_findings(&scratch.json(&["staged", "vendor/c.py"])), [""; 0]);
    let hook = scratch.run(&["hook", "run", "pre-commit"]);
    assert_eq!(hook.status, 1, "{}", hook.stderr);
    scratch.write("friskey.toml", "exclude = ['vendor/']\nstrict = true\n");
    scratch.write("a.py", &format!("a = '{}'  # friskey:allow\n", key(1)));
    scratch.git(&["add", "a.py"]);
    let hook = scratch.run(&["hook", "run", "pre-commit"]);
    assert!(hook.status == 1 && hook.stderr.contains("note: a.py:1: `friskey:allow` gives no reason"));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    for args in [&["staged"][..], &["hook", "run", "pre-commit"]] {
        let output = scratch.run(args);
        assert_eq!(output.status, 0, "{}{}", output.stdout, output.stderr);
    }
    scratch.write("friskey.toml", "nonsense = 1\n");
    assert_refused(&scratch.run(&["hook", "run", "pre-commit"]), "friskey.toml:1: unknown field");
}

#[test]
fn a_baseline_entry_for_a_key_only_in_the_history_is_not_stale() {
    let scratch = repository_with_baseline();
    let output = scratch.run(&["baseline", "check"]);
    assert_eq!((output.status, output.stdout.contains("stale")), (0, false), "{}", output.stdout);
    assert_eq!(scratch.run(&["baseline", "update", "--prune"]).status, 0);
    assert_eq!(scratch.read(".friskey-baseline.toml").matches("fingerprint =").count(), 2);
    // An entry for a key that never existed is stale.
    assert_eq!(scratch.run(&["baseline", "add", &"0".repeat(64), "--reason", "odd"]).status, 0);
    let output = scratch.run(&["baseline", "check"]);
    assert_eq!(output.status, 1);
    assert!(output.stdout.contains("stale, matches no finding: 000000000000"), "{}", output.stdout);
    assert_eq!(scratch.run(&["baseline", "update", "--prune"]).status, 0);
    assert_eq!(scratch.read(".friskey-baseline.toml").matches("fingerprint =").count(), 2);
}

#[test]
fn update_prunes_nothing_if_a_part_of_the_history_cannot_be_read() {
    let scratch = repository_with_baseline();
    let is_object = |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name.len() == 38);
    let directories = std::fs::read_dir(scratch.path(".git/objects")).unwrap();
    let files = directories.flat_map(|dir| std::fs::read_dir(dir.unwrap().path()).into_iter().flatten());
    for path in files.map(|file| file.unwrap().path()).filter(is_object) {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "not an object").unwrap();
    }
    assert_refused(&scratch.run(&["baseline", "update", "--prune"]), "cannot prune: ");
    assert_eq!(scratch.read(".friskey-baseline.toml").matches("fingerprint =").count(), 2);
}
