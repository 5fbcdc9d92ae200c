//! The result of searching content, including everything nested in it.

use super::bounded::BoundedFindings;
use super::located::LocatedSecret;
use crate::model::Skip;

/// The result of searching some content and everything nested in it.
#[derive(Debug, Default)]
pub(super) struct SearchResult {
    /// The secrets, in order of position; those in entries come before the container that they are in.
    pub(super) secrets: BoundedFindings<LocatedSecret>,
    /// Bytes searched, including those of entries.
    pub(super) bytes: u64,
    /// Whether the content is a Git LFS pointer, so that the file's own bytes are elsewhere.
    pub(super) is_pointer: bool,
    /// What was not searched: the names of the containers and entries that lead to it, and the reason.
    pub(super) skipped: Vec<(Vec<Vec<u8>>, String)>,
}

impl SearchResult {
    /// Discards the result, because everything is searched again.
    pub(super) fn reset(&mut self) {
        (self.secrets, self.bytes) = (BoundedFindings::default(), 0);
        self.skipped.clear();
    }
}

/// Converts `skipped` to skips of the content, which reports call `name`.
pub(super) fn skips<'s>(
    name: &'s str,
    skipped: Vec<(Vec<Vec<u8>>, String)>,
) -> impl Iterator<Item = Skip> + 's {
    skipped.into_iter().map(move |(container_names, reason)| {
        let parts = container_names.iter().map(|part| String::from_utf8_lossy(part));
        let what = parts.fold(name.to_owned(), |what, part| format!("{what} → {part}"));
        Skip::new(what, reason)
    })
}
