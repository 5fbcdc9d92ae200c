//! Rewrites trees that contain rewritten objects, or names with keys.

use std::collections::HashSet;

use super::cleanse::{Remains, cleanse};
use super::error::PurgeError;
use super::fill::Treatment;
use super::names::numbered;
use super::rewriter::{HistoryRewriter, Place};
use super::tree::{self, RawTreeEntry};
use crate::git::{ObjectId, ObjectKind};
use crate::model::{Fingerprint, Surface};

/// A name with fillers, and the keys that were in it.
type FilledName = (Vec<u8>, Vec<Fingerprint>);

impl HistoryRewriter<'_> {
    /// Rewrites a tree and its subtrees if they contain anything that is rewritten. Returns the new id.
    pub(super) fn tree(&mut self, root: ObjectId) -> Result<ObjectId, PurgeError> {
        if !self.is_to_do(&root) {
            return Ok(self.done.id(&root));
        }
        let mut met: HashSet<ObjectId> = HashSet::new();
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            self.check_stop()?;
            let bytes = self.read(&id, ObjectKind::Tree)?;
            let entries = tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))?;
            if met.insert(id) {
                let below = entries.iter().filter(|entry| entry.is_tree() && self.is_to_do(&entry.id));
                let below: Vec<ObjectId> =
                    below.map(|entry| entry.id).filter(|id| !met.contains(id)).collect();
                if !below.is_empty() {
                    stack.extend(below);
                    continue;
                }
            }
            stack.pop();
            if self.is_to_do(&id) {
                self.one_tree(id, &bytes, entries)?;
            }
        }
        Ok(self.done.id(&root))
    }

    /// Reserves the names of all siblings of entries with a key in their name, in all trees, so that a new name is
    /// the same in every commit.
    pub(super) fn reserve_sibling_names(&mut self) -> Result<(), PurgeError> {
        let trees = self.flagged.iter().filter(|(_, kind)| **kind == ObjectKind::Tree);
        for id in trees.map(|(id, _)| *id).filter(|id| self.graph.is_reachable(id)).collect::<Vec<_>>() {
            let bytes = self.read(&id, ObjectKind::Tree)?;
            let entries = tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))?;
            entries.into_iter().for_each(|entry| self.names.take(entry.name));
        }
        Ok(())
    }

    fn is_to_do(&self, tree: &ObjectId) -> bool {
        !self.done.new.contains_key(tree) && self.graph.contains_wanted(tree)
    }

    /// Rewrites a tree whose subtrees are finished.
    fn one_tree(
        &mut self,
        id: ObjectId,
        old: &[u8],
        mut entries: Vec<RawTreeEntry>,
    ) -> Result<(), PurgeError> {
        for entry in &mut entries {
            if !entry.is_submodule() {
                entry.id = self.done.id(&entry.id);
            }
        }
        if self.flagged.contains_key(&id) {
            self.rename(id, &mut entries)?;
        }
        let new = tree::write(&entries);
        if new != old {
            let new = self.add(ObjectKind::Tree, new)?;
            self.record(ObjectKind::Tree, id, new);
        }
        Ok(())
    }

    /// Renames entries whose names contain a key.
    fn rename(&mut self, id: ObjectId, entries: &mut [RawTreeEntry]) -> Result<(), PurgeError> {
        let mut taken: HashSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
        let mut renamed = Vec::new();
        for entry in entries.iter_mut() {
            let Some((filled, keys)) = self.filled_name(&entry.name, &format!("a name in tree {id}"))? else {
                continue;
            };
            taken.remove(&entry.name);
            let assigned = self.names.assign(&entry.name, &filled);
            let new = numbered(&assigned, |name| !taken.contains(name));
            taken.insert(new.clone());
            renamed.push((std::mem::replace(&mut entry.name, new.clone()), new));
            self.done.places.extend(keys.into_iter().map(|fingerprint| Place {
                surface: Surface::FileName,
                object: Some(id),
                fingerprint,
                treatment: Treatment::Filler,
            }));
        }
        if !renamed.is_empty() {
            tree::sort(entries);
            self.done.renamed.insert(id, renamed);
        }
        Ok(())
    }

    /// The name with fillers, and the keys that were in it; `None` if there were none.
    pub(super) fn filled_name(&self, name: &[u8], what: &str) -> Result<Option<FilledName>, PurgeError> {
        match cleanse(name, self.keys, self.settings.detector) {
            Ok(None) => Ok(None),
            Ok(Some(clean)) => {
                let keys = clean.fingerprints().into_iter().collect();
                Ok(Some((clean.bytes, keys)))
            }
            Err(Remains(fingerprint)) => Err(PurgeError::Remains { what: what.to_owned(), fingerprint }),
        }
    }
}
