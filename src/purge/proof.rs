//! Proves the new repository before it is handed over: none of the keys, none of the old objects, and no other change
//! than what was planned.

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;

use super::PurgeOptions;
use super::error::PurgeError;
use super::headers::split;
use super::purged_keys::PurgedKeys;
use super::refs::{CarriedRef, NOTES, NewHead, RefPlan};
use super::rewriter::Rewritten;
use super::tree::{self, RawTreeEntry};
use crate::git::{HashKind, ObjectId, ObjectKind, Repository, RepositoryObjects, open_unfinished, refs};
use crate::model::{Confidence, Surface};
use crate::scan::{HistoryOptions, Settings, scan_history};
use crate::suppress::Policy;

/// What was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PurgeProof {
    /// Whether everything in the new repository was looked at.
    pub history_complete: bool,
    /// How many of the keys are in it.
    pub keys_found: u64,
    /// How many of the objects that were rewritten are in it.
    pub old_ids_found: u64,
    /// How many refs were compared with those of the old repository.
    pub refs_compared: u64,
}

/// Proves the repository at `path`.
///
/// # Errors
/// What is not as it should be.
pub(super) fn prove(
    path: &Path,
    old: &Repository,
    settings: &Settings<'_>,
    options: &PurgeOptions,
    (keys, plan, done): (&PurgedKeys, &RefPlan, &Rewritten),
) -> Result<PurgeProof, PurgeError> {
    search(path, settings, options, keys)?;
    let opened = open_unfinished(path).map_err(|error| PurgeError::Unproven(error.to_string()))?;
    let new = opened.to_thread_local();
    let mut comparison = RepositoryComparison {
        old: RepositoryObjects::of(old).map_err(PurgeError::Unproven)?,
        new: RepositoryObjects::of(&new).map_err(PurgeError::Unproven)?,
        hash: old.object_hash(),
        done,
        met: HashSet::new(),
    };
    if let Some(id) = done.new.keys().find(|id| comparison.new.has(id)) {
        return unproven(format!("the old object {id} is in it"));
    }
    compare_names(&new, plan, done)?;
    for one in &plan.refs {
        if settings.stop.is_set() {
            return Err(PurgeError::Stopped);
        }
        if done.id(&one.id) != one.id {
            comparison.tip(one.id, one.name.starts_with(NOTES), one)?;
        } else if !comparison.new.has(&one.id) {
            // The same id means the same content, all the way down, and the audit followed every link.
            return unproven(format!("{} leads to an object that is not in it", one.new_name));
        }
    }
    Ok(PurgeProof {
        history_complete: true,
        keys_found: 0,
        old_ids_found: 0,
        refs_compared: plan.refs.len() as u64,
    })
}

fn unproven<T>(reason: String) -> Result<T, PurgeError> {
    Err(PurgeError::Unproven(reason))
}

/// Audits the new repository.
fn search(
    path: &Path,
    settings: &Settings<'_>,
    options: &PurgeOptions,
    keys: &PurgedKeys,
) -> Result<(), PurgeError> {
    let policy = Policy::default();
    let settings = Settings { policy: &policy, min_confidence: Confidence::Low, only: None, ..*settings };
    let mut audit = HistoryOptions {
        unfinished: true,
        exclude: options.exclude.clone(),
        progress: options.progress.clone(),
        ..HistoryOptions::everything(path.to_owned(), options.threads, options.now)
    };
    // It has the pointers, and no files for them; those of the old repository were searched.
    audit.surfaces.remove(&Surface::Lfs);
    let draft = scan_history(&settings, &audit)?;
    if settings.stop.is_set() {
        return Err(PurgeError::Stopped);
    }
    if let Some(skip) = draft.coverage.skipped.first() {
        return unproven(format!("not everything in it could be looked at: {}: {}", skip.what, skip.reason));
    }
    for leak in &draft.leaks {
        let fingerprint = leak.identified.fingerprint;
        let place = leak.findings.first().map_or_else(String::new, |finding| {
            let object = finding.origin.object.as_ref().or(finding.origin.commit.as_ref());
            format!(" ({} {})", finding.origin.surface, object.map_or("", String::as_str))
        });
        if keys.has(&fingerprint) {
            return Err(PurgeError::KeyLeft(fingerprint, place));
        }
        if !keys.known.contains(&fingerprint) {
            return unproven(format!("something that looks like a key came to light in it{place}"));
        }
    }
    Ok(())
}

/// Checks that the new repository has exactly the planned refs.
fn compare_names(new: &Repository, plan: &RefPlan, done: &Rewritten) -> Result<(), PurgeError> {
    let found = refs::read(new);
    let expected: HashSet<(&str, ObjectId)> =
        plan.refs.iter().map(|one| (one.new_name.as_str(), done.id(&one.id))).collect();
    let is_head = |name: &str| name == "HEAD";
    let own = found.tips.iter().filter(|tip| !is_head(&tip.name));
    let own: HashSet<(&str, ObjectId)> = own.map(|tip| (tip.name.as_str(), tip.id)).collect();
    let is_same_head = match &plan.head {
        NewHead::Branch(name) => found.head.as_ref() == Some(name),
        NewHead::Detached(id) => found.tips.iter().any(|tip| is_head(&tip.name) && tip.id == done.id(id)),
    };
    match own == expected && is_same_head {
        true => Ok(()),
        false => unproven("its refs are not those of the old repository".to_owned()),
    }
}

/// Compares old objects with new ones.
struct RepositoryComparison<'a> {
    old: RepositoryObjects,
    new: RepositoryObjects,
    hash: HashKind,
    done: &'a Rewritten,
    /// Pairs of trees that were compared.
    met: HashSet<(ObjectId, ObjectId)>,
}

impl RepositoryComparison<'_> {
    /// Compares what a ref leads to.
    fn tip(&mut self, id: ObjectId, is_notes: bool, one: &CarriedRef) -> Result<(), PurgeError> {
        let (mut old, mut new) = (id, self.done.id(&id));
        loop {
            let read = |reader: &mut RepositoryObjects, id: &ObjectId| {
                reader.read(id).map(|(kind, bytes)| (kind, bytes.to_vec()))
            };
            let (Some((kind, before)), Some((new_kind, after))) =
                (read(&mut self.old, &old), read(&mut self.new, &new))
            else {
                return unproven(format!("{} leads to an object that cannot be read", one.new_name));
            };
            if kind != new_kind {
                return unproven(format!("{} leads to an object of another kind", one.new_name));
            }
            let name: &[u8] = match kind {
                ObjectKind::Blob => return compare_blobs(self.done, old, &before, &after),
                ObjectKind::Tree => return self.trees(old, new, is_notes),
                ObjectKind::Commit => b"tree",
                ObjectKind::Tag => b"object",
            };
            let target = |bytes: &[u8]| {
                let (headers, _) = split(bytes);
                headers.iter().find(|header| header.name == name).and_then(|header| header.id())
            };
            let (Some(next), Some(new_next)) = (target(&before), target(&after)) else {
                return unproven(format!("{} leads to a malformed object", one.new_name));
            };
            (old, new) = (next, new_next);
        }
    }

    /// Compares two trees and all below them.
    fn trees(&mut self, old: ObjectId, new: ObjectId, is_notes: bool) -> Result<(), PurgeError> {
        let mut stack = vec![(old, new)];
        while let Some((old, new)) = stack.pop() {
            if old == new || !self.met.insert((old, new)) {
                continue;
            }
            let mut before = self.notes_or_entries(old, true, is_notes)?;
            let mut after = self.notes_or_entries(new, false, is_notes)?;
            let renamed = self.done.renamed.get(&old);
            for entry in &mut before {
                if let Some((_, name)) =
                    renamed.iter().flat_map(|all| all.iter()).find(|one| one.0 == entry.name)
                {
                    entry.name.clone_from(name);
                } else if is_notes && let Ok(about) = ObjectId::from_hex(&entry.name) {
                    entry.name = self.done.id(&about).to_string().into_bytes();
                }
            }
            for entries in [&mut before, &mut after] {
                entries.sort_by(|a, b| a.name.cmp(&b.name));
            }
            if before.len() != after.len() {
                return unproven(format!("the tree {new} has other entries than {old}"));
            }
            for (one, other) in before.into_iter().zip(after) {
                if (&one.mode, &one.name) != (&other.mode, &other.name) {
                    return unproven(format!("the tree {new} has other entries than {old}"));
                }
                if one.id == other.id {
                    continue;
                }
                if one.is_tree() {
                    stack.push((one.id, other.id));
                } else {
                    self.blob_pair(one.id, other.id)?;
                }
            }
        }
        Ok(())
    }

    /// The entries of a tree; of notes, those in directories too, named by all of their digits.
    fn notes_or_entries(
        &mut self,
        id: ObjectId,
        is_old: bool,
        is_notes: bool,
    ) -> Result<Vec<RawTreeEntry>, PurgeError> {
        let mut all = Vec::new();
        let mut stack = vec![(id, Vec::new())];
        while let Some((id, path)) = stack.pop() {
            let reader = if is_old { &mut self.old } else { &mut self.new };
            let Some((ObjectKind::Tree, bytes)) = reader.read(&id) else {
                return unproven(format!("the tree {id} cannot be read"));
            };
            let Some(entries) = tree::parse(bytes, self.hash) else {
                return unproven(format!("the tree {id} is malformed"));
            };
            for entry in entries {
                let name = [&path[..], &entry.name].concat();
                let is_fanout = entry.name.len() == 2 && entry.name.iter().all(u8::is_ascii_hexdigit);
                if is_notes && entry.is_tree() && is_fanout && name.len() < self.hash.len_in_hex() {
                    stack.push((entry.id, name));
                } else {
                    all.push(RawTreeEntry { name, ..entry });
                }
            }
        }
        Ok(all)
    }

    fn blob_pair(&mut self, old: ObjectId, new: ObjectId) -> Result<(), PurgeError> {
        if self.done.new.get(&old) != Some(&new) {
            return unproven(format!("{old} was replaced by {new}, which was not planned"));
        }
        if !self.met.insert((old, new)) {
            return Ok(());
        }
        let Some((_, before)) = self.old.read(&old) else {
            return unproven(format!("the blob {old} cannot be read"));
        };
        let Some((_, after)) = self.new.read(&new) else {
            return unproven(format!("the blob {new} cannot be read"));
        };
        compare_blobs(self.done, old, before, after)
    }
}

/// Checks that a blob is the same outside of what was overwritten.
fn compare_blobs(done: &Rewritten, old: ObjectId, before: &[u8], after: &[u8]) -> Result<(), PurgeError> {
    let spans = match done.spans.get(&old) {
        None if before == after => return Ok(()),
        None => return unproven(format!("the blob {old} changed, which was not planned")),
        // A stub.
        Some(spans) if spans.is_empty() => return Ok(()),
        Some(spans) => spans,
    };
    let mut at = 0;
    let mut is_same = before.len() == after.len();
    for span in spans {
        is_same &= before.get(at..span.start) == after.get(at..span.start);
        at = span.end;
    }
    match is_same && before.get(at..) == after.get(at..) {
        true => Ok(()),
        false => unproven(format!("the blob {old} changed in other places than those of its keys")),
    }
}
