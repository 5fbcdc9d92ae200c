//! The environment variables that git passes to hooks.

use std::env;
use std::path::PathBuf;

use crate::git::ObjectId;

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

fn merge_head(variable: &str) -> Option<ObjectId> {
    ObjectId::from_hex(variable.strip_prefix("GITHEAD_")?.as_bytes()).ok()
}
