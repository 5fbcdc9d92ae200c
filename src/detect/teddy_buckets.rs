//! The order in which the prefilter is told its windows, which decides how fast it is.
//!
//! Its vectorised search (Teddy, of aho-corasick) sorts patterns into buckets and looks, for each bucket and each
//! of the first bytes, at the set of low and of high nybbles: patterns that share a bucket let every mixture of
//! them through as a false candidate. Buckets are dealt out in turn, so that the order of patterns decides who
//! shares one. In an unlucky order four times as much time is spent as in a good one. Nothing but speed depends
//! on this.

use super::byte_frequency::{ByteFrequencies, ClassProbabilities, TRIGRAM_LEN, joint_probability};

/// Up to this many patterns the search uses eight buckets. With sixteen it needs half as much again for each byte, and with
/// more patterns in eight it follows too many false candidates.
pub(super) const MAX_SLIM_PATTERNS: usize = 52;

/// Passes over all pairs, at most; they find nearly all there is to find.
const MAX_PASSES: usize = 6;

/// Swaps must gain this part of the cost, or rounding would swap for ever.
const MIN_IMPROVEMENT: f64 = 0.9999;

/// `windows` in a good order. All are of [`TRIGRAM_LEN`] bytes, or their order does not matter.
pub(super) fn order_for_buckets(windows: Vec<&[u8]>) -> Vec<&[u8]> {
    if windows.iter().any(|window| window.len() != TRIGRAM_LEN) {
        return windows;
    }
    let buckets = if windows.len() > MAX_SLIM_PATTERNS && cfg!(target_arch = "x86_64") { 16 } else { 8 };
    // Those with the same low nybbles share a bucket wherever they stand: the first of them decides.
    let mut groups: Vec<Vec<&[u8]>> = Vec::new();
    for window in windows {
        let same = |group: &&mut Vec<&[u8]>| group[0].iter().zip(window).all(|(a, b)| a & 15 == b & 15);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(window),
            None => groups.push(vec![window]),
        }
    }
    improve(&mut groups, buckets);
    let rest: Vec<&[u8]> = groups.iter().flat_map(|group| &group[1..]).copied().collect();
    groups.iter().map(|group| group[0]).chain(rest).collect()
}

/// Swaps groups as long as that lowers the number of false candidates.
fn improve(groups: &mut [Vec<&[u8]>], buckets: usize) {
    let frequencies = ByteFrequencies::new();
    let mut nybbles: Vec<NybbleSets> = groups.iter().map(|group| NybbleSets::of(group)).collect();
    let cost = |nybbles: &[NybbleSets], bucket: usize| {
        let mut all = NybbleSets::default();
        nybbles.iter().skip(bucket).step_by(buckets).for_each(|one| all.add(one));
        all.candidates(&frequencies)
    };
    let mut costs: Vec<f64> = (0..buckets.min(groups.len())).map(|bucket| cost(&nybbles, bucket)).collect();
    for _ in 0..MAX_PASSES {
        let mut improved = false;
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let (left, right) = (a % buckets, b % buckets);
                if left == right {
                    continue;
                }
                nybbles.swap(a, b);
                let (new_left, new_right) = (cost(&nybbles, left), cost(&nybbles, right));
                if new_left + new_right < (costs[left] + costs[right]) * MIN_IMPROVEMENT {
                    (costs[left], costs[right]) = (new_left, new_right);
                    groups.swap(a, b);
                    improved = true;
                } else {
                    nybbles.swap(a, b);
                }
            }
        }
        if !improved {
            return;
        }
    }
}

/// For each byte of a window, which low and which high nybbles some pattern has.
#[derive(Clone, Copy, Default)]
struct NybbleSets([(u16, u16); TRIGRAM_LEN]);

impl NybbleSets {
    fn of(patterns: &[&[u8]]) -> Self {
        let mut all = Self::default();
        for pattern in patterns {
            for (set, byte) in all.0.iter_mut().zip(*pattern) {
                *set = (set.0 | 1 << (byte & 15), set.1 | 1 << (byte >> 4));
            }
        }
        all
    }

    fn add(&mut self, other: &Self) {
        for (set, more) in self.0.iter_mut().zip(&other.0) {
            *set = (set.0 | more.0, set.1 | more.1);
        }
    }

    /// How often per byte of text some mixture of these turns up.
    fn candidates(&self, frequencies: &ByteFrequencies) -> f64 {
        let mut probabilities = ClassProbabilities::default();
        for (place, &(low, high)) in probabilities.iter_mut().zip(&self.0) {
            for high in bits(high) {
                bits(low).for_each(|low| frequencies.add(high << 4 | low, place));
            }
        }
        joint_probability(&probabilities)
    }
}

/// The numbers of the bits that are set.
fn bits(mut set: u16) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let lowest = u8::try_from(set.trailing_zeros()).ok().filter(|_| set != 0)?;
        set &= set - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_windows_come_out() {
        let mut windows: Vec<Vec<u8>> = (0..50_u8).map(|n| vec![b'a' + n % 7, b'0' + n % 9, n]).collect();
        windows.sort();
        let mut arranged = order_for_buckets(windows.iter().map(Vec::as_slice).collect());
        arranged.sort_unstable();
        assert_eq!(arranged, windows);
        assert!(order_for_buckets(Vec::new()).is_empty());
        assert_eq!(order_for_buckets(vec![b"ab", b"cde"]), [&b"ab"[..], b"cde"]);
    }
}
