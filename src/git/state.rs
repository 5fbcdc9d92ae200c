//! What is known of a repository as a whole: is all of its history here, where does it come from.

use crate::model::VersionControl;

/// Why the history may be cut off, if it is.
pub fn is_shallow(repo: &gix::Repository) -> Option<String> {
    let file = repo.common_dir().join("shallow");
    let length = file.metadata().ok()?.len();
    (length > 0).then(|| {
        "the clone is shallow and lacks them; `git fetch --unshallow` (in CI: `fetch-depth: 0`) brings them".to_owned()
    })
}

/// Why objects may be missing, if the repository says that some were left out.
pub fn is_partial(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    let promised = config.string("extensions.partialClone").is_some()
        || repo
            .remote_names()
            .iter()
            .any(|name| config.boolean(format!("remote.{name}.promisor").as_str()).unwrap_or(false));
    promised.then(|| {
        "the clone is partial and may lack what its remote promised; `git fetch --refetch --no-filter` brings it".to_owned()
    })
}

/// Where the repository comes from, as far as that may be shown.
pub fn version_control(repo: &gix::Repository) -> Option<VersionControl> {
    let config = repo.config_snapshot();
    let remote = config.string("remote.origin.url")?;
    let head = repo.head().ok()?;
    Some(VersionControl {
        repository_uri: VersionControl::public_uri(&remote.to_string())?,
        revision: head.id().map(|id| id.to_string()),
        branch: head.referent_name().map(|name| name.shorten().to_string()),
    })
}
