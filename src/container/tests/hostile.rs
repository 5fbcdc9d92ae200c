//! Bombs and false sizes, which must cost no more than the limits allow.

use std::time::Duration;

use proptest::prelude::*;

use super::kit::{Taken, bzip2, gzip, noise, opened, opened_within, tar, tar_entry, xz, zstd};
use crate::container::{Input, Limits, open};

#[test]
fn depth_ends_at_its_limit_with_a_skip() {
    let mut packed = b"innermost".to_vec();
    for _ in 0..12 {
        packed = gzip(&packed);
    }
    let taken = opened("a", &packed);
    assert!(taken.reasons().contains("more than 10 deep"), "{}", taken.reasons());
    assert_eq!(taken.contents.len(), 11);
    let none = opened_within("a", &packed, Limits { depth: 0, ..Limits::default() });
    assert_eq!((none.contents.len(), none.skipped.len()), (1, 1));
    let all = opened_within("a", &packed, Limits { depth: 12, ..Limits::default() });
    assert!(all.skipped.is_empty() && all.contents[0].1 == b"innermost");
}

#[test]
fn bytes_entries_ratio_and_time_end_at_their_limits() {
    let bomb = gzip(&gzip(&vec![0; 300 << 20]));
    let usual = Limits::default();
    let many = tar(&vec![("x", &b"y"[..]); 50]);
    for (packed, limits, reason) in [
        (&bomb, usual, "more than 2000 times its size"),
        (&bomb, Limits { bytes: 1 << 20, ..usual }, "unpacks to more than 1 MiB"),
        (&bomb, Limits { time: Duration::ZERO, ..usual }, "takes longer than 0 s"),
        (&many, Limits { entries: 20, ..usual }, "more than 20 entries"),
    ] {
        let taken = opened_within("a", packed, limits);
        let reasons = taken.reasons();
        assert!(taken.skipped.len() == 1 && reasons.contains(reason), "{reasons}");
        assert!(reasons.contains("entries were scanned"), "{reasons}");
        assert!(taken.bytes < (257 << 20) + packed.len() as u64, "{}", taken.bytes);
        // The container's own bytes are searched to the end nevertheless.
        assert!(taken.contents.last().unwrap().1 == *packed);
    }
}

#[test]
fn content_that_was_not_handed_over_is_not_delegated() {
    let packed = tar(&vec![("x", &b"y"[..]); 50]);
    let taken = opened_within("a", &packed, Limits { entries: 20, ..Limits::default() });
    assert_eq!(taken.delegated[0].1.len(), 20);
    let cut = opened("a", &packed[..512]);
    assert!(cut.delegated.is_empty());
}

#[test]
fn false_sizes_do_no_harm() {
    let mut lie = tar_entry(b"a", b'0', b"data");
    lie[124..136].copy_from_slice(b"77777777777\0");
    let header = super::kit::sealed(*lie.first_chunk().unwrap());
    let taken = opened("t", &[&header[..], b"data"].concat());
    assert_eq!(taken.content("a"), b"data");
    assert!(taken.reasons().contains("truncated"), "{}", taken.reasons());
    // A name of 8 GiB that is missing, or present.
    let mut long = tar_entry(b"././@LongLink", b'L', b"");
    long[124..136].copy_from_slice(b"77777777777\0");
    let header = super::kit::sealed(*long.first_chunk().unwrap());
    let bomb = gzip(&[&header[..], &vec![b'n'; 64 << 20]].concat());
    assert!(opened("t", &bomb).reasons().contains("truncated"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damaged in any way, a container is opened as far as possible, and its raw bytes are always searched.
    #[test]
    fn damaged_containers_are_searched_completely(seed in any::<u64>(), which in 0..5usize, cut in 0.0..1.0f64, at in 0.0..1.0f64, bit in 0..8u8) {
        let inner = tar(&[("a/b", &noise(seed, 700)), ("c", &gzip(b"c"))]);
        let pack = [gzip, bzip2, xz, zstd, |data: &[u8]| data.to_vec()][which];
        let mut packed = tar(&[("x", &pack(&inner)), ("y", b"y")]);
        let place = ((packed.len() - 1) as f64 * at) as usize;
        packed[place] ^= 1 << bit;
        packed.truncate((packed.len() as f64 * (1.0 - cut * cut)) as usize);
        let mut taken = Taken::default();
        open(Input::Stream(&mut &packed[..]), b"t", Limits::default(), &mut taken).unwrap();
        prop_assert_eq!(&taken.contents.last().unwrap().1, &packed);
        prop_assert!(taken.bytes < 100_000);
    }
}

#[test]
fn no_configured_depth_overflows_the_stack() {
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    for pack in [gzip, |data: &[u8]| tar(&[("t", data)])] {
        let mut packed = b"within".to_vec();
        for _ in 0..200 {
            packed = pack(&packed);
        }
        let taken = opened_within("deep", &packed, limits);
        let deepest = Limits::MAX_DEPTH;
        assert!(taken.reasons().contains(&format!("more than {deepest} deep")), "{}", taken.reasons());
        assert_eq!(taken.contents.len(), deepest + 1);
    }
}
