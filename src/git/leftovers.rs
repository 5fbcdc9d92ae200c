//! Files in object directories that no sweep reads: packs without index, what an interrupted fetch or gc left behind,
//! quarantines of refused pushes, notes beside packs, and what git derives from packs. A name does not vouch for
//! what a file holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database::Database;
use crate::model::Skip;

/// Folders nested deeper are not entered.
const DEEPEST: usize = 8;

/// Ends of names of files that hold no objects: notes, and what git derives from packs.
const NO_OBJECTS: &[&str] =
    &[".keep", ".promisor", "alternates", ".idx", ".rev", ".bitmap", ".mtimes", "info/packs"];
/// The same for names that may go on.
const DERIVED: &[&str] = &["pack/multi-pack-index", "info/commit-graph"];

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
                _ if name.len() == 2 && is_hex(&name) => {
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
            if !is_swept {
                self.all(&path, format!("pack/{name}"), 0);
            }
        }
    }

    fn info(&mut self, dir: &Path) {
        for (path, name) in self.list(dir) {
            self.all(&path, format!("info/{name}"), 0);
        }
    }

    fn loose(&mut self, dir: &Path, first: &str) {
        for (path, name) in self.list(dir) {
            if name.len() + 2 != self.ids || !is_hex(&name) {
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
                let is_other = NO_OBJECTS.iter().any(|end| inside.ends_with(end))
                    || DERIVED.iter().any(|start| inside.starts_with(start));
                self.files.push(Leftover { path: path.to_owned(), inside, holds_objects: !is_other });
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

/// Whether git may have made the name from an object id: it writes small letters only.
fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
