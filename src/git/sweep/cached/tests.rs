//! Tests that the facts about a pack are decoded as they were encoded, and that nothing invalid is decoded; and which objects
//! of a known pack are searched.

use std::collections::HashSet;
use std::ops::Range;

use gix::ObjectId;
use gix::object::Kind;

use super::facts::{MemoryLimits, PackFacts, ReadAgain, room};
use super::id_set::IdSet;
use super::repack_facts::{FamilyFact, RepackFacts};
use super::sweep_with_cache;
use crate::cache::{Cache, CacheReader};
use crate::git::ObjectDatabase;
use crate::git::pack::Pack;
use crate::git::scratch::Scratch;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};
use crate::git::sweep::{Searcher, SweepOptions};

fn family(n: u8) -> FamilyFact {
    FamilyFact { digest: [n; 32], is_trees: false, count: KindCount { objects: 2, bytes: u64::MAX } }
}

const MEMORY: MemoryLimits = MemoryLimits { max_memory: 1 << 31, max_assembled: 1 << 30 };

fn id(byte: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[byte; 20])
}

fn facts() -> PackFacts {
    let mut object_counts = ObjectCounts::default();
    for (count, n) in object_counts.all_mut().iter_mut().zip(1..) {
        *count = KindCount { objects: n, bytes: n << 40 };
    }
    PackFacts {
        memory: MEMORY,
        object_counts,
        relies_on: vec![[4; 32], [9; 32]],
        outside: vec![id(1), id(200)],
        matched: vec![0, 7, 700],
        read_again: Some(ReadAgain { object_counts, objects: vec![(3, 1 << 20), (700, 5)] }),
    }
}

fn repack_facts() -> RepackFacts {
    RepackFacts { memory: MEMORY, ids: None, families: [0, 1, 255].map(family).to_vec() }
}

#[test]
fn encoded_facts_can_be_decoded() {
    assert_eq!(PackFacts::decode(&facts().encode(), 1000, 20), Some(facts()));
    assert_eq!(RepackFacts::decode(&repack_facts().encode(1000)), Some(repack_facts()));
}

#[test]
fn encoded_families_are_limited_by_the_size_of_the_pack() {
    assert_eq!(room(500_000), 11_024);
    let many = |n: usize| vec![FamilyFact { count: KindCount::default(), ..family(5) }; n];
    let count = KindCount { objects: 900, bytes: 1 };
    let largest = FamilyFact { count, ..family(7) };
    let large = RepackFacts { families: [many(1000), vec![largest]].concat(), ..repack_facts() };
    let bytes = large.encode(11_024);
    assert!((10_000..=11_024).contains(&bytes.len()), "{}", bytes.len());
    let kept = RepackFacts::decode(&bytes).unwrap().families;
    assert!(kept.len() > 200 && kept.contains(&largest), "{}", kept.len());
    assert_eq!(RepackFacts::decode(&large.encode(0)).unwrap().families, []);
}

#[test]
fn malformed_facts_are_not_decoded() {
    let bytes = facts().encode();
    assert_eq!(PackFacts::decode(&bytes, 700, 20), None, "an entry that the pack lacks");
    assert_eq!(PackFacts::decode(&[&bytes[..], &[0]].concat(), 1000, 20), None);
    let later = repack_facts().encode(1000);
    assert_eq!(RepackFacts::decode(&[&later[..], &[0]].concat()), None);
    let changed = |bytes: &[u8], at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0xff;
        changed
    };
    for at in 0..bytes.len() {
        assert_eq!(PackFacts::decode(&bytes[..at], 1000, 20), None, "cut at {at}");
        // Arbitrary bytes are read without a panic and in bounded memory.
        let _ = PackFacts::decode(&changed(&bytes, at), 1000, 20);
    }
    for at in 0..later.len() {
        assert_eq!(RepackFacts::decode(&later[..at]), None, "cut at {at}");
        let _ = RepackFacts::decode(&changed(&later, at));
    }
}

#[test]
fn memory_limits_cover_only_lower_ones() {
    let less = |max_memory, max_assembled| MemoryLimits { max_memory, max_assembled };
    assert!(MEMORY.covers(&MEMORY) && MEMORY.covers(&less(1 << 30, 1)));
    assert!(!less(1 << 30, 1 << 30).covers(&MEMORY) && !less(1 << 31, 1 << 29).covers(&MEMORY));
}

/// The only pack of a repository.
fn open_pack(scratch: &Scratch) -> Pack {
    let files = std::fs::read_dir(scratch.path().join(".git/objects/pack")).unwrap();
    let mut indexes =
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().unwrap() == "idx");
    let pack = Pack::open(&indexes.next().unwrap(), gix::hash::Kind::Sha1).unwrap();
    assert!(indexes.next().is_none());
    pack
}

#[test]
fn an_id_set_is_within_a_pack_only_if_the_pack_has_all_of_its_ids() {
    let scratch = Scratch::new(&[]);
    for number in 0..40 {
        scratch.write("file", &format!("{number}"));
        scratch.commit("one of many");
    }
    scratch.git(&["repack", "-qad"]);
    let old = IdSet::from_pack(&open_pack(&scratch));
    assert!(old.is_within(&open_pack(&scratch)));
    let mut bytes = Vec::new();
    old.encode(&mut bytes);
    assert_eq!(IdSet::decode(&mut CacheReader::new(&bytes)), Some(old.clone()));
    // First objects are added, and then an old one is removed.
    scratch.write("file", "new");
    scratch.commit("new");
    scratch.git(&["repack", "-qad"]);
    let more = IdSet::from_pack(&open_pack(&scratch));
    assert!(old.is_within(&open_pack(&scratch)));
    scratch.git(&["reset", "-q", "--hard", "HEAD~2"]);
    scratch.write("file", "other");
    scratch.commit("other");
    scratch.git(&["reflog", "expire", "--expire=now", "--all"]);
    scratch.git(&["repack", "-qad"]);
    assert!(!old.is_within(&open_pack(&scratch)) && !more.is_within(&open_pack(&scratch)));
    // Families of trees are useful only together with the ids.
    let families = vec![family(0), FamilyFact { is_trees: true, ..family(1) }];
    let without = RepackFacts { families, ..repack_facts() };
    assert_eq!(RepackFacts::decode(&without.encode(1 << 20)).unwrap().families, [family(0)]);
    let facts = RepackFacts { ids: Some(old), ..without };
    assert_eq!(RepackFacts::decode(&facts.encode(1 << 20)), Some(facts));
}

/// Matches `(` and `!` in blobs; a blob with the former is read again.
struct Marks;

impl Searcher for Marks {
    type Match = u8;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        1
    }

    fn margin(&self) -> usize {
        0
    }

    fn is_read_again(&self, matched: &u8) -> bool {
        *matched == b'('
    }

    fn search(
        &self,
        kind: Kind,
        bytes: &[u8],
        (): &mut (),
        _: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, u8),
    ) {
        let bytes = if kind == Kind::Blob { bytes } else { &[] };
        let marks = (0..).zip(bytes).filter(|(_, byte)| b"(!".contains(byte));
        marks.for_each(|(at, byte)| found(at..at + 1, *byte));
    }
}

/// A repository with one pack in which these files are the only ones.
fn packed(files: &[&str]) -> Scratch {
    let scratch = Scratch::new(&[]);
    files.iter().for_each(|text| scratch.write(&text[..1], text));
    scratch.commit("files");
    scratch.git(&["repack", "-qad"]);
    scratch
}

#[test]
fn objects_that_are_only_read_again_are_not_searched_if_half_of_them_are_clean() {
    // The number of bytes that a second sweep searches, and of objects that are only read again, if so many are clean.
    let second_sweep = |files: &[&str], clean: usize| {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path(), &[]).unwrap();
        cache.prepare().unwrap();
        let scratch = packed(files);
        let repo = crate::git::open(scratch.path()).unwrap().to_thread_local();
        let database = ObjectDatabase::from_repo(&repo);
        let ids = files.iter().map(|text| scratch.git(&["rev-parse", &format!("HEAD:{}", &text[..1])]));
        let clean: HashSet<String> = ids.take(clean).map(|id| id.trim().to_owned()).collect();
        let is_clean = |_: &_, id: &[u8]| clean.contains(&ObjectId::try_from(id).unwrap().to_string());
        let sweep = || sweep_with_cache(&database, &Marks, &SweepOptions::default(), (&cache, &is_clean));
        let (first, update) = sweep();
        update.keep(&cache);
        let (second, _) = sweep();
        assert_eq!(second.counts, first.counts);
        assert_eq!(second.found.len() + second.read_again.len(), first.found.len());
        (second.bytes_searched, second.read_again.len())
    };
    let archives = ["1 (", "2 (", "3 (", "4 text"];
    assert_eq!(second_sweep(&archives, 3), (0, 3));
    assert_eq!(second_sweep(&archives, 2), (0, 3));
    let (searched, read_again) = second_sweep(&archives, 1);
    assert!(searched > 0 && read_again == 0);
    let (searched, read_again) = second_sweep(&["1 (", "2 (!"], 2);
    assert!(searched > 0 && read_again == 0, "another match is searched for");
}
