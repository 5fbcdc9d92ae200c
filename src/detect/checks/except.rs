//! `except`: matches that the form leaves to other rules.

use super::{Candidate, Check, CompiledForm, Rejection};

/// Turns down what the form's `except` pattern matches.
#[derive(Debug)]
pub(super) struct Except;

impl Check for Except {
    fn name(&self) -> &'static str {
        "except"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, form: &CompiledForm) -> Result<(), Rejection> {
        match form.is_excepted(&candidate.bytes[candidate.matched.clone()]) {
            true => Err("the rule leaves it to other rules".into()),
            false => Ok(()),
        }
    }
}
