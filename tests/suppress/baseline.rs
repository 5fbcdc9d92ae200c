//! Tests `friskey baseline`, and scans with a baseline.

use std::fs;

use super::{Scratch, assert_refused, is_temporary, key, notes, open};

const NAME: &str = ".friskey-baseline.toml";

fn with_keys(numbers: &[u64]) -> Scratch {
    let scratch = Scratch::new();
    for number in numbers {
        scratch.write(&format!("src/{number}.py"), &format!("a = '{}'\n", key(*number)));
    }
    scratch
}

fn entry_lines(scratch: &Scratch) -> Vec<String> {
    scratch.read(NAME).lines().filter(|line| line.contains("fingerprint = ")).map(str::to_owned).collect()
}

#[test]
fn a_baseline_follows_keys_that_move() {
    let scratch = with_keys(&[1, 2, 3]);
    let output = scratch.run(&["baseline", "create", "--reason", "revoked", "--owner", "ann"]);
    assert_eq!(output.status, 0, "{}", output.err);
    assert!(
        output.out.contains("accepted: sk-proj-…") && output.out.contains("3 entries added"),
        "{}",
        output.out
    );
    let lines = entry_lines(&scratch);
    assert_eq!(lines.len(), 3);
    assert!(lines.is_sorted());
    let scan = scratch.run(&["scan"]);
    assert_eq!(scan.status, 0);
    assert!(scan.out.contains("3 findings suppressed"), "{}", scan.out);
    // The key moves, and a different one takes its place.
    scratch.write("src/1.py", &format!("a = '{}'\n", key(9)));
    scratch.write("deep/er.txt", &format!("\n\nx {}\n", key(1)));
    let report = scratch.json(&["scan"]);
    assert_eq!(open(&report), ["src/1.py:1"]);
    assert_eq!(report["suppressed"], 3);
    let text = scratch.read(NAME);
    assert!((1..=3).all(|number| !text.contains(&key(number)[8..30])), "free of secrets");
    assert!(!text.contains("src/"), "free of places");
}

#[test]
fn create_overwrites_nothing_and_requires_a_reason() {
    let scratch = with_keys(&[1]);
    assert_refused(&scratch.run(&["baseline", "create"]), "--reason");
    assert_refused(&scratch.run(&["baseline", "create", "--reason", " "]), "must not be empty");
    assert_refused(&scratch.run(&["baseline", "create", "--reason", &key(4)]), "contains a key");
    assert_refused(
        &scratch.run(&["baseline", "create", "--reason", "x", "--expires", "soon"]),
        "expected a date, e.g. 2030-01-31",
    );
    assert!(!scratch.path(NAME).exists());
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let before = scratch.read(NAME);
    assert_refused(&scratch.run(&["baseline", "create", "--reason", "y"]), "already exists");
    assert_eq!(scratch.read(NAME), before);
}

#[test]
fn create_leaves_out_what_is_accepted_inline_or_below_the_threshold() {
    let scratch = with_keys(&[1]);
    scratch.write("b.py", &format!("b = '{}'  # friskey:allow sample\n", key(2)));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    assert_eq!(entry_lines(&scratch).len(), 1);
    let clean = with_keys(&[]);
    clean.write("a.py", "nothing\n");
    let output = clean.run(&["baseline", "create", "--reason", "x"]);
    assert_eq!(output.status, 0);
    assert!(output.out.contains("nothing to accept"), "{}", output.out);
    assert!(!clean.path(NAME).exists());
}

#[test]
fn update_adds_keeps_and_prunes_only_when_asked() {
    let scratch = with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "first"]).status, 0);
    let commented = scratch.read(NAME).replacen("  { finger", "  # looked at by ann\n  { finger", 1);
    scratch.write(NAME, &commented);
    fs::remove_file(scratch.path("src/1.py")).unwrap();
    scratch.write("src/3.py", &format!("a = '{}'\n", key(3)));
    assert_refused(&scratch.run(&["baseline", "update"]), "new keys: 1; state with --reason");
    assert_eq!(scratch.run(&["baseline", "update", "--reason", "second"]).status, 0);
    let lines = entry_lines(&scratch);
    assert_eq!(lines.len(), 3, "nothing is dropped");
    assert_eq!(lines.iter().filter(|line| line.contains("reason = \"first\"")).count(), 2);
    assert!(lines.is_sorted() && scratch.read(NAME).contains("  # looked at by ann\n"));
    assert_eq!(scratch.run(&["baseline", "check"]).status, 1);
    assert_refused(
        &scratch.run(&["baseline", "update", "--prune", "src"]),
        "--prune needs a scan of everything",
    );
    let output = scratch.run(&["baseline", "update", "--prune"]);
    assert_eq!(output.status, 0, "{}", output.err);
    assert!(output.out.contains("dropped, matches no finding: "), "{}", output.out);
    assert_eq!(entry_lines(&scratch).len(), 2);
    let settled = scratch.read(NAME);
    assert_eq!(scratch.run(&["baseline", "update"]).status, 0);
    assert_eq!(scratch.read(NAME), settled, "the same again");
    assert_eq!(scratch.run(&["baseline", "check"]).status, 0);
    assert_refused(&with_keys(&[1]).run(&["baseline", "update"]), "`friskey baseline create` creates it");
}

#[test]
fn only_scans_of_everything_report_stale_entries() {
    let scratch = with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write("src/1.py", "gone\n");
    let stale = |report: &serde_json::Value| notes(report).iter().any(|note| note.contains("may be stale"));
    assert!(stale(&scratch.json(&["scan"])));
    assert!(stale(&scratch.json_in("src", &["scan", ".."], &[])));
    assert!(!stale(&scratch.json(&["scan", "src"])));
    assert!(!stale(&scratch.json(&["scan", "--exclude", "x"])));
    assert_eq!(scratch.run(&["scan"]).status, 0, "a note and no more");
    let output = scratch.run_in("src", &["baseline", "check"], &[]);
    assert_eq!(output.status, 1);
    assert!(output.out.contains("stale, matches no finding: "), "{}", output.out);
    assert_eq!(scratch.run(&["baseline", "check", "src"]).status, 0);
}

#[test]
fn expired_entries_accept_nothing_and_are_not_renewed_by_chance() {
    let scratch = with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x", "--expires", "2999-01-01"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    assert_eq!(scratch.run(&["baseline", "check"]).status, 0);
    scratch.write(NAME, &scratch.read(NAME).replacen("2999-01-01", "2001-01-01", 1));
    let report = scratch.json(&["scan"]);
    assert_eq!(open(&report).len(), 1);
    assert!(notes(&report).iter().any(|note| note.contains("has expired")));
    let output = scratch.run(&["baseline", "check"]);
    assert_eq!(output.status, 1);
    assert!(output.out.starts_with("expired: "), "{}", output.out);
    let before = scratch.read(NAME);
    let output = scratch.run(&["baseline", "update", "--reason", "again"]);
    assert!(output.out.contains("expired, left as it is"), "{}{}", output.out, output.err);
    assert_eq!(scratch.read(NAME), before);
    let output = scratch.run(&["baseline", "update", "--reason", "again", "--prune"]);
    assert!(output.out.contains("dropped, expired: "), "{}{}", output.out, output.err);
    assert_eq!(entry_lines(&scratch).len(), 1);
    assert_eq!(open(&scratch.json(&["scan"])).len(), 1, "pruning accepts nothing");
}

#[test]
fn a_day_in_the_past_is_refused() {
    let scratch = with_keys(&[1]);
    let fingerprint = "0".repeat(64);
    for args in [&["baseline", "add", &fingerprint][..], &["baseline", "create"]] {
        let args = [args, &["--reason", "x", "--expires", "2001-01-01"]].concat();
        assert_refused(&scratch.run(&args), "--expires 2001-01-01 is in the past");
        assert!(!scratch.path(NAME).exists());
    }
}

#[test]
fn globs_are_relative_to_the_root_wherever_friskey_runs() {
    let scratch = with_keys(&[1]);
    scratch.write("docs/a.md", &key(1));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write(NAME, &scratch.read(NAME).replace("reason = \"x\"", "reason = \"x\", path = \"/docs/\""));
    assert_eq!(open(&scratch.json(&["scan"])), ["src/1.py:1"]);
    assert!(open(&scratch.json_in("docs", &["scan"], &[])).is_empty());
    assert_eq!(open(&scratch.json_in("docs", &["scan", "..", "../src"], &[])), ["../src/1.py:1"]);
    let absolute = scratch.path("docs");
    assert!(open(&scratch.json(&["scan", absolute.to_str().unwrap()])).is_empty());
}

#[test]
fn bad_lines_are_errors_with_file_and_line() {
    let scratch = with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let sound = scratch.read(NAME);
    for (from, to, message) in [
        ("rule = ", "rules = ", ".friskey-baseline.toml:5: unknown field `rules`"),
        (
            "fingerprint = \"",
            "fingerprint = \"x",
            ".friskey-baseline.toml:5: invalid fingerprint; expected 64 hex digits",
        ),
        ("version = 1", "version = 7", ".friskey-baseline.toml:3: unknown version 7"),
        (" }", ", path = \"[a\" }", ".friskey-baseline.toml:5: "),
        ("reason = \"x\"", "reason = \"\"", ".friskey-baseline.toml:5: `reason` must not be empty"),
        ("]", "<<<<<<< ours\n]", ".friskey-baseline.toml:6: "),
    ] {
        scratch.write(NAME, &sound.replacen(from, to, 1));
        assert_refused(&scratch.run(&["scan"]), message);
        assert_refused(&scratch.run(&["baseline", "check"]), message);
    }
    assert_eq!(scratch.run(&["scan", "--no-suppress"]).status, 1);
    assert_refused(
        &scratch.run(&["scan", "--baseline", "nowhere.toml"]),
        "cannot read the baseline nowhere.toml",
    );
}

#[cfg(unix)]
#[test]
fn writing_keeps_mode_and_link_and_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write("src/2.py", &key(2));
    fs::create_dir(scratch.path("kept")).unwrap();
    fs::rename(scratch.path(NAME), scratch.path("kept/real.toml")).unwrap();
    fs::set_permissions(scratch.path("kept/real.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("kept/real.toml", scratch.path(NAME)).unwrap();
    let output = scratch.run(&["baseline", "update", "--reason", "y"]);
    assert_eq!(output.status, 0, "{}", output.err);
    assert!(scratch.path(NAME).is_symlink());
    assert_eq!(fs::metadata(scratch.path("kept/real.toml")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(entry_lines(&scratch).len(), 2);
    for dir in ["", "kept"] {
        let entries = fs::read_dir(scratch.path(dir)).unwrap();
        assert!(entries.map(|entry| entry.unwrap().path()).all(|path| !is_temporary(&path)));
    }
}

#[test]
fn branches_that_accept_different_keys_merge() {
    // Enough entries that two new ones hardly ever become neighbours; the keys are always the same.
    let numbers: Vec<u64> = (1..=40).collect();
    let scratch = with_keys(&numbers);
    fs::remove_dir(scratch.path(".git")).unwrap();
    scratch.git(&["init", "-q", "-b", "main"]);
    let accept = |command: &str| {
        let output = scratch.run(&["baseline", command, "--reason", "x"]);
        assert_eq!(output.status, 0, "{}", output.err);
        scratch.git(&["add", "-A"]);
        scratch.git(&["commit", "-qm", "x"]);
    };
    accept("create");
    scratch.git(&["checkout", "-qb", "other"]);
    scratch.write("src/101.py", &key(101));
    accept("update");
    scratch.git(&["checkout", "-q", "main"]);
    scratch.write("src/102.py", &key(102));
    accept("update");
    scratch.git(&["merge", "-q", "--no-edit", "other"]);
    assert_eq!(entry_lines(&scratch).len(), 42);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    assert_eq!(scratch.run(&["baseline", "check"]).status, 0);
}

#[test]
fn add_accepts_by_fingerprint_without_a_scan() {
    let scratch = with_keys(&[1, 2]);
    let fingerprint =
        |number| friskey::model::Secret::new(key(number).into_bytes(), 0).fingerprint().to_string();
    let output =
        scratch.run(&["baseline", "add", &fingerprint(1), "--reason", "revoked", "--path", "src/**"]);
    assert_eq!(output.status, 0, "{}", output.err);
    assert_eq!(entry_lines(&scratch).len(), 1);
    assert!(entry_lines(&scratch)[0].contains("path = \"src/**\""));
    assert_eq!(scratch.run(&["scan"]).status, 1);
    assert_eq!(scratch.run(&["baseline", "add", &fingerprint(2), "--reason", "revoked"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    // Adding it again changes nothing.
    let before = scratch.read(NAME);
    let output = scratch.run(&["baseline", "add", &fingerprint(2), "--reason", "again"]);
    assert!(output.out.starts_with("already accepted: "), "{}", output.out);
    assert_eq!(scratch.read(NAME), before);
    for bad in [&["12ab"][..], &[], &[&key(1)]] {
        let output = scratch.run(&[&["baseline", "add", "--reason", "x"], bad].concat());
        assert_eq!(output.status, 2, "{bad:?}");
        assert!(!output.err.contains(&key(1)[9..]), "{}", output.err);
    }
}

#[test]
fn add_accepts_keys_from_a_report() {
    let scratch = with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["scan", "--output", "json=report.json"]).status, 1);
    let report: serde_json::Value = serde_json::from_str(&scratch.read("report.json")).unwrap();
    let one = report["leaks"][0]["fingerprint"].as_str().unwrap();
    let add = |more: &[&str]| {
        scratch.run(&[&["baseline", "add", "--from", "report.json", "--reason", "old"], more].concat())
    };
    assert_eq!(add(&[&one[..10]]).status, 0);
    assert_eq!(entry_lines(&scratch).len(), 1);
    assert!(entry_lines(&scratch)[0].contains("rule = \"openai-project-key\""));
    assert_eq!(add(&[&"0".repeat(64)]).status, 2);
    assert_eq!(add(&[]).status, 0);
    assert_eq!(entry_lines(&scratch).len(), 2);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    scratch.write("report.json", "{\"schema\": \"other\", \"leaks\": []}");
    assert_eq!(add(&[]).status, 2);
}

#[cfg(unix)]
#[test]
fn a_repository_cannot_redirect_the_baseline_outside_of_it() {
    let scratch = with_keys(&[1]);
    let fingerprint = friskey::model::Secret::new(key(1).into_bytes(), 0).fingerprint().to_string();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim.toml");
    fs::write(&victim, "version = 1\naccepted = []\n").unwrap();
    let untouched = || fs::read_to_string(&victim).unwrap().ends_with("accepted = []\n");
    let add = ["baseline", "add", &fingerprint, "--reason", "x"];
    std::os::unix::fs::symlink(&victim, scratch.path(NAME)).unwrap();
    assert_refused(&scratch.run(&add), "outside the repository");
    assert!(untouched());
    fs::remove_file(scratch.path(NAME)).unwrap();
    std::os::unix::fs::symlink(outside.path(), scratch.path("d")).unwrap();
    for named in ["../escape.toml", "d/new.toml", ".git/new.toml"] {
        scratch.write("friskey.toml", &format!("baseline = '{named}'\n"));
        assert_eq!(scratch.run(&add).status, 2, "{named}");
        assert!(!scratch.path(named).exists(), "{named}");
    }
    // The user may write anywhere.
    let named = victim.to_str().unwrap();
    assert_eq!(scratch.run(&[&add[..], &["--baseline", named]].concat()).status, 0);
    assert!(!untouched());
}
