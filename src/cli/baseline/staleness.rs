//! Looks in the history for keys that the baseline accepts: an entry whose key was removed from the files may still accept
//! findings there.

use anyhow::Result;

use super::BaselineRun;
use crate::cli::clock::now;
use crate::cli::options;
use crate::model::{Coverage, PathBase, Skip};
use crate::scan::{HistoryError, HistoryOptions, scan_history};
use crate::suppress::Baseline;

impl BaselineRun<'_> {
    /// Searches the history of the repository for the keys of entries that matched nothing so far, and sets
    /// `matched` of those that accept a finding there. Returns what could not be read. Reads nothing if every entry matched.
    pub(super) fn search_history(&self, baseline: &Baseline, matched: &mut [bool]) -> Result<Coverage> {
        let root = &self.config.root.absolute;
        // A `.git` directory without HEAD is not a repository; in a linked work tree, `.git` is a file.
        let git_dir = root.join(".git");
        if matched.iter().all(|is_matched| *is_matched)
            || !(git_dir.is_file() || git_dir.join("HEAD").exists())
        {
            return Ok(Coverage::default());
        }
        let threads = options::threads(&self.args.search, &self.config)?;
        let history = HistoryOptions::everything(self.config.root.non_empty_path(), threads, now());
        // Without the baseline, which is applied below to learn which entries accept something.
        let policy = self.policy(None);
        let stop = options::stop(&self.args.search, &self.config)?;
        let mut draft = match scan_history(&self.settings(&policy, &stop), &history) {
            Ok(draft) => draft,
            Err(error) => return Ok(coverage_of_unreadable_history(&error)),
        };
        self.fail_if_stopped(&stop)?;
        let path_base = PathBase { root: root.clone(), start: root.clone() };
        // Paths in a history are relative to the root of the repository, not to the current directory.
        let matched_in_history = baseline.clone().with_base(path_base).accept(&mut draft.leaks);
        for (is_matched, is_in_history) in matched.iter_mut().zip(matched_in_history) {
            *is_matched |= is_in_history;
        }
        Ok(Coverage { skipped: draft.coverage.skipped, ..Coverage::default() })
    }
}

/// The coverage of a history that could not be scanned: one skip, with the reason.
fn coverage_of_unreadable_history(error: &HistoryError) -> Coverage {
    let mut coverage = Coverage::default();
    coverage.skipped.insert(Skip::new("history", error.to_string()));
    coverage
}
