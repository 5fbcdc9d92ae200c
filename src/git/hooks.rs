//! Where git looks for hooks, and how it cleans up messages. This depends on the user's configuration, which is read
//! here.

use std::path::{Path, PathBuf};

use super::gate;
use super::open::{OpenError, open};

/// The directory that git takes hooks from.
#[derive(Clone, Debug)]
pub struct HooksDir {
    /// Its path.
    pub dir: PathBuf,
    /// The repository's own, which `core.hooksPath` may replace.
    pub own: PathBuf,
    /// The top of the work tree.
    pub top: Option<PathBuf>,
    /// Whether `core.hooksPath` is set.
    pub set: bool,
    /// Whether it is outside the repository, so that other repositories may use it, too.
    pub shared: bool,
    /// Whether the repository has no work tree.
    pub bare: bool,
    /// The repository's work trees, including linked ones, and its git directory, with links resolved.
    repository_dirs: Vec<PathBuf>,
}

impl HooksDir {
    /// Whether `path` leads into the repository: into one of its work trees or its git directory.
    pub fn holds(&self, path: &Path) -> bool {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.repository_dirs.iter().any(|dir| real.starts_with(dir))
    }
}

/// Finds the directory for the repository at `path`: `core.hooksPath`, wherever that is set, or the
/// repository's own.
///
/// # Errors
/// If there is no repository, or the setting is invalid.
pub fn hooks_dir(path: &Path) -> Result<HooksDir, OpenError> {
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    if let Ok(real) = path.canonicalize() {
        gate::locate(&real)?;
    }
    // With all of git's configuration, since git itself runs the hooks.
    let repo = gix::discover(path).map_err(|_| OpenError::NotARepository(path.to_owned()))?;
    let common = repo.common_dir().canonicalize().map_err(|error| unusable(error.to_string()))?;
    let dir = common.join("hooks");
    let top = repo.workdir().and_then(|top| top.canonicalize().ok());
    let mut repository_dirs: Vec<PathBuf> = top.iter().cloned().chain([common.clone()]).collect();
    let main = repo.main_repo().ok().and_then(|main| main.workdir().map(Path::to_owned));
    let linked = repo.worktrees().unwrap_or_default().into_iter().filter_map(|linked| linked.base().ok());
    repository_dirs.extend(main.into_iter().chain(linked).filter_map(|dir| dir.canonicalize().ok()));
    // A link may lead to a directory that other repositories use.
    let shared =
        dir.canonicalize().is_ok_and(|real| !repository_dirs.iter().any(|dir| real.starts_with(dir)));
    let bare = repo.is_bare();
    let own = HooksDir { own: dir.clone(), dir, top, set: false, shared, bare, repository_dirs };
    let set = repo.config_snapshot().trusted_path("core.hooksPath");
    let Some(set) = set.map_err(|error| unusable(format!("core.hooksPath: {error}")))? else {
        return Ok(own);
    };
    // Relative paths start where hooks run: at the top of the work tree, or in the bare repository.
    let base = repo.workdir().unwrap_or(&common).to_owned();
    let dir = base.join(set);
    let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
    let inside =
        |dir: &Path| real.starts_with(dir) || dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
    let shared = !inside(&base) && !inside(&common);
    Ok(HooksDir { dir, shared, set: true, ..own })
}

/// The settings that determine where git cuts off a commit message.
#[derive(Clone, Debug)]
pub struct MessageCut {
    /// The comment prefix; several if git picks one that the message does not use.
    pub comments: Vec<String>,
    /// `commit.cleanup=scissors`: git cuts at the scissors line that it added for the editor.
    pub scissors: bool,
}

impl Default for MessageCut {
    fn default() -> Self {
        Self { comments: vec!["#".to_owned()], scissors: false }
    }
}

/// The settings for the repository at `path`.
///
/// # Errors
/// When there is no repository.
pub fn message_cut(path: &Path) -> Result<MessageCut, OpenError> {
    let repo = user_view(path)?;
    let config = repo.config_snapshot();
    let text = |key: &str| config.string(key).map(|value| value.to_string());
    // These are two names for one setting; git uses whichever comes last in its files.
    let set = ["core.commentString", "core.commentChar"].into_iter().filter_map(text);
    let mut comments: Vec<String> = set
        .flat_map(|comment| match comment.as_str() {
            "auto" => "#;@!$%^&|:".chars().map(String::from).collect(),
            _ => vec![comment],
        })
        .filter(|comment| !comment.is_empty())
        .collect();
    if comments.is_empty() {
        comments = MessageCut::default().comments;
    }
    let scissors = text("commit.cleanup").is_some_and(|mode| mode == "scissors");
    Ok(MessageCut { comments, scissors })
}

/// The repository at `path`, with all of the configuration that git obeys there.
pub(super) fn user_view(path: &Path) -> Result<gix::Repository, OpenError> {
    let isolated = open(path)?.to_thread_local();
    gix::open(isolated.git_dir())
        .map_err(|error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() })
}
