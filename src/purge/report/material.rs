//! Creates the redacted report of a purge.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    AffectedRequests, Counts, DroppedCounts, LfsObject, MessageIds, OldNew, PurgeReport, RefOldNew,
    ReportedKey, ReportedPlace, ReportedTool, RepositoryFacts, RewrittenObjects, Signatures, UnsearchedFile,
};
use crate::detect::Redactor;
use crate::git::{HashKind, ObjectId};
use crate::model::{Identified, IgnoredKind, IgnoredSet, Skip};
use crate::purge::leftovers::Leftover;
use crate::purge::next_steps::{StepFacts, list};
use crate::purge::proof::PurgeProof;
use crate::purge::refs::{NewHead, RefPlan};
use crate::purge::request_refs::is_numbered;
use crate::purge::rewriter::{Place, Rewritten};
use crate::scan::PartlySearchedObject;

/// What a report is made from.
pub(in crate::purge) struct Material<'a> {
    pub(in crate::purge) status: &'static str,
    pub(in crate::purge) rules: &'a str,
    pub(in crate::purge) path: String,
    pub(in crate::purge) into: Option<String>,
    pub(in crate::purge) url: Option<String>,
    pub(in crate::purge) left_out: &'a IgnoredSet,
    pub(in crate::purge) accepted: u64,
    pub(in crate::purge) unmatched: u64,
    pub(in crate::purge) hash: HashKind,
    pub(in crate::purge) keys: &'a [Arc<Identified>],
    pub(in crate::purge) plan: &'a RefPlan,
    pub(in crate::purge) done: &'a Rewritten,
    pub(in crate::purge) paths: &'a HashMap<ObjectId, Vec<u8>>,
    pub(in crate::purge) counts: Counts,
    pub(in crate::purge) leftovers: Vec<Leftover>,
    pub(in crate::purge) unsearched: &'a [PartlySearchedObject],
    pub(in crate::purge) others: u64,
    pub(in crate::purge) proof: Option<PurgeProof>,
    pub(in crate::purge) elapsed: f64,
}

fn pairs(pairs: &[(ObjectId, ObjectId)]) -> Vec<OldNew> {
    pairs.iter().map(|(old, new)| OldNew { old: old.to_string(), new: new.to_string() }).collect()
}

impl PurgeReport {
    /// The paths of the repository and the new one as given, with keys redacted.
    pub fn repositories(&self) -> (&str, Option<&str>) {
        (&self.repository.path, self.repository.into.as_deref())
    }

    pub(in crate::purge) fn new(material: Material<'_>, redactor: &Redactor<'_>) -> Self {
        let Material { done, plan, .. } = &material;
        let shown = |text: &str| redactor.redact(text.as_bytes());
        let is_changed = |id: &ObjectId| done.new.contains_key(id);
        let changed = plan.refs.iter().filter(|one| is_changed(&one.id) || one.name != one.new_name);
        let ref_map = changed.map(|one| {
            let name = if is_numbered(&one.name) { one.name.clone() } else { shown(&one.name) };
            let new_ref = if one.name == one.new_name { name.clone() } else { shown(&one.new_name) };
            RefOldNew { old: one.id.to_string(), new: done.id(&one.id).to_string(), name, new_ref }
        });
        let requests = |prefix: &str| {
            let all =
                plan.refs.iter().filter(|one| one.name.starts_with(prefix) && one.name.ends_with("/head"));
            all.filter(|one| is_changed(&one.id)).count() as u64
        };
        let refs = AffectedRequests {
            pull_requests: requests("refs/pull/"),
            merge_requests: requests("refs/merge-requests/"),
        };
        let below = |prefix: &str| plan.refs.iter().filter(|one| one.name.starts_with(prefix)).count() as u64;
        let first: Vec<String> = done.first_commits.iter().map(ObjectId::to_string).collect();
        let facts = StepFacts {
            keys: material.keys.iter().map(|key| key.fingerprint.to_string()).collect(),
            into: material.into.as_deref().map_or_else(|| "NEW.git".to_owned(), shown),
            url: material.url.as_deref().map(shown),
            remote_refs: below("refs/remotes/"),
            pull_refs: below("refs/pull/"),
            pull_requests: refs.pull_requests,
            merge_requests: refs.merge_requests,
            first_commits: first.clone(),
            lfs: done.lfs.keys().map(|pointer| pointer.oid.clone()).collect(),
            is_unchanged: done.new.is_empty() && plan.refs.iter().all(|one| one.name == one.new_name),
            blobs: done.blobs.iter().map(|(old, _)| old.to_string()).collect(),
        };
        let places =
            plan.places.iter().chain(&done.places).map(|place| reported(place, material.paths, redactor));
        Self {
            schema: "friskey/purge/v1",
            tool: ReportedTool {
                name: "friskey",
                version: env!("CARGO_PKG_VERSION"),
                rules: material.rules.to_owned(),
            },
            command: "purge",
            status: material.status,
            repository: RepositoryFacts {
                path: shown(&material.path),
                into: material.into.as_deref().map(shown),
                object_format: if material.hash == HashKind::Sha256 { "sha256" } else { "sha1" },
                head: match &plan.head {
                    NewHead::Branch(name) => Some(shown(name)),
                    NewHead::Detached(_) => None,
                },
            },
            keys: material.keys.iter().map(|key| key_of(key)).collect(),
            commit_map: pairs(&done.commits),
            ref_map: ref_map.collect(),
            first_changed_commits: first,
            objects: RewrittenObjects {
                blobs: pairs(&done.blobs),
                trees: pairs(&done.trees),
                tags: pairs(&done.tags),
            },
            places: places.collect(),
            dropped: DroppedCounts {
                signatures: Signatures { commits: done.commit_signatures, tags: done.tag_signatures },
                mergetags: done.merge_tags,
            },
            message_ids: MessageIds { rewritten: done.message_ids },
            counts: material.counts,
            left_out: material
                .left_out
                .iter()
                .filter(|one| !matches!(one.kind, IgnoredKind::Accepted))
                .map(|one| shown(&format!("{}: {}", one.what, one.by)))
                .collect(),
            accepted_keys: material.accepted,
            other_keys: material.others,
            unmatched_keys: material.unmatched,
            unsearched: material.unsearched.iter().flat_map(|one| unsearched(one, redactor)).collect(),
            lfs: done
                .lfs
                .iter()
                .map(|(pointer, keys)| LfsObject {
                    oid: pointer.oid.clone(),
                    size: pointer.size,
                    fingerprints: keys.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            refs,
            next_steps: if material.keys.is_empty() { Vec::new() } else { list(&facts) },
            proof: material.proof,
            elapsed_seconds: material.elapsed,
            not_carried_over: material.leftovers,
        }
    }
}

fn unsearched(one: &PartlySearchedObject, redactor: &Redactor<'_>) -> Vec<UnsearchedFile> {
    let id = one.id.to_string();
    let file = |skip: &Skip| UnsearchedFile {
        object: id.clone(),
        // With what is within it: `a.zip > b.txt`.
        path: one.path.as_ref().map(|_| redactor.redact(skip.what.as_bytes())),
        reason: redactor
            .redact(skip.reason.strip_suffix(&format!(" (blob {id})")).unwrap_or(&skip.reason).as_bytes()),
        excluded: one.is_excluded,
    };
    one.skips.iter().map(file).collect()
}

fn key_of(key: &Identified) -> ReportedKey {
    ReportedKey {
        fingerprint: key.fingerprint.to_string(),
        redacted: key.secret.redacted(),
        rule: key.rule.to_string(),
        kind: key.kind.to_string(),
        confidence: key.confidence,
        length: key.secret.len(),
    }
}

fn reported(place: &Place, paths: &HashMap<ObjectId, Vec<u8>>, redactor: &Redactor<'_>) -> ReportedPlace {
    let path = place.object.as_ref().and_then(|id| paths.get(id));
    ReportedPlace {
        surface: place.surface.name(),
        object: place.object.map(|id| id.to_string()),
        path: path.map(|path| redactor.redact(path)),
        fingerprint: place.fingerprint.to_string(),
        treatment: place.treatment.name(),
    }
}
