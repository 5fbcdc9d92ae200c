//! Layer 1: opens and reads files that an attacker may have put in place.
//!
//! Every file that friskey opens by name goes through here, whether it belongs to what is scanned
//! (`.gitignore`, `.git/config`) or only stands next to it (`friskey.toml`, a baseline). Only a regular file is
//! read, never a pipe or a device, at most a given number of bytes, and a symbolic link only as far as the
//! caller allows.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Which symbolic links [`read`] follows.
#[derive(Clone, Copy, Debug)]
pub enum Symlinks<'a> {
    /// None: a link is refused. For files that belong to what is scanned.
    Refuse,
    /// Only those whose target lies inside this folder once every link is resolved.
    Within(&'a Path),
    /// All of them. For files that the user named on the command line.
    Follow,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("no such file")]
    NotFound,
    /// The operating system refused.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// A folder, a pipe, a socket or a device.
    #[error("it is {0}")]
    NotRegular(&'static str),
    /// A symbolic link that the caller does not allow.
    #[error("it is a symbolic link")]
    Link,
    /// A symbolic link to a place outside the allowed folder.
    #[error("it is a symbolic link to a place outside {0}")]
    LinkOutside(String),
    /// More bytes than the caller allows.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
}

/// The most bytes that are allocated before anything is read: a size is what the file system claims.
const MAX_PREALLOCATED: u64 = 64 << 20;

/// Reads all of the regular file `path`, at most `limit` bytes.
///
/// # Errors
/// When there is no such file, when it is not a regular file, when `links` forbids the link that it is, when it is
/// larger than `limit` bytes, and when it cannot be read.
pub fn read(path: &Path, links: Symlinks<'_>, limit: u64) -> Result<Vec<u8>, ReadError> {
    let from_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound,
        _ => ReadError::Io(error),
    };
    let is_link = fs::symlink_metadata(path).map_err(from_io)?.is_symlink();
    let follow = match links {
        Symlinks::Refuse if is_link => return Err(ReadError::Link),
        Symlinks::Within(root) if is_link => {
            let root = root.canonicalize().map_err(from_io)?;
            if !path.canonicalize().map_err(from_io)?.starts_with(&root) {
                return Err(ReadError::LinkOutside(root.display().to_string()));
            }
            true
        }
        Symlinks::Refuse | Symlinks::Within(_) => false,
        Symlinks::Follow => true,
    };
    let (file, metadata) = open(path, follow).map_err(from_io)?;
    if !metadata.is_file() {
        return Err(ReadError::NotRegular(kind(&metadata)));
    }
    let mut bytes =
        Vec::with_capacity(usize::try_from(metadata.len().min(limit).min(MAX_PREALLOCATED)).unwrap_or(0) + 1);
    // What the metadata says can be out of date, so the limit is applied to what is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(from_io)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { limit });
    }
    Ok(bytes)
}

/// Opens `path` for reading and returns what was opened; `follow` follows a symbolic link.
///
/// On Unix neither a link nor a pipe that took the file's place meanwhile can divert or block it.
///
/// # Errors
/// When the operating system refuses.
pub fn open(path: &Path, follow: bool) -> io::Result<(File, Metadata)> {
    let file = open_without_blocking(path, follow)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

#[cfg(unix)]
fn open_without_blocking(path: &Path, follow: bool) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_without_blocking(path: &Path, _: bool) -> io::Result<File> {
    File::open(path)
}

/// What to call a file that is not a regular file, with its article.
pub fn kind(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if metadata.is_dir() { "a folder" } else { "not a regular file" }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, Symlinks::Refuse, 5).unwrap(), b"12345");
        assert!(matches!(read(&file, Symlinks::Refuse, 4), Err(ReadError::TooLarge { limit: 4 })));
        assert!(matches!(read(&dir.path().join("none"), Symlinks::Refuse, 4), Err(ReadError::NotFound)));
        assert!(matches!(read(dir.path(), Symlinks::Refuse, 4), Err(ReadError::NotRegular("a folder"))));
        assert!(matches!(
            read(Path::new("/dev/zero"), Symlinks::Follow, 4),
            Err(ReadError::NotRegular("a device"))
        ));
    }

    #[test]
    fn links_are_followed_as_far_as_the_caller_allows() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("inside"), "in").unwrap();
        fs::write(dir.path().join("outside"), "out").unwrap();
        symlink("inside", root.join("a")).unwrap();
        symlink("../outside", root.join("b")).unwrap();
        symlink("/dev/zero", root.join("c")).unwrap();
        let within = Symlinks::Within(&root);
        assert_eq!(read(&root.join("a"), within, 9).unwrap(), b"in");
        assert!(matches!(read(&root.join("a"), Symlinks::Refuse, 9), Err(ReadError::Link)));
        assert!(matches!(read(&root.join("b"), within, 9), Err(ReadError::LinkOutside(_))));
        assert_eq!(read(&root.join("b"), Symlinks::Follow, 9).unwrap(), b"out");
        assert!(matches!(read(&root.join("c"), within, 9), Err(ReadError::LinkOutside(_))));
        assert!(matches!(read(&root.join("c"), Symlinks::Follow, 9), Err(ReadError::NotRegular(_))));
    }
}
