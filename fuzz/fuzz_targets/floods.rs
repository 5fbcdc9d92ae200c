//! Searches for the text that takes the detector the most steps per byte: pieces of keys and what may separate them, in some
//! encoding, repeated. Text that takes more steps per byte than any before counts as new coverage, so that the fuzzer climbs.

#![no_main]

#[allow(dead_code)]
#[path = "../../tests/kit/floods.rs"]
mod floods;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use friskey::detect::{Detector, steps};
use friskey::rules::RuleSet;
use libfuzzer_sys::fuzz_target;

/// Bytes of each text: enough that what may be done once for any text counts for little.
const SIZE: usize = 1 << 19;

/// Pieces of which one is made.
const MOST_PIECES: usize = 24;

/// Nanoseconds for each byte that no text may take here, where sanitizers make all of it some twenty times as slow.
const MOST: u128 = 2000;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

/// A step on each level is a branch of its own, which is what the fuzzer sees.
fn climb(level: u64) {
    macro_rules! ladder {
        ($($step:literal)*) => {$( if level >= $step { black_box($step); } )*};
    }
    ladder!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

fuzz_target!(|data: &[u8]| {
    let unit = floods::chosen(&data[..data.len().min(1 + MOST_PIECES)]);
    if unit.is_empty() {
        return;
    }
    let text: Vec<u8> = unit.iter().copied().cycle().take(SIZE).collect();
    let begun = Instant::now();
    let taken = steps(|| drop(DETECTOR.find_with_keywords(&text, |_| true, |_| {})));
    let nanoseconds = begun.elapsed().as_nanos() / SIZE as u128;
    climb(2 * taken / SIZE as u64);
    climb(u64::from(u32::try_from(nanoseconds).unwrap_or(u32::MAX).ilog2()));
    assert!(nanoseconds < MOST, "{nanoseconds} ns for each byte of {:?}", String::from_utf8_lossy(&unit));
});
