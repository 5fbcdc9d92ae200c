//! Tests that no format contains a part of a secret, even if the secret occurs in paths, names, refs, skips and notes.

use friskey::model::{
    Change, Confidence, LeakStatus, Move, RemoteSighting, Report, RepositoryInfo, Secret, Skip, Surface,
    TagDate,
};
use friskey::report::Style;
use proptest::prelude::*;

use super::{output, sample};

/// The number of consecutive characters of a key that no report may contain.
const PIECE: usize = 12;

/// A generated key and its finding.
#[derive(Clone, Debug)]
struct FoundKey {
    /// The key without its prefix.
    body: String,
    has_prefix: bool,
    surface: Surface,
    path: Vec<u8>,
    container: Vec<Vec<u8>>,
    /// Whether the finding is in an object without a path.
    is_pathless: bool,
    /// Whether commits moved and removed the key.
    has_changes: bool,
    line: u64,
}

fn found_key() -> impl Strategy<Value = FoundKey> {
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
        .prop_map(|(body, has_prefix, surface, path, container, is_pathless, has_changes, line)| {
            FoundKey { body, has_prefix, surface, path, container, is_pathless, has_changes, line }
        })
}

/// Arbitrary bytes, often after the start of a command to a CI runner.
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

/// Whether a CI runner would execute the line as a command.
fn is_command(line: &str) -> bool {
    let visible =
        line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
    let without_color = match visible.strip_prefix("\x1b[") {
        Some(rest) => {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').trim_start_matches('m')
        }
        None => visible,
    };
    without_color.starts_with("::")
        || ["##[", "##vso[", "##teamcity["].iter().any(|opening| line.contains(opening))
}

fn secret(found_key: &FoundKey) -> Secret {
    let prefix = if found_key.has_prefix { "sk-proj-" } else { "" };
    Secret::new(format!("{prefix}{}", found_key.body).into_bytes(), prefix.len())
}

/// A report in which each key also occurs in the text around it: paths, names of archive entries, authors, refs,
/// skips and notes.
fn report(found_keys: &[FoundKey]) -> Report {
    let mut draft = sample::history();
    draft.leaks.clear();
    for found_key in found_keys {
        let secret = secret(found_key);
        let key = String::from_utf8(secret.reveal().to_vec()).expect("generated keys are ASCII");
        let detected_key = sample::detected_key(secret, "openai-project-key", Confidence::High);
        let path = [&found_key.path[..], b"/", key.as_bytes(), b".txt"].concat();
        let mut finding = sample::finding(&detected_key, found_key.surface, &path, found_key.line);
        finding.origin.container.clone_from(&found_key.container);
        if let Some(entry) = finding.origin.container.last_mut() {
            entry.extend_from_slice(key.as_bytes());
        }
        if found_key.is_pathless {
            finding.origin.path = None;
            finding.origin.object = Some("a".repeat(40));
        }
        let mut leak = sample::leak(detected_key, LeakStatus::Removed, vec![finding]);
        leak.reachability.refs_in_history = vec![format!("refs/heads/{key}")];
        if found_key.has_changes {
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
            let reachability = &mut leak.reachability;
            reachability.tags.push(TagDate { seconds: 1, name: format!("refs/tags/{key}") });
            reachability.on_remote =
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
    fn no_format_contains_a_piece_of_a_secret(found_keys in proptest::collection::vec(found_key(), 0..6)) {
        let report = report(&found_keys);
        let styles = [
            Style::default(),
            Style { color: true, width: Some(40), verbose: true, sarif_suppressed: true },
        ];
        for (format, text) in styles.iter().flat_map(|style| output::render_all(&report, style)) {
            for line in text.lines().filter(|line| is_command(line)) {
                // The format for GitHub consists of workflow commands.
                let is_annotation =
                    ["::error ", "::warning ", "::notice "].iter().any(|command| line.starts_with(command));
                prop_assert!(format == "github" && is_annotation, "{format}: {line}");
            }
            for found_key in &found_keys {
                for at in 0..=found_key.body.len() - PIECE {
                    let piece = &found_key.body[at..at + PIECE];
                    prop_assert!(!text.contains(piece), "{format} contains {piece}");
                }
            }
        }
    }
}
