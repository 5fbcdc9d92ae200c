//! Asks the provider about each leak: compares it with the listed keys, adds costs and audit log, and sends the key itself.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crate::cli::clock::now;
use crate::model::{KeyVerdict, ListedKey, MaskMatchCount, Secret, Verification};
use crate::provider::{
    ApiKey, Client, Evidence, EvidenceWindow, KeyDirectory, MaskMatches, OrganizationKey, ProbeAnswer,
    matching_keys, probe, whoami,
};

use super::leaks::LeakedKey;

/// Kinds of keys that the administration API lists, or may list.
const LISTED_KINDS: [&str; 6] = ["project", "service-account", "admin", "user", "service", "unknown"];
/// Kinds of keys that can be sent as they are.
const SENT_KINDS: [&str; 5] = ["project", "service-account", "admin", "user", "service"];

/// Number of characters at the end of a key that a report shows; with fewer, too many keys would match.
const SHOWN_TAIL: usize = 4;
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
    pub(in crate::cli) created_later: Vec<String>,
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
    if leak.shape.tail.len() < SHOWN_TAIL {
        return without_match("the report shows too little of the key to compare it");
    }
    let is_in = |key: &&OrganizationKey| match project {
        Some(id) => key.listed.project.as_ref().is_some_and(|project| project.id == id),
        None => true,
    };
    let MaskMatches { mut keys, created_later } =
        matching_keys(&leak.shape, directory.keys.iter().filter(is_in));
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
    if !created_later.is_empty() {
        verification.notes.push(format!(
            "these keys match as well, but were created after the leaking commit: {}",
            created_later.join(", ")
        ));
    }
    Comparison { verification, created_later }
}

fn without_match(reason: &str) -> Comparison {
    Comparison { verification: unknown_verification(reason), created_later: Vec::new() }
}

fn judge(
    keys: &[ListedKey],
    directory: &KeyDirectory,
    in_project: bool,
) -> (KeyVerdict, String, MaskMatchCount) {
    let partly = if directory.gaps.is_empty() { "" } else { AS_FAR_AS_LISTED };
    let place = if in_project { "this project" } else { "this organization" };
    match keys {
        [] if in_project => {
            (KeyVerdict::Unknown, format!("none in this project{partly}"), MaskMatchCount::None)
        }
        [] => (
            KeyVerdict::Unknown,
            format!(
                "none in this organization{partly}: it was revoked, or belongs to another organization or an individual user"
            ),
            MaskMatchCount::None,
        ),
        [key] if key.created_after_leak => (
            KeyVerdict::Unknown,
            "one match, but it was created after the leaking commit".to_owned(),
            MaskMatchCount::One,
        ),
        [key] if key.expires_at.is_some_and(|at| at > 0 && at <= now()) => (
            KeyVerdict::Unknown,
            format!(
                "one match{partly}, whose expiry date has passed; --send-key shows whether the key is dead"
            ),
            MaskMatchCount::One,
        ),
        [_] => (KeyVerdict::Live, format!("one match in {place}{partly}"), MaskMatchCount::One),
        several => (
            KeyVerdict::Unknown,
            format!("several keys match ({}); the leaked key may be any of them, or none", several.len()),
            MaskMatchCount::Several,
        ),
    }
}

/// Adds costs and audit log entries to each leak with one match.
pub(in crate::cli) fn add_evidence(
    client: &Client,
    admin: &ApiKey,
    all: &mut [(LeakedKey, Verification)],
) -> Vec<String> {
    // Each key once, even if several leaks are pieces of it.
    let mut since: BTreeMap<&str, i64> = BTreeMap::new();
    for (leak, verification) in all.iter() {
        let [key] = verification.keys.as_slice() else { continue };
        if verification.matching == MaskMatchCount::One && key.id != ListedKey::UNUSABLE_ID {
            let leaked_at = leak.shape.leaked_at.unwrap_or_else(now).min(now());
            since.entry(&key.id).and_modify(|first| *first = leaked_at.min(*first)).or_insert(leaked_at);
        }
    }
    let windows: Vec<EvidenceWindow> = since
        .into_iter()
        .map(|(key_id, leaked_at)| EvidenceWindow { key_id: key_id.to_owned(), leaked_at })
        .collect();
    if windows.is_empty() {
        return Vec::new();
    }
    let evidence = Evidence::collect(client, admin, &windows, now());
    for (leak, verification) in all.iter_mut() {
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
            Some(at) if at > now() => verification.notes.push(
                "the date of the leaking commit is in the future, so costs are counted from today".to_owned(),
            ),
            Some(_) => {}
        }
        if verification.audit_events.is_empty() && !evidence.gaps.iter().any(|gap| gap.starts_with("audit")) {
            verification.notes.push(
                "the audit log has nothing about this key, or the organization does not record one"
                    .to_owned(),
            );
        }
    }
    evidence.gaps
}

/// Sends the leaked keys to the provider. A rejection is believed only if it is repeated after `pause`.
pub(super) fn send(
    client: &Client,
    all: &mut [(LeakedKey, Verification)],
    secret: impl Fn(&LeakedKey) -> Option<Secret>,
    (with_whoami, pause): (bool, Duration),
) {
    let mut rejected = Vec::new();
    for (at, (leak, verification)) in all.iter_mut().enumerate() {
        let kind = leak.shape.kind.as_str();
        if !SENT_KINDS.contains(&kind) {
            verification.notes.push(format!("not sent: a key of the kind `{kind}` cannot be tried"));
            continue;
        }
        // A custom rule may use such a kind for anything.
        let secret = secret(leak).filter(|secret| secret.reveal().starts_with(b"sk-"));
        let Some(key) = secret.and_then(|secret| ApiKey::new(secret.reveal())) else {
            verification
                .notes
                .push("not sent: the key was not found again; name its repository with --repo".to_owned());
            continue;
        };
        verification.key_sent = true;
        let answer = probe(client, &key, kind == "admin");
        if answer.verdict == KeyVerdict::Dead {
            rejected.push((at, key));
            continue;
        }
        if with_whoami && answer.verdict.is_live() {
            match whoami(client, &key) {
                Ok(lines) => verification.whoami = lines,
                Err(error) => verification.notes.push(format!("who owns the key: {error}")),
            }
        }
        merge_answer(verification, answer);
    }
    if !rejected.is_empty() {
        thread::sleep(pause);
    }
    for (at, key) in rejected {
        let (leak, verification) = &mut all[at];
        let second = probe(client, &key, leak.shape.kind == "admin");
        let answer = match second.verdict {
            KeyVerdict::Dead => ProbeAnswer { reason: format!("{} twice", second.reason), ..second },
            KeyVerdict::Unknown => {
                ProbeAnswer { reason: format!("rejected once, but not again ({})", second.reason), ..second }
            }
            _ => second,
        };
        merge_answer(verification, answer);
    }
}

/// Merges the result of sending the key with the result from the list.
fn merge_answer(verification: &mut Verification, answer: ProbeAnswer) {
    if verification.verdict == KeyVerdict::Live && answer.verdict == KeyVerdict::Dead {
        verification.notes.push(format!(
            "sent to the provider, the key was rejected ({}), but the organization still lists a match; one of the two is \
             out of date or about another key",
            answer.reason
        ));
        verification.verdict = KeyVerdict::Unknown;
        verification.reason = "list and answer contradict each other".to_owned();
        return;
    }
    let adds_nothing = answer.verdict == KeyVerdict::Unknown && verification.verdict != KeyVerdict::Unknown;
    if adds_nothing {
        verification.notes.push(format!("sent to the provider: {}", answer.reason));
        return;
    }
    let list_reason = std::mem::take(&mut verification.reason);
    verification.reason =
        if list_reason.is_empty() { answer.reason } else { format!("{}; {list_reason}", answer.reason) };
    verification.verdict = answer.verdict;
    verification.works_at = answer.works_at;
}
