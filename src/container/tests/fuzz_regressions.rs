//! Regression tests for inputs found by fuzzing.

use super::kit::extract;

#[test]
fn no_range_of_a_truncated_ar_exceeds_it() {
    for size in ["0", "8", "644"] {
        let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a/", "0", "0", "0", "644", size);
        let archive = [b"!<arch>\n", header.as_bytes(), b"data"].concat();
        let extraction = extract("a.deb", &archive);
        let ranges = extraction.delegated.iter().flat_map(|(_, ranges)| ranges);
        assert!(ranges.clone().all(|range| range.end <= archive.len() as u64), "{:?}", extraction.delegated);
    }
}
