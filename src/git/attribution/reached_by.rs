//! Kinds of roots, by strength.

/// The kind of root from which a commit can be reached, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReachedBy {
    /// A ref, or a detached HEAD.
    Ref,
    /// Only a reflog, or a pseudoref such as `ORIG_HEAD`.
    Reflog,
    /// No root at all.
    Nothing,
}
