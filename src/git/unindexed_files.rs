//! Files in object directories that no sweep reads: packs without an index, remains of interrupted fetches and garbage
//! collections, quarantines of refused pushes, marker files of packs, and files that git derives from packs. Whatever
//! its name, a file may hold anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database::ObjectDatabase;
use crate::model::Skip;
use crate::untrusted::describe;

/// Directories nested deeper are not entered.
const MAX_DEPTH: usize = 8;

/// Suffixes of files without objects: marker files, and files that git derives from packs.
const NO_OBJECTS: &[&str] =
    &[".keep", ".promisor", "alternates", ".idx", ".rev", ".bitmap", ".mtimes", "info/packs"];
/// Prefixes of files that git derives.
const DERIVED: &[&str] = &["pack/multi-pack-index", "info/commit-graph"];

/// A file that no sweep reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnindexedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the object directory, with `/`.
    pub inside: String,
    /// Whether, by its name, it holds objects or parts of objects.
    pub holds_objects: bool,
}

/// A symbolic link in an object directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectLink {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the object directory, with `/`.
    pub inside: String,
    /// Whether its target is read in its place.
    pub is_followed: bool,
}

/// The content of object directories other than objects that git finds.
#[derive(Clone, Debug, Default)]
pub struct UnindexedFiles {
    /// The object directories.
    pub dirs: Vec<PathBuf>,
    /// The files, in order.
    pub files: Vec<UnindexedFile>,
    /// Paths, below the object directory, of files and directories whose names are not just part of an object id.
    pub names: Vec<String>,
    /// Every symbolic link.
    pub links: Vec<ObjectLink>,
    /// What could not be listed.
    pub skipped: Vec<Skip>,
}

/// Lists the object directories of `database`.
pub fn unindexed_files(database: &ObjectDatabase) -> UnindexedFiles {
    let mut found = Finder { ids: database.hash_kind().len_in_hex(), all: UnindexedFiles::default() };
    let dirs = database.list().dirs;
    for dir in &dirs {
        // An alternate may be any directory of the machine. There, only files that git reads are listed.
        found.object_dir(dir, database.is_root(dir));
    }
    found.all.dirs = dirs;
    found.all.files.sort();
    found.all
}

struct Finder {
    ids: usize,
    all: UnindexedFiles,
}

/// An entry of a directory.
struct DirEntry {
    path: PathBuf,
    name: String,
    is_link: bool,
}

impl Finder {
    fn object_dir(&mut self, dir: &Path, is_own: bool) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            match name.as_str() {
                "pack" => self.packs(path),
                "info" => self.info(path),
                _ if name.len() == 2 && is_hex(name) => self.loose(path, name),
                _ => {
                    if is_own {
                        self.all(path, name.clone(), 0);
                    }
                    continue;
                }
            }
            self.followed(&entry, name.clone());
        }
    }

    fn packs(&mut self, dir: &Path) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            let inside = format!("pack/{name}");
            let is_pack = path.extension().is_some_and(|extension| extension == "pack");
            if is_pack && path.with_extension("idx").exists() {
                self.all.names.push(inside.clone());
                self.followed(&entry, inside);
            } else {
                self.all(path, inside, 0);
            }
        }
    }

    fn info(&mut self, dir: &Path) {
        for DirEntry { path, name, .. } in self.list(dir) {
            self.all(&path, format!("info/{name}"), 0);
        }
    }

    fn loose(&mut self, dir: &Path, first: &str) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            let inside = format!("{first}/{name}");
            if name.len() + 2 == self.ids && is_hex(name) {
                self.followed(&entry, inside);
            } else {
                self.all(path, inside, 0);
            }
        }
    }

    /// Lists the entry if it is a link. The sweep reads its target.
    fn followed(&mut self, entry: &DirEntry, inside: String) {
        if entry.is_link {
            self.all.links.push(ObjectLink { path: entry.path.clone(), inside, is_followed: true });
        }
    }

    /// Lists a file, or all files below a directory.
    fn all(&mut self, path: &Path, inside: String, depth: usize) {
        self.all.names.push(inside.clone());
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && depth < MAX_DEPTH => {
                for DirEntry { path, name, .. } in self.list(path) {
                    self.all(&path, format!("{inside}/{name}"), depth + 1);
                }
            }
            Ok(metadata) if metadata.is_dir() => {
                self.all.skipped.push(Skip::new(path.display().to_string(), "nested too deep"));
            }
            Ok(metadata) if metadata.is_symlink() => {
                self.all.links.push(ObjectLink { path: path.to_owned(), inside, is_followed: false });
            }
            // A socket has no content.
            Ok(metadata) if describe(&metadata) == "a socket" => {}
            // Reading it reports anything that is not a regular file.
            Ok(_) => {
                let is_other = NO_OBJECTS.iter().any(|end| inside.ends_with(end))
                    || DERIVED.iter().any(|start| inside.starts_with(start));
                self.all.files.push(UnindexedFile {
                    path: path.to_owned(),
                    inside,
                    holds_objects: !is_other,
                });
            }
            // A running git deleted it.
            Err(_) => {}
        }
    }

    /// The entries of a directory, with their names.
    fn list(&mut self, dir: &Path) -> Vec<DirEntry> {
        let read = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match read {
            Ok(entries) => {
                let entry = |entry: &fs::DirEntry| DirEntry {
                    path: entry.path(),
                    name: entry.file_name().to_string_lossy().into_owned(),
                    is_link: entry.file_type().is_ok_and(|kind| kind.is_symlink()),
                };
                entries.iter().map(entry).collect()
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Vec::new()
            }
            Err(error) => {
                let reason = format!("the directory cannot be read: {error}");
                self.all.skipped.push(Skip::new(dir.display().to_string(), reason));
                Vec::new()
            }
        }
    }
}

/// Whether git may have made the name from an object id, in lower case.
fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
