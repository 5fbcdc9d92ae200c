//! The report of a purge: schema `friskey/purge/v1`. It contains no secret.

mod contents;
mod summary;

use serde::Serialize;

use super::leftovers::Leftover;
use super::next_steps::PurgeStep;
use super::proof::PurgeProof;
use crate::model::Confidence;
pub(super) use contents::ReportContents;

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
    /// How many objects there were, and how many changed.
    pub counts: Counts,
    /// Each thing that the audit left out on purpose, with the reason.
    pub left_out: Vec<String>,
    /// How many keys at or above the threshold stay because they are accepted.
    pub accepted_keys: u64,
    /// How many other keys at or above the threshold stay because `--key` did not name them.
    pub other_keys: u64,
    /// How many of the requested keys are not in the repository.
    pub unmatched_keys: u64,
    /// Files that cannot be searched, and so may contain a key.
    pub unsearched: Vec<UnsearchedFile>,
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

/// A file that cannot be searched, such as an archive that cannot be opened.
#[derive(Clone, Debug, Serialize)]
pub struct UnsearchedFile {
    /// The id of the blob.
    pub object: String,
    /// The newest path, if one is known.
    pub path: Option<String>,
    /// Why it cannot be searched.
    pub reason: String,
    /// Whether the user excluded it, so that it is carried over as it is.
    pub excluded: bool,
}

/// A key that was purged.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedKey {
    fingerprint: String,
    /// Prefix and last characters.
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

/// How many objects the repository has, and how many of them the purge changed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Commits that refs reach.
    pub commits: u64,
    /// Commits that were rewritten.
    pub rewritten_commits: u64,
    /// Objects that refs reach.
    pub objects: u64,
    /// Objects that were copied as they are.
    pub copied_objects: u64,
    /// Objects that were rewritten.
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
