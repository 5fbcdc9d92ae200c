//! Checks: offline tests that weigh a match. One file each, and one line in [`ALL`].

mod boundary;
mod context;
mod entropy;
mod except;
mod expired;
mod marker_symmetry;
mod named;
mod placeholder;
mod random;
mod sequence;
mod synthetic;
mod unmarked;
mod whole;

use std::fmt;

use super::candidate::{Candidate, Rejection};
use super::variant::CompiledVariant;

pub(super) use boundary::has_boundary;
pub(super) use context::REACH as CONTEXT_REACH;
pub(super) use marker_symmetry::MIN_HALF_LEN;
pub(super) use whole::begins as begins_whole;

/// An offline test of a match: raises or lowers its confidence, notes evidence, or turns it down.
pub(super) trait Check: Sync + fmt::Debug {
    /// The name by which rules ask for it.
    fn name(&self) -> &'static str;

    /// Weighs `candidate`.
    ///
    /// # Errors
    /// Why it is no key at all.
    fn weigh(&self, candidate: &mut Candidate<'_>, variant: &CompiledVariant) -> Result<(), Rejection>;
}

/// Every check there is, by name. `crate::rules::CHECK_NAMES` lists the names for the rule loader; a test
/// holds the two together.
const ALL: &[&dyn Check] = &[
    &boundary::Boundary,
    &context::NearWords,
    &entropy::Entropy,
    &except::Except,
    &expired::Expired,
    &marker_symmetry::MarkerSymmetry,
    &synthetic::Synthetic,
    &named::Named,
    &placeholder::Placeholder,
    &random::Random,
    &unmarked::Unmarked,
    &whole::Whole,
];

/// The check of that name.
pub(super) fn by_name(name: &str) -> Option<&'static dyn Check> {
    ALL.iter().copied().find(|check| check.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_loader_knows_the_same_names() {
        let names: Vec<_> = ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names, crate::rules::CHECK_NAMES);
    }
}
