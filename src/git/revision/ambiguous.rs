//! Refuses ambiguous names.
//!
//! Git takes the first match of its rules and warns. So a pushed tag named `origin/main` would take precedence over
//! the branch and could empty a range that starts there. Here an ambiguous name does not resolve.

use std::collections::{BTreeMap, HashSet};

use gix::hash::Prefix;
use gix::{ObjectId, Repository};

use super::super::lookup::Lookup;
use super::super::refs;
use super::{PER_WORKTREE, REF_RULES, RevisionError, gated, stem};

/// Maximum number of candidates listed in a message.
const MAX_LISTED: usize = 6;
/// Hex digits of an id in a message.
const SHOWN_DIGITS: usize = 10;

/// Refuses a revision whose name is ambiguous. HEAD, full names and full ids never are.
pub(super) fn refuse(repo: &Repository, revision: &str) -> Result<(), RevisionError> {
    let (name, way) = stem(revision);
    if let Some(back) =
        way.strip_prefix("@{-").and_then(|way| way.split_once('}')).filter(|_| name.is_empty())
    {
        // The previously checked-out branch, for which the reflog has the short name.
        let back = back.0.parse::<usize>().ok().and_then(|back| back.checked_sub(1));
        let logs = refs::read(repo).logs;
        let left = logs.iter().filter(|entry| entry.log == format!("{}HEAD", prefix(repo)));
        let left = back.and_then(|back| left.filter_map(|entry| super::left(&entry.message)).nth(back));
        return left.map_or(Ok(()), |name| one(repo, &name, false));
    }
    one(repo, name, way.starts_with("@{"))
}

/// Refuses an ambiguous name. For a reflog, two refs are ambiguous even if they point to the same object.
fn one(repo: &Repository, name: &str, is_log: bool) -> Result<(), RevisionError> {
    if ["", "@", "HEAD"].contains(&name) {
        return Ok(());
    }
    let is_hex = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut lookup = Lookup::new(repo);
    if name.len() == lookup.hash().len_in_hex() && is_hex(name) {
        let id =
            ObjectId::from_hex(name.as_bytes()).map_err(|error| RevisionError::Unknown(error.to_string()))?;
        // An id takes precedence over a ref of the same name.
        return lookup
            .has(&id)
            .then_some(())
            .ok_or_else(|| RevisionError::Unknown(format!("there is no object {id}")));
    }
    let mut found = named(repo, name);
    if name.starts_with("refs/") {
        return match found.contains_key(name) {
            true => Ok(()),
            false => Err(RevisionError::Unknown(format!("there is no `{name}`"))),
        };
    }
    if found.is_empty() {
        return Ok(());
    }
    let described = name.rsplit_once("-g").map(|(_, id)| id);
    for id in [Some(name), described].into_iter().flatten().filter(|id| is_hex(id)) {
        let objects = beginning(repo, id)?;
        found.extend(objects.into_iter().map(|id| (format!("object {id}"), id)));
    }
    let targets: HashSet<ObjectId> =
        found.values().map(|&id| lookup.peel(id).map_or(id, |(_, peeled)| peeled)).collect();
    if found.len() == 1 || targets.len() == 1 && !is_log {
        return Ok(());
    }
    let mut list: Vec<String> = found.iter().take(MAX_LISTED).map(|(name, id)| shown(name, id)).collect();
    if found.len() > MAX_LISTED {
        list.push(format!("{} more", found.len() - MAX_LISTED));
    }
    // A remote's branch is the most likely meaning.
    let remote = format!("refs/remotes/{name}");
    let example = if found.contains_key(&remote) { Some(&remote) } else { found.keys().next_back() };
    let example = example.map_or("", |full| full.strip_prefix("object ").unwrap_or(full));
    Err(RevisionError::Unreadable(format!(
        "`{name}` is ambiguous, it may be {}; write the full name or id of what is meant, e.g. `{example}`",
        list.join(" or ")
    )))
}

fn shown(name: &str, id: &ObjectId) -> String {
    if name.starts_with("object ") {
        name.to_owned()
    } else {
        format!("{name} ({})", id.to_hex_with_len(SHOWN_DIGITS))
    }
}

/// The refs that match a name by git's rules: full name and object.
fn named(repo: &Repository, name: &str) -> BTreeMap<String, ObjectId> {
    let tips = refs::read(repo).tips;
    let prefix = prefix(repo);
    let mut found = BTreeMap::new();
    for (before, behind) in REF_RULES {
        let full = format!("{before}{name}{behind}");
        let is_own = !full.starts_with("refs/") || PER_WORKTREE.iter().any(|own| full.starts_with(own));
        let own = format!("{prefix}{full}");
        let is_it = |tip: &&refs::Tip| tip.name == full || is_own && tip.name == own;
        if let Some(tip) = tips.iter().find(is_it) {
            found.insert(full, tip.id);
        }
    }
    found
}

/// The prefix of per-worktree refs in a linked work tree.
fn prefix(repo: &Repository) -> String {
    let own = repo.git_dir();
    let id = own.file_name().filter(|_| own.join("commondir").exists());
    id.map(|id| format!("worktrees/{}/", id.to_string_lossy())).unwrap_or_default()
}

/// The objects whose ids begin with `hex`; none if git does not accept it as an abbreviation.
fn beginning(repo: &Repository, hex: &str) -> Result<HashSet<ObjectId>, RevisionError> {
    let (digits, all) = (hex.len(), repo.object_hash().len_in_hex());
    let mut found = HashSet::new();
    if !(Prefix::MIN_HEX_LEN..=all).contains(&digits) {
        return Ok(found);
    }
    gated(repo)?;
    let unreadable = |error: String| RevisionError::Unreadable(error);
    let padded = format!("{hex:0<all$}");
    let id = ObjectId::from_hex(padded.as_bytes()).map_err(|error| unreadable(error.to_string()))?;
    let prefix = Prefix::new(&id, digits).map_err(|error| unreadable(error.to_string()))?;
    let one = repo.objects.lookup_prefix(prefix, Some(&mut found));
    if let Some(Ok(id)) = one.map_err(|error| unreadable(error.to_string()))? {
        found.insert(id);
    }
    Ok(found)
}
