//! Collects what a plan says about paths other than those of repositories: directories that could not be searched, links
//! that are not followed, and notes.

use std::collections::BTreeSet;
use std::path::Path;

use super::path_text::path_text;
use crate::model::Skip;

/// Maximum number of links that are named in a plan; the others are counted.
const MAX_IGNORED: usize = 1000;

/// Redacts what looks like a key in a path; `None` if nothing does.
pub(super) type RedactPath<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// The remarks of a plan under construction.
pub(super) struct Remarks<'a> {
    pub(super) redact_path: RedactPath<'a>,
    skipped: BTreeSet<Skip>,
    ignored: BTreeSet<Skip>,
    /// How many links beyond [`MAX_IGNORED`] there are.
    more_ignored: u64,
    notes: BTreeSet<Skip>,
}

impl<'a> Remarks<'a> {
    /// No remarks yet.
    pub(super) fn new(redact_path: RedactPath<'a>) -> Self {
        let (skipped, ignored, notes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { redact_path, skipped, ignored, more_ignored: 0, notes }
    }

    /// A path as text to display, redacted.
    pub(super) fn display_path(&self, path: &Path) -> String {
        (self.redact_path)(path).unwrap_or_else(|| path_text(path).0)
    }

    /// Adds a path that could not be searched for repositories.
    pub(super) fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.insert(Skip::new(self.display_path(path), reason));
    }

    /// Adds a link that is not followed.
    pub(super) fn ignore_link(&mut self, link: &Path, reason: String) {
        if self.ignored.len() < MAX_IGNORED {
            self.ignored.insert(Skip::new(self.display_path(link), reason));
        } else {
            self.more_ignored += 1;
        }
    }

    /// Adds a note about a path: something unexpected, although nothing is missing.
    pub(super) fn note(&mut self, path: &Path, reason: String) {
        self.notes.insert(Skip::new(self.display_path(path), reason));
    }

    /// What was skipped, what was ignored, and the notes, each sorted.
    pub(super) fn finish(mut self) -> (Vec<Skip>, Vec<Skip>, Vec<Skip>) {
        if self.more_ignored > 0 {
            let what = format!("{} more links", self.more_ignored);
            let reason = "symbolic links to directories outside the roots; not followed";
            self.ignored.insert(Skip::new(what, reason));
        }
        let sorted = |all: BTreeSet<Skip>| all.into_iter().collect();
        (sorted(self.skipped), sorted(self.ignored), sorted(self.notes))
    }
}
