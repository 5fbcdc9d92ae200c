//! Facts about a repository as a whole: where it was cloned from, and whether the clone is complete.

use std::path::Path;

use super::revision;
use crate::model::{RepositoryInfo, VersionControl};

/// Why commits are missing, if the clone is shallow; `None` if it is not.
pub fn shallow_reason(repo: &gix::Repository) -> Option<String> {
    let file = repo.common_dir().join("shallow");
    let length = file.metadata().ok()?.len();
    (length > 0).then(|| {
        "the clone is shallow and lacks them; `git fetch --unshallow` (in CI: `fetch-depth: 0`) fetches them".to_owned()
    })
}

/// Why objects may be missing, if the clone is partial; `None` if it is not.
pub fn partial_reason(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    // A hostile configuration can only make more objects appear to be missing.
    let mut remotes = config.plumbing().sections_by_name("remote").into_iter().flatten();
    let is_partial = config.string("extensions.partialClone").is_some()
        || remotes.any(|remote| remote.value("promisor").is_some_and(|value| value.as_slice() != b"false"));
    is_partial.then(|| {
        "the clone is partial and may lack what its remote promised; `git fetch --refetch --no-filter` fetches it".to_owned()
    })
}

/// Where the repository was cloned from, and HEAD; `None` if the URL must not be in a report.
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

/// The push URL of the remote `origin`, without a password; `None` if there is no such remote, or if a shell could
/// misinterpret the URL. A relative path is made absolute, so that the URL is valid in any directory.
pub fn push_url(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    let remote =
        config.string("remote.origin.pushurl").or_else(|| config.string("remote.origin.url"))?.to_string();
    if remote.is_empty() || remote.contains(':') || Path::new(&remote).is_absolute() {
        return VersionControl::push_url(&remote);
    }
    // As git does, from the top of the work tree.
    let path = repo.workdir().unwrap_or_else(|| repo.common_dir()).canonicalize().ok()?.join(remote);
    VersionControl::push_url(path.canonicalize().unwrap_or(path).to_str()?)
}

/// What a report says about the repository itself. `argument` is the path from the command line.
pub fn repository_info(repo: &gix::Repository, argument: &Path) -> RepositoryInfo {
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
        argument: argument.display().to_string(),
        depth: depth(argument, &path),
        is_bare: repo.workdir().is_none(),
        is_mirror: config.boolean("remote.origin.mirror").unwrap_or(false),
    }
}

/// How many directories `argument` is below `top`, which must be absolute and without links. A path within `.git` counts as
/// the directory that contains `.git`.
fn depth(argument: &Path, top: &Path) -> usize {
    let real = argument.canonicalize().ok();
    let relative = real.as_deref().and_then(|real| real.strip_prefix(top).ok());
    relative.map_or(0, |relative| relative.components().take_while(|part| part.as_os_str() != ".git").count())
}
