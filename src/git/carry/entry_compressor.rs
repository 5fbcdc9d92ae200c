//! Compresses objects into entries of a pack. This is separate from writing them, so that threads can share the work.

use std::io;

use gix::objs::Kind;
use libdeflater::{CompressionLvl, Compressor};

use super::entry_header::{entry_header, whole_type};

/// Maximum size of a buffer that is kept for the next object, in bytes.
const MAX_KEPT_BUFFER: usize = 1 << 18;

/// A whole object as an entry of a pack.
pub struct CompressedEntry<'a> {
    pub(super) header: Vec<u8>,
    pub(super) data: &'a [u8],
}

/// Maximum size of an object that is stored without compression, in bytes. Nearly all rewritten objects are commits of a few
/// hundred bytes, half of them digits of ids. Compressing such a commit takes longer than everything else that is done with
/// it, saves a third of its size, and makes it slower to read. `git repack -adF` compresses them.
const MAX_STORED: usize = 512;

/// Maximum size of an object that is compressed with [`FAST_LEVEL`], in bytes. Preparing the tables of a higher level takes
/// longer than compressing a small object, and hardly makes it smaller.
const MAX_SMALL: usize = 1 << 12;

/// Number of bytes of a larger object that are compressed first. If they do not shrink, as in media and archives, the object
/// is stored without compression.
const SAMPLE_LEN: usize = 1 << 18;

/// The compression level for small objects.
const FAST_LEVEL: i32 = 1;

/// Compresses objects, and reuses its tables.
#[derive(Default)]
pub struct EntryCompressor {
    /// At level 0, which does not compress.
    stored: Option<Compressor>,
    /// At [`FAST_LEVEL`].
    fast: Option<Compressor>,
    /// At the default level.
    thorough: Option<Compressor>,
    buffer: Vec<u8>,
}

impl EntryCompressor {
    /// Whether compressing an object of so many bytes takes no longer than handing it to another thread.
    pub fn is_quick(bytes: usize) -> bool {
        bytes <= MAX_STORED
    }

    /// Whether the start of a large object, and so probably the rest, can be compressed.
    fn is_compressible(&mut self, sample: &[u8]) -> bool {
        let level = CompressionLvl::new(FAST_LEVEL).unwrap_or_default();
        let compressor = self.fast.get_or_insert_with(|| Compressor::new(level));
        let mut out = vec![0; sample.len() - sample.len() / 32];
        // Compressing fails if the result does not fit into `out`.
        compressor.zlib_compress(sample, &mut out).is_ok()
    }

    /// Compresses an object into an entry.
    ///
    /// # Errors
    /// If the object cannot be compressed.
    pub fn compress(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<CompressedEntry<'_>> {
        let is_stored = bytes.len() <= MAX_STORED
            || (bytes.len() > SAMPLE_LEN && !self.is_compressible(&bytes[..SAMPLE_LEN]));
        let (compressor, level) = match bytes.len() {
            _ if is_stored => (&mut self.stored, CompressionLvl::new(0).unwrap_or_default()),
            ..=MAX_SMALL => (&mut self.fast, CompressionLvl::new(FAST_LEVEL).unwrap_or_default()),
            _ => (&mut self.thorough, CompressionLvl::default()),
        };
        let compressor = compressor.get_or_insert_with(|| Compressor::new(level));
        let bound = compressor.zlib_compress_bound(bytes.len());
        if self.buffer.len() > MAX_KEPT_BUFFER.max(bound) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::inflate::Inflater;

    #[test]
    fn objects_of_every_size_are_read_as_they_were_written() {
        let (mut compressor, mut inflater) = (EntryCompressor::default(), Inflater::new());
        for size in [0, 1, 300, MAX_STORED, MAX_STORED + 1, MAX_SMALL, MAX_SMALL + 1, 70_000, 300] {
            let bytes: Vec<u8> = (0..size).map(|index| b"0123456789abcdef"[index * index % 16]).collect();
            let entry = compressor.compress(Kind::Commit, &bytes).unwrap();
            assert!(size > MAX_STORED || entry.data.len() >= size, "{size} bytes are not stored");
            assert!(size <= MAX_STORED || entry.data.len() < size, "{size} bytes are not compressed");
            let mut out = Vec::new();
            inflater.inflate(entry.data, entry.data.len() as u64, size, &mut out).unwrap();
            assert_eq!(out[..size], bytes);
        }
    }
}
