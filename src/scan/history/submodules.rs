//! Repositories within a repository: submodules, whose object databases are in `.git/modules` or in the `.git`
//! of their work tree, and any other git directory nested in one.
//!
//! A submodule that is registered but not cloned is not part of this clone. It is reported as ignored rather than as
//! a skip, since otherwise every plain clone would be incomplete.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::repository_audit::{self, RepositoryOutcome};
use super::side_files::is_below;
use super::{HistoryOptions, HistoryOutcome};
use crate::git::{self, Repository, WorkTreeGit};
use crate::model::{Ignored, IgnoredKind, Skip, Surface};
use crate::scan::Settings;
use crate::source::NestedDir;

/// Maximum number of repositories that are scanned; others are only counted.
const MAX_REPOSITORIES: usize = 10_000;

/// Scans the repositories to which `audited` leads, and those to which they lead, and adds the results.
pub(super) fn audit(
    settings: &Settings<'_>,
    options: &HistoryOptions,
    repo: &Repository,
    audited: RepositoryOutcome,
) -> HistoryOutcome {
    let mut walk = SubmoduleWalk {
        settings,
        options,
        outcome: HistoryOutcome::default(),
        queue: VecDeque::new(),
        known_dirs: HashSet::new(),
    };
    walk.known_dirs.extend(repo.common_dir().canonicalize());
    walk.add_outcome(repo, audited, b"");
    let mut count = 0;
    while let Some(next) = walk.queue.pop_front() {
        count += 1;
        if count > MAX_REPOSITORIES {
            let what = format!("{} more repositories within this one", walk.queue.len() + 1);
            walk.skip(what, "only the first 10,000 are scanned; scan the others one by one".to_owned());
            break;
        }
        walk.scan_repository(&next);
    }
    walk.outcome
}

/// A git directory to scan.
struct PendingRepository {
    path: PathBuf,
    /// The prefix of its paths and refs in reports.
    prefix: Vec<u8>,
}

struct SubmoduleWalk<'a> {
    settings: &'a Settings<'a>,
    options: &'a HistoryOptions,
    outcome: HistoryOutcome,
    queue: VecDeque<PendingRepository>,
    /// Git directories that were or will be scanned, with links resolved.
    known_dirs: HashSet<PathBuf>,
}

impl SubmoduleWalk<'_> {
    fn scan_repository(&mut self, PendingRepository { path, prefix }: &PendingRepository) {
        let name = display_name(prefix);
        let submodule = match git::open(path) {
            Ok(submodule) => submodule.to_thread_local(),
            Err(error) => return self.skip(name, error.to_string()),
        };
        // Opening searches parent directories if `path` itself is not a repository.
        if submodule.common_dir().canonicalize().ok() != path.canonicalize().ok() {
            let reason = "looks like a git directory, but is incomplete; run `git fsck` in it for details";
            return self.skip(name, reason.to_owned());
        }
        let audited = repository_audit::audit(self.settings, self.options, &submodule, prefix);
        self.add_outcome(&submodule, audited, prefix);
    }

    /// Adds the result of scanning `repo`, and queues the repositories to which it leads.
    fn add_outcome(&mut self, repo: &Repository, audited: RepositoryOutcome, prefix: &[u8]) {
        let RepositoryOutcome { outcome: mut repository_outcome, nested_dirs, submodules } = audited;
        if !prefix.is_empty() {
            for finding in &mut repository_outcome.findings {
                finding.origin.surface = Surface::Submodule;
            }
        }
        if prefix.is_empty() {
            self.outcome.key_objects = repository_outcome.key_objects;
        }
        self.outcome.findings.extend(repository_outcome.findings);
        self.outcome.coverage.merge(repository_outcome.coverage);
        self.outcome.dropped_findings.add(repository_outcome.dropped_findings);
        self.outcome.skips_beyond_limit += repository_outcome.skips_beyond_limit;
        self.outcome.notes.extend(repository_outcome.notes);
        self.outcome.below_threshold += repository_outcome.below_threshold;
        repository_audit::merge(&mut self.outcome.history_facts, repository_outcome.history_facts);
        if !self.options.surfaces.contains(&Surface::Submodule) {
            return;
        }
        let nested_paths: BTreeSet<Vec<u8>> =
            nested_dirs.iter().map(|nested| nested.relative_path.clone()).collect();
        for NestedDir { path, relative_path } in nested_dirs {
            let name = relative_path.strip_prefix(b"modules/").unwrap_or(&relative_path);
            self.queue_dir(path, [prefix, name, b"/"].concat());
        }
        self.queue_registered(repo, &submodules, &nested_paths, prefix);
    }

    /// Queues the git directories of the submodules in HEAD or an index. `nested_paths` are the git directories within that
    /// of `repo`, which are queued already.
    fn queue_registered(
        &mut self,
        repo: &Repository,
        submodules: &BTreeSet<Vec<u8>>,
        nested_paths: &BTreeSet<Vec<u8>>,
        prefix: &[u8],
    ) {
        if submodules.is_empty() {
            return;
        }
        let names = git::submodule_names(repo);
        for path in submodules {
            let submodule_prefix = [prefix, path, b"/"].concat();
            let name = names.get(path).unwrap_or(path);
            let is_nested = nested_paths.contains(&[b"modules/", &name[..]].concat());
            let work_tree = repo.workdir().and_then(|top| Some(top.join(relative(path)?)));
            if let (Some(work_tree), Some(top)) = (&work_tree, repo.workdir())
                && work_tree.exists()
                && !is_below(work_tree, top)
            {
                self.skip(
                    display_name(&submodule_prefix),
                    "a symbolic link leads out of the work tree; not followed".to_owned(),
                );
                continue;
            }
            match work_tree.map_or(WorkTreeGit::Missing, |work_tree| git::work_tree_git(&work_tree)) {
                WorkTreeGit::Dir(dir) => self.queue_dir(dir, submodule_prefix),
                WorkTreeGit::File(dir) if !self.is_known(&dir) && dir.exists() => {
                    let reason = format!(
                        "its git directory {} is not within this one; scan it separately",
                        dir.display()
                    );
                    self.skip(display_name(&submodule_prefix), reason);
                }
                WorkTreeGit::File(dir) if dir.exists() => {}
                WorkTreeGit::Unreadable(reason) => {
                    self.skip(
                        display_name(&submodule_prefix),
                        format!("its `.git` cannot be read: {reason}"),
                    );
                }
                WorkTreeGit::Missing | WorkTreeGit::File(_) if is_nested => {}
                WorkTreeGit::Missing | WorkTreeGit::File(_) => {
                    let what = String::from_utf8_lossy(&submodule_prefix).into_owned();
                    let by = "a submodule that is not cloned here";
                    let with = "git submodule update --init --recursive";
                    self.outcome.coverage.ignored.insert(Ignored::new(IgnoredKind::Path, what, by, with));
                }
            }
        }
    }

    fn is_known(&self, dir: &Path) -> bool {
        dir.canonicalize().is_ok_and(|dir| self.known_dirs.contains(&dir))
    }

    fn queue_dir(&mut self, path: PathBuf, prefix: Vec<u8>) {
        match path.canonicalize() {
            Ok(real) => {
                if self.known_dirs.insert(real) {
                    self.queue.push_back(PendingRepository { path, prefix });
                }
            }
            Err(error) => self.skip(display_name(&prefix), format!("cannot be opened: {error}")),
        }
    }

    fn skip(&mut self, what: String, reason: String) {
        self.outcome.coverage.skipped.insert(Skip::new(what, reason));
    }
}

/// What skips call the submodule with this prefix.
fn display_name(prefix: &[u8]) -> String {
    let name = prefix.strip_suffix(b"/").unwrap_or(prefix);
    format!("submodule {}", String::from_utf8_lossy(name))
}

/// The path of a submodule; `None` if it leads out of the work tree, which a malicious tree may try.
fn relative(path: &[u8]) -> Option<PathBuf> {
    use std::path::Component;
    let path = crate::model::native_path(path).to_path_buf();
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}
