//! Rewrites the history of notes. In their trees, the name of each note is the id of the object that it annotates, so
//! notes on rewritten objects are renamed.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::PurgeError;
use super::raw_tree::{self, RawTreeEntry};
use super::rewriter::HistoryRewriter;
use crate::git::{ObjectId, ObjectKind};

/// A tree of notes under construction.
#[derive(Default)]
struct NoteTree {
    dirs: BTreeMap<Vec<u8>, NoteTree>,
    /// Entries that are not fan-out directories: notes, and anything else.
    entries: Vec<RawTreeEntry>,
}

/// The content of an old tree of notes, with the new names.
struct ReadNotes {
    tree: NoteTree,
    /// The fan-out directories in the old tree.
    dirs: Vec<ObjectId>,
    /// Whether the name of a note changed.
    is_renamed: bool,
}

/// A rewritten tree of notes.
struct NewNotes {
    id: ObjectId,
    /// The fan-out directories in the old tree.
    dirs: Vec<ObjectId>,
    /// Whether the name of a note changed.
    is_renamed: bool,
}

impl HistoryRewriter<'_> {
    /// Rewrites the commits that only refs of notes reach.
    pub(super) fn rewrite_notes(&mut self) -> Result<(), PurgeError> {
        let mut new_trees: HashMap<ObjectId, ObjectId> = HashMap::new();
        let (mut replaced_dirs, mut kept_dirs) = (HashSet::new(), HashSet::new());
        for position in self.graph.early_commit_count()..self.graph.commit_count() {
            self.check_stop()?;
            let Some(links) = self.graph.commit(position) else { continue };
            let tree = match new_trees.get(&links.tree) {
                Some(tree) => *tree,
                None => {
                    let NewNotes { id, dirs, is_renamed } = self.rewrite_notes_tree(links.tree)?;
                    if is_renamed {
                        replaced_dirs.extend(dirs)
                    } else {
                        kept_dirs.extend(dirs)
                    }
                    new_trees.insert(links.tree, id);
                    id
                }
            };
            let has_rewritten_parent =
                links.parents.iter().any(|parent| self.rewrites.new_ids.contains_key(parent));
            if tree != links.tree || has_rewritten_parent || self.objects_with_keys.contains_key(&links.id) {
                let bytes = self.read(&links.id, ObjectKind::Commit)?;
                self.rewrite_commit(&links, tree, &bytes)?;
            }
        }
        // No new tree contains these old directories, except for those that were added again as new objects.
        for dir in replaced_dirs.difference(&kept_dirs).filter(|dir| self.graph.is_late_tree(dir)) {
            self.graph.leave_out(dir);
        }
        Ok(())
    }

    /// Rewrites a tree of notes.
    fn rewrite_notes_tree(&mut self, root: ObjectId) -> Result<NewNotes, PurgeError> {
        let mut notes = ReadNotes { tree: NoteTree::default(), dirs: Vec::new(), is_renamed: false };
        self.read_notes(root, &mut Vec::new(), &mut notes)?;
        let ReadNotes { tree, dirs, is_renamed } = notes;
        if !is_renamed {
            return Ok(NewNotes { id: self.rewrite_tree(root)?, dirs, is_renamed });
        }
        let new = self.write_notes(&tree)?;
        Ok(NewNotes { id: self.record(ObjectKind::Tree, root, new), dirs, is_renamed })
    }

    /// Adds the notes of the tree `id` to `notes` under their new names. `path` has the names of the fan-out directories
    /// above it, each of two digits.
    fn read_notes(
        &mut self,
        id: ObjectId,
        path: &mut Vec<Vec<u8>>,
        notes: &mut ReadNotes,
    ) -> Result<(), PurgeError> {
        let bytes = self.read(&id, ObjectKind::Tree)?;
        let width = self.hash.len_in_hex();
        for mut entry in raw_tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))? {
            let is_fanout = entry.name.len() == 2 && entry.name.iter().all(u8::is_ascii_hexdigit);
            if entry.is_tree() && is_fanout && path.len() < width / 2 {
                notes.dirs.push(entry.id);
                path.push(entry.name);
                self.read_notes(entry.id, path, notes)?;
                path.pop();
                continue;
            }
            if entry.is_tree() {
                entry.id = self.rewrite_tree(entry.id)?;
            } else if !entry.is_submodule() {
                entry.id = self.rewrites.new_id(&entry.id);
            }
            if self.objects_with_keys.contains_key(&id)
                && let Some((filled, _)) =
                    self.name_with_fillers(&entry.name, &format!("a name in tree {id}"))?
            {
                entry.name = self.names.assign(&entry.name, &filled);
            }
            let digits = [path.concat(), entry.name.clone()].concat();
            let annotated_id = if digits.len() == width { ObjectId::from_hex(&digits).ok() } else { None };
            let Some(new) = annotated_id.and_then(|id| self.rewrites.new_ids.get(&id)) else {
                notes.tree.add(path, entry);
                continue;
            };
            notes.is_renamed = true;
            let digits = new.to_string().into_bytes();
            let dirs: Vec<Vec<u8>> = digits.chunks(2).take(path.len()).map(<[u8]>::to_vec).collect();
            entry.name = digits[2 * path.len()..].to_vec();
            notes.tree.add(&dirs, entry);
        }
        Ok(())
    }

    /// Adds the tree and its directories as new objects, and returns the tree's id.
    fn write_notes(&mut self, notes: &NoteTree) -> Result<ObjectId, PurgeError> {
        let mut entries = notes.entries.clone();
        for (name, dir) in &notes.dirs {
            let id = self.write_notes(dir)?;
            entries.push(RawTreeEntry { mode: b"40000".to_vec(), name: name.clone(), id });
        }
        raw_tree::sort(&mut entries);
        self.add(ObjectKind::Tree, raw_tree::write(&entries))
    }
}

impl NoteTree {
    /// Adds an entry in the directory that `dirs` leads to.
    fn add(&mut self, dirs: &[Vec<u8>], entry: RawTreeEntry) {
        match dirs.split_first() {
            Some((first, rest)) => self.dirs.entry(first.clone()).or_default().add(rest, entry),
            None => self.entries.push(entry),
        }
    }
}
