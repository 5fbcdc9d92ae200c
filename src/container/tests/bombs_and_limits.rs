//! Tests that bombs and false sizes cost no more than the limits allow.

use std::time::Duration;

use proptest::prelude::*;

use super::kit::{Extraction, bzip2, extract, extract_within, gzip, noise, tar, tar_entry, xz, zstd};
use crate::container::{Input, Limits, open};

#[test]
fn deeper_containers_than_the_limit_are_skipped() {
    let mut packed = b"innermost".to_vec();
    for _ in 0..12 {
        packed = gzip(&packed);
    }
    let extraction = extract("a", &packed);
    assert!(extraction.reasons().contains("more than 10 deep"), "{}", extraction.reasons());
    assert_eq!(extraction.contents.len(), 11);
    let none = extract_within("a", &packed, Limits { depth: 0, ..Limits::default() });
    assert_eq!((none.contents.len(), none.skipped.len()), (1, 1));
    let all = extract_within("a", &packed, Limits { depth: 12, ..Limits::default() });
    assert!(all.skipped.is_empty() && all.contents[0].1 == b"innermost");
}

#[test]
fn extraction_ends_at_each_limit_with_one_skip() {
    let bomb = gzip(&gzip(&vec![0; 300 << 20]));
    let usual = Limits::default();
    let many = tar(&vec![("x", &b"y"[..]); 50]);
    for (packed, limits, reason) in [
        (&bomb, usual, "more than 2000 times its size"),
        (&bomb, Limits { bytes: 1 << 20, ..usual }, "unpacks to more than 1 MiB"),
        (&bomb, Limits { time: Duration::ZERO, ..usual }, "takes longer than 0 s"),
        (&many, Limits { entries: 20, ..usual }, "more than 20 entries"),
    ] {
        let extraction = extract_within("a", packed, limits);
        let reasons = extraction.reasons();
        assert!(extraction.skipped.len() == 1 && reasons.contains(reason), "{reasons}");
        assert!(reasons.contains("entries were scanned"), "{reasons}");
        assert!(extraction.bytes < (257 << 20) + packed.len() as u64, "{}", extraction.bytes);
        // The bytes of the container itself are handed over to the end nevertheless.
        assert!(extraction.contents.last().unwrap().1 == *packed);
    }
}

#[test]
fn content_that_was_not_handed_over_is_not_delegated() {
    let packed = tar(&vec![("x", &b"y"[..]); 50]);
    let extraction = extract_within("a", &packed, Limits { entries: 20, ..Limits::default() });
    assert_eq!(extraction.delegated[0].1.len(), 20);
    let cut = extract("a", &packed[..512]);
    assert!(cut.delegated.is_empty());
}

#[test]
fn a_declared_size_that_is_too_large_ends_with_the_input() {
    let mut oversized = tar_entry(b"a", b'0', b"data");
    oversized[124..136].copy_from_slice(b"77777777777\0");
    let header = super::kit::with_checksum(*oversized.first_chunk().unwrap());
    let extraction = extract("t", &[&header[..], b"data"].concat());
    assert_eq!(extraction.content("a"), b"data");
    assert!(extraction.reasons().contains("truncated"), "{}", extraction.reasons());
    // A name of 8 GiB that is missing, or present.
    let mut long = tar_entry(b"././@LongLink", b'L', b"");
    long[124..136].copy_from_slice(b"77777777777\0");
    let header = super::kit::with_checksum(*long.first_chunk().unwrap());
    let bomb = gzip(&[&header[..], &vec![b'n'; 64 << 20]].concat());
    assert!(extract("t", &bomb).reasons().contains("truncated"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_raw_bytes_of_a_damaged_container_are_handed_over(seed in any::<u64>(), packer in 0..5usize, cut in 0.0..1.0f64, place in 0.0..1.0f64, bit in 0..8u8) {
        let inner = tar(&[("a/b", &noise(seed, 700)), ("c", &gzip(b"c"))]);
        let pack = [gzip, bzip2, xz, zstd, |data: &[u8]| data.to_vec()][packer];
        let mut packed = tar(&[("x", &pack(&inner)), ("y", b"y")]);
        let position = ((packed.len() - 1) as f64 * place) as usize;
        packed[position] ^= 1 << bit;
        packed.truncate((packed.len() as f64 * (1.0 - cut * cut)) as usize);
        let mut extraction = Extraction::default();
        open(Input::Stream(&mut &packed[..]), b"t", Limits::default(), &mut extraction).unwrap();
        prop_assert_eq!(&extraction.contents.last().unwrap().1, &packed);
        prop_assert!(extraction.bytes < 100_000);
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
        let extraction = extract_within("deep", &packed, limits);
        let deepest = Limits::MAX_DEPTH;
        assert!(
            extraction.reasons().contains(&format!("more than {deepest} deep")),
            "{}",
            extraction.reasons()
        );
        assert_eq!(extraction.contents.len(), deepest + 1);
    }
}
