//! Layer 2: git repositories: objects, refs, attribution, ranges and the index. No other module opens a repository.
//!
//! The module provides bytes and ids. The layers above decide what to search for and what a match means.

pub mod attribution;
mod buffer;
mod carry;
mod commit;
mod database;
mod delta_base_cache;
mod entry_positions;
mod fetch_scope;
mod file_at;
mod gate;
mod head_tree;
mod hooks;
mod index;
mod inflate;
mod large_objects;
mod lfs;
mod lookup;
mod loose;
mod loose_lookup;
mod object_id;
mod object_marks;
mod object_reader;
mod open;
mod pack;
pub mod range;
pub mod refs;
mod remotes;
mod repository_info;
mod revision;
mod rewrite;
#[cfg(test)]
pub(crate) mod scratch;
pub mod staged;
mod stream_end;
mod submodules;
mod sweep;
#[cfg(test)]
#[path = "../../tests/kit/git.rs"]
pub(crate) mod test_git;
#[doc(hidden)]
pub mod testing;
mod unindexed_files;

pub use carry::{
    CarriedGraph, CarryError, CommitLinks, CompressedEntry, EntryCompressor, PackWriter, RepositoryObjects,
    TagLink, WholeEntryReader, WrittenPack,
};
pub use database::ObjectDatabase;
pub use entry_positions::{entry_positions, path_from_positions};
pub use fetch_scope::{FetchScope, fetch_scope};
pub use file_at::{FileAtError, commit_id, file_at, is_tracked_at, unresolved_reason};
pub use gate::{RefusedFile, is_git_dir};
pub use gix::hash::Kind as HashKind;
pub use gix::object::Kind as ObjectKind;
pub use gix::{ObjectId, Repository};
pub use head_tree::{HeadTree, first_paths, head_commit, walk_head_tree};
pub use hooks::{HooksDir, MessageCut, hooks_dir, message_cut};
pub use index::{IndexNames, index_names, staged_paths};
pub(crate) use inflate::InflateStream;
pub use lfs::{LfsError, LfsStore, Pointer};
pub use lookup::Gaps;
pub use object_id::{is_id, is_zero_id, object_id, parse_id};
pub use object_reader::{ObjectReader, TreeNames};
pub use open::{
    OpenError, UNFINISHED_MARKER, existing_object_dirs, open, open_joined, open_unfinished, open_with_objects,
};
pub use pack::delta::{DeltaError, apply as apply_delta};
pub use pack::entry::{EntryContent, parse as parse_pack_entry};
pub use remotes::{Destination, KnownCommits, adds_commits, known_commits};
pub use repository_info::{partial_reason, push_url, repository_info, shallow_reason, version_control};
pub use rewrite::{Rewrite, RewriteBase, Rewriter};
pub use submodules::{WorkTreeGit, submodule_names, work_tree_git};
pub use sweep::{
    CacheUpdate, IdentifiedObjects, IdentifiedPack, KindCount, MatchedObject, ObjectCounts, PackedCopy,
    Progress, Searcher, SweepOptions, SweepOutcome, cache_subject, sweep, sweep_with_cache,
};
pub use sweep::{UnlistedBytes, unlisted_streams};
pub use unindexed_files::{ObjectLink, UnindexedFile, UnindexedFiles, unindexed_files};
