//! Remembers objects that were unfolded lately, since the next one asked for is often a delta to them.

use std::collections::HashMap;

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;

/// Bytes remembered at most, in two generations of half of it each.
const LIMIT: usize = 64 << 20;
/// Larger objects are not remembered: they would push out everything else.
const LARGEST: usize = 4 << 20;

/// An unfolded object: kind, size in the pack, content.
type Base = (Kind, usize, Vec<u8>);

/// Objects by pack and offset. When the young fill their half, they become the old, and the old go;
/// what is asked for becomes young again.
#[derive(Default)]
pub(super) struct Bases {
    young: HashMap<(u32, u64), Base>,
    old: HashMap<(u32, u64), Base>,
    held: usize,
}

impl Bases {
    fn add(&mut self, at: (u32, u64), base: Base) {
        if self.held + base.2.len() > LIMIT / 2 {
            self.old = std::mem::take(&mut self.young);
            self.held = 0;
        }
        self.held += base.2.len();
        if let Some((.., replaced)) = self.young.insert(at, base) {
            self.held -= replaced.len();
        }
    }
}

impl DecodeEntry for Bases {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, packed: usize) {
        if data.len() <= LARGEST {
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
    fn forgets_what_was_not_asked_for() {
        let mut bases = Bases::default();
        let mut out = Vec::new();
        let large = vec![7; LARGEST];
        bases.put(0, 0, b"kept", Kind::Tree, 3);
        bases.put(0, 1, b"forgotten", Kind::Blob, 4);
        for offset in 2..40 {
            bases.put(0, offset, &large, Kind::Tree, 1);
            assert_eq!(bases.get(0, 0, &mut out), Some((Kind::Tree, 3)));
            assert_eq!(out, b"kept");
            assert!(bases.held <= LIMIT / 2);
        }
        assert_eq!(bases.get(0, 1, &mut out), None);
        assert_eq!(bases.get(1, 0, &mut out), None);
        bases.put(0, 1, &[&large[..], b"!"].concat(), Kind::Tree, 1);
        assert_eq!(bases.get(0, 1, &mut out), None);
    }
}
