//! Describes a purge to the user in lines of text.

use std::collections::HashSet;

use super::{Counts, DroppedCounts, PurgeReport, ReportedPlace, UnsearchedFile};
use crate::purge::fill::Treatment;

/// Maximum number of places that are printed.
const MAX_LISTED_PLACES: usize = 20;

impl PurgeReport {
    /// One line for each file, message or name with a key, with its treatment.
    pub fn treatment_lines(&self) -> Vec<String> {
        let line = |place: &ReportedPlace| {
            let name = place.path.as_ref().or(place.object.as_ref()).map_or("", String::as_str);
            format!("{} {name}: {}", place.surface, place.treatment)
        };
        // Containers that became stubs come first.
        let is_stub = |place: &&ReportedPlace| place.treatment == Treatment::Stub.name();
        let (stubs, others): (Vec<_>, Vec<_>) = self.places.iter().partition(is_stub);
        let mut lines: Vec<String> = stubs.into_iter().chain(others).map(line).collect();
        let mut seen = HashSet::new();
        lines.retain(|line| seen.insert(line.clone()));
        if lines.len() > MAX_LISTED_PLACES {
            let more = lines.len() - MAX_LISTED_PLACES;
            lines.truncate(MAX_LISTED_PLACES);
            lines.push(format!("and {more} more, which the report lists"));
        }
        lines
    }

    /// One line for each file that cannot be searched.
    pub fn unsearched_lines(&self) -> Vec<String> {
        let line = |file: &UnsearchedFile| {
            let path = file.path.as_deref().unwrap_or("without a path");
            let fate = if file.excluded { "; excluded, so it is carried over as it is" } else { "" };
            format!("{path} (blob {}): {}{fate}", file.object, file.reason)
        };
        self.unsearched.iter().map(line).collect()
    }

    /// Whether a purge would be refused, since there are files that cannot be searched and are not excluded.
    pub fn is_blocked(&self) -> bool {
        self.unsearched.iter().any(|file| !file.excluded)
    }

    /// A message about requested keys that are not in the repository, if there are any.
    pub fn unmatched_message(&self) -> Option<String> {
        match self.unmatched_keys {
            0 => None,
            1 => Some(
                "not found: 1 of the keys named with --key; `friskey history` lists fingerprints".to_owned(),
            ),
            more => Some(format!(
                "not found: {more} of the keys named with --key; `friskey history` lists fingerprints"
            )),
        }
    }

    /// The summary, in lines.
    pub fn summary_lines(&self) -> Vec<String> {
        let Counts { commits, rewritten_commits, objects, rewritten_objects, .. } = self.counts;
        let DroppedCounts { signatures, mergetags } = &self.dropped;
        let mut lines = vec![format!(
            "rewritten: {rewritten_commits} of {commits} commits, {rewritten_objects} of {objects} objects"
        )];
        if let Some(first) = self.first_changed_commits.first() {
            let others = match self.first_changed_commits.len() - 1 {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            lines.push(format!("first changed commit: {first}{others}"));
        }
        lines.push(format!("refs changed: {}", self.ref_map.len()));
        lines.push(format!(
            "dropped: {} commit signatures, {} tag signatures, {mergetags} merge tags",
            signatures.commits, signatures.tags
        ));
        if self.message_ids.rewritten > 0 {
            lines.push(format!("commit ids in messages replaced: {}", self.message_ids.rewritten));
        }
        if self.accepted_keys > 0 {
            lines.push(format!(
                "accepted keys that stay: {}; `--key FINGERPRINT` purges one",
                self.accepted_keys
            ));
        }
        if self.other_keys > 0 {
            lines.push(format!("other keys that stay, since --key does not name them: {}", self.other_keys));
        }
        lines.extend(self.unmatched_message());
        lines.extend(
            self.left_out.iter().map(|path| format!("not searched, and carried over as it is: {path}")),
        );
        lines
    }
}
