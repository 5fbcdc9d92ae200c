//! The prefilter: finds all keywords of all rules in one pass, by a few rare bytes (the *window*) of each.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind, packed};

use super::byte_frequency::TRIGRAM_LEN;
use super::rare_trigrams::choose_trigrams;
use super::teddy_buckets::{MAX_SLIM_PATTERNS, order_for_buckets};

/// What a keyword belongs to: variants, chains or literals, as indexes assigned by the detector.
type Targets = Vec<usize>;

/// All keywords, searched for at once.
#[derive(Debug)]
pub(super) struct Prefilter {
    search: Engine,
    /// The keywords with each window, in the order in which the engine numbers the windows.
    by_window_index: Vec<Vec<Keyword>>,
    max_keyword_len: usize,
}

#[derive(Debug)]
struct Keyword {
    bytes: Vec<u8>,
    /// Offset of the window in the keyword.
    offset: usize,
    targets: Targets,
}

#[derive(Debug)]
enum Engine {
    /// Vectorized, and quick to build.
    Packed(packed::Searcher),
    /// For too many windows, or CPUs without suitable vectors.
    Automaton(AhoCorasick),
    Nothing,
}

impl Prefilter {
    /// A prefilter for these pairs of a keyword and a target.
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a [u8], usize)>) -> Result<Self, BuildError> {
        let mut targets: BTreeMap<&[u8], Targets> = BTreeMap::new();
        for (keyword, target) in pairs {
            let list = targets.entry(keyword).or_default();
            if list.last() != Some(&target) {
                list.push(target);
            }
        }
        let keywords: Vec<&[u8]> = targets.keys().copied().collect();
        let max_keyword_len = keywords.iter().map(|keyword| keyword.len()).max().unwrap_or(0);
        let mut by_window: BTreeMap<&[u8], Vec<Keyword>> = BTreeMap::new();
        for ((bytes, targets), offset) in targets.into_iter().zip(choose_trigrams(&keywords)) {
            let window = &bytes[offset..bytes.len().min(offset + TRIGRAM_LEN)];
            let keyword = Keyword { bytes: bytes.to_vec(), offset, targets };
            by_window.entry(window).or_default().push(keyword);
        }
        merge_prefixes(&mut by_window);
        let is_slim = by_window.len() <= MAX_SLIM_PATTERNS;
        let windows = order_for_buckets(by_window.keys().copied().collect());
        let search = Engine::new(&windows, is_slim)?;
        // `order_for_buckets` may repeat the first window as padding. The engine reports the first copy only.
        let by_window_index =
            windows.iter().map(|window| by_window.remove(window).unwrap_or_default()).collect();
        Ok(Self { search, by_window_index, max_keyword_len })
    }

    /// Calls `hit` with the target and position of every keyword in `bytes`.
    ///
    /// Hits may overlap: the search continues one byte after the start of each hit.
    pub(super) fn find(&self, bytes: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        let mut from = 0;
        while let Some((window, found)) = self.search.find(bytes, from) {
            for Keyword { bytes: keyword, offset, targets } in &self.by_window_index[window] {
                let Some(at) = found.checked_sub(*offset) else { continue };
                // Several keywords contain the same window, so that most are not here.
                if bytes.get(at + keyword.len() - 1) == keyword.last() && bytes[at..].starts_with(keyword) {
                    targets.iter().for_each(|&target| hit(target, at..at + keyword.len()));
                }
            }
            from = found + 1;
        }
    }

    /// Length of the longest keyword.
    pub(super) fn max_keyword_len(&self) -> usize {
        self.max_keyword_len
    }

    /// Like [`find`](Self::find), by trying every keyword at every position. Tests compare the two.
    pub(super) fn find_plainly(&self, bytes: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        for at in 0..bytes.len() {
            for Keyword { bytes: keyword, targets, .. } in self.by_window_index.iter().flatten() {
                if bytes[at..].starts_with(keyword) {
                    targets.iter().for_each(|&target| hit(target, at..at + keyword.len()));
                }
            }
        }
    }
}

/// Adds the keywords of each window that begins with another one to that, since the engine reports one window per
/// position.
fn merge_prefixes(by_window: &mut BTreeMap<&[u8], Vec<Keyword>>) {
    let windows: Vec<&[u8]> = by_window.keys().copied().collect();
    for window in &windows {
        let shorter = windows.iter().find(|other| *other != window && window.starts_with(other));
        if let Some(shorter) = shorter {
            let keywords = by_window.remove(window).unwrap_or_default();
            by_window.entry(shorter).or_default().extend(keywords);
        }
    }
}

impl Engine {
    /// If `is_slim`, the vectorized search uses eight buckets regardless of the number of patterns.
    fn new(patterns: &[&[u8]], is_slim: bool) -> Result<Self, BuildError> {
        if patterns.is_empty() {
            return Ok(Self::Nothing);
        }
        let mut config = packed::Config::new();
        config.match_kind(packed::MatchKind::LeftmostFirst);
        if is_slim {
            config.only_teddy_fat(Some(false)).heuristic_pattern_limits(false);
        }
        let packed = config.builder().extend(patterns).build();
        if let Some(searcher) = packed {
            return Ok(Self::Packed(searcher));
        }
        // Only leftmost matching enables the vectorized prefilters.
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns)?;
        Ok(Self::Automaton(automaton))
    }

    /// The index of the first pattern from `from` on, and its position.
    fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(bytes, (from..bytes.len()).into()),
            Self::Automaton(automaton) => automaton.find(Input::new(bytes).range(from..)),
            Self::Nothing => None,
        };
        found.map(|found| (found.pattern().as_usize(), found.start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_and_nested_keywords_all_hit() {
        let keywords: [(&[u8], usize); 4] = [(b"sk-", 0), (b"sk-proj-", 1), (b"abc", 2), (b"bcd", 3)];
        let keywords = Prefilter::new(keywords.into_iter()).unwrap();
        let mut hits = Vec::new();
        keywords.find(b"sk-proj- abcd sk-", |target, at| hits.push((target, at)));
        hits.sort_by_key(|(target, at)| (at.start, *target));
        assert_eq!(hits, [(0, 0..3), (1, 0..8), (2, 9..12), (3, 10..13), (0, 14..17)]);
    }

    #[test]
    fn every_keyword_is_found_wherever_its_trigram_is() {
        let keywords: [&[u8]; 6] = [b"\\x73", b"0x73", b"ab", b"abc", b"zzabz", b"AZURE_OPENAI"];
        let pairs = keywords.iter().enumerate().map(|(index, keyword)| (*keyword, index));
        let keywords = Prefilter::new(pairs).unwrap();
        for text in [&b"0x73\\x73 zzabzz abcabAZURE_OPENAI"[..], b"x73ab", b"", b"AZURE_OPENA", b"b0x73"] {
            let (mut hits, mut plainly) = (Vec::new(), Vec::new());
            keywords.find(text, |target, at| hits.push((at.start, target)));
            keywords.find_plainly(text, |target, at| plainly.push((at.start, target)));
            hits.sort_unstable();
            plainly.sort_unstable();
            assert_eq!(hits, plainly);
        }
    }
}
