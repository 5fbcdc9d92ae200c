//! The report of a purge: schema `friskey/purge/v1`. No secret is in it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::fill::Treatment;
use super::leftovers::Leftover;
use super::next_steps::{PurgeStep, StepFacts, list};
use super::proof::PurgeProof;
use super::refs::{NewHead, RefPlan};
use super::rewriter::{Place, Rewritten};
use crate::detect::Redactor;
use crate::git::{HashKind, ObjectId};
use crate::model::{Confidence, Identified, IgnoredKind, IgnoredSet};

/// The result of a purge.
#[derive(Clone, Debug, Serialize)]
pub struct PurgeReport {
    schema: &'static str,
    tool: ReportedTool,
    command: &'static str,
    /// `done`, `planned` or `nothing`.
    pub status: &'static str,
    repository: RepositoryFacts,
    /// The keys that were purged.
    pub keys: Vec<ReportedKey>,
    #[serde(rename = "commit-map")]
    commit_map: Vec<OldNew>,
    #[serde(rename = "ref-map")]
    ref_map: Vec<RefOldNew>,
    #[serde(rename = "first-changed-commits")]
    first_changed_commits: Vec<String>,
    objects: RewrittenObjects,
    places: Vec<ReportedPlace>,
    dropped: DroppedCounts,
    message_ids: MessageIds,
    /// Numbers of objects.
    pub counts: Counts,
    /// What the audit did not search, and why.
    pub left_out: Vec<String>,
    /// How many keys at or above the threshold stay because they are accepted.
    pub accepted_keys: u64,
    /// How many of the requested keys are not in the repository.
    pub unmatched_keys: u64,
    /// What was not carried over to the new repository.
    pub not_carried_over: Vec<Leftover>,
    lfs: Vec<LfsObject>,
    refs: AffectedRequests,
    /// The next steps for the user.
    pub next_steps: Vec<PurgeStep>,
    /// What was proven; `None` in a dry run.
    pub proof: Option<PurgeProof>,
    elapsed_seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
struct ReportedTool {
    name: &'static str,
    version: &'static str,
    rules: String,
}

#[derive(Clone, Debug, Serialize)]
struct RepositoryFacts {
    path: String,
    into: Option<String>,
    object_format: &'static str,
    head: Option<String>,
}

/// A key that was purged.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedKey {
    fingerprint: String,
    /// Its redacted form.
    pub redacted: String,
    rule: String,
    kind: String,
    confidence: Confidence,
    length: usize,
}

#[derive(Clone, Debug, Serialize)]
struct OldNew {
    old: String,
    new: String,
}

#[derive(Clone, Debug, Serialize)]
struct RefOldNew {
    old: String,
    new: String,
    #[serde(rename = "ref")]
    name: String,
    new_ref: String,
}

#[derive(Clone, Debug, Serialize)]
struct RewrittenObjects {
    blobs: Vec<OldNew>,
    trees: Vec<OldNew>,
    tags: Vec<OldNew>,
}

#[derive(Clone, Debug, Serialize)]
struct ReportedPlace {
    surface: &'static str,
    object: Option<String>,
    path: Option<String>,
    fingerprint: String,
    treatment: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct DroppedCounts {
    signatures: Signatures,
    mergetags: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Signatures {
    commits: u64,
    tags: u64,
}

#[derive(Clone, Debug, Serialize)]
struct MessageIds {
    rewritten: u64,
}

/// Numbers of objects in the repository, and of those that the purge changed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Commits that refs reach.
    pub commits: u64,
    /// Those that were rewritten.
    pub rewritten_commits: u64,
    /// Objects that refs reach.
    pub objects: u64,
    /// Those that were copied as they are.
    pub copied_objects: u64,
    /// Those that were rewritten.
    pub rewritten_objects: u64,
}

#[derive(Clone, Debug, Serialize)]
struct LfsObject {
    oid: String,
    size: u64,
    fingerprints: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct AffectedRequests {
    pull_requests: u64,
    merge_requests: u64,
}

/// What a report is made from.
pub(super) struct Material<'a> {
    pub(super) status: &'static str,
    pub(super) rules: &'a str,
    pub(super) path: String,
    pub(super) into: Option<String>,
    pub(super) url: Option<String>,
    pub(super) left_out: &'a IgnoredSet,
    pub(super) accepted: u64,
    pub(super) unmatched: u64,
    pub(super) hash: HashKind,
    pub(super) keys: &'a [std::sync::Arc<Identified>],
    pub(super) plan: &'a RefPlan,
    pub(super) done: &'a Rewritten,
    pub(super) paths: &'a HashMap<ObjectId, Vec<u8>>,
    pub(super) counts: Counts,
    pub(super) leftovers: Vec<Leftover>,
    pub(super) proof: Option<PurgeProof>,
    pub(super) elapsed: f64,
}

fn pairs(pairs: &[(ObjectId, ObjectId)]) -> Vec<OldNew> {
    pairs.iter().map(|(old, new)| OldNew { old: old.to_string(), new: new.to_string() }).collect()
}

/// Maximum number of places that are printed.
const LISTED_PLACES: usize = 20;

impl PurgeReport {
    /// The paths of the repository and the new one as given, with keys redacted.
    pub fn repositories(&self) -> (&str, Option<&str>) {
        (&self.repository.path, self.repository.into.as_deref())
    }

    /// One line for each file, message or name with a key, saying what became of it.
    pub fn treated(&self) -> Vec<String> {
        let line = |place: &ReportedPlace| {
            let name = place.path.as_ref().or(place.object.as_ref()).map_or("", String::as_str);
            format!("{} {name}: {}", place.surface, place.treatment)
        };
        // Containers that became stubs come first.
        let is_stub = |place: &&ReportedPlace| place.treatment == Treatment::Stub.name();
        let (stubs, others): (Vec<_>, Vec<_>) = self.places.iter().partition(is_stub);
        let mut lines: Vec<String> = stubs.into_iter().chain(others).map(line).collect();
        let mut met = HashSet::new();
        lines.retain(|line| met.insert(line.clone()));
        if lines.len() > LISTED_PLACES {
            let more = lines.len() - LISTED_PLACES;
            lines.truncate(LISTED_PLACES);
            lines.push(format!("and {more} more, which the report lists"));
        }
        lines
    }

    pub(super) fn new(material: Material<'_>, redactor: &Redactor<'_>) -> Self {
        let Material { done, plan, .. } = &material;
        let shown = |text: &str| redactor.redact(text.as_bytes());
        let is_changed = |id: &ObjectId| done.new.contains_key(id);
        let changed = plan.refs.iter().filter(|one| is_changed(&one.id) || one.name != one.new_name);
        let ref_map = changed.map(|one| {
            let name = shown(&one.name);
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
            unmatched_keys: material.unmatched,
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

    /// A message about requested keys that are not in the repository, if there are any.
    pub fn unmatched(&self) -> Option<String> {
        match self.unmatched_keys {
            0 => None,
            1 => Some(
                "not found: 1 of the keys named with --key; `friskey history` lists fingerprints".to_owned(),
            ),
            more => Some(format!(
                "not found: {more} of the keys named with --key; `friskey history` lists fingerprints"
            )),
        }
    }

    /// A summary of what was done, in lines.
    pub fn summary(&self) -> Vec<String> {
        let Counts { commits, rewritten_commits, objects, rewritten_objects, .. } = self.counts;
        let DroppedCounts { signatures, mergetags } = &self.dropped;
        let mut lines = vec![format!(
            "rewritten: {rewritten_commits} of {commits} commits, {rewritten_objects} of {objects} objects"
        )];
        if let Some(first) = self.first_changed_commits.first() {
            let more = match self.first_changed_commits.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!("first changed commit: {first}{more}"));
        }
        lines.push(format!("refs changed: {}", self.ref_map.len()));
        lines.push(format!(
            "dropped: {} commit signatures, {} tag signatures, {mergetags} merge tags",
            signatures.commits, signatures.tags
        ));
        if self.message_ids.rewritten > 0 {
            lines.push(format!("commit ids in messages replaced: {}", self.message_ids.rewritten));
        }
        if self.accepted_keys > 0 {
            lines.push(format!(
                "accepted keys that stay: {}; `--key FINGERPRINT` purges one",
                self.accepted_keys
            ));
        }
        lines.extend(self.unmatched());
        lines.extend(
            self.left_out.iter().map(|one| format!("not searched, and carried over as it is: {one}")),
        );
        lines
    }
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
