//! The repository that contains what was scanned.

/// The repository that contains what was scanned, and how the user named it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryInfo {
    /// Its work tree, or its git directory if it has none. Absolute.
    pub path: String,
    /// The address of the remote `origin`, without user name and password; see
    /// [`VersionControl::public_uri`](super::VersionControl::public_uri).
    pub url: Option<String>,
    /// Object id of the commit at HEAD, in hex.
    pub head: Option<String>,
    /// Short name of the branch at HEAD.
    pub branch: Option<String>,
    /// The path by which the user named it; `.` for the one around the current directory.
    pub argument: String,
    /// How many directories `argument` is below `path`; 0 if it is not below it.
    pub depth: usize,
    /// Whether it has no work tree.
    pub is_bare: bool,
    /// Whether its refs are copies of those of `origin`, as in a mirror clone.
    pub is_mirror: bool,
}
