//! Tests messages: they contain no secret and no CI runner command, and name the cause of an error once.

use std::process::Output;

use crate::support::{Scratch, key, run};

/// A custom rule for secrets that no built-in rule finds.
const CUSTOM_RULE: &str = "[[rule]]\nid = \"acme-token\"\nname = \"Acme\"\npattern = '(?<prefix>acme)[a-m]{16}'\n\
                   checks = [\"boundary\"]\nexamples = [\"acmeabcdefghijklmabc\"]\n";
/// A secret that the custom rule finds.
const CUSTOM_SECRET: &str = "acmeabcdefghijklmabc";

/// Everything that a command printed, to either stream.
fn printed_text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Random letters and digits, always the same ones. Text that is typed by hand would not count as a secret.
fn random_text(length: usize) -> String {
    let key = key(7);
    key.chars().filter(char::is_ascii_alphanumeric).skip(20).take(length).collect()
}

#[test]
fn error_messages_contain_no_match_of_custom_rules() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("custom.toml", CUSTOM_RULE);
    let path = format!("nowhere/{CUSTOM_SECRET}");
    let range = format!("--range={CUSTOM_SECRET}..HEAD");
    let output = format!("json=/nowhere/{CUSTOM_SECRET}");
    let commands: [&[&str]; 10] = [
        &["scan", "--rules", "../custom.toml", &path],
        &["scan", "--rules=../custom.toml", "--min-confidence", CUSTOM_SECRET],
        &["scan", "--rules", "../custom.toml", "--format", CUSTOM_SECRET],
        &["scan", "--rules", "../custom.toml", "--output", CUSTOM_SECRET],
        &["scan", "--rules", "../custom.toml", "--output", &output],
        &["history", "--rules", "../custom.toml", &range],
        &["--rules", "../custom.toml", CUSTOM_SECRET],
        &["baseline", "check", "--rules", "../custom.toml", "--baseline", CUSTOM_SECRET],
        &["rules", "show", CUSTOM_SECRET, "--rules", "../custom.toml"],
        &["scan", "--config", CUSTOM_SECRET, "--rules", "../custom.toml"],
    ];
    for args in commands {
        let output = scratch.friskey("a", args);
        let message = printed_text(&output);
        assert!(output.status.code() != Some(0) && !message.is_empty(), "{args:?}");
        assert!(!message.contains(CUSTOM_SECRET), "{args:?}: {message}");
    }
}

#[test]
fn errors_in_files_contain_no_match_of_custom_rules() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/custom.toml", CUSTOM_RULE);
    for text in [
        format!("{CUSTOM_SECRET} = 1\n"),
        format!("rules = ['custom.toml']\n{CUSTOM_SECRET} = 1\n"),
        format!("exclude = ['[{CUSTOM_SECRET}']\nrules = [\n  'custom.toml',\n]\n"),
        format!("rules = ['custom.toml']\nmin-confidence = '{CUSTOM_SECRET}'\n"),
        format!("rules = ['custom.toml']\nsurfaces = ['{CUSTOM_SECRET}']\nthis is no TOML\n"),
    ] {
        scratch.write("a/friskey.toml", &text);
        let output = scratch.friskey("a", &["scan", "--rules", "custom.toml", "."]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(!printed_text(&output).contains(CUSTOM_SECRET), "{text}: {}", printed_text(&output));
        if text.contains("custom.toml") {
            let output = scratch.friskey("a", &["scan", "."]);
            assert!(!printed_text(&output).contains(CUSTOM_SECRET), "{text}: {}", printed_text(&output));
        }
    }
    std::fs::remove_file(scratch.path("a/friskey.toml")).unwrap();
    scratch.write("a/custom.toml", format!("{CUSTOM_RULE}{CUSTOM_SECRET} = 1\n"));
    let output = scratch.friskey("a", &["scan", "--rules", "custom.toml", "."]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn no_message_contains_the_traced_key() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let key = "plain words 12";
    for args in [
        &["trace", "--env", "KEY", "--output", "json=/nowhere/plain words 12"][..],
        &["trace", "--env", "KEY", "plain words 12"],
        &["trace", "--env", "KEY", "--surfaces", "plain words 12"],
    ] {
        let output = run(scratch.command(env!("CARGO_BIN_EXE_friskey"), "a").env("KEY", key).args(args), b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!printed_text(&output).contains(key), "{args:?}: {}", printed_text(&output));
    }
}

#[test]
fn a_key_given_as_an_argument_is_refused_without_showing_it() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for key in [key(1), "plain words 12".to_owned()] {
        for command in ["trace", "explain"] {
            let output = scratch.friskey("a", &[command, &key]);
            let message = printed_text(&output);
            assert_eq!(output.status.code(), Some(2), "{command}: {message}");
            assert!(!message.contains(&key[8..]), "{command}: {message}");
            assert!(
                message.contains(&format!("`friskey {command}`")) && message.contains("prompt"),
                "{message}"
            );
        }
    }
}

/// The message names the file and says what it is instead of a regular file.
#[cfg(unix)]
#[test]
fn settings_and_baselines_that_are_not_regular_files_are_refused() {
    let scratch = Scratch::new();
    scratch.repository("a");
    assert!(scratch.command("mkfifo", "a").arg("pipe").status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", scratch.path("a/endless")).unwrap();
    std::os::unix::fs::symlink("pipe", scratch.path("a/link")).unwrap();
    for file in ["pipe", "endless", "link"] {
        for args in [
            &["--rules", file, "scan", "README"][..],
            &["--config", file, "scan", "README"],
            &["scan", "README", "--baseline", file],
            &["baseline", "add", "--from", file, "--reason", "x"],
        ] {
            let output = scratch.friskey("a", args);
            let message = printed_text(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
            assert!(message.contains(file) && message.contains("it is a "), "{args:?}: {message}");
        }
        for setting in [format!("rules = ['{file}']"), format!("baseline = '{file}'")] {
            scratch.write("a/friskey.toml", &setting);
            let output = scratch.friskey("a", &["scan", "README"]);
            let message = printed_text(&output);
            assert_eq!(output.status.code(), Some(2), "{setting}: {message}");
            assert!(message.contains("friskey.toml:1: ") && message.contains(file), "{setting}: {message}");
        }
        std::fs::remove_file(scratch.path("a/friskey.toml")).unwrap();
        let mut ci = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
        ci.args(["ci"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
        let output = run(ci.env("GITHUB_EVENT_PATH", file), b"");
        assert_eq!(output.status.code(), Some(2), "{}", printed_text(&output));
    }
}

#[cfg(unix)]
#[test]
fn an_error_names_its_cause_once() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for args in [
        &["--rules", "none.toml", "scan"][..],
        &["--config", "none.toml", "scan"],
        &["scan", "--baseline", "none.toml"],
        &["baseline", "add", "--from", "none.json", "--reason", "x"],
        &["scan", "none"],
        &["scan", "--output", "json=none/x"],
        &["history", "none"],
        &["hook", "run", "commit-msg", "none"],
    ] {
        let output = scratch.friskey("a", args);
        let message = printed_text(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        let lower = message.to_lowercase();
        let causes = lower.matches("no such file").count() + lower.matches("does not exist").count();
        assert!(causes <= 1 && message.matches("none").count() <= 2, "{args:?}: {message}");
    }
}

/// Provokes many kinds of system errors, and expects each to be described without its number (`os error 2`).
#[cfg(unix)]
#[test]
fn system_errors_are_described_without_their_numbers() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/file", "x\n");
    scratch.git("a", &["config", "core.hooksPath", "/dev/null"]);
    let too_long = "n".repeat(300);
    let too_long_output = format!("json={too_long}");
    let cases: [(&[&str], &str); 19] = [
        (&["--rules", "none.toml", "scan"], "no such file"),
        (&["--rules", "file/x", "scan"], "a part of the path is not a directory"),
        (&["--rules", &too_long, "scan"], "too long"),
        (&["--config", "none.toml", "scan"], "no such file"),
        (&["--config", "file/x", "scan"], "not a directory"),
        (&["--config", ".", "scan"], "it is a directory"),
        (&["scan", "--baseline", "file/x"], "not a directory"),
        (&["scan", "file/x"], "not a directory"),
        (&["scan", &too_long], "too long"),
        (&["history", "file/x"], "file/x"),
        (&["scan", "--output", "json=new/dir/x.json"], "the directory new does not exist"),
        (&["scan", "--output", "json=.git/new/dir/x.json"], "the directory .git/new does not exist"),
        (&["scan", "--output", "json=file/x.json"], "not a directory"),
        (&["scan", "--output", "json=.git"], "it is a directory"),
        (&["scan", "--output", &too_long_output], "too long"),
        (&["baseline", "add", "--from", "file/x", "--reason", "x"], "not a directory"),
        (&["hook", "run", "commit-msg", "none"], "no such file"),
        (&["hook", "install"], "/dev/null"),
        (&["man", "--dir", "file/x"], "not a directory"),
    ];
    for (args, cause) in cases {
        let output = scratch.friskey("a", args);
        let message = printed_text(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(cause) && !message.contains("os error"), "{args:?}: {message}");
    }
    let mut ci = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
    ci.args(["ci"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
    let message = printed_text(&run(ci.env("GITHUB_EVENT_PATH", "file/x"), b""));
    assert!(message.contains("file/x") && !message.contains("os error"), "{message}");
}

#[test]
fn a_key_on_the_command_line_is_reported_to_be_in_the_shell_history() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for command in ["trace", "explain"] {
        let message = printed_text(&scratch.friskey("a", &[command, &key(1)]));
        assert!(message.contains("it is now in the shell's history"), "{message}");
    }
}

/// A pipe like that of `friskey scan <(command)`, and a named pipe.
#[cfg(unix)]
#[test]
fn a_pipe_given_as_a_path_is_reported_with_a_way_to_scan_it() {
    let scratch = Scratch::new();
    scratch.repository("a");
    assert!(scratch.command("mkfifo", "a").arg("pipe").status().unwrap().success());
    let script = format!("echo x | '{}' scan --format json /dev/stdin", env!("CARGO_BIN_EXE_friskey"));
    let mut shell = scratch.command("sh", "a");
    let shell_output = run(shell.args(["-c", &script]), b"");
    for output in [shell_output, scratch.friskey("a", &["scan", "--format", "json", "pipe"])] {
        let message = printed_text(&output);
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(
            message.contains("a named pipe, not opened; pipe the content into `friskey scan -`"),
            "{message}"
        );
        assert!(!message.contains("no file matched"), "{message}");
    }
}

#[test]
fn revisions_that_depend_on_branch_configuration_are_reported() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for args in [
        &["history", "--range", "@{u}.."][..],
        &["history", "--range", "main@{upstream}..main"],
        &["history", "--range", "@{push}.."],
        &["ci", "--base", "@{u}"],
        &["scan", "--policy-from", "@{u}", "README"],
    ] {
        let message = printed_text(&scratch.friskey("a", args));
        assert!(message.contains("which is not read; name the branch instead"), "{args:?}: {message}");
        assert!(!message.contains("fetch it"), "{args:?}: {message}");
    }
}

#[test]
fn the_advice_for_an_unresolved_range_is_not_to_exclude_a_path() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let head = scratch.git("a", &["rev-parse", "HEAD"]);
    let missing_id = "12".repeat(20);
    let mut hook = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
    hook.args(["hook", "run", "pre-commit"])
        .env("PRE_COMMIT_FROM_REF", head)
        .env("PRE_COMMIT_TO_REF", missing_id);
    let output = run(&mut hook, b"");
    let message = printed_text(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("fix the problem named above") && !message.contains("exclude"), "{message}");
}

/// A repository's friskey.toml can name any rules, so their memory is limited.
#[test]
fn rules_that_take_too_much_memory_are_refused_and_named_with_their_file() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let rules: String = (0..900)
        .map(|n| format!("[[rule]]\nid = 'r{n}'\nkeywords = ['abc']\npattern = 'abc(?:[^x]|yy){{1,1000}}'\n"))
        .collect();
    scratch.write("a/many.toml", rules);
    scratch.write("a/friskey.toml", "rules = ['many.toml']\n");
    scratch.write("a/f", "abcdef\n");
    let output = scratch.friskey("a", &["scan", "f"]);
    let message = printed_text(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("many.toml") && message.contains("rule `r") && message.contains("64 MiB"),
        "{message}"
    );
    let branches: Vec<String> = (b'a'..=b'z').map(|c| format!("[^{0}]{0}", char::from(c))).collect();
    let large = format!("pattern = 'abc(?:{}){{1,2000}}'", branches.join("|"));
    let rules = format!("[[rule]]\nid = 'small'\npattern = 'abcd'\n\n[[rule]]\nid = 'large'\n{large}\n");
    scratch.write("a/large.toml", rules);
    let output = scratch.friskey("a", &["scan", "f", "--no-config", "--rules", "large.toml"]);
    let message = printed_text(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("large.toml:5: rule `large`: its pattern takes more than "), "{message}");
    let files: Vec<String> = (0..101).map(|n| format!("'{n}.toml'")).collect();
    scratch.write("a/friskey.toml", format!("rules = [{}]\n", files.join(", ")));
    let output = scratch.friskey("a", &["scan", "f"]);
    let message = printed_text(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("100.toml: more than 100 files of rules"), "{message}");
}

#[test]
fn a_key_in_the_text_of_a_rule_is_not_shown() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let key = key(11);
    scratch.write("a/f", "abcdef\n");
    let rule = format!(
        "[[rule]]\nid = \"x\"\nname = \"as {key}\"\ndescription = \"like {key}\"\n\
         advice = [\"not {key}\"]\npattern = \"abcdef\"\nexamples = [\"z {key}\"]\n\
         counter_examples = [\"abcdef {key}\"]\n"
    );
    scratch.write("a/r.toml", rule);
    let mut commands = vec![vec!["rules", "check"], vec!["rules", "list"], vec!["rules", "show", "x"]];
    commands.extend(
        ["human", "json", "sarif", "junit", "html", "gitlab"]
            .map(|format| vec!["scan", "f", "--format", format]),
    );
    for command in commands {
        let output = scratch.friskey("a", &[&["--rules", "r.toml"][..], &command].concat());
        let message = printed_text(&output);
        assert!(output.status.code() != Some(2), "{command:?}: {message}");
        // Reports show the prefix, `sk-proj-`, and the last four characters.
        for part in (8..key.len() - 12).map(|start| &key[start..start + 12]) {
            assert!(!message.contains(part), "{command:?}: {message}");
        }
    }
}

#[test]
fn no_message_contains_a_credential() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let token = random_text(40);
    let escaped_key = format!("sk-proj-{}", random_text(80)).replace('k', "\\u006b");
    let url = format!("https://u:{token}@host.example/x");
    for text in [&token, &format!("ghp_{token}"), &url, &escaped_key] {
        // As two paths, and as the name of a format.
        for args in [[text.as_str(), text.as_str()], ["--format", text.as_str()]] {
            let output = scratch.friskey("a", &[&["scan"][..], &args].concat());
            let message = printed_text(&output);
            assert!(
                !message.contains(&text[text.len() - 20..]) && !message.contains(&text[10..30]),
                "{args:?}: {message}"
            );
        }
    }
}

#[test]
fn other_secrets_on_the_line_are_in_no_report() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let (other_secret, key) = (random_text(40), key(3));
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let reversed: String = key.chars().rev().collect();
    let split = format!("'{}', '{}'", &key[20..31], &key[31..42]);
    let lines = [
        format!("a={key} b=sk-ant-api03-{other_secret} c=ghp_{other_secret}\n"),
        format!("{{\"k\": \"{key}\", \"other\": \"{other_secret}\"}}\n"),
        format!("{key} {other_secret} password=pass{}1\n", &other_secret[..9]),
        format!("{key} # was {} before\n", &key[..40]),
        format!("{key} {hex}\n"),
        format!("{key} {reversed}\n"),
        format!("{key} {split}\n"),
    ];
    let mut reports = String::new();
    for (number, line) in lines.iter().enumerate() {
        scratch.write(&format!("a/{number}.txt"), line);
        let utf_16: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
        scratch.write(&format!("a/{number}-utf-16.txt"), [&[0xff, 0xfe][..], &utf_16].concat());
    }
    for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"] {
        let output = scratch.friskey("a", &["scan", "--format", format, "-v", "."]);
        assert_eq!(output.status.code(), Some(1));
        reports.push_str(&printed_text(&output).replace("\\u{0}", "").replace('\0', ""));
    }
    // Reports show the prefix of the key, `sk-proj-`.
    for (what, text) in [
        ("the other secret", &*other_secret),
        ("the key", &key[8..]),
        ("the hex", &hex),
        ("the reversed key", &reversed),
    ] {
        for start in (0..text.len() - 9).step_by(3) {
            let part = &text[start..start + 9];
            let context = reports.find(part).map(|offset| {
                reports[reports.floor_char_boundary(offset.saturating_sub(80))..offset + 9].to_owned()
            });
            assert_eq!(context, None, "a report contains a part of {what}");
        }
    }
}

#[test]
fn no_printed_line_is_a_command_to_a_runner() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let names = [
        "::error::x",
        "  ::warning file=a::x",
        "\u{a0}::add-mask::x",
        "\u{feff}::stop-commands::x",
        "##[group]x",
        "##vso[x]y",
    ];
    for name in names {
        scratch.write(&format!("a/{name}"), format!("{}\n", key(1)));
    }
    let rule = CUSTOM_RULE.replace(
        "name = \"Acme\"",
        "name = \"A\"\ndescription = \"one\\n::error::two\\n ##[error]x\"\nadvice = [\"a\\n::error::x\"]",
    );
    scratch.write("custom.toml", rule);
    scratch.git("a", &["add", "-A"]);
    let mut outputs = vec![
        scratch.friskey("a", &["rules", "show", "acme-token", "--rules", "../custom.toml"]),
        scratch.friskey("a", &["scan", "x\n::error::y"]),
        scratch.friskey("a", &["scan", "--format", "x\n  ::error::y"]),
        scratch.friskey("a", &["hook", "run", "pre-commit"]),
        scratch.friskey_with("a", &["explain"], b"sk-\n::error::x"),
    ];
    for format in ["human", "json", "jsonl", "sarif", "gitlab", "junit", "html"] {
        for color in ["always", "never"] {
            outputs.push(scratch.friskey("a", &["scan", "--format", format, "--color", color, "-v", "."]));
        }
    }
    for output in &outputs {
        let text = printed_text(output);
        assert!(!text.is_empty());
        let plain = text.replace("\x1b[", "\x1b").replace(['\u{feff}', '\u{200b}'], " ");
        for line in plain.lines() {
            let start = line.trim_start_matches(|c: char| {
                c.is_whitespace() || c == '\x1b' || c.is_ascii_digit() || c == 'm' || c == ';'
            });
            assert!(!start.starts_with("::"), "{line}");
            assert!(!line.contains("##[") && !line.contains("##vso["), "{line}");
        }
    }
}

/// A full disk, for example.
#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_status_2() {
    let scratch = Scratch::new();
    for arg in ["--help", "--version", "-h"] {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), ".");
        command.arg(arg).stdout(std::fs::File::create("/dev/full").unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arg}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    }
}

#[test]
fn quiet_commands_print_nothing_if_all_is_well() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let run = |args: &[&str], input: &str| {
        let output = scratch.friskey_with("r", args, input.as_bytes());
        (output.status.code(), !output.stdout.is_empty(), !output.stderr.is_empty())
    };
    assert_eq!(run(&["explain", "-q"], "text"), (Some(0), false, false));
    assert_eq!(run(&["explain", "-q"], &key(1)), (Some(1), true, false));
    assert_eq!(run(&["hook", "status", "-q"], ""), (Some(1), true, false));
    for command in ["install", "status", "uninstall"] {
        assert_eq!(run(&["hook", command, "-q"], ""), (Some(0), false, false), "{command}");
    }
    scratch.write("r/a", format!("# friskey:allow sample\nk = {}\n", key(1)));
    scratch.git("r", &["add", "a"]);
    assert_eq!(run(&["hook", "run", "pre-commit"], ""), (Some(0), false, true));
    assert_eq!(run(&["hook", "run", "pre-commit", "-q"], ""), (Some(0), false, false));
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "a"]);
    assert_eq!(run(&["hook", "run", "pre-commit", "-q"], ""), (Some(1), false, true));
}
