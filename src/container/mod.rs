//! Layer 2: archives and compressed files, opened in memory, one in another, within [`Limits`].
//!
//! Every byte is handed over once as part of the content it stands in, also the bytes of containers
//! themselves: their headers, comments, names and gaps. What is packed follows as contents of its own.
//! Nothing is ever written, and no name is used but to be shown.

mod ar;
mod cpio;
mod embedded;
mod encoded;
mod format;
mod inflate;
mod inserted;
mod limits;
mod names;
mod opener;
mod packs;
mod pdf;
mod png;
mod reading;
mod seven;
mod squeezed;
mod tar;
#[cfg(test)]
mod tests;
mod window;
mod zip;

use std::io::{Read, Seek};
use std::ops::Range;

pub use embedded::{
    LONGEST_MARK, archive_behind, archive_in, containers_in, is_program, marks, may_be_packed,
};
pub use encoded::{ENCODED_KEYWORDS, RunProbe, encoded_keyword_at, is_encoded_in};
pub use format::{Format, HEAD, ends_zip, file_ends_zip};
pub use limits::Limits;
pub use opener::open;

/// Takes in what containers hold. Contents lie in one another: the one that was begun last ends first.
pub trait Taker {
    /// Begins a content. `path` names the entries that lead to it, outermost first; the content that was
    /// handed in has none.
    fn begin(&mut self, path: &[Vec<u8>]);

    /// The next bytes of the content at `level`, where 0 is the content that was handed in.
    fn push(&mut self, level: usize, bytes: &[u8]);

    /// Ends the content that was begun last. The ranges `elsewhere` of it were contents of their own, as
    /// they stand; they are in order and may overlap.
    fn end(&mut self, elsewhere: &[Range<u64>]);

    /// Notes that something was not looked at.
    fn skip(&mut self, path: &[Vec<u8>], reason: String);

    /// Whether the user asked to stop.
    fn is_stopped(&self) -> bool;
}

/// What can be read from any place.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// What may be a container.
pub enum Input<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file.
    File(&'a mut dyn ReadSeek),
    /// Something that comes once.
    Stream(&'a mut dyn Read),
}
