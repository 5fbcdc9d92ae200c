//! Opening a file without following links, waiting on pipes or touching devices.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// Opens `path` for reading, and tells what was opened; `follow` follows a symbolic link.
///
/// On Unix neither a link nor a pipe that took the file's place meanwhile can divert or block it.
pub(super) fn open(path: &Path, follow: bool) -> io::Result<(File, Metadata)> {
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

/// What a file that is no regular file is called.
pub(super) fn kind(metadata: &Metadata) -> &'static str {
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

/// A path as bytes, with `/` between the parts and without a leading `./`.
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    let path = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        path.to_string_lossy().replace('\\', "/").into_bytes()
    }
}
