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
    self, Format, HEAD, Input, Limits, RunProbe, Taker, archive_behind, archive_in, ends_zip, is_encoded_in,
    is_program,
};
use crate::detect::{Chunk, Detector, RedactionCache, Redactor, Stream, StreamMatch};
use crate::git::Pointer;
use crate::model::{Excerpt, Finding, Identified, Origin, Position, Skip, Span, Surface};
use crate::suppress::Policy;

/// A secret and where it stands in a content.
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
    /// Whether the baseline has it, wherever it stands.
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
    Format::of(bytes).is_some()
        || ends_zip(bytes)
        || (is_program(bytes) && archive_in(bytes).is_some())
        || is_encoded_in(bytes)
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
        let Input::Stream(content) = input else { return self.look(input, name, searched) };
        // What is small can be held, and looked at from both ends.
        let mut start = Vec::new();
        let outcome = (&mut *content).take(SMALL + 1).read_to_end(&mut start);
        if outcome.is_err() || start.len() as u64 <= SMALL {
            let looked = self.look(Input::Bytes(&start), name, searched);
            return outcome.map(|_| ()).and(looked);
        }
        self.look(Input::Stream(&mut (&start[..]).chain(content)), name, searched)
    }

    fn look(
        &mut self,
        mut input: Input<'_>,
        name: impl FnOnce() -> Vec<u8>,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let all = if let Input::Bytes(bytes) = input { bytes } else { b"" };
        let Self { eye, stream, .. } = self;
        let head = match &mut input {
            Input::Bytes(bytes) => stream.peek(eye.detector, bytes)?,
            Input::File(file) => stream.peek(eye.detector, file)?,
            Input::Stream(content) => stream.peek(eye.detector, content)?,
        };
        searched.is_pointer = head.len() < HEAD && Pointer::parse(head).is_some();
        let may_hold = is_program(head);
        // What can be read only once is looked at as a whole.
        let begins = Format::of(head).is_some() || (may_hold && matches!(input, Input::Stream(_)));
        let is_stream = matches!(input, Input::Stream(_));
        let mut probe = RunProbe::default();
        let (head, outcome) = match &mut input {
            Input::Stream(_) if begins => (head.to_vec(), Ok(())),
            _ if begins => (Vec::new(), Ok(())),
            Input::Bytes(bytes) => (Vec::new(), self.plain(bytes, &mut probe, searched)),
            Input::File(file) => (Vec::new(), self.plain(file, &mut probe, searched)),
            Input::Stream(content) => (Vec::new(), self.plain(content, &mut probe, searched)),
        };
        let ends = !begins
            && outcome.is_ok()
            && (ends_zip(self.stream.tail()) || (may_hold && holds(&mut input, all)?));
        let encoded = outcome.is_ok() && probe.is_found();
        if !begins && !ends && !encoded {
            return outcome;
        }
        if is_stream && !begins {
            searched.skipped.extend(encoded.then(|| (Vec::new(), ENCODED.to_owned())));
            searched.skipped.extend(ends.then(|| (Vec::new(), BEHIND.to_owned())));
            return Ok(());
        }
        let mut held = Vec::new();
        let input = match input {
            Input::Stream(content) => {
                return self.unpack(Input::Stream(&mut head.chain(content)), &name(), searched);
            }
            Input::File(file) => {
                file.seek(SeekFrom::Start(0))?;
                if encoded {
                    (&mut *file).take(HELD + 1).read_to_end(&mut held)?;
                    file.seek(SeekFrom::Start(0))?;
                }
                match held.len() as u64 {
                    1..=HELD => Input::Bytes(&held),
                    0 => Input::File(file),
                    _ => {
                        searched.skipped.push((Vec::new(), TOO_LARGE.to_owned()));
                        if !ends {
                            return Ok(());
                        }
                        Input::File(file)
                    }
                }
            }
            Input::Bytes(_) => Input::Bytes(all),
        };
        (searched.found, searched.bytes) = (Bounded::default(), 0);
        self.unpack(input, &name(), searched)
    }

    /// Searches what does not begin as a container does, and whose first bytes were read.
    fn plain(
        &mut self,
        content: &mut dyn Read,
        probe: &mut RunProbe,
        searched: &mut Searched,
    ) -> io::Result<()> {
        let Self { eye, stream, .. } = self;
        let Searched { found, bytes, .. } = searched;
        let mut cache = RedactionCache::default();
        let located = |chunk: Chunk<'_>, place| found.push(eye.located(&[], &mut cache, chunk, place));
        let keyword = |chunk: &[u8], at: usize| {
            probe.look(chunk, at);
            !eye.stop.is_set()
        };
        *bytes += stream.resume(eye.detector, content, keyword, located)?;
        Ok(())
    }

    fn unpack(&mut self, input: Input<'_>, name: &[u8], searched: &mut Searched) -> io::Result<()> {
        let Self { eye, spare, .. } = self;
        let limits = eye.limits;
        let mut levels = Levels { eye, levels: Vec::new(), spare, searched };
        container::open(input, name, limits, &mut levels)
    }
}

/// Whether an archive stands in a program that was read once.
fn holds(input: &mut Input<'_>, all: &[u8]) -> io::Result<bool> {
    match input {
        Input::File(file) => Ok(archive_behind(*file)?.is_some()),
        _ => Ok(archive_in(all).is_some()),
    }
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
    searched: &'c mut Searched,
}

#[derive(Default)]
struct Level {
    path: Vec<Vec<u8>>,
    stream: Stream,
    cache: RedactionCache,
    found: Bounded<Located>,
}

impl Taker for Levels<'_, '_> {
    fn begin(&mut self, path: &[Vec<u8>]) {
        let stream = self.spare.pop().unwrap_or_default();
        self.levels.push(Level { path: path.to_vec(), stream, ..Level::default() });
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        let Some(Level { path, stream, cache, found }) = self.levels.get_mut(level) else { return };
        stream.push(self.eye.detector, bytes, |chunk, place| {
            found.push(self.eye.located(path, cache, chunk, place));
        });
    }

    fn end(&mut self, elsewhere: &[Range<u64>]) {
        let Some(Level { path, mut stream, mut cache, mut found }) = self.levels.pop() else { return };
        let length = stream.finish(self.eye.detector, |chunk, place| {
            found.push(self.eye.located(&path, &mut cache, chunk, place));
        });
        self.spare.push(stream);
        let elsewhere = apart(elsewhere, length);
        let twice: u64 = elsewhere.iter().map(|range| range.end - range.start).sum();
        self.searched.bytes += length - twice;
        let known = match found.is_empty() || elsewhere.is_empty() {
            true => HashSet::new(),
            false => self.searched.found.fingerprints(),
        };
        // The entry knows better where it is, if it found it.
        found.retain(|one| {
            let after = elsewhere.partition_point(|range| range.start <= one.span.start.offset);
            let is_elsewhere =
                after.checked_sub(1).is_some_and(|at| one.span.end.offset <= elsewhere[at].end);
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
