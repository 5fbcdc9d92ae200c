//! Scans one object database and the git directory around it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::containers::{self, UnopenedContainer};
use super::history_facts::FactsBySecret;
use super::message;
use super::search::{ObjectSearch, SweepMatches, partition};
use super::secret_index::SecretIndex;
use super::{HistoryOptions, HistoryOutcome};
use crate::container::Input;
use crate::git::attribution::{Attribution, Options, SecretHistory, SecretPath, attribute, change_of};
use crate::git::refs::{self, Refs, Tip, TipKind};
use crate::git::{
    self, Database, IndexNames, LfsStore, ObjectId, ObjectKind, ObjectLink, ObjectReader, Repository,
    SweepOptions, UnindexedFile, UnindexedFiles, entry_name,
};
use crate::model::{Finding, Identified, LeakStatus, Origin, Reachability, Skip, Surface};
use crate::scan::Settings;
use crate::scan::collect::{Collector, name_findings};
use crate::scan::contents::{Located, own_name};
use crate::scan::objects::SecretLocator;
use crate::scan::skip_limit::first_and_rest;
use crate::source::{GitDir, NestedDir, Sink as _, scan_file_list, scan_git_dir, scan_object_names};

/// Scans `repo`. Paths and refs are reported with `prefix`, which names a submodule.
pub(super) fn audit(
    settings: &Settings<'_>,
    audit: &HistoryOptions,
    repo: &Repository,
    prefix: &[u8],
) -> RepositoryOutcome {
    let refs = refs::read(repo);
    let mut run = RepositoryAudit::new(settings, audit, repo, prefix);
    run.receipt(&refs);
    run.ref_names(&refs);
    run.side_files(&refs);
    run.sweep(&refs);
    run.index_names();
    let nested = std::mem::take(&mut run.nested);
    let submodules = std::mem::take(&mut run.submodules);
    let mut outcome = run.finish();
    outcome.coverage.skipped.extend(refs.gaps.into_skips());
    RepositoryOutcome { outcome, nested, submodules }
}

/// The result of scanning one repository, and further repositories to scan.
pub(super) struct RepositoryOutcome {
    pub(super) outcome: HistoryOutcome,
    /// Nested git directories, not scanned yet.
    pub(super) nested: Vec<NestedDir>,
    /// Paths of submodules in HEAD or an index.
    pub(super) submodules: BTreeSet<Vec<u8>>,
}

/// The scan of one repository in progress.
pub(super) struct RepositoryAudit<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) audit: &'a HistoryOptions,
    pub(super) repo: &'a Repository,
    pub(super) prefix: &'a [u8],
    objects: ObjectReader,
    places: SecretLocator<'a>,
    /// Files in object directories that were scanned as plain files.
    opened: HashSet<String>,
    nested: Vec<NestedDir>,
    submodules: BTreeSet<Vec<u8>>,
    /// Blobs of a range to which a ref leads without a commit, and their paths in its tree.
    pub(super) alone: HashMap<ObjectId, Vec<u8>>,
    pub(super) outcome: HistoryOutcome,
}

impl<'a> RepositoryAudit<'a> {
    pub(super) fn new(
        settings: &'a Settings<'a>,
        audit: &'a HistoryOptions,
        repo: &'a Repository,
        prefix: &'a [u8],
    ) -> Self {
        Self {
            settings,
            audit,
            repo,
            prefix,
            objects: ObjectReader::of(repo),
            places: SecretLocator::new(settings, lfs(audit, repo)),
            opened: HashSet::new(),
            nested: Vec::new(),
            submodules: BTreeSet::new(),
            alone: HashMap::new(),
            outcome: HistoryOutcome::default(),
        }
    }

    /// Finishes the scan.
    pub(super) fn finish(self) -> HistoryOutcome {
        let Self { objects, mut outcome, .. } = self;
        outcome.coverage.skipped.extend(objects.into_gaps().into_skips());
        outcome
    }
}

/// The store of LFS files, unless they are excluded.
fn lfs(audit: &HistoryOptions, repo: &Repository) -> Option<LfsStore> {
    audit.surfaces.contains(&Surface::Lfs).then(|| LfsStore::of(repo))
}

impl RepositoryAudit<'_> {
    /// The store of LFS files, unless they are excluded.
    pub(super) fn lfs(&self) -> Option<LfsStore> {
        lfs(self.audit, self.repo)
    }

    pub(super) fn wants(&self, surface: Surface) -> bool {
        self.audit.surfaces.contains(&surface)
    }

    /// Fills in the coverage that is known before anything is read.
    fn receipt(&mut self, refs: &Refs) {
        let coverage = &mut self.outcome.coverage;
        coverage.refs += refs.tips.len() as u64;
        coverage.surfaces.extend(self.audit.surfaces.iter().copied());
        if let Some(reason) = git::is_shallow(self.repo) {
            coverage.skipped.insert(Skip::new("commits beyond the shallow boundary", reason));
        }
        let at_head = git::at_head(self.repo);
        if self.audit.surfaces.contains(&Surface::Blob) {
            coverage.skipped.extend(at_head.missing.into_skips());
        }
        self.submodules.extend(at_head.submodules);
        // Otherwise the sweep notices missing objects.
        let kinds = self.audit.object_kinds();
        let follows = [ObjectKind::Commit, ObjectKind::Tree].iter().all(|kind| kinds.contains(kind));
        if let Some(reason) = git::is_partial(self.repo).filter(|_| !follows) {
            coverage.skipped.insert(Skip::new("objects of a partial clone", reason));
        }
    }

    /// Reports refs whose own object is not in the repository. The sweep sees only what other objects name.
    fn broken_refs(&mut self, refs: &Refs) {
        let is_broken = |tip: &&Tip| tip.kind == TipKind::Ref && !self.objects.has(&tip.id);
        let broken = refs.tips.iter().filter(is_broken);
        let skips = broken.map(|tip| {
            Skip::new(&*tip.name, format!("points at {}, which is not in the repository", tip.id))
        });
        let skips = first_and_rest(skips, |more| {
            Skip::new(format!("{more} more refs"), "point at objects that are not in the repository")
        });
        self.outcome.coverage.skipped.extend(skips);
    }

    /// Reports objects that other objects refer to but that do not exist, so they cannot have been scanned. Below a
    /// shallow boundary this is normal and reported already.
    fn missing(&mut self, named: &[ObjectId]) {
        if git::is_shallow(self.repo).is_some() {
            return;
        }
        let missing: Vec<&ObjectId> = named.iter().filter(|id| !self.objects.has(id)).collect();
        let skipped = &mut self.outcome.coverage.skipped;
        if let Some(reason) = git::is_partial(self.repo) {
            if !missing.is_empty() {
                let what = format!(
                    "{} object{} of a partial clone",
                    missing.len(),
                    if missing.len() == 1 { "" } else { "s" }
                );
                skipped.insert(Skip::new(what, reason));
            }
            return;
        }
        let known = |id: &&&ObjectId| !skipped.iter().any(|skip| skip.what.ends_with(&id.to_string()));
        let missing = missing.iter().filter(known).map(|id| Skip::new(format!("object {id}"), MISSING));
        let all = first_and_rest(missing, |more| Skip::new(format!("{more} more objects"), MISSING));
        skipped.extend(all);
    }

    /// Scans configuration, hooks, reflogs and other files, and reflogs in reftables as if they were files.
    fn side_files(&mut self, refs: &Refs) {
        let (collector, names) = (Collector::new(self.settings), Collector::new(self.settings));
        let dir = self.repo.common_dir();
        let name = dir.file_name().filter(|name| *name == ".git").map_or(&b""[..], |_| b".git/");
        let shown = [self.prefix, name].concat();
        let (work_tree, surfaces) = (self.repo.workdir(), &self.audit.surfaces);
        let mut dirs = vec![(dir, shown.clone())];
        // The git directory of a linked work tree, if it is in an unusual place.
        let own = self.repo.git_dir();
        if !is_below(own, dir) {
            dirs.push((own, [self.prefix, own.as_os_str().as_encoded_bytes(), b"/"].concat()));
        }
        for (dir, shown) in dirs {
            let git_dir = GitDir { dir, shown: &shown, work_tree, surfaces };
            self.nested.extend(scan_git_dir(git_dir, &collector, &names));
        }
        self.git_file(&collector);
        if self.wants(Surface::Reflog) {
            table_logs(refs, &shown, &collector);
        }
        self.leftovers(&[&shown, &b"objects/"[..]].concat(), &collector, &names);
        let mut gathered = collector.finish();
        self.with_names(&mut gathered.findings, names.finish().findings);
        for finding in &gathered.findings {
            let status = match finding.origin.surface {
                Surface::Reflog | Surface::Unreachable => LeakStatus::Unreachable,
                Surface::Lfs => LeakStatus::Unknown,
                _ => LeakStatus::Present,
            };
            self.outcome.facts.entry(finding.identified.fingerprint).or_default().status(status);
        }
        self.outcome.findings.extend(gathered.findings);
        self.outcome.dropped.add(gathered.dropped);
        self.outcome.more_skipped += gathered.more_skipped;
        self.outcome.coverage.merge(gathered.coverage);
        self.outcome.notes.extend(gathered.notes);
    }

    /// Scans the file `.git` of a linked work tree or submodule.
    fn git_file(&self, collector: &Collector<'_>) {
        let file = self.repo.workdir().map(|top| top.join(".git"));
        let file = file.filter(|file| file.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()));
        if let Some(file) = file.filter(|_| self.wants(Surface::GitFile)) {
            let origin = Origin::at_path(Surface::GitFile, [self.prefix, b".git"].concat());
            scan_file_list([(file, origin)], collector);
        }
    }

    /// Adds findings in file names, and drops those already reported as names of refs: where refs are stored as
    /// files, their names are file names and occur in lists of refs.
    fn with_names(&self, contents: &mut Vec<Finding>, names: Vec<Finding>) {
        const LISTS: [&[u8]; 5] = [b"refs/", b"packed-refs", b"reftable/", b"HEAD", b"FETCH_HEAD"];
        let of_refs = self.outcome.findings.iter().filter(|one| one.origin.surface == Surface::RefName);
        let known: HashSet<_> = of_refs.map(|one| one.identified.fingerprint).collect();
        let is_new = |finding: &Finding| !known.contains(&finding.identified.fingerprint);
        contents.retain(|finding| {
            let path = finding.origin.path.as_deref().unwrap_or_default();
            let inside = path.strip_prefix(self.prefix).unwrap_or(path);
            let inside = inside.strip_prefix(b".git/").unwrap_or(inside);
            is_new(finding) || !LISTS.iter().any(|list| inside.starts_with(list))
        });
        contents.extend(names.into_iter().filter(is_new));
    }

    /// Scans the names in index files, which are in no tree before the next commit, and reports index files
    /// that cannot be read.
    fn index_names(&mut self) {
        if !self.wants(Surface::Index) && !self.wants(Surface::FileName) {
            return;
        }
        let IndexNames { paths, submodules, gaps } = git::index_names(self.repo);
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        self.submodules.extend(submodules);
        let detector = self.settings.detector;
        let mut any = false;
        let passed_over = detector.find_with_keywords(&paths, |_| true, |_| any = true);
        any |= !passed_over.is_empty();
        if !any || !self.wants(Surface::FileName) {
            return;
        }
        let mut met: HashSet<&[u8]> = HashSet::new();
        for path in paths.split(|&byte| byte == b'\n') {
            let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
            let mut start = 0;
            for end in ends {
                if met.insert(&path[..end]) {
                    let shown = [self.prefix, &path[..end]].concat();
                    let found = name_findings(detector, Surface::FileName, &shown, self.prefix.len() + start);
                    for finding in found {
                        self.staged_name(finding);
                    }
                }
                start = end + 1;
            }
        }
    }

    /// Adds a finding in an index name, unless a tree has the same name.
    fn staged_name(&mut self, finding: Finding) {
        let secret = finding.identified.fingerprint;
        let is_known = |known: &Finding| {
            known.identified.fingerprint == secret
                && known.origin.surface == Surface::FileName
                && known.origin.path == finding.origin.path
        };
        if !self.outcome.findings.iter().any(is_known) {
            self.outcome.facts.entry(secret).or_default().status(LeakStatus::Present);
            self.outcome.findings.push(finding);
        }
    }

    /// Scans files in object directories that git itself ignores.
    fn leftovers(&mut self, shown: &[u8], collector: &Collector<'_>, names: &Collector<'_>) {
        let UnindexedFiles { dirs, files, names: paths, links, skipped } =
            git::unindexed_files(&Database::of(self.repo));
        self.outcome.coverage.skipped.extend(skipped);
        let files = files.into_iter().map(|UnindexedFile { path, inside, holds_objects }| {
            let surface = if holds_objects { Surface::Unreachable } else { Surface::GitFile };
            (path, Origin::at_path(surface, [shown, inside.as_bytes()].concat()))
        });
        let is_wanted = |origin: &Origin| self.audit.surfaces.contains(&origin.surface);
        let files: Vec<_> = files.filter(|(_, origin)| is_wanted(origin)).collect();
        let with_objects = files.iter().filter(|(_, origin)| origin.surface == Surface::Unreachable);
        self.opened.extend(with_objects.map(|(path, _)| path.display().to_string()));
        scan_file_list(files, collector);
        if self.wants(Surface::GitFile) {
            let at = |inside: &String| [shown, inside.as_bytes()].concat();
            let paths: Vec<_> = paths.iter().map(at).collect();
            let link = |link: ObjectLink| {
                (link.path, Origin::at_path(Surface::GitFile, at(&link.inside)), link.is_followed)
            };
            let links: Vec<_> = links.into_iter().map(link).collect();
            let own = [self.repo.common_dir()];
            let within: Vec<&Path> = own.into_iter().chain(dirs.iter().map(|dir| dir.as_path())).collect();
            scan_object_names(&paths, &links, (&within, self.repo.workdir()), (collector, names));
        }
    }

    fn ref_names(&mut self, refs: &Refs) {
        if !self.wants(Surface::RefName) {
            return;
        }
        let logs = refs.logs.iter().map(|entry| &entry.log);
        let mut names: BTreeSet<&String> = refs.tips.iter().map(|tip| &tip.name).chain(logs).collect();
        names.extend(refs.head.iter().chain(&refs.other_names));
        for name in names {
            let shown = [self.prefix, name.as_bytes()].concat();
            for finding in name_findings(self.settings.detector, Surface::RefName, &shown, self.prefix.len())
            {
                let facts = self.outcome.facts.entry(finding.identified.fingerprint).or_default();
                facts.status(LeakStatus::Present);
                self.outcome.findings.push(finding);
            }
        }
    }

    fn sweep(&mut self, refs: &Refs) {
        let kinds = self.audit.object_kinds();
        if kinds.is_empty() {
            return;
        }
        let database = Database::of(self.repo);
        let search = ObjectSearch { detector: self.settings.detector, stop: self.settings.stop, kinds };
        let usual = SweepOptions::default();
        let max_memory = self.audit.max_memory.unwrap_or(usual.max_memory).min(usual.max_memory);
        let options = SweepOptions {
            max_memory,
            max_assembled: usual.max_assembled.min(max_memory),
            threads: self.audit.threads,
            whole: self.audit.whole,
            check_links: true,
            find_unlisted: true,
            cancel: Some(self.settings.stop.flag()),
            progress: self.audit.progress.as_deref(),
            ..usual
        };
        let outcome = self.swept(&database, &search, &options);
        let coverage = &mut self.outcome.coverage;
        coverage.commits += outcome.counts.of(ObjectKind::Commit).objects;
        coverage.blobs += outcome.counts.of(ObjectKind::Blob).objects;
        coverage.bytes += outcome.counts.total().bytes;
        // The sweep skips packs without an index, but they were scanned as plain files.
        coverage.skipped.extend(outcome.skipped.into_iter().filter(|skip| !self.opened.contains(&skip.what)));
        self.gaps(&outcome.unlisted);
        self.missing(&outcome.missing);
        self.broken_refs(refs);
        let SweepMatches { plain: mut found, containers, pointers, passed_over } = partition(outcome.found);
        let mut closed = self.unpack(&containers, &passed_over, &mut found);
        if let Some(store) = self.lfs() {
            self.pointed_at(&store, &pointers, &mut found, &mut closed);
        }
        let (secrets, below) = SecretIndex::gather(&found, self.settings);
        drop(found);
        self.outcome.below_threshold += below;
        self.outcome.dropped.add(secrets.dropped);
        if self.is_stopped() {
            self.without_attribution(&secrets);
        } else if !secrets.identified.is_empty() || !closed.is_empty() {
            self.attribute(refs, &secrets, &closed);
        }
        self.outcome.key_objects = secrets.into_key_objects();
    }

    /// Whether the scan was interrupted or its time is up.
    pub(super) fn is_stopped(&self) -> bool {
        self.settings.stop.is_set()
    }

    /// Reports findings by the objects that contain them, without any attribution.
    pub(super) fn without_attribution(&mut self, secrets: &SecretIndex) {
        let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
        for (id, kind, held) in secrets.of_kinds(&kinds) {
            let surface = match kind {
                ObjectKind::Tree => Surface::FileName,
                ObjectKind::Commit => Surface::CommitMessage,
                ObjectKind::Tag => Surface::TagMessage,
                ObjectKind::Blob => Surface::Blob,
            };
            let is_commit = kind == ObjectKind::Commit;
            for (number, _) in held {
                let identified = &secrets.identified[*number as usize];
                let facts = self.outcome.facts.entry(identified.fingerprint).or_default();
                facts.status(LeakStatus::Unknown);
                let origin = Origin {
                    surface,
                    path: None,
                    object: (!is_commit).then(|| id.to_string()),
                    commit: is_commit.then(|| id.to_string()),
                    container: Vec::new(),
                };
                self.push(identified, origin, Located::somewhere(identified), 1);
            }
        }
    }

    /// How to attribute the findings.
    pub(super) fn attribution(&self, include_unreachable: bool) -> Options<'_> {
        Options { threads: self.audit.threads, stop: self.settings.stop.flag(), include_unreachable }
    }

    fn attribute(&mut self, refs: &Refs, secrets: &SecretIndex, closed: &[UnopenedContainer]) {
        let mut query = secrets.query();
        let held: HashSet<ObjectId> = query.objects.keys().copied().collect();
        containers::ask(&mut query, closed);
        let options = self.attribution(self.wants(Surface::Unreachable));
        let Attribution { secrets: histories, commits, gaps } = attribute(self.repo, refs, &query, &options);
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        if self.is_stopped() {
            return self.without_attribution(secrets);
        }
        for (identified, history) in secrets.identified.iter().zip(&histories) {
            self.in_trees(identified, history, None);
        }
        self.report_unopened(closed, &histories[secrets.identified.len()..]);
        self.in_index(secrets, &held, &histories);
        self.in_messages(refs, &commits, secrets, false);
    }

    /// Adds the findings at paths in trees, and in objects to which no tree leads; on `surface`, or on the
    /// surface that follows from their reachability.
    pub(super) fn in_trees(
        &mut self,
        identified: &Arc<Identified>,
        history: &SecretHistory,
        surface: Option<Surface>,
    ) {
        if history.paths.is_empty() && history.unnamed.is_empty() {
            return;
        }
        let now = self.audit.now;
        let facts = self.outcome.facts.entry(identified.fingerprint).or_default();
        facts.history(history, now);
        let surface = surface.unwrap_or_else(|| surface_of(history));
        for place in &history.paths {
            self.at_place(identified, surface, place);
        }
        for id in &history.unnamed {
            let lost = SecretPath { path: Vec::new(), newest: *id, commit: None, versions: 1 };
            self.at_place(identified, Surface::Unreachable, &lost);
        }
    }

    fn at_place(&mut self, identified: &Arc<Identified>, surface: Surface, place: &SecretPath) {
        let mut path = self.prefix.to_vec();
        path.extend_from_slice(&place.path);
        let is_named = place.commit.is_some() || !place.path.is_empty();
        let mut origin = Origin {
            surface,
            path: is_named.then_some(path),
            object: Some(place.newest.to_string()),
            commit: place.commit.map(|id| id.to_string()),
            container: Vec::new(),
        };
        // Locating a key reads its object again, which may take long after the time limit.
        let object = match self.is_stopped() {
            true => None,
            false => self.objects.read(&place.newest, "holds a finding"),
        };
        let Some((kind, object)) = object else {
            // A finding is reported even if its position is unknown.
            return self.push(identified, origin, Located::somewhere(identified), place.versions);
        };
        let located = self.places.first(place.newest, object, &own_name(&origin), identified);
        let Some(located) = located else {
            // It is in another copy of the object, not the one that git would read.
            return self.push(identified, origin, Located::somewhere(identified), place.versions);
        };
        let located = match kind {
            ObjectKind::Tree => {
                let offset = usize::try_from(located.span.start.offset).unwrap_or(usize::MAX);
                let Some((name, start)) = entry_name(object, offset, self.repo.object_hash()) else { return };
                let path = origin.path.get_or_insert_default();
                if !path.is_empty() && path.last() != Some(&b'/') {
                    path.push(b'/');
                }
                let before = path.len();
                path.extend_from_slice(&name);
                if surface == Surface::Blob {
                    origin.surface = Surface::FileName;
                }
                located.in_name(object, start, before)
            }
            _ => located,
        };
        self.push(identified, origin, located, place.versions);
    }

    /// Adds findings in index entries, including those that no commit contains yet.
    fn in_index(&mut self, secrets: &SecretIndex, held: &HashSet<ObjectId>, histories: &[SecretHistory]) {
        if !self.wants(Surface::Index) {
            return;
        }
        let (staged, gaps) = git::staged_paths(self.repo, |id| held.contains(id));
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        for (id, _, secrets_in) in secrets.of_kinds(&[ObjectKind::Blob]) {
            for path in staged.get(&id).into_iter().flatten() {
                for (number, _) in secrets_in {
                    let identified = &secrets.identified[*number as usize];
                    let history = &histories[*number as usize];
                    let facts = self.outcome.facts.entry(identified.fingerprint).or_default();
                    facts.status(LeakStatus::Present);
                    // No second finding for what HEAD has at the same path.
                    if !history.paths.iter().any(|place| place.path == *path && place.newest == id) {
                        let place = SecretPath { path: path.clone(), newest: id, commit: None, versions: 1 };
                        self.outcome.findings.retain(|finding| !is_lost(finding, identified, id));
                        self.at_place(identified, Surface::Index, &place);
                    }
                }
            }
        }
    }

    /// Adds findings in messages, identities and other headers of commits and tags. For `asked` ones it does
    /// not matter whether a ref leads to them.
    pub(super) fn in_messages(
        &mut self,
        refs: &Refs,
        commits: &[Reachability],
        secrets: &SecretIndex,
        asked: bool,
    ) {
        for ((id, _, held), reachability) in secrets.of_kinds(&[ObjectKind::Commit]).zip(commits) {
            for (number, offset) in held {
                let identified = &secrets.identified[*number as usize];
                let Some(change) = self.objects.read(&id, "holds a finding").map(|(_, o)| change_of(&id, o))
                else {
                    continue;
                };
                let facts = self.outcome.facts.entry(identified.fingerprint).or_default();
                facts.reachable(reachability);
                facts.introduced_by(change, self.audit.now);
                let lost = !asked && reachability.refs_in_history.is_empty();
                self.in_message(identified, id, *offset, lost);
            }
        }
        let tags: Vec<_> = secrets.of_kinds(&[ObjectKind::Tag]).collect();
        let mut leading_to = if tags.is_empty() { HashMap::new() } else { self.leading_to_tags(refs) };
        for (id, _, held) in tags {
            let names = leading_to.remove(&id).unwrap_or_default();
            let lost = names.is_empty();
            let reachability = Reachability {
                refs_at_tip: names.clone(),
                refs_in_history: names,
                ..Reachability::default()
            };
            for (number, offset) in held {
                let identified = &secrets.identified[*number as usize];
                self.outcome.facts.entry(identified.fingerprint).or_default().reachable(&reachability);
                self.in_message(identified, id, *offset, lost && !asked);
            }
        }
    }

    /// The refs that lead to each tag, directly or through another tag.
    fn leading_to_tags(&mut self, refs: &Refs) -> HashMap<ObjectId, Vec<String>> {
        let mut names: HashMap<ObjectId, Vec<String>> = HashMap::new();
        for tip in &refs.tips {
            for tag in self.objects.tags_from(tip.id) {
                names.entry(tag).or_default().push(tip.name.clone());
            }
        }
        names
    }

    fn in_message(&mut self, identified: &Arc<Identified>, id: ObjectId, offset: usize, lost: bool) {
        let Some((kind, object)) = self.objects.read(&id, "holds a finding") else { return };
        let Some(mut located) = self.places.first(id, object, b"", identified) else { return };
        let surface = message::surface(kind, object, offset);
        if matches!(surface, Surface::CommitMessage | Surface::TagMessage) {
            located = located.relative_to(object, message::start(object));
        }
        let id = id.to_string();
        let is_commit = kind == ObjectKind::Commit;
        let origin = Origin {
            surface: if lost && !self.wants(surface) { Surface::Unreachable } else { surface },
            path: None,
            object: (!is_commit).then(|| id.clone()),
            commit: is_commit.then_some(id),
            container: Vec::new(),
        };
        if lost && !self.wants(Surface::Unreachable) {
            return;
        }
        self.push(identified, origin, located, 1);
    }

    /// The committer date of a commit, in seconds since 1970.
    pub(super) fn committed(&mut self, commit: &ObjectId) -> Option<i64> {
        Some(change_of(commit, self.objects.read(commit, "commit")?.1).seconds)
    }

    fn push(&mut self, identified: &Arc<Identified>, origin: Origin, located: Located, versions: u64) {
        if !self.wants(origin.surface) {
            return;
        }
        let located = Located { identified: Arc::clone(identified), ..located };
        self.outcome.findings.push(located.at(origin, versions, &mut self.outcome.notes));
    }
}

/// Whether `path` is `folder` or within it, after resolving links.
pub(super) fn is_below(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(path).starts_with(real(folder))
}

/// Searches reflogs stored in reftables, under the names that their files would have.
fn table_logs(refs: &Refs, shown: &[u8], collector: &Collector<'_>) {
    let mut worker = collector.worker();
    refs.table_logs(|path, text| {
        let origin = Origin::at_path(Surface::Reflog, [shown, path].concat());
        if let Err(error) = worker.blob(&origin, Input::Bytes(text)) {
            worker.skip(Skip::new(String::from_utf8_lossy(path), error.to_string()));
        }
    });
}

/// Why an object that others refer to was not scanned.
const MISSING: &str = "a tree, commit or tag names it, and the object database lacks it; `git fsck` tells more, `git fetch` may bring it";

/// Whether the finding is of a blob that only an index refers to, which was first reported as unreachable.
fn is_lost(finding: &Finding, identified: &Identified, id: ObjectId) -> bool {
    finding.identified.fingerprint == identified.fingerprint
        && finding.origin.path.is_none()
        && finding.origin.object.as_deref() == Some(&id.to_string())
}

/// The surface of a secret's paths, by what leads to them.
fn surface_of(history: &SecretHistory) -> Surface {
    let Reachability { refs_in_history, held_by, .. } = &history.reachability;
    let all =
        |names: &[String], prefix: &str| !names.is_empty() && names.iter().all(|n| n.starts_with(prefix));
    if all(refs_in_history, "refs/notes/") {
        Surface::Note
    } else if all(refs_in_history, "refs/stash") {
        Surface::Stash
    } else if !refs_in_history.is_empty() {
        Surface::Blob
    } else if all(held_by, "refs/stash@") {
        Surface::Stash
    } else {
        Surface::Unreachable
    }
}

/// Adds the facts from another repository.
pub(super) fn merge(into: &mut FactsBySecret, from: FactsBySecret) {
    for (fingerprint, facts) in from {
        into.entry(fingerprint).or_default().merge(facts);
    }
}
