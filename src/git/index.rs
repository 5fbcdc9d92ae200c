//! The index files of a repository and its linked work trees: which paths stage which blobs.

use std::collections::HashMap;
use std::path::PathBuf;

use gix::ObjectId;
use gix::index::File;
use gix::index::decode;

use super::gate;
use super::lookup::Gaps;

/// Paths that an index stages, by blob, each once and sorted; for the blobs that `wanted` names.
pub fn staged_paths(
    repo: &gix::Repository,
    wanted: impl Fn(&ObjectId) -> bool,
) -> (HashMap<ObjectId, Vec<Vec<u8>>>, Gaps) {
    let mut paths: HashMap<ObjectId, Vec<Vec<u8>>> = HashMap::new();
    let mut gaps = Gaps::default();
    for file in index_files(repo) {
        if let Err(error) = gate::index(&file) {
            gaps.push(file.display().to_string(), format!("the index cannot be read: {}", error.reason));
            continue;
        }
        match File::at(&file, repo.object_hash(), true, decode::Options::default()) {
            Ok(index) => {
                for entry in index.entries().iter().filter(|entry| wanted(&entry.id)) {
                    paths.entry(entry.id).or_default().push(entry.path(&index).to_vec());
                }
            }
            Err(error) => gaps.push(file.display().to_string(), format!("the index cannot be read: {error}")),
        }
    }
    for list in paths.values_mut() {
        list.sort();
        list.dedup();
    }
    (paths, gaps)
}

/// Those that exist, of all work trees.
fn index_files(repo: &gix::Repository) -> Vec<PathBuf> {
    let common = repo.common_dir();
    let mut files = vec![common.join("index")];
    if let Ok(entries) = std::fs::read_dir(common.join("worktrees")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path().join("index"))));
    }
    files.retain(|file| file.symlink_metadata().is_ok());
    files.sort();
    files
}
