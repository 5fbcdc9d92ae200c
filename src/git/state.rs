//! Facts about a repository as a whole: whether its history is complete, and where it was cloned from.

use std::collections::HashSet;
use std::path::Path;

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::revision;
use crate::model::{RepositoryInfo, VersionControl};

/// Why commits are missing, if the clone is shallow.
pub fn is_shallow(repo: &gix::Repository) -> Option<String> {
    let file = repo.common_dir().join("shallow");
    let length = file.metadata().ok()?.len();
    (length > 0).then(|| {
        "the clone is shallow and lacks them; `git fetch --unshallow` (in CI: `fetch-depth: 0`) fetches them".to_owned()
    })
}

/// Why objects may be missing, if the clone is partial.
pub fn is_partial(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    // Trusted whoever owns the configuration, since it can only add to what may be missing.
    let mut remotes = config.plumbing().sections_by_name("remote").into_iter().flatten();
    let promised = config.string("extensions.partialClone").is_some()
        || remotes.any(|remote| remote.value("promisor").is_some_and(|value| value.as_slice() != b"false"));
    promised.then(|| {
        "the clone is partial and may lack what its remote promised; `git fetch --refetch --no-filter` fetches it".to_owned()
    })
}

/// Where the repository was cloned from, as far as a report may show it.
pub fn version_control(repo: &gix::Repository) -> Option<VersionControl> {
    let config = repo.config_snapshot();
    let remote = config.string("remote.origin.url")?;
    let head = revision::head(repo).ok()?;
    Some(VersionControl {
        repository_uri: VersionControl::public_uri(&remote.to_string())?,
        revision: head.id.map(|id| id.to_string()),
        branch: head.branch,
    })
}

/// The configured push URL of `origin`, without passwords; `None` if there is no such remote or a shell could
/// misinterpret the URL.
pub fn push_url(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    let remote = config.string("remote.origin.pushurl").or_else(|| config.string("remote.origin.url"))?;
    VersionControl::push_url(&remote.to_string())
}

/// What a report says about the repository itself; `given` is the path from the command line.
pub fn repository_info(repo: &gix::Repository, given: &Path) -> RepositoryInfo {
    let config = repo.config_snapshot();
    let top = repo.workdir().unwrap_or_else(|| repo.common_dir());
    let path = top.canonicalize().unwrap_or_else(|_| top.to_owned());
    let head = revision::head(repo).ok();
    let origin = config.string("remote.origin.url");
    RepositoryInfo {
        path: path.display().to_string(),
        url: origin.and_then(|url| VersionControl::public_uri(&url.to_string())),
        head: head.as_ref().and_then(|head| head.id).map(|id| id.to_string()),
        branch: head.and_then(|head| head.branch),
        argument: given.display().to_string(),
        depth: depth(given, &path),
        is_bare: repo.workdir().is_none(),
        is_mirror: config.boolean("remote.origin.mirror").unwrap_or(false),
    }
}

/// How many directories `given` is below `top`, which is absolute and has no links in it. Within a git directory it counts
/// as the directory around that.
fn depth(given: &Path, top: &Path) -> usize {
    let real = given.canonicalize().ok();
    let below = real.as_deref().and_then(|real| real.strip_prefix(top).ok());
    below.map_or(0, |below| below.components().take_while(|part| part.as_os_str() != ".git").count())
}

/// Objects and submodules that HEAD's tree refers to.
#[derive(Clone, Debug, Default)]
pub struct AtHead {
    /// Missing objects, which a sweep cannot notice.
    pub missing: Gaps,
    /// Paths of submodules, unordered.
    pub submodules: Vec<Vec<u8>>,
}

/// Walks HEAD's tree, visiting each subtree once.
pub fn at_head(repo: &gix::Repository) -> AtHead {
    let mut lookup = Lookup::new(repo);
    let mut submodules = Vec::new();
    let Some(commit) = revision::head(repo).ok().and_then(|head| head.id) else {
        return AtHead { missing: lookup.gaps, submodules };
    };
    let tree = lookup.of_kind(&commit, Kind::Commit).and_then(|bytes| Header::new(bytes).tree());
    let mut todo: Vec<(ObjectId, Vec<u8>)> = tree.into_iter().map(|id| (id, Vec::new())).collect();
    let mut met: HashSet<ObjectId> = todo.iter().map(|(id, _)| *id).collect();
    while let Some((id, path)) = todo.pop() {
        let Some(bytes) = lookup.of_kind(&id, Kind::Tree) else { continue };
        let mut blobs: Vec<ObjectId> = Vec::new();
        for entry in TreeRefIter::from_bytes(bytes, repo.object_hash()).filter_map(Result::ok) {
            if entry.mode.is_commit() {
                submodules.push([&path[..], entry.filename].concat());
            } else if met.insert(entry.oid.to_owned()) {
                match entry.mode.is_tree() {
                    true => todo.push((entry.oid.to_owned(), [&path[..], entry.filename, b"/"].concat())),
                    false => blobs.push(entry.oid.to_owned()),
                }
            }
        }
        for id in blobs.into_iter().filter(|id| !lookup.has(id)).collect::<Vec<_>>() {
            lookup.gaps.push(format!("blob {id}"), MISSING);
        }
    }
    AtHead { missing: lookup.gaps, submodules }
}

const MISSING: &str = "HEAD's tree refers to it, but the object database lacks it; `git fsck` gives \
 details, `git fetch` may fetch it";
