//! `boundary`: a word must end before the match, because `task-`, `risk-` and `disk-` all contain `sk-`.

use super::{Candidate, Check, CheckSettings, Rejection};

/// Rejects a match in the middle of a word.
#[derive(Debug)]
pub(super) struct Boundary;

impl Check for Boundary {
    fn name(&self) -> &'static str {
        "boundary"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        match candidate.has_boundary(candidate.matched.start) {
            true => Ok(()),
            false => Err("it continues a longer word".into()),
        }
    }
}
