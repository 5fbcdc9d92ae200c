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
    /// The table for a pack of `data_len` bytes whose index lists `count` offsets, in any order: `at` returns each by its
    /// position.
    ///
    /// The offsets are distributed to their blocks, each of which has one on average and is then sorted by itself. That is
    /// several times as fast as sorting them all.
    pub(super) fn new(count: u32, at: impl Fn(u32) -> u64, data_len: usize) -> Self {
        let mean = data_len / (count as usize).max(1);
        let shift = mean.max(1).ilog2();
        let blocks = (data_len >> shift) + 2;
        // Offsets beyond the end of the pack, which no valid index has, are all in the last block.
        let block = |offset: u64| usize::try_from(offset >> shift).unwrap_or(blocks).min(blocks - 1);
        let mut free = vec![0 as Entry; blocks + 1];
        let listed: Vec<u64> = (0..count).map(at).collect();
        for &offset in &listed {
            free[block(offset) + 1] += 1;
        }
        for at in 1..free.len() {
            free[at] += free[at - 1];
        }
        let mut buckets = free.clone();
        let mut offsets = vec![0; listed.len()];
        for offset in listed {
            let next = &mut free[block(offset)];
            offsets[*next as usize] = offset;
            *next += 1;
        }
        let mut has_copies = false;
        for bounds in buckets.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
            let own = &mut offsets[bounds[0] as usize..bounds[1] as usize];
            own.sort_unstable();
            has_copies |= own.windows(2).any(|pair| pair[0] == pair[1]);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same every time.
    fn numbers(count: u64, below: u64) -> Vec<u64> {
        (1..=count).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % below).collect()
    }

    #[test]
    fn every_offset_is_found_in_order() {
        let lists = [
            Vec::new(),
            vec![12],
            numbers(500, 40_000),
            // Some twice, some beyond the end of the pack, and all in one block.
            numbers(500, 300),
            vec![u64::MAX, 12, u64::MAX, 99, 100, 101, 1 << 40, 12],
            (0..100).map(|n| 4000 + n % 9).collect(),
        ];
        for list in lists {
            for data_len in [0, 100, 5000, 40_000] {
                let table = OffsetTable::new(list.len() as u32, |at| list[at as usize], data_len);
                let mut expected = list.clone();
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(table.len(), expected.len());
                for (entry, &offset) in (0..).zip(&expected) {
                    assert_eq!(table.offset(entry), offset);
                    let found = table.entry_at(offset);
                    // No entry begins beyond the end of the pack, so it does not matter whether one is found there.
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
