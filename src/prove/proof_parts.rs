//! Converts what an audit of the clone found into the parts of a proof.

use std::collections::{BTreeMap, BTreeSet};

use super::old_objects::OldObjectSearch;
use super::purged_history::{PurgedHistory, PurgedKey};
use crate::model::{
    Confidence, Draft, Fingerprint, Leak, Origin, RefKind, RetainingRef, Skip, SoughtKey, UnprovenFile,
};
use crate::scan::PartlySearchedObject;

/// The result for one purged key.
pub(super) fn sought_key(key: &PurgedKey, draft: &Draft) -> SoughtKey {
    let leak = find_leak(draft, &key.fingerprint);
    let findings = leak.map_or(&[][..], |leak| &leak.findings);
    let places: BTreeSet<String> = findings.iter().map(|finding| describe_origin(&finding.origin)).collect();
    SoughtKey {
        fingerprint: key.fingerprint,
        redacted: key.redacted.clone(),
        rule: key.rule.clone(),
        found: leak.is_some(),
        status: leak.map(|leak| leak.status),
        places: places.into_iter().take(SoughtKey::MAX_PLACES).collect(),
        findings: findings.len() as u64,
    }
}

fn find_leak<'d>(draft: &'d Draft, fingerprint: &Fingerprint) -> Option<&'d Leak> {
    draft.leaks.iter().find(|leak| leak.detected_key.fingerprint == *fingerprint)
}

/// A place in the clone, for example `blob docs/a.zip > .env (1234567890)`: surface, path, entry of a container, and the
/// start of the id of the commit or object.
fn describe_origin(origin: &Origin) -> String {
    let mut text = origin.surface.name().to_owned();
    if let Some(path) = &origin.path {
        text.push(' ');
        text.push_str(&String::from_utf8_lossy(path));
    }
    for part in &origin.container {
        text.push_str(" > ");
        text.push_str(&String::from_utf8_lossy(part));
    }
    if let Some(id) = origin.commit.as_ref().or(origin.object.as_ref()) {
        text.push_str(&format!(" ({})", id.get(..10).unwrap_or(id)));
    }
    text
}

/// Every ref, and every local name such as a reflog entry, that leads to a purged key or to an old object.
pub(super) fn retaining_refs(
    purged_history: &PurgedHistory,
    draft: &Draft,
    old: &OldObjectSearch,
) -> Vec<RetainingRef> {
    let mut refs: BTreeMap<(RefKind, String), RetainingRef> = BTreeMap::new();
    let mut add = |name: &str, is_local: bool, key: Option<Fingerprint>, id: Option<String>| {
        let kind = if is_local { RefKind::Local } else { RefKind::from_name(name) };
        let retaining_ref = refs.entry((kind, name.to_owned())).or_insert_with(|| RetainingRef {
            name: name.to_owned(),
            kind,
            keys: BTreeSet::new(),
            old_objects: BTreeSet::new(),
        });
        retaining_ref.keys.extend(key);
        retaining_ref.old_objects.extend(id);
    };
    for (key, leak) in
        purged_history.keys.iter().filter_map(|key| Some((key, find_leak(draft, &key.fingerprint)?)))
    {
        let reachability = &leak.reachability;
        for name in reachability.refs_at_tip.iter().chain(&reachability.refs_in_history) {
            add(name, false, Some(key.fingerprint), None);
        }
        reachability.held_by.iter().for_each(|name| add(name, true, Some(key.fingerprint), None));
    }
    for retaining in &old.retaining_names {
        add(&retaining.name, retaining.is_local, None, retaining.id.map(|id| id.to_string()));
    }
    refs.into_values().collect()
}

/// The files of a blob that could not be searched, so that they may contain a key.
pub(super) fn unproven_files(
    object: &PartlySearchedObject,
    purged_history: &PurgedHistory,
) -> Vec<UnprovenFile> {
    let object_id = object.id.to_string();
    // The audit adds this where it names a path; the proof has a field for it.
    let suffix = format!(" (blob {object_id})");
    let file = |skip: &Skip| UnprovenFile {
        object: object_id.clone(),
        // The skip is at this path, or in an entry of the container there; without a path, it names the blob.
        path: object.path.as_ref().map(|_| skip.what.clone()),
        reason: skip.reason.strip_suffix(&suffix).unwrap_or(&skip.reason).to_owned(),
        carried_over: purged_history.unsearched.contains(&object.id),
    };
    object.skips.iter().map(file).collect()
}

/// How many keys of at least medium confidence are in the clone besides the purged ones.
pub(super) fn count_other_keys(draft: &Draft, purged_history: &PurgedHistory) -> u64 {
    let is_purged =
        |leak: &Leak| purged_history.keys.iter().any(|key| key.fingerprint == leak.detected_key.fingerprint);
    let is_probable = |leak: &&Leak| leak.detected_key.confidence >= Confidence::Medium;
    draft.leaks.iter().filter(is_probable).filter(|leak| !is_purged(leak)).count() as u64
}
