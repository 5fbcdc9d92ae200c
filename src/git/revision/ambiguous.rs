//! Refuses ambiguous names in revisions.
//!
//! Git warns and takes the first full name that exists. So a pushed tag named `origin/main` would take precedence over
//! the branch, and could make a range that starts there empty. Here an ambiguous name does not resolve.

use std::collections::{BTreeMap, HashSet};

use gix::hash::Prefix;
use gix::{ObjectId, Repository};

use super::super::lookup::Lookup;
use super::super::refs;
use super::{REF_RULES, RevisionError, check_files, is_per_worktree, split_suffix};

/// Maximum number of candidates listed in a message.
const MAX_LISTED: usize = 6;
/// Number of hex digits of an id in a message.
const ID_DIGITS: usize = 10;

/// Refuses a revision whose name is ambiguous, or is a full name or id that does not exist. HEAD, full names and full ids are
/// never ambiguous.
pub(super) fn refuse(repo: &Repository, revision: &str) -> Result<(), RevisionError> {
    let (name, suffix) = split_suffix(revision);
    if let Some((steps, _)) =
        suffix.strip_prefix("@{-").and_then(|rest| rest.split_once('}')).filter(|_| name.is_empty())
    {
        // A previously checked-out branch, for which the reflog has the short name.
        let index = steps.parse::<usize>().ok().and_then(|steps| steps.checked_sub(1));
        let logs = refs::read(repo).logs;
        let head_log = logs.iter().filter(|entry| entry.log == format!("{}HEAD", prefix(repo)));
        let mut left_branches = head_log.filter_map(|entry| super::left_branch(&entry.message));
        let branch = index.and_then(|index| left_branches.nth(index));
        return branch.map_or(Ok(()), |name| refuse_name(repo, &name, false));
    }
    refuse_name(repo, name, suffix.starts_with("@{"))
}

/// Refuses an ambiguous name. If it names a reflog, two refs are ambiguous even if they point to the same object.
fn refuse_name(repo: &Repository, name: &str, is_log: bool) -> Result<(), RevisionError> {
    if ["", "@", "HEAD"].contains(&name) {
        return Ok(());
    }
    let is_hex = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut lookup = Lookup::new(repo);
    if name.len() == lookup.hash_kind().len_in_hex() && is_hex(name) {
        let id =
            ObjectId::from_hex(name.as_bytes()).map_err(|error| RevisionError::Unknown(error.to_string()))?;
        // An id takes precedence over a ref of the same name.
        return lookup
            .has(&id)
            .then_some(())
            .ok_or_else(|| RevisionError::Unknown(format!("there is no object {id}")));
    }
    let mut candidates = matching_refs(repo, name);
    if name.starts_with("refs/") {
        return match candidates.contains_key(name) {
            true => Ok(()),
            false => Err(RevisionError::Unknown(format!("there is no `{name}`"))),
        };
    }
    if candidates.is_empty() {
        return Ok(());
    }
    // The format of `git describe`: tag, number of commits, and abbreviated id.
    let described = name.rsplit_once("-g").map(|(_, id)| id);
    for id in [Some(name), described].into_iter().flatten().filter(|id| is_hex(id)) {
        let objects = abbreviated_objects(repo, id)?;
        candidates.extend(objects.into_iter().map(|id| (format!("object {id}"), id)));
    }
    let targets: HashSet<ObjectId> =
        candidates.values().map(|&id| lookup.peel(id).map_or(id, |(_, peeled)| peeled)).collect();
    if candidates.len() == 1 || targets.len() == 1 && !is_log {
        return Ok(());
    }
    let mut list: Vec<String> =
        candidates.iter().take(MAX_LISTED).map(|(name, id)| describe(name, id)).collect();
    if candidates.len() > MAX_LISTED {
        list.push(format!("{} more", candidates.len() - MAX_LISTED));
    }
    // A remote's branch is the most likely meaning.
    let remote = format!("refs/remotes/{name}");
    let example =
        if candidates.contains_key(&remote) { Some(&remote) } else { candidates.keys().next_back() };
    let example = example.map_or("", |full| full.strip_prefix("object ").unwrap_or(full));
    Err(RevisionError::Unreadable(format!(
        "`{name}` is ambiguous, it may be {}; write the full name or id of what is meant, e.g. `{example}`",
        list.join(" or ")
    )))
}

/// How a message shows a candidate.
fn describe(name: &str, id: &ObjectId) -> String {
    if name.starts_with("object ") {
        name.to_owned()
    } else {
        format!("{name} ({})", id.to_hex_with_len(ID_DIGITS))
    }
}

/// The refs whose full names git would try for `name`, with their objects.
fn matching_refs(repo: &Repository, name: &str) -> BTreeMap<String, ObjectId> {
    let tips = refs::read(repo).tips;
    let prefix = prefix(repo);
    let mut matches = BTreeMap::new();
    for (before, after) in REF_RULES {
        let full_name = format!("{before}{name}{after}");
        let work_tree_name = format!("{prefix}{full_name}");
        let has_name = |tip: &&refs::Tip| {
            tip.name == full_name || is_per_worktree(&full_name) && tip.name == work_tree_name
        };
        if let Some(tip) = tips.iter().find(has_name) {
            matches.insert(full_name, tip.id);
        }
    }
    matches
}

/// The prefix of the full names of per-worktree refs, `worktrees/<id>/`; empty for the main work tree.
fn prefix(repo: &Repository) -> String {
    let git_dir = repo.git_dir();
    let id = git_dir.file_name().filter(|_| git_dir.join("commondir").exists());
    id.map(|id| format!("worktrees/{}/", id.to_string_lossy())).unwrap_or_default()
}

/// The objects whose ids begin with `hex`; none if `hex` is too short or too long for an abbreviated id.
fn abbreviated_objects(repo: &Repository, hex: &str) -> Result<HashSet<ObjectId>, RevisionError> {
    let (digits, id_digits) = (hex.len(), repo.object_hash().len_in_hex());
    let mut objects = HashSet::new();
    if !(Prefix::MIN_HEX_LEN..=id_digits).contains(&digits) {
        return Ok(objects);
    }
    check_files(repo)?;
    let unreadable = |error: String| RevisionError::Unreadable(error);
    let padded = format!("{hex:0<id_digits$}");
    let id = ObjectId::from_hex(padded.as_bytes()).map_err(|error| unreadable(error.to_string()))?;
    let prefix = Prefix::new(&id, digits).map_err(|error| unreadable(error.to_string()))?;
    let single_object = repo.objects.lookup_prefix(prefix, Some(&mut objects));
    if let Some(Ok(id)) = single_object.map_err(|error| unreadable(error.to_string()))? {
        objects.insert(id);
    }
    Ok(objects)
}
