//! Searches content, and everything nested in it if it is a container.

use std::cell::RefCell;
use std::io::{self, Read, SeekFrom};
use std::sync::atomic::AtomicBool;

use super::Settings;
use super::nested_search::NestedSearch;
use super::search_context::SearchContext;
use super::searched::SearchResult;
use crate::container::{
    self, ContentClass, HEAD_LEN, Input, ReadSeek, RunProbe, classify, classify_file, classify_whole,
    ends_with_zip, may_contain_run,
};
use crate::detect::{Chunk, EffortReserve, RedactionCache, Redactor, Stream};
use crate::git::Pointer;

/// Searches one piece of content after another; each thread has one.
pub(super) struct Contents<'d> {
    context: SearchContext<'d>,
    stream: Stream,
    spare_streams: Vec<Stream>,
}

/// Whether content may be or contain a container.
pub(super) fn may_be_container(bytes: &[u8]) -> bool {
    classify_whole(bytes) != ContentClass::Plain || may_contain_run(bytes)
}

impl<'d> Contents<'d> {
    pub(super) fn new(settings: &Settings<'d>) -> Self {
        let Settings { detector, policy, stop, limits, .. } = *settings;
        let (redactor, excerpt_reserve) = (Redactor::new(detector), RefCell::default());
        let context = SearchContext { detector, policy, stop, limits, redactor, excerpt_reserve };
        Self { context, stream: Stream::default(), spare_streams: Vec::new() }
    }

    /// Set when the scan should end early.
    pub(super) fn stop(&self) -> &'d AtomicBool {
        self.context.stop.flag()
    }

    /// The steps that searches of this thread may take in addition.
    pub(super) fn reserve(&mut self) -> &mut EffortReserve {
        self.stream.reserve()
    }

    /// Searches `input`, which is called `name`.
    ///
    /// # Errors
    /// Those of `input`; `searched` holds what was found before.
    pub(super) fn search(
        &mut self,
        input: Input<'_>,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut SearchResult,
    ) -> io::Result<()> {
        let content = match input {
            Input::Bytes(bytes) => return self.search_bytes(bytes, name, searched),
            Input::File(file) => return self.search_file(file, name, searched),
            Input::Stream(content) => content,
        };
        // A small stream is read into memory, where its end can be examined, too.
        let mut start = Vec::new();
        let outcome = (&mut *content).take(MAX_BUFFERED_STREAM + 1).read_to_end(&mut start);
        if outcome.is_err() || start.len() as u64 <= MAX_BUFFERED_STREAM {
            let searched_all = self.search_bytes(&start, name, searched);
            return outcome.map(|_| ()).and(searched_all);
        }
        self.search_stream(&mut (&start[..]).chain(content), name, searched)
    }

    /// Searches a stream, which can be read only once.
    fn search_stream(
        &mut self,
        content: &mut dyn Read,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut SearchResult,
    ) -> io::Result<()> {
        let head = self.stream.peek(self.context.detector, content)?;
        searched.is_pointer = is_pointer(head);
        // A possible container is opened right away, since it cannot be read again.
        if classify(head, b"") != ContentClass::Plain {
            let head = head.to_vec();
            return self.unpack(Input::Stream(&mut (&head[..]).chain(content)), &name(), searched);
        }
        let is_encoded = self.search_plain(content, searched)?;
        searched.skipped.extend(is_encoded.then(|| (Vec::new(), ENCODED_IN_STREAM.to_owned())));
        let ends_with_zip = ends_with_zip(self.stream.tail());
        searched.skipped.extend(ends_with_zip.then(|| (Vec::new(), ZIP_BEHIND_STREAM.to_owned())));
        Ok(())
    }

    /// Searches bytes in memory.
    fn search_bytes(
        &mut self,
        bytes: &[u8],
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut SearchResult,
    ) -> io::Result<()> {
        let mut rest = bytes;
        let head = self.stream.peek(self.context.detector, &mut rest)?;
        searched.is_pointer = is_pointer(head);
        if classify_whole(bytes) == ContentClass::Plain && !self.search_plain(&mut rest, searched)? {
            return Ok(());
        }
        searched.reset();
        self.unpack(Input::Bytes(bytes), &name(), searched)
    }

    /// Searches a file.
    fn search_file(
        &mut self,
        file: &mut dyn ReadSeek,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut SearchResult,
    ) -> io::Result<()> {
        let Self { context, stream, .. } = self;
        let (head, is_whole) = stream.peek_whole(context.detector, file)?;
        searched.is_pointer = is_pointer(head);
        let class = if is_whole { classify_whole(head) } else { classify_file(head, file)? };
        // A container is searched while it is opened.
        if class == ContentClass::Plain && !self.search_plain(file, searched)? {
            return Ok(());
        }
        let size = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        if class.format().is_some() {
            return self.unpack(Input::File(file), &name(), searched);
        }
        // An archive that is encoded as text can be decoded only in memory.
        if size <= MAX_BUFFERED_FILE {
            let mut buffer = Vec::new();
            (&mut *file).take(MAX_BUFFERED_FILE + 1).read_to_end(&mut buffer)?;
            if buffer.len() as u64 <= MAX_BUFFERED_FILE {
                searched.reset();
                return self.unpack(Input::Bytes(&buffer), &name(), searched);
            }
        }
        if class != ContentClass::Plain {
            file.seek(SeekFrom::Start(0))?;
            if !self.unpack_probing(Input::File(file), &name(), searched)? {
                return Ok(());
            }
        }
        searched.skipped.push((Vec::new(), ENCODED_IN_LARGE_FILE.to_owned()));
        Ok(())
    }

    /// Searches content that is not recognized as a container, after its first bytes were read. Returns whether it
    /// may contain an archive that is encoded as text.
    fn search_plain(&mut self, content: &mut dyn Read, searched: &mut SearchResult) -> io::Result<bool> {
        let Self { context, stream, .. } = self;
        let SearchResult { secrets, bytes, skipped, .. } = searched;
        let (mut cache, mut probe) = (RedactionCache::default(), RunProbe::default());
        let located = |chunk: Chunk<'_>, place| secrets.push(context.locate(&[], &mut cache, chunk, place));
        let keyword = |chunk: &[u8], offset: usize| {
            probe.examine(chunk, offset);
            !context.stop.is_set()
        };
        let outcome = stream.resume(context.detector, content, keyword, located);
        skipped.extend(stream.passed_over().reason().map(|reason| (Vec::new(), reason)));
        *bytes += outcome?;
        Ok(probe.is_found())
    }

    fn unpack(&mut self, input: Input<'_>, name: &[u8], searched: &mut SearchResult) -> io::Result<()> {
        self.unpack_with(input, name, None, searched)
    }

    /// Opens a container. Returns whether there may be an archive in its own bytes that is encoded as text.
    fn unpack_probing(
        &mut self,
        input: Input<'_>,
        name: &[u8],
        searched: &mut SearchResult,
    ) -> io::Result<bool> {
        let mut probe = RunProbe::default();
        self.unpack_with(input, name, Some(&mut probe), searched)?;
        Ok(probe.is_found())
    }

    fn unpack_with(
        &mut self,
        input: Input<'_>,
        name: &[u8],
        probe: Option<&mut RunProbe>,
        searched: &mut SearchResult,
    ) -> io::Result<()> {
        let Self { context, spare_streams, .. } = self;
        let limits = context.limits;
        let mut nested = NestedSearch { context, levels: Vec::new(), spare_streams, probe, searched };
        container::open(input, name, limits, &mut nested)
    }
}

fn is_pointer(head: &[u8]) -> bool {
    head.len() < HEAD_LEN && Pointer::parse(head).is_some()
}

/// Maximum size of a stream that is read into memory, in bytes.
const MAX_BUFFERED_STREAM: u64 = 1 << 20;

/// Maximum size of a file that is read into memory because an archive is encoded in it as text, in bytes.
const MAX_BUFFERED_FILE: u64 = 32 << 20;

/// Why an encoded archive in a larger file is not opened.
const ENCODED_IN_LARGE_FILE: &str =
    "base64 of an archive, or a binary patch of git, in a file of more than 32 MiB, not decoded";

/// Why an encoded archive in a stream is not opened.
const ENCODED_IN_STREAM: &str = "base64 of an archive, or a binary patch of git, in a stream of more than 1 MiB that cannot be \
                       read again, not decoded; save it as a file";

/// Why a zip archive that was noticed at its end is not opened.
const ZIP_BEHIND_STREAM: &str =
    "a zip archive behind other data, in a stream that cannot be read again, not opened; save it as a file";
