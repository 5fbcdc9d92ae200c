//! The prefilter: all anchors of all rules in one aho-corasick pass.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};

use super::arrange::arrange;

/// What an anchor belongs to, by numbers that the detector gives.
type Targets = Vec<usize>;

/// Every anchor, searched for at once.
#[derive(Debug)]
pub(super) struct Anchors {
    automaton: AhoCorasick,
    /// All anchors with the same first byte; the automaton holds only those of which no other is a
    /// prefix, so that a hit of `sk-` stands for `sk-proj-` too.
    by_first_byte: Vec<Vec<(Vec<u8>, Targets)>>,
}

impl Anchors {
    /// Anchors and what they belong to.
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a [u8], usize)>) -> Result<Self, BuildError> {
        let mut targets: BTreeMap<Vec<u8>, Targets> = BTreeMap::new();
        for (anchor, target) in pairs {
            let list = targets.entry(anchor.to_vec()).or_default();
            if list.last() != Some(&target) {
                list.push(target);
            }
        }
        let shortest: Vec<&[u8]> = targets
            .keys()
            .map(Vec::as_slice)
            .filter(|anchor| !targets.keys().any(|other| other != anchor && anchor.starts_with(other)))
            .collect();
        let automaton = AhoCorasick::builder()
            // Leftmost matching is what lets the vectorised prefilters in.
            .match_kind(MatchKind::LeftmostFirst)
            .build(arrange(shortest))?;
        let mut by_first_byte = vec![Vec::new(); 256];
        for (anchor, list) in targets {
            by_first_byte[usize::from(anchor[0])].push((anchor, list));
        }
        Ok(Self { automaton, by_first_byte })
    }

    /// Calls `hit` with a target and the place of its anchor, for every anchor in `bytes`.
    ///
    /// Hits may overlap: after each the search goes on one byte further, not behind the hit.
    pub(super) fn find(&self, bytes: &[u8], mut hit: impl FnMut(usize, std::ops::Range<usize>)) {
        let mut from = 0;
        while let Some(found) = self.automaton.find(Input::new(bytes).range(from..)) {
            let at = found.start();
            for (anchor, targets) in &self.by_first_byte[usize::from(bytes[at])] {
                if bytes[at..].starts_with(anchor) {
                    for &target in targets {
                        hit(target, at..at + anchor.len());
                    }
                }
            }
            from = at + 1;
        }
    }

    /// The same, every anchor tried at every place: the oracle of tests.
    pub(super) fn find_plainly(&self, bytes: &[u8], mut hit: impl FnMut(usize, std::ops::Range<usize>)) {
        for at in 0..bytes.len() {
            for (anchor, targets) in self.by_first_byte.iter().flatten() {
                if bytes[at..].starts_with(anchor) {
                    for &target in targets {
                        hit(target, at..at + anchor.len());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_and_nested_anchors_all_hit() {
        let anchors: [(&[u8], usize); 4] = [(b"sk-", 0), (b"sk-proj-", 1), (b"abc", 2), (b"bcd", 3)];
        let anchors = Anchors::new(anchors.into_iter()).unwrap();
        let mut hits = Vec::new();
        anchors.find(b"sk-proj- abcd sk-", |target, at| hits.push((target, at)));
        assert_eq!(hits, [(0, 0..3), (1, 0..8), (2, 9..12), (3, 10..13), (0, 14..17)]);
    }
}
