//! Tests what `friskey scan` leaves out because of ignore files and options, and that it names everything that it
//! leaves out.

use serde_json::Value;

use crate::support::{Scratch, key, leak, report};

fn scan(scratch: &Scratch, dir: &str, args: &[&str]) -> Value {
    report(&scratch.friskey(dir, &[&["scan", "--format", "json"], args].concat()))
}

/// Everything that was left out, each with the pattern or option that left it out.
fn ignored(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["coverage"]["ignored"].as_array().unwrap();
    all.iter().map(|one| (text(&one["what"]), text(&one["by"]))).collect()
}

/// Pairs as [`ignored`] returns them, to compare with.
fn owned_pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(what, by)| (what.to_owned(), by.to_owned())).collect()
}

#[test]
fn each_ignored_path_is_named_with_its_pattern() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/.gitignore", "# build\nbuild/\n*.env\n!kept.env\n");
    scratch.write("r/sub/.ignore", "local\n");
    scratch.write("r/.git/info/exclude", "mine\n");
    for path in ["build/a/b", "x.env", "kept.env", "sub/local", "mine", "seen"] {
        scratch.write(&format!("r/{path}"), "nothing");
    }
    let report = scan(&scratch, "r", &[]);
    let expected = owned_pairs(&[
        ("x.env", ".gitignore:3 `*.env`"),
        ("build/", ".gitignore:2 `build/`"),
        ("mine", ".git/info/exclude:1 `mine`"),
        ("sub/local", "sub/.ignore:1 `local`"),
    ]);
    assert_eq!(ignored(&report), expected);
    assert_eq!(report["status"], "clean");
    assert_eq!(report["coverage"]["ignored"][0]["include_with"], "--no-ignore");
    let text = String::from_utf8(scratch.friskey("r", &["scan"]).stdout).unwrap();
    assert!(text.ends_with("; 4 ignored paths not scanned (--no-ignore)\n"), "{text}");
    assert!(ignored(&scan(&scratch, "r", &["--no-ignore"])).is_empty());
    let in_subdir = scan(&scratch, "r/sub", &[]);
    assert_eq!(ignored(&in_subdir), owned_pairs(&[("local", ".ignore:1 `local`")]));
}

#[test]
fn tracked_files_are_scanned_even_if_ignored() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/.gitignore", ".env\nvendor/\n/.ignore\n");
    scratch.write("r/.ignore", "app.py\n");
    let tracked = [".env", "vendor/deep/a.py", "app.py", "sub/.env"];
    for (number, path) in (1..).zip(tracked) {
        scratch.write(&format!("r/{path}"), key(number));
    }
    scratch.git("r", &["add", "-f", ".env", "vendor", "app.py", "sub"]);
    let untracked = ["vendor/b.py", "vendor/deep/c.py", "vendor/other/d.py", "other/.env"];
    for (number, path) in (11..).zip(untracked) {
        scratch.write(&format!("r/{path}"), key(number));
    }
    for (dir, path_prefix) in [("r", ""), (".", "r/")] {
        let report = scan(&scratch, dir, &[]);
        for number in 1..=4 {
            assert!(leak(&report, &key(number)).is_some(), "{number} in {dir}");
        }
        for number in 11..=14 {
            assert!(leak(&report, &key(number)).is_none(), "{number} in {dir}");
        }
        let ignored_paths = ignored(&report).into_iter().map(|(path, _)| path);
        let ignored_paths: Vec<_> = ignored_paths.filter(|path| !path.ends_with(".git/")).collect();
        let mut expected = ["other/.env", ".ignore", "vendor/b.py", "vendor/deep/c.py", "vendor/other/"]
            .map(|path| format!("{path_prefix}{path}"));
        // Files that often contain keys, such as `.env`, come first.
        expected.sort_by_key(|path| (!path.ends_with(".env"), path.clone()));
        assert_eq!(ignored_paths, expected);
    }
}

#[test]
fn nothing_is_ignored_if_the_index_cannot_be_read() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/.gitignore", ".env\n");
    scratch.write("r/.env", key(1));
    scratch.write("r/.git/index", "nonsense");
    let report = scan(&scratch, "r", &[]);
    assert!(leak(&report, &key(1)).is_some());
    assert_eq!(report["coverage"]["skipped"][0]["what"], ".git/index");
}

#[test]
fn a_nested_repository_cannot_hide_what_the_outer_one_tracks() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/sub/.env", key(1));
    scratch.git("r", &["add", "."]);
    scratch.git("r", &["init", "-q", "sub"]);
    scratch.write("r/sub/.gitignore", ".env\n");
    let report = scan(&scratch, "r", &[]);
    assert!(leak(&report, &key(1)).is_some());
    assert_eq!(
        ignored(&report),
        owned_pairs(&[("sub/.git/", "`scan`")]),
        "the git directory of the nested repository is named"
    );
}

#[test]
fn paths_ignored_by_options_and_configuration_are_named() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/friskey.toml", "exclude = ['gen/']\n");
    for path in ["gen/a", "docs/b", "c"] {
        scratch.write(&format!("r/{path}"), "nothing");
    }
    let expected = owned_pairs(&[("docs/", "--exclude `docs`"), ("gen/", "friskey.toml: exclude `gen/`")]);
    assert_eq!(ignored(&scan(&scratch, "r", &["--exclude", "docs"])), expected);
}

#[test]
fn costly_ignore_files_are_refused_and_ignore_nothing() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a/.env", key(1));
    for text in [
        "*".repeat(6_000_000),
        ".env\n".repeat(100_000),
        format!(".env\n{}\n", "*".repeat(100)),
        format!(".env\n{}\n", "[a-z]*".repeat(500)),
    ] {
        scratch.write("r/a/.gitignore", &text);
        let output = scratch.friskey("r", &["scan", "--format", "json"]);
        assert_eq!(output.status.code(), Some(1), "{}", &text[..40]);
        let report = report(&output);
        assert!(leak(&report, &key(1)).is_some());
        let skipped = &report["coverage"]["skipped"];
        assert_eq!(skipped[0]["what"], "a/.gitignore");
        assert!(skipped[0]["reason"].as_str().unwrap().starts_with("ignore file not used"));
    }
    // Braces are ordinary characters to git.
    scratch.write("r/a/.gitignore", format!("{}x{}\n", "{a,".repeat(900), "}".repeat(900)));
    assert_eq!(scan(&scratch, "r", &[])["coverage"]["skipped"].as_array().unwrap().len(), 0);
}

#[test]
fn the_same_dir_is_scanned_once() {
    let scratch = Scratch::new();
    for path in ["a/x", "a/b/y", "c/z"] {
        scratch.write(&format!("t/{path}"), key(1));
    }
    let files = |args: &[&str]| {
        let report = scan(&scratch, "t", args);
        let findings = report["leaks"][0]["findings"].as_array().unwrap().len() as u64;
        assert_eq!(report["coverage"]["files"], findings, "{args:?}");
        findings
    };
    let absolute = scratch.path("t/a").display().to_string();
    for args in [&["a", "a"][..], &["a", "./a"], &["a/b/..", "a"], &["a", &absolute], &["a", "a/b"]] {
        assert_eq!(files(args), 2, "{args:?}");
    }
    for args in [&[".", "a"][..], &["a", "."], &["c/z", ".", "c"], &[".", &absolute]] {
        assert_eq!(files(args), 3, "{args:?}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a", scratch.path("t/link")).unwrap();
        assert_eq!(files(&["a", "link"]), 2);
        assert_eq!(files(&["link", "a"]), 2);
    }
}

#[test]
fn a_thousand_configured_threads_scan_a_few_files() {
    let scratch = Scratch::new();
    for number in 0..5 {
        scratch.write(&format!("t/{number}"), key(number));
    }
    scratch.write("t/friskey.toml", "threads = 1024\n");
    assert_eq!(scan(&scratch, "t", &[])["leaks"].as_array().unwrap().len(), 5);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;

    use super::{Scratch, key, leak, report};

    #[test]
    fn links_and_pipes_are_not_ignore_files() {
        for name in [".gitignore", ".ignore", ".git/info/exclude"] {
            for kind in ["link to a device", "link out", "pipe", "directory"] {
                let scratch = Scratch::new();
                scratch.repository("r");
                scratch.write("r/.env", key(1));
                scratch.write("outside", ".env\n");
                let path = scratch.path("r").join(name);
                let _ = std::fs::remove_file(&path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                match kind {
                    "link to a device" => symlink("/dev/zero", &path).unwrap(),
                    "link out" => symlink(scratch.path("outside"), &path).unwrap(),
                    "pipe" => assert!(scratch.command("mkfifo", "r").arg(&path).status().unwrap().success()),
                    _ => std::fs::create_dir(&path).unwrap(),
                }
                let report = report(&scratch.friskey("r", &["scan", "--format", "json"]));
                assert!(leak(&report, &key(1)).is_some(), "{name}: {kind}");
                let skipped = report["coverage"]["skipped"].as_array().unwrap();
                let reasons = skipped.iter().map(|skip| skip["reason"].as_str().unwrap());
                let refusals = reasons.filter(|reason| reason.starts_with("ignore file not used")).count();
                assert_eq!(refusals, 1, "{name}: {kind}: {skipped:?}");
            }
        }
    }
}

#[test]
fn a_git_dir_is_left_out_only_if_history_can_open_it() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/fix/.git/HEAD", "");
    scratch.write("r/fix/.git/notes", key(1));
    std::fs::create_dir_all(scratch.path("r/fix/.git/objects")).unwrap();
    let output = scratch.friskey("r", &["scan", "--format", "json", "."]);
    assert_eq!(output.status.code(), Some(1), "without refs it is no repository");
    std::fs::create_dir_all(scratch.path("r/fix/.git/refs")).unwrap();
    let output = scratch.friskey("r", &["scan", "."]);
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("friskey history fix"), "{printed}");
}
