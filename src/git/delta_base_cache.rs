//! Caches recently reconstructed objects, since the next object that is looked up is often a delta based on one of them.

use std::collections::HashMap;

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;

/// Maximum number of cached bytes. Each of the two generations has half of it.
const MAX_BYTES: usize = 64 << 20;
/// Maximum size of a cached object, in bytes. Larger ones would evict everything else.
const MAX_OBJECT_SIZE: usize = 4 << 20;

/// A reconstructed object: kind, compressed size in the pack in bytes, content.
type CachedBase = (Kind, usize, Vec<u8>);

/// Objects by pack and offset. When the young generation fills its half, it becomes the old one, and the old one is
/// dropped. A hit makes an object young again.
#[derive(Default)]
pub(super) struct DeltaBaseCache {
    young: HashMap<(u32, u64), CachedBase>,
    old: HashMap<(u32, u64), CachedBase>,
    /// The number of bytes in the young generation.
    young_bytes: usize,
}

impl DeltaBaseCache {
    fn add(&mut self, key: (u32, u64), base: CachedBase) {
        if self.young_bytes + base.2.len() > MAX_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += base.2.len();
        if let Some((.., replaced)) = self.young.insert(key, base) {
            self.young_bytes -= replaced.len();
        }
    }
}

impl DecodeEntry for DeltaBaseCache {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, packed_size: usize) {
        if data.len() <= MAX_OBJECT_SIZE {
            self.add((pack, offset), (kind, packed_size, data.to_vec()));
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        let key = (pack, offset);
        if let Some(base) = self.old.remove(&key) {
            self.add(key, base);
        }
        let (kind, packed_size, data) = self.young.get(&key)?;
        out.clear();
        out.extend_from_slice(data);
        Some((*kind, *packed_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_are_not_used_are_evicted() {
        let mut bases = DeltaBaseCache::default();
        let mut out = Vec::new();
        let large = vec![7; MAX_OBJECT_SIZE];
        bases.put(0, 0, b"kept", Kind::Tree, 3);
        bases.put(0, 1, b"forgotten", Kind::Blob, 4);
        for offset in 2..40 {
            bases.put(0, offset, &large, Kind::Tree, 1);
            assert_eq!(bases.get(0, 0, &mut out), Some((Kind::Tree, 3)));
            assert_eq!(out, b"kept");
            assert!(bases.young_bytes <= MAX_BYTES / 2);
        }
        assert_eq!(bases.get(0, 1, &mut out), None);
        assert_eq!(bases.get(1, 0, &mut out), None);
        bases.put(0, 1, &[&large[..], b"!"].concat(), Kind::Tree, 1);
        assert_eq!(bases.get(0, 1, &mut out), None);
    }
}
