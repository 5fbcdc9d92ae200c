//! Writes one pack and its index, entry by entry.
//!
//! `gix` writes packs from objects that it looks up itself. Here, most entries are copied verbatim from another pack,
//! which it does not support.

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

/// Size of the write buffer, in bytes.
const BUFFER: usize = 1 << 18;

/// A pack that is being written.
pub struct PackWriter {
    file: BufWriter<File>,
    /// The directory of the pack.
    dir: PathBuf,
    hash: HashKind,
    offset: u64,
    entries: Vec<IndexEntry>,
    /// New objects, as opposed to copied ones.
    added: HashSet<ObjectId>,
}

/// A finished pack.
#[derive(Clone, Debug)]
pub struct WrittenPack {
    /// The pack, next to its index.
    pub path: PathBuf,
    /// The number of objects in it.
    pub objects: usize,
}

const UNFINISHED: &str = "unfinished.pack";

impl PackWriter {
    /// Begins a pack in the directory `dir`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(dir: &Path, hash: HashKind) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(dir.join(UNFINISHED))?;
        let mut writer = Self {
            file: BufWriter::with_capacity(BUFFER, file),
            dir: dir.to_owned(),
            hash,
            offset: 0,
            entries: Vec::new(),
            added: HashSet::new(),
        };
        // The number of objects is written at the end.
        writer.file.write_all(b"PACK\0\0\0\x02\0\0\0\0")?;
        writer.offset = 12;
        Ok(writer)
    }

    /// Whether [`Self::reserve`] was called for the object.
    pub fn has_added(&self, id: &ObjectId) -> bool {
        self.added.contains(id)
    }

    /// Announces a new object. Returns false if it was announced before; if it returns true, the caller must
    /// [`Self::append`] the object.
    pub fn reserve(&mut self, id: ObjectId) -> bool {
        self.added.insert(id)
    }

    /// Writes an object.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, id: ObjectId, entry: &CompressedEntry<'_>) -> io::Result<()> {
        self.entry(id, &[&entry.header, entry.data])
    }

    /// Writes the parts of an entry.
    pub(super) fn entry(&mut self, id: ObjectId, parts: &[&[u8]]) -> io::Result<()> {
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

    /// Ends the pack and writes its index, without flushing them to the disk. `None` if no object was added; then no
    /// file is left.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> io::Result<Option<WrittenPack>> {
        let Self { file, dir, hash, mut entries, .. } = self;
        let unfinished = dir.join(UNFINISHED);
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if entries.is_empty() {
            drop(file);
            fs::remove_file(unfinished)?;
            return Ok(None);
        }
        let count =
            u32::try_from(entries.len()).map_err(|_| io::Error::other("too many objects for one pack"))?;
        file.seek(SeekFrom::Start(8))?;
        file.write_all(&count.to_be_bytes())?;
        file.seek(SeekFrom::Start(0))?;
        let checksum = checksum(&mut BufReader::with_capacity(BUFFER, &file), hash)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&checksum)?;
        drop(file);
        let mut index = index_file::bytes(&mut entries, &checksum);
        let own = self::checksum(&mut &index[..], hash)?;
        index.extend_from_slice(&own);
        let name = format!("pack-{}", crate::model::hex(&checksum));
        let path = dir.join(format!("{name}.pack"));
        let mut index_file =
            File::options().write(true).create_new(true).open(dir.join(format!("{name}.idx")))?;
        index_file.write_all(&index)?;
        fs::rename(unfinished, &path)?;
        Ok(Some(WrittenPack { path, objects: entries.len() }))
    }
}

/// The digest that ends a pack or an index.
fn checksum(input: &mut dyn Read, hash: HashKind) -> io::Result<Vec<u8>> {
    fn of<D: Digest>(input: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut digest = D::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok(digest.finalize().to_vec()),
                Ok(read) => digest.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    match hash {
        HashKind::Sha256 => of::<Sha256>(input),
        _ => of::<Sha1>(input),
    }
}
