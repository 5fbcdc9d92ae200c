//! Rewrites trees that contain rewritten objects, or names with purged keys.

use std::collections::HashSet;

use super::cleanse::{StillFound, cleanse};
use super::error::PurgeError;
use super::fill::Treatment;
use super::names::first_free_name;
use super::raw_tree::{self, RawTreeEntry};
use super::rewriter::{HistoryRewriter, PurgedPlace};
use crate::git::{ObjectId, ObjectKind};
use crate::model::{Fingerprint, Surface};

/// A name with fillers, and the purged keys that were in the old name.
type FilledName = (Vec<u8>, Vec<Fingerprint>);

impl HistoryRewriter<'_> {
    /// Rewrites a tree and its subtrees if they contain anything that is rewritten. Returns the new id.
    pub(super) fn rewrite_tree(&mut self, root: ObjectId) -> Result<ObjectId, PurgeError> {
        if !self.needs_rewrite(&root) {
            return Ok(self.rewrites.new_id(&root));
        }
        let mut visited: HashSet<ObjectId> = HashSet::new();
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            self.check_stop()?;
            let bytes = self.read(&id, ObjectKind::Tree)?;
            let entries = raw_tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))?;
            if visited.insert(id) {
                let subtrees =
                    entries.iter().filter(|entry| entry.is_tree() && self.needs_rewrite(&entry.id));
                let subtrees: Vec<ObjectId> =
                    subtrees.map(|entry| entry.id).filter(|id| !visited.contains(id)).collect();
                if !subtrees.is_empty() {
                    stack.extend(subtrees);
                    continue;
                }
            }
            stack.pop();
            if self.needs_rewrite(&id) {
                self.rewrite_tree_object(id, &bytes, entries)?;
            }
        }
        Ok(self.rewrites.new_id(&root))
    }

    /// Reserves the names of all siblings of entries with a key in their name, in all trees, so that a new name is
    /// the same in every commit.
    pub(super) fn reserve_sibling_names(&mut self) -> Result<(), PurgeError> {
        let trees = self.objects_with_keys.iter().filter(|(_, kind)| **kind == ObjectKind::Tree);
        for id in trees.map(|(id, _)| *id).filter(|id| self.graph.is_reachable(id)).collect::<Vec<_>>() {
            let bytes = self.read(&id, ObjectKind::Tree)?;
            let entries = raw_tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))?;
            entries.into_iter().for_each(|entry| self.names.reserve(entry.name));
        }
        Ok(())
    }

    /// Whether a tree was not rewritten yet, and contains, at any depth, an object that contains a key.
    fn needs_rewrite(&self, tree: &ObjectId) -> bool {
        !self.rewrites.new_ids.contains_key(tree) && self.graph.leads_to_wanted(tree)
    }

    /// Rewrites a tree whose subtrees are finished.
    fn rewrite_tree_object(
        &mut self,
        id: ObjectId,
        old: &[u8],
        mut entries: Vec<RawTreeEntry>,
    ) -> Result<(), PurgeError> {
        for entry in &mut entries {
            if !entry.is_submodule() {
                entry.id = self.rewrites.new_id(&entry.id);
            }
        }
        if self.objects_with_keys.contains_key(&id) {
            self.rename_entries(id, &mut entries)?;
        }
        let new = raw_tree::write(&entries);
        if new != old {
            let new = self.add(ObjectKind::Tree, new)?;
            self.record(ObjectKind::Tree, id, new);
        }
        Ok(())
    }

    /// Renames entries whose names contain a key.
    fn rename_entries(&mut self, id: ObjectId, entries: &mut [RawTreeEntry]) -> Result<(), PurgeError> {
        let mut taken_names: HashSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
        let mut renames = Vec::new();
        for entry in entries.iter_mut() {
            let Some((name_with_filler, keys)) =
                self.name_with_fillers(&entry.name, &format!("a name in tree {id}"))?
            else {
                continue;
            };
            taken_names.remove(&entry.name);
            let assigned = self.names.assign(&entry.name, &name_with_filler);
            let new = first_free_name(&assigned, |name| !taken_names.contains(name));
            taken_names.insert(new.clone());
            renames.push((std::mem::replace(&mut entry.name, new.clone()), new));
            self.rewrites.places.extend(keys.into_iter().map(|fingerprint| PurgedPlace {
                surface: Surface::FileName,
                object: Some(id),
                fingerprint,
                treatment: Treatment::Filler,
            }));
        }
        if !renames.is_empty() {
            raw_tree::sort(entries);
            self.rewrites.renamed_entries.insert(id, renames);
        }
        Ok(())
    }

    /// The name with fillers, and the purged keys that were in it; `None` if there were none. `what` names it in the error.
    ///
    /// # Errors
    /// If a key is still found, whichever filler replaces it.
    pub(super) fn name_with_fillers(
        &self,
        name: &[u8],
        what: &str,
    ) -> Result<Option<FilledName>, PurgeError> {
        match cleanse(name, self.keys, self.settings.detector) {
            Ok(None) => Ok(None),
            Ok(Some(cleansed)) => {
                let keys = cleansed.fingerprints().into_iter().collect();
                Ok(Some((cleansed.bytes, keys)))
            }
            Err(StillFound(fingerprint)) => {
                Err(PurgeError::StillFound { what: what.to_owned(), fingerprint })
            }
        }
    }
}
