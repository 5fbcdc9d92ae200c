//! Scans the files of a git directory other than objects: configuration, hooks, reflogs, and files in object directories
//! that git ignores.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::repository_audit::RepositoryAudit;
use crate::container::Input;
use crate::git::refs::Refs;
use crate::git::{self, ObjectDatabase, ObjectLink, UnindexedFile, UnindexedFiles};
use crate::model::{Finding, LeakStatus, Origin, Skip, Surface};
use crate::scan::collect::{Collector, ScanOutcome};
use crate::source::{GitDir, Sink as _, scan_file_list, scan_git_dir, scan_object_names};

impl RepositoryAudit<'_> {
    /// Scans configuration, hooks, reflogs and other files, and reflogs in reftables as if they were files.
    pub(super) fn scan_side_files(&mut self, refs: &Refs) {
        let (collector, names) = (Collector::new(self.settings), Collector::new(self.settings));
        let dir = self.repo.common_dir();
        let reported_prefix = self.reported_git_dir();
        let (work_tree, surfaces) = (self.repo.workdir(), &self.options.surfaces);
        let mut dirs = vec![(dir, reported_prefix.clone())];
        // The git directory of a linked work tree, if it is in an unusual place.
        let work_tree_git_dir = self.repo.git_dir();
        if !is_below(work_tree_git_dir, dir) {
            let path = work_tree_git_dir.as_os_str().as_encoded_bytes();
            dirs.push((work_tree_git_dir, [self.prefix, path, b"/"].concat()));
        }
        for (dir, reported_prefix) in dirs {
            let git_dir = GitDir { dir, reported_prefix: &reported_prefix, work_tree, surfaces };
            self.nested_dirs.extend(scan_git_dir(git_dir, &collector, &names));
        }
        self.scan_git_file(&collector);
        if self.wants(Surface::Reflog) {
            scan_table_reflogs(refs, &reported_prefix, &collector);
        }
        self.scan_unindexed_files(&[&reported_prefix, &b"objects/"[..]].concat(), &collector, &names);
        let mut outcome = collector.finish();
        let names = names.finish();
        outcome.coverage.skipped.extend(names.coverage.skipped);
        outcome.skips_beyond_limit += names.skips_beyond_limit;
        self.add_side_files(outcome, names.findings);
    }

    /// Adds what was found in files of the git directory, and in their names.
    pub(super) fn add_side_files(&mut self, mut outcome: ScanOutcome, names: Vec<Finding>) {
        self.add_name_findings(&mut outcome.findings, names);
        for finding in &outcome.findings {
            let status = match finding.origin.surface {
                Surface::Reflog | Surface::Unreachable => LeakStatus::Unreachable,
                Surface::Lfs => LeakStatus::Unknown,
                _ => LeakStatus::Present,
            };
            self.outcome
                .history_facts
                .entry(finding.detected_key.fingerprint)
                .or_default()
                .add_status(status);
        }
        self.outcome.findings.extend(outcome.findings);
        self.outcome.dropped_findings.add(outcome.dropped_findings);
        self.outcome.skips_beyond_limit += outcome.skips_beyond_limit;
        self.outcome.coverage.merge(outcome.coverage);
        self.outcome.notes.extend(outcome.notes);
    }

    /// Scans the file `.git` of a linked work tree or submodule.
    fn scan_git_file(&self, collector: &Collector<'_>) {
        let file = self.repo.workdir().map(|top| top.join(".git"));
        let file = file.filter(|file| file.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()));
        if let Some(file) = file.filter(|_| self.wants(Surface::GitFile)) {
            let origin = Origin::at_path(Surface::GitFile, [self.prefix, b".git"].concat());
            scan_file_list([(file, origin)], collector);
        }
    }

    /// Adds findings in file names to those in `contents`. Drops findings that were already reported as names of refs: the
    /// name of a ref is a file name if the ref is stored as a file, and occurs in lists of refs.
    fn add_name_findings(&self, contents: &mut Vec<Finding>, names: Vec<Finding>) {
        const LISTS: [&[u8]; 5] = [b"refs/", b"packed-refs", b"reftable/", b"HEAD", b"FETCH_HEAD"];
        let ref_name_findings =
            self.outcome.findings.iter().filter(|finding| finding.origin.surface == Surface::RefName);
        let in_ref_names: HashSet<_> =
            ref_name_findings.map(|finding| finding.detected_key.fingerprint).collect();
        let is_new = |finding: &Finding| !in_ref_names.contains(&finding.detected_key.fingerprint);
        contents.retain(|finding| {
            let path = finding.origin.path.as_deref().unwrap_or_default();
            let relative_path = path.strip_prefix(self.prefix).unwrap_or(path);
            let relative_path = relative_path.strip_prefix(b".git/").unwrap_or(relative_path);
            is_new(finding) || !LISTS.iter().any(|list| relative_path.starts_with(list))
        });
        contents.extend(names.into_iter().filter(is_new));
    }

    /// Scans files in object directories that git itself ignores.
    fn scan_unindexed_files(
        &mut self,
        reported_prefix: &[u8],
        collector: &Collector<'_>,
        names: &Collector<'_>,
    ) {
        let UnindexedFiles { dirs, files, names: paths, links, skipped } =
            git::unindexed_files(&ObjectDatabase::from_repo(self.repo));
        self.outcome.coverage.skipped.extend(skipped);
        let files = files.into_iter().map(|UnindexedFile { path, relative_path, may_have_objects }| {
            let surface = if may_have_objects { Surface::Unreachable } else { Surface::GitFile };
            (path, Origin::at_path(surface, [reported_prefix, relative_path.as_bytes()].concat()))
        });
        let is_wanted = |origin: &Origin| self.options.surfaces.contains(&origin.surface);
        let is_index = |(path, _): &(PathBuf, Origin)| path.extension().is_some_and(|end| end == "idx");
        let (indexes, files): (Vec<_>, Vec<_>) =
            files.filter(|(_, origin)| is_wanted(origin)).partition(is_index);
        self.pack_indexes.extend(indexes);
        let with_objects = files.iter().filter(|(_, origin)| origin.surface == Surface::Unreachable);
        self.scanned_as_files.extend(with_objects.map(|(path, _)| path.display().to_string()));
        scan_file_list(files, collector);
        if self.wants(Surface::GitFile) {
            let reported_path = |relative_path: &String| [reported_prefix, relative_path.as_bytes()].concat();
            let paths: Vec<_> = paths.iter().map(reported_path).collect();
            let link = |link: ObjectLink| {
                (
                    link.path,
                    Origin::at_path(Surface::GitFile, reported_path(&link.relative_path)),
                    link.is_followed,
                )
            };
            let links: Vec<_> = links.into_iter().map(link).collect();
            let common_dir = [self.repo.common_dir()];
            let scanned_dirs: Vec<&Path> =
                common_dir.into_iter().chain(dirs.iter().map(|dir| dir.as_path())).collect();
            scan_object_names(&paths, &links, (&scanned_dirs, self.repo.workdir()), (collector, names));
        }
    }
}

/// Whether `path` is `dir` or within it, after resolving links.
pub(super) fn is_below(path: &Path, dir: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(path).starts_with(real(dir))
}

/// Searches reflogs stored in reftables, under the names that their files would have.
fn scan_table_reflogs(refs: &Refs, reported_prefix: &[u8], collector: &Collector<'_>) {
    let mut worker = collector.worker();
    refs.for_each_table_log(|path, text| {
        let origin = Origin::at_path(Surface::Reflog, [reported_prefix, path].concat());
        if let Err(error) = worker.blob(&origin, Input::Bytes(text)) {
            worker.skip(Skip::new(String::from_utf8_lossy(path), error.to_string()));
        }
    });
}
