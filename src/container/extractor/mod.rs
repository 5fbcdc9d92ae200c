//! Recursive container extraction: content is classified, handed to the visitor, and searched for nested containers,
//! whose entries are content again.

mod contents;

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::ops::Range;

use super::classify::{ContentClass, has_appended_zip};
use super::entry_sink::EntrySink;
use super::error_threshold::ErrorThreshold;
use super::format::{Format, HEAD_LEN};
use super::limits::{Budget, LimitHit, Limits, error_text, size_text};
use super::readers::{CountingReader, PeekReader, fill};
use super::{
    ContentVisitor, Input, ReadSeek, ar, compressed, cpio, embedded, entry_names, git_pack, pdf, png, sevenz,
    tar, zip,
};

/// Content up to this size, in bytes, is read into memory before it is classified.
const MAX_BUFFERED: usize = 1 << 20;

/// Skips listed individually per file or blob; every entry of a bomb can be damaged.
const MAX_LISTED_SKIPS: u64 = 1000;

/// Hands `input`, called `name`, and everything nested in it to `visitor`.
///
/// # Errors
/// Those of `input`. Problems of a container are reported to `visitor`.
pub fn open(
    input: Input<'_>,
    name: &[u8],
    limits: Limits,
    visitor: &mut dyn ContentVisitor,
) -> io::Result<()> {
    let is_size_unknown = !matches!(input, Input::Bytes(_));
    let extractor = Extractor {
        visitor: RefCell::new(visitor),
        budget: Budget::new(limits),
        path: RefCell::default(),
        level: Cell::new(0),
        is_size_unknown,
        spare_buffers: RefCell::default(),
        skip_count: Cell::new(0),
    };
    let content_name = ContentName { name: name.to_vec(), is_name_omitted: false };
    let outcome = match input {
        Input::Bytes(bytes) => {
            extractor.budget.input_bytes.set(bytes.len() as u64);
            extractor.visitor.borrow_mut().begin(&[]);
            extractor.extract_in_memory(bytes, &content_name);
            Ok(())
        }
        Input::File(file) => extractor.extract_file(file, &content_name),
        Input::Stream(stream) => {
            extractor.visitor.borrow_mut().begin(&[]);
            extractor.extract_stream(stream, &content_name, Vec::new())
        }
    };
    if let Some(more) = extractor.skip_count.get().checked_sub(MAX_LISTED_SKIPS).filter(|&more| more != 0) {
        let reason = format!("{more} more entries were skipped or are inconsistent");
        extractor.visitor.borrow_mut().skip(&[], reason);
    }
    if let Some(reason) = extractor.budget.reason() {
        extractor.visitor.borrow_mut().skip(&[], reason);
    }
    outcome
}

/// Extracts some content and everything nested in it.
struct Extractor<'t> {
    visitor: RefCell<&'t mut dyn ContentVisitor>,
    budget: Budget,
    /// The names of the containers and entries that lead to the current content, outermost first.
    path: RefCell<Vec<Vec<u8>>>,
    /// Number of contents around the current one; 0 for the content that was opened.
    level: Cell<usize>,
    /// Whether the size of the outermost content is unknown until it has been read.
    is_size_unknown: bool,
    /// Buffers for reuse.
    spare_buffers: RefCell<Vec<Vec<u8>>>,
    /// Number of skips so far.
    skip_count: Cell<u64>,
}

/// The name of some content.
struct ContentName {
    /// The name, from which that of decompressed content is derived.
    name: Vec<u8>,
    /// Whether the name is omitted from the paths of the entries, as for the tar in a `.tar.gz`.
    is_name_omitted: bool,
}

impl EntrySink for Extractor<'_> {
    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn hand_over(&self, name: &[u8], content: &mut dyn Read) -> bool {
        self.budget.add_entry().is_ok()
            && self.extract_nested(entry_names::sanitize_path(name), content, None)
    }

    fn hand_over_decompressed(
        &self,
        compressed_name: &[u8],
        header_name: Option<&[u8]>,
        content: &mut dyn Read,
        threshold: ErrorThreshold,
    ) {
        if self.budget.add_entry().is_err() {
            return;
        }
        let name = header_name
            .filter(|name| !name.is_empty())
            .map_or_else(|| entry_names::decompressed_name(compressed_name), entry_names::sanitize_path);
        self.extract_nested(name, content, Some(threshold));
    }

    fn hand_over_embedded(&self, offset: u64, content: &mut dyn Read) -> Vec<Range<u64>> {
        let ranges = embedded::open_archives(self, &mut PeekReader::new(content), offset);
        ranges.unwrap_or_else(|error| {
            self.skip(None, format!("{error}; the data before that was scanned"));
            Vec::new()
        })
    }

    fn is_container(&self, head: &[u8]) -> bool {
        Format::recognize(head).is_some()
    }

    fn may_open(&self, format: Format, offset: u64) -> bool {
        match format.is_supported() {
            true => self.check_openable(Some(format)).is_some(),
            false => {
                // Only to record the skip, which names the archive, since it becomes no entry.
                self.push_name(&embedded::archive_name(format, offset));
                self.check_openable(Some(format));
                self.pop_name();
                false
            }
        }
    }

    fn record_skip(&self, name: Option<&[u8]>, reason: String) {
        // Whatever is missing from now on is covered by the skip that `open` records for the limit, unless the user stopped
        // the scan.
        if self.is_limit_hit() {
            return;
        }
        self.skip_count.set(self.skip_count.get() + 1);
        if self.skip_count.get() > MAX_LISTED_SKIPS {
            return;
        }
        let mut path = self.path.borrow().clone();
        path.extend(name.map(entry_names::sanitize_path));
        self.visitor.borrow_mut().skip(&path, reason);
    }

    fn push_name(&self, name: &[u8]) {
        self.path.borrow_mut().push(entry_names::sanitize_path(name));
    }

    fn pop_name(&self) {
        self.path.borrow_mut().pop();
    }
}

impl Extractor<'_> {
    fn is_limit_hit(&self) -> bool {
        self.budget.limit_hit().is_some()
    }

    fn skip(&self, name: Option<&[u8]>, reason: impl Into<String>) {
        self.record_skip(name, reason.into());
    }

    /// Records that the current content, which is `what`, does not fit in the memory left, in which alone it could be opened.
    fn skip_too_long(&self, what: &str) {
        let memory_left = size_text(self.budget.memory_left());
        let place = if self.level.get() == 0 { "in a stream" } else { "within another container" };
        self.skip(None, format!("{what} of more than {memory_left} {place}, not opened (`--max-memory`)"));
    }

    /// Hands over bytes of the content at `level`.
    fn push(&self, level: usize, bytes: &[u8]) {
        if level == 0 && self.is_size_unknown {
            self.budget.input_bytes.set(self.budget.input_bytes.get() + bytes.len() as u64);
        }
        let mut visitor = self.visitor.borrow_mut();
        visitor.push(level, bytes);
        if visitor.is_stopped() {
            self.budget.stop(LimitHit::Stopped);
        }
    }

    /// Hands over the content of an entry called `name`. Returns whether all of it was read. If `threshold` is given, the
    /// content was decompressed, and errors before that threshold are not reported.
    fn extract_nested(
        &self,
        name: Vec<u8>,
        content: &mut dyn Read,
        threshold: Option<ErrorThreshold>,
    ) -> bool {
        let mut counting_reader = CountingReader { input: content, count: 0 };
        let mut head = self.spare_buffers.borrow_mut().pop().unwrap_or_default();
        let has_ended = fill(&mut counting_reader, &mut head, MAX_BUFFERED);
        let mut content_name = ContentName { name: name.clone(), is_name_omitted: false };
        content_name.is_name_omitted = threshold.is_some() && Format::recognize(&head) == Some(Format::Tar);
        self.path.borrow_mut().push(name);
        self.level.set(self.level.get() + 1);
        self.visitor.borrow_mut().begin(&self.path.borrow());
        let outcome = match has_ended {
            Ok(false) => self.extract_stream(&mut counting_reader, &content_name, head),
            has_ended => {
                self.budget.while_holding(head.len(), || self.extract_in_memory(&head, &content_name));
                head.clear();
                self.spare_buffers.borrow_mut().push(head);
                has_ended.map(|_| ())
            }
        };
        self.level.set(self.level.get() - 1);
        let is_reported = |error: &io::Error| {
            threshold.is_none_or(|threshold| threshold.is_reported(error, counting_reader.count))
        };
        if let Some(error) = outcome.as_ref().err().filter(|error| is_reported(error)) {
            let scanned = size_text(counting_reader.count);
            self.skip(None, format!("{}; the {scanned} before that were scanned", error_text(error)));
        }
        self.path.borrow_mut().pop();
        outcome.is_ok()
    }

    /// Opens the zip that follows content of `class`, in which no local header begins before byte `first_header`. Returns the
    /// delegated ranges, or `None` if there is no zip.
    fn open_appended_zip(
        &self,
        class: ContentClass,
        tail: &[u8],
        content: &mut dyn ReadSeek,
        first_header: u64,
    ) -> Option<Vec<Range<u64>>> {
        let zip = self.check_openable(has_appended_zip(class.format(), tail).then_some(Format::Zip))?;
        self.open_seekable(zip, content, first_header)
    }

    /// Ends the current content, of `length` bytes, and hands over its delegated ranges, sorted.
    fn end_content(&self, mut delegated: Vec<Range<u64>>, length: u64) {
        delegated.iter_mut().for_each(|range| range.end = range.end.min(length));
        delegated.retain(|range| range.start <= range.end);
        delegated.sort_unstable_by_key(|range| (range.start, range.end));
        self.visitor.borrow_mut().end(&delegated);
    }

    /// Returns `format` if containers in that format may be opened at this level. If not, records a skip, unless a limit was
    /// hit.
    fn check_openable(&self, format: Option<Format>) -> Option<Format> {
        let format = format?;
        if self.is_limit_hit() {
            return None;
        }
        if let Format::Unsupported(name) = format {
            self.skip(None, format!("{name} archives cannot be opened; only its raw bytes were scanned"));
            return None;
        }
        if self.level.get() >= self.budget.limits.depth {
            let depth = self.budget.limits.depth;
            self.skip(
                None,
                format!("a {} container more than {depth} deep, not opened (`--max-depth`)", format.name()),
            );
            return None;
        }
        Some(format)
    }

    /// Hands over the entries of a container that is read sequentially. Returns the delegated ranges.
    fn open_streamed(
        &self,
        format: Format,
        content: &mut dyn Read,
        content_name: &ContentName,
    ) -> Vec<Range<u64>> {
        let omitted_name = if content_name.is_name_omitted { self.path.borrow_mut().pop() } else { None };
        let delegated = match format {
            Format::Tar => tar::open(self, content),
            Format::Ar => ar::open(self, content),
            Format::Cpio => cpio::open(self, content),
            Format::GitPack | Format::GitBundle | Format::GitObject => {
                git_pack::open(self, format, content);
                Vec::new()
            }
            Format::Png => {
                png::open(self, content);
                Vec::new()
            }
            _ => self.open_compressed(format, content, &content_name.name),
        };
        self.path.borrow_mut().extend(omitted_name);
        delegated
    }

    /// Hands over what `content`, called `name`, decompresses to, and archives that follow the compressed data.
    fn open_compressed(&self, format: Format, content: &mut dyn Read, name: &[u8]) -> Vec<Range<u64>> {
        let mut input = PeekReader::new(content);
        let threshold = input
            .peek(HEAD_LEN)
            .map_or(ErrorThreshold::NONE, |head| ErrorThreshold::for_content(format, head));
        compressed::open(self, format, &mut input, name, threshold);
        // All of the compressed data is delegated: it contains incompressible data verbatim, so a key there would be found
        // twice.
        let mut delegated: Vec<_> = std::iter::once(0..input.offset).collect();
        // An error is not lost: it occurs again when the caller reads the rest of the content.
        delegated.extend(embedded::open_archives(self, &mut input, 0).unwrap_or_default());
        delegated
    }

    /// Hands over the entries of a container that is read with random access. In a zip, no local header begins before byte
    /// `first_header`. Returns the delegated ranges, or `None` if the content turns out not to be such a container.
    fn open_seekable(
        &self,
        format: Format,
        content: &mut dyn ReadSeek,
        first_header: u64,
    ) -> Option<Vec<Range<u64>>> {
        match format {
            Format::Zip => zip::open(self, content, first_header),
            Format::Pdf => Some(pdf::open(self, content)),
            Format::SevenZip => Some(sevenz::open(self, content)),
            _ => None,
        }
    }
}
