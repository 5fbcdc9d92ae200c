//! Reads the names that lead to objects: refs, HEADs, pseudorefs, and reflogs, including those of deleted refs.
//!
//! The names are read directly from git's storage, which is either files or a `reftable`.

mod files;
mod ref_name;
mod reflog_text;
pub(super) mod reftable;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gix::ObjectId;

use super::gate::MAX_SYMREF_HOPS;
use super::lookup::Gaps;
pub(super) use files::first_id_in_file;
pub use ref_name::is_valid_ref_name;
pub(super) use storage::RefStorage;

/// The kind of name a [`Tip`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TipKind {
    /// `refs/…`, of the repository or of a linked work tree.
    Ref,
    /// A detached HEAD, of the main or of a linked work tree.
    Head,
    /// A pseudoref, which a git command leaves behind: `ORIG_HEAD`, `FETCH_HEAD`, `MERGE_HEAD`, ….
    Pseudo,
}

/// A name for an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tip {
    /// The full name, prefixed with `worktrees/<id>/` if it belongs to a linked work tree.
    pub name: String,
    /// The named object, usually a commit or a tag. Tags are not peeled.
    pub id: ObjectId,
    /// The kind of name.
    pub kind: TipKind,
}

/// An entry of a reflog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The name of the log, which is that of its ref: in full, prefixed as in [`Tip::name`].
    pub log: String,
    /// The `n` in `@{n}`: the number of newer entries of the log.
    pub ago: usize,
    /// Whether it is the oldest entry of its log.
    pub is_oldest: bool,
    /// The ref's previous value; null if it did not exist.
    pub old: ObjectId,
    /// The ref's new value; null if it was deleted.
    pub new: ObjectId,
    /// Who made the change: name and email address.
    pub who: Vec<u8>,
    /// The time, as git writes it: seconds since 1970, and the offset from UTC.
    pub when: Vec<u8>,
    /// The message.
    pub message: Vec<u8>,
}

impl LogEntry {
    /// Git's name for the new value: `refs/heads/main@{3}`.
    pub fn name(&self) -> String {
        format!("{}@{{{}}}", self.log, self.ago)
    }

    /// Git's name for the previous value, if this is the oldest entry; otherwise that name belongs to the next older entry.
    pub fn name_before(&self) -> Option<String> {
        self.is_oldest.then(|| format!("{}@{{{}}}", self.log, self.ago + 1))
    }
}

/// All names of a repository.
#[derive(Clone, Debug, Default)]
pub struct Refs {
    /// Sorted by name. Contains `HEAD` only if it is detached.
    pub tips: Vec<Tip>,
    /// All reflog entries, grouped by log, newest first.
    pub logs: Vec<LogEntry>,
    /// The branch the main work tree's HEAD refers to, which may not exist yet. `None` if HEAD is detached.
    pub head: Option<String>,
    /// Symbolic refs other than HEADs, and the refs that they point to.
    pub symbolic_refs: BTreeMap<String, String>,
    /// Further names in the storage: those of deleted refs and reflogs that are still in a table, and the targets of symbolic
    /// refs, which need not exist.
    pub other_names: BTreeSet<String>,
    /// Whether refs and reflogs are in a `reftable`, whose bytes cannot be searched as they are.
    pub uses_reftable: bool,
    /// Reflog entries that are stored in a table but are not part of a log: those that a later table deleted or replaced, those
    /// in a table that is not in use, and those with neither value, which only mark that the log exists.
    pub superseded_entries: Vec<LogEntry>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// Reads all names of `repo`: those of all its work trees, whichever it was opened from.
pub fn read(repo: &gix::Repository) -> Refs {
    let common = repo.common_dir();
    let mut reader = Reader {
        hash_kind: repo.object_hash(),
        values: BTreeMap::new(),
        packed: Vec::new(),
        refs: Refs::default(),
    };
    let storage = RefStorage::from_config(repo);
    let read_dir: fn(&mut Reader, &Path, &str) = match &storage {
        RefStorage::Files => Reader::read_git_dir,
        RefStorage::Tables => Reader::read_tables,
        RefStorage::Unknown(name) => {
            let reason = format!(
                "the storage format `{name}` is not supported; `git refs migrate --ref-format=files` converts them to files"
            );
            reader.refs.gaps.push("refs", reason);
            return reader.refs;
        }
    };
    read_dir(&mut reader, common, "");
    let work_trees = common.join("worktrees");
    for name in reader.list(&work_trees, "worktrees") {
        let directory = work_trees.join(&name);
        // A file among them is not a work tree.
        if !directory.is_file() {
            read_dir(&mut reader, &directory, &format!("worktrees/{}/", name.to_string_lossy()));
        }
    }
    if storage == RefStorage::Files {
        if common.join("reftable/tables.list").exists() {
            let reason = "not read, because the repository is configured to keep refs in files; remove it if it is a leftover";
            reader.refs.gaps.push("reftable", reason);
        }
        // Last, so that a ref that git packs in the meantime is not missed.
        reader.read_packed_refs(common);
    }
    reader.finish()
}

/// The value of a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefTarget {
    Id(ObjectId),
    Symbolic(String),
}

/// Collects the refs and reflogs of all git directories of a repository.
pub(super) struct Reader {
    hash_kind: gix::hash::Kind,
    /// Refs by full name, not yet resolved.
    values: BTreeMap<String, (TipKind, RefTarget)>,
    /// Further refs: those that are only in `packed-refs`, sorted by name. They are many and need not be resolved.
    packed: Vec<(String, ObjectId)>,
    refs: Refs,
}

impl Reader {
    /// Resolves symbolic refs, and sorts all refs by name.
    fn finish(mut self) -> Refs {
        for (name, (kind, value)) in &self.values {
            if let RefTarget::Symbolic(target) = value {
                self.refs.other_names.insert(target.clone());
                if *kind == TipKind::Ref {
                    self.refs.symbolic_refs.insert(name.clone(), target.clone());
                }
            }
            if let (TipKind::Head, RefTarget::Symbolic(target)) = (kind, value) {
                if name == "HEAD" {
                    self.refs.head = Some(target.clone());
                }
                // The branch is a tip of its own, or does not exist yet.
                if target.starts_with("refs/") {
                    continue;
                }
            }
            match self.follow(value) {
                Ok(Some(id)) => self.refs.tips.push(Tip { name: name.clone(), id, kind: *kind }),
                // The target does not exist; git ignores such a ref as well.
                Ok(None) => {}
                Err(()) => {
                    self.refs.gaps.push(name, format!("a chain of more than {MAX_SYMREF_HOPS} symbolic refs"))
                }
            }
        }
        let packed = self.packed.into_iter().map(|(name, id)| Tip { name, id, kind: TipKind::Ref });
        self.refs.tips.extend(packed);
        self.refs.tips.sort();
        self.refs
    }

    /// The object at the end of a chain of symbolic refs, if any; an error if the chain is too long.
    fn follow(&self, value: &RefTarget) -> Result<Option<ObjectId>, ()> {
        let mut value = value;
        for hop in 0..=MAX_SYMREF_HOPS {
            match value {
                RefTarget::Id(id) => return Ok(Some(*id)),
                RefTarget::Symbolic(target) => match self.values.get(target) {
                    Some((_, next)) => value = next,
                    None => {
                        let id = self.packed_id(target);
                        return if id.is_some() && hop == MAX_SYMREF_HOPS { Err(()) } else { Ok(id) };
                    }
                },
            }
        }
        Err(())
    }

    /// The object of a ref that is only in `packed-refs`.
    fn packed_id(&self, name: &str) -> Option<ObjectId> {
        let position = self.packed.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(self.packed[position].1)
    }
}

#[cfg(test)]
mod tests;
