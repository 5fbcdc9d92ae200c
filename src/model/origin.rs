//! Where a blob came from.

use super::Surface;

/// The place of a blob: which surface, which path, which git object.
///
/// Paths are bytes, as git and Unix keep them, with `/` between the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The kind of place.
    pub surface: Surface,
    /// The path, relative to where the scan began; for a ref, its full name.
    pub path: Option<Vec<u8>>,
    /// Object id of the blob, tree, or tag, in hex.
    pub object: Option<String>,
    /// Object id of the commit that a message or header belongs to, in hex.
    pub commit: Option<String>,
    /// Names of the containers around the blob, outermost first; the last is the entry itself.
    pub container: Vec<Vec<u8>>,
}

impl Origin {
    /// A place that has a path and nothing else.
    pub fn at_path(surface: Surface, path: impl Into<Vec<u8>>) -> Self {
        Self { surface, path: Some(path.into()), object: None, commit: None, container: Vec::new() }
    }
}
