//! Finds the offset of each entry of a pack, and the entry that begins at an offset.

use super::Entry;

/// The start offsets of all entries.
pub(super) struct OffsetTable {
    /// Ascending and distinct.
    offsets: Vec<u64>,
    /// For each block of `1 << shift` bytes of the pack, the first entry that begins in the block or after it.
    buckets: Vec<Entry>,
    shift: u32,
}

impl OffsetTable {
    /// Builds the table for a pack of `data_len` bytes whose index lists `count` offsets, in any order. `offset_at` returns
    /// the offset at a position of the index.
    ///
    /// The offsets are distributed to their blocks, one per block on average, and those of each block are sorted. This is
    /// several times as fast as sorting all of them together.
    pub(super) fn new(count: u32, offset_at: impl Fn(u32) -> u64, data_len: usize) -> Self {
        let mean = data_len / (count as usize).max(1);
        let shift = mean.max(1).ilog2();
        let blocks = (data_len >> shift) + 2;
        // Offsets beyond the end of the pack, which no valid index has, are all in the last block.
        let block = |offset: u64| usize::try_from(offset >> shift).unwrap_or(blocks).min(blocks - 1);
        // First the number of offsets in the block before, then the position of the next offset of each block.
        let mut next = vec![0 as Entry; blocks + 1];
        let listed: Vec<u64> = (0..count).map(offset_at).collect();
        for &offset in &listed {
            next[block(offset) + 1] += 1;
        }
        for index in 1..next.len() {
            next[index] += next[index - 1];
        }
        let mut buckets = next.clone();
        let mut offsets = vec![0; listed.len()];
        for offset in listed {
            let position = &mut next[block(offset)];
            offsets[*position as usize] = offset;
            *position += 1;
        }
        let mut has_copies = false;
        for bounds in buckets.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
            let in_block = &mut offsets[bounds[0] as usize..bounds[1] as usize];
            in_block.sort_unstable();
            has_copies |= in_block.windows(2).any(|pair| pair[0] == pair[1]);
        }
        if has_copies {
            offsets.dedup();
            for (number, first) in buckets.iter_mut().enumerate().take(blocks) {
                *first = offsets.partition_point(|&offset| block(offset) < number) as Entry;
            }
        }
        buckets.truncate(blocks);
        Self { offsets, buckets, shift }
    }

    /// The number of entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The offset of an entry; `u64::MAX` if there is no such entry.
    #[inline]
    pub(super) fn offset(&self, entry: Entry) -> u64 {
        self.offsets.get(entry as usize).copied().unwrap_or(u64::MAX)
    }

    /// The entry that begins at `offset`; `None` if none does.
    #[inline]
    pub(super) fn entry_at(&self, offset: u64) -> Option<Entry> {
        let bucket = usize::try_from(offset >> self.shift).ok()?;
        let first = *self.buckets.get(bucket)? as usize;
        let end = *self.buckets.get(bucket + 1)? as usize;
        let found = self.offsets[first..end].binary_search(&offset).ok()?;
        Some((first + found) as Entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudorandom numbers less than `limit`, the same in every run.
    fn numbers(count: u64, limit: u64) -> Vec<u64> {
        (1..=count).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % limit).collect()
    }

    #[test]
    fn every_offset_is_found_in_order() {
        let lists = [
            Vec::new(),
            vec![12],
            numbers(500, 40_000),
            // Some numbers twice.
            numbers(500, 300),
            // Some beyond the end of the pack.
            vec![u64::MAX, 12, u64::MAX, 99, 100, 101, 1 << 40, 12],
            // All in one block.
            (0..100).map(|n| 4000 + n % 9).collect(),
        ];
        for list in lists {
            for data_len in [0, 100, 5000, 40_000] {
                let table = OffsetTable::new(list.len() as u32, |position| list[position as usize], data_len);
                let mut expected = list.clone();
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(table.len(), expected.len());
                for (entry, &offset) in (0..).zip(&expected) {
                    assert_eq!(table.offset(entry), offset);
                    let found = table.entry_at(offset);
                    // Beyond the end of the pack, an entry may be found or not.
                    assert!(
                        found == Some(entry) || found.is_none() && offset > data_len as u64,
                        "{offset} {data_len}"
                    );
                    if !expected.contains(&(offset ^ 1)) {
                        assert_eq!(table.entry_at(offset ^ 1), None);
                    }
                }
                assert_eq!(table.offset(expected.len() as Entry), u64::MAX);
            }
        }
    }
}
