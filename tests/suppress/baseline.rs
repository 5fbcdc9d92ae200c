//! Tests `friskey baseline`, and scans with a baseline.

use std::fs;

use super::{Scratch, assert_refused, is_temporary, key, notes, open_findings};

const BASELINE: &str = ".friskey-baseline.toml";

/// A directory with one file for each key.
fn scratch_with_keys(numbers: &[u64]) -> Scratch {
    let scratch = Scratch::new();
    for number in numbers {
        scratch.write(&format!("src/{number}.py"), &format!("a = '{}'\n", key(*number)));
    }
    scratch
}

/// The lines of the baseline with an accepted key.
fn entry_lines(scratch: &Scratch) -> Vec<String> {
    scratch.read(BASELINE).lines().filter(|line| line.contains("fingerprint = ")).map(str::to_owned).collect()
}

#[test]
fn a_baseline_follows_keys_that_move() {
    let scratch = scratch_with_keys(&[1, 2, 3]);
    let output = scratch.run(&["baseline", "create", "--reason", "revoked", "--owner", "ann"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(
        output.stdout.contains("accepted: sk-proj-…") && output.stdout.contains("3 entries added"),
        "{}",
        output.stdout
    );
    let lines = entry_lines(&scratch);
    assert_eq!(lines.len(), 3);
    assert!(lines.is_sorted());
    let scan = scratch.run(&["scan"]);
    assert_eq!(scan.status, 0);
    assert!(scan.stdout.contains("3 findings suppressed"), "{}", scan.stdout);
    // The key moves to another file, and a different key replaces it.
    scratch.write("src/1.py", &format!("a = '{}'\n", key(9)));
    scratch.write("deep/er.txt", &format!("\n\nx {}\n", key(1)));
    let report = scratch.json(&["scan"]);
    assert_eq!(open_findings(&report), ["src/1.py:1"]);
    assert_eq!(report["suppressed"], 3);
    let text = scratch.read(BASELINE);
    assert!((1..=3).all(|number| !text.contains(&key(number)[8..30])), "the baseline contains a key");
    assert!(!text.contains("src/"), "the baseline contains a path");
}

#[test]
fn create_overwrites_nothing_and_requires_a_reason() {
    let scratch = scratch_with_keys(&[1]);
    assert_refused(&scratch.run(&["baseline", "create"]), "--reason");
    assert_refused(&scratch.run(&["baseline", "create", "--reason", " "]), "must not be empty");
    assert_refused(&scratch.run(&["baseline", "create", "--reason", &key(4)]), "contains a key");
    assert_refused(
        &scratch.run(&["baseline", "create", "--reason", "x", "--expires", "soon"]),
        "expected a date, e.g. 2030-01-31",
    );
    assert!(!scratch.path(BASELINE).exists());
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let before = scratch.read(BASELINE);
    assert_refused(&scratch.run(&["baseline", "create", "--reason", "y"]), "already exists");
    assert_eq!(scratch.read(BASELINE), before);
}

#[test]
fn create_leaves_out_findings_that_are_accepted_inline() {
    let scratch = scratch_with_keys(&[1]);
    scratch.write("b.py", &format!("b = '{}'  # friskey:allow sample\n", key(2)));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    assert_eq!(entry_lines(&scratch).len(), 1);
}

#[test]
fn create_writes_no_baseline_without_findings() {
    let clean = scratch_with_keys(&[]);
    clean.write("a.py", "nothing\n");
    let output = clean.run(&["baseline", "create", "--reason", "x"]);
    assert_eq!(output.status, 0);
    assert!(output.stdout.contains("nothing to accept"), "{}", output.stdout);
    assert!(!clean.path(BASELINE).exists());
}

#[test]
fn create_names_the_command_that_lists_what_could_not_be_scanned() {
    let scratch = scratch_with_keys(&[1]);
    scratch.write("archive", "Rar!\x1a\x07\x01\0");
    let output = scratch.run(&["baseline", "create", "--reason", "x"]);
    assert_eq!(output.status, 3);
    let note = "incomplete: 1 thing could not be scanned, `friskey scan` shows why\n";
    assert!(output.stdout.ends_with(note), "{}", output.stdout);
}

#[test]
fn update_adds_new_keys_keeps_entries_and_comments_and_removes_only_with_prune() {
    let scratch = scratch_with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "first"]).status, 0);
    let commented = scratch.read(BASELINE).replacen("  { finger", "  # looked at by ann\n  { finger", 1);
    scratch.write(BASELINE, &commented);
    fs::remove_file(scratch.path("src/1.py")).unwrap();
    scratch.write("src/3.py", &format!("a = '{}'\n", key(3)));
    assert_refused(&scratch.run(&["baseline", "update"]), "new keys: 1; state with --reason");
    assert_eq!(scratch.run(&["baseline", "update", "--reason", "second"]).status, 0);
    let lines = entry_lines(&scratch);
    assert_eq!(lines.len(), 3, "update removed an entry without --prune");
    assert_eq!(lines.iter().filter(|line| line.contains("reason = \"first\"")).count(), 2);
    assert!(lines.is_sorted() && scratch.read(BASELINE).contains("  # looked at by ann\n"));
    assert_eq!(scratch.run(&["baseline", "check"]).status, 1);
    assert_refused(
        &scratch.run(&["baseline", "update", "--prune", "src"]),
        "--prune needs a scan of everything",
    );
    let output = scratch.run(&["baseline", "update", "--prune"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(output.stdout.contains("dropped, matches no finding: "), "{}", output.stdout);
    assert_eq!(entry_lines(&scratch).len(), 2);
    let before = scratch.read(BASELINE);
    assert_eq!(scratch.run(&["baseline", "update"]).status, 0);
    assert_eq!(scratch.read(BASELINE), before, "an update without new keys changed the file");
    assert_eq!(scratch.run(&["baseline", "check"]).status, 0);
    assert_refused(
        &scratch_with_keys(&[1]).run(&["baseline", "update"]),
        "`friskey baseline create` creates it",
    );
}

#[test]
fn only_scans_of_everything_report_stale_entries() {
    let scratch = scratch_with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write("src/1.py", "gone\n");
    let stale = |report: &serde_json::Value| notes(report).iter().any(|note| note.contains("may be stale"));
    assert!(stale(&scratch.json(&["scan"])));
    assert!(stale(&scratch.json_in("src", &["scan", ".."])));
    assert!(!stale(&scratch.json(&["scan", "src"])));
    assert!(!stale(&scratch.json(&["scan", "--exclude", "x"])));
    assert_eq!(scratch.run(&["scan"]).status, 0, "a stale entry changed the status");
    let output = scratch.run_in("src", &["baseline", "check"]);
    assert_eq!(output.status, 1);
    assert!(output.stdout.contains("stale, matches no finding: "), "{}", output.stdout);
    assert_eq!(scratch.run(&["baseline", "check", "src"]).status, 0);
}

#[test]
fn expired_entries_accept_nothing_and_update_does_not_renew_them() {
    let scratch = scratch_with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x", "--expires", "2999-01-01"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    assert_eq!(scratch.run(&["baseline", "check"]).status, 0);
    scratch.write(BASELINE, &scratch.read(BASELINE).replacen("2999-01-01", "2001-01-01", 1));
    let report = scratch.json(&["scan"]);
    assert_eq!(open_findings(&report).len(), 1);
    assert!(notes(&report).iter().any(|note| note.contains("has expired")));
    let output = scratch.run(&["baseline", "check"]);
    assert_eq!(output.status, 1);
    assert!(output.stdout.starts_with("expired: "), "{}", output.stdout);
    let before = scratch.read(BASELINE);
    let output = scratch.run(&["baseline", "update", "--reason", "again"]);
    assert!(output.stdout.contains("expired, left as it is"), "{}{}", output.stdout, output.stderr);
    assert_eq!(scratch.read(BASELINE), before);
    let output = scratch.run(&["baseline", "update", "--reason", "again", "--prune"]);
    assert!(output.stdout.contains("dropped, expired: "), "{}{}", output.stdout, output.stderr);
    assert_eq!(entry_lines(&scratch).len(), 1);
    assert_eq!(open_findings(&scratch.json(&["scan"])).len(), 1, "pruning accepted the key again");
}

#[test]
fn an_expiry_date_in_the_past_is_refused() {
    let scratch = scratch_with_keys(&[1]);
    let fingerprint = "0".repeat(64);
    for args in [&["baseline", "add", &fingerprint][..], &["baseline", "create"]] {
        let args = [args, &["--reason", "x", "--expires", "2001-01-01"]].concat();
        assert_refused(&scratch.run(&args), "--expires 2001-01-01 is in the past");
        assert!(!scratch.path(BASELINE).exists());
    }
}

#[test]
fn globs_are_relative_to_the_root_wherever_friskey_runs() {
    let scratch = scratch_with_keys(&[1]);
    scratch.write("docs/a.md", &key(1));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write(
        BASELINE,
        &scratch.read(BASELINE).replace("reason = \"x\"", "reason = \"x\", path = \"/docs/\""),
    );
    assert_eq!(open_findings(&scratch.json(&["scan"])), ["src/1.py:1"]);
    assert!(open_findings(&scratch.json_in("docs", &["scan"])).is_empty());
    assert_eq!(open_findings(&scratch.json_in("docs", &["scan", "..", "../src"])), ["../src/1.py:1"]);
    let absolute = scratch.path("docs");
    assert!(open_findings(&scratch.json(&["scan", absolute.to_str().unwrap()])).is_empty());
}

#[test]
fn errors_in_the_baseline_name_file_and_line() {
    let scratch = scratch_with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    let valid = scratch.read(BASELINE);
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
        scratch.write(BASELINE, &valid.replacen(from, to, 1));
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
fn update_keeps_mode_and_symlink_and_leaves_no_temporary_file() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = scratch_with_keys(&[1]);
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "x"]).status, 0);
    scratch.write("src/2.py", &key(2));
    fs::create_dir(scratch.path("target")).unwrap();
    fs::rename(scratch.path(BASELINE), scratch.path("target/real.toml")).unwrap();
    fs::set_permissions(scratch.path("target/real.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("target/real.toml", scratch.path(BASELINE)).unwrap();
    let output = scratch.run(&["baseline", "update", "--reason", "y"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(scratch.path(BASELINE).is_symlink());
    assert_eq!(fs::metadata(scratch.path("target/real.toml")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(entry_lines(&scratch).len(), 2);
    for dir in ["", "target"] {
        let entries = fs::read_dir(scratch.path(dir)).unwrap();
        assert!(entries.map(|entry| entry.unwrap().path()).all(|path| !is_temporary(&path)));
    }
}

#[test]
fn git_merges_branches_that_accept_different_keys() {
    // Enough entries that the two new ones, sorted by fingerprint, are not on adjacent lines.
    let numbers: Vec<u64> = (1..=40).collect();
    let scratch = scratch_with_keys(&numbers);
    scratch.git(&["init", "-q", "-b", "main"]);
    let accept = |command: &str| {
        let output = scratch.run(&["baseline", command, "--reason", "x"]);
        assert_eq!(output.status, 0, "{}", output.stderr);
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
fn add_accepts_a_key_by_its_fingerprint() {
    let scratch = scratch_with_keys(&[1, 2]);
    let fingerprint =
        |number| friskey::model::Secret::new(key(number).into_bytes(), 0).fingerprint().to_string();
    let output =
        scratch.run(&["baseline", "add", &fingerprint(1), "--reason", "revoked", "--path", "src/**"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert_eq!(entry_lines(&scratch).len(), 1);
    assert!(entry_lines(&scratch)[0].contains("path = \"src/**\""));
    assert_eq!(scratch.run(&["scan"]).status, 1);
    assert_eq!(scratch.run(&["baseline", "add", &fingerprint(2), "--reason", "revoked"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    // Adding it again changes nothing.
    let before = scratch.read(BASELINE);
    let output = scratch.run(&["baseline", "add", &fingerprint(2), "--reason", "again"]);
    assert!(output.stdout.starts_with("already accepted: "), "{}", output.stdout);
    assert_eq!(scratch.read(BASELINE), before);
    for invalid in [&["12ab"][..], &[], &[&key(1)]] {
        let output = scratch.run(&[&["baseline", "add", "--reason", "x"], invalid].concat());
        assert_eq!(output.status, 2, "{invalid:?}");
        assert!(!output.stderr.contains(&key(1)[9..]), "{}", output.stderr);
    }
}

#[test]
fn add_writes_neither_a_key_nor_a_reason_that_cannot_be_seen() {
    let scratch = scratch_with_keys(&[1]);
    let fingerprint = "0".repeat(64);
    let with_key = format!("logs/{}.txt", key(1));
    for (option, value, reason) in [
        ("--path", with_key.as_str(), "x"),
        ("--rule", &key(1), "x"),
        ("--rule", "\u{200b}", "x"),
        ("--owner", "\u{2060} ", "x"),
        ("--path", "a", "\u{200b}\u{3164} "),
    ] {
        let output = scratch.run(&["baseline", "add", &fingerprint, "--reason", reason, option, value]);
        assert_eq!(output.status, 2, "{option} {value:?} {reason:?}");
        assert!(!output.stderr.contains(&key(1)[9..]), "{}", output.stderr);
    }
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "\u{feff}"]).status, 2);
    // A report is a file, which may contain anything.
    let leak = format!("{{\"fingerprint\": \"{fingerprint}\", \"rule\": \"{}\"}}", key(1));
    scratch.write("r.json", &format!("{{\"schema\": \"friskey/report/v1\", \"leaks\": [{leak}]}}"));
    let output = scratch.run(&["baseline", "add", "--from", "r.json", "--reason", "x"]);
    assert!(output.status == 2 && !output.stderr.contains(&key(1)[9..]), "{}", output.stderr);
    assert!(!scratch.path(BASELINE).exists());
}

#[test]
fn quiet_baseline_commands_print_nothing_if_all_is_well() {
    let scratch = scratch_with_keys(&[1]);
    for args in [
        &["baseline", "create", "--reason", "x", "-q"][..],
        &["baseline", "update", "-q"],
        &["baseline", "check", "-q"],
        &["baseline", "add", &"0".repeat(64), "--reason", "x", "-q"],
    ] {
        let output = scratch.run(args);
        assert_eq!((output.status, &*output.stdout, &*output.stderr), (0, "", ""), "{args:?}");
    }
    let output = scratch.run(&["baseline", "check", "-q"]);
    assert!(output.status == 1 && output.stdout.contains("00000000"), "{}", output.stdout);
}

#[test]
fn add_accepts_keys_from_a_report() {
    let scratch = scratch_with_keys(&[1, 2]);
    assert_eq!(scratch.run(&["scan", "--output", "json=report.json"]).status, 1);
    let report: serde_json::Value = serde_json::from_str(&scratch.read("report.json")).unwrap();
    let first = report["leaks"][0]["fingerprint"].as_str().unwrap();
    let add = |fingerprints: &[&str]| {
        scratch
            .run(&[&["baseline", "add", "--from", "report.json", "--reason", "old"], fingerprints].concat())
    };
    assert_eq!(add(&[&first[..10]]).status, 0);
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
    let scratch = scratch_with_keys(&[1]);
    let fingerprint = friskey::model::Secret::new(key(1).into_bytes(), 0).fingerprint().to_string();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim.toml");
    fs::write(&victim, "version = 1\naccepted = []\n").unwrap();
    let is_unchanged = || fs::read_to_string(&victim).unwrap().ends_with("accepted = []\n");
    let add = ["baseline", "add", &fingerprint, "--reason", "x"];
    std::os::unix::fs::symlink(&victim, scratch.path(BASELINE)).unwrap();
    assert_refused(&scratch.run(&add), "outside the repository");
    assert!(is_unchanged());
    fs::remove_file(scratch.path(BASELINE)).unwrap();
    std::os::unix::fs::symlink(outside.path(), scratch.path("d")).unwrap();
    for configured in ["../escape.toml", "d/new.toml", ".git/new.toml"] {
        scratch.write("friskey.toml", &format!("baseline = '{configured}'\n"));
        assert_eq!(scratch.run(&add).status, 2, "{configured}");
        assert!(!scratch.path(configured).exists(), "{configured}");
    }
    // The user may name any file.
    let victim_path = victim.to_str().unwrap();
    assert_eq!(scratch.run(&[&add[..], &["--baseline", victim_path]].concat()).status, 0);
    assert!(!is_unchanged());
}
