//! `unmarked`: keys with a typed prefix carry the marker. A text without it that is exactly as long as a key with it was
//! made after one; and one in which the marker stands elsewhere is none.

use memchr::memmem;

use super::{Candidate, Check, CompiledForm, Rejection};
use crate::model::Confidence;
use crate::rules::MARKER;

/// Shorter halves than these are of the first months, and examples without the marker are as long.
const LONG: usize = 42;

/// What begins keys may turn up again this often in one, as `halves` has it.
const MOST_STARTS: usize = 2;

/// Lowers what has the length of a key with the marker, `halves` long on each side of it, and has none.
#[derive(Debug)]
pub(super) struct Unmarked;

impl Check for Unmarked {
    fn name(&self) -> &'static str {
        "unmarked"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, form: &CompiledForm) -> Result<(), Rejection> {
        let body = candidate.body();
        let start = candidate.bytes.get(candidate.secret.start..candidate.secret.start + 3);
        if start.is_some_and(|start| memmem::find_iter(&body, start).count() > MOST_STARTS) {
            return Err("what begins keys stands in it again and again".into());
        }
        let markers = memmem::find_iter(&body, MARKER.as_bytes()).count();
        if markers > 1 {
            return Err("the marker stands in it again and again".into());
        }
        if markers > 0 {
            candidate.cap(Confidence::Low);
            candidate.note("the marker is not in the middle");
        } else if form.form.halves.iter().any(|&half| half >= LONG && body.len() == 2 * half + MARKER.len()) {
            candidate.cap(Confidence::Low);
            candidate.note("as long as a key with the marker, but without it");
        }
        Ok(())
    }
}
