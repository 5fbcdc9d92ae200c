//! Tests what every format must fulfill. Each test iterates over the list of formats, so a new one is tested, too.

use std::collections::BTreeSet;

use friskey::model::{Confidence, Draft, LeakStatus, Report, Surface};
use friskey::report::{REPORTERS, Style, reporter};

use super::{output, sample};

fn render(format: &str, report: &Report) -> String {
    output::render(format, report, &Style::default())
}

#[test]
fn every_format_has_a_unique_name_and_a_short_help_text() {
    let names: BTreeSet<_> = REPORTERS.iter().map(|reporter| reporter.name).collect();
    assert_eq!(names.len(), REPORTERS.len());
    for format in REPORTERS {
        assert!(format.name.bytes().all(|b| b.is_ascii_lowercase()), "{}", format.name);
        assert!(
            !format.help.is_empty() && !format.help.ends_with('.') && format.help.len() < 80,
            "{}",
            format.name
        );
        assert_eq!(reporter(format.name).map(|reporter| reporter.name), Some(format.name));
    }
    assert!(reporter("xml").is_none());
}

#[test]
fn no_format_emits_invisible_characters() {
    for format in REPORTERS {
        for (name, report) in sample::all() {
            let text = render(format.name, &report);
            let is_invisible = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            };
            assert_eq!(text.chars().find(|&c| is_invisible(c)), None, "{} of {name}", format.name);
        }
    }
}

#[test]
fn text_from_the_repository_cannot_start_a_workflow_command() {
    let report = sample::redacted(sample::hostile());
    for format in REPORTERS {
        for line in render(format.name, &report).lines() {
            // The format for GitHub consists of workflow commands.
            let is_annotation = format.name == "github"
                && ["::error ", "::warning ", "::notice "].iter().any(|command| line.starts_with(command));
            assert!(is_annotation || !line.trim_start().starts_with("::"), "{}: {line}", format.name);
            assert!(!line.contains("##vso[") && !line.contains("##["), "{}: {line}", format.name);
        }
    }
}

#[test]
fn an_incomplete_scan_is_never_called_clean() {
    for format in REPORTERS {
        for report in [sample::incomplete(), sample::history()].map(sample::redacted) {
            let text = render(format.name, &report).to_lowercase();
            assert!(!text.contains("clean:") && !text.contains("\"clean\""), "{}", format.name);
            let skip = report.coverage().skipped.first().unwrap();
            assert!(text.contains(&skip.reason), "{} gives no reason for a skip", format.name);
        }
    }
}

#[test]
fn every_format_names_every_open_leak() {
    for format in REPORTERS {
        for report in [sample::tree(), sample::history()].map(sample::redacted) {
            let text = render(format.name, &report);
            for leak in report.open_leaks() {
                let redacted = leak.detected_key.secret.redacted();
                assert!(text.contains(&redacted), "{} does not name {redacted}", format.name);
            }
        }
    }
}

#[test]
fn every_format_has_the_command_of_the_next_step() {
    let report = sample::redacted(sample::history());
    for (name, text) in output::render_all(&report, &Style::default()) {
        // The hook summary says how to continue with the commit instead.
        assert!(name == "hook-summary" || text.contains("friskey verify"), "{name}: {text}");
    }
    // These formats have room for all steps of each leak.
    for format in ["human", "json", "jsonl", "sarif", "gitlab", "junit", "html"] {
        let text = render(format, &report);
        for leak in report.open_leaks() {
            let fingerprint = leak.detected_key.fingerprint.to_string();
            // Whoever reads the page may be in another directory.
            let repository = if format == "html" { " --repo /home/ada/app" } else { "" };
            let revoke = format!("friskey revoke{repository} --key {}", &fingerprint[..12]);
            assert!(text.contains(&revoke), "{format}: {revoke}");
        }
    }
    assert!(output::step_summary(&report).contains("friskey revoke --key"));
}

#[test]
fn thirty_thousand_findings_are_written_within_a_minute() {
    let mut draft = sample::clean();
    for n in 0..30_000_u64 {
        let detected_key =
            sample::detected_key(sample::secret(&format!("{n:05}")), "openai-project-key", Confidence::High);
        let path = format!("src/{n}.py");
        let finding = sample::finding(&detected_key, Surface::Worktree, path.as_bytes(), 1 + n);
        draft.leaks.push(sample::leak(detected_key, LeakStatus::Present, vec![finding]));
    }
    let report = sample::redacted(draft);
    for format in REPORTERS {
        let start = std::time::Instant::now();
        render(format.name, &report);
        let seconds = start.elapsed().as_secs_f64();
        assert!(seconds < 60.0, "{} took {seconds:.1} s", format.name);
    }
}

#[test]
fn every_format_returns_the_error_of_its_writer() {
    struct FullDisk;
    impl std::io::Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let report = sample::redacted(sample::tree());
    for format in REPORTERS {
        let error = format.write(&report, &Style::default(), &mut FullDisk).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{}", format.name);
    }
}

#[test]
fn every_format_names_and_counts_what_was_left_out() {
    let report = sample::redacted(sample::narrowed_beyond_limits());
    for (format, text) in output::render_all(&report, &Style::default()) {
        // The hook summary shows only what blocks the commit.
        if format == "hook-summary" {
            continue;
        }
        for word in ["reflog", "openai-project-key", "vendor/", "z/0000", "--no-config", "--no-ignore"] {
            assert!(text.contains(word), "{format} does not name {word}");
        }
        assert!(!text.contains("everything"), "{format}");
        let total = if format.starts_with("json") {
            ["\"ignored_total\"", "2007"]
        } else {
            ["more thing", "left out"]
        };
        assert!(total.iter().all(|part| text.contains(part)), "{format} does not say how many");
        assert!(!text.contains("z/1999"), "{format} names all 2,000 ignored paths");
    }
}

#[test]
fn the_outcome_names_the_kinds_of_rules() {
    let mut draft = sample::clean();
    let outcome = |draft: &Draft| {
        let text = render("human", &sample::redacted(draft.clone()));
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(outcome(&draft), "clean: no OpenAI key in what was scanned");
    draft.rules[0].built_in = false;
    assert_eq!(outcome(&draft), "clean: no OpenAI key and no match of 1 custom rule in what was scanned");
    draft.rules.iter_mut().for_each(|rule| rule.built_in = false);
    assert_eq!(outcome(&draft), "clean: no match of 3 custom rules in what was scanned");
    draft.command = "trace";
    assert_eq!(outcome(&draft), "clean: no traced key in what was scanned");
}
