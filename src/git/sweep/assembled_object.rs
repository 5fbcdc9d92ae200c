//! An object in memory, with the matches and keywords that its deltas inherit.

use gix::object::Kind;

use super::Matches;
use super::keyword_positions::KeywordPositions;
use super::link_check::LinkFacts;
use super::memory_budget::Reservation;

/// An assembled object that is the base of deltas.
pub(super) struct AssembledObject<M> {
    pub(super) kind: Kind,
    /// The content of the object is the first `len` bytes.
    pub(super) buffer: Vec<u8>,
    pub(super) len: usize,
    /// Total size of this object and of the bases that must stay in memory with it, in bytes.
    pub(super) held: u64,
    pub(super) matches: Matches<M>,
    /// Whether the object has more matches than are kept.
    pub(super) truncated: bool,
    pub(super) keywords: KeywordPositions,
    /// What checking its links showed, if they are checked.
    pub(super) links: LinkFacts,
    /// The memory for `buffer`.
    pub(super) _reservation: Reservation,
}

impl<M> AssembledObject<M> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}
