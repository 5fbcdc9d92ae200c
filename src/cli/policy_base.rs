//! The policy base: where configuration, baseline, rules and ignore files come from.

/// The commit that provides the policy, which must not be part of the change that is scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PolicyBase {
    /// This commit, which precedes the change.
    Rev {
        /// The commit, as a revision.
        rev: String,
        /// A description, e.g. `the base of the GitHub pull_request`.
        description: String,
    },
    /// What is checked out: no change is under review, or the user trusts it.
    Checkout,
    /// No commit, for this reason: it is unknown or missing.
    Unknown(String),
}
