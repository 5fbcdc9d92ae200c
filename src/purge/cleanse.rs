//! Overwrites the purged keys in an object or name until the detector finds none.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::fill::{Treatment, fill, filler};
use super::purged_keys::PurgedKeys;
use crate::detect::{Detector, Match};
use crate::model::Fingerprint;

/// Bytes without keys, of the same length as before.
#[derive(Debug)]
pub(super) struct CleansedBytes {
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
) -> Result<Option<CleansedBytes>, StillFound> {
    let mut fingerprints_before: HashSet<Fingerprint> = HashSet::new();
    let mut matches: Vec<Match> = Vec::new();
    detector.find(bytes, |key_match| {
        fingerprints_before.insert(key_match.detected_key.fingerprint);
        if keys.contains(&key_match.detected_key.fingerprint) {
            matches.push(key_match);
        }
    });
    if matches.is_empty() {
        return Ok(None);
    }
    let mut cleansed =
        CleansedBytes { bytes: bytes.to_vec(), spans: Vec::new(), treatments: BTreeMap::new() };
    for round in 0..MAX_ROUNDS {
        for key_match in &matches {
            cleansed.overwrite(key_match, keys, detector, round);
        }
        merge_spans(&mut cleansed.spans);
        matches.clear();
        let spans = &cleansed.spans;
        detector.find(&cleansed.bytes, |key_match| {
            let fingerprint = &key_match.detected_key.fingerprint;
            let touches = || {
                spans.iter().any(|span| span.start < key_match.span.end && key_match.span.start < span.end)
            };
            // A match that was not there before was created by a filler.
            if keys.contains(fingerprint) || (!fingerprints_before.contains(fingerprint) && touches()) {
                matches.push(key_match);
            }
        });
        if matches.is_empty() {
            return Ok(Some(cleansed));
        }
    }
    Err(StillFound(matches[0].detected_key.fingerprint))
}

impl CleansedBytes {
    /// Overwrites one match. Each further `round` uses a filler that resembles a key less.
    fn overwrite(&mut self, key_match: &Match, keys: &PurgedKeys, detector: &Detector, round: usize) {
        let secret = &key_match.detected_key.secret;
        let treatment = fill(&mut self.bytes, key_match, &filler(secret, round), detector);
        // A hex dump shows the bytes again, as characters, at the end of the line.
        let end = match key_match.source_map.is_empty() {
            true => key_match.span.end,
            false => line_end(&self.bytes, key_match.span.end),
        };
        self.spans.push(key_match.span.start..end);
        let fingerprint = key_match.detected_key.fingerprint;
        if keys.contains(&fingerprint) {
            let treatment_so_far = self.treatments.entry(fingerprint).or_insert(treatment);
            *treatment_so_far = (*treatment_so_far).max(treatment);
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
