//! Tests `friskey scan`, and options, statuses and reports that all commands have in common.

use crate::support::{Scratch, key, leak, report, run, strings};

fn status(output: &std::process::Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn empty_standard_input_is_clean_and_reported() {
    let scratch = Scratch::new();
    let output = scratch.friskey_with(".", &["scan", "-"], b"");
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.contains("note: standard input was empty: 0 bytes read"), "{stdout}");
    let stdout = scratch.friskey_with(".", &["scan", "-"], b"x").stdout;
    assert!(!String::from_utf8_lossy(&stdout).contains("was empty"));
}

#[test]
fn exit_statuses_are_those_of_the_documentation() {
    let scratch = Scratch::new();
    scratch.write("clean/a.txt", "nothing here");
    scratch.write("dirty/.env", key(1));
    std::fs::create_dir(scratch.path("empty")).unwrap();
    let run = |args: &[&str]| status(&scratch.friskey(".", args));
    assert_eq!(run(&["scan", "clean"]), 0);
    assert_eq!(run(&["scan", "dirty"]), 1);
    assert_eq!(run(&["scan", "empty"]), 3, "no input matched");
    assert_eq!(run(&["scan", "nowhere"]), 2);
    assert_eq!(run(&["scan", "--frobnicate"]), 2);
    assert_eq!(run(&["scan", "clean", "--exclude", "[z-a"]), 2);
    assert_eq!(run(&["scan", "clean", "--format", "xml"]), 2);
    assert_eq!(run(&["scan", "clean", "--output", "json=/nowhere/x.json"]), 2);
    assert_eq!(run(&["scan", "clean", "--rules", "nowhere.toml"]), 2);
    assert_eq!(run(&["--help"]), 0);
    assert_eq!(run(&["--version"]), 0);
    assert_eq!(run(&[]), 2);
}

#[test]
fn a_finding_has_its_exact_offset_line_and_column() {
    let scratch = Scratch::new();
    let secret = key(7);
    scratch.write("src/app.py", format!("# \u{fc}ber\n\nKEY = \"{secret}\" # \u{1F600}\n"));
    let output = scratch.friskey(".", &["scan", "src", "--format", "json"]);
    let report = report(&output);
    assert_eq!(report["status"], "findings");
    let leak = leak(&report, &secret).unwrap();
    let finding = &leak["findings"][0];
    assert_eq!((&finding["surface"], &finding["path"]), (&"worktree".into(), &"src/app.py".into()));
    assert_eq!(finding["start"], serde_json::json!({"offset": 16, "line": 3, "column": 8}));
    assert_eq!(finding["end"], serde_json::json!({"offset": 180, "line": 3, "column": 172}));
    assert_eq!((&leak["status"], &leak["length"]), (&"present".into(), &164.into()));
}

#[test]
fn standard_input_is_scanned() {
    let scratch = Scratch::new();
    let output = scratch.friskey_with(".", &["scan", "-", "--format", "json"], key(3).as_bytes());
    assert_eq!(status(&output), 1);
    assert_eq!(report(&output)["leaks"][0]["findings"][0]["surface"], "stdin");
    assert_eq!(
        status(&scratch.friskey_with(".", &["scan", "-"], b"")),
        0,
        "empty standard input is scanned completely"
    );
}

#[test]
fn hidden_files_are_scanned_and_ignored_files_only_with_no_ignore() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/.env", key(1));
    scratch.write("r/.gitignore", "ignored\n");
    scratch.write("r/ignored", key(2));
    scratch.write("r/.git/description", key(3));
    let found = |args: &[&str]| {
        let report = report(&scratch.friskey("r", &[&["scan", "--format", "json"], args].concat()));
        [1, 2, 3].map(|number| leak(&report, &key(number)).is_some())
    };
    assert_eq!(found(&[]), [true, false, false]);
    assert_eq!(found(&["--no-ignore"]), [true, true, false]);
    assert_eq!(found(&["--no-ignore", "--exclude", ".env"]), [false, true, false]);
}

#[test]
fn the_same_key_in_many_places_is_one_leak() {
    let scratch = Scratch::new();
    for name in ["a", "b/c", "b/d"] {
        scratch.write(&format!("t/{name}"), key(1));
    }
    let report = report(&scratch.friskey("t", &["scan", ".", "b", "--format", "json"]));
    let leaks = report["leaks"].as_array().unwrap();
    assert_eq!(leaks.len(), 1);
    let paths: Vec<_> =
        leaks[0]["findings"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a", "b/c", "b/d"], "a file below two of the given paths is one finding");
}

#[test]
fn a_key_across_the_boundary_of_two_reads_is_found() {
    let scratch = Scratch::new();
    let mut content = vec![b'x'; 3 << 20];
    let mut keys = Vec::new();
    // A file is read in parts of 1 MiB.
    for (number, start) in [(1 << 20) - 100, (2 << 20) + 300, (3 << 20) - 200].into_iter().enumerate() {
        let line = format!("\n{}\n", key(number as u64));
        content[start..start + line.len()].copy_from_slice(line.as_bytes());
        keys.push((key(number as u64), start + 1));
    }
    scratch.write("t/big", &content);
    let report = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    for (key, offset) in keys {
        assert_eq!(leak(&report, &key).unwrap()["findings"][0]["start"]["offset"], offset);
    }
    assert_eq!(report["coverage"]["bytes"], 3 << 20);
}

#[test]
fn names_of_files_and_dirs_are_scanned_and_never_shown() {
    let scratch = Scratch::new();
    scratch.write(&format!("t/{}/plain", key(1)), "x");
    scratch.write(&format!("t/{}.txt", key(2)), "x");
    for format in friskey::report::REPORTERS {
        let output = scratch.friskey("t", &["scan", "--format", format.name, "-v"]);
        assert_eq!(status(&output), 1, "{}", format.name);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        for number in [1, 2] {
            assert!(!text.contains(&key(number)[8..40]), "{}", format.name);
        }
    }
}

#[test]
fn an_error_message_does_not_repeat_a_key_from_the_command_line() {
    let scratch = Scratch::new();
    for args in [["scan", &key(1)], ["rules", &key(1)], [&key(1), "x"], ["scan", &format!("--{}", key(1))]] {
        let output = scratch.friskey(".", &args);
        assert_eq!(status(&output), 2);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains(&key(1)[8..40]), "{text}");
    }
}

#[test]
fn reports_are_written_whole_or_not_at_all() {
    let scratch = Scratch::new();
    scratch.write("t/a", key(1));
    let args =
        ["scan", "t", "--output", "json=r.json", "--output", "sarif=r.sarif", "--output", "jsonl=r.jsonl"];
    assert_eq!(status(&scratch.friskey(".", &args)), 1);
    for name in ["r.json", "r.sarif"] {
        let text = std::fs::read(scratch.path(name)).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap();
    }
    let entries: Vec<_> =
        std::fs::read_dir(scratch.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries.len(), 4, "other files than `t` and the three reports: {entries:?}");
    // If one of the reports cannot be written, nothing is scanned and no report is replaced.
    std::fs::write(scratch.path("r.json"), "old").unwrap();
    let args = ["scan", "t", "--output", "json=r.json", "--output", "json=nowhere/r.json"];
    assert_eq!(status(&scratch.friskey(".", &args)), 2);
    assert_eq!(std::fs::read(scratch.path("r.json")).unwrap(), b"old");
}

#[test]
fn custom_rules_apply_in_addition_to_the_built_in_ones() {
    let scratch = Scratch::new();
    let rule =
        "[[rule]]\nid = 'acme'\npattern = 'acme_(?<secret>[0-9a-f]{16})'\nexamples = ['acme_«{hex:16}»']\n";
    scratch.write("rules.toml", rule);
    scratch.write("t/a", "acme_0123456789abcdef");
    let report = report(&scratch.friskey(".", &["scan", "t", "--rules", "rules.toml", "--format", "json"]));
    assert_eq!(report["leaks"][0]["rule"], "acme");
    assert_eq!(status(&scratch.friskey(".", &["rules", "check", "--rules", "rules.toml"])), 0);
    assert_eq!(status(&scratch.friskey(".", &["rules", "show", "acme", "--rules", "rules.toml"])), 0);
    scratch.write("bad.toml", rule.replace("pattern", "patern"));
    let output = scratch.friskey(".", &["scan", "t", "--rules", "bad.toml"]);
    assert_eq!(status(&output), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.toml:3: unknown field `patern`"));
}

#[test]
fn rules_can_be_listed_shown_and_checked() {
    let scratch = Scratch::new();
    assert_eq!(status(&scratch.friskey(".", &["rules", "list"])), 0);
    assert_eq!(status(&scratch.friskey(".", &["rules", "check"])), 0);
    assert_eq!(status(&scratch.friskey(".", &["rules", "show", "openai-user-key"])), 0);
    assert_eq!(status(&scratch.friskey(".", &["rules", "show", "no-such-rule"])), 2);
}

#[test]
fn explain_shows_why_a_text_is_or_is_not_reported() {
    let scratch = Scratch::new();
    let explain = |text: &str| {
        let output = scratch.friskey_with(".", &["explain"], text.as_bytes());
        (status(&output), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = explain(&key(1));
    assert_eq!(code, 1);
    let first = text.lines().next().unwrap();
    assert!(first.ends_with("at byte 0: reported as openai-project-key with high confidence"), "{text}");
    assert!(text.contains("high confidence: marker, equal halves of 74, zero tail"), "{text}");
    assert_eq!(text.matches(" at byte ").count(), 1, "one line for each key: {text}");
    let (code, text) = explain(&format!("{} {}", key(1), key(2)));
    assert_eq!((code, text.matches(": reported as ").count()), (1, 2), "{text}");
    // Encoded keys are reported, too.
    let encoded: String = key(1).bytes().map(|byte| format!("{byte:02x}")).collect();
    let (code, text) = explain(&encoded);
    assert_eq!((code, text.matches(": reported as ").count()), (1, 1), "{text}");
    assert!(text.contains("decoded from hex"), "{text}");
    // Several variants match a key that is cut off.
    let (code, text) = explain(&format!("openai {}", &key(1)[..120]));
    assert_eq!((code, text.matches(": reported as ").count()), (1, 1), "{text}");
    assert!(text.contains("cut off"), "{text}");
    let (code, text) = explain("openai sk-0123456789abcdef0123456789abcdef01234567");
    assert_eq!(code, 0);
    assert!(text.contains(": not a key\n") && text.contains("rejected by check `"), "{text}");
    let (code, text) = explain("hello");
    assert_eq!(code, 0);
    assert_eq!(text, "not a key: no rule applies to this text\n");
}

#[test]
fn completions_and_manual_pages_are_generated_for_every_option() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = scratch.friskey(".", &["completions", shell]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("min-confidence"), "{shell}");
    }
    let page = scratch.friskey(".", &["man"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains(".TH friskey"));
    assert_eq!(status(&scratch.friskey(".", &["man", "--dir", "pages"])), 0);
    assert!(scratch.path("pages/friskey-scan.1").is_file());
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let scratch = Scratch::new();
    for number in 0..40 {
        scratch.write(&format!("t/{}/{number}", number % 7), format!("{}\n{}", key(number % 5), key(number)));
    }
    let run = |threads: &str| {
        let output = scratch.friskey("t", &["scan", "--format", "json", "--threads", threads]);
        let mut report = report(&output);
        for field in ["elapsed_seconds", "started", "command_line"] {
            report.as_object_mut().unwrap().remove(field);
        }
        report
    };
    assert_eq!(run("1"), run("4"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Stdio;

    use super::{Scratch, key, leak, report, status, strings};

    #[test]
    fn links_are_not_followed_but_their_target_paths_are_scanned() {
        let scratch = Scratch::new();
        scratch.write("outside", key(1));
        scratch.write("t/a", "x");
        symlink(scratch.path("outside"), scratch.path("t/link")).unwrap();
        symlink(format!("/nowhere/{}", key(2)), scratch.path("t/dangling")).unwrap();
        let report = report(&scratch.friskey("t", &["scan", "--format", "json"]));
        assert!(leak(&report, &key(1)).is_none());
        assert_eq!(leak(&report, &key(2)).unwrap()["findings"][0]["surface"], "symlink");
        assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 0);
        assert!(strings(&report["coverage"]["surfaces"]).contains(&"symlink"));
    }

    #[test]
    fn pipes_and_sockets_are_skips_and_block_nothing() {
        let scratch = Scratch::new();
        scratch.write("t/a", "x");
        let mkfifo = scratch.command("mkfifo", "t").arg("pipe").status().unwrap();
        assert!(mkfifo.success());
        let _socket = std::os::unix::net::UnixListener::bind(scratch.path("t/socket")).unwrap();
        let output = scratch.friskey("t", &["scan", "--format", "json"]);
        assert_eq!(status(&output), 3);
        let report = report(&output);
        let skipped: Vec<_> =
            report["coverage"]["skipped"].as_array().unwrap().iter().map(|s| &s["what"]).collect();
        assert_eq!(skipped, ["pipe", "socket"]);
    }

    #[test]
    fn a_file_without_read_permission_is_a_skip() {
        let scratch = Scratch::new();
        let path = scratch.write("t/locked", "x");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
        if std::fs::read(&path).is_ok() {
            // Root may read every file.
            return;
        }
        let output = scratch.friskey("t", &["scan", "--format", "json"]);
        assert_eq!(status(&output), 3);
        assert_eq!(report(&output)["coverage"]["skipped"][0]["reason"], "permission denied");
    }

    #[test]
    fn a_closed_standard_output_ends_the_scan_without_a_message() {
        let scratch = Scratch::new();
        for number in 0..50 {
            scratch.write(&format!("t/{number}"), key(number));
        }
        let mut child = scratch
            .command(env!("CARGO_BIN_EXE_friskey"), "t")
            .args(["scan", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn an_interrupt_reports_what_was_found_as_incomplete() {
        let scratch = Scratch::new();
        let mut child = scratch
            .command(env!("CARGO_BIN_EXE_friskey"), ".")
            .args(["scan", "-", "--format", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let kill = scratch.command("kill", ".").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(report(&output)["status"], "incomplete");
    }

    #[test]
    fn names_that_are_not_utf_8_are_reported_safely() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.path("t")).unwrap();
        let name = OsStr::from_bytes(b"a\xff\x1b[2J\n\xe2\x80\xae");
        std::fs::write(scratch.path("t").join(name), key(1)).unwrap();
        let output = scratch.friskey("t", &["scan"]);
        assert_eq!(status(&output), 1);
        assert!(!output.stdout.contains(&0x1b));
        assert!(!String::from_utf8_lossy(&output.stdout).contains('\u{202e}'));
    }
}

#[test]
fn a_report_that_is_being_written_is_not_scanned() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    let output = scratch.friskey("t", &["scan", "--format", "json", "--output", "html=report.html"]);
    assert_eq!(report(&output)["coverage"]["files"], 1);
    let files: Vec<_> = std::fs::read_dir(scratch.path("t")).unwrap().collect();
    assert_eq!(files.len(), 2, "no temporary file is left behind");
}

#[test]
fn there_is_no_advice_to_revoke_a_key_of_low_confidence() {
    let scratch = Scratch::new();
    let key_of_low_confidence =
        String::from_utf8(friskey::rules::expand_template("sk-{base62:48}", 5).text).unwrap();
    scratch.write("low/a", &key_of_low_confidence);
    scratch.write("high/a", key(1));
    for format in ["human", "html", "gitlab"] {
        let text = |dir: &str| {
            let output = scratch.friskey(dir, &["scan", "--min-confidence", "low", "--format", format]);
            assert_eq!(status(&output), 1);
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(text("high").contains("Revoke the key now"), "{format}");
        let low = text("low");
        assert!(
            !low.contains("Revoke the key now") && low.contains("whether this is one of your keys"),
            "{format}"
        );
    }
}

#[test]
fn the_message_about_an_invalid_number_names_the_option() {
    let scratch = Scratch::new();
    for arguments in
        [["--threads", "x"], ["--max-entries", "1x"], ["--max-ratio", "2.5"], ["--max-depth", "9x"]]
    {
        let output = scratch.friskey(".", &[&["scan"], &arguments[..]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(status(&output), 2, "{stderr}");
        // "invalid digit found in string" is the text of Rust's own error.
        assert!(stderr.contains(arguments[0]) && !stderr.contains("invalid digit"), "{stderr}");
    }
}

#[test]
fn paths_in_sarif_and_annotations_are_relative_to_the_root_of_the_repository() {
    let scratch = Scratch::new();
    scratch.repository("ws/r");
    scratch.write("ws/r/pkg/a/k.env", key(1));
    let workspace = scratch.path("ws/r");
    let scan = |dir: &str, format: &str, path: &str| {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), dir);
        let output = run(command.args(["scan", "--format", format, path]), b"");
        String::from_utf8(output.stdout).unwrap()
    };
    let absolute = workspace.join("pkg");
    for (dir, path) in [
        ("ws/r", "."),
        ("ws/r", "pkg"),
        ("ws/r/pkg", "."),
        ("ws/r/pkg/a", ".."),
        ("ws/r/pkg/a", "k.env"),
        ("ws", "r"),
        ("ws", "."),
        ("ws", absolute.to_str().unwrap()),
    ] {
        let sarif = scan(dir, "sarif", path);
        assert!(sarif.contains("\"uri\": \"pkg/a/k.env\""), "{dir} {path}: {sarif}");
        let github = scan(dir, "github", path);
        assert!(github.contains("::error file=pkg/a/k.env,"), "{dir} {path}: {github}");
        assert!(scan(dir, "gitlab", path).contains("\"file\": \"pkg/a/k.env\""), "{dir} {path}");
    }
    // Paths for people are relative to the current directory.
    assert!(scan("ws/r/pkg", "human", ".").contains("a/k.env:1"));
}

#[test]
fn a_report_to_the_path_dash_is_written_to_standard_output() {
    let scratch = Scratch::new();
    scratch.write("t/a", key(1));
    let output = scratch.friskey("t", &["scan", "--output", "json=-", "--output", "sarif=../r.sarif"]);
    assert!(leak(&report(&output), &key(1)).is_some());
    assert!(scratch.path("r.sarif").is_file() && !scratch.path("t/-").exists());
    let twice = scratch.friskey("t", &["scan", "--output", "json=-", "--format", "human"]);
    assert_eq!(status(&twice), 2);
}

#[test]
fn a_report_that_cannot_be_written_is_named_by_the_path_that_was_given() {
    let scratch = Scratch::new();
    scratch.write("t/a", "text");
    let output = scratch.friskey("t", &["scan", "--output", "json=none/r.json"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(status(&output), 2);
    assert!(
        stderr.contains("cannot write to none/r.json: the directory none does not exist")
            && !stderr.contains(".tmp"),
        "{stderr}"
    );
}

#[test]
fn a_scan_that_runs_out_of_time_is_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for arguments in
        [&["scan", "."][..], &["history"], &["staged"], &["ci"], &["trace", "--last-four", "abcd"]]
    {
        let output = scratch.friskey("r", &[arguments, &["--max-time", "0", "--format", "json"]].concat());
        assert_eq!(status(&output), 3, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let skipped = report(&output)["coverage"]["skipped"].to_string();
        assert!(skipped.contains("time limit of 0 s"), "{arguments:?}: {skipped}");
        let output = scratch.friskey("r", &[arguments, &["--max-time", "600"]].concat());
        assert_eq!(status(&output), 0, "{arguments:?}");
    }
}

#[test]
fn a_git_dir_is_left_out_with_a_hint_and_other_files_named_git_are_scanned() {
    let scratch = Scratch::new();
    scratch.write("t/a/.git", format!("gitdir: ../nowhere # {}", key(1)));
    scratch.write("t/b/.git/config", key(2));
    scratch.git("t", &["init", "-q", "nested"]);
    let output = scratch.friskey("t", &["scan", "--format", "json"]);
    let report = report(&output);
    assert_eq!(report["leaks"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(report["coverage"]["ignored"][0]["include_with"], "friskey history nested", "{report:#}");
    let output = scratch.friskey("t", &["history", "b/.git"]);
    assert_eq!(output.status.code(), Some(2), "the name of a directory is not that of a repository above it");
}
