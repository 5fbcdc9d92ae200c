//! What holds for every format alike: walks the list, so that a forgotten piece fails.

use std::collections::BTreeSet;

use friskey::model::{Confidence, Report, Surface};
use friskey::report::{REPORTERS, Style, reporter};

use super::sample;

fn written(name: &str, report: &Report) -> String {
    let mut out = Vec::new();
    let reporter = reporter(name).expect("a name from the list");
    reporter.write(report, &Style::default(), &mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn every_format_has_a_name_and_help_of_its_own() {
    let names: BTreeSet<_> = REPORTERS.iter().map(|reporter| reporter.name).collect();
    assert_eq!(names.len(), REPORTERS.len());
    for entry in REPORTERS {
        assert!(entry.name.bytes().all(|b| b.is_ascii_lowercase()), "{}", entry.name);
        assert!(
            !entry.help.is_empty() && !entry.help.ends_with('.') && entry.help.len() < 80,
            "{}",
            entry.name
        );
        assert_eq!(reporter(entry.name).map(|found| found.name), Some(entry.name));
    }
    assert!(reporter("xml").is_none());
}

#[test]
fn no_format_passes_hidden_characters_on() {
    for entry in REPORTERS {
        for (name, report) in sample::all() {
            let text = written(entry.name, &report);
            let hidden = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            };
            assert_eq!(text.chars().find(|&c| hidden(c)), None, "{} of {name}", entry.name);
        }
    }
}

#[test]
fn no_line_starts_a_foreign_command() {
    for entry in REPORTERS {
        let text = written(entry.name, &sample::hostile());
        for line in text.lines() {
            let own = entry.name == "github"
                && ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
            assert!(own || !line.trim_start().starts_with("::"), "{}: {line}", entry.name);
            assert!(!line.contains("##vso[") && !line.contains("##["), "{}: {line}", entry.name);
        }
    }
}

#[test]
fn what_was_not_scanned_is_never_called_clean() {
    for entry in REPORTERS {
        for report in [sample::incomplete(), sample::history()] {
            let text = written(entry.name, &report).to_lowercase();
            assert!(!text.contains("clean:") && !text.contains("\"clean\""), "{}", entry.name);
            let first = report.coverage.skipped.first().unwrap();
            assert!(text.contains(&first.reason), "{} does not say why something was skipped", entry.name);
        }
    }
}

#[test]
fn every_open_leak_is_named_in_every_format() {
    for entry in REPORTERS {
        for report in [sample::tree(), sample::history()] {
            let text = written(entry.name, &report);
            for leak in report.open_leaks() {
                let redacted = leak.identified.secret.redacted();
                assert!(text.contains(&redacted), "{} leaves out {redacted}", entry.name);
            }
        }
    }
}

#[test]
fn thirty_thousand_findings_take_seconds() {
    let mut report = sample::clean();
    for n in 0..30_000_u64 {
        let identified =
            sample::identified(sample::secret(&format!("{n:05}")), "openai-project-key", Confidence::High);
        let place = sample::finding(&identified, Surface::Worktree, format!("src/{n}.py").as_bytes(), 1 + n);
        report.leaks.push(sample::leak(identified, friskey::model::LeakStatus::Present, vec![place]));
    }
    for entry in REPORTERS {
        let begun = std::time::Instant::now();
        written(entry.name, &report);
        let seconds = begun.elapsed().as_secs_f64();
        assert!(seconds < 20.0, "{} took {seconds:.1} s", entry.name);
    }
}

#[test]
fn a_failing_writer_is_reported() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for entry in REPORTERS {
        let error = entry.write(&sample::tree(), &Style::default(), &mut Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{}", entry.name);
    }
}

#[test]
fn what_was_left_out_is_named_and_counted_in_every_format() {
    let report = sample::narrowed();
    let mut texts: Vec<_> =
        REPORTERS.iter().map(|entry| (entry.name, written(entry.name, &report))).collect();
    let mut summary = Vec::new();
    friskey::report::write_step_summary(&report, &mut summary).unwrap();
    texts.push(("summary", String::from_utf8(summary).unwrap()));
    for (name, text) in texts {
        for word in ["reflog", "openai-project-key", "vendor/", "z/0000", "--no-config", "--no-ignore"] {
            assert!(text.contains(word), "{name} does not name {word}");
        }
        assert!(!text.contains("everything"), "{name}");
        let counts =
            if name.starts_with("json") { ["\"ignored_total\"", "2007"] } else { ["more thing", "left out"] };
        assert!(counts.iter().all(|count| text.contains(count)), "{name} does not count");
        assert!(!text.contains("z/1999"), "{name} names without end");
    }
}

#[test]
fn clean_says_of_what() {
    let mut report = sample::clean();
    let verdict = |report: &Report| written("human", report).lines().last().unwrap().to_owned();
    assert_eq!(verdict(&report), "clean: no OpenAI key in what was scanned");
    report.rules[0].built_in = false;
    assert_eq!(verdict(&report), "clean: no OpenAI key and no match of 1 custom rule in what was scanned");
    report.rules.iter_mut().for_each(|rule| rule.built_in = false);
    assert_eq!(verdict(&report), "clean: no match of 3 custom rules in what was scanned");
    report.command = "trace";
    assert_eq!(verdict(&report), "clean: no traced key in what was scanned");
}
