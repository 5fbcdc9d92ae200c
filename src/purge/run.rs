//! Carries out a purge whose keys are known.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::PurgeOptions;
use super::error::PurgeError;
use super::leftovers::{self, Leftover};
use super::names;
use super::proof::{self, PurgeProof};
use super::purged_keys::PurgedKeys;
use super::refs::RefPlan;
use super::report::{Counts, Material, PurgeReport};
use super::rewriter::{HistoryRewriter, Rewritten};
use super::sink::ObjectSink;
use super::store::NewRepository;
use crate::detect::Redactor;
use crate::git::{
    self, CarriedGraph, ObjectId, ObjectKind, ObjectReader, PackWriter, Repository, WholeEntryReader,
};
use crate::model::Draft;
use crate::scan::{KeysByObject, PartlySearchedObject, Settings};
use crate::threads;

/// A purge after the audit.
pub(super) struct PurgeRun<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) options: &'a PurgeOptions,
    pub(super) repo: &'a Repository,
    pub(super) draft: &'a Draft,
    pub(super) keys: &'a PurgedKeys,
    pub(super) start: Instant,
    pub(super) deliver: &'a dyn Fn(&PurgeReport) -> Result<(), String>,
}

impl PurgeRun<'_> {
    /// Writes the new repository, proves it and delivers the report.
    pub(super) fn run(&self, found: &KeysByObject) -> Result<PurgeReport, PurgeError> {
        if self.keys.keys.is_empty() {
            return self.nothing(&found.unsearched);
        }
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
        let sink = self.sink(new.as_ref())?;
        let mut rewriter = self.rewriter(found, &plan, &paths, &sink)?;
        let objects = rewriter.graph.object_count();
        let unreachable = rewriter.graph.unreachable_count();
        sink.with_helper(self.options.threads, || rewriter.run())
            .map_err(|error| self.unwritable(error))??;
        let HistoryRewriter { mut graph, done, .. } = rewriter;
        let commits = graph.commit_count() as u64;
        let copied = graph.object_count();
        let counts = Counts {
            commits,
            rewritten_commits: done.commits.len() as u64,
            objects,
            copied_objects: copied,
            rewritten_objects: done.new.len() as u64,
        };
        sink.with_writer(|writer| self.copy(&mut graph, writer)).transpose()?;
        let tags = graph.tags().iter().map(|link| (link.id, link.target)).collect();
        let tip_trees = plan.refs.iter().filter_map(|one| Some((one.id, graph.tree_of(&one.id)?))).collect();
        drop(graph);
        let proof = match (&new, sink.into_writer()) {
            (Some(new), Some(writer)) => Some(self.write(new, writer, (&tags, &tip_trees), &plan, &done)?),
            _ => None,
        };
        let leftovers = leftovers::list(self.repo, &refs, &plan, unreachable, done.lfs.len() as u64);
        let status = if self.options.into.is_some() { "done" } else { "planned" };
        let report =
            self.report(status, &plan, (&done, &paths), (counts, leftovers, &found.unsearched), proof);
        (self.deliver)(&report).map_err(PurgeError::Report)?;
        if let Some(new) = new {
            new.finish().map_err(|error| self.unwritable(error))?;
        }
        Ok(report)
    }

    /// The report if there is nothing to purge.
    fn nothing(&self, unsearched: &[PartlySearchedObject]) -> Result<PurgeReport, PurgeError> {
        let plan = RefPlan::new(&git::refs::read(self.repo), self.keys, self.settings.detector)?;
        let rewritten = (&Rewritten::default(), &HashMap::new());
        let report =
            self.report("nothing", &plan, rewritten, (Counts::default(), Vec::new(), unsearched), None);
        (self.deliver)(&report).map_err(PurgeError::Report)?;
        Ok(report)
    }

    fn report(
        &self,
        status: &'static str,
        plan: &RefPlan,
        (done, paths): (&Rewritten, &HashMap<ObjectId, Vec<u8>>),
        (counts, leftovers, unsearched): (Counts, Vec<Leftover>, &[PartlySearchedObject]),
        proof: Option<PurgeProof>,
    ) -> PurgeReport {
        let redactor = Redactor::new(self.settings.detector)
            .with_known(self.draft.secrets.iter().map(|identified| &identified.secret));
        let material = Material {
            status,
            rules: self.settings.rules_digest,
            path: self.options.repo.display().to_string(),
            into: self.options.into.as_ref().map(|into| into.display().to_string()),
            url: git::push_url(self.repo),
            left_out: &self.draft.coverage.ignored,
            accepted: self.keys.accepted,
            unmatched: self.keys.unmatched,
            hash: self.repo.object_hash(),
            keys: &self.keys.keys,
            plan,
            done,
            paths,
            counts,
            leftovers,
            unsearched,
            others: self.keys.others,
            proof,
            elapsed: self.start.elapsed().as_secs_f64(),
        };
        PurgeReport::new(material, &redactor)
    }

    fn unwritable(&self, error: std::io::Error) -> PurgeError {
        PurgeError::Write { path: self.options.into.clone().unwrap_or_default(), error }
    }

    /// Paths of objects with keys, as far as the audit knows them.
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
        found: &'a KeysByObject,
        plan: &RefPlan,
        paths: &'a HashMap<ObjectId, Vec<u8>>,
        sink: &'a ObjectSink,
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
        Ok(HistoryRewriter {
            settings: self.settings,
            options: self.options,
            repo: self.repo,
            hash: self.repo.object_hash(),
            keys: self.keys,
            found,
            flagged,
            paths,
            objects: ObjectReader::new(self.repo),
            whole: WholeEntryReader::default(),
            graph,
            sink,
            names: names::Names::default(),
            commit_ids: None,
            affected: HashSet::new(),
            done: Rewritten::default(),
        })
    }

    fn sink(&self, new: Option<&NewRepository>) -> Result<ObjectSink, PurgeError> {
        let hash = self.repo.object_hash();
        let Some(new) = new else { return Ok(ObjectSink::DryRun(hash)) };
        let writer = PackWriter::create(&new.pack_dir(), hash).map_err(|error| self.unwritable(error))?;
        Ok(ObjectSink::pack(writer, hash))
    }

    /// Copies what is not rewritten.
    fn copy(&self, graph: &mut CarriedGraph<'_>, writer: &mut PackWriter) -> Result<(), PurgeError> {
        match graph.copy_into(writer) {
            Ok(_) => Ok(()),
            Err(git::CarryError::Write(error)) => Err(self.unwritable(error)),
            Err(git::CarryError::Stopped) => Err(PurgeError::Stopped),
            Err(error) => Err(PurgeError::Carry(error)),
        }
    }

    /// Finishes the pack, writes the refs, and proves all of it. `tags` has what each annotated tag names, `tip_trees` the
    /// old tree of each commit that a ref names.
    fn write(
        &self,
        new: &NewRepository,
        writer: PackWriter,
        (tags, tip_trees): (&HashMap<ObjectId, ObjectId>, &HashMap<ObjectId, ObjectId>),
        plan: &RefPlan,
        done: &Rewritten,
    ) -> Result<PurgeProof, PurgeError> {
        writer.finish().map_err(|error| self.unwritable(error))?;
        let peel = |id: &ObjectId| {
            let mut at = *tags.get(id)?;
            while let Some(next) = tags.get(&at) {
                at = *next;
            }
            Some(at)
        };
        new.write_refs(&plan.refs, &plan.head, |id| done.id(id), peel)
            .map_err(|error| self.unwritable(error))?;
        // Files are synced while the proof reads what is still in memory.
        std::thread::scope(|scope| {
            let syncing = threads::start(scope, || new.sync());
            let expected = proof::Expected { keys: self.keys, plan, done, tip_trees };
            let proof = proof::prove(new.path(), self.repo, self.settings, self.options, &expected);
            let synced = syncing.map_or_else(|| new.sync(), threads::join);
            let proof = proof?;
            synced.map_err(|error| self.unwritable(error))?;
            Ok(proof)
        })
    }
}
