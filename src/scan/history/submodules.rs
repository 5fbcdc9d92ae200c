//! Repositories within a repository: submodules, whose object databases are in `.git/modules` or in the `.git`
//! of their work tree, and any other git directory nested in one.
//!
//! A submodule that is registered but not cloned is not part of this clone. It is reported as left out, so that
//! a plain clone is not incomplete forever, and so that nobody takes it for clean.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::repository_audit::{self, RepositoryOutcome};
use super::side_files::is_below;
use super::{HistoryOptions, HistoryOutcome};
use crate::git::{self, Repository, WorkTreeGit};
use crate::model::{Ignored, IgnoredKind, Skip, Surface};
use crate::scan::Settings;
use crate::source::NestedDir;

/// The most repositories that are scanned; more are only counted.
const MAX_REPOSITORIES: usize = 10_000;

/// Scans the repositories to which `audited` leads, and those to which they lead, and adds the results.
pub(super) fn audit(
    settings: &Settings<'_>,
    audit: &HistoryOptions,
    repo: &Repository,
    audited: RepositoryOutcome,
) -> HistoryOutcome {
    let mut walk = SubmoduleWalk {
        settings,
        audit,
        outcome: HistoryOutcome::default(),
        open: VecDeque::new(),
        met: HashSet::new(),
    };
    walk.met.extend(repo.common_dir().canonicalize());
    walk.take(repo, audited, b"");
    let mut count = 0;
    while let Some(next) = walk.open.pop_front() {
        count += 1;
        if count > MAX_REPOSITORIES {
            let what = format!("{} more repositories within this one", walk.open.len() + 1);
            walk.skip(what, "only the first 10,000 are scanned; scan the others one by one".to_owned());
            break;
        }
        walk.repository(&next);
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
    audit: &'a HistoryOptions,
    outcome: HistoryOutcome,
    open: VecDeque<PendingRepository>,
    /// Git directories that were or will be scanned, without links.
    met: HashSet<PathBuf>,
}

impl SubmoduleWalk<'_> {
    fn repository(&mut self, PendingRepository { path, prefix }: &PendingRepository) {
        let shown = shown(prefix);
        let submodule = match git::open(path) {
            Ok(submodule) => submodule.to_thread_local(),
            Err(error) => return self.skip(shown, error.to_string()),
        };
        // Opening searches parent directories if `path` itself is not a repository.
        if submodule.common_dir().canonicalize().ok() != path.canonicalize().ok() {
            let reason = "looks like a git directory, but is incomplete; run `git fsck` in it for details";
            return self.skip(shown, reason.to_owned());
        }
        let audited = repository_audit::audit(self.settings, self.audit, &submodule, prefix);
        self.take(&submodule, audited, prefix);
    }

    /// Adds the result of scanning `repo`, and queues the repositories to which it leads.
    fn take(&mut self, repo: &Repository, audited: RepositoryOutcome, prefix: &[u8]) {
        let RepositoryOutcome { outcome: mut own, nested, submodules } = audited;
        if !prefix.is_empty() {
            for finding in &mut own.findings {
                finding.origin.surface = Surface::Submodule;
            }
        }
        if prefix.is_empty() {
            self.outcome.key_objects = own.key_objects;
        }
        self.outcome.findings.extend(own.findings);
        self.outcome.coverage.merge(own.coverage);
        self.outcome.dropped.add(own.dropped);
        self.outcome.more_skipped += own.more_skipped;
        self.outcome.notes.extend(own.notes);
        self.outcome.below_threshold += own.below_threshold;
        repository_audit::merge(&mut self.outcome.facts, own.facts);
        if !self.audit.surfaces.contains(&Surface::Submodule) {
            return;
        }
        let inside: BTreeSet<Vec<u8>> = nested.iter().map(|one| one.inside.clone()).collect();
        for NestedDir { path, inside } in nested {
            let name = inside.strip_prefix(b"modules/").unwrap_or(&inside);
            self.add(path, [prefix, name, b"/"].concat());
        }
        self.registered(repo, &submodules, &inside, prefix);
    }

    /// Queues the git directories of the submodules in HEAD or an index.
    fn registered(
        &mut self,
        repo: &Repository,
        submodules: &BTreeSet<Vec<u8>>,
        inside: &BTreeSet<Vec<u8>>,
        prefix: &[u8],
    ) {
        if submodules.is_empty() {
            return;
        }
        let names = git::submodule_names(repo);
        for path in submodules {
            let own = [prefix, path, b"/"].concat();
            let name = names.get(path).unwrap_or(path);
            let is_inside = inside.contains(&[b"modules/", &name[..]].concat());
            let work_tree = repo.workdir().and_then(|top| Some(top.join(relative(path)?)));
            if let (Some(work_tree), Some(top)) = (&work_tree, repo.workdir())
                && work_tree.exists()
                && !is_below(work_tree, top)
            {
                self.skip(shown(&own), "a symbolic link leads out of the work tree; not followed".to_owned());
                continue;
            }
            match work_tree.map_or(WorkTreeGit::Missing, |work_tree| git::work_tree_git(&work_tree)) {
                WorkTreeGit::Dir(dir) => self.add(dir, own),
                WorkTreeGit::File(dir) if !self.is_met(&dir) && dir.exists() => {
                    let reason = format!(
                        "its git directory {} is not within this one; scan it separately",
                        dir.display()
                    );
                    self.skip(shown(&own), reason);
                }
                WorkTreeGit::File(dir) if dir.exists() => {}
                WorkTreeGit::Unreadable(reason) => {
                    self.skip(shown(&own), format!("its `.git` cannot be read: {reason}"));
                }
                WorkTreeGit::Missing | WorkTreeGit::File(_) if is_inside => {}
                WorkTreeGit::Missing | WorkTreeGit::File(_) => {
                    let what = String::from_utf8_lossy(&own).into_owned();
                    let by = "a submodule that is not cloned here";
                    let with = "git submodule update --init --recursive";
                    self.outcome.coverage.ignored.insert(Ignored::new(IgnoredKind::Path, what, by, with));
                }
            }
        }
    }

    fn is_met(&self, dir: &Path) -> bool {
        dir.canonicalize().is_ok_and(|dir| self.met.contains(&dir))
    }

    fn add(&mut self, path: PathBuf, prefix: Vec<u8>) {
        match path.canonicalize() {
            Ok(real) => {
                if self.met.insert(real) {
                    self.open.push_back(PendingRepository { path, prefix });
                }
            }
            Err(error) => self.skip(shown(&prefix), format!("cannot be opened: {error}")),
        }
    }

    fn skip(&mut self, what: String, reason: String) {
        self.outcome.coverage.skipped.insert(Skip::new(what, reason));
    }
}

fn shown(prefix: &[u8]) -> String {
    let name = prefix.strip_suffix(b"/").unwrap_or(prefix);
    format!("submodule {}", String::from_utf8_lossy(name))
}

/// The path of a submodule; `None` if it leads out of the work tree, which a malicious tree may try.
fn relative(path: &[u8]) -> Option<PathBuf> {
    use std::path::Component;
    let path = crate::model::native_path(path).to_path_buf();
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}
