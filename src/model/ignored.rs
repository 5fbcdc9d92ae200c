//! What a scan left out on purpose. All of it is counted, and a limited number is listed by name.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// The kind of what was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IgnoredKind {
    /// A built-in rule that is replaced or disabled.
    Rule,
    /// A surface that was not scanned.
    Surface,
    /// A limit or threshold stricter than the default.
    Limit,
    /// Findings that a baseline accepts.
    Accepted,
    /// Commits, objects or refs.
    Object,
    /// A file, or a directory with its contents.
    Path,
}

/// Something left out on purpose: by an ignore file, an option, the configuration or the rules in force.
///
/// Unlike a [`Skip`](super::Skip), it does not make a scan incomplete. But every report lists it, so that readers know
/// what a clean result does not cover.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ignored {
    /// The kind of what was left out.
    pub kind: IgnoredKind,
    /// What was left out: a path (a directory ends in `/`), a surface, a rule.
    pub what: String,
    /// What left it out, e.g. ``.gitignore:3 `*.env` `` or ``friskey.toml: exclude `vendor/` ``.
    pub by: String,
    /// The option that includes it, e.g. `--no-ignore`; empty if there is none.
    pub include_with: String,
}

impl Ignored {
    /// Records that `by` left out `what`, which the option `include_with` would include.
    pub fn new(
        kind: IgnoredKind,
        what: impl Into<String>,
        by: impl Into<String>,
        include_with: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), by: by.into(), include_with: include_with.into() }
    }

    /// Whether it is a file that often contains keys: `.env`, `.env.local`, `prod.env`, `.envrc`.
    fn is_env_file(&self) -> bool {
        let name = self.what.rsplit('/').next().unwrap_or_default();
        self.kind == IgnoredKind::Path && (name.starts_with(".env") || name.ends_with(".env"))
    }

    /// Records a path that was left out.
    pub fn path(what: impl Into<String>, by: impl Into<String>, include_with: impl Into<String>) -> Self {
        Self::new(IgnoredKind::Path, what, by, include_with)
    }
}

impl Ord for Ignored {
    /// Sorts by kind, and files that often contain keys before other paths, since reports list only the first ones.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |ignored: &Self| (ignored.kind, !ignored.is_env_file());
        let cmp_texts = || {
            let what = self.what.cmp(&other.what);
            what.then_with(|| self.by.cmp(&other.by)).then_with(|| self.include_with.cmp(&other.include_with))
        };
        rank(self).cmp(&rank(other)).then_with(cmp_texts)
    }
}

impl PartialOrd for Ignored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How many things were left out, by kind and the option that includes them.
type IgnoredCounts = BTreeMap<(IgnoredKind, String), u64>;

/// Everything that was left out. Counts all of it, and keeps the first [`IgnoredSet::MAX_ITEMS`] of each kind in sort
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredSet {
    counts: IgnoredCounts,
    items: BTreeMap<IgnoredKind, BTreeSet<Ignored>>,
}

impl IgnoredSet {
    /// Maximum number of items of one kind that are kept.
    pub const MAX_ITEMS: usize = 1_000;
    /// Maximum number of options that are counted separately. friskey has fewer, but text that an attacker controls may
    /// end up in `include_with`.
    const MAX_OPTIONS: usize = 64;

    /// Adds one. A duplicate of a kept item is not counted again.
    pub fn insert(&mut self, ignored: Ignored) {
        let key = (ignored.kind, ignored.include_with.clone());
        if self.insert_item(ignored) {
            self.count(key, 1);
        }
    }

    /// Adds what another part of the same scan left out.
    pub fn merge(&mut self, other: Self) {
        let Self { mut counts, items } = other;
        for ignored in items.into_values().flatten() {
            let key = (ignored.kind, ignored.include_with.clone());
            if !self.insert_item(ignored)
                && let Some(count) = counts.get_mut(&key)
            {
                *count -= 1;
            }
        }
        counts.into_iter().for_each(|(key, count)| self.count(key, count));
    }

    /// Keeps the item if it is among the first of its kind. Returns whether it must be counted: it is not a duplicate of
    /// a kept item.
    fn insert_item(&mut self, ignored: Ignored) -> bool {
        let items = self.items.entry(ignored.kind).or_default();
        if items.len() >= Self::MAX_ITEMS && items.last().is_some_and(|last| *last < ignored) {
            return true;
        }
        let is_new = items.insert(ignored);
        if items.len() > Self::MAX_ITEMS {
            items.pop_last();
        }
        is_new
    }

    fn count(&mut self, (kind, option): (IgnoredKind, String), count: u64) {
        let is_known = self.counts.contains_key(&(kind, option.clone()));
        let option = if is_known || self.counts.len() < Self::MAX_OPTIONS { option } else { String::new() };
        *self.counts.entry((kind, option)).or_default() += count;
    }

    /// How many things were left out.
    pub fn len(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kept items, in order: those that concern the whole scan first, paths last.
    pub fn iter(&self) -> impl Iterator<Item = &Ignored> {
        self.items.values().flatten()
    }

    /// How many things were left out, by kind and the option that includes them.
    pub fn counts(&self) -> impl Iterator<Item = (IgnoredKind, &str, u64)> {
        let counts = self.counts.iter().filter(|&(_, &count)| count > 0);
        counts.map(|((kind, option), &count)| (*kind, option.as_str(), count))
    }

    /// Applies `rewrite` to the texts of the kept items, to redact them.
    pub fn rewrite_texts(&mut self, mut rewrite: impl FnMut(&mut String)) {
        for items in self.items.values_mut() {
            let rewritten = std::mem::take(items).into_iter().map(|mut ignored| {
                rewrite(&mut ignored.what);
                rewrite(&mut ignored.by);
                ignored
            });
            *items = rewritten.collect();
        }
    }
}

impl Extend<Ignored> for IgnoredSet {
    fn extend<I: IntoIterator<Item = Ignored>>(&mut self, all: I) {
        all.into_iter().for_each(|ignored| self.insert(ignored));
    }
}

impl FromIterator<Ignored> for IgnoredSet {
    fn from_iter<I: IntoIterator<Item = Ignored>>(all: I) -> Self {
        let mut set = Self::default();
        set.extend(all);
        set
    }
}

/// Serializes as two fields: `ignored`, the kept items, and `ignored_total`, the number of all.
impl Serialize for IgnoredSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct ItemSeq<'a>(&'a IgnoredSet);
        impl Serialize for ItemSeq<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter())
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ignored", &ItemSeq(self))?;
        map.serialize_entry("ignored_total", &self.len())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(n: usize) -> Ignored {
        Ignored::path(format!("{n:07}"), ".gitignore:1", "--no-ignore")
    }

    #[test]
    fn the_first_items_are_kept_and_all_are_counted() {
        let mut set: IgnoredSet = (0..5_000).rev().map(path).collect();
        set.insert(Ignored::new(IgnoredKind::Surface, "blob", "--surfaces", "--surfaces"));
        assert_eq!(set.len(), 5_001);
        assert_eq!(set.iter().count(), IgnoredSet::MAX_ITEMS + 1);
        assert_eq!(set.iter().next().unwrap().what, "blob");
        assert_eq!(set.iter().last(), Some(&path(IgnoredSet::MAX_ITEMS - 1)));
        let counts: Vec<_> = set.counts().collect();
        assert_eq!(
            counts,
            [(IgnoredKind::Surface, "--surfaces", 1), (IgnoredKind::Path, "--no-ignore", 5_000)]
        );
    }

    #[test]
    fn files_that_often_contain_keys_come_first() {
        let paths = ["a/", "a/.env", "b/.env.local", "c.txt", "d/prod.env", "e.envelope", "f.env/"];
        let set: IgnoredSet = paths.into_iter().map(|path| Ignored::path(path, "x", "")).collect();
        let paths: Vec<_> = set.iter().map(|ignored| &ignored.what[..]).collect();
        assert_eq!(paths, ["a/.env", "b/.env.local", "d/prod.env", "a/", "c.txt", "e.envelope", "f.env/"]);
    }

    #[test]
    fn merging_counts_shared_items_once() {
        let mut set: IgnoredSet = (0..10).map(path).collect();
        set.merge((5..20).map(path).collect());
        set.insert(path(3));
        assert_eq!((set.len(), set.iter().count()), (20, 20));
        let halves = (0..2).map(|half| (0..2_000).map(move |n| path(2 * n + half)).collect::<IgnoredSet>());
        let mut merged = IgnoredSet::default();
        halves.for_each(|half| merged.merge(half));
        assert_eq!(merged, (0..4_000).map(path).collect());
    }

    #[test]
    fn many_options_use_little_memory() {
        let set: IgnoredSet = (0..1_000).map(|n| Ignored::path("a", "b", format!("{n}"))).collect();
        assert_eq!(set.len(), 1_000);
        assert!(set.counts().count() <= IgnoredSet::MAX_OPTIONS + 1);
    }
}
