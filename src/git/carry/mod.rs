//! Carries the reachable objects of a repository over to a new one.
//!
//! This finds the objects that refs reach, and which of them contain given objects, and writes a pack in which unchanged
//! objects are stored as before.

mod blob_marks;
mod entry_compressor;
mod entry_copy;
mod entry_header;
mod graph;
mod index_file;
mod pack_writer;
mod whole_entries;

pub use entry_compressor::{CompressedEntry, EntryCompressor};
pub use entry_copy::CarryError;
pub use graph::{CarriedGraph, CommitLinks, TagLink};
pub use pack_writer::{PackWriter, WrittenPack};
pub use whole_entries::{RepositoryObjects, WholeEntryReader};
