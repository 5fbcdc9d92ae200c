//! Encodes and reads the file of one entry, and checks its header, checksum, owner and permissions.

use std::io;
use std::path::Path;

use super::CacheDigest;
use crate::untrusted;

/// The first bytes of every entry. The number in it is raised when the meaning of entries changes.
const MAGIC: &[u8; 16] = b"friskey-cache-5\n";
/// The largest entry that is read, in bytes.
pub(super) const MAX_ENTRY: u64 = 1 << 30;

/// An entry about `subject` under `settings`, with its checksum at the end.
pub(super) fn encode(settings: &CacheDigest, subject: &CacheDigest, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 128);
    for part in [&MAGIC[..], settings, subject, content] {
        bytes.extend_from_slice(part);
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// The content of the entry at `path`, which must belong to `user`; `None` if there is no such file.
///
/// # Errors
/// Why the file is not that entry: the rest of a sentence that begins with its path.
pub(super) fn read(
    path: &Path,
    user: u32,
    settings: &CacheDigest,
    subject: &CacheDigest,
) -> Result<Option<Vec<u8>>, String> {
    match check_file(path, user) {
        Ok(()) => {}
        Err(Flaw::Missing) => return Ok(None),
        Err(Flaw::Other(reason)) => return Err(reason),
    }
    let bytes = untrusted::read(path, untrusted::Symlinks::Refuse, MAX_ENTRY);
    let mut bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    let damaged = || "is damaged".to_owned();
    let body = bytes.len().checked_sub(32).ok_or_else(damaged)?;
    if blake3::hash(&bytes[..body]).as_bytes() != &bytes[body..] {
        return Err(damaged());
    }
    let header = [&MAGIC[..], settings, subject].concat();
    if !bytes[..body].starts_with(&header) {
        return Err("was made for something else".to_owned());
    }
    bytes.truncate(body);
    bytes.drain(..header.len());
    Ok(Some(bytes))
}

/// Why a file cannot be an entry.
enum Flaw {
    Missing,
    Other(String),
}

/// Checks that the file is a regular one, its owner, permissions and size.
fn check_file(path: &Path, user: u32) -> Result<(), Flaw> {
    let refuse = |reason: &str| Err(Flaw::Other(reason.to_owned()));
    let (_, metadata) = match untrusted::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Flaw::Missing),
        Err(_) if path.is_symlink() => return refuse("is a symbolic link, not a file"),
        Err(error) => return Err(Flaw::Other(format!("cannot be opened: {error}"))),
    };
    if !metadata.is_file() {
        return Err(Flaw::Other(format!("is {}, not a file", untrusted::describe(&metadata))));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != user {
            return refuse("belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse("is readable or writable by other users");
        }
    }
    #[cfg(not(unix))]
    let _ = user;
    match metadata.len() {
        0..=MAX_ENTRY => Ok(()),
        size => Err(Flaw::Other(format!("has {size} bytes, more than any entry"))),
    }
}
