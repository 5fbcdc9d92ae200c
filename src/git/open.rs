//! Opens a repository that may be hostile or belong to another user, without obeying its configuration.
//!
//! Uses no environment, no configuration but the repository's own, no included file and no process. The owner does not
//! matter, since nothing of theirs is run.

use std::io;
use std::path::{Path, PathBuf};

use gix::ThreadSafeRepository;
use gix::odb::store::init::Options as StoreOptions;
use gix::sec::Trust;
use tempfile::TempDir;

use super::gate::{self, RefusedFile};
use super::large_objects::UNLEASED_BYTES;

/// Configuration that overrides the repository's.
const OVERRIDES: [&str; 4] = [
    // `gix` allocates at most `large_objects::UNLEASED_BYTES` for an object (16 MiB by default). `lookup` reads larger ones.
    "gitoxide.objects.allocLimitIfReducedTrust=67108864",
    // Both only repeat what the packs contain, and may be forged.
    "core.multiPackIndex=false",
    "core.commitGraph=false",
    // The content of a replaced object still exists.
    "core.useReplaceRefs=false",
];

/// The file in a repository that `friskey purge` has not finished.
pub const UNFINISHED_MARKER: &str = "friskey-unfinished";

/// The configuration entry of such a repository. git refuses a repository with an extension that it does not know. The purge
/// removes the file first and this entry last, so that git and friskey begin to accept the repository at the same moment.
const UNFINISHED_KEY: &str = "extensions.friskeyUnfinished";

/// Why a repository cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path does not exist.
    #[error("{} does not exist; check the path", .0.display())]
    NoSuchPath(PathBuf),
    /// The path cannot be accessed.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Neither it nor any parent directory is a repository.
    #[error(
        "{} is not a git repository, nor is any directory above it; \
         name a work tree, a `.git` directory or a bare repository",
        .0.display()
    )]
    NotARepository(PathBuf),
    /// One of its files cannot be read safely.
    #[error(transparent)]
    Refused(#[from] RefusedFile),
    /// `friskey purge` did not finish it.
    #[error(
        "{} is what an interrupted `friskey purge` left, neither complete nor proven; delete it and run `friskey purge` again",
        .0.display()
    )]
    Unfinished(PathBuf),
    /// It is a repository, but cannot be opened.
    #[error(
        "the git repository at {} cannot be opened: {reason}; `git config --list` there may show why",
        path.display()
    )]
    Unusable {
        /// The path.
        path: PathBuf,
        /// The cause. Deeper causes are omitted, since they quote the configuration.
        reason: String,
    },
}

/// Opens the repository that `path` belongs to: a work tree or a directory in it, a `.git` directory or file, or
/// a bare repository.
///
/// # Errors
/// When the path does not exist, or belongs to no repository that can be opened.
pub fn open(path: &Path) -> Result<ThreadSafeRepository, OpenError> {
    let repo = open_unfinished(path)?;
    let dir = repo.refs.git_dir();
    if dir.join(UNFINISHED_MARKER).symlink_metadata().is_ok()
        || repo.to_thread_local().config_snapshot().boolean(UNFINISHED_KEY) == Some(true)
    {
        return Err(OpenError::Unfinished(dir.to_owned()));
    }
    Ok(repo)
}

/// Like [`open`], but accepts what `friskey purge` has not finished.
///
/// # Errors
/// Those of [`open`].
pub fn open_unfinished(path: &Path) -> Result<ThreadSafeRepository, OpenError> {
    match path.metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::NoSuchPath(path.to_owned()));
        }
        Err(error) => return Err(OpenError::Unreadable { path: path.to_owned(), error }),
    }
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    // A symbolic link belongs to the repository that its target is in.
    let real = path.canonicalize().map_err(|error| OpenError::Unreadable { path: path.to_owned(), error })?;
    let is_git_file = real.is_file() && real.file_name().is_some_and(|name| name == ".git");
    let start = match real.parent() {
        Some(parent) if is_git_file => parent,
        _ => &real,
    };
    if start.is_file() {
        return Err(OpenError::NotARepository(path.to_owned()));
    }
    let Some(git_dir) = gate::locate(start)? else { return Err(OpenError::NotARepository(path.to_owned())) };
    // A named `.git` directory is opened itself, never a repository above it.
    if real.is_dir() && real.file_name().is_some_and(|name| name == ".git") && git_dir != real {
        return Err(OpenError::NotARepository(path.to_owned()));
    }
    let isolated = gix::open::Options::isolated().lossy_config(true).strict_config(false);
    let options = isolated.config_overrides(OVERRIDES).open_path_as_is(true).with(Trust::Reduced);
    ThreadSafeRepository::open_opts(git_dir, options).map_err(|error| unusable(error.to_string()))
}

/// Like [`open_with_objects`]; without `directories`, like [`open`].
///
/// # Errors
/// Those of [`open_with_objects`].
pub fn open_joined(
    path: &Path,
    directories: &[PathBuf],
) -> Result<(gix::Repository, Option<TempDir>), OpenError> {
    if directories.is_empty() {
        return Ok((open(path)?.to_thread_local(), None));
    }
    open_with_objects(path, directories).map(|(repo, joined)| (repo, Some(joined)))
}

/// Opens the repository at `path`, with the objects in `directories` in addition to its own. Git keeps the objects of a
/// push in such a directory, the quarantine, until it accepts the push.
///
/// The returned temporary directory must live as long as the repository.
///
/// # Errors
/// Those of [`open`], and when the directories cannot be combined.
pub fn open_with_objects(
    path: &Path,
    directories: &[PathBuf],
) -> Result<(gix::Repository, TempDir), OpenError> {
    let mut repo = open(path)?.to_thread_local();
    let unusable =
        |error: io::Error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
    let own_objects = repo.common_dir().join("objects");
    // An object database is one directory, which may list alternates. This one has alternates and no objects.
    let joined = TempDir::new().map_err(unusable)?;
    let info = joined.path().join("info");
    std::fs::create_dir(&info).map_err(unusable)?;
    let mut list = Vec::new();
    let directories = existing_object_dirs(&repo, directories);
    for directory in directories.iter().chain([&own_objects]) {
        let directory = directory.canonicalize().map_err(unusable)?;
        list.extend_from_slice(directory.as_os_str().as_encoded_bytes());
        list.push(b'\n');
    }
    std::fs::write(info.join("alternates"), list).map_err(unusable)?;
    directories.iter().try_for_each(|directory| gate::check_object_dirs(directory).map(drop))?;
    let options = StoreOptions {
        use_multi_pack_index: false,
        alloc_limit_bytes: Some(UNLEASED_BYTES),
        ..StoreOptions::default()
    };
    let store = gix::odb::at_opts(joined.path(), repo.object_hash(), None, options).map_err(unusable)?;
    repo.objects = gix::odb::memory::Proxy::from(store);
    Ok((repo, joined))
}

/// Those of `directories`, as environment variables name them, that exist. To git, relative ones are relative to the top of the
/// work tree, and those that do not exist have no objects.
pub fn existing_object_dirs(repo: &gix::Repository, directories: &[PathBuf]) -> Vec<PathBuf> {
    let top = repo.workdir().unwrap_or(Path::new(""));
    directories.iter().map(|directory| top.join(directory)).filter(|directory| directory.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::{ObjectDatabase, test_git};

    fn git(dir: &Path, arguments: &[&str]) {
        test_git::stdout(test_git::command("git", dir, dir).args(arguments), b"");
    }

    /// The object directory of the repository that `path` belongs to.
    fn objects_dir(path: &Path) -> PathBuf {
        let repo = open(path).expect("it opens").to_thread_local();
        repo.common_dir().join("objects").canonicalize().expect("it is there")
    }

    #[test]
    fn a_repository_opens_from_each_path_that_belongs_to_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().canonicalize().expect("it is there");
        git(&root, &["init", "-q", "main"]);
        let main = root.join("main");
        git(&main, &["commit", "-q", "--allow-empty", "-m", "first"]);
        git(&main, &["worktree", "add", "-q", "../linked"]);
        git(&root, &["clone", "-q", "--bare", "main", "bare.git"]);
        fs::create_dir_all(main.join("some/directory")).expect("made");
        let expected = main.join(".git/objects");
        for path in ["main", "main/.git", "main/some/directory", "linked", "linked/.git"] {
            assert_eq!(objects_dir(&root.join(path)), expected, "{path}");
        }
        assert_eq!(objects_dir(&root.join("bare.git")), root.join("bare.git/objects"));
    }

    #[test]
    fn paths_outside_repositories_are_rejected() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(matches!(open(&dir.path().join("nowhere")), Err(OpenError::NoSuchPath(_))));
        assert!(matches!(open(dir.path()), Err(OpenError::NotARepository(_))));
        let file = dir.path().join("file");
        fs::write(&file, "text").expect("written");
        assert!(matches!(open(&file), Err(OpenError::NotARepository(_))));
        fs::write(dir.path().join(".git"), "gitdir: /nowhere\n").expect("written");
        assert!(open(dir.path()).is_err());
    }

    #[test]
    fn nothing_in_a_hostile_repository_is_obeyed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        git(dir.path(), &["init", "-q", "."]);
        let trace = dir.path().join("ran");
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = touch {0}\n\tsshCommand = touch {0}\n\
             \tabbrev = nonsense\n\tworktree = /nowhere\n[include]\n\tpath = /nowhere/config\n\
             [gc]\n\tauto = many\n",
            trace.display()
        );
        fs::write(dir.path().join(".git/config"), config).expect("written");
        let repo = open(dir.path()).expect("it opens").to_thread_local();
        assert_eq!(ObjectDatabase::from_repo(&repo).hash_kind(), gix::hash::Kind::Sha1);
        assert!(!trace.exists());
    }
}
