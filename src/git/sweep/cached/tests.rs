//! What is kept about a pack is read back, and nothing else is.

use gix::ObjectId;

use super::facts::PackFacts;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};

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
        families: [0, 1, 255].map(|n| ([n; 32], KindCount { objects: 2, bytes: u64::MAX })).to_vec(),
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
    let many = |n: usize| (0..n).map(|_| ([5; 32], KindCount::default())).collect();
    let large = PackFacts { families: many(1000), ..facts() };
    let bytes = large.encode(500_000).unwrap();
    assert!(bytes.len() < 1000, "without the families");
    assert_eq!(PackFacts::decode(&bytes, 1000, 20), Some(PackFacts { families: Vec::new(), ..facts() }));
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
