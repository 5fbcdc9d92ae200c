//! Layer 4: proves that a clone contains nothing that a purge removed from its history.
//!
//! It audits the clone like `friskey history`, in all surfaces and with nothing accepted, and compares what it finds with
//! the fingerprints of the purged keys. It also looks up the ids of all *old objects*, those that the purge rewrote. The result names the refs that
//! lead to what was found, and what could not be examined.

mod blind_spots;
mod old_objects;
mod proof_parts;
mod purged_history;
mod report_document;
mod report_file;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

pub use purged_history::PurgedHistory;
pub use report_file::PurgedHistoryError;

use crate::detect::Redactor;
use crate::git::attribution::Options;
use crate::git::refs::{self, Refs, Tip, TipKind};
use crate::git::{self, OpenError, Repository};
use crate::model::{CloneProof, Draft, ProofStatus, ProofTool, SearchedClone, Skip};
use crate::scan::{HistoryError, HistoryOptions, Settings, scan_history_objects};
use purged_history::PurgedKey;

/// What no clone can prove, whatever is in it.
const NOT_PROVABLE: &[&str] = &[
    "refs and objects that the server keeps but does not show to a clone",
    "forks, and other clones of this repository, such as those of colleagues and CI runners",
    "the server's caches and pages: diffs, pull requests, search, archives; CI logs, artifacts and packages",
    "copies that others made: search engines, GH Archive, whoever cloned or fetched before",
];

/// Why a proof cannot be attempted.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// There is no repository.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be audited.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The report is about a repository with another object format.
    #[error(
        "the purge report is about a repository with {report_format} ids, and {clone} has {clone_format} ids; \
         name a clone of the purged repository"
    )]
    OtherObjectFormat {
        /// The clone.
        clone: String,
        /// The object format of the clone.
        clone_format: String,
        /// The object format in the report.
        report_format: String,
    },
}

/// Searches the repository that `audit` names for the keys and old objects that were purged according to `purged_history`.
/// Whatever cannot be read is listed in the proof, which is then incomplete.
///
/// # Errors
/// If there is no repository, it cannot be audited, or the report is about a repository with another object format.
pub fn prove(
    settings: &Settings<'_>,
    audit: &HistoryOptions,
    purged_history: &PurgedHistory,
) -> Result<CloneProof, ProveError> {
    let start = Instant::now();
    let repo = git::open(&audit.repo)?.to_thread_local();
    check_object_format(&repo, &audit.repo, purged_history)?;
    let (draft, objects) = scan_history_objects(settings, audit)?;
    let refs = refs::read(&repo);
    let options = Options { threads: audit.threads, stop: settings.stop.flag(), include_unreachable: true };
    let old = old_objects::search(&repo, &refs, purged_history, &options);
    let clone_kind = blind_spots::clone_kind(&repo);
    let mut not_seen = blind_spots::find_blind_spots(&repo, &refs, purged_history);
    not_seen.extend(audit_gaps(&draft));
    not_seen.extend(keys_without_rule(settings, purged_history));
    let mut proof = CloneProof {
        schema: "friskey/prove/v1",
        tool: ProofTool {
            name: "friskey",
            version: crate::report::VERSION,
            rules: settings.rules_digest.to_owned(),
        },
        command: "prove",
        status: ProofStatus::Incomplete,
        clone: SearchedClone {
            kind: clone_kind,
            refs: draft.coverage.refs,
            commits: draft.coverage.commits,
            blobs: draft.coverage.blobs,
        },
        keys: purged_history.keys.iter().map(|key| proof_parts::sought_key(key, &draft)).collect(),
        refs: proof_parts::retaining_refs(purged_history, &draft, &old),
        not_seen,
        unsearched: objects
            .unsearched
            .iter()
            .flat_map(|object| proof_parts::unproven_files(object, purged_history))
            .collect(),
        other_keys: proof_parts::count_other_keys(&draft, purged_history),
        left_out: draft
            .coverage
            .ignored
            .iter()
            .filter(|ignored| !blind_spots::limits_proof(ignored.kind))
            .map(|ignored| format!("{}: {}", ignored.what, ignored.by))
            .collect(),
        not_provable: NOT_PROVABLE.to_vec(),
        old_objects: old.summary,
        elapsed_seconds: 0.0,
    };
    proof.not_seen.extend(old.gaps.into_skips());
    redact(&mut proof, settings, &draft);
    proof.status = status(&proof);
    proof.elapsed_seconds = start.elapsed().as_secs_f64();
    Ok(proof)
}

/// The status of a proof. If something was found, that matters more than what was not seen.
fn status(proof: &CloneProof) -> ProofStatus {
    if proof.old_objects.present > 0 || proof.keys.iter().any(|key| key.found) {
        ProofStatus::StillThere
    } else if proof.not_seen.is_empty() {
        ProofStatus::Proven
    } else {
        ProofStatus::Incomplete
    }
}

fn check_object_format(
    repo: &Repository,
    path: &Path,
    purged_history: &PurgedHistory,
) -> Result<(), ProveError> {
    let object_format = repo.object_hash();
    if object_format == purged_history.object_format {
        return Ok(());
    }
    let clone = path.display().to_string();
    Err(ProveError::OtherObjectFormat {
        clone,
        clone_format: object_format.to_string(),
        report_format: purged_history.object_format.to_string(),
    })
}

/// What the audit could not search, or left out at the user's request.
fn audit_gaps(draft: &Draft) -> BTreeSet<Skip> {
    let skipped = draft.coverage.skipped.iter();
    let mut skips: BTreeSet<Skip> =
        skipped.map(|skip| Skip::new(&*skip.what, skip.reason_without_options())).collect();
    if draft.unlisted_findings > 0 {
        let what = format!("{} findings", draft.unlisted_findings);
        let reason = "they are more than a report can hold, so they were not compared with the purged keys";
        skips.insert(Skip::new(what, reason));
    }
    let left_out = draft.coverage.ignored.iter().filter(|ignored| blind_spots::limits_proof(ignored.kind));
    skips.extend(left_out.map(|ignored| {
        Skip::new(
            &*ignored.what,
            format!("left out by {}; prove without that to search everything", ignored.by),
        )
    }));
    skips
}

/// Keys that cannot be found, since their rules are not in force.
fn keys_without_rule(settings: &Settings<'_>, purged_history: &PurgedHistory) -> Vec<Skip> {
    let is_known = |key: &&PurgedKey| settings.detector.rules().iter().any(|rule| *rule.id == *key.rule);
    let unknown = purged_history.keys.iter().filter(|key| !is_known(key));
    let skip = |key: &PurgedKey| {
        let reason = format!(
            "the rule `{}`, which found it for the purge, is not in force; pass the same --rules or --config",
            key.rule
        );
        Skip::new(format!("the key {}", key.redacted), reason)
    };
    unknown.map(skip).collect()
}

/// Redacts all text that comes from the clone or the report: names and reasons may contain a key, purged or not.
fn redact(proof: &mut CloneProof, settings: &Settings<'_>, draft: &Draft) {
    let secrets = draft.secrets.iter().map(|detected_key| &detected_key.secret);
    let redactor = Redactor::new(settings.detector).with_known_secrets(secrets);
    let mut cache: HashMap<String, Option<String>> = HashMap::new();
    let mut redact_text = |text: &mut String| {
        let redacted =
            cache.entry(text.clone()).or_insert_with(|| redactor.redact_if_secret(text.as_bytes()));
        if let Some(redacted) = redacted {
            text.clone_from(redacted);
        }
    };
    let keys = proof
        .keys
        .iter_mut()
        .flat_map(|key| [&mut key.redacted, &mut key.rule].into_iter().chain(&mut key.places));
    keys.for_each(&mut redact_text);
    proof.refs.iter_mut().for_each(|retaining_ref| redact_text(&mut retaining_ref.name));
    proof.left_out.iter_mut().for_each(&mut redact_text);
    proof
        .unsearched
        .iter_mut()
        .flat_map(|file| file.path.iter_mut().chain([&mut file.reason]))
        .for_each(&mut redact_text);
    let not_seen = std::mem::take(&mut proof.not_seen).into_iter().map(|mut skip| {
        redact_text(&mut skip.what);
        redact_text(&mut skip.reason);
        skip
    });
    proof.not_seen = not_seen.collect();
}

/// The refs of a repository, without pseudorefs and HEAD.
fn proper_refs(refs: &Refs) -> impl Iterator<Item = &Tip> {
    refs.tips.iter().filter(|tip| tip.kind == TipKind::Ref)
}
