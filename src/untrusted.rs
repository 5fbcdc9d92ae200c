//! Layer 0: opens and reads files that may be controlled by an attacker.
//!
//! Every file that friskey opens by name goes through here, whether it is part of what is scanned (`.gitignore`,
//! `.git/config`) or is next to it (`friskey.toml`, a baseline). Only regular files are read, never a pipe or a
//! device, up to a size limit, and symbolic links are followed only as far as the caller allows.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::alignment::{CACHE_LINE, cache_line_offset};

/// Which symbolic links [`read`] follows.
#[derive(Clone, Copy, Debug)]
pub enum Symlinks<'a> {
    /// None. For files that are part of what is scanned.
    Refuse,
    /// Those whose fully resolved target is inside this directory.
    Within(&'a Path),
    /// All. For files named on the command line.
    Follow,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file does not exist.
    #[error("no such file")]
    NotFound,
    /// The operating system reported an error.
    #[error(transparent)]
    Io(io::Error),
    /// It is a directory, a pipe, a socket or a device.
    #[error("it is {0}")]
    NotRegular(&'static str),
    /// It is a symbolic link, and the caller allows none.
    #[error("it is a symbolic link")]
    Link,
    /// It is a symbolic link to a target outside the allowed directory.
    #[error("it is a symbolic link to a target outside {0}")]
    LinkOutside(String),
    /// It is larger than the caller allows.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It is not valid UTF-8, although the caller expects text.
    #[error("it is not UTF-8 text")]
    NotText,
}

/// Limit for the memory allocated before reading, in bytes. A file system can claim any size.
const MAX_PREALLOCATED: u64 = 64 << 20;

/// Reads the whole regular file `path`.
///
/// # Errors
/// When `path` does not exist, is not a regular file, is a symbolic link that `links` forbids, is larger than
/// `limit` bytes, or cannot be read.
pub fn read(path: &Path, links: Symlinks<'_>, limit: u64) -> Result<Vec<u8>, ReadError> {
    read_from(path, links, limit, false).map(|(bytes, _)| bytes)
}

/// Like [`read`], for large files: the content starts at the returned offset, so that it is [aligned](crate::alignment).
///
/// # Errors
/// Those of [`read`].
pub fn read_aligned(path: &Path, links: Symlinks<'_>, limit: u64) -> Result<(Vec<u8>, usize), ReadError> {
    read_from(path, links, limit, true)
}

/// Reads a file, and returns it with the offset at which its content starts.
fn read_from(
    path: &Path,
    links: Symlinks<'_>,
    limit: u64,
    is_aligned: bool,
) -> Result<(Vec<u8>, usize), ReadError> {
    let from_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound,
        _ => ReadError::Io(error),
    };
    let is_link = fs::symlink_metadata(path).map_err(from_io)?.is_symlink();
    let follows_link = match links {
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
    let (file, metadata) = open_link(path, follows_link).map_err(from_io)?;
    if !metadata.is_file() {
        return Err(ReadError::NotRegular(describe(&metadata)));
    }
    let size = usize::try_from(metadata.len().min(limit).min(MAX_PREALLOCATED)).unwrap_or(0) + 1;
    let mut bytes: Vec<u8> = Vec::with_capacity(if is_aligned { size + CACHE_LINE } else { size });
    let start = if is_aligned { cache_line_offset(bytes.as_ptr()) } else { 0 };
    bytes.resize(start, 0);
    // The metadata can be out of date, so the limit applies to what is actually read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(from_io)?;
    if (bytes.len() - start) as u64 > limit {
        return Err(ReadError::TooLarge { limit });
    }
    Ok((bytes, start))
}

/// Reads the text of the regular file `path`, at most `limit` bytes.
///
/// # Errors
/// Those of [`read`]; also a file that is not UTF-8.
pub fn read_text(path: &Path, links: Symlinks<'_>, limit: u64) -> Result<String, ReadError> {
    String::from_utf8(read(path, links, limit)?).map_err(|_| ReadError::NotText)
}

/// Opens `path` for reading, and returns it with its metadata. A symbolic link is an error.
///
/// On Unix, a link or a pipe that replaces the file in the meantime can neither redirect nor block this call.
///
/// # Errors
/// When the operating system refuses.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    open_link(path, false)
}

/// Like [`open`], but follows a symbolic link.
///
/// # Errors
/// Those of [`open`].
pub fn open_through_link(path: &Path) -> io::Result<(File, Metadata)> {
    open_link(path, true)
}

fn open_link(path: &Path, follows_link: bool) -> io::Result<(File, Metadata)> {
    let file = open_without_blocking(path, follows_link)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

#[cfg(unix)]
fn open_without_blocking(path: &Path, follows_link: bool) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if !follows_link {
        flags |= OFlags::NOFOLLOW;
    }
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_without_blocking(path: &Path, _: bool) -> io::Result<File> {
    File::open(path)
}

/// The metadata that shows whether a file changed: mode, device, inode, size in bytes, and the times of the last changes of
/// content and status, each in seconds and nanoseconds. A program that changes the file cannot set the last of these times.
#[cfg(unix)]
pub fn file_state(metadata: &Metadata) -> [u64; 8] {
    use std::os::unix::fs::MetadataExt;
    let [modified, modified_nanos, changed, changed_nanos] =
        [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()]
            .map(i64::cast_unsigned);
    let mode = u64::from(metadata.mode());
    [mode, metadata.dev(), metadata.ino(), metadata.len(), modified, modified_nanos, changed, changed_nanos]
}

/// Describes a file that is not a regular file, with an article.
pub fn describe(metadata: &Metadata) -> &'static str {
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
    if metadata.is_dir() { "a directory" } else { "not a regular file" }
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
        let (bytes, start) = read_aligned(&file, Symlinks::Refuse, 5).unwrap();
        assert_eq!((&bytes[start..], bytes[start..].as_ptr().align_offset(CACHE_LINE)), (&b"12345"[..], 0));
        assert!(matches!(read_aligned(&file, Symlinks::Refuse, 4), Err(ReadError::TooLarge { limit: 4 })));
        assert!(matches!(read(&dir.path().join("none"), Symlinks::Refuse, 4), Err(ReadError::NotFound)));
        assert!(matches!(read(dir.path(), Symlinks::Refuse, 4), Err(ReadError::NotRegular("a directory"))));
        assert!(matches!(
            read(Path::new("/dev/zero"), Symlinks::Follow, 4),
            Err(ReadError::NotRegular("a device"))
        ));
    }

    #[test]
    fn symbolic_links_are_followed_only_as_far_as_the_caller_allows() {
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
