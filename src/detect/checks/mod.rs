//! Checks: offline tests of a match. Each is a file here and an entry in [`ALL`].

mod boundary;
mod context;
mod entropy;
mod except;
mod expired;
mod interface;
mod marker_symmetry;
mod named;
mod placeholder;
mod random;
mod sequence;
mod synthetic;
mod unmarked;
mod whole;

use super::candidate::{Candidate, Rejection};
use super::check_settings::CheckSettings;

pub(super) use interface::Check;

/// All checks, by name. `crate::rules::CHECK_NAMES` lists the names for the rule loader; a test compares the
/// two.
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

/// The check with that name.
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
