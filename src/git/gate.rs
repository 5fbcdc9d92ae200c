//! Checks the files of a git directory before `gix` reads them.
//!
//! `gix` opens the files of a git directory by name and reads them whole. An attacker can replace any of them with a
//! pipe, which blocks forever, a link to a device, which never ends, or a file that exhausts memory. So each must be
//! a regular file of reasonable size, and a link must not lead into a virtual file system (`/proc`, `/sys`, `/dev`),
//! where regular files may block or never end.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::untrusted::{self, Symlinks};

/// Maximum size of a file that holds one line, in bytes: `HEAD`, `commondir`, `gitdir`, a `.git` file, a loose ref.
pub(super) const MAX_ONE_LINE: u64 = 64 << 10;
/// Maximum size of a configuration file, in bytes. Parsed, it takes about fifty times as many.
const MAX_CONFIG: u64 = 4 << 20;
/// Maximum size of `packed-refs` or `shallow`, in bytes. They have a line for each ref or commit.
const MAX_LIST: u64 = 512 << 20;
/// Maximum size of an index, in bytes: enough for about ten million paths.
const MAX_INDEX: u64 = 2 << 30;
/// Maximum size of a list of alternates, in bytes.
const MAX_ALTERNATES: u64 = 1 << 20;
/// Maximum number of object directories of one repository, including alternates of alternates.
const MAX_DIRECTORIES: usize = 1000;

/// Maximum number of symbolic refs in a chain, as in git, which reads at most five refs: the last one names an object.
pub(super) const MAX_SYMREF_HOPS: usize = 4;

/// A file of a git directory that cannot be read safely.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read safely: {reason}; {advice}", path.display())]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
}

impl RefusedFile {
    fn new(path: &Path, reason: impl ToString) -> Self {
        let advice = "git never creates such a file, so remove it or clone again";
        Self { path: path.to_owned(), reason: reason.to_string(), advice }
    }

    /// The operating system denied access, so the file may be harmless.
    fn inaccessible(path: &Path, error: &io::Error) -> Self {
        let advice = "check the permissions of the file and its parent directories";
        Self { path: path.to_owned(), reason: error.to_string(), advice }
    }
}

/// Finds the `.git` directory, `.git` file or bare repository of `start` or of a parent directory.
///
/// # Errors
/// When a file that would be read is not a regular file of reasonable size.
pub(super) fn locate(start: &Path) -> Result<Option<PathBuf>, RefusedFile> {
    for dir in start.ancestors() {
        let dot_git = dir.join(".git");
        match fs::metadata(&dot_git) {
            Ok(metadata) if metadata.is_dir() => {
                if is_git_dir(&dot_git) {
                    check_git_dir(&dot_git)?;
                    return Ok(Some(dot_git));
                }
            }
            Ok(_) => {
                if let Some(target) = git_file_target(&dot_git)?
                    && is_git_dir(&target)
                {
                    check_git_dir(&target)?;
                    return Ok(Some(dot_git));
                }
            }
            Err(_) => {}
        }
        if is_git_dir(dir) {
            check_git_dir(dir)?;
            return Ok(Some(dir.to_owned()));
        }
    }
    Ok(None)
}

/// The git directory that the `.git` file `path` points to; `None` if it is missing or not such a file.
fn git_file_target(path: &Path) -> Result<Option<PathBuf>, RefusedFile> {
    let Some(text) = read(path, MAX_ONE_LINE)? else { return Ok(None) };
    let Some(target) = text.strip_prefix(b"gitdir:") else { return Ok(None) };
    let target = String::from_utf8_lossy(target.trim_ascii()).into_owned();
    Ok(path.parent().map(|parent| parent.join(target)))
}

/// Whether a directory looks like a git directory, of a repository or of a linked work tree. No other directory is
/// opened.
pub fn is_git_dir(dir: &Path) -> bool {
    let is_there = |name: &str| fs::symlink_metadata(dir.join(name)).is_ok();
    let is_dir = |name: &str| dir.join(name).is_dir();
    is_there("HEAD") && (is_there("commondir") || is_dir("objects") && is_dir("refs"))
}

/// Checks all files read from the git directory `dir` and from its common git directory.
fn check_git_dir(dir: &Path) -> Result<(), RefusedFile> {
    let common = match read(&dir.join("commondir"), MAX_ONE_LINE)? {
        Some(text) => dir.join(String::from_utf8_lossy(text.trim_ascii()).into_owned()),
        None => dir.to_owned(),
    };
    for dir in BTreeSet::from([dir, &common]) {
        for name in ["HEAD", "commondir", "gitdir"] {
            check_file(&dir.join(name), MAX_ONE_LINE)?;
        }
        for name in ["config", "config.worktree"] {
            check_file(&dir.join(name), MAX_CONFIG)?;
        }
        for name in ["packed-refs", "shallow"] {
            check_file(&dir.join(name), MAX_LIST)?;
        }
        check_index_files(&dir.join("index"))?;
    }
    check_object_dirs(&common.join("objects")).map(drop)
}

/// Checks an index, and the shared index files beside it.
pub(super) fn check_index_files(path: &Path) -> Result<(), RefusedFile> {
    check_file(path, MAX_INDEX)?;
    let Some(entries) = path.parent().and_then(|parent| fs::read_dir(parent).ok()) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"sharedindex.") {
            check_file(&entry.path(), MAX_INDEX)?;
        }
    }
    Ok(())
}

/// Checks the packs and the list of alternates in an object directory, and in all its alternates. Returns all of these
/// directories, the given one first.
pub(super) fn check_object_dirs(dir: &Path) -> Result<Vec<PathBuf>, RefusedFile> {
    let mut waiting = vec![dir.to_owned()];
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while let Some(dir) = waiting.pop() {
        if !seen.insert(dir.canonicalize().unwrap_or_else(|_| dir.clone())) {
            continue;
        }
        if seen.len() > MAX_DIRECTORIES {
            return Err(RefusedFile::new(&dir, format!("more than {MAX_DIRECTORIES} alternates lead to it")));
        }
        for entry in fs::read_dir(dir.join("pack")).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_pack_or_index = path.extension().is_some_and(|ending| ending == "idx" || ending == "pack");
            if is_pack_or_index && !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                check_file(&path, u64::MAX)?;
            }
        }
        let list = dir.join("info").join("alternates");
        if let Some(text) = read(&list, MAX_ALTERNATES)? {
            // `ObjectDatabase::list` reports a list that cannot be parsed.
            let paths = gix::odb::alternate::parse(&text).unwrap_or_default();
            waiting.extend(paths.into_iter().map(|path| dir.join(path)));
        }
        all.push(dir);
    }
    Ok(all)
}

/// Checks the files of the ref `name`, and of the refs that it points to, in both `dirs`: the git directory of the work
/// tree and the common one.
pub(super) fn check_ref(dirs: [&Path; 2], name: &str) -> Result<(), RefusedFile> {
    let mut name = name.to_owned();
    // `gix` follows one symbolic ref more than git.
    for _ in 0..=MAX_SYMREF_HOPS + 1 {
        let mut target = None;
        for dir in dirs {
            let text = read(&dir.join(&name), MAX_ONE_LINE)?.unwrap_or_default();
            let pointee = text
                .strip_prefix(b"ref:")
                .map(|text| String::from_utf8_lossy(text.trim_ascii()).into_owned());
            target = target.or(pointee);
        }
        // `gix` refuses a target with dots, which could lead anywhere.
        match target.filter(|target| target.starts_with("refs/") && !target.contains("..")) {
            Some(target) => name = target,
            None => break,
        }
    }
    Ok(())
}

/// Checks every file below the git directory `dir` that a ref name may lead to.
pub(super) fn check_ref_files(dir: &Path) -> Result<(), RefusedFile> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // `HEAD`, `ORIG_HEAD`, and anything else that a revision may name.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) && !name.contains('.') && name != "index" {
            check_file(&entry.path(), MAX_LIST)?;
        }
    }
    let mut waiting = vec![dir.join("refs"), dir.join("logs")];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                _ => check_file(&entry.path(), MAX_LIST)?,
            }
        }
    }
    Ok(())
}

/// Checks that the loose objects in the object directory `dir` are regular files. Their sizes are checked when they are
/// read.
pub(super) fn check_loose_objects(dir: &Path) -> Result<(), RefusedFile> {
    for fanout in fs::read_dir(dir).into_iter().flatten().flatten() {
        if fanout.file_name().len() != 2 {
            continue;
        }
        for entry in fs::read_dir(fanout.path()).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                check_file(&entry.path(), u64::MAX)?;
            }
        }
    }
    Ok(())
}

/// Checks one file, which may be missing, and refuses more than `limit` bytes.
pub(super) fn check_file(path: &Path, limit: u64) -> Result<(), RefusedFile> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(RefusedFile::inaccessible(path, &error)),
    };
    if !metadata.is_file() {
        return Err(RefusedFile::new(path, format!("it is {}", untrusted::describe(&metadata))));
    }
    if metadata.len() > limit {
        return Err(RefusedFile::new(path, format!("it is larger than {limit} bytes")));
    }
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        let target = path.canonicalize().map_err(|error| RefusedFile::inaccessible(path, &error))?;
        if ["/proc", "/sys", "/dev"].iter().any(|root| target.starts_with(root)) {
            return Err(RefusedFile::new(path, "it is a link into a virtual file system"));
        }
    }
    Ok(())
}

/// Checks and reads one file; `None` if it is missing.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, RefusedFile> {
    check_file(path, limit)?;
    match untrusted::read(path, Symlinks::Follow, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(untrusted::ReadError::NotFound) => Ok(None),
        Err(untrusted::ReadError::Io(error)) if is_missing(&error) => Ok(None),
        Err(untrusted::ReadError::Io(error)) => Err(RefusedFile::inaccessible(path, &error)),
        Err(error) => Err(RefusedFile::new(path, error)),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::git::scratch::Scratch;

    /// Replacements that block or exhaust a reader.
    const TRAPS: [(&str, &str); 3] =
        [("pipe", "a named pipe"), ("zero", "a device"), ("endless", "larger than")];

    /// Replaces the file `path` by a trap.
    fn set_trap(trap: &str, path: &Path) {
        let _ = fs::remove_file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match trap {
            "pipe" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            "zero" => symlink("/dev/zero", path).unwrap(),
            _ => fs::File::create(path).unwrap().set_len(1 << 40).unwrap(),
        }
    }

    #[test]
    fn traps_in_a_git_directory_are_refused() {
        for name in [
            "HEAD",
            "commondir",
            "config",
            "config.worktree",
            "packed-refs",
            "shallow",
            "index",
            "sharedindex.1",
        ] {
            for (trap, reason) in TRAPS {
                let scratch = Scratch::new(&[]);
                scratch.commit("first");
                let path = scratch.path().join(".git").join(name);
                set_trap(trap, &path);
                let refused = locate(scratch.path()).unwrap_err();
                assert_eq!(refused.path, path);
                assert!(refused.reason.contains(reason), "{name}: {refused}");
            }
        }
    }

    #[test]
    fn traps_in_an_object_directory_are_refused() {
        for (name, traps) in [
            ("info/alternates", &TRAPS[..]),
            ("pack/pack-1.idx", &TRAPS[..2]),
            ("pack/pack-1.pack", &TRAPS[..2]),
        ] {
            for (trap, reason) in traps {
                let scratch = Scratch::new(&[]);
                scratch.commit("first");
                let path = scratch.path().join(".git/objects").join(name);
                set_trap(trap, &path);
                let refused = locate(scratch.path()).unwrap_err();
                assert_eq!(refused.path, path);
                assert!(refused.reason.contains(reason), "{name}: {refused}");
            }
        }
    }

    #[test]
    fn links_are_followed_except_into_virtual_file_systems() {
        let scratch = Scratch::new(&[]);
        scratch.commit("first");
        let config = scratch.path().join(".git/config");
        // `git-new-workdir` and `repo` create such links.
        fs::rename(&config, scratch.path().join("elsewhere")).unwrap();
        symlink(scratch.path().join("elsewhere"), &config).unwrap();
        assert!(locate(scratch.path()).unwrap().is_some());
        fs::remove_file(&config).unwrap();
        symlink("/proc/version", &config).unwrap();
        assert!(locate(scratch.path()).unwrap_err().reason.contains("virtual file system"));
    }

    #[test]
    fn pipes_in_place_of_refs_and_loose_objects_are_refused() {
        let scratch = Scratch::new(&[]);
        scratch.commit("first");
        let dir = scratch.path().join(".git");
        assert!(check_ref_files(&dir).is_ok() && check_loose_objects(&dir.join("objects")).is_ok());
        set_trap("pipe", &dir.join("refs/heads/trap"));
        set_trap("pipe", &dir.join("objects/ab").join("c".repeat(38)));
        assert!(check_ref_files(&dir).unwrap_err().path.ends_with("refs/heads/trap"));
        assert!(check_loose_objects(&dir.join("objects")).is_err());
    }
}
