//! Lists files in object directories that no sweep reads.
//!
//! Such files are packs without an index, remains of interrupted fetches and garbage collections, quarantines of refused
//! pushes, marker files of packs, and files that git derives from packs. Whatever its name, a file may contain anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database::ObjectDatabase;
use crate::model::Skip;
use crate::untrusted::describe;

/// Maximum depth of directories that are not git's own. Deeper ones become skips.
const MAX_DEPTH: usize = 8;

/// Suffixes of files without objects: marker files, and files that git derives from packs.
const SUFFIXES_WITHOUT_OBJECTS: &[&str] =
    &[".keep", ".promisor", "alternates", ".idx", ".rev", ".bitmap", ".mtimes", "info/packs"];
/// Prefixes of files without objects, which git derives from packs.
const PREFIXES_WITHOUT_OBJECTS: &[&str] = &["pack/multi-pack-index", "info/commit-graph"];

/// A file that no sweep reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnindexedFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The path below the object directory, with `/`.
    pub relative_path: String,
    /// Whether, by its name, the file may contain objects or parts of objects.
    pub may_have_objects: bool,
}

/// A symbolic link in an object directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectLink {
    /// The path of the link.
    pub path: PathBuf,
    /// The path below the object directory, with `/`.
    pub relative_path: String,
    /// Whether the sweep reads the target in place of the link.
    pub is_followed: bool,
}

/// Everything in object directories except the objects that git finds there.
#[derive(Clone, Debug, Default)]
pub struct UnindexedFiles {
    /// The object directories.
    pub dirs: Vec<PathBuf>,
    /// The files, in order.
    pub files: Vec<UnindexedFile>,
    /// Paths, below the object directory, of files and directories whose names are not parts of an object id.
    pub names: Vec<String>,
    /// Every symbolic link.
    pub links: Vec<ObjectLink>,
    /// What could not be listed.
    pub skipped: Vec<Skip>,
}

/// Lists all object directories of `database`.
pub fn unindexed_files(database: &ObjectDatabase) -> UnindexedFiles {
    let mut finder =
        Finder { id_digits: database.hash_kind().len_in_hex(), listing: UnindexedFiles::default() };
    let dirs = database.list().dirs;
    for dir in &dirs {
        // An alternate may be any directory of the machine. In it, only the directories of git are listed.
        finder.visit_object_dir(dir, database.is_root(dir));
    }
    finder.listing.dirs = dirs;
    finder.listing.files.sort();
    finder.listing
}

struct Finder {
    /// Number of hex digits of an object id.
    id_digits: usize,
    listing: UnindexedFiles,
}

/// An entry of a directory.
struct DirEntry {
    path: PathBuf,
    name: String,
    is_link: bool,
}

impl Finder {
    /// Lists an object directory: all of it if `lists_all`, otherwise only the directories that git uses.
    fn visit_object_dir(&mut self, dir: &Path, lists_all: bool) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            match name.as_str() {
                "pack" => self.visit_packs(path),
                "info" => self.visit_info(path),
                _ if name.len() == 2 && is_hex(name) => self.visit_loose_objects(path, name),
                _ => {
                    if lists_all {
                        self.add_files(path, name.clone(), 0);
                    }
                    continue;
                }
            }
            self.add_if_link(&entry, name.clone());
        }
    }

    fn visit_packs(&mut self, dir: &Path) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            let relative_path = format!("pack/{name}");
            let is_pack = path.extension().is_some_and(|extension| extension == "pack");
            if is_pack && path.with_extension("idx").exists() {
                self.listing.names.push(relative_path.clone());
                self.add_if_link(&entry, relative_path);
            } else {
                self.add_files(path, relative_path, 0);
            }
        }
    }

    fn visit_info(&mut self, dir: &Path) {
        for DirEntry { path, name, .. } in self.list(dir) {
            self.add_files(&path, format!("info/{name}"), 0);
        }
    }

    fn visit_loose_objects(&mut self, dir: &Path, first_digits: &str) {
        for entry in self.list(dir) {
            let DirEntry { path, name, .. } = &entry;
            let relative_path = format!("{first_digits}/{name}");
            if name.len() + 2 == self.id_digits && is_hex(name) {
                self.add_if_link(&entry, relative_path);
            } else {
                self.add_files(path, relative_path, 0);
            }
        }
    }

    /// Adds an entry whose target the sweep reads, if it is a link.
    fn add_if_link(&mut self, entry: &DirEntry, relative_path: String) {
        if entry.is_link {
            self.listing.links.push(ObjectLink {
                path: entry.path.clone(),
                relative_path,
                is_followed: true,
            });
        }
    }

    /// Adds a file, or all files below a directory.
    fn add_files(&mut self, path: &Path, relative_path: String, depth: usize) {
        self.listing.names.push(relative_path.clone());
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && depth < MAX_DEPTH => {
                for DirEntry { path, name, .. } in self.list(path) {
                    self.add_files(&path, format!("{relative_path}/{name}"), depth + 1);
                }
            }
            Ok(metadata) if metadata.is_dir() => {
                self.listing.skipped.push(Skip::new(path.display().to_string(), "nested too deep"));
            }
            Ok(metadata) if metadata.is_symlink() => {
                self.listing.links.push(ObjectLink {
                    path: path.to_owned(),
                    relative_path,
                    is_followed: false,
                });
            }
            // A socket has no content.
            Ok(metadata) if describe(&metadata) == "a socket" => {}
            // A device or pipe becomes a skip when it is to be read.
            Ok(_) => {
                let has_no_objects = SUFFIXES_WITHOUT_OBJECTS.iter().any(|end| relative_path.ends_with(end))
                    || PREFIXES_WITHOUT_OBJECTS.iter().any(|start| relative_path.starts_with(start));
                self.listing.files.push(UnindexedFile {
                    path: path.to_owned(),
                    relative_path,
                    may_have_objects: !has_no_objects,
                });
            }
            // git deleted it in the meantime.
            Err(_) => {}
        }
    }

    /// The entries of a directory; none if it does not exist.
    fn list(&mut self, dir: &Path) -> Vec<DirEntry> {
        let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match entries {
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
                self.listing.skipped.push(Skip::new(dir.display().to_string(), reason));
                Vec::new()
            }
        }
    }
}

/// Whether `name` consists of hex digits in lower case, as names that git makes from object ids do.
fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
