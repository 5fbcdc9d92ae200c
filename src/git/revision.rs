//! Resolves revisions and HEAD: with `gix` for refs in files, and by git's rules for refs in reftables, which `gix` does
//! not read.
//!
//! Only the ref name at the start of a revision is looked up in reftables. `gix` follows the suffix, `~2` or `:path`, from
//! the object that the name resolves to.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use gix::{ObjectId, Repository};

use super::gate;
use super::refs::reftable::Stack;
use super::refs::{self, LogEntry, MAX_SYMREF_HOPS, RefStorage, RefTarget};

mod ambiguous;

/// Prefixes and suffixes with which git tries a short name, in order.
const REF_RULES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];
/// Prefixes of refs that are separate for each work tree.
const PER_WORKTREE: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// Why a name does not resolve.
#[derive(Debug, thiserror::Error)]
pub(super) enum RevisionError {
    /// Nothing has that name.
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
    if RefStorage::of(repo) == RefStorage::Tables {
        return ReftableNames::of(repo).head();
    }
    let refused = |error: gate::Refused| RevisionError::Unreadable(error.to_string());
    gate::named_ref([repo.git_dir(), repo.common_dir()], "HEAD").map_err(refused)?;
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
    match RefStorage::of(repo) {
        RefStorage::Tables => ReftableNames::of(repo).resolve(revision),
        _ => by_gix(repo, revision),
    }
}

/// Splits a revision into its name and its suffix: `~2`, `^{commit}`, `@{upstream}`, `:path`.
pub(super) fn stem(revision: &str) -> (&str, &str) {
    let ends = [revision.find(['~', '^', ':']), revision.find("@{")];
    revision.split_at(ends.into_iter().flatten().min().unwrap_or(revision.len()))
}

/// Checks the files of all refs and objects, since a revision may lead to any of them.
fn gated(repo: &Repository) -> Result<(), RevisionError> {
    let refused = |error: gate::Refused| RevisionError::Unreadable(error.to_string());
    gate::refs(repo.git_dir()).and_then(|()| gate::refs(repo.common_dir())).map_err(refused)?;
    let dirs = gate::objects(repo.objects.store_ref().path()).map_err(refused)?;
    dirs.iter().try_for_each(|dir| gate::loose(dir)).map_err(refused)
}

fn by_gix(repo: &Repository, revision: &str) -> Result<ObjectId, RevisionError> {
    gated(repo)?;
    let found = repo.rev_parse_single(revision);
    found.map(gix::Id::detach).map_err(|error| RevisionError::Unknown(error.to_string()))
}

/// The refs of a repository with reftables.
struct ReftableNames<'r> {
    repo: &'r Repository,
    common: Rc<Stack>,
    /// That of the work tree; in the main work tree, the common one.
    own: Rc<Stack>,
    /// The prefix of per-worktree refs in a linked work tree.
    prefix: String,
}

impl<'r> ReftableNames<'r> {
    fn of(repo: &'r Repository) -> Self {
        let (hash, own) = (repo.object_hash(), repo.git_dir());
        // Paths are not compared, since the same directory may have two.
        let is_linked = own.join("commondir").exists();
        let id = own.file_name().filter(|_| is_linked).map(|id| id.to_string_lossy());
        let common = Stack::of(repo.common_dir(), hash);
        Self {
            repo,
            own: if is_linked { Stack::of(own, hash) } else { Rc::clone(&common) },
            common,
            prefix: id.map(|id| format!("worktrees/{id}/")).unwrap_or_default(),
        }
    }

    fn head(&self) -> Result<Head, RevisionError> {
        match self.value("HEAD")? {
            Some(RefTarget::Id(id)) => Ok(Head { branch: None, id: Some(id), is_unborn: false }),
            Some(RefTarget::Symbolic(target)) => {
                let id = self.follow(RefTarget::Symbolic(target.clone()))?;
                let full = gix::refs::FullName::try_from(target.clone());
                let branch = full.map_or(target, |name| name.shorten().to_string());
                Ok(Head { branch: Some(branch), id, is_unborn: id.is_none() })
            }
            None => Err(RevisionError::Unreadable("the reftable has no such name".to_owned())),
        }
    }

    fn resolve(&self, revision: &str) -> Result<ObjectId, RevisionError> {
        let (name, way) = stem(revision);
        if way.starts_with(":/") && name.is_empty() {
            return Err(RevisionError::Unreadable(
                "commits cannot be found by message if refs are stored in reftables; name the commit"
                    .to_owned(),
            ));
        }
        if name.is_empty() && way.starts_with(':') {
            return by_gix(self.repo, revision);
        }
        let (id, way) = match way.strip_prefix("@{").and_then(|way| way.split_once('}')) {
            Some((which, way)) => (self.logged(name, which)?, way),
            None => (self.named(name)?, way),
        };
        if way.is_empty() { Ok(id) } else { by_gix(self.repo, &format!("{id}{way}")) }
    }

    /// The object of a name, an id, or an abbreviated id.
    fn named(&self, name: &str) -> Result<ObjectId, RevisionError> {
        let hash = self.repo.object_hash();
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if name.len() == hash.len_in_hex() && is_hex(name) {
            return by_gix(self.repo, name);
        }
        if let Some((_, id)) = self.by_rules(if name == "@" { "HEAD" } else { name })? {
            return Ok(id);
        }
        // In the format of `git describe`.
        let described = name.rsplit_once("-g").map(|(_, id)| id);
        match [Some(name), described].into_iter().flatten().find(|id| is_hex(id)) {
            Some(id) => by_gix(self.repo, id),
            None => Err(RevisionError::Unknown(format!("there is no `{name}`"))),
        }
    }

    /// Resolves a reflog entry: `name@{which}`.
    fn logged(&self, name: &str, which: &str) -> Result<ObjectId, RevisionError> {
        let unknown = || RevisionError::Unknown(format!("the reflog has no `{name}@{{{which}}}`"));
        let logs = refs::read(self.repo).logs;
        let log = |full: &str| {
            let full = if self.is_own(full) { format!("{}{full}", self.prefix) } else { full.to_owned() };
            logs.iter().filter(move |entry| entry.log == full).collect::<Vec<&LogEntry>>()
        };
        if let Some(back) = which.strip_prefix('-').filter(|_| name.is_empty()) {
            let back: usize = back.parse().map_err(|_| unknown())?;
            let left = log("HEAD").into_iter().filter_map(|entry| left(&entry.message));
            let name = back.checked_sub(1).and_then(|back| left.into_iter().nth(back));
            return self.named(&name.ok_or_else(unknown)?);
        }
        let Ok(ago) = which.parse::<usize>() else {
            return Err(RevisionError::Unreadable(format!(
                "`@{{{which}}}` cannot be looked up if refs are stored in reftables, only `@{{<number>}}`; \
                 name the ref or the commit that is meant"
            )));
        };
        let full = match name {
            "" => self.target("HEAD")?.unwrap_or_else(|| "HEAD".to_owned()),
            "@" => "HEAD".to_owned(),
            name => self.by_rules(name)?.ok_or_else(unknown)?.0,
        };
        let mut entries = log(&full);
        if entries.is_empty()
            && let Some(target) = self.target(&full)?
        {
            entries = log(&target);
        }
        let before = || entries.last().filter(|_| ago == entries.len()).map(|entry| entry.old);
        let id = entries.get(ago).map(|entry| entry.new).or_else(before);
        id.filter(|id| !id.is_null()).ok_or_else(unknown)
    }

    /// The first full name that a short one matches, and its object.
    fn by_rules(&self, name: &str) -> Result<Option<(String, ObjectId)>, RevisionError> {
        for (before, behind) in REF_RULES {
            let full = format!("{before}{name}{behind}");
            if let Some(value) = self.value(&full)?
                && let Some(id) = self.follow(value)?
            {
                return Ok(Some((full, id)));
            }
        }
        Ok(None)
    }

    /// The target of a symbolic ref.
    fn target(&self, name: &str) -> Result<Option<String>, RevisionError> {
        let value = self.value(name)?;
        Ok(value.and_then(|value| if let RefTarget::Symbolic(target) = value { Some(target) } else { None }))
    }

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

    /// The value of a ref, by its full name.
    fn value(&self, name: &str) -> Result<Option<RefTarget>, RevisionError> {
        let (directory, of, name): (PathBuf, Rc<Stack>, &str) = self.place(name);
        if let Some(id) = refs::first_id_in_file(&directory, name, self.repo.object_hash()) {
            return Ok(Some(RefTarget::Id(id)));
        }
        of.find(name).map_err(RevisionError::Unreadable)
    }

    /// Where a ref is kept: git directory, reftables, and its name there.
    fn place<'n>(&self, name: &'n str) -> (PathBuf, Rc<Stack>, &'n str) {
        let common: &Path = self.repo.common_dir();
        let other = name.strip_prefix("worktrees/").and_then(|rest| rest.split_once('/'));
        if let Some((id, rest)) = other.filter(|(id, _)| !id.starts_with('.')) {
            let directory = common.join("worktrees").join(id);
            let stack = Stack::of(&directory, self.repo.object_hash());
            return (directory, stack, rest);
        }
        match name.strip_prefix("main-worktree/") {
            Some(rest) => (common.to_owned(), Rc::clone(&self.common), rest),
            None if self.is_own(name) => (self.repo.git_dir().to_owned(), Rc::clone(&self.own), name),
            None => (common.to_owned(), Rc::clone(&self.common), name),
        }
    }

    /// Whether each work tree has its own ref of that full name.
    fn is_own(&self, name: &str) -> bool {
        let is_of_all = name.starts_with("worktrees/") || name.starts_with("main-worktree/");
        !is_of_all && (!name.starts_with("refs/") || PER_WORKTREE.iter().any(|own| name.starts_with(own)))
    }
}

/// The branch that was left, from the reflog message of a checkout.
fn left(message: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    Some(text.strip_prefix("checkout: moving from ")?.split_once(" to ")?.0.to_owned())
}

#[cfg(test)]
mod tests;
