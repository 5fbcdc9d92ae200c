//! Buffers that a thread keeps: fresh ones cost a page fault for every four kilobytes.

use std::sync::Arc;

use super::delta_inheritance::Region;
use super::work_queue::AssembledObject;
use crate::git::inflate::grow;
use crate::git::pack::delta::Run;

/// Bytes of unused buffers, and of any single one in use between objects, that a thread keeps.
const MAX_FREE_BYTES: usize = 24 << 20;

/// Runs and regions beyond which their lists are given back.
const MAX_KEPT_ITEMS: usize = 1 << 16;

/// What one thread needs for one object after another.
#[derive(Default)]
pub(super) struct Buffers {
    /// Buffers for assembled objects, not in use; none is empty.
    free: Vec<Vec<u8>>,
    /// Bytes in them.
    free_bytes: usize,
    /// The inflated delta, or the bytes of a file.
    pub(super) input: Vec<u8>,
    pub(super) runs: Vec<Run>,
    pub(super) regions: Vec<Region>,
    pub(super) gathered: Vec<u8>,
}

impl Buffers {
    /// A buffer of at least `len` bytes, whatever they are.
    pub(super) fn take(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.free.pop().unwrap_or_default();
        self.free_bytes -= buffer.len();
        grow(&mut buffer, len);
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if !buffer.is_empty() && self.free_bytes + buffer.len() <= MAX_FREE_BYTES {
            self.free_bytes += buffer.len();
            self.free.push(buffer);
        }
    }

    /// Takes the buffer of a base back, if no other thread uses it.
    pub(super) fn reclaim<H>(&mut self, node: Arc<AssembledObject<H>>) {
        if let Some(node) = Arc::into_inner(node) {
            self.give_back(node.buffer);
        }
    }

    /// Gives back what one huge object made grow.
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
