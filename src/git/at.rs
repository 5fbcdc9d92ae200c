//! One file as a commit has it.

use gix::Repository;

use super::names;

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
