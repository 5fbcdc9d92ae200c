//! Buffers that a thread reuses, since a new buffer costs a page fault for every four kilobytes.

use std::sync::Arc;

use super::assembled_object::AssembledObject;
use super::delta_inheritance::Region;
use crate::git::buffer::grow;
use crate::git::pack::delta::Run;

/// Maximum number of bytes in all unused buffers of a thread, and in any single buffer that is kept between objects.
const MAX_FREE_BYTES: usize = 24 << 20;

/// Maximum capacity of a list that is kept between objects, in items.
const MAX_KEPT_ITEMS: usize = 1 << 16;

/// The working memory of a thread, which is used for one object after another.
#[derive(Default)]
pub(super) struct Buffers {
    /// Unused buffers for assembled objects, each with some capacity.
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

    /// Takes back the buffer of a base, unless another thread still uses the base.
    pub(super) fn reclaim<M>(&mut self, node: Arc<AssembledObject<M>>) {
        if let Some(node) = Arc::into_inner(node) {
            self.give_back(node.buffer);
        }
    }

    /// Frees buffers that a single very large object has enlarged.
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
