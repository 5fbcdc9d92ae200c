//! Searches names that no tree contains: those in index files, and those of refs.

use std::collections::{BTreeSet, HashSet};

use super::repository_audit::RepositoryAudit;
use crate::detect::{Detector, EffortReserve};
use crate::git::refs::Refs;
use crate::git::{self, IndexNames};
use crate::model::{Finding, LeakStatus, Surface};
use crate::scan::collect::name_findings;

impl RepositoryAudit<'_> {
    /// Scans the names in index files, which are in no tree before the next commit, and reports index files
    /// that cannot be read.
    pub(super) fn search_index_names(&mut self) {
        if !self.wants(Surface::Index) && !self.wants(Surface::FileName) {
            return;
        }
        let IndexNames { paths, submodules, gaps } = git::index_names(self.repo);
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        self.submodules.extend(submodules);
        let detector = self.settings.detector;
        let mut reserve = EffortReserve::default();
        let mut may_have_match = false;
        let passed_over =
            detector.find_with_keywords(&paths, &mut reserve, |_| true, |_| may_have_match = true);
        may_have_match |= !passed_over.is_empty();
        if !may_have_match || !self.wants(Surface::FileName) {
            return;
        }
        let mut searched: HashSet<&[u8]> = HashSet::new();
        for path in paths.split(|&byte| byte == b'\n') {
            let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
            let mut start = 0;
            for end in ends {
                if searched.insert(&path[..end]) {
                    let reported_path = [self.prefix, &path[..end]].concat();
                    let name_start = self.prefix.len() + start;
                    let surface = Surface::FileName;
                    for finding in self.search_name(&mut reserve, surface, &reported_path, name_start) {
                        self.add_index_name_finding(finding);
                    }
                }
                start = end + 1;
            }
        }
    }

    /// Adds a finding in an index name, unless a tree has the same name.
    fn add_index_name_finding(&mut self, finding: Finding) {
        let secret = finding.detected_key.fingerprint;
        let is_duplicate = |earlier: &Finding| {
            earlier.detected_key.fingerprint == secret
                && earlier.origin.surface == Surface::FileName
                && earlier.origin.path == finding.origin.path
        };
        if !self.outcome.findings.iter().any(is_duplicate) {
            self.outcome.history_facts.entry(secret).or_default().add_status(LeakStatus::Present);
            self.outcome.findings.push(finding);
        }
    }

    pub(super) fn search_ref_names(&mut self, refs: &Refs) {
        if !self.wants(Surface::RefName) {
            return;
        }
        let logs = refs.logs.iter().map(|entry| &entry.log);
        let mut names: BTreeSet<&String> = refs.tips.iter().map(|tip| &tip.name).chain(logs).collect();
        names.extend(refs.head.iter().chain(&refs.other_names));
        let mut reserve = EffortReserve::default();
        for name in with_keywords(names, self.settings.detector) {
            let reported_name = [self.prefix, name.as_bytes()].concat();
            self.search_ref_name(&mut reserve, &reported_name, self.prefix.len());
        }
    }

    /// Adds the findings in the name of a ref that exists, from `start` on.
    pub(super) fn search_ref_name(&mut self, reserve: &mut EffortReserve, name: &[u8], start: usize) {
        for finding in self.search_name(reserve, Surface::RefName, name, start) {
            let facts = self.outcome.history_facts.entry(finding.detected_key.fingerprint).or_default();
            facts.add_status(LeakStatus::Present);
            self.outcome.findings.push(finding);
        }
    }

    /// The findings in a name, from `start` on. What is passed over becomes a skip.
    pub(super) fn search_name(
        &mut self,
        reserve: &mut EffortReserve,
        surface: Surface,
        name: &[u8],
        start: usize,
    ) -> Vec<Finding> {
        let (findings, skip) = name_findings(self.settings.detector, reserve, surface, name, start);
        self.outcome.coverage.skipped.extend(skip);
        findings
    }
}

/// Number of bytes of names that are searched at a time.
const NAMES_LEN: usize = 1 << 16;

/// Those names that contain a keyword, without which there is no match. Few do, and to search many names at a time is much
/// faster than one by one.
fn with_keywords<'n>(names: impl IntoIterator<Item = &'n String>, detector: &Detector) -> Vec<&'n String> {
    let mut names = names.into_iter().peekable();
    let mut reserve = EffortReserve::default();
    let (mut joined, mut ends, mut found) = (Vec::new(), Vec::new(), Vec::new());
    while names.peek().is_some() {
        joined.clear();
        ends.clear();
        while joined.len() < NAMES_LEN
            && let Some(name) = names.next()
        {
            joined.extend_from_slice(name.as_bytes());
            joined.push(b'\n');
            ends.push((joined.len(), name));
        }
        let mut numbers = BTreeSet::new();
        // The matches are those of the joined names. They do not matter.
        let _ = detector.find_with_keywords(
            &joined,
            &mut reserve,
            |at| {
                numbers.insert(ends.partition_point(|(end, _)| *end <= at));
                true
            },
            |_| {},
        );
        found.extend(numbers.into_iter().filter_map(|number| Some(ends.get(number)?.1)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, expand_template};

    #[test]
    fn names_with_a_key_are_among_those_with_keywords() {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let key = |number| {
            let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
            String::from_utf8(key).unwrap()
        };
        let name = |number: u64| match number % 100 {
            99 => format!("refs/heads/{}", key(number)),
            _ => format!("refs/tags/v{number}.0"),
        };
        let names: Vec<String> = (0..6000).map(name).collect();
        assert!(names.iter().map(String::len).sum::<usize>() > NAMES_LEN);
        let found = with_keywords(&names, &detector);
        let mut reserve = EffortReserve::default();
        let mut findings =
            |name: &str| name_findings(&detector, &mut reserve, Surface::RefName, name.as_bytes(), 0).0;
        let has_findings = |name: &&String| !findings(name).is_empty();
        let expected: Vec<&String> = names.iter().filter(has_findings).collect();
        assert!(expected.len() == 60 && expected.iter().all(|name| found.contains(name)));
        // Other names contain a keyword, too, for example the code of a letter.
        assert!(
            found.len() < 200 && found.is_sorted_by_key(|name| names.iter().position(|other| other == *name))
        );
        assert!(with_keywords([], &detector).is_empty());
    }
}
