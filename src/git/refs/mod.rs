//! Everything that keeps objects alive by name: refs, HEADs, pseudo refs, reflogs.
//!
//! Read straight from the files, none of which is trusted: only regular files of a sane size are
//! opened, so that a pipe or a device in place of a ref cannot stall a scan. Logs of refs that were
//! deleted are read too.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::lookup::Gaps;

/// A loose ref is one short line.
const LARGEST_REF: u64 = 64 << 10;
/// `packed-refs` and reflogs, which hold a line for each ref or change.
const LARGEST_LIST: u64 = 512 << 20;
/// Symbolic refs followed in a row; git follows five.
const HOPS: usize = 5;
/// Folders nested deeper below `refs` are not entered.
const DEEPEST: usize = 64;

/// What kind of name a [`Tip`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TipKind {
    /// `refs/…`, of the repository or of a linked work tree.
    Ref,
    /// A detached HEAD, of the main or of a linked work tree.
    Head,
    /// What operations leave behind: `ORIG_HEAD`, `FETCH_HEAD`, `MERGE_HEAD`, ….
    Pseudo,
}

/// A name for an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tip {
    /// The full name; with `worktrees/<id>/` before it when it is a linked work tree's own.
    pub name: String,
    /// What it names: mostly a commit or a tag. A tag is not followed.
    pub id: ObjectId,
    /// What kind of name it is.
    pub kind: TipKind,
}

/// A line of a reflog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The ref whose log it is, by full name.
    pub log: String,
    /// How many changes ago, from 0: the `n` in `@{n}`.
    pub ago: usize,
    /// Whether it is the first of its log.
    pub oldest: bool,
    /// What the ref was before; null when it was not.
    pub old: ObjectId,
    /// What it became; null when it was deleted.
    pub new: ObjectId,
    /// Who made the change: name and e-mail.
    pub who: Vec<u8>,
    /// Why.
    pub message: Vec<u8>,
}

impl LogEntry {
    /// Git's name for what the ref became: `refs/heads/main@{3}`.
    pub fn name(&self) -> String {
        format!("{}@{{{}}}", self.log, self.ago)
    }

    /// Git's name for what the ref was before, where no older entry has that name.
    pub fn name_before(&self) -> Option<String> {
        self.oldest.then(|| format!("{}@{{{}}}", self.log, self.ago + 1))
    }
}

/// All names of a repository.
#[derive(Clone, Debug, Default)]
pub struct Refs {
    /// Sorted by name. `HEAD` is among them only when it is detached.
    pub tips: Vec<Tip>,
    /// All reflog entries, by log, the newest first.
    pub logs: Vec<LogEntry>,
    /// The ref that the main work tree's HEAD stands for, born or not, unless it is detached.
    pub head: Option<String>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// Reads all names of `repo`, in whichever of its work trees it was opened.
pub fn read(repo: &gix::Repository) -> Refs {
    let common = repo.common_dir();
    let mut reader = Reader { hash: repo.object_hash(), values: BTreeMap::new(), refs: Refs::default() };
    if common.join("reftable").is_dir() {
        reader.refs.gaps.push(
            "refs",
            "kept in a reftable, which is not read; `git refs migrate --ref-format=files` makes them files",
        );
        return reader.refs;
    }
    reader.git_dir(common, "");
    for name in sorted(&common.join("worktrees")).unwrap_or_default() {
        let prefix = format!("worktrees/{}/", name.to_string_lossy());
        reader.git_dir(&common.join("worktrees").join(&name), &prefix);
    }
    // After the loose refs: one that is packed meanwhile is met here.
    reader.packed(common);
    reader.finish()
}

/// What a ref's file says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Id(ObjectId),
    Symbolic(String),
}

struct Reader {
    hash: gix::hash::Kind,
    values: BTreeMap<String, (TipKind, Value)>,
    refs: Refs,
}

impl Reader {
    /// Reads what one work tree's git directory, or the common one, has of its own.
    fn git_dir(&mut self, directory: &Path, prefix: &str) {
        for name in sorted(directory).unwrap_or_default() {
            let name = name.to_string_lossy().into_owned();
            let pseudo = name.ends_with("_HEAD") && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            if pseudo || name == "HEAD" {
                let kind = if pseudo { TipKind::Pseudo } else { TipKind::Head };
                self.loose(&directory.join(&name), format!("{prefix}{name}"), kind);
            }
        }
        let name = format!("{prefix}refs");
        self.folder(
            &directory.join("refs"),
            &name,
            &mut |it, path, name| it.loose(path, name, TipKind::Ref),
            0,
        );
        let logs = directory.join("logs");
        self.log_file(&logs.join("HEAD"), format!("{prefix}HEAD"));
        self.folder(&logs.join("refs"), &name, &mut Self::log_file, 0);
    }

    /// Calls `each` for every file below `directory`, in order.
    fn folder(
        &mut self,
        directory: &Path,
        name: &str,
        each: &mut dyn FnMut(&mut Self, &Path, String),
        depth: usize,
    ) {
        let names = match sorted(directory) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refs.gaps.push(name, format!("cannot be listed: {error}")),
        };
        for entry in names {
            let path = directory.join(&entry);
            let name = format!("{name}/{}", entry.to_string_lossy());
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() && depth < DEEPEST => {
                    self.folder(&path, &name, each, depth + 1)
                }
                Ok(metadata) if metadata.is_dir() => self.refs.gaps.push(name, "nested too deep"),
                // A ref that is being written.
                Ok(_) if name.ends_with(".lock") => {}
                Ok(_) => each(self, &path, name),
                // Deleted or packed while we look.
                Err(_) => {}
            }
        }
    }

    fn loose(&mut self, path: &Path, name: String, kind: TipKind) {
        let bytes = match read_file(path, LARGEST_REF) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refs.gaps.push(name, format!("cannot be read: {error}")),
        };
        if name.ends_with("FETCH_HEAD") || name.ends_with("MERGE_HEAD") {
            return self.several(&name, &bytes);
        }
        match parse(&bytes, self.hash) {
            Some(value) => {
                self.values.insert(name, (kind, value));
            }
            // An empty file is what a crash leaves behind.
            None => self.refs.gaps.push(name, "not a ref: neither an object id nor `ref: …`"),
        }
    }

    /// `FETCH_HEAD` and `MERGE_HEAD` name an object on each line.
    fn several(&mut self, name: &str, bytes: &[u8]) {
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match id_at(line, self.hash) {
                Some((id, _)) => {
                    self.refs.tips.push(Tip { name: name.to_owned(), id, kind: TipKind::Pseudo })
                }
                None => self.refs.gaps.push(name, "has a line without an object id"),
            }
        }
    }

    fn packed(&mut self, common: &Path) {
        let bytes = match read_file(&common.join("packed-refs"), LARGEST_LIST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refs.gaps.push("packed-refs", format!("cannot be read: {error}")),
        };
        for line in bytes.split(|&byte| byte == b'\n') {
            // Comments, and what tags stand for, which the tags themselves say.
            if line.is_empty() || matches!(line[0], b'#' | b'^') {
                continue;
            }
            match id_at(line, self.hash) {
                Some((id, rest)) if rest.first() == Some(&b' ') => {
                    let name = String::from_utf8_lossy(rest[1..].trim_ascii_end()).into_owned();
                    self.values.entry(name).or_insert((TipKind::Ref, Value::Id(id)));
                }
                _ => self.refs.gaps.push("packed-refs", "has a line that is not a ref"),
            }
        }
    }

    fn log_file(&mut self, path: &Path, log: String) {
        let bytes = match read_file(path, LARGEST_LIST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.refs.gaps.push(format!("reflog of {log}"), format!("cannot be read: {error}"));
            }
        };
        let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        for (ago, line) in lines.iter().rev().enumerate() {
            let oldest = ago + 1 == lines.len();
            match log_line(line, self.hash) {
                Some((old, new, who, message)) => self.refs.logs.push(LogEntry {
                    log: log.clone(),
                    ago,
                    oldest,
                    old,
                    new,
                    who: who.to_vec(),
                    message: message.to_vec(),
                }),
                None => self.refs.gaps.push(format!("reflog of {log}"), "has a line that is not an entry"),
            }
        }
    }

    /// Follows symbolic refs, and sorts.
    fn finish(mut self) -> Refs {
        for (name, (kind, value)) in &self.values {
            if let (TipKind::Head, Value::Symbolic(target)) = (kind, value) {
                if name == "HEAD" {
                    self.refs.head = Some(target.clone());
                }
                // The branch it stands for is a tip of its own, or not born yet.
                if target.starts_with("refs/") {
                    continue;
                }
            }
            match self.follow(value) {
                Ok(Some(id)) => self.refs.tips.push(Tip { name: name.clone(), id, kind: *kind }),
                // It stands for a branch that is gone; git ignores it too.
                Ok(None) => {}
                Err(()) => self
                    .refs
                    .gaps
                    .push(name, format!("a symbolic ref that goes on for more than {HOPS} others")),
            }
        }
        self.refs.tips.sort();
        self.refs
    }

    /// The object at the end of symbolic refs, if there is one. An error when the end is too far off.
    fn follow(&self, value: &Value) -> Result<Option<ObjectId>, ()> {
        let mut value = value;
        for _ in 0..=HOPS {
            match value {
                Value::Id(id) => return Ok(Some(*id)),
                Value::Symbolic(target) => match self.values.get(target) {
                    Some((_, next)) => value = next,
                    None => return Ok(None),
                },
            }
        }
        Err(())
    }
}

fn parse(bytes: &[u8], hash: gix::hash::Kind) -> Option<Value> {
    let text = bytes.trim_ascii_end();
    if let Some(target) = text.strip_prefix(b"ref:") {
        return Some(Value::Symbolic(String::from_utf8_lossy(target.trim_ascii()).into_owned()));
    }
    match id_at(text, hash)? {
        (id, rest) if rest.first().is_none_or(u8::is_ascii_whitespace) => Some(Value::Id(id)),
        _ => None,
    }
}

/// The object id that the bytes begin with, and what follows.
fn id_at(bytes: &[u8], hash: gix::hash::Kind) -> Option<(ObjectId, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(hash.len_in_hex())?;
    Some((ObjectId::from_hex(digits).ok()?, rest))
}

/// `<old> <new> Name <e-mail> <seconds> <offset>\t<message>`
fn log_line(line: &[u8], hash: gix::hash::Kind) -> Option<(ObjectId, ObjectId, &[u8], &[u8])> {
    let (old, rest) = id_at(line, hash)?;
    let (new, rest) = id_at(rest.strip_prefix(b" ")?, hash)?;
    let tab = rest.iter().position(|&byte| byte == b'\t');
    let (who, message) = tab.map_or((rest, &b""[..]), |tab| (&rest[..tab], &rest[tab + 1..]));
    let who = who.iter().rposition(|&byte| byte == b'>').map_or(who, |end| &who[..=end]);
    Some((old, new, who.trim_ascii(), message))
}

/// The names in a folder, in order.
fn sorted(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = std::fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| PathBuf::from(entry.file_name())))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Reads a regular file of at most `limit` bytes; a symbolic link to one is what old git made of HEAD.
fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if metadata.len() > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    std::fs::read(path)
}

#[cfg(test)]
mod tests;
