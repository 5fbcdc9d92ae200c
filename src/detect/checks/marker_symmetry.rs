//! `marker-symmetry`: a genuine key has the marker in its middle. Finds the end of the key and compares the
//! halves.

use std::ops::Range;

use memchr::memmem;

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::detect::candidate::{WEIGHT_EQUAL, WEIGHT_EXACT, WEIGHT_KNOWN_LENGTH};
use crate::detect::limits::{MAX_PREFIX_REPEATS, MIN_HALF_LEN};
use crate::model::Confidence;

/// Weight of a truncated key, or of one whose halves are equal only after cutting characters off. Of two such
/// keys, the one with higher confidence wins, then the longer one.
const WEIGHT_TRUNCATED: u8 = 3;

/// Minimum length of the halves of keys that are base64url of whole bytes, the last of which is zero, in characters.
const MIN_LONG_HALF: usize = 42;

/// Length of the halves of the oldest keys, which have letters and digits only, in characters.
const OLDEST_HALF: usize = 20;

/// Length of the start of a key, such as `sk-`, in bytes.
const KEY_START_LEN: usize = 3;

/// Compares the halves and cuts off what follows the key.
#[derive(Debug)]
pub(super) struct MarkerSymmetry;

impl Check for MarkerSymmetry {
    fn name(&self) -> &'static str {
        "marker-symmetry"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        let Some((left, right)) = candidate.halves.clone() else { return Ok(()) };
        let half = left.len();
        let start = &candidate.bytes[candidate.secret.start..left.start];
        let repeats = start
            .get(..KEY_START_LEN)
            .map(|start| memmem::find_iter(&candidate.bytes[left.clone()], start).count());
        if repeats.is_some_and(|count| count > MAX_PREFIX_REPEATS) {
            return Err("the start of the key recurs in it".into());
        }
        if marker_recurs(candidate.bytes, &left, &right) {
            return Err("the marker recurs in it".into());
        }
        let run = right.len();
        candidate.note("marker");
        // The key ends after as many characters as precede the marker.
        let end = right.end.min(right.start + half);
        candidate.halves = Some((left.clone(), right.start..end));
        candidate.secret.end = end;
        let bytes = candidate.bytes;
        let alphabet_fits = half != OLDEST_HALF
            || bytes[left].iter().chain(&bytes[right.start..end]).all(u8::is_ascii_alphanumeric);
        let is_known_length = settings.half_lengths().contains(&half) && alphabet_fits;
        if run < half {
            candidate.cap(Confidence::Medium);
            candidate.weight = WEIGHT_TRUNCATED;
            candidate.note(format!("cut off: {run} of {half} characters after the marker"));
            return Ok(());
        }
        // An unknown length that is reached only by cutting characters off is weak evidence, unless they begin
        // like a suffix or are on another line or in another literal.
        let is_equal = run == half || candidate.join_offsets.contains(&end);
        let is_equal_or_suffixed = is_equal || b"_-".contains(&bytes[end]);
        if is_known_length || is_equal_or_suffixed {
            candidate.note(format!("equal halves of {half}"));
        } else {
            candidate.cap(Confidence::Medium);
            candidate.note(format!("unusual halves of {half}"));
        }
        candidate.weight = match (is_known_length, is_equal) {
            (true, true) => WEIGHT_EXACT,
            (true, false) => WEIGHT_KNOWN_LENGTH,
            (false, true) => WEIGHT_EQUAL,
            (false, false) => WEIGHT_TRUNCATED,
        };
        if half >= MIN_LONG_HALF && has_zero_tail(&bytes[right.start..end]) {
            candidate.note("zero tail");
        }
        Ok(())
    }
}

/// Whether the marker recurs so close that one of the halves would be too short.
fn marker_recurs(bytes: &[u8], left: &Range<usize>, right: &Range<usize>) -> bool {
    let marker = &bytes[left.end..right.start];
    let reach = MIN_HALF_LEN + marker.len().saturating_sub(1);
    let before = left.start.max(left.end.saturating_sub(reach))..left.end;
    let behind = right.start..right.end.min(right.start + reach);
    !marker.is_empty()
        && [before, behind].into_iter().any(|near| memmem::find(&bytes[near], marker).is_some())
}

/// Whether base64url text with this end encodes bytes of which the last is zero.
fn has_zero_tail(half: &[u8]) -> bool {
    half.len().is_multiple_of(2)
        && matches!(half, [.., sixteen, b'A'] if b"AEIMQUYcgkosw048".contains(sixteen))
}
