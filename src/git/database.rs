//! The object directories of a repository, alternates included, and the packs and loose objects in them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash;
use gix::odb::alternate;

use crate::model::Skip;

/// The object directories of a repository. They are listed only on request.
#[derive(Clone, Debug)]
pub struct ObjectDatabase {
    roots: Vec<PathBuf>,
    hash_kind: hash::Kind,
}

/// The content of the object directories at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// Index files that have a pack, sorted.
    pub(super) packs: BTreeSet<PathBuf>,
    /// Loose objects, each with the position of its directory in `dirs`. An object may be in several.
    pub(super) loose: Vec<(ObjectId, u32)>,
    /// The object directories.
    pub(super) dirs: Vec<PathBuf>,
    /// What could not be listed.
    pub(super) skipped: Vec<Skip>,
}

impl ObjectDatabase {
    /// The database in the directory `objects`, with object ids of the kind `hash_kind`.
    pub fn new(objects: impl Into<PathBuf>, hash_kind: hash::Kind) -> Self {
        Self { roots: vec![objects.into()], hash_kind }
    }

    /// The database of an opened repository.
    pub fn from_repo(repo: &gix::Repository) -> Self {
        Self::new(repo.common_dir().join("objects"), repo.object_hash())
    }

    /// Adds directories such as the quarantine, in which git keeps a push until its hooks have run, or those of
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    #[must_use]
    pub fn with_directories(mut self, directories: impl IntoIterator<Item = PathBuf>) -> Self {
        self.roots.extend(directories);
        self
    }

    /// The directories that were given, without their alternates.
    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Whether `dir` was given, as opposed to an alternate.
    pub(super) fn is_root(&self, dir: &Path) -> bool {
        self.roots.iter().any(|root| root == dir)
    }

    /// The kind of the object ids.
    pub fn hash_kind(&self) -> hash::Kind {
        self.hash_kind
    }

    /// What messages call the repository: the directory that contains its objects.
    pub fn name(&self) -> String {
        let objects = self.roots.first();
        objects.and_then(|objects| objects.parent()).unwrap_or(Path::new("")).display().to_string()
    }

    /// The directories that were given, and all alternates, as far as they can be opened.
    pub fn directories(&self) -> Vec<PathBuf> {
        self.list_directories(&mut Listing::default())
    }

    /// Lists the packs and loose objects in all directories.
    pub(super) fn list(&self) -> Listing {
        let mut listing = Listing::default();
        for dir in self.list_directories(&mut listing) {
            listing.add_packs(&dir.join("pack"));
            listing.add_loose(&dir, self.hash_kind);
            listing.dirs.push(dir);
        }
        // An object that is in several directories is read from the first.
        listing.loose.sort_unstable();
        listing
    }

    /// The directories that were given, and all alternates. Those that cannot be opened become skips in `listing`.
    fn list_directories(&self, listing: &mut Listing) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<PathBuf> = self.roots.iter().rev().cloned().collect();
        while let Some(dir) = waiting.pop() {
            let real = match dir.canonicalize() {
                Ok(real) => real,
                Err(error) => {
                    listing.skip(&dir, &format!("the object directory cannot be opened: {error}"));
                    continue;
                }
            };
            if !seen.insert(real) {
                continue;
            }
            waiting.extend(alternates(&dir, listing).into_iter().rev());
            all.push(dir);
        }
        all
    }
}

impl Listing {
    /// The file of the loose object `id` in `dirs[dir]`.
    pub(super) fn loose_path(&self, id: &gix::oid, dir: u32) -> Option<PathBuf> {
        let hex = id.to_hex().to_string();
        Some(self.dirs.get(dir as usize)?.join(&hex[..2]).join(&hex[2..]))
    }

    fn skip(&mut self, path: &Path, reason: &str) {
        self.skipped.push(Skip::new(path.display().to_string(), reason));
    }

    /// The entries of a directory; none if it does not exist. Errors become skips.
    fn read_dir(&mut self, dir: &Path) -> Vec<fs::DirEntry> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.skip(dir, &format!("the directory cannot be read: {error}"));
                return Vec::new();
            }
        };
        let (readable, failed): (Vec<_>, Vec<_>) = entries.partition(Result::is_ok);
        for error in failed.into_iter().filter_map(Result::err) {
            self.skip(dir, &format!("the directory cannot be read to its end: {error}"));
        }
        readable.into_iter().flatten().collect()
    }

    fn add_packs(&mut self, dir: &Path) {
        let (mut packs, mut indexes) = (BTreeSet::new(), BTreeSet::new());
        for entry in self.read_dir(dir) {
            let path = entry.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack") => packs.insert(path.with_extension("")),
                Some("idx") => indexes.insert(path.with_extension("")),
                _ => false,
            };
        }
        // While git writes a pack, the pack and its index have temporary names, and the index is renamed last.
        let is_temporary = |stem: &&PathBuf| {
            let name = stem.file_name().unwrap_or_default().as_encoded_bytes();
            name.starts_with(b".tmp-") || name.starts_with(b"tmp_")
        };
        for stem in packs.difference(&indexes).filter(|stem| !is_temporary(stem)) {
            self.skip(&stem.with_extension("pack"), "the pack has no index; `git index-pack` makes one");
        }
        for stem in indexes.difference(&packs).filter(|stem| !is_temporary(stem)) {
            self.skip(&stem.with_extension("idx"), "the index has no pack; its objects are missing");
        }
        self.check_multi_pack_index(dir, &packs);
        self.packs.extend(packs.intersection(&indexes).map(|stem| stem.with_extension("idx")));
    }

    /// Records packs that a multi-pack index names and that are missing.
    fn check_multi_pack_index(&mut self, dir: &Path, packs: &BTreeSet<PathBuf>) {
        let path = dir.join("multi-pack-index");
        if !path.is_file() {
            return;
        }
        /// In bytes: enough for the index of about thirty million objects.
        const MAX_SIZE: usize = 1 << 30;
        // Nothing is read through the multi-pack index, and a missing object is also noticed where another one names it.
        let Ok(index) = gix::odb::pack::multi_index::File::at(&path, Some(MAX_SIZE)) else {
            return;
        };
        for name in index.index_names() {
            let stem = dir.join(name).with_extension("");
            if !packs.contains(&stem) && !stem.with_extension("pack").exists() {
                let reason = "the multi-pack index names this pack, and it is missing";
                self.skip(&stem.with_extension("pack"), reason);
            }
        }
    }

    fn add_loose(&mut self, dir: &Path, hash_kind: hash::Kind) {
        let number = self.dirs.len() as u32;
        for first in first_bytes(dir) {
            for entry in self.read_dir(&dir.join(&first)) {
                let name = entry.file_name();
                let Some(rest) = name.to_str().filter(|rest| rest.len() + 2 == hash_kind.len_in_hex()) else {
                    continue;
                };
                if let Ok(id) = ObjectId::from_hex(format!("{first}{rest}").as_bytes()) {
                    self.loose.push((id, number));
                }
            }
        }
    }
}

/// The names of the directories of loose objects in `dir`: the first bytes of their ids. All that are possible, if it is not
/// known which exist.
fn first_bytes(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = (0..=u8::MAX).map(|first| format!("{first:02x}")).collect();
    let listed = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>());
    if let Ok(names) = listed {
        // After a repack, few of the 256 exist; the others need not be looked up.
        all.retain(|first| names.iter().any(|name| name == first.as_str()));
    }
    all
}

/// The alternates that `dir` lists.
fn alternates(dir: &Path, listing: &mut Listing) -> Vec<PathBuf> {
    let file = dir.join("info").join("alternates");
    if !file.is_file() {
        return Vec::new();
    }
    let content = fs::read(&file).map_err(|error| error.to_string());
    match content.and_then(|text| alternate::parse(&text).map_err(|error| error.to_string())) {
        Ok(paths) => paths.into_iter().map(|path| dir.join(path)).collect(),
        Err(error) => {
            listing.skip(&file, &format!("the list of alternates cannot be read: {error}"));
            Vec::new()
        }
    }
}
