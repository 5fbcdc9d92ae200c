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

/// A file that holds one line: `HEAD`, `commondir`, `gitdir`, a `.git` file, a loose ref.
pub(super) const ONE_LINE: u64 = 64 << 10;
/// A configuration file; parsed, it takes about fifty times its size.
const CONFIG: u64 = 4 << 20;
/// `packed-refs` and `shallow`: a line for each ref or commit.
const LIST: u64 = 512 << 20;
/// An index of about ten million paths.
const INDEX: u64 = 2 << 30;
/// A list of alternates.
const ALTERNATES: u64 = 1 << 20;
/// Maximum number of object directories of one repository, including alternates of alternates.
const MAX_DIRECTORIES: usize = 1000;

/// A file of a git directory that is refused.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read safely: {reason}; {advice}", path.display())]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
}

impl Refused {
    fn new(path: &Path, reason: impl ToString) -> Self {
        let advice = "git never creates such a file, so remove it or clone again";
        Self { path: path.to_owned(), reason: reason.to_string(), advice }
    }

    /// The operating system denied access, so nothing is known about the file.
    fn system(path: &Path, error: &io::Error) -> Self {
        let advice = "check the permissions of the file and its parent directories";
        Self { path: path.to_owned(), reason: error.to_string(), advice }
    }
}

/// Finds the `.git` directory, `.git` file or bare repository of `start` or of a parent directory.
///
/// # Errors
/// When a file that would be read is not a regular file of reasonable size.
pub(super) fn locate(start: &Path) -> Result<Option<PathBuf>, Refused> {
    for dir in start.ancestors() {
        let dot_git = dir.join(".git");
        match fs::metadata(&dot_git) {
            Ok(found) if found.is_dir() => {
                if is_git_dir(&dot_git) {
                    check(&dot_git)?;
                    return Ok(Some(dot_git));
                }
            }
            Ok(_) => {
                if let Some(target) = git_file(&dot_git)?
                    && is_git_dir(&target)
                {
                    check(&target)?;
                    return Ok(Some(dot_git));
                }
            }
            Err(_) => {}
        }
        if is_git_dir(dir) {
            check(dir)?;
            return Ok(Some(dir.to_owned()));
        }
    }
    Ok(None)
}

/// The target of a `.git` file.
fn git_file(path: &Path) -> Result<Option<PathBuf>, Refused> {
    let Some(text) = read(path, ONE_LINE)? else { return Ok(None) };
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
fn check(dir: &Path) -> Result<(), Refused> {
    let common = match read(&dir.join("commondir"), ONE_LINE)? {
        Some(text) => dir.join(String::from_utf8_lossy(text.trim_ascii()).into_owned()),
        None => dir.to_owned(),
    };
    for dir in BTreeSet::from([dir, &common]) {
        for name in ["HEAD", "commondir", "gitdir"] {
            file(&dir.join(name), ONE_LINE)?;
        }
        for name in ["config", "config.worktree"] {
            file(&dir.join(name), CONFIG)?;
        }
        for name in ["packed-refs", "shallow"] {
            file(&dir.join(name), LIST)?;
        }
        index(&dir.join("index"))?;
    }
    objects(&common.join("objects")).map(drop)
}

/// Checks an index, and the shared index files beside it.
pub(super) fn index(path: &Path) -> Result<(), Refused> {
    file(path, INDEX)?;
    let Some(entries) = path.parent().and_then(|parent| fs::read_dir(parent).ok()) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"sharedindex.") {
            file(&entry.path(), INDEX)?;
        }
    }
    Ok(())
}

/// Checks the packs and the list of alternates in an object directory, and in all its alternates. Returns all of these
/// directories, the given one first.
pub(super) fn objects(dir: &Path) -> Result<Vec<PathBuf>, Refused> {
    let mut waiting = vec![dir.to_owned()];
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while let Some(dir) = waiting.pop() {
        if !seen.insert(dir.canonicalize().unwrap_or_else(|_| dir.clone())) {
            continue;
        }
        if seen.len() > MAX_DIRECTORIES {
            return Err(Refused::new(&dir, format!("more than {MAX_DIRECTORIES} alternates lead to it")));
        }
        for entry in fs::read_dir(dir.join("pack")).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_read = path.extension().is_some_and(|ending| ending == "idx" || ending == "pack");
            if is_read && !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                file(&path, u64::MAX)?;
            }
        }
        let list = dir.join("info").join("alternates");
        if let Some(text) = read(&list, ALTERNATES)? {
            // `ObjectDatabase::list` reports a list that cannot be parsed.
            let paths = gix::odb::alternate::parse(&text).unwrap_or_default();
            waiting.extend(paths.into_iter().map(|path| dir.join(path)));
        }
        all.push(dir);
    }
    Ok(all)
}

/// Checks the files of the ref `name`, and of the refs that it points to, in the work tree's and the common git
/// directory.
pub(super) fn named_ref(dirs: [&Path; 2], name: &str) -> Result<(), Refused> {
    let mut name = name.to_owned();
    for _ in 0..=super::refs::MAX_SYMREF_HOPS {
        let mut target = None;
        for dir in dirs {
            let text = read(&dir.join(&name), ONE_LINE)?.unwrap_or_default();
            let text = text
                .strip_prefix(b"ref:")
                .map(|text| String::from_utf8_lossy(text.trim_ascii()).into_owned());
            target = target.or(text);
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
pub(super) fn refs(dir: &Path) -> Result<(), Refused> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // `HEAD`, `ORIG_HEAD`, and anything else that a revision may name.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) && !name.contains('.') && name != "index" {
            file(&entry.path(), LIST)?;
        }
    }
    let mut waiting = vec![dir.join("refs"), dir.join("logs")];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                _ => file(&entry.path(), LIST)?,
            }
        }
    }
    Ok(())
}

/// Checks that the loose objects of `dir` are regular files. Their sizes are checked when they are read.
pub(super) fn loose(dir: &Path) -> Result<(), Refused> {
    for fanout in fs::read_dir(dir).into_iter().flatten().flatten() {
        if fanout.file_name().len() != 2 {
            continue;
        }
        for entry in fs::read_dir(fanout.path()).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                file(&entry.path(), u64::MAX)?;
            }
        }
    }
    Ok(())
}

/// Checks one file, which may be missing.
pub(super) fn file(path: &Path, limit: u64) -> Result<(), Refused> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if is_nowhere(&error) => return Ok(()),
        Err(error) => return Err(Refused::system(path, &error)),
    };
    if !found.is_file() {
        return Err(Refused::new(path, format!("it is {}", untrusted::describe(&found))));
    }
    if found.len() > limit {
        return Err(Refused::new(path, format!("it is larger than {limit} bytes")));
    }
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        let target = path.canonicalize().map_err(|error| Refused::system(path, &error))?;
        if ["/proc", "/sys", "/dev"].iter().any(|root| target.starts_with(root)) {
            return Err(Refused::new(path, "it is a link into a virtual file system"));
        }
    }
    Ok(())
}

/// Reads one file, which may be missing.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Refused> {
    file(path, limit)?;
    match untrusted::read(path, Symlinks::Follow, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(untrusted::ReadError::NotFound) => Ok(None),
        Err(untrusted::ReadError::Io(error)) if is_nowhere(&error) => Ok(None),
        Err(untrusted::ReadError::Io(error)) => Err(Refused::system(path, &error)),
        Err(error) => Err(Refused::new(path, error)),
    }
}

fn is_nowhere(error: &io::Error) -> bool {
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

    fn set(trap: &str, path: &Path) {
        let _ = fs::remove_file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match trap {
            "pipe" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            "zero" => symlink("/dev/zero", path).unwrap(),
            _ => fs::File::create(path).unwrap().set_len(1 << 40).unwrap(),
        }
    }

    #[test]
    fn no_file_of_a_git_dir_stalls_or_fills_the_memory() {
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
                set(trap, &path);
                let refused = locate(scratch.path()).unwrap_err();
                assert_eq!(refused.path, path);
                assert!(refused.reason.contains(reason), "{name}: {refused}");
            }
        }
    }

    #[test]
    fn nor_does_one_of_the_objects() {
        for (name, traps) in [
            ("info/alternates", &TRAPS[..]),
            ("pack/pack-1.idx", &TRAPS[..2]),
            ("pack/pack-1.pack", &TRAPS[..2]),
        ] {
            for (trap, reason) in traps {
                let scratch = Scratch::new(&[]);
                scratch.commit("first");
                let path = scratch.path().join(".git/objects").join(name);
                set(trap, &path);
                let refused = locate(scratch.path()).unwrap_err();
                assert_eq!(refused.path, path);
                assert!(refused.reason.contains(reason), "{name}: {refused}");
            }
        }
    }

    #[test]
    fn links_lead_to_files_that_somebody_wrote() {
        let scratch = Scratch::new(&[]);
        scratch.commit("first");
        let config = scratch.path().join(".git/config");
        // As `git-new-workdir` and `repo` create them.
        fs::rename(&config, scratch.path().join("elsewhere")).unwrap();
        symlink(scratch.path().join("elsewhere"), &config).unwrap();
        assert!(locate(scratch.path()).unwrap().is_some());
        fs::remove_file(&config).unwrap();
        symlink("/proc/version", &config).unwrap();
        assert!(locate(scratch.path()).unwrap_err().reason.contains("virtual file system"));
    }

    #[test]
    fn refs_and_loose_objects_are_regular_files() {
        let scratch = Scratch::new(&[]);
        scratch.commit("first");
        let dir = scratch.path().join(".git");
        assert!(refs(&dir).is_ok() && loose(&dir.join("objects")).is_ok());
        set("pipe", &dir.join("refs/heads/trap"));
        set("pipe", &dir.join("objects/ab").join("c".repeat(38)));
        assert!(refs(&dir).unwrap_err().path.ends_with("refs/heads/trap"));
        assert!(loose(&dir.join("objects")).is_err());
    }
}
