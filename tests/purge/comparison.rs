//! Compares a purged repository with the old one, object by object, and checks that only what was planned has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::disguise::{Form, Planted, from_base64, from_hex};
use crate::objects::{self, Objects, TreeEntry, header_and_message, links, tree_entries};
use crate::random_history::{History, NOTE_KEY};
use crate::support::{Scratch, key};

/// The generator of random histories abbreviates ids in messages to at least this many digits.
const SHORTEST_ID: usize = 12;

pub(crate) struct Comparison<'h> {
    history: &'h History,
    old: Objects,
    new: Objects,
    old_refs: BTreeMap<String, String>,
    new_refs: BTreeMap<String, String>,
    /// The new id of each rewritten object according to the report.
    map: HashMap<String, String>,
    /// Trees of notes, and those within them.
    notes: BTreeSet<String>,
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
        for one in lists.into_iter().chain([&report["commit-map"]]).flat_map(|list| list.as_array().unwrap())
        {
            let text = |field: &str| one[field].as_str().unwrap().to_owned();
            assert!(map.insert(text("old"), text("new")).is_none(), "mapped twice: {one}");
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
            notes: BTreeSet::new(),
            id_len,
        };
        let mut pending: Vec<String> = history.notes.iter().cloned().collect();
        while let Some(tree) = pending.pop() {
            let within = comparison.entries(&comparison.old, &tree);
            pending.extend(within.into_iter().filter(|entry| entry.mode == "40000").map(|entry| entry.id));
            comparison.notes.insert(tree);
        }
        comparison
    }

    /// Panics at the first difference that was not planned.
    pub(crate) fn check(&self) {
        let reachable = self.reachable();
        let mut known = HashMap::new();
        let mut expected = BTreeSet::new();
        // Directories of notes are named by the ids in them, so the notes are compared as a whole.
        let is_dir = |id: &&String| self.notes.contains(*id) && !self.history.notes.contains(*id);
        for id in reachable.iter().filter(|id| !is_dir(id)) {
            let is_affected = self.is_affected(id, &mut known);
            let (kind, bytes) = &self.old[id];
            assert_eq!(
                self.map.contains_key(id),
                is_affected,
                "{kind} {id} is rewritten if and only if it must be"
            );
            let new = self.mapped(id);
            expected.insert(new.clone());
            let Some((new_kind, new_bytes)) = self.new.get(&new) else {
                panic!("{kind} {id}: {new} is missing")
            };
            assert_eq!(kind, new_kind, "{id}");
            if is_affected {
                assert!(!self.new.contains_key(id), "{kind} {id} is still there");
                match &**kind {
                    "blob" => self.check_blob(id, bytes, new_bytes),
                    "tree" if self.notes.contains(id) => {}
                    "tree" => self.check_tree(id, bytes, new_bytes),
                    _ => self.check_fields(kind, id, bytes, new_bytes),
                }
            } else {
                assert_eq!(bytes, new_bytes, "{kind} {id}");
            }
        }
        self.history.notes.iter().for_each(|tree| self.check_notes(tree));
        self.check_no_more(&expected);
        self.check_refs();
    }

    /// Checks that the new repository contains only old objects and rewritten ones. Directories of notes are excepted, since the
    /// names in them change.
    fn check_no_more(&self, expected: &BTreeSet<String>) {
        let of_notes: BTreeSet<String> = self.history.notes.iter().map(|tree| self.mapped(tree)).collect();
        let mut pending: Vec<String> = of_notes.into_iter().collect();
        let mut also = BTreeSet::new();
        while let Some(tree) = pending.pop() {
            let within = self.entries(&self.new, &tree).into_iter().filter(|entry| entry.mode == "40000");
            pending.extend(within.map(|entry| entry.id));
            also.insert(tree);
        }
        for (id, (kind, _)) in &self.new {
            assert!(expected.contains(id) || also.contains(id), "{kind} {id} comes from nowhere");
        }
    }

    fn mapped(&self, id: &str) -> String {
        self.map.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn entries(&self, objects: &Objects, tree: &str) -> Vec<TreeEntry> {
        tree_entries(&objects[tree].1, self.id_len)
    }

    /// The objects to which the refs lead that a purge carries over.
    fn reachable(&self) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<String> = self.old_refs.values().cloned().collect();
        while let Some(id) = pending.pop() {
            if reached.insert(id.clone()) {
                let (kind, bytes) = &self.old[&id];
                pending.extend(links(kind, bytes, self.id_len));
            }
        }
        reached
    }

    /// Whether an object has a key, or refers to one that is affected. Found by looking at everything below it.
    fn is_affected(&self, id: &str, known: &mut HashMap<String, bool>) -> bool {
        if let Some(known) = known.get(id) {
            return *known;
        }
        let (kind, bytes) = &self.old[id];
        let has_key = self.history.planted.contains_key(id)
            || (1..=NOTE_KEY).any(|n| contains(bytes, key(n).as_bytes()));
        let affected = has_key
            || links(kind, bytes, self.id_len).iter().any(|id| self.is_affected(id, known))
            // A message that names a rewritten commit is not a reason to rewrite its own; a name in a tree of notes is.
            || (kind == "tree" && self.named_commits(id).iter().any(|id| self.is_affected(id, known)));
        known.insert(id.to_owned(), affected);
        affected
    }

    /// The commits that a message or the names in a tree of notes name.
    fn named_commits(&self, id: &str) -> Vec<String> {
        let (kind, bytes) = &self.old[id];
        match &**kind {
            "commit" | "tag" => {
                let message = header_and_message(bytes).1;
                let message = String::from_utf8_lossy(&message).into_owned();
                let words = message.split(|c: char| !c.is_ascii_hexdigit());
                words.filter(|word| word.len() >= SHORTEST_ID).filter_map(|word| self.commit(word)).collect()
            }
            "tree" if self.history.notes.contains(id) => self.notes_of(&self.old, id).into_keys().collect(),
            _ => Vec::new(),
        }
    }

    /// The one commit whose id starts with `digits`.
    fn commit(&self, digits: &str) -> Option<String> {
        let mut found = self.old.iter().filter(|(id, (kind, _))| kind == "commit" && id.starts_with(digits));
        found.next().map(|(id, _)| id.clone())
    }

    fn check_blob(&self, id: &str, old: &[u8], new: &[u8]) {
        let Planted { range, form, .. } = &self.history.planted[id];
        if *form == Form::Container {
            let text = std::str::from_utf8(new).unwrap_or_else(|_| panic!("the stub for {id} is no text"));
            assert!(!text.is_empty(), "the stub for {id} is empty");
            return;
        }
        assert_eq!(old.len(), new.len(), "{form:?} {id} has another length");
        assert_eq!(old[..range.start], new[..range.start], "{form:?} {id} before the key");
        assert_eq!(old[range.end..], new[range.end..], "{form:?} {id} after the key");
        let (was, is) = (&old[range.clone()], &new[range.clone()]);
        match form {
            Form::Plain | Form::Binary => check_text(form, was, is),
            Form::Utf16 => {
                assert!(is.iter().skip(1).step_by(2).all(|&byte| byte == 0), "{form:?} {id}");
                let narrow = |wide: &[u8]| wide.iter().step_by(2).copied().collect::<Vec<u8>>();
                check_text(form, &narrow(was), &narrow(is));
            }
            Form::Base64 => check_text(form, &from_base64(was).unwrap(), &from_base64(is).unwrap()),
            Form::Hex => check_text(form, &from_hex(was).unwrap(), &from_hex(is).unwrap()),
            Form::JsonEscapes => drop(serde_json::from_slice::<Value>(new).unwrap()),
            Form::Percent | Form::Split | Form::Container => {}
        }
    }

    fn check_tree(&self, id: &str, old: &[u8], new: &[u8]) {
        let mut new: Vec<TreeEntry> = tree_entries(new, self.id_len);
        let mut renamed = Vec::new();
        for entry in tree_entries(old, self.id_len) {
            let now = if entry.is_gitlink() { entry.id.clone() } else { self.mapped(&entry.id) };
            if has_key(&entry.name) {
                renamed.push((entry.mode, now));
                continue;
            }
            let expected = TreeEntry { id: now, ..entry };
            let at = new.iter().position(|one| *one == expected);
            new.remove(at.unwrap_or_else(|| panic!("tree {id} lacks {expected:?}: {new:?}")));
        }
        assert!(new.iter().all(|entry| !has_key(&entry.name)), "tree {id} has a name with a key");
        let mut left: Vec<_> = new.into_iter().map(|entry| (entry.mode, entry.id)).collect();
        left.sort();
        renamed.sort();
        assert_eq!(left, renamed, "tree {id}: what had a name with a key");
    }

    /// The notes below `tree`: blob by commit.
    fn notes_of(&self, objects: &Objects, tree: &str) -> BTreeMap<String, String> {
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
        let old = self.notes_of(&self.old, tree).into_iter();
        let expected: BTreeMap<_, _> =
            old.map(|(commit, blob)| (self.mapped(&commit), self.mapped(&blob))).collect();
        assert_eq!(self.notes_of(&self.new, &self.mapped(tree)), expected, "the notes of {tree}");
    }

    /// Checks that a new commit or tag has the same fields in the same order, except for signatures.
    fn check_fields(&self, kind: &str, id: &str, old: &[u8], new: &[u8]) {
        let ((mut was, old_message), (is, new_message)) = (header_and_message(old), header_and_message(new));
        was.retain(|(name, _)| name != "gpgsig");
        assert_eq!(was.len(), is.len(), "{kind} {id}: {was:?} {is:?}");
        for ((name, value), (new_name, new_value)) in was.iter().zip(&is) {
            assert_eq!(name, new_name, "{kind} {id}");
            match &**name {
                "tree" | "parent" | "object" => {
                    let link = String::from_utf8(value.clone()).unwrap();
                    assert_eq!(self.mapped(&link).as_bytes(), new_value, "{kind} {id}: {name}");
                }
                _ => check_text(&format!("{kind} {id} {name}"), value, new_value),
            }
        }
        let mut expected = String::from_utf8(old_message).unwrap();
        for named in self.named_commits(id) {
            for digits in [named.len(), 20, SHORTEST_ID] {
                expected = expected.replace(&named[..digits], &self.mapped(&named)[..digits]);
            }
        }
        check_text(&format!("the message of {kind} {id}"), expected.as_bytes(), &new_message);
    }

    fn check_refs(&self) {
        let mut new = self.new_refs.clone();
        let mut renamed = Vec::new();
        for (name, id) in &self.old_refs {
            if has_key(name.as_bytes()) {
                renamed.push(self.mapped(id));
            } else {
                assert_eq!(new.remove(name), Some(self.mapped(id)), "{name}");
            }
        }
        assert!(new.keys().all(|name| !has_key(name.as_bytes())), "{new:?}");
        renamed.sort();
        let mut left: Vec<_> = new.into_values().collect();
        left.sort();
        assert_eq!(left, renamed, "refs whose name had a key");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn has_key(bytes: &[u8]) -> bool {
    (1..=NOTE_KEY).any(|number| contains(bytes, key(number).as_bytes()))
}

/// Checks that both are equal, except for a filler of the same length, with the key's prefix, in place of each key.
fn check_text(what: &(impl std::fmt::Debug + ?Sized), old: &[u8], new: &[u8]) {
    assert_eq!(
        old.len(),
        new.len(),
        "{what:?}: {} {}",
        String::from_utf8_lossy(old),
        String::from_utf8_lossy(new)
    );
    let mut at = 0;
    while at < old.len() {
        let here = (1..=NOTE_KEY).map(key).find(|key| old[at..].starts_with(key.as_bytes()));
        match here {
            Some(key) => {
                let filler = &new[at..at + key.len()];
                assert!(filler.starts_with(b"sk-proj-"), "{what:?}: {}", String::from_utf8_lossy(filler));
                assert!(
                    filler[8..].iter().all(|byte| byte.is_ascii_alphanumeric()),
                    "{what:?}: {}",
                    String::from_utf8_lossy(filler)
                );
                at += key.len();
            }
            None => {
                assert_eq!(old[at], new[at], "{what:?} at {at}: {}", String::from_utf8_lossy(new));
                at += 1;
            }
        }
    }
    assert!(!has_key(new), "{what:?} still has a key");
}
