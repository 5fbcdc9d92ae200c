//! Generates random repositories with keys in every kind of place that git has.

use std::collections::{BTreeMap, BTreeSet};

use friskey::git::{HashKind, ObjectKind};

use crate::key_files::{Encoding, KeyFile};
use crate::objects::{ObjectWriter, TreeEntry, tree_bytes};
use crate::support::{Scratch, key};

/// The number of different keys, apart from [`NOTE_KEY`]: `key(1)` to `key(KEYS)`.
pub(crate) const KEYS: u64 = 3;

/// The number of the key that is only in notes. If a key is also elsewhere, an audit may leave out its findings in notes.
pub(crate) const NOTE_KEY: u64 = KEYS + 1;

const AUTHOR: &str = "Ann <ann@example.org>";

/// A random number generator that gives the same numbers on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 to `sides` - 1.
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

/// What the tests need to know about a generated history.
pub(crate) struct History {
    /// The files with a key, by the id of their blob.
    pub(crate) key_files: BTreeMap<String, KeyFile>,
    /// The ids of the root trees of notes.
    pub(crate) notes_trees: BTreeSet<String>,
    /// The refs that a purge does not carry over.
    pub(crate) dropped_refs: BTreeSet<String>,
}

/// The mode and the object id of each file of a commit, by path.
type Files = BTreeMap<String, (&'static str, String)>;

struct Generator {
    dice: Dice,
    writer: ObjectWriter,
    /// The ids of commits with their files, oldest first.
    commits: Vec<(String, Files)>,
    /// The ids of annotated tags.
    tags: Vec<String>,
    history: History,
    /// The object id of each ref, by name.
    refs: BTreeMap<String, String>,
    /// A counter that makes each file different.
    number: usize,
    /// Whether keys are only in plain text in blobs, which `git filter-repo --replace-text` replaces, too.
    text_only: bool,
}

/// Generates the bare repository `name`, the same for each `seed`: merges, octopuses, several roots, tags of all kinds,
/// notes, replace refs.
pub(crate) fn generate(scratch: &Scratch, name: &str, seed: u64, hash: HashKind, text_only: bool) -> History {
    let format = format!("--object-format={hash}");
    scratch.git("", &["init", "-q", "--bare", "-b", "main", &format, name]);
    let writer = ObjectWriter { git_dir: scratch.path(name), hash };
    let history =
        History { key_files: BTreeMap::new(), notes_trees: BTreeSet::new(), dropped_refs: BTreeSet::new() };
    let mut generator = Generator {
        dice: Dice::new(seed),
        writer,
        commits: Vec::new(),
        tags: Vec::new(),
        history,
        refs: BTreeMap::new(),
        number: 0,
        text_only,
    };
    let count = 8 + generator.dice.roll(30);
    for _ in 0..count {
        generator.add_commit();
    }
    generator.add_branches();
    if !text_only {
        (0..6).for_each(|_| generator.add_tag());
        generator.add_unusual_refs();
        generator.add_notes();
    }
    let lines: String = generator.refs.iter().map(|(name, id)| format!("update {name} {id}\n")).collect();
    scratch.git_with(name, &["update-ref", "--stdin"], lines.as_bytes());
    match generator.dice.roll(3) {
        0 => {}
        1 => drop(scratch.git(name, &["repack", "-adfq", "--depth=50"])),
        _ => drop(scratch.git(name, &["gc", "-q"])),
    }
    generator.history
}

impl Generator {
    fn random_key(&mut self) -> String {
        key(1 + self.dice.roll(KEYS as usize) as u64)
    }

    /// `word`, or one time in `one_in` a key. With `text_only` it is always `word`, since it is not for the text of a blob.
    fn key_or(&mut self, word: &str, one_in: usize) -> String {
        if !self.text_only && self.dice.one_in(one_in) { self.random_key() } else { word.to_owned() }
    }

    /// Writes a blob; one in three has a key.
    fn write_blob(&mut self) -> String {
        self.number += 1;
        if !self.dice.one_in(3) {
            let lines: String =
                (0..self.dice.roll(40)).map(|line| format!("line {line} of {}\n", self.number)).collect();
            return self.writer.write(ObjectKind::Blob, format!("{}\n{lines}", self.number).as_bytes());
        }
        let key = self.random_key();
        let encoding = if self.text_only { Encoding::Plain } else { *self.dice.pick(&Encoding::ALL) };
        self.write_key_file(&key, encoding)
    }

    /// Writes a blob with `key`.
    fn write_key_file(&mut self, key: &str, encoding: Encoding) -> String {
        self.number += 1;
        let file = encoding.file(key, self.number);
        let id = self.writer.write(ObjectKind::Blob, &file.bytes);
        self.history.key_files.insert(id.clone(), file);
        id
    }

    /// Adds, removes or moves one of `files`.
    fn change_files(&mut self, files: &mut Files) {
        self.number += 1;
        let dir = *self.dice.pick(&["", "src/", "src/deep/", "docs/"]);
        let name = self.key_or("file", 25);
        let path = format!("{dir}{name}.{}", self.dice.roll(6));
        match self.dice.roll(8) {
            0 if files.len() > 1 => {
                let removed = files.keys().nth(self.dice.roll(files.len())).unwrap().clone();
                files.remove(&removed);
            }
            1 if !files.is_empty() => {
                let old_path = files.keys().nth(self.dice.roll(files.len())).unwrap().clone();
                let file = files.remove(&old_path).unwrap();
                files.insert(path, file);
            }
            2 => drop(files.insert(path, ("100755", self.write_blob()))),
            3 if !self.text_only => {
                let target = self.key_or("../elsewhere", 3);
                let id = self.writer.write(ObjectKind::Blob, target.as_bytes());
                if target.starts_with("sk-") {
                    let range = 0..target.len();
                    let file = KeyFile { bytes: target.into_bytes(), range, encoding: Encoding::Plain };
                    self.history.key_files.insert(id.clone(), file);
                }
                files.insert(path, ("120000", id));
            }
            4 if !self.text_only => {
                // A submodule.
                let digits = self.writer.hash.len_in_hex();
                files.insert(path, ("160000", "12".repeat(digits / 2)));
            }
            _ => drop(files.insert(path, ("100644", self.write_blob()))),
        }
    }

    fn any_commit(&mut self) -> String {
        self.commits[self.dice.roll(self.commits.len())].0.clone()
    }

    /// Writes the tree of `files` below `prefix`.
    fn write_tree(&self, files: &Files, prefix: &str) -> String {
        let mut entries: BTreeMap<&str, TreeEntry> = BTreeMap::new();
        for (path, (mode, id)) in files.iter().filter(|(path, _)| path.starts_with(prefix)) {
            let rest = &path[prefix.len()..];
            let (name, mode, id) = match rest.split_once('/') {
                None => (rest, *mode, id.clone()),
                Some((dir, _)) if entries.contains_key(dir) => continue,
                Some((dir, _)) => (dir, "40000", self.write_tree(files, &format!("{prefix}{dir}/"))),
            };
            let entry = TreeEntry { mode: mode.to_owned(), name: name.as_bytes().to_vec(), id };
            entries.insert(name, entry);
        }
        self.writer.write(ObjectKind::Tree, &tree_bytes(entries.into_values().collect()))
    }

    fn add_commit(&mut self) {
        let mut parents = BTreeSet::new();
        // Two in three have one parent; the others are merges, octopuses and roots.
        let count =
            if self.commits.is_empty() { 0 } else { [1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 0][self.dice.roll(11)] };
        for _ in 0..count {
            let recent = self.commits.len().min(6);
            parents.insert(self.commits.len() - 1 - self.dice.roll(recent));
        }
        let mut files = parents.first().map(|&index| self.commits[index].1.clone()).unwrap_or_default();
        (0..=self.dice.roll(3)).for_each(|_| self.change_files(&mut files));
        let tree = self.write_tree(&files, "");
        let parents: String =
            parents.iter().rev().map(|&index| format!("parent {}\n", self.commits[index].0)).collect();
        let author = match self.key_or("", 12) {
            key if key.is_empty() => AUTHOR.to_owned(),
            key if self.dice.one_in(2) => format!("Ann {key} <ann@example.org>"),
            key => format!("Ann <{key}@example.org>"),
        };
        let date = 1_700_000_000 + 60 * self.commits.len() + self.dice.roll(200);
        let is_signed = !self.text_only && self.dice.one_in(6);
        let signature = if is_signed {
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

    fn add_branches(&mut self) {
        let mut tips: BTreeSet<usize> = (0..3).map(|_| self.dice.roll(self.commits.len())).collect();
        tips.insert(self.commits.len() - 1);
        for (index, number) in tips.iter().zip(0..) {
            self.refs.insert(format!("refs/heads/topic{number}"), self.commits[*index].0.clone());
        }
        self.refs.insert("refs/heads/main".to_owned(), self.commits.last().unwrap().0.clone());
        // Every commit but the first is reachable.
        for (index, (id, _)) in self.commits.iter().enumerate().skip(1) {
            self.refs.insert(format!("refs/pull/{index}/head"), id.clone());
        }
    }

    fn add_tag(&mut self) {
        let number = self.tags.len();
        let (id, kind) = match self.dice.roll(4) {
            0 if number > 0 => (self.dice.pick(&self.tags.clone()).clone(), "tag"),
            1 => (self.write_tree(&self.commits.last().unwrap().1.clone(), ""), "tree"),
            2 => (self.write_blob(), "blob"),
            _ => (self.any_commit(), "commit"),
        };
        let word = self.key_or("a tag", 3);
        let text =
            format!("object {id}\ntype {kind}\ntag v{number}\ntagger {AUTHOR} 1700001000 +0000\n\n{word}\n");
        let id = self.writer.write(ObjectKind::Tag, text.as_bytes());
        self.refs.insert(format!("refs/tags/v{number}"), id.clone());
        self.tags.push(id);
    }

    /// Adds a branch with a key in its name, refs to a tree and to a blob, a replace ref, and an unreachable blob with a key.
    fn add_unusual_refs(&mut self) {
        let (key, commit) = (self.random_key(), self.any_commit());
        self.refs.insert(format!("refs/heads/fix/{key}"), commit);
        let tree = self.write_tree(&self.commits[0].1.clone(), "");
        self.refs.insert("refs/odd/tree".to_owned(), tree);
        let blob = self.write_blob();
        self.refs.insert("refs/odd/blob".to_owned(), blob);
        let (replaced, replacement) = (self.any_commit(), self.any_commit());
        if replaced != replacement {
            let name = format!("refs/replace/{replaced}");
            self.refs.insert(name.clone(), replacement);
            self.history.dropped_refs.insert(name);
        }
        let unreachable = format!("unreachable {}\n", self.random_key());
        self.writer.write(ObjectKind::Blob, unreachable.as_bytes());
    }

    /// Adds notes on up to four commits, the first with a key.
    fn add_notes(&mut self) {
        let mut notes = Files::new();
        for index in 0..4 {
            let id = self.any_commit();
            let blob = if index == 0 {
                self.write_key_file(&key(NOTE_KEY), Encoding::Plain)
            } else {
                self.write_blob()
            };
            // Git divides notes among directories once there are many.
            let path = if self.dice.one_in(2) { format!("{}/{}", &id[..2], &id[2..]) } else { id };
            notes.insert(path, ("100644", blob));
        }
        // A commit has at most one note.
        let mut ids = BTreeSet::new();
        notes.retain(|path, _| ids.insert(path.replace('/', "")));
        let tree = self.write_tree(&notes, "");
        self.history.notes_trees.insert(tree.clone());
        let commit = format!(
            "tree {tree}\nauthor {AUTHOR} 1700002000 +0000\ncommitter {AUTHOR} 1700002000 +0000\n\nNotes\n"
        );
        let id = self.writer.write(ObjectKind::Commit, commit.as_bytes());
        self.refs.insert("refs/notes/commits".to_owned(), id);
    }
}
