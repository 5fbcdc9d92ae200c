//! `made-up`: with the marker in it, a text that no machine drew is a placeholder, and worth a low
//! report only. Words are no reason: one genuine key in a hundred holds some English word.

use super::sequence::synthetic_reason;
use super::{Candidate, Check, CompiledVariant, Rejection, entropy};
use crate::model::Confidence;

/// Lowers to `low` what looks typed by a person.
#[derive(Debug)]
pub(super) struct Synthetic;

impl Check for Synthetic {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, _: &CompiledVariant) -> Result<(), Rejection> {
        let reason = match &candidate.halves {
            Some((left, right)) => {
                let (left, right) = (&candidate.bytes[left.clone()], &candidate.bytes[right.clone()]);
                match left == right {
                    true => Some("both halves are the same"),
                    // Each half by itself: a sequence does not run on across the marker.
                    false => synthetic_reason(left).or_else(|| synthetic_reason(right)),
                }
            }
            None => synthetic_reason(&candidate.body()),
        };
        let reason =
            reason.or_else(|| entropy::is_poor(&candidate.body()).then_some("too few different characters"));
        if let Some(reason) = reason {
            candidate.cap(Confidence::Low);
            candidate.note(format!("looks made up: {reason}"));
        }
        Ok(())
    }
}
