//! A digest of the state of a repository's files, which shows whether an earlier audit is still valid.
//!
//! It covers names, sizes, inodes and times of every file that an audit reads, but no contents. The time of the last
//! status change (ctime) cannot be set by programs, so it reveals a change that preserves size and modification time.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::git_layout::{Layout, common_dir, layout};
use super::object_size::alternates;
use crate::model::hex;
#[cfg(unix)]
use crate::untrusted::file_state;

/// A file that changed less than this many seconds ago may change again without a new timestamp: those of file
/// systems are coarse.
const SETTLED_SECONDS: i64 = 2;

/// The state of the repository at `path`, and of the repositories `nested` in its work tree, at the time `now`.
/// `None` if it is not reliable: something cannot be read, is a symbolic link, or has just changed.
pub fn state_digest(path: &Path, nested: &[PathBuf], now: SystemTime) -> Option<String> {
    let now = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let mut digest = Sha256::new();
    let mut dirs = BTreeSet::new();
    for repository in [path].into_iter().chain(nested.iter().map(PathBuf::as_path)) {
        for file in [".git", ".gitmodules"] {
            match repository.join(file).symlink_metadata() {
                Ok(metadata) => add_file(&mut digest, &repository.join(file), &metadata, now)?,
                Err(_) => digest.update([0]),
            }
        }
        let git_dir = match layout(repository) {
            Layout::GitDir => repository.to_owned(),
            Layout::WorkTree(git_dir) | Layout::Pointer(git_dir) => git_dir,
            Layout::Plain | Layout::Unclear(_) => return None,
        };
        let git_dir = git_dir.canonicalize().ok()?;
        let common = common_dir(&git_dir).canonicalize().ok()?;
        let mut objects = vec![common.join("objects")];
        while let Some(objects_dir) = objects.pop() {
            for alternate in alternates(&objects_dir) {
                let alternate = alternate.canonicalize().ok()?;
                if dirs.insert(alternate.clone()) {
                    objects.push(alternate);
                }
            }
        }
        dirs.extend([git_dir, common]);
    }
    let mut waiting: Vec<PathBuf> = dirs.into_iter().collect();
    while let Some(dir) = waiting.pop() {
        let mut entries = fs::read_dir(&dir).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let metadata = path.symlink_metadata().ok()?;
            add_file(&mut digest, &path, &metadata, now)?;
            if metadata.is_dir() {
                waiting.push(path);
            }
        }
    }
    Some(hex(&digest.finalize()))
}

/// Adds one file; `None` if its metadata are not enough to detect changes.
#[cfg(unix)]
fn add_file(digest: &mut Sha256, path: &Path, metadata: &Metadata, now: i64) -> Option<()> {
    use std::os::unix::fs::MetadataExt;
    let newest = metadata.mtime().max(metadata.ctime());
    if metadata.is_symlink() || newest > now.saturating_sub(SETTLED_SECONDS) {
        return None;
    }
    let name = path.as_os_str().as_encoded_bytes();
    digest.update((name.len() as u64).to_le_bytes());
    digest.update(name);
    file_state(metadata).iter().for_each(|number| digest.update(number.to_le_bytes()));
    Some(())
}

/// Other systems have no such time.
#[cfg(not(unix))]
fn add_file(_: &mut Sha256, _: &Path, _: &Metadata, _: i64) -> Option<()> {
    None
}
