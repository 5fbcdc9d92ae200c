//! Proves the new repository before it is handed over: it contains none of the keys, none of the old objects, and no
//! change that was not planned.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::PurgeOptions;
use super::comparison::RepositoryComparison;
use super::error::{PurgeError, proof_failure};
use super::purged_keys::PurgedKeys;
use super::refs::{NewHead, RefPlan};
use super::rewriter::Rewrites;
use crate::git::{ObjectId, Repository, open_unfinished, refs};
use crate::model::{Confidence, Surface};
use crate::scan::{HistoryOptions, Settings, scan_history};
use crate::suppress::Policy;

/// What was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PurgeProof {
    /// Whether everything in the new repository was scanned.
    pub history_complete: bool,
    /// How many of the keys it contains.
    pub keys_found: u64,
    /// How many of the rewritten objects it still contains.
    pub old_ids_found: u64,
    /// How many refs were compared with those of the old repository.
    pub refs_compared: u64,
}

/// What the new repository must match.
pub(super) struct ExpectedRepository<'a> {
    pub(super) keys: &'a PurgedKeys,
    pub(super) plan: &'a RefPlan,
    pub(super) rewrites: &'a Rewrites,
    /// The tree of each commit that a ref of the old repository names.
    pub(super) tip_trees: &'a HashMap<ObjectId, ObjectId>,
}

/// Proves that the repository at `path` is what `expected` describes.
///
/// # Errors
/// If it is not, or the proof was stopped.
pub(super) fn prove(
    path: &Path,
    old: &Repository,
    settings: &Settings<'_>,
    options: &PurgeOptions,
    expected: &ExpectedRepository<'_>,
) -> Result<PurgeProof, PurgeError> {
    let ExpectedRepository { keys, plan, rewrites, tip_trees } = *expected;
    check_audit(path, settings, options, keys)?;
    let opened = open_unfinished(path).map_err(|error| PurgeError::Unproven(error.to_string()))?;
    let new = opened.to_thread_local();
    let mut comparison = RepositoryComparison::new(old, &new, (rewrites, tip_trees))?;
    if let Some(id) = rewrites.new_ids.keys().find(|id| comparison.has_new(id)) {
        return proof_failure(format!("the old object {id} is in it"));
    }
    check_refs(&new, plan, rewrites)?;
    for carried_ref in &plan.refs {
        if settings.stop.is_set() {
            return Err(PurgeError::Stopped);
        }
        if rewrites.new_id(&carried_ref.id) != carried_ref.id {
            comparison.compare_target(carried_ref)?;
        } else if !comparison.has_new(&carried_ref.id) {
            // Nothing else to check: the same id means the same content, recursively, and the audit found every object.
            return proof_failure(format!("{} leads to an object that is not in it", carried_ref.new_name));
        }
    }
    Ok(PurgeProof {
        history_complete: true,
        keys_found: 0,
        old_ids_found: 0,
        refs_compared: plan.refs.len() as u64,
    })
}

/// Audits the new repository, and checks that the audit was complete and found no purged or new key.
fn check_audit(
    path: &Path,
    settings: &Settings<'_>,
    options: &PurgeOptions,
    keys: &PurgedKeys,
) -> Result<(), PurgeError> {
    let policy = Policy::default();
    let settings =
        Settings { policy: &policy, min_confidence: Confidence::Low, key_filter: None, ..*settings };
    let mut audit = HistoryOptions {
        unfinished: true,
        exclude: options.exclude.clone(),
        progress: options.progress.clone(),
        ..HistoryOptions::everything(path.to_owned(), options.threads, options.now)
    };
    // The new repository has LFS pointers without their files. The audit of the old one searched these.
    audit.surfaces.remove(&Surface::Lfs);
    let draft = scan_history(&settings, &audit)?;
    if settings.stop.is_set() {
        return Err(PurgeError::Stopped);
    }
    if let Some(skip) = draft.coverage.skipped.first() {
        return proof_failure(format!(
            "not everything in it could be scanned: {}: {}",
            skip.what, skip.reason
        ));
    }
    for leak in &draft.leaks {
        let fingerprint = leak.detected_key.fingerprint;
        let place = leak.findings.first().map_or_else(String::new, |finding| {
            let object = finding.origin.object.as_ref().or(finding.origin.commit.as_ref());
            format!(" ({} {})", finding.origin.surface, object.map_or("", String::as_str))
        });
        if keys.contains(&fingerprint) {
            return Err(PurgeError::KeyLeft { fingerprint, place });
        }
        if !keys.old_fingerprints.contains(&fingerprint) {
            return proof_failure(format!("something that looks like a key was found in it{place}"));
        }
    }
    Ok(())
}

/// Checks that the new repository has exactly the planned refs.
fn check_refs(new: &Repository, plan: &RefPlan, rewrites: &Rewrites) -> Result<(), PurgeError> {
    let actual = refs::read(new);
    let expected: HashSet<(&str, ObjectId)> = plan
        .refs
        .iter()
        .map(|carried_ref| (carried_ref.new_name.as_str(), rewrites.new_id(&carried_ref.id)))
        .collect();
    let is_head = |name: &str| name == "HEAD";
    let refs = actual.tips.iter().filter(|tip| !is_head(&tip.name));
    let refs: HashSet<(&str, ObjectId)> = refs.map(|tip| (tip.name.as_str(), tip.id)).collect();
    let is_same_head = match &plan.head {
        NewHead::Branch(name) => actual.head.as_ref() == Some(name),
        NewHead::Detached(id) => {
            actual.tips.iter().any(|tip| is_head(&tip.name) && tip.id == rewrites.new_id(id))
        }
    };
    match refs == expected && is_same_head {
        true => Ok(()),
        false => proof_failure("its refs are not those of the old repository".to_owned()),
    }
}
