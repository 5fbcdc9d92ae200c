//! Reads packs: their entries, deltas, and delta trees.

pub(super) mod delta;
mod delta_tree;
pub(super) mod entry;
mod fanout;
mod file;
mod identity;
mod offset_table;

pub(crate) use delta_tree::{DeltaTree, Entry, EntryFault};
pub(crate) use file::{Pack, PackError};
pub(crate) use identity::PackIdentity;
