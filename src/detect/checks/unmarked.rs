//! `unmarked`: a key with a prefix may lack the marker, or be truncated. If eight other letters are in the
//! marker's place, it was altered on purpose.

use memchr::memmem;

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::detect::limits::MAX_PREFIX_REPEATS;
use crate::model::Confidence;
use crate::rules::MARKER;

/// Minimum length of a half, in characters, for the check of the middle: documentation has examples without the marker that
/// are as long as keys with shorter halves.
const MIN_LONG_HALF: usize = 42;

/// Lowers the confidence of a match with the length of a key with the marker, and letters of one case in the marker's
/// place. Fewer than two in a thousand random bodies of that length have such a middle.
#[derive(Debug)]
pub(super) struct Unmarked;

impl Check for Unmarked {
    fn name(&self) -> &'static str {
        "unmarked"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        let body = candidate.body();
        let start = candidate.bytes.get(candidate.secret.start..candidate.secret.start + 3);
        if start.is_some_and(|start| memmem::find_iter(&body, start).count() > MAX_PREFIX_REPEATS) {
            return Err("the start of the key recurs in it".into());
        }
        let markers = memmem::find_iter(&body, MARKER.as_bytes()).count();
        if markers > 1 {
            return Err("the marker recurs in it".into());
        }
        if markers > 0 {
            candidate.note("the marker is not in the middle");
        } else if settings
            .half_lengths()
            .iter()
            .any(|&half| half >= MIN_LONG_HALF && is_replaced(&body, half))
        {
            candidate.cap(Confidence::Low);
            candidate.note("other letters in the marker's place");
        }
        Ok(())
    }
}

/// Whether `body` is two halves of length `half` around as many letters as the marker has, all of one case.
fn is_replaced(body: &[u8], half: usize) -> bool {
    body.len() == 2 * half + MARKER.len() && {
        let middle = &body[half..half + MARKER.len()];
        middle.iter().all(u8::is_ascii_lowercase) || middle.iter().all(u8::is_ascii_uppercase)
    }
}
