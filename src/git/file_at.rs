//! A file as it is in a commit.

use gix::Repository;
use gix::objs::{Kind, TreeRefIter};

use super::commit::Header;
use super::lookup::Lookup;
use super::revision;

/// The id of the commit that a revision resolves to; `None` if it is missing or not a commit.
pub fn commit_id(repo: &Repository, revision: &str) -> Option<String> {
    let object = repo.find_object(revision::resolve(repo, revision).ok()?).ok()?;
    Some(object.peel_to_commit().ok()?.id.to_string())
}

/// Why a revision does not resolve although its name exists: it is ambiguous, or cannot be read.
pub fn why_unclear(repo: &Repository, revision: &str) -> Option<String> {
    match revision::resolve(repo, revision) {
        Err(revision::RevisionError::Unreadable(reason)) => Some(reason),
        _ => None,
    }
}

/// Whether the commit that `revision` resolves to has `path`, an entry below it, or a file in place of one of its
/// parent folders.
///
/// # Errors
/// When the revision or one of its trees cannot be read.
pub fn is_tracked_at(repo: &Repository, revision: &str, path: &str) -> Result<bool, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let broken = |error: gix::Error| failed(error.to_string());
    let id = revision::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
    let tree = repo.find_object(id).map_err(broken)?.peel_to_tree().map_err(broken)?;
    for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
        match tree.lookup_entry_by_path(&path[..end]).map_err(broken)? {
            None => return Ok(false),
            Some(entry) if !entry.mode().is_tree() => return Ok(true),
            Some(_) => {}
        }
    }
    Ok(true)
}

/// Why a file of a commit cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read at {revision}: {reason}")]
pub struct FileAtError {
    path: String,
    revision: String,
    reason: String,
}

/// The bytes of the file `path` in the tree of `revision`; `None` if it has no such file. Links are not followed.
///
/// # Errors
/// When the revision, one of its trees or the file cannot be read; when it is not a regular file, or longer than `limit`
/// bytes.
pub fn file_at(
    repo: &Repository,
    revision: &str,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let id = revision::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
    let mut lookup = Lookup::new(repo);
    let missing = |lookup: Lookup| {
        let first = lookup.gaps.into_skips().into_iter().next();
        failed(first.map_or_else(String::new, |skip| format!("{} is {}", skip.what, skip.reason)))
    };
    let tree = match lookup.peel(id) {
        Some((Kind::Commit, id)) => {
            lookup.of_kind(&id, Kind::Commit).and_then(|bytes| Header::new(bytes).tree())
        }
        Some((Kind::Tree, id)) => Some(id),
        Some((kind, _)) => return Err(failed(format!("the revision is a {kind}"))),
        None => None,
    };
    let Some(mut at) = tree else { return Err(missing(lookup)) };
    let mut components = path.split('/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = components.next() {
        let Some(bytes) = lookup.of_kind(&at, Kind::Tree) else { return Err(missing(lookup)) };
        let mut entries = TreeRefIter::from_bytes(bytes, repo.object_hash()).map_while(Result::ok);
        let Some(entry) = entries.find(|entry| entry.filename == name.as_bytes()) else { return Ok(None) };
        let is_last = components.peek().is_none();
        if is_last && !entry.mode.is_blob() {
            return Err(failed("it is not a regular file".to_owned()));
        }
        if !is_last && !entry.mode.is_tree() {
            return Ok(None);
        }
        at = entry.oid.to_owned();
    }
    let Some(bytes) = lookup.of_kind(&at, Kind::Blob) else { return Err(missing(lookup)) };
    if bytes.len() as u64 > limit {
        return Err(failed(format!("it is longer than {limit} bytes")));
    }
    Ok(Some(bytes.to_vec()))
}
