//! Where the entries of a pack begin, in order, and which entry begins at an offset.

use super::Entry;

/// The start offsets of all entries.
pub(super) struct OffsetTable {
    /// Ascending and distinct.
    offsets: Vec<u64>,
    /// For each block of `1 << shift` bytes, the first entry that begins in it or after it.
    buckets: Vec<Entry>,
    shift: u32,
}

impl OffsetTable {
    /// The table for a pack of `data_len` bytes whose index lists `sorted` offsets.
    pub(super) fn new(mut sorted: Vec<u64>, data_len: usize) -> Self {
        sorted.dedup();
        let offsets = sorted;
        // One entry per bucket on average.
        let mean = data_len / offsets.len().max(1);
        let shift = mean.max(1).ilog2();
        let mut buckets = Vec::with_capacity((data_len >> shift) + 2);
        let mut entry = 0;
        for bucket in 0..(data_len >> shift) + 2 {
            let start = (bucket as u64) << shift;
            while offsets.get(entry).is_some_and(|offset| *offset < start) {
                entry += 1;
            }
            buckets.push(entry as Entry);
        }
        Self { offsets, buckets, shift }
    }

    /// The number of entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Start offset of an entry; `u64::MAX` if there is no such entry.
    #[inline]
    pub(super) fn offset(&self, entry: Entry) -> u64 {
        self.offsets.get(entry as usize).copied().unwrap_or(u64::MAX)
    }

    /// The entry that begins at `offset`.
    #[inline]
    pub(super) fn entry_at(&self, offset: u64) -> Option<Entry> {
        let bucket = usize::try_from(offset >> self.shift).ok()?;
        let first = *self.buckets.get(bucket)? as usize;
        let end = *self.buckets.get(bucket + 1)? as usize;
        let found = self.offsets[first..end].binary_search(&offset).ok()?;
        Some((first + found) as Entry)
    }
}
