//! `except`: leaves some matches to other rules.

use super::{Candidate, Check, CheckSettings, Rejection};

/// Rejects what the variant's `except` pattern matches.
#[derive(Debug)]
pub(super) struct Except;

impl Check for Except {
    fn name(&self) -> &'static str {
        "except"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        match settings.is_excepted(&candidate.bytes[candidate.matched.clone()]) {
            true => Err("the rule leaves it to other rules".into()),
            false => Ok(()),
        }
    }
}
