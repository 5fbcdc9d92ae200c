//! Selects the three bytes of each keyword that the prefilter searches for.
//!
//! Any three bytes of a keyword will do, because the whole keyword is compared where they occur. Rare ones cost
//! nothing, and some occur in many keywords. The fewer patterns there are, the faster the search is, up to twice as fast.

use std::collections::{BTreeMap, BTreeSet};

use super::byte_frequency::{ByteFrequencies, TRIGRAM_LEN};
use super::measured_trigrams::measured_bucket;

/// A window with fewer occurrences per byte of text than this is rare enough for every keyword that contains
/// it.
const RARE_PER_BYTE: f64 = 6e-5;

/// For each keyword, the offset of its window, which is at most [`TRIGRAM_LEN`] bytes long.
pub(super) fn choose_trigrams(keywords: &[&[u8]]) -> Vec<usize> {
    let frequencies = ByteFrequencies::new();
    let windows: Vec<Vec<(&[u8], f64)>> =
        keywords.iter().map(|keyword| rare_windows(keyword, &frequencies)).collect();
    let measured = |index: &usize| {
        keywords[*index].windows(TRIGRAM_LEN).find(|window| measured_bucket(window).is_some())
    };
    let mut trigrams: BTreeSet<&[u8]> = (0..keywords.len()).filter_map(|index| measured(&index)).collect();
    let mut left: BTreeSet<usize> = (0..keywords.len()).filter(|index| measured(index).is_none()).collect();
    while !left.is_empty() {
        let mut windows_left: BTreeMap<&[u8], (usize, f64)> = BTreeMap::new();
        for (window, share) in left.iter().flat_map(|&index| &windows[index]) {
            windows_left.entry(window).or_insert((0, *share)).0 += 1;
        }
        // The window that is in most keywords; among several, the rarest.
        let better = |a: &(usize, f64), b: &(usize, f64)| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1));
        let Some((&best, _)) = windows_left.iter().min_by(|a, b| better(a.1, b.1)) else { break };
        trigrams.insert(best);
        left.retain(|&index| !windows[index].iter().any(|(window, _)| *window == best));
    }
    let place = |keyword: &&[u8]| {
        let len = keyword.len().min(TRIGRAM_LEN);
        keyword.windows(len.max(1)).position(|window| trigrams.contains(window)).unwrap_or(0)
    };
    keywords.iter().map(place).collect()
}

/// The windows of `keyword` that are rare enough, or else its rarest.
fn rare_windows<'a>(keyword: &'a [u8], frequencies: &ByteFrequencies) -> Vec<(&'a [u8], f64)> {
    let windows = keyword.windows(keyword.len().clamp(1, TRIGRAM_LEN));
    let all: Vec<(&[u8], f64)> =
        windows.map(|window| (window, frequencies.window_frequency(window))).collect();
    let least = all.iter().map(|(_, share)| *share).fold(f64::INFINITY, f64::min);
    all.into_iter().filter(|(_, share)| *share <= least.max(RARE_PER_BYTE)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_share_windows_and_avoid_common_ones() {
        let keywords: [&[u8]; 5] = [b"\\x73", b"0x73", b"AZURE_A", b"AZUREB", b"\"the_Qj"];
        let places = choose_trigrams(&keywords);
        let window = |index: usize| &keywords[index][places[index]..places[index] + TRIGRAM_LEN];
        assert_eq!(window(0), b"x73");
        assert_eq!(window(1), b"x73");
        assert_eq!(window(2), window(3));
        assert_ne!(window(4), b"the");
        assert_eq!(choose_trigrams(&[b"ab", b"sk-"]), [0, 0]);
    }
}
