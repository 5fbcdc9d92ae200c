//! The new repository while it is being written: next to its destination, marked as unfinished, and renamed at the end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::destination::parent;
use super::refs::{CarriedRef, NewHead};
use crate::git::refs::is_valid_ref_name;
use crate::git::{HashKind, ObjectId, UNFINISHED_MARKER};

/// An unfinished repository, removed when dropped. [`Self::sync`] flushes what was written to the disk.
#[derive(Debug)]
pub(super) struct NewRepository {
    dir: TempDir,
    destination: PathBuf,
    hash: HashKind,
}

/// The content of the file that marks an unfinished repository.
const UNFINISHED_NOTICE: &str = "This repository is not finished. `friskey purge` was interrupted, or is still running. If it is not running, delete this directory.\n";

impl NewRepository {
    /// Creates an unfinished repository next to `destination`.
    pub(super) fn create(destination: &Path, hash: HashKind) -> io::Result<Self> {
        let name =
            destination.file_name().ok_or_else(|| io::Error::other("it is not the name of a directory"))?;
        let prefix = format!(".{}.unfinished-", name.to_string_lossy());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent(destination))?;
        let new = Self { dir, destination: destination.to_owned(), hash };
        new.write(UNFINISHED_MARKER, UNFINISHED_NOTICE.as_bytes())?;
        for dir in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
            fs::create_dir_all(new.path().join(dir))?;
        }
        // With an unknown extension in its configuration, git refuses to open the repository.
        new.write("config", new.config(true).as_bytes())?;
        Ok(new)
    }

    /// The temporary path.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn pack_dir(&self) -> PathBuf {
        self.path().join("objects/pack")
    }

    fn config(&self, is_unfinished: bool) -> String {
        let is_sha256 = self.hash == HashKind::Sha256;
        let version = u8::from(is_sha256 || is_unfinished);
        let mut config =
            format!("[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = true\n");
        if version == 1 {
            config.push_str("[extensions]\n");
        }
        if is_sha256 {
            config.push_str("\tobjectFormat = sha256\n");
        }
        if is_unfinished {
            config.push_str("\tfriskeyUnfinished = true\n");
        }
        config
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path().join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(path, bytes)
    }

    /// Flushes everything in it to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut dirs = vec![self.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    dirs.push(entry.path());
                } else {
                    File::open(entry.path())?.sync_all()?;
                }
            }
            sync_dir(&dir);
        }
        Ok(())
    }

    /// Writes refs and HEAD. `new_id` maps an old id to the new one, `peel` the old id of a tag to the old id of the object
    /// that it finally points to.
    pub(super) fn write_refs(
        &self,
        refs: &[CarriedRef],
        head: &NewHead,
        new_id: impl Fn(&ObjectId) -> ObjectId,
        peel: impl Fn(&ObjectId) -> Option<ObjectId>,
    ) -> io::Result<()> {
        let mut packed_refs = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
        for carried_ref in refs {
            check_ref_name(&carried_ref.new_name)?;
            if let Some(target) = &carried_ref.target {
                check_ref_name(target)?;
                self.write(&carried_ref.new_name, format!("ref: {target}\n").as_bytes())?;
                continue;
            }
            packed_refs.push_str(&format!("{} {}\n", new_id(&carried_ref.id), carried_ref.new_name));
            if let Some(peeled) = peel(&carried_ref.id) {
                packed_refs.push_str(&format!("^{}\n", new_id(&peeled)));
            }
        }
        self.write("packed-refs", packed_refs.as_bytes())?;
        let head = match head {
            NewHead::Branch(name) => {
                check_ref_name(name)?;
                format!("ref: {name}\n")
            }
            NewHead::Detached(id) => format!("{}\n", new_id(id)),
        };
        self.write("HEAD", head.as_bytes())
    }

    /// Marks the repository as finished and renames it to its destination.
    pub(super) fn finish(self) -> io::Result<()> {
        self.write("config.new", self.config(false).as_bytes())?;
        File::open(self.path().join("config.new"))?.sync_all()?;
        fs::remove_file(self.path().join(UNFINISHED_MARKER))?;
        fs::rename(self.path().join("config.new"), self.path().join("config"))?;
        sync_dir(self.path());
        // The destination may be an empty directory, and not every system lets a rename replace one.
        match fs::remove_dir(&self.destination) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(self.path(), &self.destination)?;
        sync_dir(parent(&self.destination));
        // Its path no longer exists, so dropping it must not try to remove it.
        let _ = self.dir.keep();
        Ok(())
    }
}

/// Refuses an invalid ref name, which as a path could lead out of the repository.
fn check_ref_name(name: &str) -> io::Result<()> {
    match is_valid_ref_name(name) {
        true => Ok(()),
        false => Err(io::Error::other("a ref has a name that git does not accept")),
    }
}

/// Flushes the entries of a directory to the disk. Not every file system supports this; then they are written later.
fn sync_dir(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        let _ = dir.sync_all();
    }
}
