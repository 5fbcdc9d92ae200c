//! The commits of a push or a pull request, and what they add.
//!
//! A range consists of the commits that are reachable from some tips and not from any exclusion. To be sure, exclusions must
//! be followed to the root commits: stopping earlier relies on commit dates, which may be wrong. [`ExclusionMode`]
//! describes the choice.
//!
//! The [`candidates()`] are the blobs to scan: those that a commit of the range has and no parent has at the same
//! path. Every secret that the range introduces is in one of them, but not every secret in them is new: an edited
//! file may contain an old key. [`attribute_range`](super::attribution::attribute_range) decides whether a secret is new. For
//! that, it must know whether parents outside the range contain the secret at another path; [`blobs_outside`] lists the blobs
//! to search.

mod candidates;
mod parse;
#[cfg(test)]
mod tests;
mod union;
mod unresolved;
mod walk;

use gix::ObjectId;

pub use candidates::{CandidateBlob, RangeContent, blobs_outside, candidates};
pub use parse::{Revisions, parse};
pub use union::select_union;
pub use walk::{ExclusionMode, select};

use super::lookup::Gaps;

/// A commit of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeCommit {
    /// The id of the commit.
    pub id: ObjectId,
    /// The tree of the commit.
    pub tree: ObjectId,
    /// The parents, in or outside the range.
    pub parents: Vec<ObjectId>,
}

/// The commits of a push or a pull request.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// The commits, parents before children.
    pub commits: Vec<RangeCommit>,
    /// Annotated tags among the tips, and the tags that these point to: their messages are pushed as well.
    pub tags: Vec<ObjectId>,
    /// Trees and blobs among the tips, since a ref can point to one without a commit.
    pub objects: Vec<(gix::objs::Kind, ObjectId)>,
    /// Commits that could not be read, such as a parent beyond a shallow boundary. Their descendants in the range may appear
    /// to introduce what they inherit.
    pub gaps: Gaps,
}

/// Why a range cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// A name or abbreviated id that does not resolve.
    #[error("revision `{revision}` cannot be resolved: {reason}")]
    Unknown {
        /// The revision as given.
        revision: String,
        /// The cause and what to do, for a message.
        reason: String,
    },
    /// A full id whose object is missing.
    #[error(
        "commit {id} is not in this repository: it was replaced by a force-push, or not fetched; fetch it \
         (`git fetch origin {id}`, or `fetch-depth: 0` in a workflow)"
    )]
    Missing {
        /// The full id.
        id: ObjectId,
    },
    /// A side of `A..B` that is neither a commit nor a tag of one.
    #[error("`{revision}` is a {kind}, not a commit")]
    NotCommit {
        /// The revision as given.
        revision: String,
        /// The kind of object that it is.
        kind: gix::objs::Kind,
    },
    /// An option that selects no revisions.
    #[error(
        "`{option}` is not supported in a range; use revisions, `A..B`, `A...B`, `^A`, `--not`, `--all`, \
         `--branches`, `--tags` or `--remotes`"
    )]
    Option {
        /// The option as given.
        option: String,
    },
    /// Dots without a revision on either side, for example from a script with empty variables.
    #[error("`{word}` has no revision on either side; expected `A{word}B`")]
    NoSides {
        /// The argument as given: `..` or `...`.
        word: String,
    },
    /// Exclusions without a tip.
    #[error("the range only excludes commits; add a revision to start from")]
    Empty,
}

impl RangeError {
    /// Whether the revision may exist elsewhere, so that fetching could help. The scan is then incomplete, not impossible.
    pub fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Missing { .. })
    }
}
