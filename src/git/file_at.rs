//! Reads files from the tree of a commit.

use gix::objs::{Kind, TreeRefIter};
use gix::{ObjectId, Repository};

use super::commit::Header;
use super::lookup::Lookup;
use super::revision;

/// The id of the commit that a revision resolves to; `None` if it is missing or not a commit.
pub fn commit_id(repo: &Repository, revision: &str) -> Option<String> {
    let object = repo.find_object(revision::resolve(repo, revision).ok()?).ok()?;
    Some(object.peel_to_commit().ok()?.id.to_string())
}

/// Why a revision does not resolve although its name exists: it is ambiguous or cannot be read. `None` if it resolves or does
/// not exist.
pub fn unresolved_reason(repo: &Repository, revision: &str) -> Option<String> {
    match revision::resolve(repo, revision) {
        Err(revision::RevisionError::Unreadable(reason)) => Some(reason),
        _ => None,
    }
}

/// Whether the commit that `revision` resolves to has a file or directory `path`, or a file in place of one of its parent
/// directories.
///
/// # Errors
/// When the revision or one of its trees cannot be read.
pub fn is_tracked_at(repo: &Repository, revision: &str, path: &str) -> Result<bool, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let unreadable = |error: gix::Error| failed(error.to_string());
    let id = revision::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
    let tree = repo.find_object(id).map_err(unreadable)?.peel_to_tree().map_err(unreadable)?;
    for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
        match tree.lookup_entry_by_path(&path[..end]).map_err(unreadable)? {
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

/// Maximum number of symbolic links that are followed to a file.
const MAX_LINKS: usize = 16;
/// Maximum length of the target of a link, in bytes.
const MAX_TARGET_LEN: usize = 4096;

/// The content of the file `path` in the tree of `revision`; `None` if there is no such file. Symbolic links within the tree
/// are followed.
///
/// # Errors
/// When the revision, one of its trees or the file cannot be read, and when the file is not a regular one, is a link out of
/// the tree, or is longer than `limit` bytes.
pub fn file_at(
    repo: &Repository,
    revision: &str,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, FileAtError> {
    let failed = |reason: String| FileAtError { path: path.into(), revision: revision.into(), reason };
    let id = revision::resolve(repo, revision).map_err(|error| failed(error.to_string()))?;
    let mut lookup = Lookup::new(repo);
    let file = find_file(repo, &mut lookup, id, path);
    match file.and_then(|id| match id {
        None => Ok(None),
        Some(id) => lookup.read_as(&id, Kind::Blob).map(|bytes| Some(bytes.to_vec())).ok_or(None),
    }) {
        Ok(Some(bytes)) if bytes.len() as u64 > limit => {
            Err(failed(format!("it is longer than {limit} bytes")))
        }
        Ok(bytes) => Ok(bytes),
        Err(Some(reason)) => Err(failed(reason)),
        Err(None) => {
            let skip = lookup.gaps.into_skips().into_iter().next();
            Err(failed(skip.map_or_else(String::new, |skip| format!("{} is {}", skip.what, skip.reason))))
        }
    }
}

/// The id of the file `path` in the commit or tree `id`. An error without a reason means that `lookup` could not read an
/// object and recorded why.
fn find_file(
    repo: &Repository,
    lookup: &mut Lookup,
    id: ObjectId,
    path: &str,
) -> Result<Option<ObjectId>, Option<String>> {
    let root = match lookup.peel(id) {
        Some((Kind::Commit, id)) => {
            lookup.read_as(&id, Kind::Commit).and_then(|bytes| Header::new(bytes).tree())
        }
        Some((Kind::Tree, id)) => Some(id),
        Some((kind, _)) => return Err(Some(format!("the revision is a {kind}"))),
        None => None,
    };
    let root = root.ok_or(None)?;
    let mut path = path.as_bytes().to_vec();
    for _ in 0..=MAX_LINKS {
        match walk(repo, lookup, root, &path)? {
            WalkEnd::Nothing => return Ok(None),
            WalkEnd::File(id) => return Ok(Some(id)),
            WalkEnd::Link { id, parent, rest } => {
                let target = lookup.read_as(&id, Kind::Blob).ok_or(None)?;
                if target.len() > MAX_TARGET_LEN || target.starts_with(b"/") {
                    return Err(Some("it is a symbolic link out of the repository".to_owned()));
                }
                path = [&parent[..], target, &rest[..]].join(&b'/');
            }
        }
    }
    Err(Some("it is behind too many symbolic links".to_owned()))
}

/// Where a walk along a path ends.
enum WalkEnd {
    /// The path does not exist.
    Nothing,
    /// At a regular file.
    File(ObjectId),
    /// At a symbolic link in the directory `parent`; `rest` is the path after the link.
    Link { id: ObjectId, parent: Vec<u8>, rest: Vec<u8> },
}

/// Walks from the tree `root` along `path`, up to its end or the first symbolic link.
fn walk(
    repo: &Repository,
    lookup: &mut Lookup,
    root: ObjectId,
    path: &[u8],
) -> Result<WalkEnd, Option<String>> {
    let mut dirs: Vec<(&[u8], ObjectId)> = Vec::new();
    let components: Vec<&[u8]> =
        path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".").collect();
    for (index, &name) in components.iter().enumerate() {
        if name == b".." {
            if dirs.pop().is_none() {
                return Err(Some("it is a symbolic link out of the repository".to_owned()));
            }
            continue;
        }
        let tree = dirs.last().map_or(root, |(_, id)| *id);
        let bytes = lookup.read_as(&tree, Kind::Tree).ok_or(None)?;
        let mut entries = TreeRefIter::from_bytes(bytes, repo.object_hash()).map_while(Result::ok);
        let Some(entry) = entries.find(|entry| entry.filename == name) else { return Ok(WalkEnd::Nothing) };
        let (mode, id) = (entry.mode, entry.oid.to_owned());
        let is_last = index + 1 == components.len();
        if mode.is_link() {
            let parent = dirs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(&b'/');
            return Ok(WalkEnd::Link { id, parent, rest: components[index + 1..].join(&b'/') });
        }
        if is_last && mode.is_blob() {
            return Ok(WalkEnd::File(id));
        }
        if !mode.is_tree() {
            return if is_last {
                Err(Some("it is not a regular file".to_owned()))
            } else {
                Ok(WalkEnd::Nothing)
            };
        }
        dirs.push((name, id));
    }
    Err(Some("it is not a regular file".to_owned()))
}
