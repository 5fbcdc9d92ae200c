//! Reads refs and reflogs that are stored as files.
//!
//! The files are not trusted: only regular files of a reasonable size are opened, so that a pipe or a device
//! in place of a ref cannot stall a scan.

use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::super::gate;
use super::{LogEntry, Reader, RefTarget, Tip, TipKind};
use crate::untrusted::{self, ReadError, Symlinks};

/// Maximum size of a loose ref, in bytes; it is one short line.
const MAX_REF_BYTES: u64 = 64 << 10;
/// Maximum size of `packed-refs` and of a reflog, in bytes; they have a line for each ref or change.
pub(super) const MAX_LIST_BYTES: u64 = 512 << 20;
/// Pseudorefs with an object id on each line. They are files even in a repository with reftables.
const MULTI_ID_FILES: [&str; 2] = ["FETCH_HEAD", "MERGE_HEAD"];
/// Directories below `refs` that are nested more deeply are not read.
const MAX_DEPTH: usize = 64;

impl Reader {
    /// Reads the refs and reflogs of one git directory: the common one, or that of a linked work tree.
    pub(super) fn read_git_dir(&mut self, directory: &Path, prefix: &str) {
        let directory_name =
            if prefix.is_empty() { "the git directory" } else { prefix.trim_end_matches('/') };
        for name in self.list(directory, directory_name) {
            let name = name.to_string_lossy().into_owned();
            let is_pseudoref =
                name.ends_with("_HEAD") && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            if is_pseudoref || name == "HEAD" {
                let kind = if is_pseudoref { TipKind::Pseudo } else { TipKind::Head };
                self.read_loose_ref(&directory.join(&name), format!("{prefix}{name}"), kind);
            }
        }
        let name = format!("{prefix}refs");
        self.walk_files(
            &directory.join("refs"),
            &name,
            &mut |reader, path, name| reader.read_loose_ref(path, name, TipKind::Ref),
            0,
        );
        let logs = directory.join("logs");
        self.read_reflog(&logs.join("HEAD"), format!("{prefix}HEAD"));
        self.walk_files(&logs.join("refs"), &name, &mut Self::read_reflog, 0);
    }

    /// The names of all files and directories in `directory`, in order; none if it does not exist. `name` is its name in a gap.
    pub(super) fn list(&mut self, directory: &Path, name: &str) -> Vec<PathBuf> {
        match sorted_names(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.refs.gaps.push(name, format!("cannot be listed: {error}"));
                Vec::new()
            }
            names => names.unwrap_or_default(),
        }
    }

    /// Calls `visit` with the path and ref name of every file below `directory`, in order of the names. `name` is the ref name
    /// of the directory.
    fn walk_files(
        &mut self,
        directory: &Path,
        name: &str,
        visit: &mut dyn FnMut(&mut Self, &Path, String),
        depth: usize,
    ) {
        for entry in self.list(directory, name) {
            let path = directory.join(&entry);
            let name = format!("{name}/{}", entry.to_string_lossy());
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() && depth < MAX_DEPTH => {
                    self.walk_files(&path, &name, visit, depth + 1)
                }
                Ok(metadata) if metadata.is_dir() => self.refs.gaps.push(name, "nested too deeply"),
                // A ref that git is writing.
                Ok(_) if name.ends_with(".lock") => {}
                Ok(_) => visit(self, &path, name),
                // Deleted or packed in the meantime.
                Err(_) => {}
            }
        }
    }

    fn read_loose_ref(&mut self, path: &Path, name: String, kind: TipKind) {
        let bytes = match read_file(path, MAX_REF_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refs.gaps.push(name, format!("cannot be read: {error}")),
        };
        if MULTI_ID_FILES.iter().any(|file| name.ends_with(file)) {
            return self.read_multi_id_file(&name, &bytes);
        }
        match parse_ref(&bytes, self.hash_kind) {
            Some(value) => {
                self.values.insert(name, (kind, value));
            }
            // For example an empty file, which a crash leaves behind.
            None => self.refs.gaps.push(name, "not a ref: neither an object id nor `ref: …`"),
        }
    }

    /// Reads [`MULTI_ID_FILES`] in a git directory.
    pub(super) fn read_multi_id_files(&mut self, directory: &Path, prefix: &str) {
        for name in MULTI_ID_FILES {
            self.read_loose_ref(&directory.join(name), format!("{prefix}{name}"), TipKind::Pseudo);
        }
    }

    fn read_multi_id_file(&mut self, name: &str, bytes: &[u8]) {
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match parse_id(line, self.hash_kind) {
                Some((id, _)) => {
                    self.refs.tips.push(Tip { name: name.to_owned(), id, kind: TipKind::Pseudo })
                }
                None => self.refs.gaps.push(name, "has a line without an object id"),
            }
        }
    }

    pub(super) fn read_packed_refs(&mut self, common: &Path) {
        let bytes = match read_file(&common.join("packed-refs"), MAX_LIST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refs.gaps.push("packed-refs", format!("cannot be read: {error}")),
        };
        let ends = memchr::memchr_iter(b'\n', &bytes).chain([bytes.len()]);
        let (mut start, mut packed) = (0, Vec::new());
        for end in ends {
            let line = bytes.get(start..end).unwrap_or_default();
            start = end + 1;
            // Comments, and peeled tags, whose ids are also in the tags themselves.
            if line.is_empty() || matches!(line[0], b'#' | b'^') {
                continue;
            }
            match parse_id(line, self.hash_kind) {
                Some((id, rest)) if rest.first() == Some(&b' ') => {
                    packed.push((name_from_bytes(rest[1..].trim_ascii_end()), id));
                }
                _ => self.refs.gaps.push("packed-refs", "has a line that is not a ref"),
            }
        }
        // If a ref has several lines, the first is used. git writes one line for each ref, in order, so sorting is fast.
        packed.sort_by(|(left, _), (right, _)| left.cmp(right));
        packed.dedup_by(|(right, _), (left, _)| right == left);
        // Loose refs take precedence.
        packed.retain(|(name, _)| !self.values.contains_key(name));
        self.packed = packed;
    }

    fn read_reflog(&mut self, path: &Path, log: String) {
        let bytes = match read_file(path, MAX_LIST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.refs.gaps.push(format!("reflog of {log}"), format!("cannot be read: {error}"));
            }
        };
        let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        for (ago, line) in lines.iter().rev().enumerate() {
            let is_oldest = ago + 1 == lines.len();
            match parse_reflog_line(line, self.hash_kind) {
                Some(entry) => self.refs.logs.push(LogEntry { log: log.clone(), ago, is_oldest, ..entry }),
                None => {
                    self.refs.gaps.push(format!("reflog of {log}"), "has a line that is not a reflog entry")
                }
            }
        }
    }
}

/// The first object id in the file `name` of a git directory, if it is one of [`MULTI_ID_FILES`].
pub(in crate::git) fn first_id_in_file(
    directory: &Path,
    name: &str,
    hash_kind: gix::hash::Kind,
) -> Option<ObjectId> {
    let bytes = read_file(&directory.join(MULTI_ID_FILES.iter().find(|file| **file == name)?), MAX_REF_BYTES);
    parse_id(&bytes.ok()?, hash_kind).map(|(id, _)| id)
}

fn parse_ref(bytes: &[u8], hash_kind: gix::hash::Kind) -> Option<RefTarget> {
    let text = bytes.trim_ascii_end();
    if let Some(target) = text.strip_prefix(b"ref:") {
        return Some(RefTarget::Symbolic(String::from_utf8_lossy(target.trim_ascii()).into_owned()));
    }
    match parse_id(text, hash_kind)? {
        (id, rest) if rest.first().is_none_or(u8::is_ascii_whitespace) => Some(RefTarget::Id(id)),
        _ => None,
    }
}

/// Parses the object id at the start of `bytes`, and returns it with the rest.
pub(super) fn parse_id(bytes: &[u8], hash_kind: gix::hash::Kind) -> Option<(ObjectId, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(hash_kind.len_in_hex())?;
    Some((ObjectId::from_hex(digits).ok()?, rest))
}

/// `<old> <new> Name <e-mail> <seconds> <offset>\t<message>`
fn parse_reflog_line(line: &[u8], hash_kind: gix::hash::Kind) -> Option<LogEntry> {
    let (old, rest) = parse_id(line, hash_kind)?;
    let (new, rest) = parse_id(rest.strip_prefix(b" ")?, hash_kind)?;
    let tab = rest.iter().position(|&byte| byte == b'\t');
    let (who, message) = tab.map_or((rest, &b""[..]), |tab| (&rest[..tab], &rest[tab + 1..]));
    let end = who.iter().rposition(|&byte| byte == b'>').map_or(who.len(), |end| end + 1);
    let (who, when) = who.split_at(end);
    let message = message.to_vec();
    let (who, when) = (who.trim_ascii().to_vec(), when.trim_ascii().to_vec());
    Some(LogEntry { log: String::new(), ago: 0, is_oldest: false, old, new, who, when, message })
}

/// A ref name, with replacement characters for what is not UTF-8.
fn name_from_bytes(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The names of all files and directories in a directory, in order.
pub(super) fn sorted_names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = std::fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| PathBuf::from(entry.file_name())))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Reads a regular file of at most `limit` bytes. Symbolic links are followed: old versions of git stored HEAD as one.
pub(super) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "not a regular file"));
    }
    gate::check_file(path, limit).map_err(|error| io::Error::other(error.reason))?;
    match untrusted::read(path, Symlinks::Follow, limit) {
        Ok(bytes) => Ok(bytes),
        Err(ReadError::Io(error)) => Err(error),
        Err(ReadError::NotFound) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}
