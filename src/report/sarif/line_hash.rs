//! The fingerprint by which GitHub code scanning tracks an alert when lines move.
//!
//! The hash of a line covers 100 UTF-16 units from its start on, across line ends and not counting spaces and tabs;
//! 65535 and then zeros follow the end of the file. Carriage returns, alone or before a line feed, count
//! as line feeds. The upload action computes the same hash for files in the checkout.

use std::collections::HashMap;

/// Units that one hash covers.
const BLOCK: usize = 100;
const FACTOR: u64 = 37;
const END: u16 = 65_535;

/// `hex:occurrence` for each line of a file, in order. Lines end where GitHub ends them, also at a lone
/// carriage return, and a final line end is followed by an empty line. Bytes that are not UTF-8 are read as
/// U+FFFD.
pub fn line_hashes(bytes: &[u8]) -> Vec<String> {
    let (units, starts) = normalized(bytes);
    let unit = |at: usize| u64::from(units.get(at).copied().unwrap_or(0));
    let leading_factor = FACTOR.wrapping_pow(BLOCK as u32 - 1);
    let mut hash = (0..BLOCK).fold(0_u64, |hash, at| hash.wrapping_mul(FACTOR).wrapping_add(unit(at)));
    let mut at = 0;
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let mut hashes = Vec::with_capacity(starts.len());
    for start in starts {
        while at < start {
            let rest = hash.wrapping_sub(unit(at).wrapping_mul(leading_factor));
            hash = rest.wrapping_mul(FACTOR).wrapping_add(unit(at + BLOCK));
            at += 1;
        }
        let occurrence = seen.entry(hash).or_insert(0);
        *occurrence += 1;
        hashes.push(format!("{hash:x}:{occurrence}"));
    }
    hashes
}

/// The units that are hashed, and the index among them at which each line starts.
fn normalized(bytes: &[u8]) -> (Vec<u16>, Vec<usize>) {
    let (blank, tab, feed, carriage) =
        (u16::from(b' '), u16::from(b'\t'), u16::from(b'\n'), u16::from(b'\r'));
    let mut units = Vec::with_capacity(bytes.len() + 1);
    let mut starts = Vec::new();
    let mut at_start = true;
    let mut after_carriage = false;
    for unit in String::from_utf8_lossy(bytes).encode_utf16().chain([END]) {
        let counts = unit != blank && unit != tab && !(after_carriage && unit == feed);
        after_carriage = counts && unit == carriage;
        if !counts {
            continue;
        }
        if at_start {
            starts.push(units.len());
        }
        let unit = if unit == carriage { feed } else { unit };
        at_start = unit == feed;
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
    // run with node on these inputs. On 600 random inputs the two agreed on those, too.

    #[test]
    fn a_final_line_end_is_followed_by_an_empty_line() {
        assert_eq!(line_hashes(b""), [EMPTY]);
        assert_eq!(line_hashes(b"a"), ["53b5d4aabe50d64:1"]);
        assert_eq!(line_hashes(b"a\n"), ["243cbaa4685aab12:1", EMPTY]);
    }

    #[test]
    fn white_space_is_skipped_and_line_ends_are_equal() {
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
    fn repeats_are_numbered() {
        let hashes = line_hashes("same\n".repeat(150).as_bytes());
        assert_eq!(hashes[..2], ["6468d5768bad9560:1", "6468d5768bad9560:2"]);
        assert_eq!(hashes.len(), 151);
        assert_eq!(hashes[148..], ["54dd522503d971eb:1", "930af01a65e2307f:1", EMPTY]);
    }

    #[test]
    fn hashes_utf16_units_and_replaces_invalid_utf8() {
        assert_eq!(line_hashes("\u{1f600}é".as_bytes()), ["bc519d3e21e1c9d5:1"]);
        assert_eq!(line_hashes(b"a\xff\xe2\x82"), line_hashes("a\u{fffd}\u{fffd}".as_bytes()));
    }
}
