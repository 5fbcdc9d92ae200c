//! `synthetic`: with the marker, a text that is not random is a placeholder and gets low confidence. English
//! words do not count: one genuine key in a hundred contains one.

use super::sequence::synthetic_reason;
use super::{Candidate, Check, CheckSettings, Rejection, entropy};
use crate::model::Confidence;

/// Lowers the confidence of a match that looks typed by a person to `low`.
#[derive(Debug)]
pub(super) struct Synthetic;

impl Check for Synthetic {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let reason = match &candidate.halves {
            Some((left, right)) => {
                let (left, right) = (&candidate.bytes[left.clone()], &candidate.bytes[right.clone()]);
                match left == right {
                    true => Some("both halves are the same"),
                    // Each half separately: a sequence does not continue across the marker.
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
