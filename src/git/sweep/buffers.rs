//! Buffers a thread reuses: a fresh one costs a page fault for every four kilobytes.

use std::sync::Arc;

use super::assembled_object::AssembledObject;
use super::delta_inheritance::Region;
use crate::git::buffer::grow;
use crate::git::pack::delta::Run;

/// Limit for the unused buffers a thread keeps together, and for any single buffer kept between objects, in
/// bytes.
const MAX_FREE_BYTES: usize = 24 << 20;

/// Lists with a larger capacity are freed after use.
const MAX_KEPT_ITEMS: usize = 1 << 16;

/// Working memory for one object after another.
#[derive(Default)]
pub(super) struct Buffers {
    /// Unused buffers for assembled objects; none is empty.
    free: Vec<Vec<u8>>,
    /// Their total size in bytes.
    free_bytes: usize,
    /// The inflated delta, or the content of a file.
    pub(super) input: Vec<u8>,
    pub(super) runs: Vec<Run>,
    pub(super) regions: Vec<Region>,
    pub(super) gathered: Vec<u8>,
}

impl Buffers {
    /// Returns a buffer of at least `len` bytes with arbitrary content.
    pub(super) fn take(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.free.pop().unwrap_or_default();
        self.free_bytes -= buffer.len();
        grow(&mut buffer, len);
        buffer
    }

    /// Takes back a buffer for reuse.
    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if !buffer.is_empty() && self.free_bytes + buffer.len() <= MAX_FREE_BYTES {
            self.free_bytes += buffer.len();
            self.free.push(buffer);
        }
    }

    /// Takes back the buffer of a base, unless another thread still uses it.
    pub(super) fn reclaim<H>(&mut self, node: Arc<AssembledObject<H>>) {
        if let Some(node) = Arc::into_inner(node) {
            self.give_back(node.buffer);
        }
    }

    /// Frees buffers that a single huge object has enlarged.
    pub(super) fn trim(&mut self) {
        if self.input.len() > MAX_FREE_BYTES {
            self.input = Vec::new();
        }
        if self.gathered.capacity() > MAX_FREE_BYTES {
            self.gathered = Vec::new();
        }
        if self.runs.capacity() > MAX_KEPT_ITEMS {
            self.runs = Vec::new();
        }
        if self.regions.capacity() > MAX_KEPT_ITEMS {
            self.regions = Vec::new();
        }
    }
}
