//! Layer 1: keeps what earlier audits learned about packs and containers, in files in a directory that the user names.
//!
//! Each file holds one entry. An entry records the settings under which it was made, and ends with a checksum. An entry that
//! is damaged, owned by another user, accessible to others or made under other settings is ignored and noted. Of the audited
//! repository, entries contain object ids, digests, numbers and sizes only.

mod clean_contents;
mod codec;
mod directory;
mod entry;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

pub use clean_contents::{CleanContents, MIN_CONTENT_LEN, SearchedContent};
pub use codec::{CacheReader, put_number};
pub use directory::resolve;

use crate::model::hex;
use directory::{prepare, remove_abandoned, temporary};

/// A BLAKE3 digest: of settings, or of the subject of an entry, for example a pack.
pub type CacheDigest = [u8; 32];

/// Why a directory cannot be used for a cache.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as a cache: {error}; name another directory with --cache", path.display())]
pub struct CacheError {
    /// The directory.
    pub path: PathBuf,
    /// What is wrong with the directory.
    pub error: io::Error,
}

/// A cache for audits under the same settings.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    /// A digest of all settings that affect what is found.
    settings: CacheDigest,
    /// The id of the user who must own entries, once the directory was checked; 0 on systems without such ids.
    user: OnceLock<u32>,
    /// Runs once to remove temporary files of audits that were killed.
    cleanup: Once,
    notes: Mutex<BTreeSet<String>>,
}

impl Cache {
    /// A cache in `dir`, which need not exist yet. `settings` are texts that together describe all settings that affect what
    /// is found.
    ///
    /// # Errors
    /// If the path of the directory cannot be resolved.
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
            cleanup: Once::new(),
            notes: Mutex::default(),
        })
    }

    /// Creates the directory for its owner alone if it does not exist, and checks that nobody else may write to it.
    /// Must be called before entries are read or written.
    ///
    /// # Errors
    /// If the directory cannot be created or written to, or others may write to it.
    pub fn prepare(&self) -> Result<(), CacheError> {
        if self.user.get().is_some() {
            return Ok(());
        }
        let user = prepare(&self.dir).map_err(|error| CacheError { path: self.dir.clone(), error })?;
        // If another thread has set it meanwhile, it is the same user.
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
        let user = self.user.get().copied().unwrap_or_default();
        match entry::read(&path, user, &self.settings, subject) {
            Ok(content) => content,
            Err(reason) => {
                self.note(format!("cache: {} {reason}; ignored", path.display()));
                None
            }
        }
    }

    /// Stores `content` as the entry about `subject`, whole or not at all. A failure is only noted, since the next audit
    /// then merely takes longer.
    pub fn store(&self, subject: &CacheDigest, content: &[u8]) {
        // An audit that finds nothing new stores nothing, and should not spend the time to list the directory.
        self.cleanup.call_once(|| remove_abandoned(&self.dir, self.user.get().copied()));
        let path = self.path(subject);
        let write = || -> io::Result<()> {
            let mut file = temporary(&self.dir)?;
            file.write_all(&entry::encode(&self.settings, subject, content))?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        if let Err(error) = write() {
            // Only the kind of the error, since the whole error names the temporary file.
            let reason = error.kind();
            self.note(format!(
                "cache: {} cannot be written: {reason}; the next audit searches again",
                path.display()
            ));
        }
    }

    /// Removes the entry about `subject`, which no audit will ask for again.
    pub fn remove(&self, subject: &CacheDigest) {
        // It may not exist.
        let _ = fs::remove_file(self.path(subject));
    }

    /// Adds a note, which the command prints with `-v`.
    pub fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
    }

    /// The notes since the last call.
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
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SUBJECT: CacheDigest = [7; 32];

    fn prepared_cache(dir: &Path, settings: &[&str]) -> Result<Cache, CacheError> {
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
        let cache = prepared_cache(&dir, &["a", "b"]).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        cache.store(&SUBJECT, b"content");
        assert_eq!(cache.load(&SUBJECT).as_deref(), Some(&b"content"[..]));
        assert_eq!(cache.load(&[8; 32]), None);
        assert_eq!(prepared_cache(&dir, &["ab", ""]).unwrap().load(&SUBJECT), None);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(entry(&dir).unwrap()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(cache.take_notes().is_empty());
    }

    #[test]
    fn damaged_and_foreign_entries_are_ignored_and_noted() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = prepared_cache(scratch.path(), &[]).unwrap();
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
        let other = prepared_cache(scratch.path(), &["other"]).unwrap();
        other.store(&SUBJECT, b"theirs");
        let theirs = fs::read(other.path(&SUBJECT)).unwrap();
        check(&theirs, "made for something else");
        fs::File::create(&path).unwrap().set_len(entry::MAX_ENTRY + 1).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(cache.take_notes().iter().any(|note| note.contains("more than any entry")));
        fs::write(&path, &whole).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(
            cache.take_notes().iter().any(|note| note.contains("is readable or writable by other users"))
        );
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(other.path(&SUBJECT), &path).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(cache.take_notes().iter().any(|note| note.contains("is a symbolic link")));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(cache.load(&SUBJECT), None);
        assert!(cache.take_notes().iter().any(|note| note.contains("is a directory, not a file")));
        cache.store(&SUBJECT, b"content");
        let notes = cache.take_notes();
        let note = notes.iter().find(|note| note.contains("cannot be written")).unwrap();
        assert!(!note.contains(".friskey-"), "{note}");
    }
}
