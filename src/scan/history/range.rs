//! Scans a range of commits: what they introduce, including what a later commit of the range removes again.

use std::collections::{HashMap, HashSet};

use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use super::{HistoryError, HistoryOptions, HistoryOutcome};
use crate::detect::EffortReserve;
use crate::git::attribution::{SecretPath, attribute_range};
use crate::git::range::{self, ExclusionMode, Range, RangeContent, blobs_outside, candidates};
use crate::git::refs::{self, Refs, Tip, TipKind};
use crate::git::{ObjectId, ObjectKind, Repository};
use crate::model::{Surface, native_path};
use crate::scan::Settings;
use crate::scan::narrowing::submodule;
use crate::scan::objects::{SearchOptions, search};

/// The surfaces that a range can contain.
const SURFACES: &[Surface] = &[
    Surface::FileName,
    Surface::Blob,
    Surface::CommitMessage,
    Surface::Identity,
    Surface::CommitHeader,
    Surface::TagMessage,
    Surface::RefName,
    Surface::Lfs,
];

/// Scans the commits in `repo` that any of the `ranges`, each of which is a list of revisions, selects.
///
/// # Errors
/// If the range cannot be resolved.
pub(super) fn audit(
    settings: &Settings<'_>,
    options: &HistoryOptions,
    repo: &Repository,
    ranges: &[Vec<String>],
) -> Result<HistoryOutcome, HistoryError> {
    let revisions = ranges.iter().map(|words| range::parse(repo, words)).collect::<Result<Vec<_>, _>>()?;
    let quick = range::select_union(repo, &revisions, ExclusionMode::Quick)?;
    let (mut run, secrets) = search_and_record(settings, options, repo, &quick);
    if secrets.keys.is_empty() && run.outcome.findings.is_empty() {
        return Ok(run.finish());
    }
    // Something was found, so the exact selection matters; it takes longer.
    let exact = range::select_union(repo, &revisions, ExclusionMode::Exact)?;
    let secrets = match exact.commits == quick.commits {
        true => secrets,
        false => {
            let (exact_run, secrets) = search_and_record(settings, options, repo, &exact);
            run = exact_run;
            secrets
        }
    };
    run.attribute_range(&exact, &secrets);
    Ok(run.finish())
}

/// Searches what the commits of `range` introduce, and records the coverage.
fn search_and_record<'a>(
    settings: &'a Settings<'a>,
    options: &'a HistoryOptions,
    repo: &'a Repository,
    range: &Range,
) -> (RepositoryAudit<'a>, SecretIndex) {
    let mut run = RepositoryAudit::new(settings, options, repo, b"");
    let coverage = &mut run.outcome.coverage;
    coverage.surfaces.extend(SURFACES.iter().filter(|surface| options.surfaces.contains(surface)));
    coverage.commits = range.commits.len() as u64;
    coverage.skipped.extend(range.gaps.clone().into_skips());
    run.search_pushed_ref_names(range);
    let secrets = run.search_range(range);
    (run, secrets)
}

impl RepositoryAudit<'_> {
    /// Searches the names of the pushed refs.
    fn search_pushed_ref_names(&mut self, range: &Range) {
        if !self.wants(Surface::RefName) {
            return;
        }
        let names = match &self.options.names {
            Some(names) => names.clone(),
            None => names_of_refs_in(range, refs::read(self.repo)),
        };
        let mut reserve = EffortReserve::default();
        for name in names {
            self.search_ref_name(&mut reserve, name.as_bytes(), 0);
        }
    }

    /// Searches what the commits introduce, the commits themselves, and their tags.
    fn search_range(&mut self, range: &Range) -> SecretIndex {
        let RangeContent { candidates, names, submodules, gaps } =
            candidates(self.repo, range, self.options.threads, self.settings.stop.flag());
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        self.outcome.coverage.blobs = candidates.len() as u64;
        self.commitless_blobs = candidates
            .iter()
            .filter(|candidate| candidate.commit.is_none())
            .map(|candidate| (candidate.blob, candidate.path.clone()))
            .collect();
        if self.wants(Surface::FileName) {
            let mut reserve = EffortReserve::default();
            for path in names {
                // The directories above are listed as names of their own.
                let start = memchr::memrchr(b'/', &path).map_or(0, |slash| slash + 1);
                let findings = self.search_name(&mut reserve, Surface::FileName, &path, start);
                self.outcome.findings.extend(findings);
            }
        }
        let mut ids: Vec<ObjectId> = Vec::new();
        if self.wants(Surface::Blob) {
            ids.extend(candidates.iter().map(|candidate| candidate.blob));
        }
        ids.extend(range.commits.iter().map(|commit| commit.id));
        ids.extend(&range.tags);
        let is_left_out =
            |path: &[u8]| self.options.exclude.as_ref().is_some_and(|globs| globs.covers(&native_path(path)));
        if self.options.surfaces.contains(&Surface::Submodule) {
            let reported = submodules.iter().filter(|(path, _)| !is_left_out(path));
            self.outcome.coverage.ignored.extend(reported.map(|(path, ids)| submodule(path, ids)));
        }
        let reported = candidates.iter().filter(|candidate| !is_left_out(&candidate.path));
        let paths: HashMap<_, _> = reported.map(|candidate| (candidate.blob, &candidate.path)).collect();
        let path_of = |id: &ObjectId| paths.get(id).map(|path| path.to_vec());
        let lfs = self.lfs();
        let options =
            SearchOptions { lfs: lfs.as_ref(), ..SearchOptions::new(self.options.threads, &path_of) };
        let mut searched = search(self.settings, self.repo, &ids, &options);
        searched.skipped.retain(|(id, _)| paths.contains_key(id));
        self.outcome.coverage.bytes += searched.bytes;
        let matched_objects = std::mem::take(&mut searched.found);
        let (secrets, below_threshold) = SecretIndex::gather(&matched_objects, self.settings);
        self.outcome.coverage.skipped.extend(searched.into_skips());
        self.outcome.below_threshold += below_threshold;
        self.outcome.dropped_findings.add(secrets.dropped_findings);
        secrets
    }

    /// The paths in blobs to which refs lead without a commit, by the number of the secret.
    fn commitless_paths(&self, secrets: &SecretIndex) -> HashMap<u32, Vec<SecretPath>> {
        let mut paths: HashMap<u32, Vec<SecretPath>> = HashMap::new();
        for (newest, _, occurrences) in secrets.of_kinds(&[ObjectKind::Blob]) {
            let Some(path) = self.commitless_blobs.get(&newest) else { continue };
            let place = SecretPath { path: path.clone(), newest, commit: None, versions: 1 };
            for (number, _) in occurrences {
                paths.entry(*number).or_default().push(place.clone());
            }
        }
        paths
    }

    /// Reports what the range introduced, with its history.
    fn attribute_range(&mut self, range: &Range, secrets: &SecretIndex) {
        if self.is_stopped() {
            return self.add_unattributed_findings(secrets);
        }
        let mut query = secrets.query();
        if !query.objects.is_empty() {
            let scanned = query.objects.keys().copied().collect();
            let (outside, gaps) = blobs_outside(self.repo, range, &scanned, self.settings.stop.flag());
            self.outcome.coverage.skipped.extend(gaps.into_skips());
            let no_path = |_: &ObjectId| None;
            let lfs = self.lfs();
            let options =
                SearchOptions { lfs: lfs.as_ref(), ..SearchOptions::new(self.options.threads, &no_path) };
            let mut searched = search(self.settings, self.repo, &outside, &options);
            let numbers: HashMap<_, u32> =
                secrets.keys.iter().zip(0..).map(|(key, number)| (key.fingerprint, number)).collect();
            for object in std::mem::take(&mut searched.found) {
                let secret_numbers: Vec<u32> = object
                    .matches
                    .iter()
                    .filter_map(|(_, key)| numbers.get(&key.fingerprint).copied())
                    .collect();
                if !secret_numbers.is_empty() {
                    query.objects.insert(object.id, secret_numbers);
                }
            }
            // Containers that cannot be opened are reported only if they are in the range.
            self.outcome.coverage.skipped.extend(searched.gaps.into_skips());
        }
        let refs = refs::read(self.repo);
        let (range_histories, attribution) =
            attribute_range(self.repo, &refs, range, &query, &self.attribution(false));
        self.outcome.coverage.skipped.extend(attribution.gaps.into_skips());
        if self.is_stopped() {
            return self.add_unattributed_findings(secrets);
        }
        let histories = range_histories.into_iter().zip(attribution.secrets);
        let mut commitless_paths = self.commitless_paths(secrets);
        let mut places = Vec::new();
        for ((detected_key, number), (range_history, mut history)) in
            secrets.keys.iter().zip(0..).zip(histories)
        {
            history.unnamed_objects = Vec::new();
            if range_history.introduced.is_empty() {
                // No commit introduces an object to which a ref leads directly.
                history.paths = commitless_paths.remove(&number).unwrap_or_default();
            } else {
                history.introduced = range_history.introduced;
                history.removed = range_history.removed;
                history.moves = range_history.moves;
                history.paths = range_history.paths;
            }
            places.extend(self.places_of(detected_key, &history, Some(Surface::Blob)));
        }
        self.add_findings_at(places);
        self.add_message_findings(&refs, &attribution.commits, secrets, true);
    }
}

/// The names of the refs whose tip is in `range`.
fn names_of_refs_in(range: &Range, refs: Refs) -> Vec<String> {
    let commits = range.commits.iter().map(|commit| commit.id);
    let other_objects = range.objects.iter().map(|(_, id)| *id);
    let ids: HashSet<ObjectId> = commits.chain(range.tags.iter().copied()).chain(other_objects).collect();
    let is_ref = |tip: &Tip| tip.kind == TipKind::Ref && ids.contains(&tip.id);
    refs.tips.into_iter().filter(is_ref).map(|tip| tip.name).collect()
}
