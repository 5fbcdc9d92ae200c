//! Compares the old repository with the new one: what was planned has changed, and nothing else.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::error::PurgeError;
use super::headers::split;
use super::proof::unproven;
use super::refs::CarriedRef;
use super::rewriter::Rewritten;
use super::tree::{self, RawTreeEntry};
use crate::git::{HashKind, ObjectId, ObjectKind, Repository, RepositoryObjects};

/// Compares old objects with new ones.
pub(super) struct RepositoryComparison<'a> {
    old: RepositoryObjects,
    new: RepositoryObjects,
    hash: HashKind,
    done: &'a Rewritten,
    /// The trees of old commits, as far as they are known.
    tip_trees: &'a HashMap<ObjectId, ObjectId>,
    /// Pairs of trees that were compared.
    met: HashSet<(ObjectId, ObjectId)>,
    /// What refs lead to and was compared, and whether as notes.
    tips: HashSet<(ObjectId, bool)>,
}

/// What an object leads to.
enum Content {
    Blob,
    Tree,
    /// From a commit to its tree, or from a tag to what it names.
    Link(ObjectKind, ObjectId),
}

impl Content {
    /// `None` if the object cannot be read or is malformed.
    fn of(reader: &mut RepositoryObjects, id: &ObjectId) -> Option<Self> {
        let (kind, bytes) = reader.read(id)?;
        let name: &[u8] = match kind {
            ObjectKind::Blob => return Some(Self::Blob),
            ObjectKind::Tree => return Some(Self::Tree),
            ObjectKind::Commit => b"tree",
            ObjectKind::Tag => b"object",
        };
        let (headers, _) = split(bytes);
        let target = headers.iter().find(|header| header.name == name)?.id()?;
        Some(Self::Link(kind, target))
    }
}

impl<'a> RepositoryComparison<'a> {
    pub(super) fn of(
        old: &Repository,
        new: &Repository,
        (done, tip_trees): (&'a Rewritten, &'a HashMap<ObjectId, ObjectId>),
    ) -> Result<Self, PurgeError> {
        Ok(Self {
            old: RepositoryObjects::new(old).map_err(PurgeError::Unproven)?,
            new: RepositoryObjects::new(new).map_err(PurgeError::Unproven)?,
            hash: old.object_hash(),
            done,
            tip_trees,
            met: HashSet::new(),
            tips: HashSet::new(),
        })
    }

    /// Whether the new repository has an object.
    pub(super) fn has_new(&self, id: &ObjectId) -> bool {
        self.new.has(id)
    }
}

impl RepositoryComparison<'_> {
    /// Compares what a ref leads to.
    pub(super) fn tip(&mut self, id: ObjectId, is_notes: bool, one: &CarriedRef) -> Result<(), PurgeError> {
        if !self.tips.insert((id, is_notes)) {
            return Ok(());
        }
        let (mut old, mut new) = (id, self.done.id(&id));
        // The same id means the same content.
        while old != new {
            let before = match self.tip_trees.get(&old) {
                Some(tree) => Some(Content::Link(ObjectKind::Commit, *tree)),
                None => Content::of(&mut self.old, &old),
            };
            let after = Content::of(&mut self.new, &new);
            match (before, after) {
                (Some(Content::Blob), Some(Content::Blob)) => return self.blob_pair(old, new),
                (Some(Content::Tree), Some(Content::Tree)) => return self.trees(old, new, is_notes),
                (Some(Content::Link(kind, next)), Some(Content::Link(new_kind, new_next)))
                    if kind == new_kind =>
                {
                    (old, new) = (next, new_next);
                }
                (Some(_), Some(_)) => {
                    return unproven(format!("{} leads to an object of another kind", one.new_name));
                }
                _ => {
                    return unproven(format!("{} leads to an object that cannot be read", one.new_name));
                }
            }
        }
        Ok(())
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
        let spans = match self.done.spans.get(&old) {
            // A stub.
            Some(spans) if spans.is_empty() => return Ok(()),
            Some(spans) => spans,
            None => return unproven(format!("the blob {old} changed, which was not planned")),
        };
        let Some((_, before)) = self.old.read(&old) else {
            return unproven(format!("the blob {old} cannot be read"));
        };
        let mut comparison = BlobComparison { before, spans, at: 0, is_same: true };
        if self.new.read_parts(&new, |part| comparison.part(part)).is_none() {
            return unproven(format!("the blob {new} cannot be read"));
        }
        match comparison.is_same && comparison.at == before.len() {
            true => Ok(()),
            false => unproven(format!("the blob {old} changed in other places than those of its keys")),
        }
    }
}

/// Compares a blob outside of what was overwritten.
struct BlobComparison<'a> {
    before: &'a [u8],
    /// What was overwritten, in order and apart.
    spans: &'a [Range<usize>],
    /// How far the new blob was compared.
    at: usize,
    is_same: bool,
}

impl BlobComparison<'_> {
    /// Compares the next part of the new blob.
    fn part(&mut self, after: &[u8]) {
        let start = self.at;
        self.at += after.len();
        let Some(before) = self.before.get(start..self.at) else {
            self.is_same = false;
            return;
        };
        let first = self.spans.partition_point(|span| span.end <= start);
        let mut from = 0;
        for span in self.spans[first..].iter().take_while(|span| span.start < self.at) {
            let to = span.start.saturating_sub(start).max(from);
            self.is_same &= before[from..to] == after[from..to];
            from = (span.end - start).min(after.len());
        }
        self.is_same &= before[from..] == after[from..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_may_change_where_it_was_planned_and_nowhere_else() {
        let before: Vec<u8> = (0..100).collect();
        let spans = [10..20, 30..31, 95..100];
        let is_same = |after: &[u8], part: usize| {
            let mut comparison = BlobComparison { before: &before, spans: &spans, at: 0, is_same: true };
            after.chunks(part).for_each(|part| comparison.part(part));
            comparison.is_same && comparison.at == before.len()
        };
        for part in [1, 3, 7, 10, 64, 100, 1000] {
            assert!(is_same(&before, part));
            for at in 0..100 {
                let mut after = before.clone();
                after[at] ^= 1;
                assert_eq!(is_same(&after, part), spans.iter().any(|span| span.contains(&at)), "{at} {part}");
            }
            assert!(!is_same(&before[..99], part) && !is_same(&[&before[..], b"x"].concat(), part));
        }
    }
}
