//! Lists paths and blobs in the index files of a repository and its linked work trees.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use gix::ObjectId;

use super::lookup::Gaps;
use super::staged::Index;

/// The paths of the `wanted` blobs in all index files, by blob, sorted and distinct. Index files that cannot be read are
/// gaps.
pub fn staged_paths(
    repo: &gix::Repository,
    wanted: impl Fn(&ObjectId) -> bool,
) -> (HashMap<ObjectId, Vec<Vec<u8>>>, Gaps) {
    let mut paths: HashMap<ObjectId, Vec<Vec<u8>>> = HashMap::new();
    let gaps = read_indexes(repo, |index| {
        for row in &index.rows {
            let id = index.id(row).to_owned();
            if wanted(&id) {
                paths.entry(id).or_default().push(index.path(row).to_vec());
            }
        }
    });
    for paths in paths.values_mut() {
        paths.sort();
        paths.dedup();
    }
    (paths, gaps)
}

/// The paths in the index files of a repository.
#[derive(Clone, Debug)]
pub struct IndexNames {
    /// All paths, each followed by a line feed. A path that contains one appears as two lines.
    pub paths: Vec<u8>,
    /// The paths of submodules.
    pub submodules: BTreeSet<Vec<u8>>,
    /// Index files that cannot be read. git refuses such a file, too, even if it is empty.
    pub gaps: Gaps,
}

/// Reads the paths of all index files.
pub fn index_names(repo: &gix::Repository) -> IndexNames {
    const TYPE_BITS: u32 = 0o170_000;
    const SUBMODULE: u32 = 0o160_000;
    let (mut paths, mut submodules) = (Vec::new(), BTreeSet::new());
    let gaps = read_indexes(repo, |index| {
        for row in &index.rows {
            let path = index.path(row);
            paths.extend_from_slice(path);
            paths.push(b'\n');
            if row.mode & TYPE_BITS == SUBMODULE {
                submodules.insert(path.to_vec());
            }
        }
    });
    IndexNames { paths, submodules, gaps }
}

/// Calls `read` with each index file of the repository. Those that cannot be read are gaps.
fn read_indexes(repo: &gix::Repository, mut read: impl FnMut(&Index)) -> Gaps {
    let mut gaps = Gaps::default();
    for file in index_files(repo) {
        match Index::read(&file, repo.object_hash()) {
            Ok(index) => read(&index),
            Err(error) => gaps.push(file.display().to_string(), error.to_string()),
        }
    }
    gaps
}

/// The existing index files of all work trees. Reading the refs reports a directory of work trees that cannot be listed.
fn index_files(repo: &gix::Repository) -> Vec<PathBuf> {
    let common = repo.common_dir();
    let mut files = vec![common.join("index"), repo.index_path()];
    if let Ok(entries) = std::fs::read_dir(common.join("worktrees")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path().join("index"))));
    }
    files.retain(|file| file.symlink_metadata().is_ok());
    files.sort();
    files.dedup();
    files
}
