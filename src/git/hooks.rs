//! Where git looks for hooks, and how it cleans up messages. For that the user's own configuration is read.

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
    /// Whether it lies outside of the repository, so that others may use it, too.
    pub shared: bool,
    /// Whether the repository has no work tree.
    pub bare: bool,
    /// Its work trees, linked ones too, and its git directory, with links resolved.
    repository_dirs: Vec<PathBuf>,
}

impl HooksDir {
    /// Whether `path` leads into the repository: into a work tree of it, or its git directory.
    pub fn holds(&self, path: &Path) -> bool {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.repository_dirs.iter().any(|dir| real.starts_with(dir))
    }
}

/// Finds the directory for the repository at `path`: `core.hooksPath`, wherever that is set, or the
/// repository's own.
///
/// # Errors
/// When there is no repository, or a setting that cannot be understood.
pub fn hooks_dir(path: &Path) -> Result<HooksDir, OpenError> {
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    if let Ok(real) = path.canonicalize() {
        gate::locate(&real)?;
    }
    // With all of git's configuration, since it is git that will look there.
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
    // Relative ones start where hooks run: at the top of the work tree, or in a bare repository.
    let base = repo.workdir().unwrap_or(&common).to_owned();
    let dir = base.join(set);
    let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
    let inside =
        |dir: &Path| real.starts_with(dir) || dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
    let shared = !inside(&base) && !inside(&common);
    Ok(HooksDir { dir, shared, set: true, ..own })
}

/// What decides where git ends a commit message.
#[derive(Clone, Debug)]
pub struct MessageCut {
    /// What a comment begins with; several if git picks one that the message does not need.
    pub comments: Vec<String>,
    /// `commit.cleanup=scissors`: git cuts at the line that it wrote itself for the editor.
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
    // Of the two names for one setting, git obeys whichever comes last in its files.
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
