//! No format ever holds a secret, or a piece of one.

use friskey::model::{Change, Confidence, LeakStatus, Secret, Skip, Surface};
use friskey::report::{REPORTERS, Style, write_step_summary};
use proptest::prelude::*;

use super::sample;

/// Consecutive characters of a body that must not be seen.
const PIECE: usize = 12;

#[derive(Clone, Debug)]
struct Place {
    body: String,
    typed: bool,
    surface: Surface,
    path: Vec<u8>,
    container: Vec<Vec<u8>>,
    object: bool,
    with_change: bool,
    line: u64,
}

fn place() -> impl Strategy<Value = Place> {
    (
        "[A-Za-z0-9_-]{32,160}",
        any::<bool>(),
        proptest::sample::select(Surface::ALL),
        name(),
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..10), 0..3),
        any::<bool>(),
        any::<bool>(),
        1..5_000_u64,
    )
        .prop_map(|(body, typed, surface, path, container, object, with_change, line)| Place {
            body,
            typed,
            surface,
            path,
            container,
            object,
            with_change,
            line,
        })
}

/// Any bytes, often such that a CI runner would obey them at the start of a line.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let openings = [
        "",
        "",
        "::error::",
        " ::add-mask::",
        "\u{2003}::x::",
        "\x1b[1m::x::",
        "\u{feff}::x::",
        "##[x]",
        "##vso[x]",
    ];
    let rest = proptest::collection::vec(any::<u8>(), 0..40);
    (proptest::sample::select(openings.to_vec()), rest)
        .prop_map(|(opening, rest)| [opening.as_bytes(), &rest].concat())
}

/// Whether a runner takes the line for a command.
fn is_command(line: &str) -> bool {
    let shown = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
    let plain = match shown.strip_prefix("\x1b[") {
        Some(rest) => {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').trim_start_matches('m')
        }
        None => shown,
    };
    plain.starts_with("::") || ["##[", "##vso[", "##teamcity["].iter().any(|opening| line.contains(opening))
}

fn secret(place: &Place) -> Secret {
    let prefix = if place.typed { "sk-proj-" } else { "" };
    Secret::new(format!("{prefix}{}", place.body).into_bytes(), prefix.len())
}

fn report(places: &[Place]) -> friskey::model::Report {
    let mut report = sample::history();
    report.leaks.clear();
    for place in places {
        let secret = secret(place);
        let redacted = secret.redacted();
        let identified = sample::identified(secret, "openai-project-key", Confidence::High);
        let mut finding = sample::finding(&identified, place.surface, &place.path, place.line);
        finding.origin.container.clone_from(&place.container);
        if place.object {
            finding.origin.path = None;
            finding.origin.object = Some("a".repeat(40));
        }
        let mut leak = sample::leak(identified, LeakStatus::Removed, vec![finding]);
        if place.with_change {
            leak.removed.push(Change {
                commit: "c".repeat(40),
                author: format!("{redacted} <x@example.org>"),
                date: String::new(),
                seconds: 0,
                path: Some(format!("{redacted}.txt").into_bytes()),
            });
        }
        report.coverage.skipped.insert(Skip::new(redacted, "too large"));
        report.leaks.push(leak);
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_format_holds_a_piece_of_a_secret(places in proptest::collection::vec(place(), 0..6)) {
        let report = report(&places);
        let styles = [
            Style::default(),
            Style { color: true, width: Some(40), verbose: true, sarif_suppressed: true },
        ];
        let mut written = Vec::new();
        for reporter in REPORTERS {
            for style in &styles {
                let mut out = Vec::new();
                reporter.write(&report, style, &mut out).unwrap();
                written.push((reporter.name, out));
            }
        }
        let mut summary = Vec::new();
        write_step_summary(&report, &mut summary).unwrap();
        written.push(("step summary", summary));
        for (name, out) in written {
            let text = String::from_utf8(out).unwrap();
            for line in text.lines().filter(|line| is_command(line)) {
                // Its own commands, one a line, are what this format is for.
                let is_own = ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
                prop_assert!(name == "github" && is_own, "{name}: {line}");
            }
            for place in &places {
                for at in 0..=place.body.len() - PIECE {
                    let piece = &place.body[at..at + PIECE];
                    prop_assert!(!text.contains(piece), "{name} holds {piece}");
                }
            }
        }
    }
}
