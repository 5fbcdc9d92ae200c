//! Overwrites the purged keys in an object or name until the detector finds none.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::fill::{Treatment, fill, filler};
use super::purged_keys::PurgedKeys;
use crate::detect::{Detector, Match};
use crate::model::Fingerprint;

/// Bytes without keys, of the same length as before.
#[derive(Debug)]
pub(super) struct Cleansed {
    pub(super) bytes: Vec<u8>,
    /// What was overwritten: sorted ranges that do not touch.
    pub(super) spans: Vec<Range<usize>>,
    /// The purged keys that were in the bytes, and how each was treated.
    pub(super) treatments: BTreeMap<Fingerprint, Treatment>,
}

/// A key is still found, whichever filler replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StillFound(pub(super) Fingerprint);

/// Maximum number of searches for one text. Overwriting a key may reveal another one that overlapped it, or create a match
/// of filler and surroundings.
const MAX_ROUNDS: usize = 12;

/// Overwrites the purged keys in `bytes`; `None` if there are none.
///
/// # Errors
/// If a key, or a match that a filler created, is still found after the last search.
pub(super) fn cleanse(
    bytes: &[u8],
    keys: &PurgedKeys,
    detector: &Detector,
) -> Result<Option<Cleansed>, StillFound> {
    let mut before: HashSet<Fingerprint> = HashSet::new();
    let mut found: Vec<Match> = Vec::new();
    detector.find(bytes, |one| {
        before.insert(one.detected_key.fingerprint);
        if keys.contains(&one.detected_key.fingerprint) {
            found.push(one);
        }
    });
    if found.is_empty() {
        return Ok(None);
    }
    let mut cleansed = Cleansed { bytes: bytes.to_vec(), spans: Vec::new(), treatments: BTreeMap::new() };
    for round in 0..MAX_ROUNDS {
        for one in &found {
            cleansed.overwrite(one, keys, detector, round);
        }
        merge_spans(&mut cleansed.spans);
        found.clear();
        let spans = &cleansed.spans;
        detector.find(&cleansed.bytes, |one| {
            let fingerprint = &one.detected_key.fingerprint;
            let touches = || spans.iter().any(|span| span.start < one.span.end && one.span.start < span.end);
            // A match that was not there before was created by a filler.
            if keys.contains(fingerprint) || (!before.contains(fingerprint) && touches()) {
                found.push(one);
            }
        });
        if found.is_empty() {
            return Ok(Some(cleansed));
        }
    }
    Err(StillFound(found[0].detected_key.fingerprint))
}

impl Cleansed {
    /// Overwrites one match. Each further `round` uses a filler that resembles a key less.
    fn overwrite(&mut self, one: &Match, keys: &PurgedKeys, detector: &Detector, round: usize) {
        let secret = &one.detected_key.secret;
        let treatment = fill(&mut self.bytes, one, &filler(secret, round), detector);
        // A hex dump shows the bytes again, as characters, at the end of the line.
        let end = match one.source_map.is_empty() {
            true => one.span.end,
            false => line_end(&self.bytes, one.span.end),
        };
        self.spans.push(one.span.start..end);
        let fingerprint = one.detected_key.fingerprint;
        if keys.contains(&fingerprint) {
            let known = self.treatments.entry(fingerprint).or_insert(treatment);
            *known = (*known).max(treatment);
        }
    }

    /// The purged keys that were in the bytes.
    pub(super) fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        self.treatments.keys().copied().collect()
    }
}

/// Sorts spans, and merges those that overlap or touch.
pub(super) fn merge_spans(spans: &mut Vec<Range<usize>>) {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans.drain(..) {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    *spans = merged;
}

/// The end of the line that contains `offset`; `offset` itself if the line is longer than that of a hex dump.
fn line_end(bytes: &[u8], offset: usize) -> usize {
    const MAX_DISTANCE: usize = 120;
    let following = &bytes[offset..bytes.len().min(offset + MAX_DISTANCE)];
    offset + memchr::memchr(b'\n', following).unwrap_or(0)
}
