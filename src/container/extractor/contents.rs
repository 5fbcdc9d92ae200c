//! Hands over one piece of content, and opens what is in it: content in memory, a stream, or a file.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, SeekFrom};
use std::ops::Range;

use super::{ContentName, Extractor, MAX_BUFFERED};
use crate::container::classify::{ContentClass, classify, has_appended_zip};
use crate::container::entry_sink::EntrySink;
use crate::container::format::{HEAD_LEN, is_program};
use crate::container::long_content::{LongContent, Noticed, Runs};
use crate::container::readers::{Tee, drain_long, fill};
use crate::container::signatures::{find_archive, find_archive_in_program};
use crate::container::zip::FirstHeader;
use crate::container::{ReadSeek, encoded};

/// The offset before which no local header of a zip begins, if nothing is known of where they are.
const HEADERS_ANYWHERE: u64 = 0;

impl Extractor<'_> {
    /// Hands over content that is completely in memory. The caller has begun it.
    ///
    /// Here and below, *delegated* ranges of the content are those that were also handed over as entries. The visitor counts
    /// their bytes once, and of a secret in both, it reports only the one in the entry.
    pub(super) fn extract_in_memory(&self, bytes: &[u8], content_name: &ContentName) {
        self.push(self.level.get(), bytes);
        let class = classify(bytes, bytes); // as head and as tail
        let mut delegated = match (class, self.check_openable(class.format())) {
            (ContentClass::Streamed(_), Some(format)) => {
                self.open_streamed(format, &mut &bytes[..], content_name)
            }
            (ContentClass::Seekable(_), Some(format)) => {
                self.open_seekable(format, &mut Cursor::new(bytes), HEADERS_ANYWHERE).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if let Some(ranges) = self.open_appended_zip(class, bytes, &mut Cursor::new(bytes), HEADERS_ANYWHERE)
        {
            delegated.extend(ranges);
        } else if class.format().is_none()
            && is_program(bytes)
            && let Some(start) = find_archive(bytes)
        {
            delegated.extend(self.hand_over_embedded(start as u64, &mut &bytes[start..]));
        }
        // Containers in text form, such as base64; each is called a run.
        if class.format().is_none() {
            delegated.extend(encoded::open_runs(self, bytes, 0));
        }
        self.end_content(delegated, bytes.len() as u64);
    }

    /// Hands over content that can be read only once. It begins with `head`, which was already read. The caller
    /// has begun it.
    pub(super) fn extract_stream(
        &self,
        content: &mut dyn Read,
        content_name: &ContentName,
        mut head: Vec<u8>,
    ) -> io::Result<()> {
        let level = self.level.get();
        let has_ended = fill(content, &mut head, MAX_BUFFERED);
        // Ended or failed: `head` is all there is.
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
        }
        let mut openable = self.check_openable(format);
        if needs_whole && let Some(format) = openable.take() {
            self.skip_too_long(&format!("a {} archive", format.name()));
        }
        let mut start = Cursor::new(head);
        let mut whole = (&mut start).chain(content);
        let mut long_content = format.is_none().then(|| {
            // `head`, which was read in vain, already fills the memory that is left.
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
        // An archive that had to be read whole already has a skip.
        if has_appended_zip(format, &last) && (format.is_none() || !needs_whole) {
            self.skip(None, "a zip archive after other data that cannot be read again, not opened; save it as a separate file");
        }
        outcome
    }

    /// Opens the runs (containers in text form) that were noticed in long content, and records a skip for what cannot be
    /// opened. Returns the delegated ranges.
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

    /// Begins and hands over a file, which can be read with random access. Runs in it are up to the caller.
    pub(super) fn extract_file(&self, file: &mut dyn ReadSeek, content_name: &ContentName) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD_LEN);
        fill(file, &mut head, HEAD_LEN)?;
        file.seek(SeekFrom::Start(0))?;
        // The tail is not known yet; an appended zip is looked for at the end.
        let class = classify(&head, b"");
        let openable = self.check_openable(class.format());
        self.visitor.borrow_mut().begin(&[]);
        // Where the first local header of a zip begins, so that an appended zip is not looked for before that. A program is
        // searched from its start, since there may be other archives before the header.
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
        let mut outcome = drain_long(&mut tee).map(|_| ());
        let (last, length) = (tee.last, tee.count);
        if outcome.is_ok() {
            if let (ContentClass::Seekable(_), Some(format)) = (class, openable) {
                delegated = self.open_seekable(format, file, HEADERS_ANYWHERE).unwrap_or_default();
            }
            let first_header =
                first_header.map_or(HEADERS_ANYWHERE, |first_header| first_header.into_inner().offset());
            if let Some(ranges) = self.open_appended_zip(class, &last, file, first_header) {
                delegated.extend(ranges);
            } else if class == ContentClass::Program {
                match self.open_archive_in_program(file) {
                    Ok(ranges) => delegated.extend(ranges),
                    Err(error) => outcome = Err(error),
                }
            }
        }
        // Also after an error: what was found until then counts.
        self.end_content(delegated, length);
        outcome
    }

    /// Opens the archive that a program contains, if any. Returns the delegated ranges.
    fn open_archive_in_program(&self, program: &mut dyn ReadSeek) -> io::Result<Vec<Range<u64>>> {
        let Some(start) = find_archive_in_program(program)? else { return Ok(Vec::new()) };
        program.seek(SeekFrom::Start(start))?;
        Ok(self.hand_over_embedded(start, program).into_iter().collect())
    }
}
