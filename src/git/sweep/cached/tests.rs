//! What is kept about a pack is read back, and nothing else is.

use gix::ObjectId;

use super::facts::{FamilyFact, PackFacts};
use super::id_set::IdSet;
use crate::cache::CacheReader;
use crate::git::pack::Pack;
use crate::git::scratch::Scratch;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};

fn family(n: u8) -> FamilyFact {
    FamilyFact { digest: [n; 32], is_trees: false, count: KindCount { objects: 2, bytes: u64::MAX } }
}

fn facts() -> PackFacts {
    let id = |byte| ObjectId::from_bytes_or_panic(&[byte; 20]);
    let mut counts = ObjectCounts::default();
    for (count, n) in counts.all_mut().iter_mut().zip(1..) {
        *count = KindCount { objects: n, bytes: n << 40 };
    }
    PackFacts {
        max_memory: 1 << 31,
        max_assembled: 1 << 30,
        counts,
        relies_on: vec![[4; 32], [9; 32]],
        outside: vec![id(1), id(200)],
        matched: vec![0, 7, 700],
        ids: None,
        families: [0, 1, 255].map(family).to_vec(),
    }
}

#[test]
fn facts_are_read_as_they_were_written() {
    let bytes = facts().encode(1 << 20).unwrap();
    assert_eq!(PackFacts::decode(&bytes, 1000, 20), Some(facts()));
}

/// An entry takes a fiftieth of its pack at most, and a kilobyte.
#[test]
fn an_entry_is_small_beside_its_pack() {
    let many = |n: usize| vec![FamilyFact { count: KindCount::default(), ..family(5) }; n];
    let count = KindCount { objects: 900, bytes: 1 };
    let largest = FamilyFact { count, ..family(7) };
    let large = PackFacts { families: [many(1000), vec![largest]].concat(), ..facts() };
    let bytes = large.encode(500_000).unwrap();
    assert!((10_000..=11_024).contains(&bytes.len()), "{}", bytes.len());
    let kept = PackFacts::decode(&bytes, 1000, 20).unwrap().families;
    assert!(kept.len() > 200 && kept.contains(&largest), "{}", kept.len());
    let outside = vec![ObjectId::from_bytes_or_panic(&[1; 20]); 1000];
    assert_eq!(PackFacts { outside, ..facts() }.encode(500_000), None);
}

#[test]
fn what_makes_no_sense_is_not_read() {
    let bytes = facts().encode(1 << 20).unwrap();
    assert_eq!(PackFacts::decode(&bytes, 700, 20), None, "an entry that the pack lacks");
    assert_eq!(PackFacts::decode(&[&bytes[..], &[0]].concat(), 1000, 20), None);
    for at in 0..bytes.len() {
        assert_eq!(PackFacts::decode(&bytes[..at], 1000, 20), None, "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        // Whatever it says, it is read without a panic and in bounded memory.
        let _ = PackFacts::decode(&changed, 1000, 20);
    }
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
fn an_id_set_tells_whether_a_pack_lacks_one_of_its_ids() {
    let scratch = Scratch::new(&[]);
    for number in 0..40 {
        scratch.write("file", &format!("{number}"));
        scratch.commit("one of many");
    }
    scratch.git(&["repack", "-qad"]);
    let old = IdSet::of(&open_pack(&scratch));
    assert!(old.is_within(&open_pack(&scratch)));
    let mut bytes = Vec::new();
    old.encode(&mut bytes);
    assert_eq!(IdSet::decode(&mut CacheReader::new(&bytes)), Some(old.clone()));
    // More objects are added, and an old one is not there any more.
    scratch.write("file", "new");
    scratch.commit("new");
    scratch.git(&["repack", "-qad"]);
    let more = IdSet::of(&open_pack(&scratch));
    assert!(old.is_within(&open_pack(&scratch)));
    scratch.git(&["reset", "-q", "--hard", "HEAD~2"]);
    scratch.write("file", "other");
    scratch.commit("other");
    scratch.git(&["reflog", "expire", "--expire=now", "--all"]);
    scratch.git(&["repack", "-qad"]);
    assert!(!old.is_within(&open_pack(&scratch)) && !more.is_within(&open_pack(&scratch)));
    // Families of trees are of use only with ids.
    let families = vec![family(0), FamilyFact { is_trees: true, ..family(1) }];
    let without = PackFacts { families, ..facts() };
    let bytes = without.encode(1 << 20).unwrap();
    assert_eq!(PackFacts::decode(&bytes, 1000, 20).unwrap().families, [family(0)]);
    let facts = PackFacts { ids: Some(old), ..without };
    let bytes = facts.encode(1 << 20).unwrap();
    assert_eq!(PackFacts::decode(&bytes, 1000, 20), Some(facts));
}
