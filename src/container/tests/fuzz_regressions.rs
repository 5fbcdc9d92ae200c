//! Regression tests for inputs found by fuzzing.

use super::kit::opened;

#[test]
fn a_truncated_ar_has_nothing_after_its_end() {
    for size in ["0", "8", "644"] {
        let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a/", "0", "0", "0", "644", size);
        let archive = [b"!<arch>\n", header.as_bytes(), b"data"].concat();
        let taken = opened("a.deb", &archive);
        let ranges = taken.delegated.iter().flat_map(|(_, ranges)| ranges);
        assert!(ranges.clone().all(|range| range.end <= archive.len() as u64), "{:?}", taken.delegated);
    }
}
