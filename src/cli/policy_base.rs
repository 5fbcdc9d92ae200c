//! Where configuration, baseline, rules and ignore files come from.

/// The commit that provides them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PolicyBase {
    /// This commit, which precedes the change.
    Rev {
        /// The commit, as a revision.
        rev: String,
        /// A description, e.g. `the base of the GitHub pull_request`.
        what: String,
    },
    /// The checkout: no change is under review.
    Checkout,
    /// None, for this reason: the commit is unknown or missing.
    Unknown(String),
}
