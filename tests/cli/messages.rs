//! Tests that no message and no line of a report contains a secret or a CI runner command.

use std::process::Output;

use crate::support::{Scratch, key, run};

/// A rule of one's own, and what it finds; nothing built in knows it.
const OWN: &str = "[[rule]]\nid = \"acme-token\"\nname = \"Acme\"\npattern = '(?<prefix>acme)[a-m]{16}'\n\
                   checks = [\"boundary\"]\nexamples = [\"acmeabcdefghijklmabc\"]\n";
const FOUND: &str = "acmeabcdefghijklmabc";

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Letters and digits without order; what is typed by hand looks otherwise.
fn random(length: usize) -> String {
    let body = key(7);
    body.chars().filter(char::is_ascii_alphanumeric).skip(20).take(length).collect()
}

#[test]
fn error_messages_contain_no_match_of_custom_rules() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("own.toml", OWN);
    let path = format!("nowhere/{FOUND}");
    let range = format!("--range={FOUND}..HEAD");
    let output = format!("json=/nowhere/{FOUND}");
    let hidden: [&[&str]; 10] = [
        &["scan", "--rules", "../own.toml", &path],
        &["scan", "--rules=../own.toml", "--min-confidence", FOUND],
        &["scan", "--rules", "../own.toml", "--format", FOUND],
        &["scan", "--rules", "../own.toml", "--output", FOUND],
        &["scan", "--rules", "../own.toml", "--output", &output],
        &["history", "--rules", "../own.toml", &range],
        &["--rules", "../own.toml", FOUND],
        &["baseline", "check", "--rules", "../own.toml", "--baseline", FOUND],
        &["rules", "show", FOUND, "--rules", "../own.toml"],
        &["scan", "--config", FOUND, "--rules", "../own.toml"],
    ];
    for args in hidden {
        let output = scratch.friskey("a", args);
        let text = said(&output);
        assert!(output.status.code() != Some(0) && !text.is_empty(), "{args:?}");
        assert!(!text.contains(FOUND), "{args:?}: {text}");
    }
}

#[test]
fn errors_in_files_contain_no_match_of_custom_rules() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/own.toml", OWN);
    for text in [
        format!("{FOUND} = 1\n"),
        format!("rules = ['own.toml']\n{FOUND} = 1\n"),
        format!("exclude = ['[{FOUND}']\nrules = [\n  'own.toml',\n]\n"),
        format!("rules = ['own.toml']\nmin-confidence = '{FOUND}'\n"),
        format!("rules = ['own.toml']\nsurfaces = ['{FOUND}']\nthis is no TOML\n"),
    ] {
        scratch.write("a/friskey.toml", &text);
        let output = scratch.friskey("a", &["scan", "--rules", "own.toml", "."]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(!said(&output).contains(FOUND), "{text}: {}", said(&output));
        if text.contains("own.toml") {
            let output = scratch.friskey("a", &["scan", "."]);
            assert!(!said(&output).contains(FOUND), "{text}: {}", said(&output));
        }
    }
    std::fs::remove_file(scratch.path("a/friskey.toml")).unwrap();
    scratch.write("a/own.toml", format!("{OWN}{FOUND} = 1\n"));
    let output = scratch.friskey("a", &["scan", "--rules", "own.toml", "."]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn no_message_holds_the_traced_key() {
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
        assert!(!said(&output).contains(key), "{args:?}: {}", said(&output));
    }
}

#[test]
fn a_key_given_as_an_argument_is_refused_without_showing_it() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for key in [key(1), "plain words 12".to_owned()] {
        for command in ["trace", "explain"] {
            let output = scratch.friskey("a", &[command, &key]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{command}: {said}");
            assert!(!said.contains(&key[8..]), "{command}: {said}");
            assert!(said.contains(&format!("`friskey {command}`")) && said.contains("prompt"), "{said}");
        }
    }
}

/// One message for each file that friskey reads and cannot: where it is, why, and nothing twice.
#[cfg(unix)]
#[test]
fn files_that_are_not_regular_are_refused_at_once() {
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
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(said.contains(file) && said.contains("it is a "), "{args:?}: {said}");
        }
        for setting in [format!("rules = ['{file}']"), format!("baseline = '{file}'")] {
            scratch.write("a/friskey.toml", &setting);
            let output = scratch.friskey("a", &["scan", "README"]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{setting}: {said}");
            assert!(said.contains("friskey.toml:1: ") && said.contains(file), "{setting}: {said}");
        }
        std::fs::remove_file(scratch.path("a/friskey.toml")).unwrap();
        let mut ci = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
        ci.args(["ci"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
        let output = run(ci.env("GITHUB_EVENT_PATH", file), b"");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
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
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        let lower = said.to_lowercase();
        let causes = lower.matches("no such file").count() + lower.matches("does not exist").count();
        assert!(causes <= 1 && said.matches("none").count() <= 2, "{args:?}: {said}");
    }
}

/// Every system error that a test can provoke.
#[cfg(unix)]
#[test]
fn no_message_shows_a_number_of_the_system() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/file", "x\n");
    scratch.git("a", &["config", "core.hooksPath", "/dev/null"]);
    let long = "n".repeat(300);
    let long_output = format!("json={long}");
    let cases: [(&[&str], &str); 19] = [
        (&["--rules", "none.toml", "scan"], "no such file"),
        (&["--rules", "file/x", "scan"], "a part of the path is not a directory"),
        (&["--rules", &long, "scan"], "too long"),
        (&["--config", "none.toml", "scan"], "no such file"),
        (&["--config", "file/x", "scan"], "not a directory"),
        (&["--config", ".", "scan"], "it is a directory"),
        (&["scan", "--baseline", "file/x"], "not a directory"),
        (&["scan", "file/x"], "not a directory"),
        (&["scan", &long], "too long"),
        (&["history", "file/x"], "file/x"),
        (&["scan", "--output", "json=new/dir/x.json"], "the directory new does not exist"),
        (&["scan", "--output", "json=.git/new/dir/x.json"], "the directory .git/new does not exist"),
        (&["scan", "--output", "json=file/x.json"], "not a directory"),
        (&["scan", "--output", "json=.git"], "it is a directory"),
        (&["scan", "--output", &long_output], "too long"),
        (&["baseline", "add", "--from", "file/x", "--reason", "x"], "not a directory"),
        (&["hook", "run", "commit-msg", "none"], "no such file"),
        (&["hook", "install"], "/dev/null"),
        (&["man", "--dir", "file/x"], "not a directory"),
    ];
    for (args, cause) in cases {
        let output = scratch.friskey("a", args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(cause) && !said.contains("os error"), "{args:?}: {said}");
    }
    let mut ci = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
    ci.args(["ci"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
    let said = said(&run(ci.env("GITHUB_EVENT_PATH", "file/x"), b""));
    assert!(said.contains("file/x") && !said.contains("os error"), "{said}");
}

#[test]
fn a_key_on_the_command_line_is_reported_to_be_in_the_shell_history() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for command in ["trace", "explain"] {
        let said = said(&scratch.friskey("a", &[command, &key(1)]));
        assert!(said.contains("it is now in the shell's history"), "{said}");
    }
}

/// As `friskey scan <(command)`, and a named pipe.
#[cfg(unix)]
#[test]
fn a_pipe_given_as_a_path_is_reported_with_a_way_to_scan_it() {
    let scratch = Scratch::new();
    scratch.repository("a");
    assert!(scratch.command("mkfifo", "a").arg("pipe").status().unwrap().success());
    let script = format!("echo x | '{}' scan --format json /dev/stdin", env!("CARGO_BIN_EXE_friskey"));
    let mut shell = scratch.command("sh", "a");
    let substituted = run(shell.args(["-c", &script]), b"");
    for output in [substituted, scratch.friskey("a", &["scan", "--format", "json", "pipe"])] {
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("a named pipe, not opened; pipe the content into `friskey scan -`"), "{said}");
        assert!(!said.contains("no file matched"), "{said}");
    }
}

#[test]
fn names_that_depend_on_branch_configuration_are_reported() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for args in [
        &["history", "--range", "@{u}.."][..],
        &["history", "--range", "main@{upstream}..main"],
        &["history", "--range", "@{push}.."],
        &["ci", "--base", "@{u}"],
        &["scan", "--policy-from", "@{u}", "README"],
    ] {
        let said = said(&scratch.friskey("a", args));
        assert!(said.contains("which is not read; name the branch instead"), "{args:?}: {said}");
        assert!(!said.contains("fetch it"), "{args:?}: {said}");
    }
}

#[test]
fn an_unresolved_range_is_not_an_excluded_path() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let head = scratch.git("a", &["rev-parse", "HEAD"]);
    let gone = "12".repeat(20);
    let mut hook = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
    hook.args(["hook", "run", "pre-commit"]).env("PRE_COMMIT_FROM_REF", head).env("PRE_COMMIT_TO_REF", gone);
    let output = run(&mut hook, b"");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("fix the problem named above") && !said.contains("exclude"), "{said}");
}

/// A repository's own friskey.toml can name them.
#[test]
fn rules_that_would_fill_the_memory_are_refused_with_rule_and_file() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let rules: String = (0..900)
        .map(|n| format!("[[rule]]\nid = 'r{n}'\nkeywords = ['abc']\npattern = 'abc(?:[^x]|yy){{1,1000}}'\n"))
        .collect();
    scratch.write("a/many.toml", rules);
    scratch.write("a/friskey.toml", "rules = ['many.toml']\n");
    scratch.write("a/f", "abcdef\n");
    let output = scratch.friskey("a", &["scan", "f"]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("many.toml") && message.contains("rule `r") && message.contains("64 MiB"),
        "{message}"
    );
    let files: Vec<String> = (0..101).map(|n| format!("'{n}.toml'")).collect();
    scratch.write("a/friskey.toml", format!("rules = [{}]\n", files.join(", ")));
    let output = scratch.friskey("a", &["scan", "f"]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("100.toml: more than 100 files of rules"), "{message}");
}

#[test]
fn no_text_of_a_rule_shows_a_key() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let found = key(11);
    scratch.write("a/f", "abcdef\n");
    let rule = format!(
        "[[rule]]\nid = \"x\"\nname = \"as {found}\"\ndescription = \"like {found}\"\n\
         advice = [\"not {found}\"]\npattern = \"abcdef\"\nexamples = [\"z {found}\"]\n\
         counter_examples = [\"abcdef {found}\"]\n"
    );
    scratch.write("a/r.toml", rule);
    let mut commands = vec![vec!["rules", "check"], vec!["rules", "list"], vec!["rules", "show", "x"]];
    commands.extend(
        ["human", "json", "sarif", "junit", "html", "gitlab"]
            .map(|format| vec!["scan", "f", "--format", format]),
    );
    for command in commands {
        let output = scratch.friskey("a", &[&["--rules", "r.toml"][..], &command].concat());
        let said = said(&output);
        assert!(output.status.code() != Some(2), "{command:?}: {said}");
        let pieces = (8..found.len() - 12).map(|at| &found[at..at + 12]);
        for piece in pieces {
            assert!(!said.contains(piece), "{command:?}: {said}");
        }
    }
}

#[test]
fn no_message_contains_a_credential() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let token = random(40);
    let spelled = format!("sk-proj-{}", random(80)).replace('k', "\\u006b");
    for text in [&token, &format!("ghp_{token}"), &format!("https://u:{token}@host.example/x"), &spelled] {
        let paths = [text.as_str(), "--format"].map(|first| [first, text.as_str()]);
        for args in paths {
            let output = scratch.friskey("a", &[&["scan"][..], &args].concat());
            let said = said(&output);
            assert!(
                !said.contains(&text[text.len() - 20..]) && !said.contains(&text[10..30]),
                "{args:?}: {said}"
            );
        }
    }
}

#[test]
fn other_secrets_on_the_line_are_in_no_report() {
    let scratch = Scratch::new();
    scratch.repository("a");
    let (other, found) = (random(40), key(3));
    let hex: String = found.bytes().map(|byte| format!("{byte:02x}")).collect();
    let backwards: String = found.chars().rev().collect();
    let split = format!("'{}', '{}'", &found[20..31], &found[31..42]);
    let lines = [
        format!("a={found} b=sk-ant-api03-{other} c=ghp_{other}\n"),
        format!("{{\"k\": \"{found}\", \"other\": \"{other}\"}}\n"),
        format!("{found} {other} password=pass{}1\n", &other[..9]),
        format!("{found} # was {} before\n", &found[..40]),
        format!("{found} {hex}\n"),
        format!("{found} {backwards}\n"),
        format!("{found} {split}\n"),
    ];
    let mut all = String::new();
    for (number, line) in lines.iter().enumerate() {
        scratch.write(&format!("a/{number}.txt"), line);
        let wide: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
        scratch.write(&format!("a/{number}-wide.txt"), [&[0xff, 0xfe][..], &wide].concat());
    }
    for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"] {
        let output = scratch.friskey("a", &["scan", "--format", format, "-v", "."]);
        assert_eq!(output.status.code(), Some(1));
        all.push_str(&said(&output).replace("\\u{0}", "").replace('\0', ""));
    }
    // What follows the shown prefix of a key is its body.
    for (what, text) in [("other", &*other), ("found", &found[8..]), ("hex", &hex), ("backwards", &backwards)]
    {
        for start in (0..text.len() - 9).step_by(3) {
            let piece = &text[start..start + 9];
            let place = all
                .find(piece)
                .map(|at| all[all.floor_char_boundary(at.saturating_sub(80))..at + 9].to_owned());
            assert_eq!(place, None, "a piece of {what}");
        }
    }
}

#[test]
fn no_line_gives_orders_to_a_runner() {
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
    let rule = OWN.replace(
        "name = \"Acme\"",
        "name = \"A\"\ndescription = \"one\\n::error::two\\n ##[error]x\"\nadvice = [\"a\\n::error::x\"]",
    );
    scratch.write("own.toml", rule);
    scratch.git("a", &["add", "-A"]);
    let mut outputs = vec![
        scratch.friskey("a", &["rules", "show", "acme-token", "--rules", "../own.toml"]),
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
        let text = said(output);
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
