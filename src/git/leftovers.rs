//! Files in object directories that git itself does not look into any more, or not yet: packs without
//! index, what an interrupted fetch or gc left behind, quarantines of refused pushes, notes beside packs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::database::Database;
use crate::model::Skip;

/// Folders nested deeper are not entered.
const DEEPEST: usize = 8;

/// What git derives from packs and makes again: no bytes that anybody wrote.
const DERIVED: &[&str] = &["idx", "rev", "bitmap", "mtimes"];

/// A file that no sweep reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// Its path from the object directory on, with `/`.
    pub inside: String,
    /// Whether it holds objects, or parts of them, by its name.
    pub holds_objects: bool,
}

/// Every such file in the object directories of `database`, in order, and what could not be listed.
pub fn leftovers(database: &Database) -> (Vec<Leftover>, Vec<Skip>) {
    let mut found = Found { ids: database.ids().len_in_hex(), ..Found::default() };
    for dir in database.list().dirs {
        found.object_dir(&dir);
    }
    found.files.sort();
    (found.files, found.skipped)
}

#[derive(Default)]
struct Found {
    ids: usize,
    files: Vec<Leftover>,
    skipped: Vec<Skip>,
}

impl Found {
    fn object_dir(&mut self, dir: &Path) {
        for (path, name) in self.list(dir) {
            match name.as_str() {
                "pack" => self.packs(&path),
                "info" => self.info(&path),
                _ if name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    self.loose(&path, &name);
                }
                _ => self.all(&path, name, 0),
            }
        }
    }

    fn packs(&mut self, dir: &Path) {
        for (path, name) in self.list(dir) {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            let is_swept = extension == "pack" && path.with_extension("idx").exists();
            let is_derived = DERIVED.contains(&extension) || name.starts_with("multi-pack-index");
            if !is_swept && !is_derived {
                self.all(&path, format!("pack/{name}"), 0);
            }
        }
    }

    fn info(&mut self, dir: &Path) {
        for (path, name) in self.list(dir) {
            if !["packs", "commit-graph", "commit-graphs"].contains(&name.as_str()) {
                self.all(&path, format!("info/{name}"), 0);
            }
        }
    }

    fn loose(&mut self, dir: &Path, first: &str) {
        for (path, name) in self.list(dir) {
            let is_object =
                name.len() + 2 == self.ids && ObjectId::from_hex(format!("{first}{name}").as_bytes()).is_ok();
            if !is_object {
                self.all(&path, format!("{first}/{name}"), 0);
            }
        }
    }

    /// Takes a file, or all files below a folder.
    fn all(&mut self, path: &Path, inside: String, depth: usize) {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && depth < DEEPEST => {
                for (path, name) in self.list(path) {
                    self.all(&path, format!("{inside}/{name}"), depth + 1);
                }
            }
            Ok(metadata) if metadata.is_dir() => {
                self.skipped.push(Skip::new(path.display().to_string(), "nested too deep"));
            }
            Ok(metadata) if metadata.is_file() => {
                let is_text = [".keep", ".promisor", "alternates"].iter().any(|end| inside.ends_with(end));
                self.files.push(Leftover { path: path.to_owned(), inside, holds_objects: !is_text });
            }
            // Links lead elsewhere; and a file that a git at work was done with is gone.
            _ => {}
        }
    }

    /// The entries of a folder, with their names.
    fn list(&mut self, dir: &Path) -> Vec<(PathBuf, String)> {
        let read = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match read {
            Ok(entries) => {
                let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
                entries.iter().map(|entry| (entry.path(), name(entry))).collect()
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Vec::new()
            }
            Err(error) => {
                let reason = format!("the directory cannot be read: {error}");
                self.skipped.push(Skip::new(dir.display().to_string(), reason));
                Vec::new()
            }
        }
    }
}
