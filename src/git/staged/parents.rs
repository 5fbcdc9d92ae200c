//! Finds the parents of the next commit besides HEAD, if that commit is a merge.

use gix::ObjectId;
use gix::objs::Kind;

use super::super::commit::Header;
use super::super::lookup::Lookup;
use crate::untrusted::{self, ReadError, Symlinks};

/// Maximum size of `MERGE_HEAD`, in bytes: enough for more parents than any octopus merge has.
const MAX_MERGE_HEAD_SIZE: u64 = 1 << 16;

/// The trees of the commits in `MERGE_HEAD` and of `merge_heads`.
///
/// Git writes `MERGE_HEAD` when a merge stops before committing, and makes each commit in it a parent of the next
/// commit. If the file cannot be read, the index is compared with fewer parents, and more of it is considered new.
pub(super) fn merged_trees(
    repo: &gix::Repository,
    merge_heads: &[ObjectId],
    lookup: &mut Lookup,
) -> Vec<ObjectId> {
    let mut commits = merge_heads.to_vec();
    let path = repo.git_dir().join("MERGE_HEAD");
    match untrusted::read(&path, Symlinks::Refuse, MAX_MERGE_HEAD_SIZE) {
        Ok(text) => commits.extend(
            text.split(|&byte| byte == b'\n').filter_map(|line| ObjectId::from_hex(line.trim_ascii()).ok()),
        ),
        Err(ReadError::NotFound) => {}
        Err(error) => {
            lookup.gaps.push("MERGE_HEAD", format!("the merge's other parents are unknown: {error}"))
        }
    }
    commits.sort();
    commits.dedup();
    let mut trees = Vec::new();
    for commit in commits {
        let bytes = lookup.read_as(&commit, Kind::Commit);
        trees.extend(bytes.and_then(|bytes| Header::new(bytes).tree()));
    }
    trees
}
