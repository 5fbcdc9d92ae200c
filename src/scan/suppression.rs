//! Accepts findings: by markers while the surrounding text is available, and by the baseline once all findings are
//! known.

use std::collections::BTreeSet;

use crate::detect::{Chunk, Redactor, StreamMatch};
use crate::model::{DetectedKey, Finding, Leak, Origin, Suppression, Surface};
use crate::suppress::{InlineMarker, MarkerMode, Policy, find_marker};

/// Maximum number of notes about markers that a report lists.
const MAX_LISTED: usize = 20;

/// Maximum number of notes about markers that are counted.
const MAX_COUNTED: usize = 10_000;

/// Whether a marker near a match accepts it.
#[derive(Clone, Debug, Default)]
pub(super) struct MarkerDecision {
    suppressed: Option<Suppression>,
    /// A marker that strict mode ignores, since it gives no reason.
    ignored_marker: Option<&'static str>,
}

/// Looks for a marker near the match.
pub(super) fn marker_decision(
    policy: &Policy,
    redactor: &Redactor<'_>,
    chunk: Chunk<'_>,
    stream_match: &StreamMatch,
) -> MarkerDecision {
    if policy.markers == MarkerMode::Off {
        return MarkerDecision::default();
    }
    let matched = &stream_match.matched;
    let contains_key = |line: &[u8]| redactor.contains_secret(line);
    match find_marker(chunk.bytes, matched.span.clone(), matched.encoding, &contains_key) {
        None => MarkerDecision::default(),
        Some(marker) => match policy.suppression_by(marker) {
            Ok(suppression) => MarkerDecision { suppressed: Some(suppression), ignored_marker: None },
            Err(InlineMarker { marker, .. }) => {
                MarkerDecision { suppressed: None, ignored_marker: Some(marker) }
            }
        },
    }
}

impl MarkerDecision {
    /// Whether the match is accepted.
    pub(super) fn accepts(&self) -> bool {
        self.suppressed.is_some()
    }

    /// The suppression of the finding at `line` of `origin`. A marker that strict mode ignores becomes one of
    /// the `notes`.
    pub(super) fn into_suppression(
        self,
        origin: &Origin,
        line: u64,
        notes: &mut BTreeSet<String>,
    ) -> Option<Suppression> {
        if is_name(origin.surface) {
            return None;
        }
        if let Some(marker) = self.ignored_marker {
            let path = origin.path.as_deref().map(String::from_utf8_lossy);
            let place = path.as_deref().unwrap_or(origin.surface.name());
            notes.insert(format!("{place}:{line}: `{marker}` gives no reason, so strict mode ignores it"));
            if notes.len() > MAX_COUNTED {
                notes.pop_last();
            }
        }
        self.suppressed
    }
}

/// Whether the baseline accepts the key at every path.
pub(super) fn is_accepted_everywhere(policy: &Policy, detected_key: &DetectedKey) -> bool {
    policy.baseline.as_ref().is_some_and(|baseline| baseline.accepts(&detected_key.fingerprint, None))
}

/// Suppresses the finding if the baseline accepts it.
pub(super) fn mark_if_in_baseline(policy: &Policy, finding: &mut Finding) {
    if finding.suppressed.is_none()
        && let Some(baseline) = &policy.baseline
    {
        baseline.accept_finding(finding);
    }
}

/// Whether the surface has names instead of text with comments. A marker in or next to a name is not honored.
fn is_name(surface: Surface) -> bool {
    matches!(surface, Surface::FileName | Surface::Symlink | Surface::RefName | Surface::Identity)
}

/// Applies the baseline and returns the notes of the policy. Stale entries are noted only if the scan is complete and covers
/// everything that the baseline does.
pub(super) fn apply_baseline(policy: &Policy, leaks: &mut [Leak], is_complete: bool) -> Vec<String> {
    let mut notes = policy.notes.clone();
    if let Some(baseline) = &policy.baseline {
        let matched = baseline.accept(leaks);
        notes.extend(baseline.notes((policy.covers_baseline && is_complete).then_some(&matched)));
    }
    notes
}

/// The first notes, and how many more there are.
pub(super) fn limit_notes(notes: BTreeSet<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(MAX_LISTED);
    let at_least = if notes.len() >= MAX_COUNTED { "at least " } else { "" };
    let mut listed: Vec<_> = notes.into_iter().take(MAX_LISTED).collect();
    if more > 0 {
        listed.push(format!("{at_least}{more} more markers give no reason, so strict mode ignores them"));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_markers_that_is_not_exact_is_called_at_least() {
        let origin = Origin {
            surface: Surface::Worktree,
            path: Some(b"a".to_vec()),
            object: None,
            commit: None,
            container: Vec::new(),
        };
        let last_note = |count: u64| {
            let mut notes = BTreeSet::new();
            for line in 1..=count {
                let decision = MarkerDecision { suppressed: None, ignored_marker: Some("friskey:allow") };
                decision.into_suppression(&origin, line, &mut notes);
            }
            limit_notes(notes).pop().unwrap()
        };
        let text = "more markers give no reason, so strict mode ignores them";
        assert_eq!(last_note(9_999), format!("9979 {text}"));
        assert_eq!(last_note(12_000), format!("at least 9980 {text}"));
        assert!(last_note(20).starts_with("a:"));
    }
}
