//! Compares each leak with the keys that the provider lists, and adds costs and audit log to a match.

use std::collections::BTreeMap;

use super::leaks::LeakedKey;
use crate::cli::clock::now;
use crate::model::{KeyVerdict, ListedKey, MaskMatchCount, Verification};
use crate::provider::{
    ApiKey, Client, Evidence, EvidenceWindow, KeyDirectory, LogCoverage, MaskMatches, OrganizationKey,
    matching_keys,
};

/// Kinds of keys that the administration API lists, or may list.
const LISTED_KINDS: [&str; 6] = ["project", "service-account", "admin", "user", "service", "unknown"];

/// Minimum number of characters at the end of a key to compare: those that a report shows. Fewer would match too many keys.
const MIN_TAIL_LEN: usize = 4;
/// Ends a sentence about the list of keys if some keys could not be listed.
pub(super) const AS_FAR_AS_LISTED: &str = ", as far as its keys could be listed";
/// Maximum number of matching keys that are listed for one leak.
const MAX_MATCHES: usize = 100;

/// A verification without any result yet.
pub(super) fn unknown_verification(reason: &str) -> Verification {
    Verification {
        verdict: KeyVerdict::Unknown,
        reason: reason.to_owned(),
        works_at: None,
        key_sent: false,
        matching: MaskMatchCount::NotAsked,
        keys: Vec::new(),
        spending: None,
        audit_events: Vec::new(),
        whoami: Vec::new(),
        notes: Vec::new(),
        next_steps: Vec::new(),
        checked_at: now(),
    }
}

/// The result of comparing a leak with the listed keys.
pub(in crate::cli) struct Comparison {
    pub(in crate::cli) verification: Verification,
    /// The ids of keys that would match, but were created after the leaking commit.
    pub(in crate::cli) later_key_ids: Vec<String>,
}

/// Compares a leak with the keys of the organization, or of one project of it.
pub(in crate::cli) fn compare(
    leak: &LeakedKey,
    directory: &KeyDirectory,
    project: Option<&str>,
) -> Comparison {
    if !LISTED_KINDS.contains(&leak.shape.kind.as_str()) {
        return without_match("no API lists such keys; revoke it where it was issued");
    }
    if leak.shape.tail.len() < MIN_TAIL_LEN {
        return without_match("the report shows too little of the key to compare it");
    }
    let is_in_project = |key: &&OrganizationKey| match project {
        Some(id) => key.listed_key.project.as_ref().is_some_and(|project| project.id == id),
        None => true,
    };
    let MaskMatches { mut keys, later_key_ids } =
        matching_keys(&leak.shape, directory.keys.iter().filter(is_in_project));
    let mut verification = unknown_verification("");
    (verification.verdict, verification.reason, verification.matching) =
        judge(&keys, directory, project.is_some());
    if keys.len() > MAX_MATCHES {
        verification
            .notes
            .push(format!("only {MAX_MATCHES} of the {} keys that match are listed", keys.len()));
        keys.truncate(MAX_MATCHES);
    }
    verification.keys = keys;
    if !later_key_ids.is_empty() {
        verification.notes.push(format!(
            "these keys match as well, but were created after the leaking commit: {}",
            later_key_ids.join(", ")
        ));
    }
    Comparison { verification, later_key_ids }
}

fn without_match(reason: &str) -> Comparison {
    Comparison { verification: unknown_verification(reason), later_key_ids: Vec::new() }
}

/// The verdict, its reason and the number of matches, given the listed keys that match.
fn judge(
    keys: &[ListedKey],
    directory: &KeyDirectory,
    in_project: bool,
) -> (KeyVerdict, String, MaskMatchCount) {
    let limitation = if directory.gaps.is_empty() { "" } else { AS_FAR_AS_LISTED };
    let place = if in_project { "this project" } else { "this organization" };
    match keys {
        [] if in_project => {
            (KeyVerdict::Unknown, format!("none in this project{limitation}"), MaskMatchCount::None)
        }
        [] => (
            KeyVerdict::Unknown,
            format!(
                "none in this organization{limitation}: it was revoked, or belongs to another organization or an individual user"
            ),
            MaskMatchCount::None,
        ),
        [key] if key.created_after_leak => (
            KeyVerdict::Unknown,
            "one match, but it was created after the leaking commit".to_owned(),
            MaskMatchCount::One,
        ),
        [key] if key.expires_at.is_some_and(|time| time > 0 && time <= now()) => (
            KeyVerdict::Unknown,
            format!(
                "one match{limitation}, whose expiry date has passed; --send-key shows whether the key is dead"
            ),
            MaskMatchCount::One,
        ),
        [_] => (KeyVerdict::Live, format!("one match in {place}{limitation}"), MaskMatchCount::One),
        several => (
            KeyVerdict::Unknown,
            format!("several keys match ({}); the leaked key may be any of them, or none", several.len()),
            MaskMatchCount::Several,
        ),
    }
}

/// Adds costs and audit log entries to each leak with one match. Returns how much of the audit log was read, and what could not
/// be read.
pub(in crate::cli) fn add_evidence(
    client: &Client,
    admin: &ApiKey,
    leaks: &mut [(LeakedKey, Verification)],
) -> (LogCoverage, Vec<String>) {
    // Each key once, even if several leaks are pieces of it.
    let mut leak_times: BTreeMap<&str, i64> = BTreeMap::new();
    for (leak, verification) in leaks.iter() {
        let [key] = verification.keys.as_slice() else { continue };
        if verification.matching == MaskMatchCount::One && key.id != ListedKey::UNUSABLE_ID {
            let leaked_at = leak.shape.leaked_at.unwrap_or_else(now).min(now());
            leak_times.entry(&key.id).and_modify(|first| *first = leaked_at.min(*first)).or_insert(leaked_at);
        }
    }
    let windows: Vec<EvidenceWindow> = leak_times
        .into_iter()
        .map(|(key_id, leaked_at)| EvidenceWindow { key_id: key_id.to_owned(), leaked_at })
        .collect();
    if windows.is_empty() {
        return (LogCoverage::Nothing, Vec::new());
    }
    let evidence = Evidence::collect(client, admin, &windows, now());
    for (leak, verification) in leaks.iter_mut() {
        let [key] = verification.keys.as_slice() else { continue };
        if !windows.iter().any(|window| window.key_id == key.id) {
            continue;
        }
        verification.spending = evidence.spending(&key.id).cloned();
        verification.audit_events = evidence.events(&key.id).to_vec();
        match leak.shape.leaked_at {
            None => verification
                .notes
                .push("no leaking commit is known, so costs are counted from today".to_owned()),
            Some(time) if time > now() => verification.notes.push(
                "the date of the leaking commit is in the future, so costs are counted from today".to_owned(),
            ),
            Some(_) => {}
        }
        if verification.audit_events.is_empty() && evidence.log_coverage == LogCoverage::Whole {
            verification.notes.push(
                "the audit log has nothing about this key, or the organization does not record one"
                    .to_owned(),
            );
        }
    }
    (evidence.log_coverage, evidence.gaps)
}
