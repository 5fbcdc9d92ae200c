//! Scans the next commit: reports what it contains more often than HEAD does.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::collect::{ScanOutcome, name_findings};
use super::located::content_name;
use super::objects::{SearchOptions, SecretLocator, SharedKey, search};
use super::{Clock, Settings, draft, narrowing};
use crate::detect::EffortReserve;
use crate::git::staged::{FileVersion, StagedChanges, StagedError, StagedPath, compare_index, find_change};
use crate::git::{self, LfsStore, MatchedObject, ObjectId, ObjectReader, OpenError, Repository};
use crate::model::{
    Coverage, Draft, Fingerprint, Ignored, IgnoredKind, IgnoredSet, Origin, Skip, Surface, native_path,
};
use crate::source::Excludes;

/// What `friskey staged` scans.
#[derive(Clone, Debug, Default)]
pub struct StagedOptions {
    /// A path in the repository, or its git directory.
    pub repo: PathBuf,
    /// The index, if not the default one. As in git, a relative path is one from the top of the work tree.
    pub index: Option<PathBuf>,
    /// The work tree, if not the one that the repository is configured with.
    pub work_tree: Option<PathBuf>,
    /// Further directories with objects, as `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES` name them.
    pub objects: Vec<PathBuf>,
    /// Parents of a merge that are not in `MERGE_HEAD` yet.
    pub merge_heads: Vec<ObjectId>,
    /// Files to scan. Those that are not changed in the index are scanned completely.
    pub files: Vec<PathBuf>,
    /// Paths to leave out.
    pub exclude: Option<Excludes>,
    /// Whether to leave out Git LFS files.
    pub exclude_lfs: bool,
    /// The number of threads; 0 for one per processor.
    pub threads: usize,
}

/// Why the index cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum StagedScanError {
    /// There is no repository.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The index or HEAD cannot be read.
    #[error(transparent)]
    Staged(#[from] StagedError),
    /// A file outside of the work tree.
    #[error("{0} is outside of the work tree")]
    Outside(String),
    /// Files were given, but there is no work tree.
    #[error("{0} is a bare repository, so no files can be given")]
    Bare(String),
}

/// Scans what is staged.
///
/// # Errors
/// If there is no repository, or its index cannot be read.
pub fn scan_staged(settings: &Settings<'_>, options: &StagedOptions) -> Result<Draft, StagedScanError> {
    let clock = Clock::start();
    let (repo, _joined) = git::open_joined(&options.repo, &options.objects)?;
    let given_paths = given_paths(options, &repo)?;
    let work_tree = options.work_tree.as_deref().or(repo.workdir());
    let index = options.index.as_ref().map(|index| work_tree.unwrap_or(Path::new("")).join(index));
    let mut staged = compare_index(&repo, index.as_deref(), &given_paths, &options.merge_heads)?;
    let ignored = RefCell::new(IgnoredSet::default());
    if let Some(excludes) = &options.exclude {
        let is_included = |path: &[u8]| {
            let is_covered = excludes.covers(&native_path(path));
            if is_covered {
                let what = String::from_utf8_lossy(path);
                ignored.borrow_mut().insert(Ignored::path(what, "configuration: exclude", "--no-config"));
            }
            !is_covered
        };
        staged.changes.retain(|change| is_included(&change.path));
        staged.new_submodules.retain(|path| is_included(path));
        staged.moved_submodules.retain(|path, _| is_included(path));
        staged
            .merge_changes
            .iter_mut()
            .for_each(|changes| changes.retain(|change| is_included(&change.path)));
        staged.unchanged_files.retain(|(path, _)| is_included(path));
    }
    let lfs = (!options.exclude_lfs).then(|| LfsStore::new(&repo));
    let mut outcome = ScanOutcome::default();
    outcome.coverage.ignored = ignored.into_inner();
    let (threads, reserve) = (options.threads, EffortReserve::default());
    let mut scan = StagedScan { settings, repo: &repo, lfs, threads, reserve, outcome };
    scan.run(staged, &given_paths);
    let mut draft = draft("staged", settings, scan.outcome, &clock);
    draft.repository = Some(git::repository_info(&repo, &options.repo));
    Ok(draft)
}

/// The given files, relative to the top of the work tree.
fn given_paths(options: &StagedOptions, repo: &Repository) -> Result<Vec<Vec<u8>>, StagedScanError> {
    if options.files.is_empty() {
        return Ok(Vec::new());
    }
    let top = options.work_tree.as_deref().or(repo.workdir());
    let top = top.ok_or_else(|| StagedScanError::Bare(options.repo.display().to_string()))?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let top_paths = [absolute(top), top.canonicalize().unwrap_or_else(|_| top.to_owned())];
    let relative_to_top = |file: &Path| {
        let file = normalize(&absolute(file));
        // The directory may be reached through a link, which is resolved; the file may itself be a link, which is
        // not.
        let real = file.parent().and_then(|dir| dir.canonicalize().ok()).zip(file.file_name());
        let real = real.map(|(dir, name)| dir.join(name));
        [Some(file), real]
            .into_iter()
            .flatten()
            .find_map(|file| top_paths.iter().find_map(|top| file.strip_prefix(top).ok().map(Path::to_owned)))
    };
    options
        .files
        .iter()
        .map(|file| {
            let path =
                relative_to_top(file).ok_or_else(|| StagedScanError::Outside(file.display().to_string()))?;
            Ok(path
                .as_os_str()
                .as_encoded_bytes()
                .iter()
                .map(|&b| if b == b'\\' && cfg!(windows) { b'/' } else { b })
                .collect())
        })
        .collect()
}

/// Removes `.` and `..` without accessing the file, which may not exist.
fn normalize(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

struct StagedScan<'a> {
    settings: &'a Settings<'a>,
    repo: &'a Repository,
    lfs: Option<LfsStore>,
    threads: usize,
    /// For the names of paths.
    reserve: EffortReserve,
    outcome: ScanOutcome,
}

/// How often each blob contains each secret.
type SecretCounts = HashMap<ObjectId, HashMap<Fingerprint, usize>>;

impl StagedScan<'_> {
    fn run(&mut self, staged: StagedChanges, given_paths: &[Vec<u8>]) {
        let own_changes = staged.changes_from_all_parents();
        self.record_coverage(&own_changes, &staged.unchanged_files);
        self.outcome.coverage.skipped.extend(staged.gaps.clone().into_skips());
        for path in &staged.unknown_paths {
            let what = String::from_utf8_lossy(path).into_owned();
            let skip =
                Skip::new(what, "not in the index, so not part of the next commit; `git add` it first");
            self.outcome.coverage.skipped.insert(skip);
        }
        let changed = own_changes
            .iter()
            .flat_map(|change| change.new.iter().map(|version| (change.path.as_slice(), version)));
        let unchanged = staged.unchanged_files.iter().map(|(path, version)| (path.as_slice(), version));
        let counts_in_index = self.secret_counts(changed.chain(unchanged));
        let new = self.new_secrets(&staged, &own_changes, &counts_in_index);
        let is_given =
            |path: &[u8]| given_paths.is_empty() || given_paths.iter().any(|name| covers(name, path));
        for change in own_changes.iter().filter(|change| is_given(&change.path)) {
            self.search_name(change, &staged);
            for version in &change.new {
                let secrets: HashSet<Fingerprint> = counts_in_index
                    .get(&version.id)
                    .into_iter()
                    .flat_map(HashMap::keys)
                    .filter(|s| new.contains(s))
                    .copied()
                    .collect();
                self.report_blob(&change.path, version, &secrets);
            }
        }
        for path in staged.new_submodules.iter().filter(|path| is_given(path)) {
            self.add_name(path);
        }
        let moved = staged.moved_submodules.iter().filter(|(path, _)| is_given(path));
        self.outcome.coverage.ignored.extend(moved.map(|(path, ids)| narrowing::submodule(path, ids)));
        for (path, version) in &staged.unchanged_files {
            let secrets =
                counts_in_index.get(&version.id).into_iter().flat_map(HashMap::keys).copied().collect();
            self.report_blob(path, version, &secrets);
        }
    }

    fn record_coverage(&mut self, changes: &[&StagedPath], unchanged: &[(Vec<u8>, FileVersion)]) {
        let coverage: &mut Coverage = &mut self.outcome.coverage;
        coverage.surfaces.extend([Surface::Index, Surface::FileName]);
        if self.lfs.is_some() {
            coverage.surfaces.insert(Surface::Lfs);
        } else {
            let by = "configuration: surfaces";
            coverage.ignored.insert(Ignored::new(IgnoredKind::Surface, Surface::Lfs.name(), by, "surfaces"));
        }
        let changed = changes.iter().filter(|change| !change.new.is_empty()).count();
        coverage.files = (changed + unchanged.len()) as u64;
    }

    /// Searches the blobs of `versions`, each once.
    fn secret_counts<'s>(
        &mut self,
        versions: impl Iterator<Item = (&'s [u8], &'s FileVersion)>,
    ) -> SecretCounts {
        let paths: BTreeMap<ObjectId, &[u8]> = versions.map(|(path, version)| (version.id, path)).collect();
        let ids: Vec<ObjectId> = paths.keys().copied().collect();
        let path_of = |id: &ObjectId| paths.get(id).map(|path| path.to_vec());
        let lfs = self.lfs.as_ref();
        let options = SearchOptions { lfs, ..SearchOptions::new(self.threads, &path_of) };
        let mut searched = search(self.settings, self.repo, &ids, &options);
        let coverage = &mut self.outcome.coverage;
        coverage.blobs += ids.len() as u64;
        coverage.bytes += searched.bytes;
        let matched_objects = std::mem::take(&mut searched.found);
        coverage.skipped.extend(searched.into_skips());
        matched_objects.into_iter().map(|object| (object.id, count_secrets(&object))).collect()
    }

    /// Secrets that the next commit contains more often than each of its parents.
    ///
    /// Only paths that differ from all parents, `changes`, can add secrets. For a merge, all paths that differ from a
    /// parent are compared as well, since a resolution may move text that a parent has elsewhere. The parents are
    /// only read if there is something to compare.
    fn new_secrets(
        &mut self,
        staged: &StagedChanges,
        own_changes: &[&StagedPath],
        counts_in_index: &SecretCounts,
    ) -> HashSet<Fingerprint> {
        let in_index = tally_new(own_changes.iter().copied(), counts_in_index);
        let mut new: HashSet<Fingerprint> = in_index.keys().copied().collect();
        for changes in staged.changes_by_parent() {
            if new.is_empty() {
                return new;
            }
            let same_paths: Vec<&StagedPath> =
                own_changes.iter().filter_map(|change| find_change(changes, &change.path)).collect();
            let in_parent = self.counts_in_parent(&same_paths);
            new.retain(|secret| in_index.get(secret) > in_parent.get(secret));
        }
        if staged.merge_changes.is_empty() {
            return new;
        }
        for changes in staged.changes_by_parent() {
            if new.is_empty() {
                return new;
            }
            let changes: Vec<&StagedPath> = changes.iter().collect();
            let versions = changes
                .iter()
                .flat_map(|change| change.new.iter().map(|version| (&change.path[..], version)));
            let counts_in_index = self.secret_counts(versions);
            let in_index = tally_new(changes.iter().copied(), &counts_in_index);
            let in_parent = self.counts_in_parent(&changes);
            new.retain(|secret| in_index.get(secret) > in_parent.get(secret));
        }
        new
    }

    /// How often a parent contains each secret at the paths of `changes`.
    fn counts_in_parent(&mut self, changes: &[&StagedPath]) -> HashMap<Fingerprint, usize> {
        let versions =
            changes.iter().filter_map(|change| Some((change.path.as_slice(), change.old.as_ref()?)));
        let secret_counts = self.secret_counts(versions);
        let mut in_parent: HashMap<Fingerprint, usize> = HashMap::new();
        let old = changes.iter().filter_map(|change| secret_counts.get(&change.old.as_ref()?.id));
        for (secret, times) in old.flatten() {
            *in_parent.entry(*secret).or_default() += times;
        }
        in_parent
    }

    /// Searches the name of a path that no parent has.
    fn search_name(&mut self, change: &StagedPath, staged: &StagedChanges) {
        let is_new = |changes| find_change(changes, &change.path).is_some_and(|change| change.old.is_none());
        if !change.new.is_empty() && staged.changes_by_parent().all(is_new) {
            self.add_name(&change.path);
        }
    }

    fn add_name(&mut self, path: &[u8]) {
        let (findings, skip) =
            name_findings(self.settings.detector, &mut self.reserve, Surface::FileName, path, 0);
        self.outcome.findings.extend(findings);
        self.outcome.coverage.skipped.extend(skip);
    }

    fn report_blob(&mut self, path: &[u8], version: &FileVersion, secrets: &HashSet<Fingerprint>) {
        if secrets.is_empty() {
            return;
        }
        let mut objects = ObjectReader::new(self.repo);
        let Some((_, bytes)) = objects.read(&version.id, "staged blob") else { return };
        let origin = Origin { object: Some(version.id.to_string()), ..Origin::at_path(Surface::Index, path) };
        let ScanOutcome { findings, notes, .. } = &mut self.outcome;
        let mut locator = SecretLocator::new(self.settings, self.lfs.clone());
        for located in locator.all(version.id, bytes, &content_name(&origin)) {
            if secrets.contains(&located.detected_key.fingerprint) {
                findings.push(located.clone().into_finding(origin.clone(), 1, notes));
            }
        }
    }
}

/// How often the index contains each secret at the paths of `changes`.
fn tally_new<'c>(
    changes: impl Iterator<Item = &'c StagedPath>,
    counts_in_index: &SecretCounts,
) -> HashMap<Fingerprint, usize> {
    let mut in_index: HashMap<Fingerprint, usize> = HashMap::new();
    for change in changes {
        // The versions in a conflict will become one file.
        let mut most: HashMap<Fingerprint, usize> = HashMap::new();
        for (secret, times) in
            change.new.iter().filter_map(|version| counts_in_index.get(&version.id)).flatten()
        {
            let count = most.entry(*secret).or_default();
            *count = (*count).max(*times);
        }
        for (secret, times) in most {
            *in_index.entry(secret).or_default() += times;
        }
    }
    in_index
}

fn count_secrets(object: &MatchedObject<SharedKey>) -> HashMap<Fingerprint, usize> {
    let mut secret_counts = HashMap::new();
    for (_, key) in &object.matches {
        *secret_counts.entry(key.fingerprint).or_default() += 1;
    }
    secret_counts
}

/// Whether `name` is `path`, or a directory that contains it.
fn covers(name: &[u8], path: &[u8]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    name.is_empty() || path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}
