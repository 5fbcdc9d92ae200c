//! Recursive container extraction: content is classified, handed to the visitor, and searched for nested containers,
//! whose entries are content again.

use std::cell::{Cell, RefCell};
use std::io::{self, Cursor, Read, SeekFrom};
use std::ops::Range;

use super::classify::{ContentClass, classify, has_appended_zip};
use super::entry_sink::EntrySink;
use super::error_threshold::ErrorThreshold;
use super::format::{Format, HEAD_LEN, is_program};
use super::limits::{Budget, LimitHit, Limits, error_text, size_text};
use super::long_content::{LongContent, Noticed, Runs};
use super::readers::{CountingReader, PeekReader, Tee, drain_long, fill};
use super::signatures::{find_archive, find_archive_in_program};
use super::zip::FirstHeader;
use super::{
    ContentVisitor, Input, ReadSeek, ar, compressed, cpio, embedded, encoded, entry_names, git_pack, pdf,
    png, sevenz, tar, zip,
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

    /// Hands over content that is completely in memory.
    ///
    /// Here and below, *delegated* ranges of the content are those that were also handed over as entries. The visitor counts
    /// their bytes once, and of a secret in both, it reports only the one in the entry.
    fn extract_in_memory(&self, bytes: &[u8], content_name: &ContentName) {
        self.push(self.level.get(), bytes);
        let class = classify(bytes, bytes); // as head and as tail
        let mut delegated = match (class, self.check_openable(class.format())) {
            (ContentClass::Streamed(_), Some(format)) => {
                self.open_streamed(format, &mut &bytes[..], content_name)
            }
            (ContentClass::Seekable(_), Some(format)) => {
                self.open_seekable(format, &mut Cursor::new(bytes), 0).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if let Some(ranges) = self.open_appended_zip(class, bytes, &mut Cursor::new(bytes), 0) {
            delegated.extend(ranges);
        } else if class.format().is_none()
            && is_program(bytes)
            && let Some(start) = find_archive(bytes)
        {
            delegated.extend(self.hand_over_embedded(start as u64, &mut &bytes[start..]));
        }
        // Containers in text form, such as base64.
        if class.format().is_none() {
            delegated.extend(encoded::open_runs(self, bytes, 0));
        }
        self.end_content(delegated, bytes.len() as u64);
    }

    /// Hands over content that can be read only once. It begins with `head`, which was already read.
    fn extract_stream(
        &self,
        content: &mut dyn Read,
        content_name: &ContentName,
        mut head: Vec<u8>,
    ) -> io::Result<()> {
        let level = self.level.get();
        let has_ended = fill(content, &mut head, MAX_BUFFERED);
        if !matches!(has_ended, Ok(false)) {
            self.extract_in_memory(&head, content_name);
            return has_ended.map(|_| ());
        }
        // The tail is not known yet; an appended zip is noticed at the end.
        let class = classify(&head, b"");
        let format = class.format();
        let memory_left = usize::try_from(self.budget.memory_left()).unwrap_or(usize::MAX);
        let needs_whole = match class {
            ContentClass::Streamed(_) => false,
            ContentClass::Seekable(_) | ContentClass::Program => true,
            ContentClass::Plain | ContentClass::AppendedZip => encoded::may_contain_run(&head),
        };
        if needs_whole {
            let has_ended = fill(content, &mut head, memory_left.max(MAX_BUFFERED));
            if !matches!(has_ended, Ok(false)) {
                self.budget.while_holding(head.len(), || self.extract_in_memory(&head, content_name));
                return has_ended.map(|_| ());
            }
            if let Some(format) = format {
                self.skip_too_long(&format!("a {} archive", format.name()));
            }
        }
        let openable = self.check_openable(format).filter(|_| !needs_whole);
        let mut start = Cursor::new(head);
        let mut whole = (&mut start).chain(content);
        let mut long_content = format.is_none().then(|| {
            // What was read in vain fills the memory already.
            let max_kept = if needs_whole { 0 } else { memory_left };
            RefCell::new(LongContent::new(class == ContentClass::Program, max_kept))
        });
        let push = |bytes: &[u8]| {
            self.push(level, bytes);
            if let Some(long_content) = &long_content {
                long_content.borrow_mut().push(bytes);
            }
        };
        let mut tee = Tee::new(&mut whole, &push);
        let mut delegated = match openable {
            Some(format) => self.open_streamed(format, &mut tee, content_name),
            None => Vec::new(),
        };
        let outcome = drain_long(&mut tee).map(|_| ());
        let (last, length) = (tee.last, tee.count);
        if let Some(long_content) = long_content.take() {
            delegated.extend(self.open_noticed(long_content.into_inner().finish()));
        }
        self.end_content(delegated, length);
        if has_appended_zip(format, &last) && (format.is_none() || !needs_whole) {
            self.skip(None, "a zip archive after other data that cannot be read again, not opened; save it as a separate file");
        }
        outcome
    }

    /// Opens the runs that were noticed in long content, and records a skip for what cannot be opened. Returns the delegated
    /// ranges.
    fn open_noticed(&self, noticed: Noticed) -> Vec<Range<u64>> {
        if noticed.has_archive {
            self.skip_too_long("a program with an archive in it");
        }
        match noticed.runs {
            Runs::None => Vec::new(),
            Runs::Kept { bytes, offset } => {
                self.budget.while_holding(bytes.len(), || encoded::open_runs(self, &bytes, offset))
            }
            Runs::TooLong => {
                self.skip_too_long("a text with base64 of an archive, or with a binary patch of git,");
                Vec::new()
            }
        }
    }

    /// Hands over a file, which can be read with random access.
    fn extract_file(&self, file: &mut dyn ReadSeek, content_name: &ContentName) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD_LEN);
        fill(file, &mut head, HEAD_LEN)?;
        file.seek(SeekFrom::Start(0))?;
        // The tail is not known yet; an appended zip is looked for at the end.
        let class = classify(&head, b"");
        let openable = self.check_openable(class.format());
        self.visitor.borrow_mut().begin(&[]);
        // In a program, other archives are opened before the first header as well.
        let first_header = (class == ContentClass::Plain).then(RefCell::<FirstHeader>::default);
        let push = |bytes: &[u8]| {
            self.push(0, bytes);
            if let Some(first_header) = &first_header {
                first_header.borrow_mut().push(bytes);
            }
        };
        let mut tee = Tee::new(&mut *file, &push);
        let mut delegated = match (class, openable) {
            (ContentClass::Streamed(_), Some(format)) => self.open_streamed(format, &mut tee, content_name),
            _ => Vec::new(),
        };
        let outcome = drain_long(&mut tee).map(|_| ());
        let (last, length) = (tee.last, tee.count);
        if outcome.is_ok() {
            if let (ContentClass::Seekable(_), Some(format)) = (class, openable) {
                delegated = self.open_seekable(format, file, 0).unwrap_or_default();
            }
            let first_header = first_header.map_or(0, |first_header| first_header.into_inner().offset());
            if let Some(ranges) = self.open_appended_zip(class, &last, file, first_header) {
                delegated.extend(ranges);
            } else if class == ContentClass::Program
                && let Some(start) = find_archive_in_program(file)?
            {
                file.seek(SeekFrom::Start(start))?;
                delegated.extend(self.hand_over_embedded(start, file));
            }
        }
        self.end_content(delegated, length);
        outcome
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
