//! Computes the line hashes (in SARIF: partial fingerprints) by which GitHub code scanning recognizes an alert whose line has
//! moved.
//!
//! The hash of a line covers 100 UTF-16 units from the start of the line, across line ends and without spaces and tabs. The
//! unit 65535 and then zeros follow the end of the file. A carriage return, alone or before a line feed, counts as a line
//! feed. The algorithm is that of GitHub's upload action, which computes the same hashes for files in the checkout.

use std::collections::HashMap;

/// Number of units that a hash covers.
const HASHED_UNITS: usize = 100;
/// Factor of the polynomial rolling hash.
const FACTOR: u64 = 37;
/// The unit after the last one of a file.
const END_OF_FILE: u16 = 65_535;

/// `hash:occurrence` for each line of a file, in order; the hash is hexadecimal, and the occurrence counts the lines with the
/// same hash up to this one. As for GitHub, a lone carriage return ends a line, and an empty line follows a final line end.
/// Bytes that are not UTF-8 are read as U+FFFD.
pub fn line_hashes(bytes: &[u8]) -> Vec<String> {
    let (units, starts) = normalize(bytes);
    let unit = |index: usize| u64::from(units.get(index).copied().unwrap_or(0));
    let leading_factor = FACTOR.wrapping_pow(HASHED_UNITS as u32 - 1);
    let mut hash =
        (0..HASHED_UNITS).fold(0_u64, |hash, index| hash.wrapping_mul(FACTOR).wrapping_add(unit(index)));
    let mut index = 0;
    let mut occurrences: HashMap<u64, u64> = HashMap::new();
    let mut hashes = Vec::with_capacity(starts.len());
    for start in starts {
        while index < start {
            let rest = hash.wrapping_sub(unit(index).wrapping_mul(leading_factor));
            hash = rest.wrapping_mul(FACTOR).wrapping_add(unit(index + HASHED_UNITS));
            index += 1;
        }
        let occurrence = occurrences.entry(hash).or_insert(0);
        *occurrence += 1;
        hashes.push(format!("{hash:x}:{occurrence}"));
    }
    hashes
}

/// The units that are hashed, and for each line the index of its first unit.
fn normalize(bytes: &[u8]) -> (Vec<u16>, Vec<usize>) {
    let (space, tab, line_feed, carriage_return) =
        (u16::from(b' '), u16::from(b'\t'), u16::from(b'\n'), u16::from(b'\r'));
    let mut units = Vec::with_capacity(bytes.len() + 1);
    let mut starts = Vec::new();
    let mut at_line_start = true;
    let mut after_carriage_return = false;
    for unit in String::from_utf8_lossy(bytes).encode_utf16().chain([END_OF_FILE]) {
        let is_hashed = unit != space && unit != tab && !(after_carriage_return && unit == line_feed);
        after_carriage_return = is_hashed && unit == carriage_return;
        if !is_hashed {
            continue;
        }
        if at_line_start {
            starts.push(units.len());
        }
        let unit = if unit == carriage_return { line_feed } else { unit };
        at_line_start = unit == line_feed;
        units.push(unit);
    }
    (units, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of the end of a file alone: that of an empty last line.
    const EMPTY: &str = "c129715d7a2bc9a3:1";

    // The expected values were printed by `hash` of src/fingerprints.ts in github/codeql-action (f3f1edbed),
    // run with node on these inputs. Both also gave the same hashes for 600 random inputs.

    #[test]
    fn a_final_line_end_is_followed_by_an_empty_line() {
        assert_eq!(line_hashes(b""), [EMPTY]);
        assert_eq!(line_hashes(b"a"), ["53b5d4aabe50d64:1"]);
        assert_eq!(line_hashes(b"a\n"), ["243cbaa4685aab12:1", EMPTY]);
    }

    #[test]
    fn spaces_and_tabs_are_ignored_and_all_line_ends_are_equal() {
        let hashes = ["790f81e5b114fed4:1", "1f7b9f1ae97918ec:1", "c33be7e0cf7c3ca:1", EMPTY];
        assert_eq!(line_hashes(b"a b\tc\r\nx\ry\n"), hashes);
        assert_eq!(line_hashes(b"\tabc\nx \n\t y\r\n"), hashes);
    }

    #[test]
    fn a_space_separates_a_carriage_return_from_its_line_feed() {
        let hashes = ["8ad54fab729d8bb5:1", "3f73cdf52e365cf1:1", "339c9e69aebadc6b:1", EMPTY];
        assert_eq!(line_hashes(b"one\r \ntwo\n"), hashes);
    }

    #[test]
    fn only_the_start_of_a_long_line_is_hashed() {
        let (long, next) = ("x".repeat(250), "x".repeat(99));
        let hashes = ["52b56201ffb58620:1", "52b56201ffb585b2:1", EMPTY];
        assert_eq!(line_hashes(format!("{long}\n{next}\n").as_bytes()), hashes);
    }

    #[test]
    fn equal_hashes_are_numbered() {
        let hashes = line_hashes("same\n".repeat(150).as_bytes());
        assert_eq!(hashes[..2], ["6468d5768bad9560:1", "6468d5768bad9560:2"]);
        assert_eq!(hashes.len(), 151);
        assert_eq!(hashes[148..], ["54dd522503d971eb:1", "930af01a65e2307f:1", EMPTY]);
    }

    #[test]
    fn utf16_units_are_hashed_and_invalid_utf8_is_replaced() {
        assert_eq!(line_hashes("\u{1f600}é".as_bytes()), ["bc519d3e21e1c9d5:1"]);
        assert_eq!(line_hashes(b"a\xff\xe2\x82"), line_hashes("a\u{fffd}\u{fffd}".as_bytes()));
    }
}
