//! Layer 1: what earlier audits learned about packs and containers, in files in a directory that the user names.
//!
//! An entry says under which settings it was made and ends with a checksum. Whatever is damaged, owned by another
//! user, accessible to others or made under other settings is ignored and noted. Of the audited repository, entries
//! contain only object ids.

mod clean_contents;
mod codec;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use clean_contents::CleanContents;
pub use codec::{CacheReader, put_number};

use crate::model::hex;
use crate::untrusted;

/// Begins every entry. Its number is raised when the meaning of entries changes.
const MAGIC: &[u8; 16] = b"friskey-cache-2\n";
/// The largest entry that is read, in bytes.
const MAX_ENTRY: u64 = 1 << 30;

/// A BLAKE3 digest: of settings, or of the subject of an entry, for example a pack.
pub type CacheDigest = [u8; 32];

/// Why a directory cannot be used for a cache.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as a cache: {error}; name another directory with --cache", path.display())]
pub struct CacheError {
    /// The directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: io::Error,
}

/// A cache for audits under the same settings.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    /// Digest of everything that decides what is found.
    settings: CacheDigest,
    /// The user that entries must belong to, once the directory was checked; 0 where files have no owner.
    user: OnceLock<u32>,
    notes: Mutex<BTreeSet<String>>,
}

impl Cache {
    /// A cache in `dir`, which need not exist yet. `settings` are texts that together decide what is found.
    ///
    /// # Errors
    /// When the path of the directory cannot be resolved.
    pub fn new(dir: &Path, settings: &[&str]) -> Result<Self, CacheError> {
        let mut digest = blake3::Hasher::new();
        for text in settings {
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        let resolved = resolve(dir).map_err(|error| CacheError { path: dir.to_owned(), error })?;
        Ok(Self {
            dir: resolved,
            settings: digest.finalize().into(),
            user: OnceLock::new(),
            notes: Mutex::default(),
        })
    }

    /// Creates the directory for its owner alone if it does not exist, and checks that nobody else may write to it.
    /// To be called before entries are read or written.
    ///
    /// # Errors
    /// When the directory cannot be created or written to, or others may write to it.
    pub fn prepare(&self) -> Result<(), CacheError> {
        if self.user.get().is_some() {
            return Ok(());
        }
        let user = owner_of_new_files(&self.dir);
        let user = user.map_err(|error| CacheError { path: self.dir.clone(), error })?;
        // Another thread may have been faster.
        let _ = self.user.set(user);
        Ok(())
    }

    /// The directory, without links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The content of the entry about `subject`, if there is a valid one.
    pub fn load(&self, subject: &CacheDigest) -> Option<Vec<u8>> {
        let path = self.path(subject);
        match self.read(&path, subject) {
            Ok(content) => content,
            Err(reason) => {
                self.note(format!("cache: {} {reason}; ignored", path.display()));
                None
            }
        }
    }

    /// Keeps `content` as the entry about `subject`, whole or not at all. A failure is only noted, since all it
    /// costs is time.
    pub fn store(&self, subject: &CacheDigest, content: &[u8]) {
        let path = self.path(subject);
        let write = || -> io::Result<()> {
            let mut bytes = Vec::with_capacity(content.len() + 128);
            for part in [&MAGIC[..], &self.settings, subject, content] {
                bytes.extend_from_slice(part);
            }
            let checksum = blake3::hash(&bytes);
            bytes.extend_from_slice(checksum.as_bytes());
            let mut file = temporary(&self.dir)?;
            file.write_all(&bytes)?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        if let Err(error) = write() {
            self.note(format!("cache: {} cannot be written: {error}", path.display()));
        }
    }

    /// Removes the entry about `subject`, which no audit will ask for again.
    pub fn remove(&self, subject: &CacheDigest) {
        // It may not exist.
        let _ = fs::remove_file(self.path(subject));
    }

    /// Adds a note, which `-v` prints.
    pub fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
    }

    /// What was noted since the last call, for `-v`.
    pub fn take_notes(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The file of an entry, named by settings and subject.
    fn path(&self, subject: &CacheDigest) -> PathBuf {
        let mut digest = blake3::Hasher::new();
        digest.update(&self.settings);
        digest.update(subject);
        self.dir.join(format!("{}.entry", hex(&digest.finalize().as_bytes()[..20])))
    }

    fn read(&self, path: &Path, subject: &CacheDigest) -> Result<Option<Vec<u8>>, String> {
        let found = match untrusted::open(path, false) {
            Ok((_, metadata)) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot be opened: {error}")),
        };
        let size = found.len();
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if self.user.get() != Some(&found.uid()) || found.mode() & 0o077 != 0 {
                return Err("belongs to another user, or is open to others".to_owned());
            }
        }
        if size > MAX_ENTRY {
            return Err(format!("has {size} bytes, more than any entry"));
        }
        let bytes = untrusted::read(path, untrusted::Symlinks::Refuse, MAX_ENTRY);
        let mut bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
        let damaged = || "is damaged".to_owned();
        let body = bytes.len().checked_sub(32).ok_or_else(damaged)?;
        if blake3::hash(&bytes[..body]).as_bytes() != &bytes[body..] {
            return Err(damaged());
        }
        let head = [&MAGIC[..], &self.settings, subject].concat();
        if !bytes[..body].starts_with(&head) {
            return Err("was made for something else".to_owned());
        }
        bytes.truncate(body);
        bytes.drain(..head.len());
        Ok(Some(bytes))
    }
}

/// The path without links. Of what does not exist yet, the last directory that does is resolved.
fn resolve(dir: &Path) -> io::Result<PathBuf> {
    match dir.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else { return Err(error) };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(resolve(parent)?.join(name))
        }
        resolved => resolved,
    }
}

/// Creates `dir` if it does not exist, and returns the user to whom it and its new files belong.
fn owner_of_new_files(dir: &Path) -> io::Result<u32> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    let probe = temporary(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (user, own) = (probe.as_file().metadata()?.uid(), fs::symlink_metadata(dir)?);
        if own.uid() != user || own.mode() & 0o022 != 0 || !own.is_dir() {
            return Err(io::Error::other("it belongs to another user, or others may write to it"));
        }
        Ok(user)
    }
    #[cfg(not(unix))]
    {
        drop(probe);
        Ok(0)
    }
}

fn temporary(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".friskey-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    builder.tempfile_in(dir)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SUBJECT: CacheDigest = [7; 32];

    fn open(dir: &Path, settings: &[&str]) -> Result<Cache, CacheError> {
        let cache = Cache::new(dir, settings)?;
        cache.prepare()?;
        Ok(cache)
    }

    /// The only file in the cache.
    fn entry(dir: &Path) -> Option<PathBuf> {
        let mut files = fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|file| file.path());
        let first = files.next();
        files.next().is_none().then_some(first).flatten()
    }

    #[test]
    fn an_entry_is_private_and_valid_only_for_its_settings_and_subject() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("cache");
        let cache = open(&dir, &["a", "b"]).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        cache.store(&SUBJECT, b"content");
        assert_eq!(cache.load(&SUBJECT).as_deref(), Some(&b"content"[..]));
        assert_eq!(cache.load(&[8; 32]), None);
        assert_eq!(open(&dir, &["ab", ""]).unwrap().load(&SUBJECT), None);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(entry(&dir).unwrap()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(cache.take_notes().is_empty());
    }

    #[test]
    fn damaged_and_foreign_entries_are_ignored_and_noted() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = open(scratch.path(), &[]).unwrap();
        cache.store(&SUBJECT, b"content");
        let path = entry(scratch.path()).unwrap();
        let whole = fs::read(&path).unwrap();
        let check = |bytes: &[u8], word: &str| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.load(&SUBJECT), None, "{word}");
            let notes = cache.take_notes();
            assert!(notes.iter().any(|note| note.contains(word)), "{word}: {notes:?}");
        };
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            check(&bytes, "is damaged");
            check(&whole[..at], "is damaged");
        }
        let other = open(scratch.path(), &["other"]).unwrap();
        other.store(&SUBJECT, b"theirs");
        let theirs = fs::read(other.path(&SUBJECT)).unwrap();
        check(&theirs, "made for something else");
        fs::File::create(&path).unwrap().set_len(MAX_ENTRY + 1).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(cache.take_notes().iter().any(|note| note.contains("more than any entry")));
        fs::write(&path, &whole).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(cache.take_notes().iter().any(|note| note.contains("open to others")));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(other.path(&SUBJECT), &path).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(!cache.take_notes().is_empty());
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(open(scratch.path(), &[]).is_err());
    }
}
