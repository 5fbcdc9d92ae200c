//! Writes one pack and its index, entry by entry.
//!
//! `gix` cannot be used: it writes packs from objects that it looks up itself, whereas most entries here are copied verbatim
//! from another pack.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::entry_compressor::CompressedEntry;
use super::index_file::{self, IndexEntry};

/// Size of a buffer for reading or writing, in bytes.
const BUFFER_SIZE: usize = 1 << 18;

/// Length of the header of a pack, in bytes.
const HEADER_LEN: u64 = 12;
/// The offset in that header of the number of objects.
const COUNT_OFFSET: u64 = 8;

/// A pack that is being written.
pub struct PackWriter {
    file: BufWriter<File>,
    /// The directory of the pack.
    dir: PathBuf,
    hash_kind: HashKind,
    /// The offset of the next entry.
    offset: u64,
    entries: Vec<IndexEntry>,
    /// The objects that were reserved, whether or not they have been written. Copied ones are not among them.
    reserved: HashSet<ObjectId>,
}

/// A finished pack.
#[derive(Clone, Debug)]
pub struct WrittenPack {
    /// The path of the pack; its index is next to it.
    pub path: PathBuf,
    /// The number of objects in the pack.
    pub objects: usize,
}

/// The name of the pack while it is being written.
const UNFINISHED_NAME: &str = "unfinished.pack";

impl PackWriter {
    /// Begins a pack in the directory `dir`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(dir: &Path, hash_kind: HashKind) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(dir.join(UNFINISHED_NAME))?;
        let mut writer = Self {
            file: BufWriter::with_capacity(BUFFER_SIZE, file),
            dir: dir.to_owned(),
            hash_kind,
            offset: 0,
            entries: Vec::new(),
            reserved: HashSet::new(),
        };
        // The number of objects, here 0, is filled in at the end.
        writer.file.write_all(b"PACK\0\0\0\x02\0\0\0\0")?;
        writer.offset = HEADER_LEN;
        Ok(writer)
    }

    /// Whether [`Self::reserve`] was called for the object.
    pub fn is_reserved(&self, id: &ObjectId) -> bool {
        self.reserved.contains(id)
    }

    /// Reserves a new object for the caller, who must [`Self::append`] it. Returns false if the object was reserved before.
    pub fn reserve(&mut self, id: ObjectId) -> bool {
        self.reserved.insert(id)
    }

    /// Writes an object that was reserved.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, id: ObjectId, entry: &CompressedEntry<'_>) -> io::Result<()> {
        self.write_entry(id, &[&entry.header, entry.data])
    }

    /// Writes an entry that consists of these parts.
    pub(super) fn write_entry(&mut self, id: ObjectId, parts: &[&[u8]]) -> io::Result<()> {
        let mut crc = libdeflater::Crc::new();
        let start = self.offset;
        for part in parts {
            crc.update(part);
            self.file.write_all(part)?;
            self.offset += part.len() as u64;
        }
        self.entries.push(IndexEntry { id, crc: crc.sum(), offset: start });
        Ok(())
    }

    /// The offset of the next entry.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Completes the pack and writes its index. Does not flush them to the disk. If the pack has no objects, removes it and
    /// returns `None`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> io::Result<Option<WrittenPack>> {
        let Self { file, dir, hash_kind, mut entries, .. } = self;
        let unfinished = dir.join(UNFINISHED_NAME);
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if entries.is_empty() {
            drop(file);
            fs::remove_file(unfinished)?;
            return Ok(None);
        }
        let count =
            u32::try_from(entries.len()).map_err(|_| io::Error::other("too many objects for one pack"))?;
        file.seek(SeekFrom::Start(COUNT_OFFSET))?;
        file.write_all(&count.to_be_bytes())?;
        file.seek(SeekFrom::Start(0))?;
        let pack_checksum = checksum(&mut BufReader::with_capacity(BUFFER_SIZE, &file), hash_kind)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&pack_checksum)?;
        drop(file);
        let mut index = index_file::render(&mut entries, &pack_checksum);
        let index_checksum = checksum(&mut &index[..], hash_kind)?;
        index.extend_from_slice(&index_checksum);
        let name = format!("pack-{}", crate::model::hex(&pack_checksum));
        let path = dir.join(format!("{name}.pack"));
        let mut index_file =
            File::options().write(true).create_new(true).open(dir.join(format!("{name}.idx")))?;
        index_file.write_all(&index)?;
        fs::rename(unfinished, &path)?;
        Ok(Some(WrittenPack { path, objects: entries.len() }))
    }
}

/// The digest at the end of a pack or an index.
fn checksum(input: &mut dyn Read, hash_kind: HashKind) -> io::Result<Vec<u8>> {
    fn digest<D: Digest>(input: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut hasher = D::new();
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize().to_vec()),
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    match hash_kind {
        HashKind::Sha256 => digest::<Sha256>(input),
        _ => digest::<Sha1>(input),
    }
}
