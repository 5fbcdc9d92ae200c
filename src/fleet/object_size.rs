//! The sizes of object directories, and their alternates. Sizes come from directory entries; only the lists of
//! alternates are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::path_text::path_text;
use crate::model::{ObjectDirectory, native_path};
use crate::untrusted::{Symlinks, read};

/// Maximum size of a list of alternates, in bytes.
const MAX_LIST_SIZE: u64 = 1 << 20;
/// Maximum number of object directories of one repository.
const MAX_DIRECTORIES: usize = 1000;

/// Sizes measured so far: many repositories may share one object directory.
#[derive(Default)]
pub(super) struct ObjectSizes {
    size_by_dir: BTreeMap<PathBuf, u64>,
}

impl ObjectSizes {
    /// Measures the object directory of a git directory, and those of its alternates.
    pub(super) fn measure(&mut self, git_dir: &Path) -> (u64, Vec<ObjectDirectory>) {
        let objects_dir = git_dir.join("objects");
        let bytes = self.size(&objects_dir);
        let mut seen = BTreeSet::from([resolve(&objects_dir)]);
        let mut waiting = alternates(&objects_dir);
        let mut alternate_dirs = Vec::new();
        while let Some(dir) = waiting.pop() {
            let dir = resolve(&dir);
            if seen.len() < MAX_DIRECTORIES && seen.insert(dir.clone()) {
                waiting.extend(alternates(&dir));
                alternate_dirs.push(ObjectDirectory { path: path_text(&dir).0, bytes: self.size(&dir) });
            }
        }
        alternate_dirs.sort_by(|a, b| a.path.cmp(&b.path));
        (bytes, alternate_dirs)
    }

    fn size(&mut self, objects: &Path) -> u64 {
        if let Some(bytes) = self.size_by_dir.get(objects) {
            return *bytes;
        }
        let is_pack = |name: &str| name.ends_with(".pack");
        let mut bytes = size_of_files(&objects.join("pack"), is_pack);
        for first in 0..=u8::MAX {
            bytes += size_of_files(&objects.join(format!("{first:02x}")), |_| true);
        }
        self.size_by_dir.insert(objects.to_owned(), bytes);
        bytes
    }
}

/// The size of the regular files in a directory; zero if it cannot be listed, which its audit reports.
fn size_of_files(dir: &Path, is_counted: impl Fn(&str) -> bool) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let files = entries.flatten().filter(|entry| is_counted(&entry.file_name().to_string_lossy()));
    files.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// The object directories that `objects` lists, as git reads the list.
pub(super) fn alternates(objects: &Path) -> Vec<PathBuf> {
    let list = objects.join("info/alternates");
    let Ok(text) = read(&list, Symlinks::Refuse, MAX_LIST_SIZE) else { return Vec::new() };
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let paths = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    paths.map(|line| objects.join(native_path(line))).collect()
}

/// The path without links, or as it is if it cannot be resolved.
fn resolve(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
