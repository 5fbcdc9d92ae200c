//! Reads loose objects by id.
//!
//! `gix` is not used for them: a pipe in place of an object would block it forever, and a file that inflates without end
//! would exhaust memory.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::Kind;

use super::inflate::Inflater;
use super::large_objects::{Lease, UNLEASED_BYTES};
use super::loose::{self, LooseError, LooseObject, LooseStream};

/// Maximum size of an object that is read at once, in bytes. Larger ones are read in pieces, under a lease.
const MAX_UNLEASED: u64 = UNLEASED_BYTES as u64;
/// Maximum size of an object that is read into memory, in bytes.
const MAX_IN_MEMORY: u64 = 512 << 20;

/// Why an existing loose object cannot be read.
pub(super) struct LooseFault {
    pub(super) reason: String,
    /// Whether the file may block its reader or exhaust memory.
    pub(super) is_trap: bool,
}

/// Which of the 256 directories of loose objects, `00` to `ff`, exist in at least one object directory.
#[derive(Clone, Copy)]
struct LooseDirs([bool; 256]);

impl LooseDirs {
    fn list(dirs: &[PathBuf]) -> Self {
        let mut exists = [false; 256];
        for dir in dirs {
            let Ok(entries) = fs::read_dir(dir) else {
                exists.fill(true);
                continue;
            };
            for name in entries.flatten().map(|entry| entry.file_name()) {
                let hex = name.to_str().filter(|name| name.len() == 2);
                if let Some(first) = hex.and_then(|hex| usize::from_str_radix(hex, 16).ok()) {
                    exists[first] = true;
                }
            }
        }
        Self(exists)
    }
}

/// Reads loose objects, and reuses its buffers.
#[derive(Default)]
pub(super) struct LooseReader {
    /// Listed when the first object is looked up.
    loose_dirs: Option<LooseDirs>,
    inflater: Option<Inflater>,
    /// The compressed file that was read last.
    file_bytes: Vec<u8>,
    /// The inflated content of that file, header included.
    inflated: Vec<u8>,
}

impl LooseReader {
    /// Whether none of the directories that could contain this loose object existed when they were listed. The object should
    /// then be looked up in packs first: most repositories have few of these directories, and opening thousands of files
    /// that do not exist takes long.
    pub(super) fn lacks_dir_for(&mut self, dirs: &[PathBuf], id: &ObjectId) -> bool {
        let LooseDirs(exists) = self.loose_dirs.get_or_insert_with(|| LooseDirs::list(dirs));
        !exists[usize::from(id.first_byte())]
    }

    /// Reads the object `id` into `out` from the first of `dirs` that has it, and returns its kind; `None` if no directory
    /// has it. Takes a `lease` for a large object.
    pub(super) fn read(
        &mut self,
        dirs: &[PathBuf],
        id: &ObjectId,
        out: &mut Vec<u8>,
        lease: &mut Lease,
    ) -> Result<Option<Kind>, LooseFault> {
        let Some((path, metadata)) = locate(dirs, id) else { return Ok(None) };
        let fault =
            |reason: String, is_trap| LooseFault { reason: format!("{}: {reason}", path.display()), is_trap };
        if !metadata.is_file() || metadata.len() > MAX_IN_MEMORY {
            return Err(fault("it is not a regular file of reasonable size".to_owned(), true));
        }
        let inflater = self.inflater.get_or_insert_with(Inflater::new);
        match loose::read(&path, MAX_UNLEASED, inflater, &mut self.file_bytes, &mut self.inflated) {
            Ok(LooseObject::Whole { kind, start, size }) => {
                out.clear();
                out.extend_from_slice(&self.inflated[start..start + size]);
                Ok(Some(kind))
            }
            Ok(LooseObject::Large) => {
                read_large(&path, out, lease).map(Some).map_err(|reason| fault(reason, true))
            }
            Err(LooseError::Vanished) => Ok(None),
            Err(error) => Err(fault(error.to_string(), false)),
        }
    }

    /// The kind of the object; `Some(None)` if no directory has a valid one, `None` if it cannot be determined safely.
    pub(super) fn kind(&mut self, dirs: &[PathBuf], id: &ObjectId) -> Option<Option<Kind>> {
        let Some((path, _)) = locate(dirs, id) else { return Some(None) };
        match LooseStream::open(&path) {
            Ok(stream) => Some(Some(stream.kind)),
            Err(LooseError::NotAFile) => None,
            Err(_) => Some(None),
        }
    }
}

/// The file of the loose object `id` in the first of `dirs` that has it.
fn locate(dirs: &[PathBuf], id: &ObjectId) -> Option<(PathBuf, fs::Metadata)> {
    let hex = id.to_string();
    dirs.iter().find_map(|dir| {
        let path = dir.join(&hex[..2]).join(&hex[2..]);
        // A dangling link is treated as missing.
        let metadata = fs::metadata(&path).ok()?;
        Some((path, metadata))
    })
}

/// Reads an object larger than [`MAX_UNLEASED`] into `out` under a lease, and returns its kind.
fn read_large(path: &Path, out: &mut Vec<u8>, lease: &mut Lease) -> Result<Kind, String> {
    let mut stream = LooseStream::open(path).map_err(|error| error.to_string())?;
    let size = stream.size;
    if size > MAX_IN_MEMORY {
        return Err(format!("too large: {size} bytes; at most {MAX_IN_MEMORY} are read into memory"));
    }
    *lease = Lease::take(size).ok_or_else(|| format!("too large: no memory is left for its {size} bytes"))?;
    out.clear();
    let read: io::Result<usize> = stream.by_ref().take(size + 1).read_to_end(out);
    match read {
        Ok(read) if read as u64 == size => Ok(stream.kind),
        Ok(_) => Err(format!("its content is not the {size} bytes that its header declares")),
        Err(error) => Err(error.to_string()),
    }
}
