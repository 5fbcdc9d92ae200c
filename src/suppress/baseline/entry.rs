//! An entry of the baseline.

use crate::globs::{Glob, GlobBudget};
use crate::model::{Fingerprint, PathBase, native_path};
use crate::suppress::Date;

/// Number of fingerprint digits in the name of an entry.
const NAMED_DIGITS: usize = 12;

/// One accepted key: anywhere, or at the paths of its glob.
#[derive(Clone, Debug)]
pub struct BaselineEntry {
    /// The key.
    pub fingerprint: Fingerprint,
    /// The rule that found it, for people; the entry is valid even if the rule is renamed.
    pub rule: String,
    /// Why it is accepted. Never empty.
    pub reason: String,
    /// The paths at which it is accepted; anywhere if `None`.
    pub path: Option<Glob>,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// The last day on which the entry is valid, in UTC.
    pub expires: Option<Date>,
    /// The comment lines above it in the file.
    pub comments: Vec<String>,
}

impl BaselineEntry {
    /// Whether it has expired.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last_day| last_day < today)
    }

    /// Whether it covers a finding at `path`, the path of an origin: relative to `base.start` or, without `base`, to the root that
    /// globs refer to. A glob that `budget` does not suffice to compile covers nothing.
    pub(super) fn covers(&self, path: Option<&[u8]>, base: Option<&PathBase>, budget: &GlobBudget) -> bool {
        match (&self.path, path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(glob), Some(path)) => glob.matches(&native_path(path), base, budget),
        }
    }

    /// What entries are sorted by in the file.
    pub(super) fn sort_key(&self) -> impl Ord + use<'_> {
        let glob = self.path.as_ref().map(Glob::as_str);
        (self.fingerprint, glob, self.expires, &*self.reason, &*self.rule, self.owner.as_deref())
    }

    /// A name for messages: the start of the fingerprint, the rule and the reason.
    pub fn name(&self) -> String {
        let fingerprint = self.fingerprint.to_string();
        format!("{} ({}, {})", &fingerprint[..NAMED_DIGITS], self.rule, self.reason)
    }
}
