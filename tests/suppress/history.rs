//! Acceptance and configuration in scans of the history and of the index.

use super::{Place, assert_refused, key, notes, open};

fn repository() -> Place {
    let place = Place::new();
    std::fs::remove_dir(place.path(".git")).unwrap();
    place.git(&["init", "-q", "-b", "main"]);
    place
}

fn commit(place: &Place) {
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "a commit"]);
}

#[test]
fn history_accepts_a_key_that_the_newest_version_marks_everywhere() {
    let place = repository();
    let (first, second) = (key(1), key(2));
    place.write("a.py", &format!("a = '{first}'\n"));
    commit(&place);
    place.write("a.py", &format!("a = '{first}'  # friskey:allow revoked\nb = '{second}'\n"));
    commit(&place);
    let report = place.json(&["history"]);
    assert_eq!(open(&report), ["a.py:2"]);
    assert_eq!(report["suppressed"], 1);
    assert_eq!(open(&place.json(&["history", "--no-suppress"])), ["a.py:1", "a.py:2"]);
    // A single finding without a marker keeps the leak open.
    place.write("a.py", &format!("a = '{first}'  # friskey:allow revoked\nb = '{first}'\n"));
    commit(&place);
    assert_eq!(open(&place.json(&["history"])), ["a.py:2", "a.py:2"]);
    place.write("a.py", &format!("a = '{first}'  # friskey:allow\n"));
    commit(&place);
    let strict = place.json(&["history", "--strict"]);
    assert!(notes(&strict)[0].starts_with("a.py:1: `friskey:allow` gives no reason"), "{strict}");
}

#[test]
fn history_honors_the_baseline() {
    let place = repository();
    place.write("a.py", &key(1));
    place.write("docs/b.md", &key(2));
    assert_eq!(place.run(&["baseline", "create", "--reason", "old"]).status, 0);
    let text = place.read(".friskey-baseline.toml");
    let globbed = text.replace("reason = \"old\"", "reason = \"old\", path = \"/docs/\"");
    place.write(".friskey-baseline.toml", &globbed);
    commit(&place);
    assert_eq!(open(&place.json(&["history"])), ["a.py:1"]);
    assert_eq!(open(&place.json_in("docs", &["history"], &[])), ["a.py:1"], "paths begin at the root");
    // `trace` shows a key even if it is accepted.
    let said = place.run_in("", &["trace", "--env", "KEY"], &[("KEY", &key(2))]);
    assert_eq!(said.status, 1, "{}", said.err);
}

#[test]
fn history_of_another_repository_ignores_the_surrounding_configuration() {
    let place = repository();
    place.write("a.py", &key(1));
    place.write("friskey.toml", "nonsense = 1\n");
    assert_eq!(place.run(&["baseline", "create", "--reason", "x", "--no-config"]).status, 0);
    commit(&place);
    let elsewhere = repository();
    elsewhere.write("friskey.toml", "more-nonsense = 1\n");
    let there = place.path("");
    let there = there.to_str().unwrap();
    let report = elsewhere.json(&["history", there]);
    assert_eq!(open(&report), ["a.py:1"]);
    assert!(notes(&report).is_empty());
    assert_eq!(place.run(&["history"]).status, 2, "its own it does");
    let baseline = place.path(".friskey-baseline.toml");
    let named = elsewhere.json(&["history", there, "--baseline", baseline.to_str().unwrap()]);
    assert!(open(&named).is_empty());
}

#[test]
fn history_scans_the_configured_surfaces() {
    let place = repository();
    place.write("a.py", &key(1));
    place.write("vendor/b.py", &key(2));
    place.write("friskey.toml", "surfaces = ['commit-message']\nexclude = ['/vendor/']\n");
    commit(&place);
    let report = place.json(&["history"]);
    assert!(open(&report).is_empty());
    assert_eq!(report["coverage"]["surfaces"], serde_json::json!(["commit-message"]));
    assert_eq!(notes(&report), ["configuration: friskey.toml, which leaves out /vendor/"]);
    assert_eq!(open(&place.json(&["history", "--surfaces", "blob"])), ["a.py:1"]);
    let all = place.json(&["history", "--surfaces", "blob", "--no-config"]);
    assert_eq!(open(&all), ["a.py:1", "vendor/b.py:1"]);
}

#[test]
fn staged_applies_the_same_policy() {
    let place = repository();
    place.write("README", "hello\n");
    commit(&place);
    place.write("a.py", &format!("a = '{}'  # friskey:allow sample\nb = '{}'\n", key(1), key(2)));
    place.write("vendor/c.py", &key(3));
    place.git(&["add", "-A"]);
    assert_eq!(open(&place.json(&["staged"])), ["a.py:2", "vendor/c.py:1"]);
    place.write("friskey.toml", "exclude = ['vendor/']\n");
    assert_eq!(open(&place.json(&["staged"])), ["a.py:2"]);
    assert_eq!(open(&place.json_in("vendor", &["staged"], &[])), ["a.py:2"]);
    assert_eq!(open(&place.json(&["staged", "vendor/c.py"])), [""; 0]);
    // The hook, a push and a later scan of the history agree.
    let hook = place.run(&["hook", "run", "pre-commit"]);
    assert_eq!(hook.status, 1, "{}", hook.err);
    place.write("friskey.toml", "exclude = ['vendor/']\nstrict = true\n");
    place.write("a.py", &format!("a = '{}'  # friskey:allow\n", key(1)));
    place.git(&["add", "a.py"]);
    let hook = place.run(&["hook", "run", "pre-commit"]);
    assert!(hook.status == 1 && hook.err.contains("note: a.py:1: `friskey:allow` gives no reason"));
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    for args in [&["staged"][..], &["hook", "run", "pre-commit"]] {
        let said = place.run(args);
        assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    }
    place.write("friskey.toml", "nonsense = 1\n");
    assert_refused(&place.run(&["hook", "run", "pre-commit"]), "friskey.toml:1: unknown field");
}

#[test]
fn an_entry_for_a_key_only_in_the_history_is_not_stale() {
    let place = repository();
    place.write("a.py", &key(1));
    place.write("b.py", &key(2));
    commit(&place);
    assert_eq!(place.run(&["baseline", "create", "--reason", "old"]).status, 0);
    place.write("a.py", "gone\n");
    commit(&place);
    let said = place.run(&["baseline", "check"]);
    assert_eq!((said.status, said.out.contains("stale")), (0, false), "{}", said.out);
    assert_eq!(place.run(&["baseline", "update", "--prune"]).status, 0);
    assert_eq!(place.read(".friskey-baseline.toml").matches("fingerprint =").count(), 2);
    // A key that never existed is stale.
    assert_eq!(place.run(&["baseline", "add", &"0".repeat(64), "--reason", "odd"]).status, 0);
    let said = place.run(&["baseline", "check"]);
    assert_eq!(said.status, 1);
    assert!(said.out.contains("stale, matches no finding: 000000000000"), "{}", said.out);
    assert_eq!(place.run(&["baseline", "update", "--prune"]).status, 0);
    assert_eq!(place.read(".friskey-baseline.toml").matches("fingerprint =").count(), 2);
}
