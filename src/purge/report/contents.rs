//! Builds the redacted report of a purge from what is known about it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    AffectedRequests, Counts, DroppedCounts, LfsObject, MessageIds, OldNew, PurgeReport, RefOldNew,
    ReportedKey, ReportedPlace, ReportedTool, RepositoryFacts, RewrittenObjects, Signatures, UnsearchedFile,
};
use crate::detect::Redactor;
use crate::git::{HashKind, ObjectId};
use crate::model::{DetectedKey, IgnoredKind, IgnoredSet, Skip};
use crate::purge::leftovers::Leftover;
use crate::purge::next_steps::{StepFacts, list};
use crate::purge::proof::PurgeProof;
use crate::purge::refs::{NewHead, RefPlan};
use crate::purge::request_refs::is_request_ref;
use crate::purge::rewriter::{PurgedPlace, Rewrites};
use crate::scan::PartlySearchedObject;

/// The contents of a report before redaction.
pub(in crate::purge) struct ReportContents<'a> {
    pub(in crate::purge) status: &'static str,
    pub(in crate::purge) rules: &'a str,
    pub(in crate::purge) path: String,
    pub(in crate::purge) destination: Option<String>,
    pub(in crate::purge) url: Option<String>,
    pub(in crate::purge) left_out: &'a IgnoredSet,
    pub(in crate::purge) accepted_keys: u64,
    pub(in crate::purge) other_keys: u64,
    pub(in crate::purge) unmatched_keys: u64,
    pub(in crate::purge) hash: HashKind,
    pub(in crate::purge) keys: &'a [Arc<DetectedKey>],
    pub(in crate::purge) plan: &'a RefPlan,
    pub(in crate::purge) rewrites: &'a Rewrites,
    pub(in crate::purge) paths: &'a HashMap<ObjectId, Vec<u8>>,
    pub(in crate::purge) counts: Counts,
    pub(in crate::purge) leftovers: Vec<Leftover>,
    pub(in crate::purge) unsearched: &'a [PartlySearchedObject],
    pub(in crate::purge) proof: Option<PurgeProof>,
    pub(in crate::purge) elapsed_seconds: f64,
}

fn id_pairs(pairs: &[(ObjectId, ObjectId)]) -> Vec<OldNew> {
    pairs.iter().map(|(old, new)| OldNew { old: old.to_string(), new: new.to_string() }).collect()
}

impl PurgeReport {
    /// The paths of the old and the new repository as the user gave them, with keys redacted.
    pub fn repositories(&self) -> (&str, Option<&str>) {
        (&self.repository.path, self.repository.into.as_deref())
    }

    pub(in crate::purge) fn new(contents: ReportContents<'_>, redactor: &Redactor<'_>) -> Self {
        let ReportContents { rewrites, plan, .. } = &contents;
        let redact = |text: &str| redactor.redact(text.as_bytes());
        let is_changed = |id: &ObjectId| rewrites.new_ids.contains_key(id);
        let changed_refs = plan
            .refs
            .iter()
            .filter(|carried_ref| is_changed(&carried_ref.id) || carried_ref.name != carried_ref.new_name);
        let ref_map = changed_refs.map(|carried_ref| {
            let name = if is_request_ref(&carried_ref.name) {
                carried_ref.name.clone()
            } else {
                redact(&carried_ref.name)
            };
            let new_ref = if carried_ref.name == carried_ref.new_name {
                name.clone()
            } else {
                redact(&carried_ref.new_name)
            };
            RefOldNew {
                old: carried_ref.id.to_string(),
                new: rewrites.new_id(&carried_ref.id).to_string(),
                name,
                new_ref,
            }
        });
        let count_changed_requests = |prefix: &str| {
            let heads = plan.refs.iter().filter(|carried_ref| {
                carried_ref.name.starts_with(prefix) && carried_ref.name.ends_with("/head")
            });
            heads.filter(|carried_ref| is_changed(&carried_ref.id)).count() as u64
        };
        let requests = AffectedRequests {
            pull_requests: count_changed_requests("refs/pull/"),
            merge_requests: count_changed_requests("refs/merge-requests/"),
        };
        let count_below = |prefix: &str| {
            plan.refs.iter().filter(|carried_ref| carried_ref.name.starts_with(prefix)).count() as u64
        };
        let first_commits: Vec<String> = rewrites.first_commits.iter().map(ObjectId::to_string).collect();
        let facts = StepFacts {
            fingerprints: contents.keys.iter().map(|key| key.fingerprint.to_string()).collect(),
            destination: contents.destination.as_deref().map_or_else(|| "NEW.git".to_owned(), redact),
            url: contents.url.as_deref().map(redact),
            remote_refs: count_below("refs/remotes/"),
            pull_refs: count_below("refs/pull/"),
            pull_requests: requests.pull_requests,
            merge_requests: requests.merge_requests,
            first_commits: first_commits.clone(),
            lfs_objects: rewrites.lfs_files.keys().map(|pointer| pointer.oid.clone()).collect(),
            is_unchanged: rewrites.new_ids.is_empty()
                && plan.refs.iter().all(|carried_ref| carried_ref.name == carried_ref.new_name),
            blobs: rewrites.blobs.iter().map(|(old, _)| old.to_string()).collect(),
        };
        let places = plan
            .places
            .iter()
            .chain(&rewrites.places)
            .map(|place| reported_place(place, contents.paths, redactor));
        Self {
            schema: "friskey/purge/v1",
            tool: ReportedTool {
                name: "friskey",
                version: env!("CARGO_PKG_VERSION"),
                rules: contents.rules.to_owned(),
            },
            command: "purge",
            status: contents.status,
            repository: RepositoryFacts {
                path: redact(&contents.path),
                into: contents.destination.as_deref().map(redact),
                object_format: if contents.hash == HashKind::Sha256 { "sha256" } else { "sha1" },
                head: match &plan.head {
                    NewHead::Branch(name) => Some(redact(name)),
                    NewHead::Detached(_) => None,
                },
            },
            keys: contents.keys.iter().map(|key| reported_key(key)).collect(),
            commit_map: id_pairs(&rewrites.commits),
            ref_map: ref_map.collect(),
            first_changed_commits: first_commits,
            objects: RewrittenObjects {
                blobs: id_pairs(&rewrites.blobs),
                trees: id_pairs(&rewrites.trees),
                tags: id_pairs(&rewrites.tags),
            },
            places: places.collect(),
            dropped: DroppedCounts {
                signatures: Signatures {
                    commits: rewrites.dropped_commit_signatures,
                    tags: rewrites.dropped_tag_signatures,
                },
                mergetags: rewrites.dropped_merge_tags,
            },
            message_ids: MessageIds { rewritten: rewrites.replaced_message_ids },
            counts: contents.counts,
            left_out: contents
                .left_out
                .iter()
                .filter(|ignored| !matches!(ignored.kind, IgnoredKind::Accepted))
                .map(|ignored| redact(&format!("{}: {}", ignored.what, ignored.by)))
                .collect(),
            accepted_keys: contents.accepted_keys,
            other_keys: contents.other_keys,
            unmatched_keys: contents.unmatched_keys,
            unsearched: contents
                .unsearched
                .iter()
                .flat_map(|object| unsearched_files(object, redactor))
                .collect(),
            lfs: rewrites
                .lfs_files
                .iter()
                .map(|(pointer, keys)| LfsObject {
                    oid: pointer.oid.clone(),
                    size: pointer.size,
                    fingerprints: keys.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            refs: requests,
            next_steps: if contents.keys.is_empty() { Vec::new() } else { list(&facts) },
            proof: contents.proof,
            elapsed_seconds: contents.elapsed_seconds,
            not_carried_over: contents.leftovers,
        }
    }
}

fn unsearched_files(object: &PartlySearchedObject, redactor: &Redactor<'_>) -> Vec<UnsearchedFile> {
    let id = object.id.to_string();
    let file = |skip: &Skip| UnsearchedFile {
        object: id.clone(),
        // The skip names the entry as well: `a.zip > b.txt`.
        path: object.path.as_ref().map(|_| redactor.redact(skip.what.as_bytes())),
        reason: redactor
            .redact(skip.reason.strip_suffix(&format!(" (blob {id})")).unwrap_or(&skip.reason).as_bytes()),
        excluded: object.is_excluded,
    };
    object.skips.iter().map(file).collect()
}

fn reported_key(key: &DetectedKey) -> ReportedKey {
    ReportedKey {
        fingerprint: key.fingerprint.to_string(),
        redacted: key.secret.redacted(),
        rule: key.rule.to_string(),
        kind: key.kind.to_string(),
        confidence: key.confidence,
        length: key.secret.len(),
    }
}

fn reported_place(
    place: &PurgedPlace,
    paths: &HashMap<ObjectId, Vec<u8>>,
    redactor: &Redactor<'_>,
) -> ReportedPlace {
    let path = place.object.as_ref().and_then(|id| paths.get(id));
    ReportedPlace {
        surface: place.surface.name(),
        object: place.object.map(|id| id.to_string()),
        path: path.map(|path| redactor.redact(path)),
        fingerprint: place.fingerprint.to_string(),
        treatment: place.treatment.name(),
    }
}
