//! Finds objects stored in several packs, so that each is counted and reported once.

use std::ops::Range;

use gix::oid;

use crate::git::pack::Pack;
use crate::threads;

/// If a pack has at least this many times as many objects as all others together, the objects of the others are looked up in
/// it, which takes less time than iterating over all of its ids.
const MUCH_LARGER: u64 = 8;

/// For each pack from number `first_new` on, marks the entries whose object is also in an earlier pack or is
/// `known`, if that is given. A list without marked entries is empty.
pub(super) fn find(
    packs: &[Pack],
    first_new: usize,
    known: Option<&(dyn Fn(&oid) -> bool + Sync)>,
    threads: usize,
) -> Vec<Vec<bool>> {
    // `known` must be called for all ids of a new pack, so that iterating over its ids cannot be avoided.
    let large = much_larger(packs).filter(|&large| known.is_none() || large < first_new);
    let copies = threads::map(threads, 0..=u8::MAX, |first_byte| {
        find_among(packs, (first_new, large), known, first_byte)
    });
    let mut duplicates = vec![Vec::new(); packs.len() - first_new];
    for (pack, position) in copies.into_iter().flatten() {
        if let Some(entry) = packs[pack].entry_at_position(position) {
            let list: &mut Vec<bool> = &mut duplicates[pack - first_new];
            list.resize(packs[pack].len(), false);
            list[entry as usize] = true;
        }
    }
    duplicates
}

/// The pack that is [much larger](MUCH_LARGER) than all others together, if there is one.
fn much_larger(packs: &[Pack]) -> Option<usize> {
    let sizes = || packs.iter().map(|pack| u64::from(pack.num_objects()));
    let (large, size) = sizes().enumerate().max_by_key(|(_, size)| *size)?;
    (size / MUCH_LARGER >= sizes().sum::<u64>() - size).then_some(large)
}

/// The duplicates among the objects whose id begins with `first_byte`, as pack number and index
/// position. In the pack `large`, the ids of the others are looked up.
fn find_among(
    packs: &[Pack],
    (first_new, large): (usize, Option<usize>),
    known: Option<&(dyn Fn(&oid) -> bool + Sync)>,
    first_byte: u8,
) -> Vec<(usize, u32)> {
    let (mut all, mut copies) = (Vec::new(), Vec::new());
    for (number, pack) in packs.iter().enumerate().filter(|(number, _)| Some(*number) != large) {
        all.extend(positions(pack, first_byte).map(|position| (key(pack.id_at(position)), number, position)));
    }
    all.sort_unstable();
    for same_key in all.chunk_by(|left, right| left.0 == right.0) {
        for (at, &(_, pack, position)) in same_key.iter().enumerate() {
            let id = packs[pack].id_at(position);
            let mut is_copy = same_key[..at].iter().any(|&(_, other, there)| packs[other].id_at(there) == id);
            if let Some(large) = large
                && pack.max(large) >= first_new
                && let Some(there) = packs[large].position(id)
            {
                is_copy |= large < pack;
                copies.extend((large > pack).then_some((large, there)));
            }
            if pack >= first_new && (is_copy || known.is_some_and(|known| known(id))) {
                copies.push((pack, position));
            }
        }
    }
    copies
}

/// The index positions of the ids that begin with `first_byte`.
fn positions(pack: &Pack, first_byte: u8) -> Range<u32> {
    let below = |bound: u32| {
        let (mut low, mut high) = (0, pack.num_objects());
        while low < high {
            let middle = low.midpoint(high);
            if u32::from(pack.id_at(middle).first_byte()) < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    let start = below(u32::from(first_byte));
    start..below(u32::from(first_byte) + 1).max(start)
}

/// The first eight bytes of an id.
fn key(id: &oid) -> u64 {
    id.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use gix::hash::Kind;

    use super::*;
    use crate::git::scratch::Scratch;

    /// A repository with two packs: one of 60 commits, and one of the last two of these and two new ones.
    fn packs() -> (Scratch, Vec<Pack>) {
        let scratch = Scratch::new(&[]);
        for number in 0..62 {
            scratch.write("file", &format!("{number}"));
            scratch.commit("one of many");
            if number == 59 {
                scratch.git(&["repack", "-qad"]);
            }
        }
        scratch.git(&["tag", "new"]);
        let objects = scratch.git(&["rev-list", "--objects", "--no-object-names", "HEAD~4..HEAD"]);
        scratch.git_with(&["pack-objects", "-q", ".git/objects/pack/pack"], objects.as_bytes());
        let files = std::fs::read_dir(scratch.path().join(".git/objects/pack")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let indexes: Vec<PathBuf> = files.filter(|path| path.extension().unwrap() == "idx").collect();
        let packs = indexes.iter().map(|index| Pack::open(index, Kind::Sha1).unwrap()).collect();
        (scratch, packs)
    }

    #[test]
    fn looking_up_ids_in_a_large_pack_gives_the_same_duplicates() {
        let (_scratch, mut packs) = packs();
        assert_eq!(packs.len(), 2);
        for _ in 0..2 {
            packs.reverse();
            let large = much_larger(&packs);
            assert!(large.is_some_and(|large| packs[large].num_objects() > 100));
            for first_new in 0..2 {
                let copies = |large| {
                    let among = |byte| find_among(&packs, (first_new, large), None, byte);
                    let mut copies: Vec<_> = (0..=u8::MAX).flat_map(among).collect();
                    copies.sort_unstable();
                    copies
                };
                assert_eq!(copies(large), copies(None));
                assert_eq!(copies(None).len(), 6);
            }
        }
    }
}
