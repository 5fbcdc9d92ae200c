//! What an audit of the clone found, as parts of a proof.

use std::collections::{BTreeMap, BTreeSet};

use super::old_objects::OldObjectSearch;
use super::purged_history::{PurgedHistory, PurgedKey};
use crate::model::{
    Confidence, Draft, Fingerprint, Leak, Origin, RefKind, RetainingRef, Skip, SoughtKey, UnprovenFile,
};
use crate::scan::PartlySearchedObject;

pub(super) fn sought(key: &PurgedKey, draft: &Draft) -> SoughtKey {
    let leak = leak(draft, &key.fingerprint);
    let findings = leak.map_or(&[][..], |leak| &leak.findings);
    let places: BTreeSet<String> = findings.iter().map(|finding| place(&finding.origin)).collect();
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

fn leak<'d>(draft: &'d Draft, fingerprint: &Fingerprint) -> Option<&'d Leak> {
    draft.leaks.iter().find(|leak| leak.identified.fingerprint == *fingerprint)
}

/// `blob src/app.py (12345678), a.zip/.env`
fn place(origin: &Origin) -> String {
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

/// Everything that leads to a key or to a rewritten object.
pub(super) fn retaining_refs(
    report: &PurgedHistory,
    draft: &Draft,
    old: &OldObjectSearch,
) -> Vec<RetainingRef> {
    let mut refs: BTreeMap<(RefKind, String), RetainingRef> = BTreeMap::new();
    let mut entry = |name: &str, is_local: bool, key: Option<Fingerprint>, id: Option<String>| {
        let kind = if is_local { RefKind::Local } else { RefKind::from_name(name) };
        let leading = refs.entry((kind, name.to_owned())).or_insert_with(|| RetainingRef {
            name: name.to_owned(),
            kind,
            keys: BTreeSet::new(),
            old_objects: BTreeSet::new(),
        });
        leading.keys.extend(key);
        leading.old_objects.extend(id);
    };
    for (key, leak) in report.keys.iter().filter_map(|key| Some((key, leak(draft, &key.fingerprint)?))) {
        let reached = &leak.reachability;
        for name in reached.refs_at_tip.iter().chain(&reached.refs_in_history) {
            entry(name, false, Some(key.fingerprint), None);
        }
        reached.held_by.iter().for_each(|name| entry(name, true, Some(key.fingerprint), None));
    }
    for old in &old.leading {
        entry(&old.name, old.is_local, None, old.id.map(|id| id.to_string()));
    }
    refs.into_values().collect()
}

/// A file that may contain a key, since it cannot be searched.
pub(super) fn unproven(one: &PartlySearchedObject, report: &PurgedHistory) -> Vec<UnprovenFile> {
    let object = one.id.to_string();
    let suffix = format!(" (blob {object})");
    let file = |skip: &Skip| UnprovenFile {
        object: object.clone(),
        path: one.path.as_ref().map(|_| skip.what.clone()),
        reason: skip.reason.strip_suffix(&suffix).unwrap_or(&skip.reason).to_owned(),
        carried_over: report.unsearched.contains(&one.id),
    };
    one.skips.iter().map(file).collect()
}

/// How many keys are in the clone that the purge did not remove. Doubtful ones do not count.
pub(super) fn other_keys(draft: &Draft, report: &PurgedHistory) -> u64 {
    let is_purged =
        |leak: &Leak| report.keys.iter().any(|key| key.fingerprint == leak.identified.fingerprint);
    let is_sure = |leak: &&Leak| leak.identified.confidence >= Confidence::Medium;
    draft.leaks.iter().filter(is_sure).filter(|leak| !is_purged(leak)).count() as u64
}
