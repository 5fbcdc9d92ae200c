//! The commits of a push or a pull request, and what they add.
//!
//! A range is every commit reachable from some tips and from none of some exclusions. To be sure, exclusions must be
//! followed to the root commits: stopping early relies on commit dates, which may be wrong. [`ExclusionMode`]
//! describes the choice.
//!
//! The [`candidates()`] are the blobs to scan: those that a commit of the range has and no parent has at the same
//! path. Every secret that the range introduces is in one of them, but not every secret in them is new: an edited
//! file may hold an old key. [`attribute_range`](super::attribution::attribute_range) decides. For that it must know
//! whether parents outside the range hold the secret at another path, and [`outside`] lists the blobs to search.

mod candidates;
mod parse;
#[cfg(test)]
mod tests;
mod unknown;
mod walk;

use gix::ObjectId;

pub use candidates::{CandidateBlob, RangeContent, candidates, outside};
pub use parse::{Revisions, parse};
pub use walk::{ExclusionMode, select};

use super::lookup::Gaps;

/// A commit of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeCommit {
    /// Its id.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents, in the range or not.
    pub parents: Vec<ObjectId>,
}

/// The commits of an event.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Parents before their children.
    pub commits: Vec<RangeCommit>,
    /// Annotated tags among the tips, and the tags that these point to: their messages are pushed as well.
    pub tags: Vec<ObjectId>,
    /// Trees and blobs among the tips: a ref can point to one without a commit.
    pub objects: Vec<(gix::objs::Kind, ObjectId)>,
    /// Commits that could not be read, such as a parent beyond a shallow boundary. Their descendants are in the
    /// range, but what those introduce cannot be distinguished from what they inherit.
    pub gaps: Gaps,
}

/// Why a range cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// A name or abbreviated id that does not resolve.
    #[error("revision `{revision}` cannot be resolved: {reason}")]
    Unknown {
        /// As given.
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
        /// Its full id.
        id: ObjectId,
    },
    /// A side of `A..B` that is neither a commit nor a tag of one.
    #[error("`{revision}` is a {kind}, not a commit")]
    NotCommit {
        /// As given.
        revision: String,
        /// What it is.
        kind: gix::objs::Kind,
    },
    /// An option that selects no revisions.
    #[error(
        "`{option}` is not supported in a range; use revisions, `A..B`, `A...B`, `^A`, `--not`, `--all`, \
         `--branches`, `--tags` or `--remotes`"
    )]
    Option {
        /// As given.
        option: String,
    },
    /// Dots without a revision on either side, for example from a script with empty variables.
    #[error("`{word}` has no revision on either side; expected `A{word}B`")]
    NoSides {
        /// As given.
        word: String,
    },
    /// Exclusions without a tip.
    #[error("the range only excludes commits; add a revision to start from")]
    Empty,
}

impl RangeError {
    /// Whether fetching more could help; the scan is then incomplete, not impossible.
    pub fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Missing { .. })
    }
}
