//! Where a blob came from.

use super::Surface;

/// The place that a blob came from: surface, path and git object.
///
/// Paths are bytes, as in git and Unix, with `/` between components.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The kind of place.
    pub surface: Surface,
    /// The path, relative to where the scan started; for a ref, its full name.
    pub path: Option<Vec<u8>>,
    /// Object id of the blob, tree or tag, in hex.
    pub object: Option<String>,
    /// Object id of the commit that a message or header belongs to, in hex.
    pub commit: Option<String>,
    /// Names of the containers around the blob, outermost first; the last is the entry itself.
    pub container: Vec<Vec<u8>>,
}

impl Origin {
    /// A place that has only a path.
    pub fn at_path(surface: Surface, path: impl Into<Vec<u8>>) -> Self {
        Self { surface, path: Some(path.into()), object: None, commit: None, container: Vec::new() }
    }
}
