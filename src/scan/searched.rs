//! The result of a search.

use super::bounded::Bounded;
use super::located::Located;
use crate::model::Skip;

/// The result of searching some content and everything nested in it.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// In order of position; entries come before the container that they are in.
    pub(super) found: Bounded<Located>,
    /// Bytes searched, including those of entries.
    pub(super) bytes: u64,
    /// Whether the content is a Git LFS pointer, so that the file's own bytes are elsewhere.
    pub(super) is_pointer: bool,
    /// Names that lead to what was not searched, and why.
    pub(super) skipped: Vec<(Vec<Vec<u8>>, String)>,
}

impl Searched {
    /// Discards the result, because everything is searched again.
    pub(super) fn begin_again(&mut self) {
        (self.found, self.bytes) = (Bounded::default(), 0);
        self.skipped.clear();
    }
}

/// What was not searched in content that reports call `shown`.
pub(super) fn skips<'s>(
    shown: &'s str,
    skipped: Vec<(Vec<Vec<u8>>, String)>,
) -> impl Iterator<Item = Skip> + 's {
    skipped.into_iter().map(move |(inside, reason)| {
        let parts = inside.iter().map(|part| String::from_utf8_lossy(part));
        let what = parts.fold(shown.to_owned(), |what, part| format!("{what} → {part}"));
        Skip::new(what, reason)
    })
}
