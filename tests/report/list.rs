//! Tests requirements for all formats: each test iterates over the list of formats, so that none is forgotten.

use std::collections::BTreeSet;

use friskey::model::{Confidence, Draft, LeakStatus, Report, Surface};
use friskey::report::{REPORTERS, Style, reporter};

use super::{output, sample};

fn formatted(format: &str, report: &Report) -> String {
    output::formatted(format, report, &Style::default())
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
        assert_eq!(reporter(format.name).map(|found| found.name), Some(format.name));
    }
    assert!(reporter("xml").is_none());
}

#[test]
fn no_format_emits_invisible_characters() {
    for format in REPORTERS {
        for (name, report) in sample::all() {
            let text = formatted(format.name, &report);
            let is_invisible = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            };
            assert_eq!(text.chars().find(|&c| is_invisible(c)), None, "{} of {name}", format.name);
        }
    }
}

#[test]
fn no_line_starts_a_command_that_the_repository_chose() {
    let report = sample::redacted(sample::hostile());
    for format in REPORTERS {
        for line in formatted(format.name, &report).lines() {
            let is_own = format.name == "github"
                && ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
            assert!(is_own || !line.trim_start().starts_with("::"), "{}: {line}", format.name);
            assert!(!line.contains("##vso[") && !line.contains("##["), "{}: {line}", format.name);
        }
    }
}

#[test]
fn an_incomplete_scan_is_never_called_clean() {
    for format in REPORTERS {
        for report in [sample::incomplete(), sample::history()].map(sample::redacted) {
            let text = formatted(format.name, &report).to_lowercase();
            assert!(!text.contains("clean:") && !text.contains("\"clean\""), "{}", format.name);
            let first = report.coverage().skipped.first().unwrap();
            assert!(text.contains(&first.reason), "{} gives no reason for a skip", format.name);
        }
    }
}

#[test]
fn every_format_names_every_open_leak() {
    for format in REPORTERS {
        for report in [sample::tree(), sample::history()].map(sample::redacted) {
            let text = formatted(format.name, &report);
            for leak in report.open_leaks() {
                let redacted = leak.detected_key.secret.redacted();
                assert!(text.contains(&redacted), "{} does not name {redacted}", format.name);
            }
        }
    }
}

/// Whoever sees a leak sees what to do first, with the command.
#[test]
fn every_format_has_the_next_step_of_each_leak() {
    let report = sample::redacted(sample::history());
    // A hook's summary has steps of its own.
    for (name, text) in
        output::all(&report, &Style::default()).into_iter().filter(|(name, _)| *name != "brief")
    {
        assert!(text.contains("friskey verify"), "{name}: {text}");
    }
    // Where there is room, all steps.
    for format in ["human", "json", "jsonl", "sarif", "gitlab", "junit", "html"] {
        let text = formatted(format, &report);
        for leak in report.open_leaks() {
            let fingerprint = leak.detected_key.fingerprint.to_string();
            // Readers of a page are elsewhere.
            let repository = if format == "html" { " --repo /home/ada/app" } else { "" };
            let revoke = format!("friskey revoke{repository} --key {}", &fingerprint[..12]);
            assert!(text.contains(&revoke), "{format}: {revoke}");
        }
    }
    assert!(output::step_summary(&report).contains("friskey revoke --key"));
}

#[test]
fn thirty_thousand_findings_take_seconds() {
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
        let begun = std::time::Instant::now();
        formatted(format.name, &report);
        let seconds = begun.elapsed().as_secs_f64();
        assert!(seconds < 60.0, "{} took {seconds:.1} s", format.name);
    }
}

#[test]
fn every_format_returns_the_error_of_its_writer() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let report = sample::redacted(sample::tree());
    for format in REPORTERS {
        let error = format.write(&report, &Style::default(), &mut Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{}", format.name);
    }
}

#[test]
fn every_format_names_and_counts_what_was_left_out() {
    let report = sample::redacted(sample::narrowed_beyond_limits());
    for (format, text) in output::all(&report, &Style::default()) {
        if format == "brief" {
            continue;
        }
        for word in ["reflog", "openai-project-key", "vendor/", "z/0000", "--no-config", "--no-ignore"] {
            assert!(text.contains(word), "{format} does not name {word}");
        }
        assert!(!text.contains("everything"), "{format}");
        let counts = if format.starts_with("json") {
            ["\"ignored_total\"", "2007"]
        } else {
            ["more thing", "left out"]
        };
        assert!(counts.iter().all(|count| text.contains(count)), "{format} does not count");
        assert!(!text.contains("z/1999"), "{format} names things without limit");
    }
}

#[test]
fn the_outcome_names_what_was_searched_for() {
    let mut draft = sample::clean();
    let outcome = |draft: &Draft| {
        let text = formatted("human", &sample::redacted(draft.clone()));
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
