//! Caches recently reconstructed objects: the next one looked up is often a delta to one of them.

use std::collections::HashMap;

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;

/// Maximum number of cached bytes, in two generations of half of it each.
const MAX_BYTES: usize = 64 << 20;
/// Larger objects are not cached: they would evict everything else.
const MAX_OBJECT: usize = 4 << 20;

/// A reconstructed object: kind, size in the pack, content.
type CachedBase = (Kind, usize, Vec<u8>);

/// Objects by pack and offset. When the young generation fills its half, it becomes the old one, and the old one is
/// dropped. A hit makes an object young again.
#[derive(Default)]
pub(super) struct DeltaBaseCache {
    young: HashMap<(u32, u64), CachedBase>,
    old: HashMap<(u32, u64), CachedBase>,
    held: usize,
}

impl DeltaBaseCache {
    fn add(&mut self, at: (u32, u64), base: CachedBase) {
        if self.held + base.2.len() > MAX_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.held = 0;
        }
        self.held += base.2.len();
        if let Some((.., replaced)) = self.young.insert(at, base) {
            self.held -= replaced.len();
        }
    }
}

impl DecodeEntry for DeltaBaseCache {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, packed: usize) {
        if data.len() <= MAX_OBJECT {
            self.add((pack, offset), (kind, packed, data.to_vec()));
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        let at = (pack, offset);
        if let Some(base) = self.old.remove(&at) {
            self.add(at, base);
        }
        let (kind, packed, data) = self.young.get(&at)?;
        out.clear();
        out.extend_from_slice(data);
        Some((*kind, *packed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evicts_entries_that_are_not_used() {
        let mut bases = DeltaBaseCache::default();
        let mut out = Vec::new();
        let large = vec![7; MAX_OBJECT];
        bases.put(0, 0, b"kept", Kind::Tree, 3);
        bases.put(0, 1, b"forgotten", Kind::Blob, 4);
        for offset in 2..40 {
            bases.put(0, offset, &large, Kind::Tree, 1);
            assert_eq!(bases.get(0, 0, &mut out), Some((Kind::Tree, 3)));
            assert_eq!(out, b"kept");
            assert!(bases.held <= MAX_BYTES / 2);
        }
        assert_eq!(bases.get(0, 1, &mut out), None);
        assert_eq!(bases.get(1, 0, &mut out), None);
        bases.put(0, 1, &[&large[..], b"!"].concat(), Kind::Tree, 1);
        assert_eq!(bases.get(0, 1, &mut out), None);
    }
}
