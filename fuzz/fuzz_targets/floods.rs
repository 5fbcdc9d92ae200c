//! Searches for the text that takes the detector the most steps per byte: a sequence of parts of keys and separators, encoded
//! and repeated. Text that takes more steps per byte than any before counts as new coverage, so the fuzzer continues with it.

#![no_main]

#[allow(dead_code)]
#[path = "../../tests/kit/floods.rs"]
mod floods;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use friskey::detect::{Detector, EffortReserve, steps};
use friskey::rules::RuleSet;
use libfuzzer_sys::fuzz_target;

/// Bytes of each text: so many that the steps which any text may take, however short, hardly count.
const TEXT_LEN: usize = 1 << 19;

/// The largest number of parts and separators in the sequence.
const MAX_PIECES: usize = 24;

/// The target fails if a search takes more nanoseconds per byte. Sanitizers make it about twenty times as slow as a release
/// build.
const MAX_NANOSECONDS_PER_BYTE: u128 = 2000;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

/// Takes as many branches as `level` says, up to 32. The fuzzer counts each branch as coverage.
fn cover_branches(level: u64) {
    macro_rules! branches {
        ($($branch:literal)*) => {$( if level >= $branch { black_box($branch); } )*};
    }
    branches!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

fuzz_target!(|input: &[u8]| {
    let unit = floods::from_choices(&input[..input.len().min(1 + MAX_PIECES)]);
    if unit.is_empty() {
        return;
    }
    let text: Vec<u8> = unit.iter().copied().cycle().take(TEXT_LEN).collect();
    let start = Instant::now();
    let step_count = steps(|| drop(DETECTOR.find_with_keywords(&text, &mut EffortReserve::default(), |_| true, |_| {})));
    let nanoseconds_per_byte = start.elapsed().as_nanos() / TEXT_LEN as u128;
    cover_branches(2 * step_count / TEXT_LEN as u64);
    cover_branches(u64::from(u32::try_from(nanoseconds_per_byte).unwrap_or(u32::MAX).max(1).ilog2()));
    assert!(
        nanoseconds_per_byte < MAX_NANOSECONDS_PER_BYTE,
        "{nanoseconds_per_byte} ns for each byte of {:?}",
        String::from_utf8_lossy(&unit)
    );
});
