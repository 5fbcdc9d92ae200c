//! A digest of the state of a repository's files, which shows whether an earlier audit is still valid.
//!
//! It covers names, sizes, inodes and times of every file that an audit reads, but no contents. The time of the last
//! status change (ctime) cannot be set by programs, so it reveals a change that preserves size and modification time.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::git_layout::{Layout, common_dir, layout};
use super::object_size::alternates;
use crate::model::{hex, native_path};
#[cfg(unix)]
use crate::untrusted::file_state;
use crate::untrusted::{Symlinks, read};

/// A file that changed less than this many seconds ago may change again without a new timestamp: those of file
/// systems are coarse.
const SETTLED_SECONDS: i64 = 2;
/// Maximum size of a configuration or a list of alternates, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The state of the repository at `path` at the time `now`: of its git directory, the repositories within that, those in its
/// work tree, which may be submodules, and the alternates of all of them. `None` if it is not reliable: something cannot be
/// read, is a symbolic link, or has just changed.
pub fn state_digest(path: &Path, now: SystemTime) -> Option<String> {
    let now = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let path = path.canonicalize().ok()?;
    let (git_dir, work_tree) = match layout(&path) {
        // Git takes the parent of a directory with this name for its work tree.
        Layout::GitDir if path.file_name() == Some(OsStr::new(".git")) => {
            (path.clone(), path.parent().map(Path::to_owned))
        }
        Layout::GitDir => (path, None),
        Layout::WorkTree(git_dir) | Layout::Pointer(git_dir) => (git_dir, Some(path)),
        Layout::Plain | Layout::Unclear(_) => return None,
    };
    let git_dir = git_dir.canonicalize().ok()?;
    let mut walk =
        StateWalk { digest: Sha256::new(), now, seen: HashSet::new(), work_tree, waiting: Vec::new() };
    walk.queue(common_dir(&git_dir).canonicalize().ok()?);
    walk.queue(git_dir);
    if let Some(work_tree) = walk.work_tree.clone() {
        walk.add_work_tree(work_tree)?;
    }
    while let Some(dir) = walk.waiting.pop() {
        walk.add_dir(&dir)?;
    }
    Some(hex(&walk.digest.finalize()))
}

struct StateWalk {
    digest: Sha256,
    now: i64,
    /// Git directories and object directories that were queued, without links.
    seen: HashSet<PathBuf>,
    work_tree: Option<PathBuf>,
    /// Directories of which every file counts.
    waiting: Vec<PathBuf>,
}

impl StateWalk {
    fn queue(&mut self, dir: PathBuf) {
        if self.seen.insert(dir.clone()) {
            self.waiting.push(dir);
        }
    }

    /// Adds each `.git` and `.gitmodules` in a work tree, and queues each `.git` that is a directory. A submodule need not
    /// be in `.gitmodules`, so every directory is looked at.
    fn add_work_tree(&mut self, work_tree: PathBuf) -> Option<()> {
        let mut dirs = vec![work_tree];
        while let Some(dir) = dirs.pop() {
            for entry in sorted_entries(&dir)? {
                let path = entry.path();
                let kind = entry.file_type().ok()?;
                if entry.file_name() == ".git" || entry.file_name() == ".gitmodules" {
                    self.add_file(&path)?;
                    if kind.is_dir() {
                        self.queue(path.canonicalize().ok()?);
                    } else if let Layout::Pointer(target) = layout(&dir) {
                        // An audit reads no git directory elsewhere, but skips it.
                        self.digest.update([u8::from(target.exists())]);
                    }
                } else if kind.is_dir() {
                    dirs.push(path);
                }
            }
        }
        Some(())
    }

    /// Adds every file in a directory, and queues what it leads to.
    fn add_dir(&mut self, dir: &Path) -> Option<()> {
        for entry in sorted_entries(dir)? {
            let path = entry.path();
            if self.add_file(&path)?.is_dir() {
                self.waiting.push(path);
            } else if entry.file_name() == "alternates" && dir.ends_with("info") {
                self.add_alternates(dir, &path)?;
            } else if entry.file_name() == "config" || entry.file_name() == "config.worktree" {
                self.check_config(dir, &path)?;
            }
        }
        Some(())
    }

    /// Queues what the list of alternates `list` in the directory `info` names.
    fn add_alternates(&mut self, info: &Path, list: &Path) -> Option<()> {
        let objects = info.parent()?;
        // A directory with another name is one only as an alternate.
        if !objects.ends_with("objects") && !self.seen.contains(objects) {
            return Some(());
        }
        read(list, Symlinks::Refuse, MAX_FILE_BYTES).ok()?;
        for alternate in alternates(objects) {
            self.queue(alternate.canonicalize().ok()?);
        }
        Some(())
    }

    /// `None` if a configuration may name a work tree that was not looked at.
    fn check_config(&mut self, git_dir: &Path, file: &Path) -> Option<()> {
        let text = read(file, Symlinks::Refuse, MAX_FILE_BYTES).ok()?;
        for line in text.split(|&byte| byte == b'\n') {
            let setting = match line.iter().rposition(|&byte| byte == b']') {
                Some(end) if line.trim_ascii_start().starts_with(b"[") => &line[end + 1..],
                _ => line,
            };
            let setting = setting.trim_ascii();
            let Some((name, value)) = setting.split_at_checked(b"worktree".len()) else { continue };
            let Some(value) = value.trim_ascii_start().strip_prefix(b"=") else { continue };
            if !name.eq_ignore_ascii_case(b"worktree") {
                continue;
            }
            let value = value.trim_ascii();
            if value.is_empty() || value.iter().any(|byte| b"\"\\;#~%".contains(byte)) {
                return None;
            }
            match git_dir.join(native_path(value)).canonicalize() {
                Ok(named) if self.work_tree.as_ref().is_some_and(|top| named.starts_with(top)) => {}
                Ok(named) if self.seen.iter().any(|top| named.starts_with(top)) => {}
                Ok(_) => return None,
                Err(_) => self.digest.update([0]),
            }
        }
        Some(())
    }

    fn add_file(&mut self, path: &Path) -> Option<Metadata> {
        let metadata = path.symlink_metadata().ok()?;
        add_file(&mut self.digest, path, &metadata, self.now)?;
        Some(metadata)
    }
}

/// The entries of a directory, sorted by name.
fn sorted_entries(dir: &Path) -> Option<Vec<DirEntry>> {
    let mut entries = fs::read_dir(dir).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    entries.sort_by_key(DirEntry::file_name);
    Some(entries)
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

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn make_git_dir(dir: &Path) -> std::io::Result<()> {
        fs::create_dir_all(dir.join("objects/info"))?;
        fs::create_dir_all(dir.join("refs"))?;
        fs::write(dir.join("HEAD"), "ref: refs/heads/main\n")
    }

    /// The digest as if everything had been written long ago.
    fn digest(path: &Path) -> Option<String> {
        state_digest(path, SystemTime::now() + Duration::from_secs(60))
    }

    /// A change that an audit reads changes the digest, wherever it is.
    #[test]
    fn the_digest_covers_all_that_an_audit_reads() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().join("top");
        let outside = |name: &str| scratch.path().join(name);
        let git_dirs = [".git", ".git/modules/s", ".git/mirrors/z.git", "a/c/.git", "a/c/d/.git"];
        for (number, git_dir) in git_dirs.into_iter().enumerate() {
            make_git_dir(&top.join(git_dir)).unwrap();
            let (first, second) = (outside(&format!("first-{number}")), outside(&format!("second-{number}")));
            fs::create_dir_all(first.join("info")).unwrap();
            fs::create_dir_all(&second).unwrap();
            fs::write(top.join(git_dir).join("objects/info/alternates"), format!("{}\n", first.display()))
                .unwrap();
            fs::write(first.join("info/alternates"), format!("{}\n", second.display())).unwrap();
            let before = digest(&top).expect("reliable");
            assert_eq!(digest(&top), Some(before.clone()));
            for place in [top.join(git_dir).join("refs"), first, second] {
                let before = digest(&top).expect("reliable");
                fs::write(place.join("new"), "x").unwrap();
                assert_ne!(digest(&top), Some(before), "{}", place.display());
            }
        }
        // Other files of the work tree do not count; a new submodule does.
        fs::create_dir_all(top.join("new")).unwrap();
        let before = digest(&top).expect("reliable");
        fs::write(top.join("new/file"), "x").unwrap();
        assert_eq!(digest(&top), Some(before.clone()));
        make_git_dir(&top.join("new/.git")).unwrap();
        assert_ne!(digest(&top), Some(before));
    }

    #[test]
    fn a_work_tree_elsewhere_makes_the_digest_unreliable() {
        let scratch = tempfile::tempdir().unwrap();
        let (top, module) = (scratch.path().join("top"), scratch.path().join("top/.git/modules/s"));
        make_git_dir(&top.join(".git")).unwrap();
        make_git_dir(&module).unwrap();
        fs::create_dir_all(top.join("s")).unwrap();
        fs::create_dir_all(scratch.path().join("elsewhere")).unwrap();
        for (worktree, is_reliable) in [
            ("../../../s", true),
            ("../../../gone", true),
            ("../../../../elsewhere", false),
            ("\"../../../s\"", false),
        ] {
            fs::write(module.join("config"), format!("[core]\n\tworkTree = {worktree}\n")).unwrap();
            assert_eq!(digest(&top).is_some(), is_reliable, "{worktree}");
        }
    }
}
