//! Adds up what the audits of a fleet covered and left out, and when and how they were run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::result_check::strings;
use crate::model::{AuditRun, FleetCoverage, FleetIgnored, Skip};

/// Maximum number of ignored things that a fleet's report names; the others are links in the plan, and in each repository's
/// coverage.
const MAX_NAMED_IGNORED: usize = 1_000;
/// Maximum number of pairs of version and command line that are listed separately.
const MAX_COMMANDS: usize = 100;

/// Something that was ignored: what, by which setting or for what reason, and the option that includes it.
type IgnoredThing = (String, String, String);

/// Totals of the reports so far.
#[derive(Default)]
pub(super) struct JoinedReceipt {
    totals: FleetCoverage,
    /// What was ignored, and in how many repositories; 0 if it concerns the fleet as a whole.
    ignored: BTreeMap<IgnoredThing, u64>,
    /// Whether more was ignored than is named.
    has_more: bool,
    /// The runs by version and command line.
    runs: BTreeMap<(String, Vec<String>), AuditRun>,
}

impl JoinedReceipt {
    /// The totals before any audit: the links that the plan does not follow, and the number of its repositories.
    pub(super) fn new(links: &[Skip], planned: u64) -> Self {
        let named_links = links.iter().take(MAX_NAMED_IGNORED);
        let ignored =
            named_links.map(|link| ((link.what.clone(), link.reason.clone(), String::new()), 0)).collect();
        let totals = FleetCoverage { planned, ..FleetCoverage::default() };
        Self { totals, ignored, has_more: links.len() > MAX_NAMED_IGNORED, ..Self::default() }
    }

    /// Counts a repository in this state.
    pub(super) fn count_repository(&mut self, state: &'static str) {
        *self.totals.repositories.entry(state).or_default() += 1;
    }

    /// Adds the report of an audit.
    pub(super) fn add(&mut self, report: &Value) {
        let coverage = &report["coverage"];
        let count = |name: &str| coverage[name].as_u64().unwrap_or(0);
        let skipped = coverage["skipped"].as_array().map_or(0, |skipped| skipped.len() as u64);
        for (total, count) in [
            (&mut self.totals.commits, count("commits")),
            (&mut self.totals.blobs, count("blobs")),
            (&mut self.totals.bytes, count("bytes")),
            (&mut self.totals.refs, count("refs")),
            (&mut self.totals.skipped, skipped),
        ] {
            *total = total.saturating_add(count);
        }
        self.totals.surfaces.extend(strings(&coverage["surfaces"]));
        self.add_ignored(coverage);
        self.add_run(report);
    }

    fn add_ignored(&mut self, coverage: &Value) {
        let items = coverage["ignored"].as_array().map_or(&[][..], Vec::as_slice);
        self.has_more |= coverage["ignored_total"].as_u64().unwrap_or(0) > items.len() as u64;
        for item in items {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            let key = (text("what"), text("by"), text("include_with"));
            if self.ignored.len() < MAX_NAMED_IGNORED || self.ignored.contains_key(&key) {
                *self.ignored.entry(key).or_default() += 1;
            } else {
                self.has_more = true;
            }
        }
    }

    fn add_run(&mut self, report: &Value) {
        let Some(started) = report["started"].as_str() else { return };
        let version = report["tool"]["version"].as_str().unwrap_or_default().to_owned();
        let mut key = (version, strings(&report["command_line"]));
        // All further command lines of a version together.
        if self.runs.len() >= MAX_COMMANDS && !self.runs.contains_key(&key) {
            key.1 = vec!["…".to_owned()];
        }
        let run = self.runs.entry(key.clone()).or_insert_with(|| AuditRun {
            version: key.0,
            command_line: key.1,
            first_started: started.to_owned(),
            last_started: started.to_owned(),
            repositories: 0,
        });
        if *started < *run.first_started {
            started.clone_into(&mut run.first_started);
        }
        if *started > *run.last_started {
            started.clone_into(&mut run.last_started);
        }
        run.repositories += 1;
    }

    /// The totals, what was ignored (first what was ignored in the most repositories), and the runs.
    pub(super) fn finish(self) -> (FleetCoverage, Vec<FleetIgnored>, Vec<AuditRun>) {
        let ignored = self.ignored.into_iter();
        let mut ignored: Vec<_> = ignored
            .map(|((what, by, include_with), repositories)| FleetIgnored {
                what,
                by,
                include_with,
                repositories,
            })
            .collect();
        ignored.sort_by_key(|thing| Reverse(thing.repositories));
        let totals = FleetCoverage { has_more_ignored: self.has_more, ..self.totals };
        (totals, ignored, self.runs.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_links_are_named_than_other_ignored_things() {
        let links: Vec<Skip> = (0..1_500).map(|number| Skip::new(format!("{number:04}"), "a link")).collect();
        for (count, named, has_more) in [(1_000, 1_000, false), (1_500, 1_000, true)] {
            let (totals, ignored, _) = JoinedReceipt::new(&links[..count], 1).finish();
            assert_eq!((ignored.len(), totals.has_more_ignored), (named, has_more));
        }
    }
}
