//! The environment variables that git passes to hooks.

use std::env;
use std::path::{Path, PathBuf};

use crate::git::{self, ObjectDatabase, ObjectId};
use crate::model::Skip;

/// The location of the repository according to these variables.
pub(super) struct GitEnv {
    /// `GIT_DIR`, or the current directory.
    pub(super) repo: PathBuf,
    /// `GIT_INDEX_FILE`, which names a temporary index during `git commit PATH`.
    pub(super) index: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub(super) work_tree: Option<PathBuf>,
    /// The directories in `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`. During a push, one of them is the
    /// quarantine in which git keeps the pushed objects until its hooks accept them.
    pub(super) objects: Vec<PathBuf>,
    /// The commits that `git merge` merges, from the names of the variables `GITHEAD_<id>`. Git writes them to `MERGE_HEAD`
    /// only after the pre-merge-commit hook.
    pub(super) merge_heads: Vec<ObjectId>,
}

impl GitEnv {
    /// Reads the variables.
    pub(super) fn read() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let mut objects: Vec<PathBuf> = path("GIT_OBJECT_DIRECTORY").into_iter().collect();
        if let Some(list) = env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
            objects.extend(env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()));
        }
        Self {
            repo: path("GIT_DIR").unwrap_or_else(|| PathBuf::from(".")),
            index: path("GIT_INDEX_FILE"),
            work_tree: path("GIT_WORK_TREE"),
            objects,
            merge_heads: env::vars_os().filter_map(|(name, _)| merge_head(name.to_str()?)).collect(),
        }
    }
}

/// A skip for each directory of objects that these variables name and `repo` itself does not have: git would read it, but
/// a command that is not run as a hook does not.
pub(super) fn skipped_objects(repo: &Path) -> Vec<Skip> {
    let named = GitEnv::read().objects;
    if named.is_empty() {
        return Vec::new();
    }
    // An error was reported by the audit.
    let Ok(repo) = git::open(repo) else { return Vec::new() };
    let repo = repo.to_thread_local();
    let own: Vec<PathBuf> = ObjectDatabase::from_repo(&repo)
        .directories()
        .iter()
        .filter_map(|directory| directory.canonicalize().ok())
        .collect();
    let existing = git::existing_object_dirs(&repo, &named).into_iter();
    let others = existing
        .filter_map(|directory| directory.canonicalize().ok())
        .filter(|directory| !own.contains(directory));
    let reason = "GIT_OBJECT_DIRECTORY or GIT_ALTERNATE_OBJECT_DIRECTORIES names it, and only hooks and `staged` read it; \
                  unset the variable, or list the directory in objects/info/alternates";
    others.map(|directory| Skip::new(format!("objects in {}", directory.display()), reason)).collect()
}

fn merge_head(variable: &str) -> Option<ObjectId> {
    ObjectId::from_hex(variable.strip_prefix("GITHEAD_")?.as_bytes()).ok()
}
