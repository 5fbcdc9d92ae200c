//! Compresses objects into entries of a pack, independently of the pack file, so that threads can share the work.

use std::io;

use gix::objs::Kind;
use libdeflater::{CompressionLvl, Compressor};

use super::pack_writer::{entry_header, whole_type};

/// Buffers larger than this are not reused for the next object, in bytes.
const MAX_KEPT: usize = 1 << 18;

/// A whole object as an entry of a pack.
pub struct CompressedEntry<'a> {
    pub(super) header: Vec<u8>,
    pub(super) data: &'a [u8],
}

/// Up to this size, an object is compressed with [`FAST_LEVEL`], in bytes. Preparing the tables of a higher level takes longer than
/// compressing a commit, and hardly makes it smaller.
const MAX_SMALL: usize = 1 << 12;

/// The level for small objects.
const FAST_LEVEL: i32 = 1;

/// Compresses objects, and reuses its tables.
#[derive(Default)]
pub struct EntryCompressor {
    fast: Option<Compressor>,
    thorough: Option<Compressor>,
    buffer: Vec<u8>,
}

impl EntryCompressor {
    /// The entry of an object.
    ///
    /// # Errors
    /// If the object cannot be compressed.
    pub fn compress(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<CompressedEntry<'_>> {
        let (compressor, level) = match bytes.len() {
            0..=MAX_SMALL => (&mut self.fast, CompressionLvl::new(FAST_LEVEL).unwrap_or_default()),
            _ => (&mut self.thorough, CompressionLvl::default()),
        };
        let compressor = compressor.get_or_insert_with(|| Compressor::new(level));
        let bound = compressor.zlib_compress_bound(bytes.len());
        if self.buffer.len() > MAX_KEPT.max(bound) {
            self.buffer = Vec::new();
        }
        if self.buffer.len() < bound {
            self.buffer.resize(bound, 0);
        }
        let written = compressor.zlib_compress(bytes, &mut self.buffer);
        let length = written.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(CompressedEntry {
            header: entry_header(whole_type(kind), bytes.len() as u64),
            data: &self.buffer[..length],
        })
    }
}
