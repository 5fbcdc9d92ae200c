//! Layer 2: archives and compressed files, opened in memory and recursively, within [`Limits`].
//!
//! Every byte is handed over once as part of the content it belongs to, including the bytes of containers
//! themselves: headers, comments, names and gaps. Entries follow as contents of their own. Nothing is ever
//! written to disk, and names are only displayed.

mod ar;
mod classify;
mod compressed;
mod cpio;
mod delta_text;
mod embedded;
mod encoded;
mod entry_names;
mod entry_sink;
mod error_threshold;
mod extractor;
mod format;
mod git_pack;
mod inflate;
mod limits;
mod long_content;
mod pdf;
mod png;
mod readers;
mod seek_window;
mod sevenz;
mod signatures;
mod sparse;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::io::{Read, Seek};
use std::ops::Range;

pub use classify::{ContentClass, classify, classify_file, classify_whole, ends_with_zip};
pub use encoded::{ENCODED_KEYWORDS, RunProbe, base64_runs, encoded_keyword_at, may_contain_run};
pub use extractor::open;
pub use format::{Format, HEAD_LEN};
pub use limits::{Limits, depends_on_time};
pub use signatures::{MAX_SIGNATURE_LEN, containers_in, find_signatures, may_contain_archive};

/// Receives the contents of containers. Contents are nested: the one that began last ends first.
pub trait ContentVisitor {
    /// Begins new content: that of an entry. `path` names the entries that lead to it, outermost first; it is empty
    /// for the content that was opened.
    fn begin(&mut self, path: &[Vec<u8>]);

    /// The next bytes of the content at `level`; 0 is the content that was opened.
    fn push(&mut self, level: usize, bytes: &[u8]);

    /// Ends the content that began last. The ranges `delegated` of it were handed over separately, as entries. They
    /// are sorted and may overlap.
    fn end(&mut self, delegated: &[Range<u64>]);

    /// Reports that something was not scanned completely.
    fn skip(&mut self, path: &[Vec<u8>], reason: String);

    /// Whether the user asked to stop.
    fn is_stopped(&self) -> bool;
}

/// A source with random access.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A content to open.
pub enum Input<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file.
    File(&'a mut dyn ReadSeek),
    /// A stream, which can be read only once.
    Stream(&'a mut dyn Read),
}
