//! Tests that no format contains a secret or a piece of one, wherever the repository put it.

use friskey::model::{
    Change, Confidence, LeakStatus, Move, RemoteSighting, Report, RepositoryInfo, Secret, Skip, Surface,
    TagDate,
};
use friskey::report::Style;
use proptest::prelude::*;

use super::{output, sample};

/// Consecutive characters of a key that no report may show.
const PIECE: usize = 12;

/// A generated key and where it was found.
#[derive(Clone, Debug)]
struct Place {
    body: String,
    has_prefix: bool,
    surface: Surface,
    path: Vec<u8>,
    container: Vec<Vec<u8>>,
    is_object: bool,
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
        .prop_map(|(body, has_prefix, surface, path, container, is_object, with_change, line)| Place {
            body,
            has_prefix,
            surface,
            path,
            container,
            is_object,
            with_change,
            line,
        })
}

/// Arbitrary bytes, often with a start that a CI runner would obey.
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

/// Whether a CI runner would take the line for a command.
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
    let prefix = if place.has_prefix { "sk-proj-" } else { "" };
    Secret::new(format!("{prefix}{}", place.body).into_bytes(), prefix.len())
}

/// A report in which each key also occurs in the text around it: paths, names of archive entries, authors, refs,
/// skips and notes.
fn report(places: &[Place]) -> Report {
    let mut draft = sample::history();
    draft.leaks.clear();
    for place in places {
        let secret = secret(place);
        let key = String::from_utf8(secret.reveal().to_vec()).expect("generated keys are ASCII");
        let detected_key = sample::detected_key(secret, "openai-project-key", Confidence::High);
        let path = [&place.path[..], b"/", key.as_bytes(), b".txt"].concat();
        let mut finding = sample::finding(&detected_key, place.surface, &path, place.line);
        finding.origin.container.clone_from(&place.container);
        if let Some(entry) = finding.origin.container.last_mut() {
            entry.extend_from_slice(key.as_bytes());
        }
        if place.is_object {
            finding.origin.path = None;
            finding.origin.object = Some("a".repeat(40));
        }
        let mut leak = sample::leak(detected_key, LeakStatus::Removed, vec![finding]);
        leak.reachability.refs_in_history = vec![format!("refs/heads/{key}")];
        if place.with_change {
            let change = Change {
                commit: "c".repeat(40),
                author: format!("{key} <x@example.org>"),
                date: String::new(),
                seconds: 0,
                path: Some(format!("{key}.txt").into_bytes()),
                subject: format!("Add {key}"),
            };
            leak.moves.push(Move { from: format!("a/{key}").into_bytes(), change: change.clone() });
            leak.removed.push(change);
            let reached = &mut leak.reachability;
            reached.tags.push(TagDate { seconds: 1, name: format!("refs/tags/{key}") });
            reached.on_remote =
                Some(RemoteSighting { seconds: 1, name: format!("refs/remotes/o/{key}"), by_push: true });
            draft.directory = key.clone();
            draft.command_line = vec!["friskey".to_owned(), key.clone()];
            draft.repository = Some(RepositoryInfo {
                path: format!("/{key}"),
                url: Some(format!("https://github.com/{key}")),
                branch: Some(key.clone()),
                depth: 0,
                argument: key.clone(),
                ..RepositoryInfo::default()
            });
        }
        draft.coverage.skipped.insert(Skip::new(key.clone(), format!("cannot read {key}")));
        draft.notes.push(format!("note on {key}"));
        draft.leaks.push(leak);
    }
    sample::redacted(draft)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_format_contains_a_piece_of_a_secret(places in proptest::collection::vec(place(), 0..6)) {
        let report = report(&places);
        let styles = [
            Style::default(),
            Style { color: true, width: Some(40), verbose: true, sarif_suppressed: true },
        ];
        for (format, text) in styles.iter().flat_map(|style| output::all(&report, style)) {
            for line in text.lines().filter(|line| is_command(line)) {
                // The commands of friskey itself, one per line, are what this format is for.
                let is_own = ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own));
                prop_assert!(format == "github" && is_own, "{format}: {line}");
            }
            for place in &places {
                for at in 0..=place.body.len() - PIECE {
                    let piece = &place.body[at..at + PIECE];
                    prop_assert!(!text.contains(piece), "{format} contains {piece}");
                }
            }
        }
    }
}
