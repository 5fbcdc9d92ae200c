//! Searches names that no tree contains: those in index files, and those of refs.

use std::collections::{BTreeSet, HashSet};

use super::repository_audit::RepositoryAudit;
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
        let mut may_have_match = false;
        let passed_over = detector.find_with_keywords(&paths, |_| true, |_| may_have_match = true);
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
                    let findings = name_findings(detector, Surface::FileName, &reported_path, name_start);
                    for finding in findings {
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
        for name in names {
            let reported_name = [self.prefix, name.as_bytes()].concat();
            let (detector, start) = (self.settings.detector, self.prefix.len());
            for finding in name_findings(detector, Surface::RefName, &reported_name, start) {
                let facts = self.outcome.history_facts.entry(finding.detected_key.fingerprint).or_default();
                facts.add_status(LeakStatus::Present);
                self.outcome.findings.push(finding);
            }
        }
    }
}
