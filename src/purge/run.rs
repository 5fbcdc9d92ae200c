//! Performs a purge after the audit: writes the new repository, proves it and delivers the report.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::PurgeOptions;
use super::error::PurgeError;
use super::leftovers::{self, Leftover};
use super::names;
use super::proof::{self, PurgeProof};
use super::purged_keys::PurgedKeys;
use super::refs::RefPlan;
use super::report::{Counts, PurgeReport, ReportContents};
use super::rewriter::{HistoryRewriter, Rewrites};
use super::sink::ObjectSink;
use super::store::NewRepository;
use crate::detect::Redactor;
use crate::git::{
    self, CarriedGraph, ObjectId, ObjectKind, ObjectReader, PackWriter, Repository, WholeEntryReader,
};
use crate::model::Draft;
use crate::scan::{KeysByObject, PartlySearchedObject, Settings};
use crate::threads;

/// A purge whose keys are known.
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
    pub(super) fn run(&self, keys_by_object: &KeysByObject) -> Result<PurgeReport, PurgeError> {
        if self.keys.keys.is_empty() {
            return self.report_nothing(&keys_by_object.unsearched);
        }
        let refs = git::refs::read(self.repo);
        let plan = RefPlan::new(&refs, self.keys, self.settings.detector)?;
        let new = match &self.options.destination {
            Some(path) => Some(
                NewRepository::create(path, self.repo.object_hash())
                    .map_err(|error| PurgeError::Write { path: path.clone(), error })?,
            ),
            None => None,
        };
        let paths = self.paths();
        let sink = self.sink(new.as_ref())?;
        let mut rewriter = self.rewriter(keys_by_object, &plan, &paths, &sink)?;
        // The rewriter then excludes what it rewrites.
        let reachable_objects = rewriter.graph.object_count();
        let unreachable = rewriter.graph.unreachable_count();
        sink.with_compressing_thread(self.options.threads, || rewriter.run())
            .map_err(|error| self.unwritable(error))??;
        let HistoryRewriter { mut graph, rewrites, .. } = rewriter;
        let commits = graph.commit_count() as u64;
        let copied_objects = graph.object_count();
        let counts = Counts {
            commits,
            rewritten_commits: rewrites.commits.len() as u64,
            objects: reachable_objects,
            copied_objects,
            rewritten_objects: rewrites.new_ids.len() as u64,
        };
        sink.with_writer(|writer| self.copy(&mut graph, writer)).transpose()?;
        let tags = graph.tags().iter().map(|link| (link.id, link.target)).collect();
        let tip_trees = plan
            .refs
            .iter()
            .filter_map(|carried_ref| Some((carried_ref.id, graph.tree_of(&carried_ref.id)?)))
            .collect();
        drop(graph);
        let proof = match (&new, sink.into_writer()) {
            (Some(new), Some(writer)) => {
                Some(self.write(new, writer, (&tags, &tip_trees), &plan, &rewrites)?)
            }
            _ => None,
        };
        let leftovers =
            leftovers::list(self.repo, &refs, &plan, unreachable, rewrites.lfs_files.len() as u64);
        let status = if self.options.destination.is_some() { "done" } else { "planned" };
        let report = self.report(
            status,
            &plan,
            (&rewrites, &paths),
            (counts, leftovers, &keys_by_object.unsearched),
            proof,
        );
        (self.deliver)(&report).map_err(PurgeError::Report)?;
        if let Some(new) = new {
            new.finish().map_err(|error| self.unwritable(error))?;
        }
        Ok(report)
    }

    /// Delivers the report of a repository without a key to purge.
    fn report_nothing(&self, unsearched: &[PartlySearchedObject]) -> Result<PurgeReport, PurgeError> {
        let plan = RefPlan::new(&git::refs::read(self.repo), self.keys, self.settings.detector)?;
        let no_rewrites = (&Rewrites::default(), &HashMap::new());
        let report =
            self.report("nothing", &plan, no_rewrites, (Counts::default(), Vec::new(), unsearched), None);
        (self.deliver)(&report).map_err(PurgeError::Report)?;
        Ok(report)
    }

    fn report(
        &self,
        status: &'static str,
        plan: &RefPlan,
        (rewrites, paths): (&Rewrites, &HashMap<ObjectId, Vec<u8>>),
        (counts, leftovers, unsearched): (Counts, Vec<Leftover>, &[PartlySearchedObject]),
        proof: Option<PurgeProof>,
    ) -> PurgeReport {
        let redactor = Redactor::new(self.settings.detector)
            .with_known_secrets(self.draft.secrets.iter().map(|detected_key| &detected_key.secret));
        let contents = ReportContents {
            status,
            rules: self.settings.rules_digest,
            path: self.options.repo.display().to_string(),
            destination: self.options.destination.as_ref().map(|path| path.display().to_string()),
            url: git::push_url(self.repo),
            left_out: &self.draft.coverage.ignored,
            accepted_keys: self.keys.accepted_count,
            other_keys: self.keys.unselected_count,
            unmatched_keys: self.keys.unmatched_keys,
            hash: self.repo.object_hash(),
            keys: &self.keys.keys,
            plan,
            rewrites,
            paths,
            counts,
            leftovers,
            unsearched,
            proof,
            elapsed_seconds: self.start.elapsed().as_secs_f64(),
        };
        PurgeReport::new(contents, &redactor)
    }

    fn unwritable(&self, error: std::io::Error) -> PurgeError {
        PurgeError::Write { path: self.options.destination.clone().unwrap_or_default(), error }
    }

    /// One path of each object with a key, if the audit knows one.
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
        keys_by_object: &'a KeysByObject,
        plan: &RefPlan,
        paths: &'a HashMap<ObjectId, Vec<u8>>,
        sink: &'a ObjectSink,
    ) -> Result<HistoryRewriter<'a>, PurgeError> {
        let is_purged = |number: &u32| {
            let key = keys_by_object.keys.get(*number as usize);
            key.is_some_and(|key| self.keys.contains(&key.fingerprint))
        };
        let objects_with_keys =
            keys_by_object.objects.iter().filter(|(_, (_, numbers))| numbers.iter().any(is_purged));
        let objects_with_keys: HashMap<ObjectId, ObjectKind> =
            objects_with_keys.map(|(id, (kind, _))| (*id, *kind)).collect();
        let in_trees =
            objects_with_keys.iter().filter(|(_, kind)| matches!(kind, ObjectKind::Blob | ObjectKind::Tree));
        // A tree that leads to one of these has to be rewritten.
        let purged_in_trees: HashSet<ObjectId> = in_trees.map(|(id, _)| *id).collect();
        // Notes are read and rewritten last, since their files are named after the new ids.
        let (roots, notes_roots) = plan.roots();
        let stop = self.settings.stop.flag();
        let graph = CarriedGraph::read(
            self.repo,
            (&roots, &notes_roots),
            &purged_in_trees,
            self.options.threads,
            stop,
        )
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
            keys_by_object,
            objects_with_keys,
            paths,
            objects: ObjectReader::new(self.repo),
            whole_entries: WholeEntryReader::default(),
            graph,
            sink,
            // Filled by `HistoryRewriter::run`.
            names: names::NewNames::default(),
            commit_ids: None,
            affected: HashSet::new(),
            rewrites: Rewrites::default(),
        })
    }

    fn sink(&self, new: Option<&NewRepository>) -> Result<ObjectSink, PurgeError> {
        let hash = self.repo.object_hash();
        let Some(new) = new else { return Ok(ObjectSink::DryRun(hash)) };
        let writer = PackWriter::create(&new.pack_dir(), hash).map_err(|error| self.unwritable(error))?;
        Ok(ObjectSink::for_pack(writer, hash))
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

    /// Finishes the pack, writes the refs, and proves the new repository. `tags` maps each annotated tag to its target,
    /// `tip_trees` each old commit that a ref names to its tree.
    fn write(
        &self,
        new: &NewRepository,
        writer: PackWriter,
        (tags, tip_trees): (&HashMap<ObjectId, ObjectId>, &HashMap<ObjectId, ObjectId>),
        plan: &RefPlan,
        rewrites: &Rewrites,
    ) -> Result<PurgeProof, PurgeError> {
        writer.finish().map_err(|error| self.unwritable(error))?;
        let peel = |id: &ObjectId| {
            let mut target = *tags.get(id)?;
            while let Some(next) = tags.get(&target) {
                target = *next;
            }
            Some(target)
        };
        new.write_refs(&plan.refs, &plan.head, |id| rewrites.new_id(id), peel)
            .map_err(|error| self.unwritable(error))?;
        // Syncing takes long, and the proof reads the files from the page cache meanwhile.
        std::thread::scope(|scope| {
            let syncing = threads::start(scope, || new.sync());
            let expected = proof::ExpectedRepository { keys: self.keys, plan, rewrites, tip_trees };
            let proof = proof::prove(new.path(), self.repo, self.settings, self.options, &expected);
            // Without another thread, it is synced now.
            let synced = syncing.map_or_else(|| new.sync(), threads::join);
            let proof = proof?;
            synced.map_err(|error| self.unwritable(error))?;
            Ok(proof)
        })
    }
}
