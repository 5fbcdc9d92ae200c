//! Checks that the new repository differs from the old one only where that was planned.

use std::collections::{HashMap, HashSet};

use super::blob_comparison::BlobComparison;
use super::error::{PurgeError, proof_failure};
use super::headers::split_headers;
use super::raw_tree::{self, RawTreeEntry};
use super::refs::{CarriedRef, NOTES_PREFIX};
use super::rewriter::Rewrites;
use crate::git::{HashKind, ObjectId, ObjectKind, Repository, RepositoryObjects};

/// Compares old objects with new ones.
pub(super) struct RepositoryComparison<'a> {
    old: RepositoryObjects,
    new: RepositoryObjects,
    hash: HashKind,
    rewrites: &'a Rewrites,
    /// The trees of the old commits that refs name, so that these commits need not be read again.
    tip_trees: &'a HashMap<ObjectId, ObjectId>,
    /// Pairs of an old and a new tree or blob that were compared.
    compared_pairs: HashSet<(ObjectId, ObjectId)>,
    /// The targets of refs that were compared, and whether each was compared as a tree of notes.
    compared_targets: HashSet<(ObjectId, bool)>,
}

/// The kind of an object, and the object that it leads to.
enum Content {
    Blob,
    Tree,
    /// A commit that leads to its tree, or a tag that leads to its target.
    Link(ObjectKind, ObjectId),
}

impl Content {
    /// `None` if the object cannot be read or is malformed.
    fn read(reader: &mut RepositoryObjects, id: &ObjectId) -> Option<Self> {
        let (kind, bytes) = reader.read(id)?;
        let name: &[u8] = match kind {
            ObjectKind::Blob => return Some(Self::Blob),
            ObjectKind::Tree => return Some(Self::Tree),
            ObjectKind::Commit => b"tree",
            ObjectKind::Tag => b"object",
        };
        let (headers, _) = split_headers(bytes);
        let target = headers.iter().find(|header| header.name == name)?.id()?;
        Some(Self::Link(kind, target))
    }
}

impl<'a> RepositoryComparison<'a> {
    pub(super) fn new(
        old: &Repository,
        new: &Repository,
        (rewrites, tip_trees): (&'a Rewrites, &'a HashMap<ObjectId, ObjectId>),
    ) -> Result<Self, PurgeError> {
        Ok(Self {
            old: RepositoryObjects::new(old).map_err(PurgeError::Unproven)?,
            new: RepositoryObjects::new(new).map_err(PurgeError::Unproven)?,
            hash: old.object_hash(),
            rewrites,
            tip_trees,
            compared_pairs: HashSet::new(),
            compared_targets: HashSet::new(),
        })
    }

    /// Whether the new repository has an object.
    pub(super) fn has_new(&self, id: &ObjectId) -> bool {
        self.new.has(id)
    }
}

impl RepositoryComparison<'_> {
    /// Compares what a ref leads to.
    pub(super) fn compare_target(&mut self, carried_ref: &CarriedRef) -> Result<(), PurgeError> {
        let is_notes = carried_ref.name.starts_with(NOTES_PREFIX);
        if !self.compared_targets.insert((carried_ref.id, is_notes)) {
            return Ok(());
        }
        let (mut old, mut new) = (carried_ref.id, self.rewrites.new_id(&carried_ref.id));
        // The same id means the same content.
        while old != new {
            let before = match self.tip_trees.get(&old) {
                Some(tree) => Some(Content::Link(ObjectKind::Commit, *tree)),
                None => Content::read(&mut self.old, &old),
            };
            let after = Content::read(&mut self.new, &new);
            match (before, after) {
                (Some(Content::Blob), Some(Content::Blob)) => return self.compare_blobs(old, new),
                (Some(Content::Tree), Some(Content::Tree)) => return self.compare_trees(old, new, is_notes),
                (Some(Content::Link(kind, next)), Some(Content::Link(new_kind, new_next)))
                    if kind == new_kind =>
                {
                    (old, new) = (next, new_next);
                }
                (Some(_), Some(_)) => {
                    return proof_failure(format!(
                        "{} leads to an object of another kind",
                        carried_ref.new_name
                    ));
                }
                _ => {
                    return proof_failure(format!(
                        "{} leads to an object that cannot be read",
                        carried_ref.new_name
                    ));
                }
            }
        }
        Ok(())
    }

    /// Compares two trees and everything below them.
    fn compare_trees(&mut self, old: ObjectId, new: ObjectId, is_notes: bool) -> Result<(), PurgeError> {
        let mut stack = vec![(old, new)];
        while let Some((old, new)) = stack.pop() {
            if old == new || !self.compared_pairs.insert((old, new)) {
                continue;
            }
            let mut before = self.read_entries(old, true, is_notes)?;
            let mut after = self.read_entries(new, false, is_notes)?;
            let renames = self.rewrites.renamed_entries.get(&old);
            for entry in &mut before {
                if let Some((_, new_name)) =
                    renames.iter().flat_map(|all| all.iter()).find(|(old_name, _)| *old_name == entry.name)
                {
                    entry.name.clone_from(new_name);
                } else if is_notes && let Ok(annotated) = ObjectId::from_hex(&entry.name) {
                    entry.name = self.rewrites.new_id(&annotated).to_string().into_bytes();
                }
            }
            for entries in [&mut before, &mut after] {
                entries.sort_by(|a, b| a.name.cmp(&b.name));
            }
            if before.len() != after.len() {
                return proof_failure(format!("the tree {new} has other entries than {old}"));
            }
            for (old_entry, new_entry) in before.into_iter().zip(after) {
                if (&old_entry.mode, &old_entry.name) != (&new_entry.mode, &new_entry.name) {
                    return proof_failure(format!("the tree {new} has other entries than {old}"));
                }
                if old_entry.id == new_entry.id {
                    continue;
                }
                if old_entry.is_tree() {
                    stack.push((old_entry.id, new_entry.id));
                } else {
                    self.compare_blobs(old_entry.id, new_entry.id)?;
                }
            }
        }
        Ok(())
    }

    /// The entries of a tree. A tree of notes is flattened: notes in subdirectories are entries too, and each is named by
    /// all digits of the object that it annotates.
    fn read_entries(
        &mut self,
        id: ObjectId,
        is_old: bool,
        is_notes: bool,
    ) -> Result<Vec<RawTreeEntry>, PurgeError> {
        let mut flat_entries = Vec::new();
        let mut stack = vec![(id, Vec::new())];
        while let Some((id, path)) = stack.pop() {
            let reader = if is_old { &mut self.old } else { &mut self.new };
            let Some((ObjectKind::Tree, bytes)) = reader.read(&id) else {
                return proof_failure(format!("the tree {id} cannot be read"));
            };
            let Some(entries) = raw_tree::parse(bytes, self.hash) else {
                return proof_failure(format!("the tree {id} is malformed"));
            };
            for entry in entries {
                let name = [&path[..], &entry.name].concat();
                let is_fanout = entry.name.len() == 2 && entry.name.iter().all(u8::is_ascii_hexdigit);
                if is_notes && entry.is_tree() && is_fanout && name.len() < self.hash.len_in_hex() {
                    stack.push((entry.id, name));
                } else {
                    flat_entries.push(RawTreeEntry { name, ..entry });
                }
            }
        }
        Ok(flat_entries)
    }

    fn compare_blobs(&mut self, old: ObjectId, new: ObjectId) -> Result<(), PurgeError> {
        if self.rewrites.new_ids.get(&old) != Some(&new) {
            return proof_failure(format!("{old} was replaced by {new}, which was not planned"));
        }
        if !self.compared_pairs.insert((old, new)) {
            return Ok(());
        }
        let spans = match self.rewrites.overwritten_spans.get(&old) {
            // A stub replaces the whole blob.
            Some(spans) if spans.is_empty() => return Ok(()),
            Some(spans) => spans,
            None => return proof_failure(format!("the blob {old} changed, which was not planned")),
        };
        let Some((_, before)) = self.old.read(&old) else {
            return proof_failure(format!("the blob {old} cannot be read"));
        };
        let mut comparison = BlobComparison::new(before, spans);
        if self.new.read_parts(&new, |part| comparison.compare(part)).is_none() {
            return proof_failure(format!("the blob {new} cannot be read"));
        }
        match comparison.is_match() {
            true => Ok(()),
            false => proof_failure(format!("the blob {old} changed in other places than those of its keys")),
        }
    }
}
