//! Recursive container extraction: content is classified, handed to the visitor, and searched for nested containers,
//! whose entries are content again.

use std::cell::{Cell, RefCell};
use std::io::{self, Cursor, Read, SeekFrom};
use std::ops::Range;

use super::classify::{ContentClass, classify, has_zip_behind};
use super::entry_sink::EntrySink;
use super::format::{Format, HEAD_LEN, is_program};
use super::limits::{Budget, LimitHit, Limits, in_words, size};
use super::proof::CompressionProof;
use super::readers::{Counted, PeekReader, Tee, drain, fill};
use super::signatures::{archive_behind, archive_in};
use super::{
    ContentVisitor, Input, ReadSeek, ar, compressed, cpio, embedded, encoded, entry_names, git_pack, pdf,
    png, sevenz, tar, zip,
};

/// Content up to this size is buffered.
const SMALL: usize = 1 << 20;

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
    let grows = !matches!(input, Input::Bytes(_));
    let extractor = Extractor {
        visitor: RefCell::new(visitor),
        budget: Budget::new(limits),
        path: RefCell::default(),
        level: Cell::new(0),
        grows,
        spare: RefCell::default(),
        skips: Cell::new(0),
    };
    let content_name = ContentName { name: name.to_vec(), hidden: false };
    let outcome = match input {
        Input::Bytes(bytes) => {
            extractor.budget.input.set(bytes.len() as u64);
            extractor.visitor.borrow_mut().begin(&[]);
            extractor.slice(bytes, &content_name);
            Ok(())
        }
        Input::File(file) => extractor.file(file, &content_name),
        Input::Stream(stream) => {
            extractor.visitor.borrow_mut().begin(&[]);
            extractor.stream(stream, &content_name, Vec::new())
        }
    };
    if let Some(more) = extractor.skips.get().checked_sub(MAX_LISTED_SKIPS).filter(|&more| more != 0) {
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
    /// Names that lead to the current content.
    path: RefCell<Vec<Vec<u8>>>,
    /// Number of enclosing contents.
    level: Cell<usize>,
    /// Whether the size of the outermost content is unknown until it has been read.
    grows: bool,
    /// Buffers for reuse.
    spare: RefCell<Vec<Vec<u8>>>,
    /// Skips so far.
    skips: Cell<u64>,
}

/// What is known about content before it is read.
struct ContentName {
    /// Its name, from which the name of decompressed content is derived.
    name: Vec<u8>,
    /// Whether its name is omitted from the paths of its entries, as for a tar in a compressed file.
    hidden: bool,
}

impl EntrySink for Extractor<'_> {
    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn entry(&self, name: &[u8], content: &mut dyn Read) -> bool {
        self.budget.entry().is_ok() && self.inner(entry_names::sanitize_path(name), content, None)
    }

    fn compressed_content(
        &self,
        packed: &[u8],
        given: Option<&[u8]>,
        content: &mut dyn Read,
        proof: CompressionProof,
    ) {
        if self.budget.entry().is_err() {
            return;
        }
        let name = given
            .filter(|name| !name.is_empty())
            .map_or_else(|| entry_names::unpacked(packed), entry_names::sanitize_path);
        self.inner(name, content, Some(proof));
    }

    fn embedded(&self, at: u64, content: &mut dyn Read) -> Vec<Range<u64>> {
        let found = embedded::walk(self, &mut PeekReader::new(content), at);
        found.unwrap_or_else(|error| {
            self.skip(None, format!("{error}; the data before that was scanned"));
            Vec::new()
        })
    }

    fn may_open(&self, format: Format, at: u64) -> bool {
        match format.is_supported() {
            true => self.openable(Some(format)).is_some(),
            false => {
                self.enter(&embedded::name(format, at));
                self.openable(Some(format));
                self.leave();
                false
            }
        }
    }

    fn record_skip(&self, name: Option<&[u8]>, reason: String) {
        if self.is_over() {
            return;
        }
        self.skips.set(self.skips.get() + 1);
        if self.skips.get() > MAX_LISTED_SKIPS {
            return;
        }
        let mut path = self.path.borrow().clone();
        path.extend(name.map(entry_names::sanitize_path));
        self.visitor.borrow_mut().skip(&path, reason);
    }

    fn enter(&self, name: &[u8]) {
        self.path.borrow_mut().push(entry_names::sanitize_path(name));
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }
}

impl Extractor<'_> {
    fn is_over(&self) -> bool {
        self.budget.limit_hit().is_some()
    }

    fn skip(&self, name: Option<&[u8]>, reason: impl Into<String>) {
        self.record_skip(name, reason.into());
    }

    /// Hands over bytes of the content at `level`.
    fn push(&self, level: usize, bytes: &[u8]) {
        if level == 0 && self.grows {
            self.budget.input.set(self.budget.input.get() + bytes.len() as u64);
        }
        let mut visitor = self.visitor.borrow_mut();
        visitor.push(level, bytes);
        if visitor.is_stopped() {
            self.budget.end(LimitHit::Stopped);
        }
    }

    fn inner(&self, name: Vec<u8>, content: &mut dyn Read, compressed: Option<CompressionProof>) -> bool {
        let mut counted = Counted { input: content, count: 0 };
        let mut head = self.spare.borrow_mut().pop().unwrap_or_default();
        let started = fill(&mut counted, &mut head, SMALL);
        let mut content_name = ContentName { name: name.clone(), hidden: false };
        content_name.hidden = compressed.is_some() && Format::of(&head) == Some(Format::Tar);
        self.path.borrow_mut().push(name);
        self.level.set(self.level.get() + 1);
        self.visitor.borrow_mut().begin(&self.path.borrow());
        let outcome = match started {
            Ok(false) => self.stream(&mut counted, &content_name, head),
            ended => {
                self.budget.holding(head.len(), || self.slice(&head, &content_name));
                head.clear();
                self.spare.borrow_mut().push(head);
                ended.map(|_| ())
            }
        };
        self.level.set(self.level.get() - 1);
        let is_reported =
            |error: &io::Error| compressed.is_none_or(|proof| proof.is_enough(error, counted.count));
        if let Some(error) = outcome.as_ref().err().filter(|error| is_reported(error)) {
            let before = size(counted.count);
            self.skip(None, format!("{}; the {before} before that were scanned", in_words(error)));
        }
        self.path.borrow_mut().pop();
        outcome.is_ok()
    }

    /// A content that is completely in memory.
    fn slice(&self, bytes: &[u8], content_name: &ContentName) {
        self.push(self.level.get(), bytes);
        let class = classify(bytes, bytes);
        let mut delegated = match (class, self.openable(class.format())) {
            (ContentClass::Streamed(_), Some(format)) => self.streamed(format, &mut &bytes[..], content_name),
            (ContentClass::Seekable(_), Some(format)) => {
                self.seekable(format, &mut Cursor::new(bytes)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if let Some(within) = self.zip_behind(class, bytes, &mut Cursor::new(bytes)) {
            delegated.extend(within);
        } else if class.format().is_none()
            && is_program(bytes)
            && let Some(at) = archive_in(bytes)
        {
            delegated.extend(self.embedded(at as u64, &mut &bytes[at..]));
        }
        if class.format().is_none() {
            delegated.extend(encoded::walk(self, bytes));
        }
        self.end(delegated, bytes.len() as u64);
    }

    /// A content that is read in pieces, starting with those in `head`.
    fn stream(
        &self,
        content: &mut dyn Read,
        content_name: &ContentName,
        mut head: Vec<u8>,
    ) -> io::Result<()> {
        let level = self.level.get();
        let started = fill(content, &mut head, SMALL);
        if !matches!(started, Ok(false)) {
            self.slice(&head, content_name);
            return started.map(|_| ());
        }
        let class = classify(&head, b"");
        let format = class.format();
        let wants_all = match class {
            ContentClass::Streamed(_) => false,
            ContentClass::Seekable(_) | ContentClass::SelfExtracting => true,
            ContentClass::Plain | ContentClass::AppendedZip => encoded::is_encoded_in(&head),
        };
        if wants_all {
            let room = usize::try_from(self.budget.room()).unwrap_or(usize::MAX);
            let ended = fill(content, &mut head, room.max(SMALL));
            if !matches!(ended, Ok(false)) {
                self.budget.holding(head.len(), || self.slice(&head, content_name));
                return ended.map(|_| ());
            }
            if let Some(format) = format {
                self.skip(
                    None,
                    format!(
                        "a {} archive of more than {} within another container, not opened (`--max-memory`)",
                        format.name(),
                        size(room as u64)
                    ),
                );
            }
        }
        let openable = self.openable(format).filter(|_| !wants_all);
        let mut start = Cursor::new(head);
        let mut whole = (&mut start).chain(content);
        let push = |bytes: &[u8]| self.push(level, bytes);
        let mut tee = Tee::new(&mut whole, &push);
        let delegated = match openable {
            Some(format) => self.streamed(format, &mut tee, content_name),
            None => Vec::new(),
        };
        let outcome = drain(&mut tee).map(|_| ());
        let (last, length) = (tee.last, tee.count);
        self.end(delegated, length);
        if has_zip_behind(format, &last) && !wants_all {
            self.skip(None, "a zip archive after other data that cannot be read again, not opened; save it as a separate file");
        }
        outcome
    }

    /// A file on disk.
    fn file(&self, file: &mut dyn ReadSeek, content_name: &ContentName) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD_LEN);
        fill(file, &mut head, HEAD_LEN)?;
        file.seek(SeekFrom::Start(0))?;
        let class = classify(&head, b"");
        let openable = self.openable(class.format());
        self.visitor.borrow_mut().begin(&[]);
        let push = |bytes: &[u8]| self.push(0, bytes);
        let mut tee = Tee::new(&mut *file, &push);
        let mut delegated = match (class, openable) {
            (ContentClass::Streamed(_), Some(format)) => self.streamed(format, &mut tee, content_name),
            _ => Vec::new(),
        };
        let outcome = drain(&mut tee).map(|_| ());
        let (last, length) = (tee.last, tee.count);
        if outcome.is_ok() {
            if let (ContentClass::Seekable(_), Some(format)) = (class, openable) {
                delegated = self.seekable(format, file).unwrap_or_default();
            }
            if let Some(within) = self.zip_behind(class, &last, file) {
                delegated.extend(within);
            } else if class == ContentClass::SelfExtracting
                && let Some(at) = archive_behind(file)?
            {
                file.seek(SeekFrom::Start(at))?;
                delegated.extend(self.embedded(at, file));
            }
        }
        self.end(delegated, length);
        outcome
    }

    /// Opens the zip that follows content of `class`. Returns the ranges of stored entries, or `None` if there is
    /// none.
    fn zip_behind(
        &self,
        class: ContentClass,
        tail: &[u8],
        content: &mut dyn ReadSeek,
    ) -> Option<Vec<Range<u64>>> {
        let zip = self.openable(has_zip_behind(class.format(), tail).then_some(Format::Zip))?;
        self.seekable(zip, content)
    }

    /// Ends the current content, of `length` bytes.
    fn end(&self, mut delegated: Vec<Range<u64>>, length: u64) {
        delegated.iter_mut().for_each(|range| range.end = range.end.min(length));
        delegated.retain(|range| range.start <= range.end);
        delegated.sort_unstable_by_key(|range| (range.start, range.end));
        self.visitor.borrow_mut().end(&delegated);
    }

    /// The format, if containers of it may be opened here.
    fn openable(&self, format: Option<Format>) -> Option<Format> {
        let format = format?;
        if self.is_over() {
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

    fn streamed(
        &self,
        format: Format,
        content: &mut dyn Read,
        content_name: &ContentName,
    ) -> Vec<Range<u64>> {
        let hidden = if content_name.hidden { self.path.borrow_mut().pop() } else { None };
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
            _ => self.compressed(format, content, &content_name.name),
        };
        self.path.borrow_mut().extend(hidden);
        delegated
    }

    /// Hands over content that is compressed from its first byte on, and archives that follow it.
    fn compressed(&self, format: Format, content: &mut dyn Read, name: &[u8]) -> Vec<Range<u64>> {
        let mut input = PeekReader::new(content);
        let proof =
            input.peek(HEAD_LEN).map_or(CompressionProof::CERTAIN, |head| CompressionProof::of(format, head));
        compressed::open(self, format, &mut input, name, proof);
        // Incompressible data is stored verbatim in compressed streams.
        let mut delegated: Vec<_> = std::iter::once(0..input.offset).collect();
        // The next reader of the content reports its error.
        delegated.extend(embedded::walk(self, &mut input, 0).unwrap_or_default());
        delegated
    }

    /// Returns the ranges of stored entries, or `None` if the content turns out not to be such a container.
    fn seekable(&self, format: Format, content: &mut dyn ReadSeek) -> Option<Vec<Range<u64>>> {
        match format {
            Format::Zip => zip::open(self, content),
            Format::Pdf => Some(pdf::open(self, content)),
            Format::SevenZip => Some(sevenz::open(self, content)),
            _ => None,
        }
    }
}
