//! `halves`: the marker stands in the middle of a genuine key. Finds where the key ends, and how
//! well the two halves agree.

use std::ops::Range;

use memchr::memmem;

use super::{Candidate, Check, CompiledVariant, Rejection};
use crate::detect::candidate::{WEIGHT_EQUAL, WEIGHT_EXACT, WEIGHT_KNOWN_LENGTH};
use crate::model::Confidence;

/// The weight of a key that was cut off, or whose halves only fit once something is cut off: of two such, the
/// confidence decides, then which of them is longer.
const WEIGHT_TRUNCATED: u8 = 3;

/// Half-lengths from which on keys are base64url of a whole number of bytes, the last of them zero.
const LONG: usize = 42;

/// The first keys, with halves this long, used letters and digits only.
const FIRST: usize = 20;

/// Bytes with which all keys of a kind begin, and how often they may turn up again in the left half: more than
/// that does not happen by chance, and somebody who wrote nothing else would keep the other checks busy.
const TYPE: usize = 3;
const MAX_PREFIX_REPEATS: usize = 2;

/// Nor does the marker turn up again so near to itself: both halves of every key are this long.
pub(in super::super) const MIN_HALF_LEN: usize = 16;

/// Compares the halves; cuts off what follows the key.
#[derive(Debug)]
pub(super) struct MarkerSymmetry;

impl Check for MarkerSymmetry {
    fn name(&self) -> &'static str {
        "marker-symmetry"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, variant: &CompiledVariant) -> Result<(), Rejection> {
        let Some((left, right)) = candidate.halves.clone() else { return Ok(()) };
        let half = left.len();
        let start = &candidate.bytes[candidate.secret.start..left.start];
        let again =
            start.get(..TYPE).map(|kind| memmem::find_iter(&candidate.bytes[left.clone()], kind).count());
        if again.is_some_and(|count| count > MAX_PREFIX_REPEATS) {
            return Err("what begins keys stands in it again and again".into());
        }
        if stands_again(candidate.bytes, &left, &right) {
            return Err("the marker stands in it again and again".into());
        }
        let run = right.len();
        candidate.note("marker");
        // Behind as many characters as stand before the marker, something else begins.
        let end = right.end.min(right.start + half);
        candidate.halves = Some((left.clone(), right.start..end));
        candidate.secret.end = end;
        let bytes = candidate.bytes;
        let alphabet_fits = half != FIRST
            || bytes[left].iter().chain(&bytes[right.start..end]).all(u8::is_ascii_alphanumeric);
        let known = variant.variant.half_lengths.contains(&half) && alphabet_fits;
        if run < half {
            candidate.cap(Confidence::Medium);
            candidate.weight = WEIGHT_TRUNCATED;
            candidate.note(format!("cut off: {run} of {half} characters after the marker"));
            return Ok(());
        }
        // An unknown length that only fits because something was cut off is a weak fit, unless what
        // was cut off begins like a suffix, or is another line or literal.
        let equal = run == half || candidate.join_offsets.contains(&end);
        let fits = equal || b"_-".contains(&bytes[end]);
        if known || fits {
            candidate.note(format!("equal halves of {half}"));
        } else {
            candidate.cap(Confidence::Medium);
            candidate.note(format!("unusual halves of {half}"));
        }
        candidate.weight = match (known, equal) {
            (true, true) => WEIGHT_EXACT,
            (true, false) => WEIGHT_KNOWN_LENGTH,
            (false, true) => WEIGHT_EQUAL,
            (false, false) => WEIGHT_TRUNCATED,
        };
        if half >= LONG && has_zero_tail(&bytes[right.start..end]) {
            candidate.note("zero tail");
        }
        Ok(())
    }
}

/// Whether the marker between the halves stands again so near to it that one of the halves would be too short.
fn stands_again(bytes: &[u8], left: &Range<usize>, right: &Range<usize>) -> bool {
    let marker = &bytes[left.end..right.start];
    let reach = MIN_HALF_LEN + marker.len().saturating_sub(1);
    let before = left.start.max(left.end.saturating_sub(reach))..left.end;
    let behind = right.start..right.end.min(right.start + reach);
    !marker.is_empty()
        && [before, behind].into_iter().any(|near| memmem::find(&bytes[near], marker).is_some())
}

/// Whether base64url text that ends like this stands for bytes of which the last is zero.
fn has_zero_tail(half: &[u8]) -> bool {
    half.len().is_multiple_of(2)
        && matches!(half, [.., sixteen, b'A'] if b"AEIMQUYcgkosw048".contains(sixteen))
}
