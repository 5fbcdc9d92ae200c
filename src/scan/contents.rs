//! A content under the detector, with all that is packed in it.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::bounded::{Bounded, Rankable};
use super::suppression::{self, MarkerVerdict};
use super::{Settings, Stop};
use crate::container::{
    self, ContentClass, ContentVisitor, HEAD, Input, Limits, ReadSeek, RunProbe, classify, classify_file,
    classify_whole, ends_zip, is_encoded_in,
};
use crate::detect::{Chunk, Detector, RedactionCache, Redactor, Stream, StreamMatch};
use crate::git::Pointer;
use crate::model::{Excerpt, Finding, Identified, Origin, Position, Skip, Span, Surface};
use crate::suppress::Policy;

/// A secret and its position in a content.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) identified: Arc<Identified>,
    /// The names that lead to it, if it is packed in the content.
    pub(super) inside: Vec<Vec<u8>>,
    pub(super) span: Span,
    pub(super) encoding: &'static str,
    pub(super) excerpt: Excerpt,
    /// What the text around it says.
    pub(super) verdict: MarkerVerdict,
    /// Where it is, when that is not where the object is that leads to it.
    pub(super) surface: Option<Surface>,
    /// Whether the baseline lists it, wherever it is.
    pub(super) listed: bool,
}

impl Rankable for Located {
    fn identified(&mut self) -> &mut Arc<Identified> {
        &mut self.identified
    }

    fn is_accepted(&self) -> bool {
        self.listed || self.verdict.accepts()
    }

    fn by_place(&self, other: &Self) -> Ordering {
        let place = |one: &Self| (one.span.start.offset, one.span.end.offset);
        self.inside.cmp(&other.inside).then_with(|| place(self).cmp(&place(other)))
    }
}

impl Located {
    /// A secret in a content that cannot be read again.
    pub(super) fn somewhere(identified: &Arc<Identified>) -> Self {
        let text = identified.secret.redacted();
        Self {
            identified: Arc::clone(identified),
            inside: Vec::new(),
            span: Span { start: Position::START, end: Position::START },
            encoding: "utf-8",
            excerpt: Excerpt { start: 0, end: text.len(), text },
            verdict: MarkerVerdict::default(),
            surface: None,
            listed: false,
        }
    }

    /// The finding that it is in `origin`. A marker that does not count is put into `notes`.
    pub(super) fn at(self, mut origin: Origin, versions: u64, notes: &mut BTreeSet<String>) -> Finding {
        origin.container = leading(&origin, &self.inside);
        origin.surface = self.surface.unwrap_or(origin.surface);
        Finding {
            suppressed: self.verdict.settle(&origin, self.span.start.line, notes),
            identified: self.identified,
            origin,
            encoding: self.encoding,
            span: self.span,
            occurrence: 0,
            versions,
            excerpt: Some(self.excerpt),
        }
    }
}

/// What a search of one content brings.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// In order of place; what is packed comes before what it is packed in.
    pub(super) found: Bounded<Located>,
    /// Bytes searched, those that are packed too.
    pub(super) bytes: u64,
    /// Whether the content is a Git LFS pointer, so that the file's own bytes are elsewhere.
    pub(super) is_pointer: bool,
    /// Names that lead to what was not looked at, and why it was not.
    pub(super) skipped: Vec<(Vec<Vec<u8>>, String)>,
}

impl Searched {
    /// Forgets what was found, since all of it is searched once more.
    fn begin_again(&mut self) {
        (self.found, self.bytes) = (Bounded::default(), 0);
        self.skipped.clear();
    }
}

/// Searches contents one after another; one a thread.
pub(super) struct Contents<'d> {
    eye: Eye<'d>,
    stream: Stream,
    spare: Vec<Stream>,
}

/// What it takes to look at bytes.
struct Eye<'d> {
    detector: &'d Detector,
    policy: &'d Policy,
    stop: &'d Stop,
    limits: Limits,
    redactor: Redactor<'d>,
}

/// Whether something may be packed in a content that begins and ends so.
pub(super) fn may_be_container(bytes: &[u8]) -> bool {
    classify_whole(bytes) != ContentClass::Plain || is_encoded_in(bytes)
}

impl<'d> Contents<'d> {
    pub(super) fn new(settings: &Settings<'d>) -> Self {
        let Settings { detector, policy, stop, limits, .. } = *settings;
        let eye = Eye { detector, policy, stop, limits, redactor: Redactor::new(detector) };
        Self { eye, stream: Stream::default(), spare: Vec::new() }
    }

    /// Set when the scan is to end early.
    pub(super) fn stop(&self) -> &'d AtomicBool {
        self.eye.stop.flag()
    }

    /// Searches `input`, a content called `name`.
    ///
    /// # Errors
    /// Those of `input`; `searched` holds what was found before.
    pub(super) fn search(
        &mut self,
        input: Input<'_>,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let content = match input {
            Input::Bytes(bytes) => return self.look_at_bytes(bytes, name, searched),
            Input::File(file) => return self.look_at_file(file, name, searched),
            Input::Stream(content) => content,
        };
        // What is small can be held, and looked at from both ends.
        let mut start = Vec::new();
        let outcome = (&mut *content).take(SMALL + 1).read_to_end(&mut start);
        if outcome.is_err() || start.len() as u64 <= SMALL {
            let looked = self.look_at_bytes(&start, name, searched);
            return outcome.map(|_| ()).and(looked);
        }
        self.look_once(&mut (&start[..]).chain(content), name, searched)
    }

    /// Searches what can be read only once.
    fn look_once(
        &mut self,
        content: &mut dyn Read,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let head = self.stream.peek(self.eye.detector, content)?;
        searched.is_pointer = is_pointer(head);
        // What may contain an archive is opened at once, since it cannot be read again.
        if classify(head, b"") != ContentClass::Plain {
            let head = head.to_vec();
            return self.unpack(Input::Stream(&mut (&head[..]).chain(content)), &name(), searched);
        }
        let is_encoded = self.plain(content, searched)?;
        searched.skipped.extend(is_encoded.then(|| (Vec::new(), ENCODED.to_owned())));
        let ends_zip = ends_zip(self.stream.tail());
        searched.skipped.extend(ends_zip.then(|| (Vec::new(), BEHIND.to_owned())));
        Ok(())
    }

    /// Searches what is in memory.
    fn look_at_bytes(
        &mut self,
        bytes: &[u8],
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let mut rest = bytes;
        let head = self.stream.peek(self.eye.detector, &mut rest)?;
        searched.is_pointer = is_pointer(head);
        if classify_whole(bytes) == ContentClass::Plain && !self.plain(&mut rest, searched)? {
            return Ok(());
        }
        searched.begin_again();
        self.unpack(Input::Bytes(bytes), &name(), searched)
    }

    /// Searches a file.
    fn look_at_file(
        &mut self,
        file: &mut dyn ReadSeek,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let Self { eye, stream, .. } = self;
        let (head, is_whole) = stream.peek_whole(eye.detector, file)?;
        searched.is_pointer = is_pointer(head);
        let class = if is_whole { classify_whole(head) } else { classify_file(head, file)? };
        // A container is searched while it is opened, and not twice.
        if class == ContentClass::Plain && !self.plain(file, searched)? {
            return Ok(());
        }
        file.seek(SeekFrom::Start(0))?;
        if class.format().is_some() {
            return self.unpack(Input::File(file), &name(), searched);
        }
        // An archive that is encoded as text can be decoded only in memory.
        let mut held = Vec::new();
        (&mut *file).take(HELD + 1).read_to_end(&mut held)?;
        if held.len() as u64 <= HELD {
            searched.begin_again();
            return self.unpack(Input::Bytes(&held), &name(), searched);
        }
        drop(held);
        if class != ContentClass::Plain {
            file.seek(SeekFrom::Start(0))?;
            if !self.unpack_probing(Input::File(file), &name(), searched)? {
                return Ok(());
            }
        }
        searched.skipped.push((Vec::new(), TOO_LARGE.to_owned()));
        Ok(())
    }

    /// Searches what does not begin as a container does, and whose first bytes were read. Returns whether there may be
    /// an archive in it that is encoded as text.
    fn plain(&mut self, content: &mut dyn Read, searched: &mut Searched) -> io::Result<bool> {
        let Self { eye, stream, .. } = self;
        let Searched { found, bytes, skipped, .. } = searched;
        let (mut cache, mut probe) = (RedactionCache::default(), RunProbe::default());
        let located = |chunk: Chunk<'_>, place| found.push(eye.located(&[], &mut cache, chunk, place));
        let keyword = |chunk: &[u8], at: usize| {
            probe.look(chunk, at);
            !eye.stop.is_set()
        };
        let outcome = stream.resume(eye.detector, content, keyword, located);
        skipped.extend(stream.passed_over().reason().map(|reason| (Vec::new(), reason)));
        *bytes += outcome?;
        Ok(probe.is_found())
    }

    fn unpack(&mut self, input: Input<'_>, name: &[u8], searched: &mut Searched) -> io::Result<()> {
        self.unpack_with(input, name, None, searched)
    }

    /// Opens a container. Returns whether there may be an archive in its own bytes that is encoded as text.
    fn unpack_probing(&mut self, input: Input<'_>, name: &[u8], searched: &mut Searched) -> io::Result<bool> {
        let mut probe = RunProbe::default();
        self.unpack_with(input, name, Some(&mut probe), searched)?;
        Ok(probe.is_found())
    }

    fn unpack_with(
        &mut self,
        input: Input<'_>,
        name: &[u8],
        probe: Option<&mut RunProbe>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let Self { eye, spare, .. } = self;
        let limits = eye.limits;
        let mut levels = Levels { eye, levels: Vec::new(), spare, probe, searched };
        container::open(input, name, limits, &mut levels)
    }
}

fn is_pointer(head: &[u8]) -> bool {
    head.len() < HEAD && Pointer::parse(head).is_some()
}

/// Bytes of a stream that are held to look at it as a whole.
const SMALL: u64 = 1 << 20;

/// Bytes of a file that are held because something packed is written in it as text.
const HELD: u64 = 32 << 20;

/// Why such a thing stays closed in a larger one.
const TOO_LARGE: &str =
    "base64 of an archive, or a binary patch of git, in a file of more than 32 MiB, not decoded";

/// Why such a thing stays closed in a stream.
const ENCODED: &str = "base64 of an archive, or a binary patch of git, in a stream of more than 1 MiB that cannot be \
                       read again, not decoded; save it as a file";

/// Why a zip archive that was noticed at its end stays closed.
const BEHIND: &str =
    "a zip archive behind other data, in a stream that cannot be read again, not opened; save it as a file";

impl Eye<'_> {
    fn located(
        &self,
        path: &[Vec<u8>],
        cache: &mut RedactionCache,
        chunk: Chunk<'_>,
        place: StreamMatch,
    ) -> Located {
        let verdict = suppression::verdict(self.policy, &self.redactor, chunk, &place);
        Located {
            inside: path.to_vec(),
            span: place.span,
            encoding: place.matched.encoding,
            excerpt: self.redactor.excerpt_of(
                chunk,
                place.matched.span,
                &place.matched.identified.secret,
                cache,
            ),
            listed: suppression::is_listed(self.policy, &place.matched.identified, None),
            identified: place.matched.identified,
            verdict,
            surface: None,
        }
    }
}

/// Contents in one another, each searched as it comes.
struct Levels<'c, 'd> {
    eye: &'c Eye<'d>,
    levels: Vec<Level>,
    spare: &'c mut Vec<Stream>,
    /// Looks at the keywords in the outermost content.
    probe: Option<&'c mut RunProbe>,
    searched: &'c mut Searched,
}

#[derive(Default)]
struct Level {
    path: Vec<Vec<u8>>,
    stream: Stream,
    cache: RedactionCache,
    found: Bounded<Located>,
}

impl ContentVisitor for Levels<'_, '_> {
    fn begin(&mut self, path: &[Vec<u8>]) {
        let stream = self.spare.pop().unwrap_or_default();
        self.levels.push(Level { path: path.to_vec(), stream, ..Level::default() });
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        let Some(Level { path, stream, cache, found }) = self.levels.get_mut(level) else { return };
        let keyword = look_with(self.probe.as_deref_mut().filter(|_| level == 0));
        stream.push(self.eye.detector, bytes, keyword, |chunk, place| {
            found.push(self.eye.located(path, cache, chunk, place));
        });
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let Some(Level { path, mut stream, mut cache, mut found }) = self.levels.pop() else { return };
        let keyword = look_with(self.probe.as_deref_mut().filter(|_| self.levels.is_empty()));
        let length = stream.finish(self.eye.detector, keyword, |chunk, place| {
            found.push(self.eye.located(&path, &mut cache, chunk, place));
        });
        self.searched.skipped.extend(stream.passed_over().reason().map(|reason| (path.clone(), reason)));
        self.spare.push(stream);
        let delegated = apart(delegated, length);
        let twice: u64 = delegated.iter().map(|range| range.end - range.start).sum();
        self.searched.bytes += length - twice;
        let known = match found.is_empty() || delegated.is_empty() {
            true => HashSet::new(),
            false => self.searched.found.fingerprints(),
        };
        // The entry knows better where it is, if it found it.
        found.retain(|one| {
            let after = delegated.partition_point(|range| range.start <= one.span.start.offset);
            let is_elsewhere =
                after.checked_sub(1).is_some_and(|at| one.span.end.offset <= delegated[at].end);
            !(is_elsewhere && known.contains(&one.identified.fingerprint))
        });
        self.searched.found.append(found);
    }

    fn skip(&mut self, path: &[Vec<u8>], reason: String) {
        self.searched.skipped.push((path.to_vec(), reason));
    }

    fn is_stopped(&self) -> bool {
        self.eye.stop.is_set()
    }
}

/// Shows keywords to `probe`, if there is one.
fn look_with(mut probe: Option<&mut RunProbe>) -> impl FnMut(&[u8], usize) -> bool {
    move |chunk, at| {
        if let Some(probe) = &mut probe {
            probe.look(chunk, at);
        }
        true
    }
}

/// Ranges in order without overlaps, within `length`.
fn apart(ranges: &[Range<u64>], length: u64) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.to_vec();
    sorted.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        let start = range.start.max(apart.last().map_or(0, |last| last.end)).min(length);
        let end = range.end.min(length);
        if start < end {
            apart.push(start..end);
        }
    }
    apart
}

/// What leads to a finding in `origin`: the name of the outermost container, and those within.
fn leading(origin: &Origin, inside: &[Vec<u8>]) -> Vec<Vec<u8>> {
    if inside.is_empty() {
        return Vec::new();
    }
    let mut names = vec![own_name(origin)];
    names.extend_from_slice(inside);
    names
}

/// What a content is called: its path's last part, or the object that it is.
pub(super) fn own_name(origin: &Origin) -> Vec<u8> {
    match (&origin.path, &origin.object) {
        (Some(path), _) => {
            let start = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
            path[start..].to_vec()
        }
        (None, Some(object)) => object.clone().into_bytes(),
        (None, None) => origin.surface.name().as_bytes().to_vec(),
    }
}

/// What was not looked at of a content that reports call `shown`.
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
