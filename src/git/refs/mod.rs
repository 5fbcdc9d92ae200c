//! Everything that keeps objects alive by name: refs, HEADs, pseudo refs, reflogs.
//!
//! Read straight from where git keeps them, which is `files` or the tables of a `reftable`. Logs of
//! refs that were deleted are read too.

mod files;
mod reflog_text;
pub(super) mod reftable;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gix::ObjectId;

use super::lookup::Gaps;
pub(super) use files::first_id_in_file;
pub(super) use storage::RefStorage;

/// Symbolic refs followed in a row; git follows five.
pub(super) const MAX_SYMREF_HOPS: usize = 5;

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
    /// When, as git writes it: seconds since 1970, and the offset from UTC.
    pub when: Vec<u8>,
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
    /// Names that are written there and stand for nothing: those of refs that were deleted, which a table
    /// goes on holding, and what symbolic refs stand for.
    pub other_names: BTreeSet<String>,
    /// Whether the logs stand in tables, which nobody can read as they are, and not in files.
    pub uses_reftable: bool,
    /// Entries of tables that no log has any longer: deleted or replaced by a later table, or without an object.
    pub superseded: Vec<LogEntry>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// Reads all names of `repo`, in whichever of its work trees it was opened.
pub fn read(repo: &gix::Repository) -> Refs {
    let common = repo.common_dir();
    let mut reader = Reader { hash: repo.object_hash(), values: BTreeMap::new(), refs: Refs::default() };
    let storage = RefStorage::of(repo);
    let read_from: fn(&mut Reader, &Path, &str) = match &storage {
        RefStorage::Files => Reader::read_git_dir,
        RefStorage::Tables => Reader::read_tables,
        RefStorage::Unknown(name) => {
            let reason = format!(
                "kept as `{name}`, which is not read; `git refs migrate --ref-format=files` makes them files"
            );
            reader.refs.gaps.push("refs", reason);
            return reader.refs;
        }
    };
    read_from(&mut reader, common, "");
    for name in files::sorted_names(&common.join("worktrees")).unwrap_or_default() {
        let prefix = format!("worktrees/{}/", name.to_string_lossy());
        read_from(&mut reader, &common.join("worktrees").join(&name), &prefix);
    }
    if storage == RefStorage::Files {
        if common.join("reftable/tables.list").exists() {
            let reason = "not read, since the configuration says that refs are files; remove it when it is a left-over";
            reader.refs.gaps.push("reftable", reason);
        }
        // After the loose refs: one that is packed meanwhile is met here.
        reader.read_packed_refs(common);
    }
    reader.finish()
}

/// What a ref says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefTarget {
    Id(ObjectId),
    Symbolic(String),
}

pub(super) struct Reader {
    hash: gix::hash::Kind,
    values: BTreeMap<String, (TipKind, RefTarget)>,
    refs: Refs,
}

impl Reader {
    /// Follows symbolic refs, and sorts.
    fn finish(mut self) -> Refs {
        for (name, (kind, value)) in &self.values {
            if let RefTarget::Symbolic(target) = value {
                self.refs.other_names.insert(target.clone());
            }
            if let (TipKind::Head, RefTarget::Symbolic(target)) = (kind, value) {
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
                Err(()) => self.refs.gaps.push(
                    name,
                    format!("a symbolic ref that goes on for more than {MAX_SYMREF_HOPS} others"),
                ),
            }
        }
        self.refs.tips.sort();
        self.refs
    }

    /// The object at the end of symbolic refs, if there is one. An error when the end is too far off.
    fn follow(&self, value: &RefTarget) -> Result<Option<ObjectId>, ()> {
        let mut value = value;
        for _ in 0..=MAX_SYMREF_HOPS {
            match value {
                RefTarget::Id(id) => return Ok(Some(*id)),
                RefTarget::Symbolic(target) => match self.values.get(target) {
                    Some((_, next)) => value = next,
                    None => return Ok(None),
                },
            }
        }
        Err(())
    }
}

#[cfg(test)]
mod tests;
