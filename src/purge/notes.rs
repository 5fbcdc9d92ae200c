//! Rewrites the history of notes. Their trees name each note after the commit that it belongs to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::PurgeError;
use super::rewriter::HistoryRewriter;
use super::tree::{self, RawTreeEntry};
use crate::git::{ObjectId, ObjectKind};

/// A tree under construction.
#[derive(Default)]
struct NoteTree {
    dirs: BTreeMap<Vec<u8>, NoteTree>,
    others: Vec<RawTreeEntry>,
}

/// What a tree of notes contains.
struct ReadNotes {
    tree: NoteTree,
    /// The directories in it.
    dirs: Vec<ObjectId>,
    /// Whether a note is renamed.
    is_renamed: bool,
}

/// A rewritten tree of notes.
struct NewNotes {
    id: ObjectId,
    /// The directories in the old one.
    dirs: Vec<ObjectId>,
    is_renamed: bool,
}

impl HistoryRewriter<'_> {
    /// Rewrites the commits that only refs of notes reach.
    pub(super) fn notes(&mut self) -> Result<(), PurgeError> {
        let mut known: HashMap<ObjectId, ObjectId> = HashMap::new();
        let (mut left, mut kept) = (HashSet::new(), HashSet::new());
        for position in self.graph.early_commit_count()..self.graph.commit_count() {
            self.check_stop()?;
            let Some(links) = self.graph.commit(position) else { continue };
            let tree = match known.get(&links.tree) {
                Some(tree) => *tree,
                None => {
                    let NewNotes { id, dirs, is_renamed } = self.notes_tree(links.tree)?;
                    if is_renamed {
                        left.extend(dirs)
                    } else {
                        kept.extend(dirs)
                    }
                    known.insert(links.tree, id);
                    id
                }
            };
            let follows = links.parents.iter().any(|parent| self.done.new.contains_key(parent));
            if tree != links.tree || follows || self.flagged.contains_key(&links.id) {
                let bytes = self.read(&links.id, ObjectKind::Commit)?;
                self.one_commit(&links, tree, &bytes)?;
            }
        }
        // The new trees do not contain these; those that they contain were added as new objects.
        for dir in left.difference(&kept).filter(|dir| self.graph.is_late_tree(dir)) {
            self.graph.leave_out(dir);
        }
        Ok(())
    }

    /// Rewrites a tree of notes.
    fn notes_tree(&mut self, root: ObjectId) -> Result<NewNotes, PurgeError> {
        let mut notes = ReadNotes { tree: NoteTree::default(), dirs: Vec::new(), is_renamed: false };
        self.read_notes(root, &mut Vec::new(), &mut notes)?;
        let ReadNotes { tree, dirs, is_renamed } = notes;
        if !is_renamed {
            return Ok(NewNotes { id: self.tree(root)?, dirs, is_renamed });
        }
        let new = self.write_notes(&tree)?;
        Ok(NewNotes { id: self.record(ObjectKind::Tree, root, new), dirs, is_renamed })
    }

    /// Adds the notes of the tree at `path` under their new names.
    fn read_notes(
        &mut self,
        id: ObjectId,
        path: &mut Vec<Vec<u8>>,
        notes: &mut ReadNotes,
    ) -> Result<(), PurgeError> {
        let bytes = self.read(&id, ObjectKind::Tree)?;
        let width = self.hash.len_in_hex();
        for mut entry in tree::parse(&bytes, self.hash).ok_or(PurgeError::Malformed(id))? {
            let is_fanout = entry.name.len() == 2 && entry.name.iter().all(u8::is_ascii_hexdigit);
            if entry.is_tree() && is_fanout && path.len() < width / 2 {
                notes.dirs.push(entry.id);
                path.push(entry.name);
                self.read_notes(entry.id, path, notes)?;
                path.pop();
                continue;
            }
            if entry.is_tree() {
                entry.id = self.tree(entry.id)?;
            } else if !entry.is_submodule() {
                entry.id = self.done.id(&entry.id);
            }
            if self.flagged.contains_key(&id)
                && let Some((filled, _)) = self.filled_name(&entry.name, &format!("a name in tree {id}"))?
            {
                entry.name = self.names.assign(&entry.name, &filled);
            }
            let digits = [path.concat(), entry.name.clone()].concat();
            let about = if digits.len() == width { ObjectId::from_hex(&digits).ok() } else { None };
            let Some(new) = about.and_then(|about| self.done.new.get(&about)) else {
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

    fn write_notes(&mut self, notes: &NoteTree) -> Result<ObjectId, PurgeError> {
        let mut entries = notes.others.clone();
        for (name, dir) in &notes.dirs {
            let id = self.write_notes(dir)?;
            entries.push(RawTreeEntry { mode: b"40000".to_vec(), name: name.clone(), id });
        }
        tree::sort(&mut entries);
        self.add(ObjectKind::Tree, tree::write(&entries))
    }
}

impl NoteTree {
    fn add(&mut self, dirs: &[Vec<u8>], entry: RawTreeEntry) {
        match dirs.split_first() {
            Some((first, rest)) => self.dirs.entry(first.clone()).or_default().add(rest, entry),
            None => self.others.push(entry),
        }
    }
}
