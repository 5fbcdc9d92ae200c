//! `friskey baseline`, and scans with a baseline.

use std::fs;

use super::{Place, assert_refused, is_temporary, key, notes, open};

const NAME: &str = ".friskey-baseline.toml";

fn with_keys(numbers: &[u64]) -> Place {
    let place = Place::new();
    for number in numbers {
        place.write(&format!("src/{number}.py"), &format!("a = '{}'\n", key(*number)));
    }
    place
}

fn entry_lines(place: &Place) -> Vec<String> {
    place.read(NAME).lines().filter(|line| line.contains("fingerprint = ")).map(str::to_owned).collect()
}

#[test]
fn a_baseline_follows_keys_that_move() {
    let place = with_keys(&[1, 2, 3]);
    let said = place.run(&["baseline", "create", "--reason", "revoked", "--owner", "ann"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.contains("accepted: sk-proj-…") && said.out.contains("3 entries added"), "{}", said.out);
    let lines = entry_lines(&place);
    assert_eq!(lines.len(), 3);
    assert!(lines.is_sorted());
    let scan = place.run(&["scan"]);
    assert_eq!(scan.status, 0);
    assert!(scan.out.contains("3 findings suppressed"), "{}", scan.out);
    // The key moves, and a different one takes its place.
    place.write("src/1.py", &format!("a = '{}'\n", key(9)));
    place.write("deep/er.txt", &format!("\n\nx {}\n", key(1)));
    let report = place.json(&["scan"]);
    assert_eq!(open(&report), ["src/1.py:1"]);
    assert_eq!(report["suppressed"], 3);
    let text = place.read(NAME);
    assert!((1..=3).all(|number| !text.contains(&key(number)[8..30])), "free of secrets");
    assert!(!text.contains("src/"), "free of places");
}

#[test]
fn create_overwrites_nothing_and_requires_a_reason() {
    let place = with_keys(&[1]);
    assert_refused(&place.run(&["baseline", "create"]), "--reason");
    assert_refused(&place.run(&["baseline", "create", "--reason", " "]), "must not be empty");
    assert_refused(&place.run(&["baseline", "create", "--reason", &key(4)]), "contains a key");
    assert_refused(
        &place.run(&["baseline", "create", "--reason", "x", "--expires", "soon"]),
        "expected a date, e.g. 2030-01-31",
    );
    assert!(!place.path(NAME).exists());
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let before = place.read(NAME);
    assert_refused(&place.run(&["baseline", "create", "--reason", "y"]), "already exists");
    assert_eq!(place.read(NAME), before);
}

#[test]
fn create_leaves_out_what_is_accepted_inline_or_below_the_threshold() {
    let place = with_keys(&[1]);
    place.write("b.py", &format!("b = '{}'  # friskey:allow sample\n", key(2)));
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    assert_eq!(entry_lines(&place).len(), 1);
    let clean = with_keys(&[]);
    clean.write("a.py", "nothing\n");
    let said = clean.run(&["baseline", "create", "--reason", "x"]);
    assert_eq!(said.status, 0);
    assert!(said.out.contains("nothing to accept"), "{}", said.out);
    assert!(!clean.path(NAME).exists());
}

#[test]
fn update_adds_keeps_and_prunes_only_when_asked() {
    let place = with_keys(&[1, 2]);
    assert_eq!(place.run(&["baseline", "create", "--reason", "first"]).status, 0);
    let commented = place.read(NAME).replacen("  { finger", "  # looked at by ann\n  { finger", 1);
    place.write(NAME, &commented);
    fs::remove_file(place.path("src/1.py")).unwrap();
    place.write("src/3.py", &format!("a = '{}'\n", key(3)));
    assert_refused(&place.run(&["baseline", "update"]), "new keys: 1; state with --reason");
    assert_eq!(place.run(&["baseline", "update", "--reason", "second"]).status, 0);
    let lines = entry_lines(&place);
    assert_eq!(lines.len(), 3, "nothing is dropped");
    assert_eq!(lines.iter().filter(|line| line.contains("reason = \"first\"")).count(), 2);
    assert!(lines.is_sorted() && place.read(NAME).contains("  # looked at by ann\n"));
    assert_eq!(place.run(&["baseline", "check"]).status, 1);
    assert_refused(
        &place.run(&["baseline", "update", "--prune", "src"]),
        "--prune needs a scan of everything",
    );
    let said = place.run(&["baseline", "update", "--prune"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.contains("dropped, matches no finding: "), "{}", said.out);
    assert_eq!(entry_lines(&place).len(), 2);
    let settled = place.read(NAME);
    assert_eq!(place.run(&["baseline", "update"]).status, 0);
    assert_eq!(place.read(NAME), settled, "the same again");
    assert_eq!(place.run(&["baseline", "check"]).status, 0);
    assert_refused(&with_keys(&[1]).run(&["baseline", "update"]), "`friskey baseline create` creates it");
}

#[test]
fn only_scans_of_everything_report_stale_entries() {
    let place = with_keys(&[1]);
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    place.write("src/1.py", "gone\n");
    let stale = |report: &serde_json::Value| notes(report).iter().any(|note| note.contains("may be stale"));
    assert!(stale(&place.json(&["scan"])));
    assert!(stale(&place.json_in("src", &["scan", ".."], &[])));
    assert!(!stale(&place.json(&["scan", "src"])));
    assert!(!stale(&place.json(&["scan", "--exclude", "x"])));
    assert_eq!(place.run(&["scan"]).status, 0, "a note and no more");
    let said = place.run_in("src", &["baseline", "check"], &[]);
    assert_eq!(said.status, 1);
    assert!(said.out.contains("stale, matches no finding: "), "{}", said.out);
    assert_eq!(place.run(&["baseline", "check", "src"]).status, 0);
}

#[test]
fn expired_entries_accept_nothing_and_are_not_renewed_by_chance() {
    let place = with_keys(&[1, 2]);
    assert_eq!(place.run(&["baseline", "create", "--reason", "x", "--expires", "2999-01-01"]).status, 0);
    assert_eq!(place.run(&["scan"]).status, 0);
    assert_eq!(place.run(&["baseline", "check"]).status, 0);
    place.write(NAME, &place.read(NAME).replacen("2999-01-01", "2001-01-01", 1));
    let report = place.json(&["scan"]);
    assert_eq!(open(&report).len(), 1);
    assert!(notes(&report).iter().any(|note| note.contains("has expired")));
    let said = place.run(&["baseline", "check"]);
    assert_eq!(said.status, 1);
    assert!(said.out.starts_with("expired: "), "{}", said.out);
    let before = place.read(NAME);
    let said = place.run(&["baseline", "update", "--reason", "again"]);
    assert!(said.out.contains("expired, left as it is"), "{}{}", said.out, said.err);
    assert_eq!(place.read(NAME), before);
    let said = place.run(&["baseline", "update", "--reason", "again", "--prune"]);
    assert!(said.out.contains("dropped, expired: "), "{}{}", said.out, said.err);
    assert_eq!(entry_lines(&place).len(), 1);
    assert_eq!(open(&place.json(&["scan"])).len(), 1, "pruning accepts nothing");
}

#[test]
fn a_day_in_the_past_is_refused() {
    let place = with_keys(&[1]);
    let fingerprint = "0".repeat(64);
    for args in [&["baseline", "add", &fingerprint][..], &["baseline", "create"]] {
        let args = [args, &["--reason", "x", "--expires", "2001-01-01"]].concat();
        assert_refused(&place.run(&args), "--expires 2001-01-01 is in the past");
        assert!(!place.path(NAME).exists());
    }
}

#[test]
fn globs_are_relative_to_the_root_wherever_friskey_runs() {
    let place = with_keys(&[1]);
    place.write("docs/a.md", &key(1));
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    place.write(NAME, &place.read(NAME).replace("reason = \"x\"", "reason = \"x\", path = \"/docs/\""));
    assert_eq!(open(&place.json(&["scan"])), ["src/1.py:1"]);
    assert!(open(&place.json_in("docs", &["scan"], &[])).is_empty());
    assert_eq!(open(&place.json_in("docs", &["scan", "..", "../src"], &[])), ["../src/1.py:1"]);
    let absolute = place.path("docs");
    assert!(open(&place.json(&["scan", absolute.to_str().unwrap()])).is_empty());
}

#[test]
fn bad_lines_are_errors_with_file_and_line() {
    let place = with_keys(&[1]);
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let sound = place.read(NAME);
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
        place.write(NAME, &sound.replacen(from, to, 1));
        assert_refused(&place.run(&["scan"]), message);
        assert_refused(&place.run(&["baseline", "check"]), message);
    }
    assert_eq!(place.run(&["scan", "--no-suppress"]).status, 1);
    assert_refused(
        &place.run(&["scan", "--baseline", "nowhere.toml"]),
        "cannot read the baseline nowhere.toml",
    );
}

#[cfg(unix)]
#[test]
fn writing_keeps_mode_and_link_and_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    let place = with_keys(&[1]);
    assert_eq!(place.run(&["baseline", "create", "--reason", "x"]).status, 0);
    place.write("src/2.py", &key(2));
    fs::create_dir(place.path("kept")).unwrap();
    fs::rename(place.path(NAME), place.path("kept/real.toml")).unwrap();
    fs::set_permissions(place.path("kept/real.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("kept/real.toml", place.path(NAME)).unwrap();
    let said = place.run(&["baseline", "update", "--reason", "y"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(place.path(NAME).is_symlink());
    assert_eq!(fs::metadata(place.path("kept/real.toml")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(entry_lines(&place).len(), 2);
    for dir in ["", "kept"] {
        let entries = fs::read_dir(place.path(dir)).unwrap();
        assert!(entries.map(|entry| entry.unwrap().path()).all(|path| !is_temporary(&path)));
    }
}

#[test]
fn branches_that_accept_different_keys_merge() {
    // Enough entries that two new ones hardly ever become neighbours; the keys are always the same.
    let numbers: Vec<u64> = (1..=40).collect();
    let place = with_keys(&numbers);
    fs::remove_dir(place.path(".git")).unwrap();
    place.git(&["init", "-q", "-b", "main"]);
    let accept = |command: &str| {
        let said = place.run(&["baseline", command, "--reason", "x"]);
        assert_eq!(said.status, 0, "{}", said.err);
        place.git(&["add", "-A"]);
        place.git(&["commit", "-qm", "x"]);
    };
    accept("create");
    place.git(&["checkout", "-qb", "other"]);
    place.write("src/101.py", &key(101));
    accept("update");
    place.git(&["checkout", "-q", "main"]);
    place.write("src/102.py", &key(102));
    accept("update");
    place.git(&["merge", "-q", "--no-edit", "other"]);
    assert_eq!(entry_lines(&place).len(), 42);
    assert_eq!(place.run(&["scan"]).status, 0);
    assert_eq!(place.run(&["baseline", "check"]).status, 0);
}

#[test]
fn add_accepts_by_fingerprint_without_a_scan() {
    let place = with_keys(&[1, 2]);
    let fingerprint =
        |number| friskey::model::Secret::new(key(number).into_bytes(), 0).fingerprint().to_string();
    let said = place.run(&["baseline", "add", &fingerprint(1), "--reason", "revoked", "--path", "src/**"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(entry_lines(&place).len(), 1);
    assert!(entry_lines(&place)[0].contains("path = \"src/**\""));
    assert_eq!(place.run(&["scan"]).status, 1);
    assert_eq!(place.run(&["baseline", "add", &fingerprint(2), "--reason", "revoked"]).status, 0);
    assert_eq!(place.run(&["scan"]).status, 0);
    // Adding it again changes nothing.
    let before = place.read(NAME);
    let said = place.run(&["baseline", "add", &fingerprint(2), "--reason", "again"]);
    assert!(said.out.starts_with("already accepted: "), "{}", said.out);
    assert_eq!(place.read(NAME), before);
    for bad in [&["12ab"][..], &[], &[&key(1)]] {
        let said = place.run(&[&["baseline", "add", "--reason", "x"], bad].concat());
        assert_eq!(said.status, 2, "{bad:?}");
        assert!(!said.err.contains(&key(1)[9..]), "{}", said.err);
    }
}

#[test]
fn add_accepts_keys_from_a_report() {
    let place = with_keys(&[1, 2]);
    assert_eq!(place.run(&["scan", "--output", "json=report.json"]).status, 1);
    let report: serde_json::Value = serde_json::from_str(&place.read("report.json")).unwrap();
    let one = report["leaks"][0]["fingerprint"].as_str().unwrap();
    let add = |more: &[&str]| {
        place.run(&[&["baseline", "add", "--from", "report.json", "--reason", "old"], more].concat())
    };
    assert_eq!(add(&[&one[..10]]).status, 0);
    assert_eq!(entry_lines(&place).len(), 1);
    assert!(entry_lines(&place)[0].contains("rule = \"openai-project-key\""));
    assert_eq!(add(&[&"0".repeat(64)]).status, 2);
    assert_eq!(add(&[]).status, 0);
    assert_eq!(entry_lines(&place).len(), 2);
    assert_eq!(place.run(&["scan"]).status, 0);
    place.write("report.json", "{\"schema\": \"other\", \"leaks\": []}");
    assert_eq!(add(&[]).status, 2);
}

#[cfg(unix)]
#[test]
fn a_repository_cannot_redirect_the_baseline_outside_of_it() {
    let place = with_keys(&[1]);
    let fingerprint = friskey::model::Secret::new(key(1).into_bytes(), 0).fingerprint().to_string();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim.toml");
    fs::write(&victim, "version = 1\naccepted = []\n").unwrap();
    let untouched = || fs::read_to_string(&victim).unwrap().ends_with("accepted = []\n");
    let add = ["baseline", "add", &fingerprint, "--reason", "x"];
    std::os::unix::fs::symlink(&victim, place.path(NAME)).unwrap();
    assert_refused(&place.run(&add), "outside the repository");
    assert!(untouched());
    fs::remove_file(place.path(NAME)).unwrap();
    std::os::unix::fs::symlink(outside.path(), place.path("d")).unwrap();
    for named in ["../escape.toml", "d/new.toml", ".git/new.toml"] {
        place.write("friskey.toml", &format!("baseline = '{named}'\n"));
        assert_eq!(place.run(&add).status, 2, "{named}");
        assert!(!place.path(named).exists(), "{named}");
    }
    // The user may write anywhere.
    let named = victim.to_str().unwrap();
    assert_eq!(place.run(&[&add[..], &["--baseline", named]].concat()).status, 0);
    assert!(!untouched());
}
