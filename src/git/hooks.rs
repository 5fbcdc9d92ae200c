//! Finds out from git's configuration where git looks for hooks, and how it cuts commit messages.
//!
//! Unlike elsewhere, the user's configuration is read, too, since git obeys it.

use std::path::{Path, PathBuf};

use super::gate;
use super::open::{OpenError, open};

/// The directory that git takes hooks from.
#[derive(Clone, Debug)]
pub struct HooksDir {
    /// The path of the directory.
    pub dir: PathBuf,
    /// The repository's own directory, `hooks` in its git directory, which `core.hooksPath` replaces.
    pub default_dir: PathBuf,
    /// The top of the work tree.
    pub work_tree: Option<PathBuf>,
    /// Whether `core.hooksPath` is set.
    pub is_configured: bool,
    /// Whether `dir` is outside the repository, so that other repositories may use it, too.
    pub is_shared: bool,
    /// Whether the repository has no work tree.
    pub is_bare: bool,
    /// The repository's work trees, including linked ones, and its git directory, with links resolved.
    repository_dirs: Vec<PathBuf>,
}

impl HooksDir {
    /// Whether `path` leads into the repository: into one of its work trees or its git directory.
    pub fn is_in_repository(&self, path: &Path) -> bool {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.repository_dirs.iter().any(|dir| real.starts_with(dir))
    }
}

/// Finds the hooks directory of the repository at `path`: `core.hooksPath`, in whichever configuration file it is set, or
/// the repository's own.
///
/// # Errors
/// If there is no repository, or the setting is invalid.
pub fn hooks_dir(path: &Path) -> Result<HooksDir, OpenError> {
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    if let Ok(real) = path.canonicalize() {
        gate::locate(&real)?;
    }
    // Reads all of git's configuration, since git itself runs the hooks.
    let repo = gix::discover(path).map_err(|_| OpenError::NotARepository(path.to_owned()))?;
    let common = repo.common_dir().canonicalize().map_err(|error| unusable(error.to_string()))?;
    let dir = common.join("hooks");
    let work_tree = repo.workdir().and_then(|top| top.canonicalize().ok());
    let mut repository_dirs: Vec<PathBuf> = work_tree.iter().cloned().chain([common.clone()]).collect();
    let main = repo.main_repo().ok().and_then(|main| main.workdir().map(Path::to_owned));
    let linked = repo.worktrees().unwrap_or_default().into_iter().filter_map(|linked| linked.base().ok());
    repository_dirs.extend(main.into_iter().chain(linked).filter_map(|dir| dir.canonicalize().ok()));
    // A link may lead to a directory that other repositories use.
    let is_shared =
        dir.canonicalize().is_ok_and(|real| !repository_dirs.iter().any(|dir| real.starts_with(dir)));
    let default = HooksDir {
        default_dir: dir.clone(),
        dir,
        work_tree,
        is_configured: false,
        is_shared,
        is_bare: repo.is_bare(),
        repository_dirs,
    };
    let configured = repo.config_snapshot().trusted_path("core.hooksPath");
    let Some(configured) = configured.map_err(|error| unusable(format!("core.hooksPath: {error}")))? else {
        return Ok(default);
    };
    // Relative paths start where git runs hooks: at the top of the work tree, or in the bare repository.
    let base = repo.workdir().unwrap_or(&common).to_owned();
    let dir = base.join(configured);
    let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
    let is_below =
        |dir: &Path| real.starts_with(dir) || dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
    let is_shared = !is_below(&base) && !is_below(&common);
    Ok(HooksDir { dir, is_shared, is_configured: true, ..default })
}

/// The settings that determine where git cuts off a commit message.
#[derive(Clone, Debug)]
pub struct MessageCut {
    /// The prefix of comment lines; several if git picks one that the message does not use.
    pub comment_prefixes: Vec<String>,
    /// Whether `commit.cleanup` is `scissors`: git then cuts at the scissors line that it wrote for the editor.
    pub is_scissors_mode: bool,
}

impl Default for MessageCut {
    fn default() -> Self {
        Self { comment_prefixes: vec!["#".to_owned()], is_scissors_mode: false }
    }
}

/// Reads the settings for the repository at `path`.
///
/// # Errors
/// When there is no repository.
pub fn message_cut(path: &Path) -> Result<MessageCut, OpenError> {
    let repo = open_as_user(path)?;
    let config = repo.config_snapshot();
    let text = |key: &str| config.string(key).map(|value| value.to_string());
    // Two names of one setting. git uses whichever comes last in its files; both are considered here.
    let configured = ["core.commentString", "core.commentChar"].into_iter().filter_map(text);
    let mut comment_prefixes: Vec<String> = configured
        .flat_map(|comment| match comment.as_str() {
            "auto" => "#;@!$%^&|:".chars().map(String::from).collect(),
            _ => vec![comment],
        })
        .filter(|comment| !comment.is_empty())
        .collect();
    if comment_prefixes.is_empty() {
        comment_prefixes = MessageCut::default().comment_prefixes;
    }
    let is_scissors_mode = text("commit.cleanup").is_some_and(|mode| mode == "scissors");
    Ok(MessageCut { comment_prefixes, is_scissors_mode })
}

/// Opens the repository at `path` with all of the configuration that git obeys there.
pub(super) fn open_as_user(path: &Path) -> Result<gix::Repository, OpenError> {
    let isolated = open(path)?.to_thread_local();
    gix::open(isolated.git_dir())
        .map_err(|error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() })
}
