//! Where findings meet what is accepted: markers while the text around is at hand, the baseline when
//! all findings are together.

use std::collections::BTreeSet;

use crate::detect::{Chunk, Mask, StreamMatch};
use crate::model::{Leak, Origin, Suppression, Surface};
use crate::suppress::{Inline, Policy, inline as find_marker};

/// Notes about markers that a report lists.
const LISTED: usize = 20;

/// Whether a marker beside the match accepts it. A marker that does not count is put into `notes`.
pub(super) fn inline(
    policy: &Policy,
    mask: &Mask<'_>,
    origin: &Origin,
    chunk: Chunk<'_>,
    found: &StreamMatch,
    notes: &mut BTreeSet<String>,
) -> Option<Suppression> {
    if policy.inline == Inline::Off || is_name(origin.surface) {
        return None;
    }
    let matched = &found.matched;
    let holds_key = |line: &[u8]| mask.hides(line);
    let mark = find_marker(chunk.bytes, matched.span.clone(), matched.encoding, &holds_key)?;
    match policy.judge(mark) {
        Ok(suppression) => Some(suppression),
        Err(mark) => {
            let path = origin.path.as_deref().map(String::from_utf8_lossy);
            let place = path.as_deref().unwrap_or(origin.surface.name());
            let line = found.span.start.line;
            notes.insert(format!(
                "{place}:{line}: `{}` gives no reason and does not count in strict mode",
                mark.marker
            ));
            None
        }
    }
}

/// Names have no room for comments.
fn is_name(surface: Surface) -> bool {
    matches!(surface, Surface::FileName | Surface::Symlink | Surface::RefName | Surface::Identity)
}

/// Applies the baseline, and gives the notes of the policy. What is `incomplete` cannot tell that an
/// entry is stale.
pub(super) fn by_baseline(policy: &Policy, leaks: &mut [Leak], complete: bool) -> Vec<String> {
    let mut notes = policy.notes.clone();
    if let Some(baseline) = &policy.baseline {
        let met = baseline.accept(leaks);
        notes.extend(baseline.notes((policy.whole && complete).then_some(&met)));
    }
    notes
}

/// As many notes as people read, and how many more there are.
pub(super) fn listed(notes: BTreeSet<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(LISTED);
    let mut listed: Vec<_> = notes.into_iter().take(LISTED).collect();
    if more > 0 {
        listed.push(format!("{more} more markers give no reason and do not count in strict mode"));
    }
    listed
}
