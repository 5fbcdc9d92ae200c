//! Resolves revisions and HEAD: with `gix` for refs in files, and by git's rules for refs in reftables, which `gix` does
//! not read.
//!
//! Only the ref name at the start of a revision is looked up in reftables. From the object that the name resolves to, `gix`
//! follows the suffix, such as `~2` or `:path`.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use gix::{ObjectId, Repository};

use super::gate::{self, MAX_SYMREF_HOPS};
use super::refs::reftable::Stack;
use super::refs::{self, LogEntry, RefStorage, RefTarget};

mod ambiguous;

/// The prefixes and suffixes with which git completes a short name, in the order in which it tries them.
const REF_RULES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];
/// Prefixes of refs that every work tree has for itself.
const PER_WORKTREE: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// Why a revision does not resolve.
#[derive(Debug, thiserror::Error)]
pub(super) enum RevisionError {
    /// No ref or object has that name.
    #[error("{0}")]
    Unknown(String),
    /// It is ambiguous, or cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// What HEAD points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The short name of the branch; `None` if HEAD is detached.
    pub(super) branch: Option<String>,
    /// The object, usually a commit.
    pub(super) id: Option<ObjectId>,
    /// Whether the branch has no commit yet.
    pub(super) is_unborn: bool,
}

/// HEAD of the work tree in which `repo` was opened.
pub(super) fn head(repo: &Repository) -> Result<Head, RevisionError> {
    if RefStorage::from_config(repo) == RefStorage::Tables {
        return ReftableNames::new(repo).head();
    }
    let refused = |error: gate::RefusedFile| RevisionError::Unreadable(error.to_string());
    gate::check_ref([repo.git_dir(), repo.common_dir()], "HEAD").map_err(refused)?;
    let head = repo.head().map_err(|error| RevisionError::Unreadable(error.to_string()))?;
    Ok(Head {
        branch: head.referent_name().map(|name| name.shorten().to_string()),
        id: head.id().map(gix::Id::detach),
        is_unborn: head.is_unborn(),
    })
}

/// The object that a revision resolves to. An ambiguous name does not resolve.
pub(super) fn resolve(repo: &Repository, revision: &str) -> Result<ObjectId, RevisionError> {
    ambiguous::refuse(repo, revision)?;
    match RefStorage::from_config(repo) {
        RefStorage::Tables => ReftableNames::new(repo).resolve(revision),
        _ => resolve_with_gix(repo, revision),
    }
}

/// Splits a revision into its name and its suffix, such as `~2`, `^{commit}`, `@{upstream}` or `:path`.
pub(super) fn split_suffix(revision: &str) -> (&str, &str) {
    let ends = [revision.find(['~', '^', ':']), revision.find("@{")];
    revision.split_at(ends.into_iter().flatten().min().unwrap_or(revision.len()))
}

/// Checks the files of all refs and objects before `gix` reads them, since a revision may lead to any of them.
fn check_files(repo: &Repository) -> Result<(), RevisionError> {
    let refused = |error: gate::RefusedFile| RevisionError::Unreadable(error.to_string());
    gate::check_ref_files(repo.git_dir())
        .and_then(|()| gate::check_ref_files(repo.common_dir()))
        .map_err(refused)?;
    let dirs = gate::check_object_dirs(repo.objects.store_ref().path()).map_err(refused)?;
    dirs.iter().try_for_each(|dir| gate::check_loose_objects(dir)).map_err(refused)
}

fn resolve_with_gix(repo: &Repository, revision: &str) -> Result<ObjectId, RevisionError> {
    check_files(repo)?;
    let id = repo.rev_parse_single(revision);
    id.map(gix::Id::detach).map_err(|error| RevisionError::Unknown(error.to_string()))
}

/// The refs of a repository with reftables.
struct ReftableNames<'r> {
    repo: &'r Repository,
    /// The tables of the common git directory.
    common: Rc<Stack>,
    /// The tables of the work tree; for the main work tree, `common`.
    work_tree: Rc<Stack>,
    /// The prefix of the full names of per-worktree refs, `worktrees/<id>/`; empty for the main work tree.
    prefix: String,
}

impl<'r> ReftableNames<'r> {
    fn new(repo: &'r Repository) -> Self {
        let (hash_kind, git_dir) = (repo.object_hash(), repo.git_dir());
        // The two paths are not compared, since one directory may have several.
        let is_linked = git_dir.join("commondir").exists();
        let id = git_dir.file_name().filter(|_| is_linked).map(|id| id.to_string_lossy());
        let common = Stack::read(repo.common_dir(), hash_kind);
        Self {
            repo,
            work_tree: if is_linked { Stack::read(git_dir, hash_kind) } else { Rc::clone(&common) },
            common,
            prefix: id.map(|id| format!("worktrees/{id}/")).unwrap_or_default(),
        }
    }

    fn head(&self) -> Result<Head, RevisionError> {
        match self.value("HEAD")? {
            Some(RefTarget::Id(id)) => Ok(Head { branch: None, id: Some(id), is_unborn: false }),
            Some(RefTarget::Symbolic(target)) => {
                let id = self.follow(RefTarget::Symbolic(target.clone()))?;
                let full_name = gix::refs::FullName::try_from(target.clone());
                let branch = full_name.map_or(target, |name| name.shorten().to_string());
                Ok(Head { branch: Some(branch), id, is_unborn: id.is_none() })
            }
            None => Err(RevisionError::Unreadable("the reftable has no such name".to_owned())),
        }
    }

    fn resolve(&self, revision: &str) -> Result<ObjectId, RevisionError> {
        let (name, suffix) = split_suffix(revision);
        if suffix.starts_with(":/") && name.is_empty() {
            return Err(RevisionError::Unreadable(
                "commits cannot be found by message if refs are stored in reftables; name the commit"
                    .to_owned(),
            ));
        }
        if name.is_empty() && suffix.starts_with(':') {
            return resolve_with_gix(self.repo, revision);
        }
        let (id, suffix) = match suffix.strip_prefix("@{").and_then(|rest| rest.split_once('}')) {
            Some((selector, suffix)) => (self.resolve_log_entry(name, selector)?, suffix),
            None => (self.resolve_name(name)?, suffix),
        };
        if suffix.is_empty() { Ok(id) } else { resolve_with_gix(self.repo, &format!("{id}{suffix}")) }
    }

    /// Resolves a name, an id, an abbreviated id, or the output of `git describe`.
    fn resolve_name(&self, name: &str) -> Result<ObjectId, RevisionError> {
        let hash_kind = self.repo.object_hash();
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if name.len() == hash_kind.len_in_hex() && is_hex(name) {
            return resolve_with_gix(self.repo, name);
        }
        if let Some((_, id)) = self.complete(if name == "@" { "HEAD" } else { name })? {
            return Ok(id);
        }
        // The format of `git describe`: tag, number of commits, and abbreviated id.
        let described = name.rsplit_once("-g").map(|(_, id)| id);
        match [Some(name), described].into_iter().flatten().find(|id| is_hex(id)) {
            Some(id) => resolve_with_gix(self.repo, id),
            None => Err(RevisionError::Unknown(format!("there is no `{name}`"))),
        }
    }

    /// Resolves a reflog entry: `name@{selector}`.
    fn resolve_log_entry(&self, name: &str, selector: &str) -> Result<ObjectId, RevisionError> {
        let unknown = || RevisionError::Unknown(format!("the reflog has no `{name}@{{{selector}}}`"));
        let logs = refs::read(self.repo).logs;
        let log = |name: &str| {
            let name = if is_per_worktree(name) { format!("{}{name}", self.prefix) } else { name.to_owned() };
            logs.iter().filter(move |entry| entry.log == name).collect::<Vec<&LogEntry>>()
        };
        if let Some(steps) = selector.strip_prefix('-').filter(|_| name.is_empty()) {
            let steps: usize = steps.parse().map_err(|_| unknown())?;
            let left_branches = log("HEAD").into_iter().filter_map(|entry| left_branch(&entry.message));
            let name = steps.checked_sub(1).and_then(|index| left_branches.into_iter().nth(index));
            return self.resolve_name(&name.ok_or_else(unknown)?);
        }
        let Ok(ago) = selector.parse::<usize>() else {
            return Err(RevisionError::Unreadable(format!(
                "`@{{{selector}}}` cannot be looked up if refs are stored in reftables, only `@{{<number>}}`; \
                 name the ref or the commit that is meant"
            )));
        };
        let full_name = match name {
            "" => self.target("HEAD")?.unwrap_or_else(|| "HEAD".to_owned()),
            "@" => "HEAD".to_owned(),
            name => self.complete(name)?.ok_or_else(unknown)?.0,
        };
        let mut entries = log(&full_name);
        if entries.is_empty()
            && let Some(target) = self.target(&full_name)?
        {
            entries = log(&target);
        }
        // The value before the oldest entry has a name, too.
        let before_oldest = || entries.last().filter(|_| ago == entries.len()).map(|entry| entry.old);
        let id = entries.get(ago).map(|entry| entry.new).or_else(before_oldest);
        id.filter(|id| !id.is_null()).ok_or_else(unknown)
    }

    /// The first existing full name for a short name, and the object that it leads to.
    fn complete(&self, name: &str) -> Result<Option<(String, ObjectId)>, RevisionError> {
        for (prefix, suffix) in REF_RULES {
            let full_name = format!("{prefix}{name}{suffix}");
            if let Some(value) = self.value(&full_name)?
                && let Some(id) = self.follow(value)?
            {
                return Ok(Some((full_name, id)));
            }
        }
        Ok(None)
    }

    /// The target of a symbolic ref; `None` for any other ref.
    fn target(&self, name: &str) -> Result<Option<String>, RevisionError> {
        let value = self.value(name)?;
        Ok(value.and_then(|value| if let RefTarget::Symbolic(target) = value { Some(target) } else { None }))
    }

    /// The object at the end of a chain of symbolic refs; `None` if the last ref does not exist.
    fn follow(&self, mut value: RefTarget) -> Result<Option<ObjectId>, RevisionError> {
        for _ in 0..=MAX_SYMREF_HOPS {
            match value {
                RefTarget::Id(id) => return Ok(Some(id)),
                RefTarget::Symbolic(target) => match self.value(&target)? {
                    Some(next) => value = next,
                    None => return Ok(None),
                },
            }
        }
        Err(RevisionError::Unreadable(format!("a chain of more than {MAX_SYMREF_HOPS} symbolic refs")))
    }

    /// The value of the ref with this full name; `None` if it does not exist.
    fn value(&self, name: &str) -> Result<Option<RefTarget>, RevisionError> {
        let (directory, stack, name): (PathBuf, Rc<Stack>, &str) = self.storage(name);
        if let Some(id) = refs::first_id_in_file(&directory, name, self.repo.object_hash()) {
            return Ok(Some(RefTarget::Id(id)));
        }
        stack.find(name).map_err(RevisionError::Unreadable)
    }

    /// Where the ref with this full name is stored: git directory, tables, and the name of the ref there.
    fn storage<'n>(&self, name: &'n str) -> (PathBuf, Rc<Stack>, &'n str) {
        let common: &Path = self.repo.common_dir();
        let linked = name.strip_prefix("worktrees/").and_then(|rest| rest.split_once('/'));
        if let Some((id, rest)) = linked.filter(|(id, _)| !id.starts_with('.')) {
            let directory = common.join("worktrees").join(id);
            let stack = Stack::read(&directory, self.repo.object_hash());
            return (directory, stack, rest);
        }
        match name.strip_prefix("main-worktree/") {
            Some(rest) => (common.to_owned(), Rc::clone(&self.common), rest),
            None if is_per_worktree(name) => {
                (self.repo.git_dir().to_owned(), Rc::clone(&self.work_tree), name)
            }
            None => (common.to_owned(), Rc::clone(&self.common), name),
        }
    }
}

/// Whether every work tree has its own ref with this full name.
fn is_per_worktree(name: &str) -> bool {
    let names_work_tree = name.starts_with("worktrees/") || name.starts_with("main-worktree/");
    !names_work_tree
        && (!name.starts_with("refs/") || PER_WORKTREE.iter().any(|prefix| name.starts_with(prefix)))
}

/// The branch that a checkout left, from the message in HEAD's reflog; `None` for any other message.
fn left_branch(message: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    Some(text.strip_prefix("checkout: moving from ")?.split_once(" to ")?.0.to_owned())
}

#[cfg(test)]
mod tests;
