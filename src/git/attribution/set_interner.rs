//! Stores sets of secrets. Each distinct set is stored once and identified by a number.
//!
//! Neighboring commits and trees nearly always contain the same secrets: a history of a hundred thousand commits has a
//! handful of distinct sets. To compare two sets, their numbers are compared.

use std::collections::HashMap;

/// The number of a set. Equal sets have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::git) struct SetId(u32);

impl SetId {
    pub(in crate::git) const EMPTY: Self = Self(0);
}

/// Maximum number of cached unions: enough for any real history. In a hostile one, all unions may be distinct.
const MAX_CACHED_UNIONS: usize = 1 << 20;

/// All distinct sets, as bit sets.
pub(super) struct SetInterner {
    /// Length of a set, in words of 64 bits.
    words: usize,
    sets: Vec<Box<[u64]>>,
    numbers: HashMap<Box<[u64]>, SetId>,
    unions: HashMap<(SetId, SetId), SetId>,
}

impl SetInterner {
    /// Stores sets of secrets whose numbers are below `secrets`. The empty set has the number 0.
    pub(super) fn new(secrets: usize) -> Self {
        let words = secrets.div_ceil(64).max(1);
        let mut sets = Self { words, sets: Vec::new(), numbers: HashMap::new(), unions: HashMap::new() };
        sets.intern(vec![0; words].into());
        sets
    }

    /// The number of a set. A new set gets the next number.
    fn intern(&mut self, set: Box<[u64]>) -> SetId {
        if let Some(&known) = self.numbers.get(&set) {
            return known;
        }
        // There is at most one set per object, and objects are numbered with 32 bits.
        let id = SetId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        self.sets.push(set.clone());
        self.numbers.insert(set, id);
        id
    }

    /// The set with these secrets. Numbers out of range are ignored.
    pub(super) fn intern_secrets(&mut self, secrets: &[u32]) -> SetId {
        let mut set = vec![0u64; self.words];
        for &secret in secrets {
            if let Some(word) = set.get_mut(secret as usize / 64) {
                *word |= 1 << (secret % 64);
            }
        }
        self.intern(set.into())
    }

    /// The secrets in `a` or in `b`.
    pub(super) fn union(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b || b == SetId::EMPTY {
            return a;
        }
        if a == SetId::EMPTY {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.unions.get(&key) {
            return known;
        }
        let set = self.words_of(a).iter().zip(self.words_of(b)).map(|(a, b)| a | b).collect();
        let id = self.intern(set);
        if self.unions.len() >= MAX_CACHED_UNIONS {
            self.unions.clear();
        }
        self.unions.insert(key, id);
        id
    }

    fn words_of(&self, id: SetId) -> &[u64] {
        self.sets.get(id.0 as usize).map_or(&[], |set| &set[..])
    }

    /// Whether a set contains a secret.
    pub(super) fn contains(&self, id: SetId, secret: u32) -> bool {
        self.words_of(id).get(secret as usize / 64).is_some_and(|word| word >> (secret % 64) & 1 == 1)
    }

    /// The secrets in `a` but not in `b`, ascending.
    pub(super) fn difference(&self, a: SetId, b: SetId) -> impl Iterator<Item = u32> {
        let words = self.words_of(a).iter().zip(self.words_of(b)).map(|(a, b)| a & !b);
        words.zip(0u32..).flat_map(|(word, index)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index * 64 + bit)
        })
    }

    /// The secrets in a set, ascending.
    pub(super) fn members(&self, id: SetId) -> impl Iterator<Item = u32> {
        self.difference(id, SetId::EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_have_equal_numbers() {
        let mut sets = SetInterner::new(130);
        let a = sets.intern_secrets(&[1, 129]);
        let b = sets.intern_secrets(&[64]);
        let both = sets.union(a, b);
        assert_eq!(both, sets.intern_secrets(&[129, 64, 1, 1]));
        assert_eq!(sets.union(b, a), both);
        assert_eq!(sets.union(both, SetId::EMPTY), both);
        assert_eq!(sets.intern_secrets(&[]), SetId::EMPTY);
        assert_eq!(sets.intern_secrets(&[5000]), SetId::EMPTY);
        assert_eq!(sets.members(both).collect::<Vec<_>>(), [1, 64, 129]);
        assert_eq!(sets.difference(both, a).collect::<Vec<_>>(), [64]);
        assert!(sets.contains(both, 129) && !sets.contains(both, 128));
    }
}
