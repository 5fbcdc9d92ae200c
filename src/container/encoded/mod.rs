//! Containers in text form: base64 of gzip and zip, and the blocks of `git diff --binary`.
//!
//! A few characters indicate that such a run may begin; decoding its start decides. Text that only looks like a
//! run is ignored silently.

mod base64;
mod git_patch;

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::sync::LazyLock;

use flate2::bufread::ZlibDecoder;

use super::delta_text::DeltaText;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::limits::size;
use super::readers::Metered;
use super::signatures::{SignatureSearch, begins};

/// Starts of runs: base64 of gzip and of zip, base64 of both of these, and a binary patch.
const RUN_STARTS: [&[u8]; 5] = [b"H4sI", b"UEsDB", b"SDRzSU", b"VUVzREJ", PATCH];

const PATCH: &[u8] = b"GIT binary patch";

/// Keywords that show that there may be containers in text form. Each slows down every search a little, so doubly
/// encoded zips, which are never seen in practice, are omitted.
pub const ENCODED_KEYWORDS: &[&[u8]] = &[RUN_STARTS[0], RUN_STARTS[1], RUN_STARTS[2], PATCH];

static STARTS: LazyLock<SignatureSearch> = LazyLock::new(|| SignatureSearch::new(&RUN_STARTS));

/// Bytes decoded to identify a run.
const PROBE_BYTES: usize = 4096;

/// Maximum decoded bytes of one run.
const MAX_RUN_BYTES: usize = 32 << 20;

/// Bytes that may be decoded to identify runs: this many for each byte of the content, plus [`PROBE_ALLOWANCE`].
const PROBES_PER_BYTE: usize = 8;
const PROBE_ALLOWANCE: usize = 1 << 20;

/// The range of the [`ENCODED_KEYWORDS`] entry at byte `at` of `bytes`, if there is one.
pub fn encoded_keyword_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    number_at(bytes, at).map(|number| at..at + RUN_STARTS[number].len())
}

/// The index of the entry of [`RUN_STARTS`] at byte `at` of `bytes`.
fn number_at(bytes: &[u8], at: usize) -> Option<usize> {
    RUN_STARTS.iter().position(|start| bytes[at..].starts_with(start))
}

/// Decides for each keyword in a stream whether a run begins there.
#[derive(Debug)]
pub struct RunProbe {
    /// Bytes that may still be decoded without finding a run.
    left: usize,
    is_found: bool,
}

impl Default for RunProbe {
    fn default() -> Self {
        Self { left: MAX_PROBED, is_found: false }
    }
}

impl RunProbe {
    /// Examines byte `at` of `bytes`, where a keyword may be.
    pub fn look(&mut self, bytes: &[u8], at: usize) {
        if self.is_found {
            return;
        }
        let Some(number) = number_at(bytes, at) else { return };
        let finder = RunFinder { bytes, left: Cell::new(self.left) };
        self.is_found = finder.is_run(number, at) || finder.is_over();
        self.left = finder.left.get();
    }

    /// Whether a run was found, or the limit for identifying runs was reached.
    pub fn is_found(&self) -> bool {
        self.is_found
    }
}

/// Bytes that may be decoded to identify the runs of one stream.
const MAX_PROBED: usize = 64 << 20;

/// Whether `bytes` has a run, or too much text that looks like one.
pub fn is_encoded_in(bytes: &[u8]) -> bool {
    let finder = RunFinder::new(bytes);
    finder.next(0).is_some() || finder.is_over()
}

/// The base64 characters of each base64 run in `bytes`, from the first to the last.
pub fn base64_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let finder = RunFinder::new(bytes);
    let (mut from, mut runs) = (0, Vec::new());
    while let Some((kind, at)) = finder.next(from) {
        from = at + PATCH.len();
        if let RunKind::Base64 = kind {
            from = base64::decode(bytes, at, MAX_RUN_BYTES).end.max(at + 1);
            runs.push(at..from);
        }
    }
    runs
}

/// What a run encodes.
#[derive(Clone, Copy)]
enum RunKind {
    Base64,
    Patch,
}

/// Finds the runs in `bytes`.
struct RunFinder<'b> {
    bytes: &'b [u8],
    /// Bytes that may still be decoded without finding a run.
    left: Cell<usize>,
}

impl<'b> RunFinder<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            left: Cell::new(bytes.len().saturating_mul(PROBES_PER_BYTE).saturating_add(PROBE_ALLOWANCE)),
        }
    }

    fn is_over(&self) -> bool {
        self.left.get() == 0
    }

    /// The first run at or after byte `from`, and its offset.
    fn next(&self, from: usize) -> Option<(RunKind, usize)> {
        let rest = self.bytes.get(from..)?;
        let is_run = |number: usize, at: usize| !self.is_over() && self.is_run(number, from + at);
        let (number, at) = STARTS.first(rest, is_run)?;
        let kind = if RUN_STARTS.get(number) == Some(&PATCH) { RunKind::Patch } else { RunKind::Base64 };
        Some((kind, from + at))
    }

    fn is_run(&self, number: usize, at: usize) -> bool {
        if RUN_STARTS.get(number) == Some(&PATCH) {
            self.spend(git_patch::HEADER_LEN);
            return git_patch::begins(self.bytes, at);
        }
        let decode = |most| {
            self.spend(most);
            base64::decode(self.bytes, at, most).decoded
        };
        // Almost everything that is not a run shows in the first bytes.
        may_begin(&decode(MIN_ARCHIVE_BYTES)) && is_packed(&decode(PROBE_BYTES))
    }

    fn spend(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
    }
}

/// Bytes of the smallest archive that may contain a key.
const MIN_ARCHIVE_BYTES: usize = 32;

/// Whether decoded bytes may be the start of an archive, or of base64 of one.
fn may_begin(decoded: &[u8]) -> bool {
    decoded.len() >= MIN_ARCHIVE_BYTES
        && (is_base64_of_archive(decoded) || decoded.get(3).is_some_and(|flags| flags & 0xe0 == 0))
}

fn is_base64_of_archive(decoded: &[u8]) -> bool {
    decoded.starts_with(RUN_STARTS[0]) || decoded.starts_with(RUN_STARTS[1])
}

/// Whether `head` is the start of an archive, or of base64 of one.
fn is_packed(head: &[u8]) -> bool {
    match is_base64_of_archive(head) {
        true => begins(&base64::decode(head, 0, PROBE_BYTES / 2).decoded),
        false => begins(head),
    }
}

/// Hands over the runs in `bytes`, the current content, which is not a container itself. Returns their ranges.
pub(super) fn walk(sink: &dyn EntrySink, bytes: &[u8]) -> Vec<Range<u64>> {
    let finder = RunFinder::new(bytes);
    let (mut from, mut delegated) = (0, Vec::new());
    while let Some((kind, at)) = finder.next(from) {
        if sink.is_over() || !sink.may_open(format(kind), at as u64) {
            return delegated;
        }
        from = match kind {
            RunKind::Base64 => base64_run(sink, bytes, at),
            RunKind::Patch => patches(sink, bytes, at),
        };
        from = from.max(at + 1);
        delegated.push(at as u64..from as u64);
    }
    if finder.is_over() {
        sink.skip(None, "contains more text that looks like base64 of archives than is decoded; the rest was scanned only as text");
    }
    delegated
}

fn format(kind: RunKind) -> Format {
    match kind {
        RunKind::Base64 => Format::Gzip,
        RunKind::Patch => Format::Zlib,
    }
}

/// Bytes that may be decoded of one run.
fn room(sink: &dyn EntrySink) -> usize {
    usize::try_from(sink.budget().room() / 2).unwrap_or(usize::MAX).min(MAX_RUN_BYTES)
}

fn base64_run(sink: &dyn EntrySink, bytes: &[u8], at: usize) -> usize {
    let most = room(sink);
    let run = base64::decode(bytes, at, most);
    let name = format!("base64 at byte {at}").into_bytes();
    if sink.budget().unpacked(run.decoded.len()).is_err() {
        return run.end;
    }
    let _ = sink.budget().holding(run.decoded.len(), || sink.entry(&name, &mut &run.decoded[..]));
    too_long(sink, &name, run.decoded.len() >= most, most);
    run.end
}

fn patches(sink: &dyn EntrySink, bytes: &[u8], at: usize) -> usize {
    let (most, mut end, mut start) = (room(sink), at + PATCH.len(), at);
    // A hunk for each direction.
    for _ in 0..2 {
        let Some(hunk) = git_patch::hunk(bytes, end, most) else { break };
        let name = format!("git binary patch at byte {start}").into_bytes();
        let unpacked = Metered { budget: sink.budget(), unpacked: ZlibDecoder::new(&hunk.deflated[..]) };
        if hunk.size != 0 {
            sink.budget().holding(hunk.deflated.len(), || hand_over(sink, &name, hunk.is_delta, unpacked));
        }
        too_long(sink, &name, hunk.deflated.len() >= most, most);
        end = hunk.end;
        start = end;
    }
    end
}

fn hand_over(sink: &dyn EntrySink, name: &[u8], is_delta: bool, mut unpacked: impl Read) {
    let _ = match is_delta {
        true => sink.entry(name, &mut DeltaText::new(BufReader::new(unpacked))),
        false => sink.entry(name, &mut unpacked),
    };
}

fn too_long(sink: &dyn EntrySink, name: &[u8], is_cut: bool, most: usize) {
    if is_cut {
        sink.skip(Some(name), format!("longer than {}; the rest was not decoded", size(most as u64)));
    }
}
