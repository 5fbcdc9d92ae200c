//! One file as a commit has it.

use gix::Repository;

use super::names;

/// The id of the commit that a revision means; `None` when it is not here, or is no commit.
pub fn commit_id(repo: &Repository, revision: &str) -> Option<String> {
    let object = repo.find_object(names::resolve(repo, revision).ok()?).ok()?;
    Some(object.peel_to_commit().ok()?.id.to_string())
}

/// Whether the commit that `revision` means has `path`, a folder above it that is none, or an entry below it.
///
/// # Errors
/// When the revision or one of its trees cannot be read.
pub fn is_tracked_at(repo: &Repository, revision: &str, path: &str) -> Result<bool, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let broken = |error: gix::Error| failed(error.to_string());
    let id = names::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
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

/// Why a file of a commit cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read at {revision}: {reason}")]
pub struct FileAtError {
    path: String,
    revision: String,
    reason: String,
}

/// The bytes of the file `path` in the tree of `revision`; `None` when it has none. Nothing is followed.
///
/// # Errors
/// When the revision, one of its trees or the file cannot be read; when it is no regular file, or longer
/// than `limit` bytes.
pub fn file_at(
    repo: &Repository,
    revision: &str,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let broken = |error: gix::Error| failed(error.to_string());
    let id = names::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
    let object = repo.find_object(id).map_err(broken)?;
    let tree = object.peel_to_tree().map_err(broken)?;
    let Some(entry) = tree.lookup_entry_by_path(path).map_err(broken)? else { return Ok(None) };
    if !entry.mode().is_blob() {
        return Err(failed("it is no regular file".to_owned()));
    }
    let length = repo.find_header(entry.object_id()).map_err(broken)?.size();
    if length > limit {
        return Err(failed(format!("it is longer than {limit} bytes")));
    }
    Ok(Some(entry.object().map_err(broken)?.detach().data))
}
