//! Aligns buffers that files are read into.
//!
//! A large allocation starts 16 bytes into a page, where the processor's string instructions are slow. Linux copies a file to
//! the start of a cache line up to 2.5 times as fast.

use std::ops::{Deref, DerefMut};

/// The length of a cache line, in bytes.
pub const CACHE_LINE: usize = 64;

/// The number of bytes, fewer than [`CACHE_LINE`], between `allocation` and the first cache line that starts in it.
pub fn cache_line_offset(allocation: *const u8) -> usize {
    // By its contract, `align_offset` may also return `usize::MAX`.
    allocation.align_offset(CACHE_LINE).min(CACHE_LINE - 1)
}

/// Bytes that start at a cache line.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    bytes: Vec<u8>,
    /// Where the buffer starts in `bytes`.
    start: usize,
}

impl AlignedBuffer {
    /// A buffer of `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        // The system provides zeroed pages when they are first used, which most of them are not.
        let mut bytes: Vec<u8> = vec![0; len + CACHE_LINE];
        let start = cache_line_offset(bytes.as_ptr());
        bytes.truncate(start + len);
        Self { bytes, start }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_at_a_cache_line() {
        assert!(AlignedBuffer::default().is_empty());
        for len in [1, 63, 4096, 1 << 20] {
            let mut buffer = AlignedBuffer::zeroed(len);
            assert_eq!((buffer.len(), buffer.as_ptr().align_offset(CACHE_LINE)), (len, 0));
            buffer[len - 1] = 1;
            assert_eq!(buffer.iter().map(|&byte| usize::from(byte)).sum::<usize>(), 1);
        }
    }
}
