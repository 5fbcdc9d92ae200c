//! Carries a repository's reachable objects over to a new one: which objects refs lead to, which of them contain given
//! objects, and a pack in which unchanged objects keep the form in which they are stored.

mod blob_marks;
mod entry_compressor;
mod entry_copy;
mod graph;
mod index_file;
mod pack_writer;
mod whole_entries;

pub use entry_compressor::{CompressedEntry, EntryCompressor};
pub use entry_copy::CarryError;
pub use graph::{CarriedGraph, CommitLinks, TagLink};
pub use pack_writer::{PackWriter, WrittenPack};
pub use whole_entries::{RepositoryObjects, WholeEntryReader};
