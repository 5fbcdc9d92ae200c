//! Checks that the documentation and help match the program: commands, formats, rules, checks, environment variables,
//! examples, links, and the tests that SECURITY.md names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{CommandFactory, Parser};
use friskey::cli::{Cli, Exit};
use friskey::detect::Detector;
use friskey::report::REPORTERS;
use friskey::rules::{CHECK_NAMES, RuleSet, expand_template};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The paths of all documents.
fn documents() -> Vec<PathBuf> {
    let markdown = |dir: PathBuf| -> Vec<PathBuf> {
        let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
    };
    [markdown(root()), markdown(root().join("docs"))].concat()
}

/// The fenced code blocks of `language` in the Markdown `text`.
fn code_blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        if info == language {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// Runs friskey in `dir`, and returns its standard output and exit status.
fn friskey(arguments: &[&str], dir: &Path) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_friskey"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_readme_begins_with_the_commands_to_scan_and_to_test() {
    let commands = code_blocks(&read("README.md"), "sh");
    assert_eq!(commands[0], "cargo run --release -- scan .");
    assert_eq!(commands[1], "cargo test");
    let script = read(".ci/run");
    assert!(script.contains("grep -m 1 '^cargo test' README.md"), ".ci/run runs the README's test command");
}

#[test]
fn the_readme_names_every_command_format_rule_and_status() {
    let readme = read("README.md");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(readme.contains(&format!("friskey {name}")), "the command `{name}` is missing");
    }
    for reporter in REPORTERS {
        assert!(readme.contains(&format!("\n| `{}` |", reporter.name)), "{} is missing", reporter.name);
    }
    for rule in RuleSet::built_in().unwrap().rules() {
        assert!(readme.contains(&format!("\n| `{}` |", rule.id)), "{} is missing", rule.id);
    }
    for exit in [Exit::Clean, Exit::Findings, Exit::Failed, Exit::Incomplete] {
        assert!(readme.contains(&format!("\n| {} |", exit.status())), "status {} is missing", exit.status());
    }
}

#[test]
fn the_finding_in_the_readme_looks_like_real_output() {
    let dir = tempfile::tempdir().unwrap();
    let key = expand_template("sk-proj-{base62:74}{marker}{base62:74}", 1).text;
    let line = [b"OPENAI_API_KEY=", &key[..], b"\n"].concat();
    fs::write(dir.path().join(".env"), line).unwrap();
    let tail = String::from_utf8(key[key.len() - 4..].to_vec()).unwrap();
    let (report, status) = friskey(&["scan"], dir.path());
    assert_eq!(status, Some(1));
    let example = code_blocks(&read("README.md"), "text")
        .into_iter()
        .find(|block| block.starts_with("openai-project-key: "))
        .unwrap();
    // The README's example is about another key, and from another machine.
    let comparable_lines = |text: &str, tail: &str| -> Vec<String> {
        let is_comparable = |line: &&str| {
            !line.contains("fingerprint") && !line.contains("--key ") && !line.starts_with("scanned ")
        };
        text.replace(tail, "####").trim_end().lines().filter(is_comparable).map(str::to_owned).collect()
    };
    let example_tail: String = example.split('…').nth(1).unwrap().chars().take(4).collect();
    assert_eq!(comparable_lines(&report, &tail), comparable_lines(&example, &example_tail));
}

#[test]
fn every_rule_in_the_documents_is_valid_and_passes_its_examples() {
    let mut tested = 0;
    for path in documents() {
        for block in code_blocks(&fs::read_to_string(&path).unwrap(), "toml") {
            if !block.contains("[[rule]]") {
                continue;
            }
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(block.as_bytes()).unwrap();
            let rules = RuleSet::with_files(&[file.path()])
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let detector = Detector::new(&rules).unwrap();
            for (index, rule) in rules.rules().iter().enumerate().filter(|(_, rule)| !rule.built_in) {
                assert!(!rule.examples.is_empty() && !rule.counter_examples.is_empty(), "{}", rule.id);
                assert_eq!(detector.self_test(index), [], "{}", path.display());
                tested += 1;
            }
        }
    }
    assert!(tested >= 2, "{tested} rules, but the README and docs/rules.md each have one");
}

#[test]
fn the_rule_reference_lists_every_check_and_field_and_only_valid_templates() {
    let text = read("docs/rules.md");
    for check in CHECK_NAMES {
        assert!(text.contains(&format!("\n| `{check}` |")), "the check `{check}` is missing");
    }
    let schema = read("src/rules/schema.rs");
    for line in schema.lines().filter_map(|line| line.trim().strip_prefix("pub(super) ")) {
        let Some((field, _)) = line.split_once(": ") else { continue };
        assert!(field == "rule" || text.contains(&format!("`{field}`")), "the field `{field}` is missing");
    }
    for (at, _) in text.match_indices("\n| `{") {
        let row = text[at + 3..].lines().next().unwrap();
        let templates = row.split(" | ").next().unwrap().split('`').filter(|part| part.starts_with('{'));
        for template in templates {
            assert_ne!(
                expand_template(template, 1).text,
                template.as_bytes(),
                "{template} is not a template"
            );
        }
    }
}

#[test]
fn links_within_the_repository_lead_to_files_that_exist() {
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            let is_file = !target.is_empty() && !target.contains("://");
            let is_valid = !is_file || path.parent().unwrap().join(target).exists();
            assert!(is_valid, "{}: {target} does not exist", path.display());
        }
    }
}

#[test]
fn every_promise_in_security_md_names_tests_that_exist() {
    let security = read("SECURITY.md");
    let table: Vec<_> = security.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(table.len() > 10, "SECURITY.md has a table of promises");
    let tests = function_names();
    for row in table {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<_> =
            cell.split('`').skip(1).step_by(2).filter(|name| !name.contains([' ', '.'])).collect();
        assert!(!names.is_empty() || cell.starts_with("the compiler"), "a promise without a test: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`: {row}");
        }
    }
}

/// The names of all functions in `src` and `tests`.
fn function_names() -> std::collections::BTreeSet<String> {
    let mut dirs = vec![root().join("src"), root().join("tests")];
    let mut names = std::collections::BTreeSet::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let functions = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
                names.extend(functions.map(|(name, _)| name.to_owned()));
            }
        }
    }
    names
}

#[test]
fn every_path_in_the_architecture_document_exists() {
    let text = read("docs/architecture.md");
    let (_, section) = text.split_once("## To change X, open Y").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let paths: Vec<&str> = section
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|path| path.starts_with("src/") || path.starts_with("rules/"))
        .collect();
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        let exists = root().join(path.trim_end_matches("*.toml")).exists();
        assert!(exists, "docs/architecture.md names {path}, which does not exist");
    }
}

/// All commands with their full names, e.g. `friskey hook install`.
fn commands() -> Vec<(String, clap::Command)> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pending = vec![("friskey".to_owned(), program)];
    let mut commands = Vec::new();
    while let Some((name, command)) = pending.pop() {
        let subcommands =
            command.get_subcommands().map(|sub| (format!("{name} {}", sub.get_name()), sub.clone()));
        pending.extend(subcommands);
        commands.push((name, command));
    }
    commands
}

/// The arguments of friskey in a shell's command `line`, the program's name first.
fn shell_arguments(line: &str) -> Vec<String> {
    let line = &line[line.find("friskey").unwrap()..];
    let line = line.split([')', '<', '>']).next().unwrap();
    let mut arguments = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        match index % 2 {
            0 => arguments.extend(part.split_whitespace().map(|word| word.trim_matches('"').to_owned())),
            _ => arguments.push(part.to_owned()),
        }
    }
    arguments
}

#[test]
fn the_long_help_of_every_command_has_examples_that_parse_and_exit_statuses() {
    let commands = commands();
    assert!(commands.len() > 20, "the commands include those of hook, baseline and rules");
    for (name, mut command) in commands {
        let help = command.render_long_help().to_string();
        let (_, notes) = help.split_once("\nExample").unwrap_or_else(|| panic!("{name} has no examples"));
        let (examples, statuses) =
            notes.split_once("\nExit status:\n").unwrap_or_else(|| panic!("{name} has no exit statuses"));
        let examples: Vec<_> = examples.lines().filter(|line| line.starts_with("    ")).collect();
        assert!((1..=4).contains(&examples.len()), "{name}: {examples:?}");
        for example in examples {
            let arguments = shell_arguments(example);
            assert!(name == "friskey" || arguments.join(" ").starts_with(&name), "{name}: {example}");
            if let Err(error) = Cli::try_parse_from(&arguments) {
                panic!("{name}: {example}: {error}");
            }
        }
        for status in ["  0  ", "  2  "] {
            assert!(statuses.contains(status), "{name}: {statuses}");
        }
        let short = command.render_help().to_string();
        assert!(
            !short.contains("Exit status:") && !short.contains("Example"),
            "the short help of {name} is too long"
        );
    }
}

#[test]
fn every_manual_page_has_its_sections() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(friskey(&["man", "--dir", "pages"], dir.path()).1, Some(0));
    let mut pages = vec![friskey(&["man"], dir.path()).0];
    for (name, _) in commands() {
        let path = dir.path().join("pages").join(format!("{}.1", name.replace(' ', "-")));
        pages.push(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    for page in pages {
        let title = page.lines().find(|line| line.starts_with(".TH")).unwrap();
        for section in ["ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES"] {
            assert!(page.contains(&format!("\n.SH \"{section}\"\n")), "{title} has no section {section}");
        }
        // `Man::render` of clap_mangen would put the sections into one called EXTRA.
        assert!(!page.contains("EXTRA"), "{title}");
    }
}

/// Takes every string in capitals with an underscore in the code of the command line for an environment variable.
#[test]
fn the_manual_names_every_environment_variable() {
    let page = friskey(&["man"], &root()).0;
    let mut dirs = vec![root().join("src/cli")];
    let mut count = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            if path.ends_with("plan_tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod").next().unwrap();
            for name in code.split('"') {
                let is_variable =
                    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                if is_variable {
                    count += 1;
                    assert!(page.contains(name), "{}: {name} is not in the manual", path.display());
                }
            }
        }
    }
    assert!(count > 40, "only {count} variables in the code");
}
