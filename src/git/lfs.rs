//! Reads Git LFS files: parses pointers, which are blobs in place of the files, and opens the files in the git directory.
//!
//! `git push` uploads a file together with its pointer, so a change that adds a pointer adds the file. The setting
//! `lfs.storage` is not obeyed, since it may name any directory of the machine.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::untrusted::{self, describe};

/// Maximum size of a pointer in bytes, as in git-lfs.
const MAX_POINTER_SIZE: usize = 1024;

/// How the first line of a pointer begins, in current and earlier versions of git-lfs.
const VERSIONS: [&[u8]; 3] = [
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
    b"version http://git-media.io/v/",
];

/// A pointer: it identifies a file by its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer {
    /// SHA-256 of the content, in lower-case hex.
    pub oid: String,
    /// The length of the content in bytes.
    pub size: u64,
}

impl Pointer {
    /// Parses a blob as a pointer; `None` if it is not one.
    pub fn parse(blob: &[u8]) -> Option<Self> {
        if blob.len() >= MAX_POINTER_SIZE || !Self::is_plausible(blob) {
            return None;
        }
        let value = |key: &[u8]| {
            let mut lines = blob.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
            lines.find_map(|line| line.strip_prefix(key)).map(<[u8]>::trim_ascii)
        };
        let oid = value(b"oid sha256:").filter(|oid| oid.len() == 64);
        let oid = oid.filter(|oid| oid.iter().all(u8::is_ascii_hexdigit))?;
        let size = std::str::from_utf8(value(b"size ")?).ok()?.parse().ok()?;
        Some(Self { oid: String::from_utf8_lossy(oid).to_ascii_lowercase(), size })
    }

    /// Whether a blob that begins with `start` may be a pointer. Takes little time.
    pub fn is_plausible(start: &[u8]) -> bool {
        // git-lfs ignores white space before a pointer.
        let start = match start.first() {
            Some(b'v') => start,
            Some(b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c') => start.trim_ascii_start(),
            _ => return false,
        };
        // This is called for every blob, so the bytes that all versions share are compared first.
        start.starts_with(b"version http") && VERSIONS.iter().any(|version| start.starts_with(version))
    }
}

/// The directory of the LFS files of a repository: `lfs/objects` in its common git directory.
#[derive(Clone, Debug)]
pub struct LfsStore {
    objects: PathBuf,
}

/// Why an LFS file is not searched.
#[derive(Debug, thiserror::Error)]
pub enum LfsError {
    /// The file was never downloaded, or it was pruned.
    #[error(
        "its Git LFS file was not downloaded; `git lfs fetch --all` downloads it, `--surfaces=-lfs` leaves \
         it out"
    )]
    Missing,
    /// The file in the store is a different one, or truncated.
    #[error("its Git LFS file is damaged: {0}; `git lfs fsck` gives details")]
    Unusable(String),
    /// An error of the operating system.
    #[error("its Git LFS file cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The scan was stopped before the content was verified.
    #[error("its Git LFS file was not reached before the scan ended")]
    Stopped,
}

impl LfsStore {
    /// The store of `repo`.
    pub fn new(repo: &gix::Repository) -> Self {
        Self { objects: repo.common_dir().join("lfs").join("objects") }
    }

    /// Opens the file that `pointer` identifies.
    ///
    /// # Errors
    /// If it is not in the store, or its size differs from the pointer's.
    pub fn open(&self, pointer: &Pointer) -> Result<File, LfsError> {
        let path = self.objects.join(&pointer.oid[..2]).join(&pointer.oid[2..4]).join(&pointer.oid);
        let (file, metadata) = untrusted::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LfsError::Missing,
            _ => LfsError::Unreadable(error),
        })?;
        if !metadata.is_file() {
            return Err(LfsError::Unusable(format!("it is {}", describe(&metadata))));
        }
        if metadata.len() != pointer.size {
            let reason = format!("it has {} bytes and should have {}", metadata.len(), pointer.size);
            return Err(LfsError::Unusable(reason));
        }
        Ok(file)
    }
}

impl Pointer {
    /// Reads `file` to its end and compares its SHA-256 with the pointer's. Leaves the file at its start.
    ///
    /// # Errors
    /// If the hash differs, the file cannot be read, or `stop` was set meanwhile.
    pub fn verify(&self, file: &mut File, stop: &AtomicBool) -> Result<(), LfsError> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(LfsError::Stopped);
            }
            match file.read(&mut buffer).map_err(LfsError::Unreadable)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        file.rewind().map_err(LfsError::Unreadable)?;
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        match hex == self.oid {
            true => Ok(()),
            false => Err(LfsError::Unusable("its SHA-256 is not the one in the pointer".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_pointers_are_parsed() {
        let oid = "ab".repeat(32);
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12\n");
        let pointer = Pointer { oid: oid.clone(), size: 12 };
        assert_eq!(Pointer::parse(text.as_bytes()), Some(pointer.clone()));
        assert_eq!(Pointer::parse(format!("\n \t{text}").as_bytes()), Some(pointer.clone()));
        let crlf = text.replace('\n', "\r\n").replace("oid sha", "ext-0-x sha256:00\r\noid sha");
        assert_eq!(Pointer::parse(crlf.as_bytes()), Some(pointer));
        for other in [
            text.replace("version", "Version"),
            text.replace("size", "length"),
            text.replace(&oid, &oid[1..]),
            text.replace(&oid, &format!("../{}", &oid[3..])),
            format!("{text}{}", "x".repeat(MAX_POINTER_SIZE)),
        ] {
            assert_eq!(Pointer::parse(other.as_bytes()), None, "{other}");
        }
    }
}
