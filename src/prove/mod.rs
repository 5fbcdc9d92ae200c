//! Layer 4: proves that a clone contains nothing that a purge removed from its history.
//!
//! An audit like that of `friskey history`, of all surfaces and with nothing accepted, searches for the keys by
//! fingerprint. The ids of all rewritten objects are looked up as well. The result names the refs that reach what was
//! found, and what could not be examined.

mod found;
mod old_objects;
mod purged_history;
mod report_document;
mod sight;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

pub use purged_history::{PurgedHistory, PurgedHistoryError};

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
    /// The report is about a repository with another kind of ids.
    #[error(
        "the purge report is about a repository with {report} ids, and {clone} has {own} ids; \
         name a clone of the purged repository"
    )]
    OtherHash {
        /// The clone.
        clone: String,
        /// The kind of its ids.
        own: String,
        /// The kind of ids in the report.
        report: String,
    },
}

/// Searches the repository that `audit` names for the keys and objects that were purged according to `report`.
///
/// # Errors
/// When there is no repository, or the report cannot be about it. What cannot be read is part of the proof.
pub fn prove(
    settings: &Settings<'_>,
    audit: &HistoryOptions,
    report: &PurgedHistory,
) -> Result<CloneProof, ProveError> {
    let begun = Instant::now();
    let repo = git::open(&audit.repo)?.to_thread_local();
    check_hash(&repo, &audit.repo, report)?;
    let (draft, objects) = scan_history_objects(settings, audit)?;
    let refs = refs::read(&repo);
    let options = Options { threads: audit.threads, stop: settings.stop.flag(), include_unreachable: true };
    let old = old_objects::search(&repo, &refs, report, &options);
    let clone_kind = sight::clone_kind(&repo);
    let mut not_seen = sight::not_seen(&repo, &refs, report);
    not_seen.extend(of_audit(&draft));
    not_seen.extend(rules_not_in_force(settings, report));
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
        keys: report.keys.iter().map(|key| found::sought(key, &draft)).collect(),
        refs: found::retaining_refs(report, &draft, &old),
        not_seen,
        unsearched: objects.unsearched.iter().flat_map(|one| found::unproven(one, report)).collect(),
        other_keys: found::other_keys(&draft, report),
        left_out: draft.coverage.ignored.iter().map(|one| format!("{}: {}", one.what, one.by)).collect(),
        not_provable: NOT_PROVABLE.to_vec(),
        old_objects: old.summary,
        elapsed_seconds: 0.0,
    };
    proof.not_seen.extend(old.gaps.into_skips());
    redact(&mut proof, settings, &draft);
    proof.status = status(&proof);
    proof.elapsed_seconds = begun.elapsed().as_secs_f64();
    Ok(proof)
}

/// What was found outweighs what was not seen.
fn status(proof: &CloneProof) -> ProofStatus {
    if proof.old_objects.present > 0 || proof.keys.iter().any(|key| key.found) {
        ProofStatus::StillThere
    } else if proof.not_seen.is_empty() {
        ProofStatus::Proven
    } else {
        ProofStatus::Incomplete
    }
}

fn check_hash(repo: &Repository, path: &Path, report: &PurgedHistory) -> Result<(), ProveError> {
    let own = repo.object_hash();
    if own == report.hash {
        return Ok(());
    }
    let clone = path.display().to_string();
    Err(ProveError::OtherHash { clone, own: own.to_string(), report: report.hash.to_string() })
}

/// What the audit could not look at, or was told to leave out.
fn of_audit(draft: &Draft) -> BTreeSet<Skip> {
    let skipped = draft.coverage.skipped.iter();
    let mut skips: BTreeSet<Skip> =
        skipped.map(|skip| Skip::new(&*skip.what, skip.reason_without_options())).collect();
    if draft.unlisted_findings > 0 {
        let what = format!("{} findings", draft.unlisted_findings);
        let reason = "they are more than a report can hold, so they were not compared with the purged keys";
        skips.insert(Skip::new(what, reason));
    }
    let narrowed = draft.coverage.ignored.iter().filter(|one| sight::is_narrowing(one.kind));
    skips.extend(narrowed.map(|one| {
        Skip::new(&*one.what, format!("left out by {}; leave that out to prove everything", one.by))
    }));
    skips
}

/// Keys that the rules in force would not find.
fn rules_not_in_force(settings: &Settings<'_>, report: &PurgedHistory) -> Vec<Skip> {
    let is_known = |key: &&PurgedKey| settings.detector.rules().iter().any(|rule| *rule.id == *key.rule);
    let unknown = report.keys.iter().filter(|key| !is_known(key));
    let skip = |key: &PurgedKey| {
        let reason = format!(
            "the rule `{}`, which found it for the purge, is not in force; pass the same --rules or --config",
            key.rule
        );
        Skip::new(format!("the key {}", key.redacted), reason)
    };
    unknown.map(skip).collect()
}

/// Redacts what comes from the clone: names and reasons may hold a key, purged or not.
fn redact(proof: &mut CloneProof, settings: &Settings<'_>, draft: &Draft) {
    let secrets = draft.secrets.iter().map(|identified| &identified.secret);
    let redactor = Redactor::new(settings.detector).with_known(secrets);
    let mut known: HashMap<String, Option<String>> = HashMap::new();
    let mut clean = |text: &mut String| {
        let redacted =
            known.entry(text.clone()).or_insert_with(|| redactor.redact_if_secret(text.as_bytes()));
        if let Some(redacted) = redacted {
            text.clone_from(redacted);
        }
    };
    let keys = proof
        .keys
        .iter_mut()
        .flat_map(|key| [&mut key.redacted, &mut key.rule].into_iter().chain(&mut key.places));
    keys.for_each(&mut clean);
    proof.refs.iter_mut().for_each(|one| clean(&mut one.name));
    proof.left_out.iter_mut().for_each(&mut clean);
    proof
        .unsearched
        .iter_mut()
        .flat_map(|one| one.path.iter_mut().chain([&mut one.reason]))
        .for_each(&mut clean);
    let not_seen = std::mem::take(&mut proof.not_seen).into_iter().map(|mut skip| {
        clean(&mut skip.what);
        clean(&mut skip.reason);
        skip
    });
    proof.not_seen = not_seen.collect();
}

/// The full names of the refs of a repository.
fn ref_names(refs: &Refs) -> impl Iterator<Item = &Tip> {
    refs.tips.iter().filter(|tip| tip.kind == TipKind::Ref)
}
