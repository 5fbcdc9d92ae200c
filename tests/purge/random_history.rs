//! Generates random histories with keys in every kind of place that git has.

use std::collections::{BTreeMap, BTreeSet};

use friskey::git::{HashKind, ObjectKind};

use crate::disguise::{Form, Planted};
use crate::objects::{ObjectWriter, TreeEntry, tree_bytes};
use crate::support::{Scratch, key};

/// How many different keys there are.
pub(crate) const KEYS: u64 = 3;
/// The number of the key that is only in notes. Of a key that is elsewhere, too, an audit may name only the other places.
pub(crate) const NOTE_KEY: u64 = KEYS + 1;
const AUTHOR: &str = "Ann <ann@example.org>";

/// A random number generator that gives the same numbers on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// What the generator knows about a history.
pub(crate) struct History {
    /// Files with a key, by blob.
    pub(crate) planted: BTreeMap<String, Planted>,
    /// The tree of notes.
    pub(crate) notes: BTreeSet<String>,
    /// The refs that a purge does not carry over.
    pub(crate) dropped_refs: BTreeSet<String>,
}

/// A file in a tree: mode and object.
type Files = BTreeMap<String, (&'static str, String)>;

struct Generator {
    dice: Dice,
    writer: ObjectWriter,
    /// Each with its files, oldest first.
    commits: Vec<(String, Files)>,
    tags: Vec<String>,
    history: History,
    refs: BTreeMap<String, String>,
    number: usize,
    /// Whether only what `git filter-repo --replace-text` sees has a key.
    text_only: bool,
}

/// Makes the bare repository `name`: merges, octopuses, several roots, tags of all kinds, notes, replace refs.
pub(crate) fn make(scratch: &Scratch, name: &str, seed: u64, hash: HashKind, text_only: bool) -> History {
    let format = format!("--object-format={hash}");
    scratch.git("", &["init", "-q", "--bare", "-b", "main", &format, name]);
    let writer = ObjectWriter { git_dir: scratch.path(name), hash };
    let history = History { planted: BTreeMap::new(), notes: BTreeSet::new(), dropped_refs: BTreeSet::new() };
    let mut maker = Generator {
        dice: Dice::new(seed),
        writer,
        commits: Vec::new(),
        tags: Vec::new(),
        history,
        refs: BTreeMap::new(),
        number: 0,
        text_only,
    };
    let count = 8 + maker.dice.roll(30);
    for _ in 0..count {
        maker.commit();
    }
    maker.heads();
    if !text_only {
        (0..6).for_each(|_| maker.tag());
        maker.odd_refs();
        maker.note();
    }
    let lines: String = maker.refs.iter().map(|(name, id)| format!("update {name} {id}\n")).collect();
    scratch.git_with(name, &["update-ref", "--stdin"], lines.as_bytes());
    match maker.dice.roll(3) {
        0 => {}
        1 => drop(scratch.git(name, &["repack", "-adfq", "--depth=50"])),
        _ => drop(scratch.git(name, &["gc", "-q"])),
    }
    maker.history
}

impl Generator {
    fn key(&mut self) -> String {
        key(1 + self.dice.roll(KEYS as usize) as u64)
    }

    /// A key in a place that only friskey rewrites; with `text_only`, a word without a key.
    fn key_or(&mut self, word: &str, one_in: usize) -> String {
        if !self.text_only && self.dice.one_in(one_in) { self.key() } else { word.to_owned() }
    }

    fn blob(&mut self) -> String {
        self.number += 1;
        if !self.dice.one_in(3) {
            let lines: String =
                (0..self.dice.roll(40)).map(|line| format!("line {line} of {}\n", self.number)).collect();
            return self.writer.write(ObjectKind::Blob, format!("{}\n{lines}", self.number).as_bytes());
        }
        let key = self.key();
        let form = if self.text_only { Form::Plain } else { *self.dice.pick(&Form::ALL) };
        self.planted(&key, form)
    }

    /// A blob with a key.
    fn planted(&mut self, key: &str, form: Form) -> String {
        self.number += 1;
        let planted = form.plant(key, self.number);
        let id = self.writer.write(ObjectKind::Blob, &planted.bytes);
        self.history.planted.insert(id.clone(), planted);
        id
    }

    fn change(&mut self, files: &mut Files) {
        self.number += 1;
        let dir = *self.dice.pick(&["", "src/", "src/deep/", "docs/"]);
        let name = self.key_or("file", 25);
        let path = format!("{dir}{name}.{}", self.dice.roll(6));
        match self.dice.roll(8) {
            0 if files.len() > 1 => {
                let gone = files.keys().nth(self.dice.roll(files.len())).unwrap().clone();
                files.remove(&gone);
            }
            1 if !files.is_empty() => {
                let from = files.keys().nth(self.dice.roll(files.len())).unwrap().clone();
                let moved = files.remove(&from).unwrap();
                files.insert(path, moved);
            }
            2 => drop(files.insert(path, ("100755", self.blob()))),
            3 if !self.text_only => {
                let target = self.key_or("../elsewhere", 3);
                let id = self.writer.write(ObjectKind::Blob, target.as_bytes());
                if target.starts_with("sk-") {
                    let range = 0..target.len();
                    let planted = Planted { bytes: target.into_bytes(), range, form: Form::Plain };
                    self.history.planted.insert(id.clone(), planted);
                }
                files.insert(path, ("120000", id));
            }
            4 if !self.text_only => {
                // A commit of another repository.
                let digits = self.writer.hash.len_in_hex();
                files.insert(path, ("160000", "12".repeat(digits / 2)));
            }
            _ => drop(files.insert(path, ("100644", self.blob()))),
        }
    }

    fn any_commit(&mut self) -> String {
        self.commits[self.dice.roll(self.commits.len())].0.clone()
    }

    /// Writes the tree of `files` below `prefix`.
    fn tree(&self, files: &Files, prefix: &str) -> String {
        let mut entries: BTreeMap<&str, TreeEntry> = BTreeMap::new();
        for (path, (mode, id)) in files.iter().filter(|(path, _)| path.starts_with(prefix)) {
            let rest = &path[prefix.len()..];
            let (name, mode, id) = match rest.split_once('/') {
                None => (rest, *mode, id.clone()),
                Some((dir, _)) if entries.contains_key(dir) => continue,
                Some((dir, _)) => (dir, "40000", self.tree(files, &format!("{prefix}{dir}/"))),
            };
            let entry = TreeEntry { mode: mode.to_owned(), name: name.as_bytes().to_vec(), id };
            entries.insert(name, entry);
        }
        self.writer.write(ObjectKind::Tree, &tree_bytes(entries.into_values().collect()))
    }

    fn commit(&mut self) {
        let mut parents = BTreeSet::new();
        // Two in three have one parent; the others are merges, octopuses and roots.
        let count =
            if self.commits.is_empty() { 0 } else { [1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 0][self.dice.roll(11)] };
        for _ in 0..count {
            let recent = self.commits.len().min(6);
            parents.insert(self.commits.len() - 1 - self.dice.roll(recent));
        }
        let mut files = parents.first().map(|&at| self.commits[at].1.clone()).unwrap_or_default();
        (0..=self.dice.roll(3)).for_each(|_| self.change(&mut files));
        let tree = self.tree(&files, "");
        let parents: String =
            parents.iter().rev().map(|&at| format!("parent {}\n", self.commits[at].0)).collect();
        let author = match self.key_or("", 12) {
            key if key.is_empty() => AUTHOR.to_owned(),
            key if self.dice.one_in(2) => format!("Ann {key} <ann@example.org>"),
            key => format!("Ann <{key}@example.org>"),
        };
        let date = 1_700_000_000 + 60 * self.commits.len() + self.dice.roll(200);
        let signed = !self.text_only && self.dice.one_in(6);
        let signature = if signed {
            "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n"
        } else {
            ""
        };
        let message = self.message();
        let commit = format!(
            "tree {tree}\n{parents}author {author} {date} +0530\ncommitter {AUTHOR} {} -0200\n{signature}\n{message}",
            date + 7
        );
        let id = self.writer.write(ObjectKind::Commit, commit.as_bytes());
        self.commits.push((id, files));
    }

    fn message(&mut self) -> String {
        let word = self.key_or("a change", 9);
        let mut message = format!("commit {}: {word}\n", self.commits.len());
        if !self.text_only && !self.commits.is_empty() && self.dice.one_in(3) {
            let id = self.any_commit();
            let digits = *self.dice.pick(&[12, 20, id.len()]);
            message.push_str(&format!("\nThis reverts commit {}.\n", &id[..digits]));
        }
        message
    }

    fn heads(&mut self) {
        let mut heads: BTreeSet<usize> = (0..3).map(|_| self.dice.roll(self.commits.len())).collect();
        heads.insert(self.commits.len() - 1);
        for (at, number) in heads.iter().zip(0..) {
            self.refs.insert(format!("refs/heads/topic{number}"), self.commits[*at].0.clone());
        }
        self.refs.insert("refs/heads/main".to_owned(), self.commits.last().unwrap().0.clone());
        // Refs lead to every commit without a child, except for one.
        for (at, (id, _)) in self.commits.iter().enumerate().skip(1) {
            self.refs.insert(format!("refs/pull/{at}/head"), id.clone());
        }
    }

    fn tag(&mut self) {
        let number = self.tags.len();
        let (id, kind) = match self.dice.roll(4) {
            0 if number > 0 => (self.dice.pick(&self.tags.clone()).clone(), "tag"),
            1 => (self.tree(&self.commits.last().unwrap().1.clone(), ""), "tree"),
            2 => (self.blob(), "blob"),
            _ => (self.any_commit(), "commit"),
        };
        let word = self.key_or("a tag", 3);
        let text =
            format!("object {id}\ntype {kind}\ntag v{number}\ntagger {AUTHOR} 1700001000 +0000\n\n{word}\n");
        let id = self.writer.write(ObjectKind::Tag, text.as_bytes());
        self.refs.insert(format!("refs/tags/v{number}"), id.clone());
        self.tags.push(id);
    }

    /// A branch with a key in its name, refs that lead to a tree and a blob, a replacement, and a key that nothing
    /// leads to.
    fn odd_refs(&mut self) {
        let (key, commit) = (self.key(), self.any_commit());
        self.refs.insert(format!("refs/heads/fix/{key}"), commit);
        let tree = self.tree(&self.commits[0].1.clone(), "");
        self.refs.insert("refs/odd/tree".to_owned(), tree);
        let blob = self.blob();
        self.refs.insert("refs/odd/blob".to_owned(), blob);
        let (replaced, by) = (self.any_commit(), self.any_commit());
        if replaced != by {
            let name = format!("refs/replace/{replaced}");
            self.refs.insert(name.clone(), by);
            self.history.dropped_refs.insert(name);
        }
        let lost = format!("lost {}\n", self.key());
        self.writer.write(ObjectKind::Blob, lost.as_bytes());
    }

    /// Notes on some commits, one of them with a key.
    fn note(&mut self) {
        let mut notes = Files::new();
        for nth in 0..4 {
            let id = self.any_commit();
            let blob = if nth == 0 { self.planted(&key(NOTE_KEY), Form::Plain) } else { self.blob() };
            // As git does once there are many.
            let path = if self.dice.one_in(2) { format!("{}/{}", &id[..2], &id[2..]) } else { id };
            notes.insert(path, ("100644", blob));
        }
        // One commit has one note.
        let mut met = BTreeSet::new();
        notes.retain(|path, _| met.insert(path.replace('/', "")));
        let tree = self.tree(&notes, "");
        self.history.notes.insert(tree.clone());
        let commit = format!(
            "tree {tree}\nauthor {AUTHOR} 1700002000 +0000\ncommitter {AUTHOR} 1700002000 +0000\n\nNotes\n"
        );
        let id = self.writer.write(ObjectKind::Commit, commit.as_bytes());
        self.refs.insert("refs/notes/commits".to_owned(), id);
    }
}
