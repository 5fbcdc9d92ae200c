//! Layer 4: `friskey purge`: a new repository without given keys, proven before it is handed over.
//!
//! An audit finds the objects that contain the keys. Those are rewritten, with the trees above them and the commits after
//! them; everything else is copied as it is packed. The old repository is only read.

mod blobs;
mod cleanse;
mod commits;
mod error;
mod fill;
mod headers;
mod leftovers;
mod message_ids;
mod names;
mod next_steps;
mod notes;
mod proof;
mod purged_keys;
mod refs;
mod report;
mod rewriter;
mod sink;
mod store;
mod tags;
mod tree;
mod trees;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub use error::PurgeError;
pub use leftovers::Leftover;
pub use next_steps::PurgeStep;
pub use proof::PurgeProof;
pub use report::{Counts, PurgeReport, ReportedKey};

use crate::detect::Redactor;
use crate::git::{self, CarriedGraph, ObjectId, ObjectKind, ObjectReader, PackWriter, Progress, Repository};
use crate::model::{Confidence, Draft};
use crate::scan::{HistoryError, HistoryOptions, KeyFilter, KeyObjects, Settings, scan_history_objects};
use crate::source::Excludes;
use purged_keys::PurgedKeys;
use refs::RefPlan;
use report::Material;
use rewriter::{HistoryRewriter, Rewritten};
use sink::ObjectSink;
use store::NewRepository;

/// What becomes of a container in which a key is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainerTreatment {
    /// A text that says what it was takes its place.
    #[default]
    Stub,
    /// Nothing is purged.
    Refuse,
}

/// What to purge, and how.
#[derive(Clone, Debug)]
pub struct PurgeOptions {
    /// A path in the repository, or its git directory. It is only read.
    pub repo: PathBuf,
    /// Where the new repository is to be; `None` for a dry run.
    pub into: Option<PathBuf>,
    /// The keys to purge; if empty, every key at the threshold that is not accepted.
    pub keys: Vec<KeyFilter>,
    /// What becomes of containers.
    pub containers: ContainerTreatment,
    /// Whether ids in messages stay as they are.
    pub keep_message_ids: bool,
    /// Paths that the audit leaves out.
    pub exclude: Option<Excludes>,
    /// The number of threads.
    pub threads: usize,
    /// The current time in seconds since 1970.
    pub now: i64,
    /// Reports the progress of both audits.
    pub progress: Option<Arc<Progress>>,
}

/// Purges a repository, or plans to.
///
/// # Errors
/// When the repository cannot be read completely, the new one cannot be written, or it cannot be proven. Nothing is left
/// behind then.
pub fn purge(settings: &Settings<'_>, options: &PurgeOptions) -> Result<PurgeReport, PurgeError> {
    let start = Instant::now();
    let repo = git::open(&options.repo).map_err(HistoryError::from)?.to_thread_local();
    if let Some(into) = &options.into {
        store::check(into, &repo)?;
    }
    let (draft, found) = audit(settings, options)?;
    let keys = PurgedKeys::select(&draft, &options.keys, settings.min_confidence);
    let job = PurgeRun { settings, options, repo: &repo, draft: &draft, keys: &keys, start };
    if keys.keys.is_empty() { job.nothing() } else { job.run(&found) }
}

/// Audits everything, at the lowest confidence, so that every form of a key is known.
fn audit(settings: &Settings<'_>, options: &PurgeOptions) -> Result<(Draft, KeyObjects), PurgeError> {
    let settings = Settings { min_confidence: Confidence::Low, only: None, ..*settings };
    let audit = HistoryOptions {
        exclude: options.exclude.clone(),
        progress: options.progress.clone(),
        ..HistoryOptions::everything(options.repo.clone(), options.threads, options.now)
    };
    let (draft, found) = scan_history_objects(&settings, &audit)?;
    if settings.stop.is_set() {
        return Err(PurgeError::Stopped);
    }
    match draft.coverage.is_complete() {
        true => Ok((draft, found)),
        false => Err(PurgeError::Incomplete(draft.coverage.skipped.into_iter().collect())),
    }
}

/// A purge after the audit.
struct PurgeRun<'a> {
    settings: &'a Settings<'a>,
    options: &'a PurgeOptions,
    repo: &'a Repository,
    draft: &'a Draft,
    keys: &'a PurgedKeys,
    start: Instant,
}

impl PurgeRun<'_> {
    fn run(&self, found: &KeyObjects) -> Result<PurgeReport, PurgeError> {
        let refs = git::refs::read(self.repo);
        let plan = RefPlan::new(&refs, self.keys, self.settings.detector)?;
        let new = match &self.options.into {
            Some(into) => Some(
                NewRepository::create(into, self.repo.object_hash())
                    .map_err(|error| PurgeError::Write { path: into.clone(), error })?,
            ),
            None => None,
        };
        let paths = self.paths();
        let mut rewriter = self.rewriter(found, &plan, &paths, new.as_ref())?;
        let objects = rewriter.graph.object_count();
        let unreachable = rewriter.graph.unreachable_count();
        rewriter.run()?;
        let HistoryRewriter { mut graph, sink, done, .. } = rewriter;
        let commits = graph.commit_count() as u64;
        let copied = graph.object_count();
        let counts = Counts {
            commits,
            rewritten_commits: done.commits.len() as u64,
            objects,
            copied_objects: copied,
            rewritten_objects: done.new.len() as u64,
        };
        let proof = match (&new, sink.into_writer()) {
            (Some(new), Some(writer)) => Some(self.write(new, writer, &mut graph, &plan, &done)?),
            _ => None,
        };
        drop(graph);
        if let Some(new) = new {
            new.finish().map_err(|error| self.unwritable(error))?;
        }
        let leftovers = leftovers::list(self.repo, &refs, &plan, unreachable, done.lfs.len() as u64);
        let status = if self.options.into.is_some() { "done" } else { "planned" };
        Ok(self.report(status, &plan, (&done, &paths), counts, leftovers, proof))
    }

    /// The report that there is nothing to purge.
    fn nothing(&self) -> Result<PurgeReport, PurgeError> {
        let plan = RefPlan::new(&git::refs::read(self.repo), self.keys, self.settings.detector)?;
        let rewritten = (&Rewritten::default(), &HashMap::new());
        Ok(self.report("nothing", &plan, rewritten, Counts::default(), Vec::new(), None))
    }

    fn report(
        &self,
        status: &'static str,
        plan: &RefPlan,
        (done, paths): (&Rewritten, &HashMap<ObjectId, Vec<u8>>),
        counts: Counts,
        leftovers: Vec<Leftover>,
        proof: Option<PurgeProof>,
    ) -> PurgeReport {
        let redactor = Redactor::new(self.settings.detector)
            .with_known(self.draft.secrets.iter().map(|identified| &identified.secret));
        let material = Material {
            status,
            rules: self.settings.rules_digest,
            path: self.options.repo.display().to_string(),
            into: self.options.into.as_ref().map(|into| into.display().to_string()),
            url: self.draft.version_control.as_ref().map(|origin| origin.repository_uri.clone()),
            hash: self.repo.object_hash(),
            keys: &self.keys.keys,
            plan,
            done,
            paths,
            counts,
            leftovers,
            proof,
            elapsed: self.start.elapsed().as_secs_f64(),
        };
        PurgeReport::new(material, &redactor)
    }

    fn unwritable(&self, error: std::io::Error) -> PurgeError {
        PurgeError::Write { path: self.options.into.clone().unwrap_or_default(), error }
    }

    /// Paths of objects with keys, as far as the audit tells.
    fn paths(&self) -> HashMap<ObjectId, Vec<u8>> {
        let findings = self.draft.leaks.iter().flat_map(|leak| &leak.findings);
        findings
            .filter_map(|finding| {
                let id = ObjectId::from_hex(finding.origin.object.as_ref()?.as_bytes()).ok()?;
                Some((id, finding.origin.path.clone()?))
            })
            .collect()
    }

    fn rewriter<'a>(
        &'a self,
        found: &'a KeyObjects,
        plan: &RefPlan,
        paths: &'a HashMap<ObjectId, Vec<u8>>,
        new: Option<&NewRepository>,
    ) -> Result<HistoryRewriter<'a>, PurgeError> {
        let is_purged = |number: &u32| {
            found.keys.get(*number as usize).is_some_and(|key| self.keys.has(&key.fingerprint))
        };
        let flagged = found.objects.iter().filter(|(_, (_, held))| held.iter().any(is_purged));
        let flagged: HashMap<ObjectId, ObjectKind> = flagged.map(|(id, (kind, _))| (*id, *kind)).collect();
        let in_trees = flagged.iter().filter(|(_, kind)| matches!(kind, ObjectKind::Blob | ObjectKind::Tree));
        let wanted: HashSet<ObjectId> = in_trees.map(|(id, _)| *id).collect();
        let (roots, late) = plan.roots();
        let stop = self.settings.stop.flag();
        let graph = CarriedGraph::read(self.repo, (&roots, &late), &wanted, self.options.threads, stop)
            .map_err(|gaps| match self.settings.stop.is_set() {
                true => PurgeError::Stopped,
                false => PurgeError::Incomplete(gaps.into_skips().into_iter().collect()),
            })?;
        let hash = self.repo.object_hash();
        let sink = match new {
            Some(new) => ObjectSink::pack(
                PackWriter::create(&new.pack_dir(), hash).map_err(|error| self.unwritable(error))?,
            ),
            None => ObjectSink::DryRun(hash),
        };
        Ok(HistoryRewriter {
            settings: self.settings,
            options: self.options,
            repo: self.repo,
            hash,
            keys: self.keys,
            found,
            flagged,
            paths,
            objects: ObjectReader::of(self.repo),
            graph,
            sink,
            names: names::Names::default(),
            commit_ids: None,
            affected: HashSet::new(),
            done: Rewritten::default(),
        })
    }

    /// Copies what stays, writes the refs, and proves all of it.
    fn write(
        &self,
        new: &NewRepository,
        mut writer: PackWriter,
        graph: &mut CarriedGraph<'_>,
        plan: &RefPlan,
        done: &Rewritten,
    ) -> Result<PurgeProof, PurgeError> {
        graph.copy_into(&mut writer).map_err(|error| match error {
            git::CarryError::Write(error) => self.unwritable(error),
            git::CarryError::Stopped => PurgeError::Stopped,
            error => PurgeError::Carry(error),
        })?;
        writer.finish().map_err(|error| self.unwritable(error))?;
        let targets: HashMap<ObjectId, ObjectId> =
            graph.tags().iter().map(|link| (link.id, link.target)).collect();
        let peel = |id: &ObjectId| {
            let mut at = *targets.get(id)?;
            while let Some(next) = targets.get(&at) {
                at = *next;
            }
            Some(at)
        };
        new.write_refs(&plan.refs, &plan.head, |id| done.id(id), peel)
            .map_err(|error| self.unwritable(error))?;
        proof::prove(new.path(), self.repo, self.settings, self.options, (self.keys, plan, done))
    }
}
