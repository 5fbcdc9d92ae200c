//! Compares a purged repository with the old one, object by object: only what must change may differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::key_files::{Encoding, KeyFile, from_base64, from_hex};
use crate::objects::{self, Objects, TreeEntry, header_and_message, links, tree_entries};
use crate::random_history::{History, NOTE_KEY};
use crate::support::{Scratch, key};

/// The fewest digits of ids in the messages of random histories.
const MIN_ID_DIGITS: usize = 12;

pub(crate) struct Comparison<'h> {
    history: &'h History,
    old: Objects,
    new: Objects,
    old_refs: BTreeMap<String, String>,
    new_refs: BTreeMap<String, String>,
    /// The new id of each rewritten object according to the report.
    map: HashMap<String, String>,
    /// The trees of notes and all trees within them.
    notes_trees: BTreeSet<String>,
    /// Bytes of an object id.
    id_len: usize,
}

impl<'h> Comparison<'h> {
    /// Reads the bare repositories `old` and `new`, and the report of the purge.
    pub(crate) fn new(
        scratch: &Scratch,
        (old, new): (&str, &str),
        report: &Value,
        history: &'h History,
    ) -> Self {
        let mut map = HashMap::new();
        let lists = ["blobs", "trees", "tags"].map(|kind| &report["objects"][kind]);
        for row in lists.into_iter().chain([&report["commit-map"]]).flat_map(|list| list.as_array().unwrap())
        {
            let id = |field: &str| row[field].as_str().unwrap().to_owned();
            assert!(map.insert(id("old"), id("new")).is_none(), "mapped twice: {row}");
        }
        let mut old_refs = objects::refs(scratch, old);
        old_refs.retain(|name, _| !history.dropped_refs.contains(name));
        let old_objects = objects::all(scratch, old);
        let id_len = old_objects.keys().next().unwrap().len() / 2;
        let mut comparison = Self {
            history,
            old: old_objects,
            new: objects::all(scratch, new),
            old_refs,
            new_refs: objects::refs(scratch, new),
            map,
            notes_trees: BTreeSet::new(),
            id_len,
        };
        let mut pending: Vec<String> = history.notes_trees.iter().cloned().collect();
        while let Some(tree) = pending.pop() {
            let entries = comparison.entries(&comparison.old, &tree);
            pending.extend(entries.into_iter().filter(|entry| entry.mode == "40000").map(|entry| entry.id));
            comparison.notes_trees.insert(tree);
        }
        comparison
    }

    /// Panics at the first unexpected difference.
    pub(crate) fn check(&self) {
        let reachable = self.reachable();
        let mut affected = HashMap::new();
        let mut expected = BTreeSet::new();
        // The ids of commits are the names of notes, also across directories, so `check_notes` compares all notes at once.
        let is_notes_dir =
            |id: &&String| self.notes_trees.contains(*id) && !self.history.notes_trees.contains(*id);
        for id in reachable.iter().filter(|id| !is_notes_dir(id)) {
            let is_affected = self.is_affected(id, &mut affected);
            let (kind, bytes) = &self.old[id];
            assert_eq!(
                self.map.contains_key(id),
                is_affected,
                "{kind} {id}: whether it was rewritten, and whether it must be"
            );
            let new = self.new_id(id);
            expected.insert(new.clone());
            let Some((new_kind, new_bytes)) = self.new.get(&new) else {
                panic!("{kind} {id}: {new} is missing")
            };
            assert_eq!(kind, new_kind, "{id}");
            if is_affected {
                assert!(!self.new.contains_key(id), "{kind} {id} is still there");
                match &**kind {
                    "blob" => self.check_blob(id, bytes, new_bytes),
                    "tree" if self.notes_trees.contains(id) => {}
                    "tree" => self.check_tree(id, bytes, new_bytes),
                    _ => self.check_fields(kind, id, bytes, new_bytes),
                }
            } else {
                assert_eq!(bytes, new_bytes, "{kind} {id}");
            }
        }
        self.history.notes_trees.iter().for_each(|tree| self.check_notes(tree));
        self.check_no_other_objects(&expected);
        self.check_refs();
    }

    /// Checks that the new repository contains no objects but `expected` ones and the trees of notes.
    fn check_no_other_objects(&self, expected: &BTreeSet<String>) {
        let mut pending: Vec<String> =
            self.history.notes_trees.iter().map(|tree| self.new_id(tree)).collect();
        let mut notes_trees = BTreeSet::new();
        while let Some(tree) = pending.pop() {
            let dirs = self.entries(&self.new, &tree).into_iter().filter(|entry| entry.mode == "40000");
            pending.extend(dirs.map(|entry| entry.id));
            notes_trees.insert(tree);
        }
        for (id, (kind, _)) in &self.new {
            assert!(expected.contains(id) || notes_trees.contains(id), "{kind} {id} is unexpected");
        }
    }

    /// The id of the old object `id` in the new repository.
    fn new_id(&self, id: &str) -> String {
        self.map.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn entries(&self, objects: &Objects, tree: &str) -> Vec<TreeEntry> {
        tree_entries(&objects[tree].1, self.id_len)
    }

    /// The objects that are reachable from the refs which a purge carries over.
    fn reachable(&self) -> BTreeSet<String> {
        let mut reachable = BTreeSet::new();
        let mut pending: Vec<String> = self.old_refs.values().cloned().collect();
        while let Some(id) = pending.pop() {
            if reachable.insert(id.clone()) {
                let (kind, bytes) = &self.old[&id];
                pending.extend(links(kind, bytes, self.id_len));
            }
        }
        reachable
    }

    /// Whether an object must be rewritten: it has a key, or refers to one that must be. `affected` has what earlier calls
    /// found out.
    fn is_affected(&self, id: &str, affected: &mut HashMap<String, bool>) -> bool {
        if let Some(is_affected) = affected.get(id) {
            return *is_affected;
        }
        let (kind, bytes) = &self.old[id];
        let is_affected = self.history.key_files.contains_key(id)
            || has_key(bytes)
            || links(kind, bytes, self.id_len).iter().any(|id| self.is_affected(id, affected))
            // A commit is not rewritten because its message names a rewritten one, but a tree of notes is.
            || (kind == "tree" && self.named_commits(id).iter().any(|id| self.is_affected(id, affected)));
        affected.insert(id.to_owned(), is_affected);
        is_affected
    }

    /// The commits that a message or the names in a tree of notes name.
    fn named_commits(&self, id: &str) -> Vec<String> {
        let (kind, bytes) = &self.old[id];
        match &**kind {
            "commit" | "tag" => {
                let message = header_and_message(bytes).1;
                let message = String::from_utf8_lossy(&message).into_owned();
                let words = message.split(|c: char| !c.is_ascii_hexdigit());
                words
                    .filter(|word| word.len() >= MIN_ID_DIGITS)
                    .filter_map(|word| self.commit(word))
                    .collect()
            }
            "tree" if self.history.notes_trees.contains(id) => {
                self.read_notes(&self.old, id).into_keys().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The commit whose id starts with `digits`.
    fn commit(&self, digits: &str) -> Option<String> {
        let is_commit =
            |(id, (kind, _)): &(&String, &(String, _))| kind == "commit" && id.starts_with(digits);
        self.old.iter().find(is_commit).map(|(id, _)| id.clone())
    }

    fn check_blob(&self, id: &str, old: &[u8], new: &[u8]) {
        let KeyFile { range, encoding, .. } = &self.history.key_files[id];
        if *encoding == Encoding::Container {
            let text = std::str::from_utf8(new).unwrap_or_else(|_| panic!("the stub for {id} is not UTF-8"));
            assert!(!text.is_empty(), "the stub for {id} is empty");
            return;
        }
        assert_eq!(old.len(), new.len(), "{encoding:?} {id} has another length");
        assert_eq!(old[..range.start], new[..range.start], "{encoding:?} {id} before the key");
        assert_eq!(old[range.end..], new[range.end..], "{encoding:?} {id} after the key");
        let (old_key, filler) = (&old[range.clone()], &new[range.clone()]);
        match encoding {
            Encoding::Plain | Encoding::Binary => check_text(encoding, old_key, filler),
            Encoding::Utf16 => {
                assert!(filler.iter().skip(1).step_by(2).all(|&byte| byte == 0), "{encoding:?} {id}");
                let low_bytes = |utf16: &[u8]| utf16.iter().step_by(2).copied().collect::<Vec<u8>>();
                check_text(encoding, &low_bytes(old_key), &low_bytes(filler));
            }
            Encoding::Base64 => {
                check_text(encoding, &from_base64(old_key).unwrap(), &from_base64(filler).unwrap());
            }
            Encoding::Hex => check_text(encoding, &from_hex(old_key).unwrap(), &from_hex(filler).unwrap()),
            Encoding::JsonEscapes => drop(serde_json::from_slice::<Value>(new).unwrap()),
            Encoding::Percent | Encoding::Split | Encoding::Container => {}
        }
    }

    fn check_tree(&self, id: &str, old: &[u8], new: &[u8]) {
        let mut new: Vec<TreeEntry> = tree_entries(new, self.id_len);
        let mut renamed = Vec::new();
        for entry in tree_entries(old, self.id_len) {
            let new_id = if entry.is_submodule() { entry.id.clone() } else { self.new_id(&entry.id) };
            if has_key(&entry.name) {
                renamed.push((entry.mode, new_id));
                continue;
            }
            let expected = TreeEntry { id: new_id, ..entry };
            let index = new.iter().position(|entry| *entry == expected);
            new.remove(index.unwrap_or_else(|| panic!("tree {id} lacks {expected:?}: {new:?}")));
        }
        assert!(new.iter().all(|entry| !has_key(&entry.name)), "tree {id} has a name with a key");
        let mut with_other_names: Vec<_> = new.into_iter().map(|entry| (entry.mode, entry.id)).collect();
        with_other_names.sort();
        renamed.sort();
        assert_eq!(with_other_names, renamed, "tree {id}: the entries whose name had a key");
    }

    /// The notes in `tree`: the blob of each, by the commit that it is about.
    fn read_notes(&self, objects: &Objects, tree: &str) -> BTreeMap<String, String> {
        let mut notes = BTreeMap::new();
        let mut pending = vec![(tree.to_owned(), String::new())];
        while let Some((tree, prefix)) = pending.pop() {
            for entry in self.entries(objects, &tree) {
                let path = format!("{prefix}{}", String::from_utf8(entry.name).unwrap());
                if entry.mode == "40000" {
                    pending.push((entry.id, path));
                } else {
                    notes.insert(path, entry.id);
                }
            }
        }
        notes
    }

    fn check_notes(&self, tree: &str) {
        let old = self.read_notes(&self.old, tree).into_iter();
        let expected: BTreeMap<_, _> =
            old.map(|(commit, blob)| (self.new_id(&commit), self.new_id(&blob))).collect();
        assert_eq!(self.read_notes(&self.new, &self.new_id(tree)), expected, "the notes of {tree}");
    }

    /// Checks that a new commit or tag has the same fields in the same order, except for signatures.
    fn check_fields(&self, kind: &str, id: &str, old: &[u8], new: &[u8]) {
        let (mut old_fields, old_message) = header_and_message(old);
        let (new_fields, new_message) = header_and_message(new);
        old_fields.retain(|(name, _)| name != "gpgsig");
        assert_eq!(old_fields.len(), new_fields.len(), "{kind} {id}: {old_fields:?} {new_fields:?}");
        for ((name, value), (new_name, new_value)) in old_fields.iter().zip(&new_fields) {
            assert_eq!(name, new_name, "{kind} {id}");
            match &**name {
                "tree" | "parent" | "object" => {
                    let link = String::from_utf8(value.clone()).unwrap();
                    assert_eq!(self.new_id(&link).as_bytes(), new_value, "{kind} {id}: {name}");
                }
                _ => check_text(&format!("{kind} {id} {name}"), value, new_value),
            }
        }
        let mut expected = String::from_utf8(old_message).unwrap();
        for commit in self.named_commits(id) {
            for digits in [commit.len(), 20, MIN_ID_DIGITS] {
                expected = expected.replace(&commit[..digits], &self.new_id(&commit)[..digits]);
            }
        }
        check_text(&format!("the message of {kind} {id}"), expected.as_bytes(), &new_message);
    }

    fn check_refs(&self) {
        let mut new = self.new_refs.clone();
        let mut renamed = Vec::new();
        for (name, id) in &self.old_refs {
            if has_key(name.as_bytes()) {
                renamed.push(self.new_id(id));
            } else {
                assert_eq!(new.remove(name), Some(self.new_id(id)), "{name}");
            }
        }
        assert!(new.keys().all(|name| !has_key(name.as_bytes())), "{new:?}");
        renamed.sort();
        let mut with_other_names: Vec<_> = new.into_values().collect();
        with_other_names.sort();
        assert_eq!(with_other_names, renamed, "the refs whose name had a key");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn has_key(bytes: &[u8]) -> bool {
    (1..=NOTE_KEY).any(|number| contains(bytes, key(number).as_bytes()))
}

/// Checks that `new` is `old` with a filler in place of each key, of the same length and with the same prefix.
fn check_text(name: &(impl std::fmt::Debug + ?Sized), old: &[u8], new: &[u8]) {
    assert_eq!(
        old.len(),
        new.len(),
        "{name:?}: {} {}",
        String::from_utf8_lossy(old),
        String::from_utf8_lossy(new)
    );
    let mut at = 0;
    while at < old.len() {
        match (1..=NOTE_KEY).map(key).find(|key| old[at..].starts_with(key.as_bytes())) {
            Some(key) => {
                let filler = &new[at..at + key.len()];
                assert!(filler.starts_with(b"sk-proj-"), "{name:?}: {}", String::from_utf8_lossy(filler));
                assert!(
                    filler[8..].iter().all(|byte| byte.is_ascii_alphanumeric()),
                    "{name:?}: {}",
                    String::from_utf8_lossy(filler)
                );
                at += key.len();
            }
            None => {
                assert_eq!(old[at], new[at], "{name:?} at {at}: {}", String::from_utf8_lossy(new));
                at += 1;
            }
        }
    }
    assert!(!has_key(new), "{name:?} still has a key");
}
