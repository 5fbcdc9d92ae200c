//! The baseline: accepted keys, identified by their fingerprints. A key that moves stays accepted; a different key on the
//! same line is not.

mod entry;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use entry::BaselineEntry;

use super::Date;
use crate::globs::GlobBudget;
use crate::model::{Finding, Fingerprint, Leak, PathBase, Suppression};
use crate::untrusted::{ReadError, Symlinks, read_text};

/// Maximum size of a baseline, in bytes: about 200,000 entries.
const MAX_BASELINE_BYTES: u64 = 64 << 20;

/// Maximum number of entries that notes name.
const MAX_NAMED_ENTRIES: usize = 5;

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("cannot read the baseline {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why it cannot be read.
        error: ReadError,
    },
    /// An entry is invalid.
    #[error("{path}:{line}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A new baseline would overwrite an existing one.
    #[error("{0} already exists; `friskey baseline update` adds to it")]
    Exists(String),
    /// The file cannot be written.
    #[error("cannot write the baseline {path}: {error}")]
    Write {
        /// The file.
        path: String,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// Accepted keys.
#[derive(Clone, Debug)]
pub struct Baseline {
    entries: Vec<BaselineEntry>,
    /// The indices in `entries` of the entries for each key.
    by_key: HashMap<Fingerprint, Vec<usize>>,
    /// The path of the file, as shown in reports.
    source: String,
    /// See [`Baseline::with_base`].
    base: Option<PathBase>,
    today: Date,
    glob_budget: Arc<GlobBudget>,
}

impl Baseline {
    /// A baseline of `entries` from `source`, a path to show in reports, evaluated on the day `today`.
    pub fn new(entries: Vec<BaselineEntry>, source: &str, today: Date) -> Self {
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            by_key.entry(entry.fingerprint).or_default().push(index);
        }
        Self { entries, by_key, source: source.to_owned(), base: None, today, glob_budget: Arc::default() }
    }

    /// Parses the baseline `text` from `source`.
    ///
    /// # Errors
    /// The first invalid line and what is wrong with it.
    pub fn parse(text: &str, source: &str, today: Date) -> Result<Self, BaselineError> {
        Ok(Self::new(read::parse(text, source)?, source, today))
    }

    /// Reads the baseline at `path`, evaluated today.
    ///
    /// # Errors
    /// If the file cannot be read or is invalid.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let source = path.display().to_string();
        match read_text(path, Symlinks::Follow, MAX_BASELINE_BYTES) {
            Ok(text) => Self::parse(&text, &source, Date::today()),
            Err(error) => Err(BaselineError::Read { path: source, error }),
        }
    }

    /// Makes globs relative to `base.root`, while paths of findings start at `base.start`. Without this, both start at the
    /// same directory.
    #[must_use]
    pub fn with_base(mut self, base: PathBase) -> Self {
        self.base = Some(base);
        self
    }

    /// All entries, in file order.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// Suppresses the findings in `leaks` that an entry covers and nothing else suppresses. Returns for each entry
    /// whether it covers a finding, even if it has expired.
    pub fn accept(&self, leaks: &mut [Leak]) -> Vec<bool> {
        let mut is_used = vec![false; self.entries.len()];
        for leak in leaks {
            let Some(indices) = self.by_key.get(&leak.detected_key.fingerprint) else { continue };
            for finding in &mut leak.findings {
                self.apply(indices, finding, |index| is_used[index] = true);
            }
        }
        if self.glob_budget.is_exceeded() {
            // Entries with globs may be used, since not all globs were compiled.
            is_used.iter_mut().zip(&self.entries).for_each(|(used, entry)| *used |= entry.path.is_some());
        }
        is_used
    }

    /// Suppresses the finding if an entry covers it and nothing else suppresses it.
    pub fn accept_finding(&self, finding: &mut Finding) {
        if let Some(indices) = self.by_key.get(&finding.detected_key.fingerprint) {
            self.apply(indices, finding, |_| {});
        }
    }

    /// Suppresses the finding if one of the entries at `indices` covers it and nothing else suppresses it. Calls `on_use`
    /// with the index of each entry that covers it.
    fn apply(&self, indices: &[usize], finding: &mut Finding, mut on_use: impl FnMut(usize)) {
        for &index in indices {
            let entry = &self.entries[index];
            if !entry.covers(finding.origin.path.as_deref(), self.base.as_ref(), &self.glob_budget) {
                continue;
            }
            on_use(index);
            if finding.suppressed.is_none() && !entry.is_expired(self.today) {
                finding.suppressed = Some(Suppression {
                    by: "baseline",
                    source: self.source.clone(),
                    reason: Some(entry.reason.clone()),
                });
            }
        }
    }

    /// Whether an entry accepts `key` at `path`, the path of an origin; without a path, whether one accepts it
    /// everywhere.
    pub fn accepts(&self, key: &Fingerprint, path: Option<&[u8]>) -> bool {
        let entries = self.by_key.get(key).into_iter().flatten().map(|index| &self.entries[*index]);
        entries.into_iter().any(|entry| {
            entry.covers(path, self.base.as_ref(), &self.glob_budget) && !entry.is_expired(self.today)
        })
    }

    /// Whether `entry` has expired.
    pub fn is_expired(&self, entry: &BaselineEntry) -> bool {
        entry.is_expired(self.today)
    }

    /// The entries that have expired.
    pub fn expired_entries(&self) -> impl Iterator<Item = &BaselineEntry> {
        self.entries.iter().filter(|entry| entry.is_expired(self.today))
    }

    /// Notes for the report about expired entries. If the scan covered everything, `is_used` is the result of
    /// [`accept`](Self::accept), and there are notes about stale entries as well.
    pub fn notes(&self, is_used: Option<&[bool]>) -> Vec<String> {
        let expired: Vec<_> = self.expired_entries().collect();
        let mut notes = notes_about(&expired, "has expired and accepts nothing", "have expired");
        if self.glob_budget.is_exceeded() {
            notes.push(format!(
                "baseline: entries with a `path` accept nothing beyond {} different globs of keys that were found; \
                 use fewer and wider globs",
                GlobBudget::MAX_GLOBS
            ));
        }
        if let Some(is_used) = is_used {
            let stale: Vec<_> = self.stale_entries(is_used).collect();
            notes.extend(notes_about(&stale, "matches no finding in this scan and may be stale (`friskey baseline check` also looks in the history)",
                "match no finding in this scan and may be stale (`friskey baseline check` also looks in the history)"));
        }
        notes
    }

    /// Entries that cover no finding, given the result of [`accept`](Self::accept).
    pub fn stale_entries<'a>(&'a self, is_used: &'a [bool]) -> impl Iterator<Item = &'a BaselineEntry> {
        self.entries.iter().zip(is_used).filter(|(_, used)| !**used).map(|(entry, _)| entry)
    }

    /// The same baseline with other entries.
    #[must_use]
    pub fn with_entries(self, entries: Vec<BaselineEntry>) -> Self {
        Self { base: self.base, ..Self::new(entries, &self.source, self.today) }
    }

    /// Writes the baseline to a new file.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create(&self, path: &Path) -> Result<(), BaselineError> {
        write::create(path, &self.entries).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BaselineError::Exists(path.display().to_string()),
            _ => BaselineError::Write { path: path.display().to_string(), error },
        })
    }

    /// Replaces the file at `path` atomically, keeping its mode.
    ///
    /// # Errors
    /// If the file does not exist or cannot be written.
    pub fn replace(&self, path: &Path) -> Result<(), BaselineError> {
        write::replace(path, &self.entries)
            .map_err(|error| BaselineError::Write { path: path.display().to_string(), error })
    }
}

/// A note for each of the first entries, and one that counts the rest. `singular` and `plural` complete the sentences.
fn notes_about(entries: &[&BaselineEntry], singular: &str, plural: &str) -> Vec<String> {
    let mut notes: Vec<_> = entries
        .iter()
        .take(MAX_NAMED_ENTRIES)
        .map(|entry| format!("baseline entry {} {singular}", entry.name()))
        .collect();
    if entries.len() > MAX_NAMED_ENTRIES {
        let more = entries.len() - MAX_NAMED_ENTRIES;
        notes.push(format!("{more} more baseline entries {plural}; `friskey baseline check` lists them"));
    }
    notes
}
