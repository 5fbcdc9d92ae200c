//! What a scan left out on purpose: all of it is counted, and a limited number is named.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// What kind of thing was left out, or how the scan was narrowed.
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
/// Unlike a [`Skip`](super::Skip) it does not make a scan incomplete, but every report names it, so that nobody
/// reads more into "clean" than it says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ignored {
    /// What kind of thing it is.
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
    fn is_env(&self) -> bool {
        let name = self.what.rsplit('/').next().unwrap_or_default();
        self.kind == IgnoredKind::Path && (name.starts_with(".env") || name.ends_with(".env"))
    }

    /// Records a path that was left out.
    pub fn path(what: impl Into<String>, by: impl Into<String>, include_with: impl Into<String>) -> Self {
        Self::new(IgnoredKind::Path, what, by, include_with)
    }
}

impl Ord for Ignored {
    /// By kind. Paths that often contain keys come first, since reports name only the first ones.
    fn cmp(&self, other: &Self) -> Ordering {
        let order = |one: &Self| (one.kind, !one.is_env());
        let by_texts = || {
            let what = self.what.cmp(&other.what);
            what.then_with(|| self.by.cmp(&other.by)).then_with(|| self.include_with.cmp(&other.include_with))
        };
        order(self).cmp(&order(other)).then_with(by_texts)
    }
}

impl PartialOrd for Ignored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How many things were left out, by kind and the option that includes them.
type IgnoredCounts = BTreeMap<(IgnoredKind, String), u64>;

/// Everything that was left out. Counts all of it, and names the first [`IgnoredSet::NAMED`] of each kind in
/// sort order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredSet {
    counts: IgnoredCounts,
    named: BTreeMap<IgnoredKind, BTreeSet<Ignored>>,
}

impl IgnoredSet {
    /// The most things of one kind that are kept by name.
    pub const NAMED: usize = 1_000;
    /// The most options that are counted separately. There are fewer, unless untrusted text ends up as an
    /// option.
    const OPTIONS: usize = 64;

    /// Adds one. A duplicate of a named one is not counted again.
    pub fn insert(&mut self, ignored: Ignored) {
        let key = (ignored.kind, ignored.include_with.clone());
        if self.name(ignored) {
            self.count(key, 1);
        }
    }

    /// Adds what another part of the same scan left out.
    pub fn merge(&mut self, other: Self) {
        let Self { mut counts, named } = other;
        for ignored in named.into_values().flatten() {
            let key = (ignored.kind, ignored.include_with.clone());
            if !self.name(ignored)
                && let Some(count) = counts.get_mut(&key)
            {
                *count -= 1;
            }
        }
        counts.into_iter().for_each(|(key, count)| self.count(key, count));
    }

    /// Whether it is not among those already named.
    fn name(&mut self, ignored: Ignored) -> bool {
        let named = self.named.entry(ignored.kind).or_default();
        if named.len() >= Self::NAMED && named.last().is_some_and(|last| *last < ignored) {
            return true;
        }
        let is_new = named.insert(ignored);
        if named.len() > Self::NAMED {
            named.pop_last();
        }
        is_new
    }

    fn count(&mut self, (kind, option): (IgnoredKind, String), count: u64) {
        let is_known = self.counts.contains_key(&(kind, option.clone()));
        let option = if is_known || self.counts.len() < Self::OPTIONS { option } else { String::new() };
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

    /// The named ones, in order: those that concern the whole scan first, paths last.
    pub fn iter(&self) -> impl Iterator<Item = &Ignored> {
        self.named.values().flatten()
    }

    /// How many things were left out, by kind and the option that includes them.
    pub fn counts(&self) -> impl Iterator<Item = (IgnoredKind, &str, u64)> {
        let counts = self.counts.iter().filter(|&(_, &count)| count > 0);
        counts.map(|((kind, option), &count)| (*kind, option.as_str(), count))
    }

    /// Changes the texts of the named ones, to redact them.
    pub fn rewrite(&mut self, mut rewrite: impl FnMut(&mut String)) {
        for named in self.named.values_mut() {
            let rewritten = std::mem::take(named).into_iter().map(|mut ignored| {
                rewrite(&mut ignored.what);
                rewrite(&mut ignored.by);
                ignored
            });
            *named = rewritten.collect();
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

/// Serializes as two fields: `ignored`, the named ones, and `ignored_total`, the number of all.
impl Serialize for IgnoredSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct NamedSeq<'a>(&'a IgnoredSet);
        impl Serialize for NamedSeq<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter())
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ignored", &NamedSeq(self))?;
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
    fn names_the_first_and_counts_all() {
        let mut set: IgnoredSet = (0..5_000).rev().map(path).collect();
        set.insert(Ignored::new(IgnoredKind::Surface, "blob", "--surfaces", "--surfaces"));
        assert_eq!(set.len(), 5_001);
        assert_eq!(set.iter().count(), IgnoredSet::NAMED + 1);
        assert_eq!(set.iter().next().unwrap().what, "blob");
        assert_eq!(set.iter().last(), Some(&path(IgnoredSet::NAMED - 1)));
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
        let named: Vec<_> = set.iter().map(|ignored| &ignored.what[..]).collect();
        assert_eq!(named, ["a/.env", "b/.env.local", "d/prod.env", "a/", "c.txt", "e.envelope", "f.env/"]);
    }

    #[test]
    fn merging_counts_shared_names_once() {
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
        assert!(set.counts().count() <= IgnoredSet::OPTIONS + 1);
    }
}
