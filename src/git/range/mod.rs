//! Which commits an event pushed, and what they brought.
//!
//! A range is what can be reached from some tips and not from some exclusions. Which commits that are
//! is certain only when the exclusions are followed to the roots, since dates, by which one could stop
//! early, may lie; [`Care`] says when that is worth its time.
//!
//! What to scan are the [`candidates()`]: blobs that a commit of the range has and none of its parents
//! has at the same path. Any secret that the range introduces is in one of them; not all that is in
//! them was introduced, since an old key may stand in a file that was touched. What decides is
//! [`judge`](super::attribution::attribute_range), which needs to know whether parents outside the
//! range hold the secret elsewhere: [`outside`] lists what to look at for that.

mod candidates;
mod parse;
#[cfg(test)]
mod tests;
mod unknown;
mod walk;

use gix::ObjectId;

pub use candidates::{Brought, Candidate, candidates, outside};
pub use parse::{Revisions, parse};
pub use walk::{Care, select};

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
    /// Annotated tags among the tips, and tags that they tag: their messages were pushed too.
    pub tags: Vec<ObjectId>,
    /// Trees and blobs among the tips, which a ref can name without a commit.
    pub objects: Vec<(gix::objs::Kind, ObjectId)>,
    /// What could not be followed: a parent beyond a shallow boundary, say. The commits after it are
    /// in the range, but what they introduced cannot be told from what they inherited.
    pub gaps: Gaps,
}

/// Why a range cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// A name or abbreviation that stands for nothing here.
    #[error("revision `{revision}` cannot be resolved: {reason}")]
    Unknown {
        /// As given.
        revision: String,
        /// In words, with what to do.
        reason: String,
    },
    /// An id whose object is not here.
    #[error(
        "commit {id} is not in this repository: force-pushed away, or beyond what was fetched; fetch it \
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
        "`{option}` is not understood in a range; use revisions, `A..B`, `A...B`, `^A`, `--not`, `--all`, \
         `--branches`, `--tags` or `--remotes`"
    )]
    Option {
        /// As given.
        option: String,
    },
    /// Dots without a revision on either side, as a script writes them whose variables are empty.
    #[error("`{word}` names no revision on either side; write `A{word}B`")]
    Sides {
        /// As given.
        word: String,
    },
    /// Nothing to start from.
    #[error("the range names no commit to start from, only what to leave out")]
    Empty,
}

impl RangeError {
    /// Whether fetching more could help, so that the scan is incomplete and not impossible.
    pub fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Missing { .. })
    }
}
