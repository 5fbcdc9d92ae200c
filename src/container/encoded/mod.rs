//! Opens containers in text form: base64 of gzip and zip, and the blocks of `git diff --binary`. Each is called a run.
//!
//! A keyword shows where a run may begin, and decoding its first bytes shows whether one does. Text that only looks like a
//! run is ignored without a skip.

mod base64;
mod git_patch;

use std::cell::Cell;
use std::io::BufReader;
use std::ops::Range;
use std::sync::LazyLock;

use flate2::bufread::ZlibDecoder;

use super::delta_text::DeltaText;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::limits::size_text;
use super::readers::MeteredReader;
use super::signatures::{SignatureSearch, begins_archive};

/// How runs begin: base64 of gzip and of zip, the same encoded twice, and a binary patch.
const RUN_STARTS: [&[u8]; 5] = [b"H4sI", b"UEsDB", b"SDRzSU", b"VUVzREJ", PATCH];

const PATCH: &[u8] = b"GIT binary patch";

/// Keywords that show that there may be containers in text form. Each slows down every search a little, so the one for zips
/// encoded twice, which do not occur in practice, is missing.
pub const ENCODED_KEYWORDS: &[&[u8]] = &[RUN_STARTS[0], RUN_STARTS[1], RUN_STARTS[2], PATCH];

static RUN_START_SEARCH: LazyLock<SignatureSearch> = LazyLock::new(|| SignatureSearch::new(&RUN_STARTS));

/// Bytes decoded to decide whether a run begins.
const PROBE_BYTES: usize = 4096;

/// Maximum decoded bytes of one run.
const MAX_RUN_BYTES: usize = 32 << 20;

/// Bytes that may be decoded to look for runs: this many for each byte of the content, plus [`PROBE_ALLOWANCE`].
const PROBES_PER_BYTE: usize = 8;
const PROBE_ALLOWANCE: usize = 1 << 20;

/// The range of the encoded keyword at byte `start` of `bytes`, if there is one.
pub fn encoded_keyword_at(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    run_start_at(bytes, start).map(|index| start..start + RUN_STARTS[index].len())
}

/// The index of the element of [`RUN_STARTS`] at byte `start` of `bytes`.
fn run_start_at(bytes: &[u8], start: usize) -> Option<usize> {
    RUN_STARTS.iter().position(|prefix| bytes[start..].starts_with(prefix))
}

/// Decides for each keyword in a stream whether a run begins there.
#[derive(Debug)]
pub struct RunProbe {
    /// Bytes that may still be decoded without finding a run.
    probe_bytes_left: usize,
    is_found: bool,
}

impl Default for RunProbe {
    fn default() -> Self {
        Self { probe_bytes_left: MAX_PROBED_BYTES, is_found: false }
    }
}

impl RunProbe {
    /// Examines byte `start` of `bytes`, where a keyword may be.
    pub fn examine(&mut self, bytes: &[u8], start: usize) {
        if self.is_found {
            return;
        }
        let Some(index) = run_start_at(bytes, start) else { return };
        let finder = RunFinder { bytes, probe_bytes_left: Cell::new(self.probe_bytes_left) };
        self.is_found = finder.is_run(index, start) || finder.is_exhausted();
        self.probe_bytes_left = finder.probe_bytes_left.get();
    }

    /// Whether a run was found, or the limit for identifying runs was reached.
    pub fn is_found(&self) -> bool {
        self.is_found
    }
}

/// Passes the keywords to `probe` that begin in the first `end` of `bytes`.
pub(super) fn probe_runs(probe: &mut RunProbe, bytes: &[u8], end: usize) {
    RUN_START_SEARCH.find(bytes, |_, start| {
        if start < end {
            probe.examine(bytes, start);
        }
    });
}

/// Bytes that may be decoded to look for runs in one stream.
const MAX_PROBED_BYTES: usize = 64 << 20;

/// Whether `bytes` contain a run, or more text that looks like one than may be decoded.
pub fn may_contain_run(bytes: &[u8]) -> bool {
    let finder = RunFinder::new(bytes);
    finder.next(0).is_some() || finder.is_exhausted()
}

/// The base64 characters of each base64 run in `bytes`, from the first to the last.
pub fn base64_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let finder = RunFinder::new(bytes);
    let (mut offset, mut runs) = (0, Vec::new());
    while let Some((kind, start)) = finder.next(offset) {
        offset = start + PATCH.len();
        if let RunKind::Base64 = kind {
            offset = base64::decode(bytes, start, MAX_RUN_BYTES).end.max(start + 1);
            runs.push(start..offset);
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
    probe_bytes_left: Cell<usize>,
}

impl<'b> RunFinder<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            probe_bytes_left: Cell::new(
                bytes.len().saturating_mul(PROBES_PER_BYTE).saturating_add(PROBE_ALLOWANCE),
            ),
        }
    }

    fn is_exhausted(&self) -> bool {
        self.probe_bytes_left.get() == 0
    }

    /// The first run at or after byte `offset`, and its offset.
    fn next(&self, offset: usize) -> Option<(RunKind, usize)> {
        let rest = self.bytes.get(offset..)?;
        let is_run = |index: usize, start: usize| !self.is_exhausted() && self.is_run(index, offset + start);
        let (index, start) = RUN_START_SEARCH.first(rest, is_run)?;
        let kind = if RUN_STARTS.get(index) == Some(&PATCH) { RunKind::Patch } else { RunKind::Base64 };
        Some((kind, offset + start))
    }

    /// Whether a run that begins with element `index` of [`RUN_STARTS`] begins at byte `start`.
    fn is_run(&self, index: usize, start: usize) -> bool {
        if RUN_STARTS.get(index) == Some(&PATCH) {
            self.spend(git_patch::PROBE_LEN);
            return git_patch::is_patch(self.bytes, start);
        }
        let decode = |max_len| {
            self.spend(max_len);
            base64::decode(self.bytes, start, max_len).decoded
        };
        // The first bytes rule out almost everything that is not a run.
        may_begin(&decode(MIN_ARCHIVE_BYTES)) && begins_run(&decode(PROBE_BYTES))
    }

    fn spend(&self, bytes: usize) {
        self.probe_bytes_left.set(self.probe_bytes_left.get().saturating_sub(bytes));
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

/// Whether an archive, or base64 of one, begins with `head`, the first decoded bytes.
fn begins_run(head: &[u8]) -> bool {
    match is_base64_of_archive(head) {
        true => begins_archive(&base64::decode(head, 0, PROBE_BYTES / 2).decoded),
        false => begins_archive(head),
    }
}

/// Hands over the runs in `bytes`, which is the current content from `base_offset` to its end, and not a container itself.
/// Returns their ranges in the content.
pub(super) fn open_runs(sink: &dyn EntrySink, bytes: &[u8], base_offset: u64) -> Vec<Range<u64>> {
    let finder = RunFinder::new(bytes);
    let (mut offset, mut delegated) = (0, Vec::new());
    while let Some((kind, start)) = finder.next(offset) {
        if sink.is_limit_hit() || !sink.may_open(container_format(kind), base_offset + start as u64) {
            return delegated;
        }
        offset = match kind {
            RunKind::Base64 => hand_over_base64(sink, bytes, start, base_offset),
            RunKind::Patch => hand_over_patch(sink, bytes, start, base_offset),
        };
        offset = offset.max(start + 1);
        delegated.push(base_offset + start as u64..base_offset + offset as u64);
    }
    if finder.is_exhausted() {
        sink.skip(None, "contains more text that looks like base64 of archives than is decoded; the rest was scanned only as text");
    }
    delegated
}

fn container_format(kind: RunKind) -> Format {
    match kind {
        RunKind::Base64 => Format::Gzip,
        RunKind::Patch => Format::Zlib,
    }
}

/// Maximum number of bytes to decode from one run.
fn max_decoded_len(sink: &dyn EntrySink) -> usize {
    usize::try_from(sink.budget().memory_left() / 2).unwrap_or(usize::MAX).min(MAX_RUN_BYTES)
}

/// Hands over the base64 run at byte `start` of `bytes`. Returns where it ends.
fn hand_over_base64(sink: &dyn EntrySink, bytes: &[u8], start: usize, base_offset: u64) -> usize {
    let max_len = max_decoded_len(sink);
    let run = base64::decode(bytes, start, max_len);
    let name = format!("base64 at byte {}", base_offset + start as u64).into_bytes();
    if sink.budget().add_unpacked(run.decoded.len()).is_err() {
        return run.end;
    }
    let _ = sink.budget().while_holding(run.decoded.len(), || sink.hand_over(&name, &mut &run.decoded[..]));
    skip_if_truncated(sink, &name, run.decoded.len() >= max_len, max_len);
    run.end
}

/// Hands over the hunks of the binary patch at byte `start` of `bytes`. Returns where it ends.
fn hand_over_patch(sink: &dyn EntrySink, bytes: &[u8], start: usize, base_offset: u64) -> usize {
    let (max_len, mut end, mut start) = (max_decoded_len(sink), start + PATCH.len(), start);
    // A hunk for each direction.
    for _ in 0..2 {
        let Some(hunk) = git_patch::parse_hunk(bytes, end, max_len) else { break };
        let name = format!("git binary patch at byte {}", base_offset + start as u64).into_bytes();
        if !hunk.is_empty() {
            sink.budget().while_holding(hunk.deflated.len(), || hand_over_hunk(sink, &name, &hunk));
        }
        skip_if_truncated(sink, &name, hunk.deflated.len() >= max_len, max_len);
        end = hunk.end;
        start = end;
    }
    end
}

/// Hands over the data of a hunk, or the text that it inserts. What was left out, or differs from what it declares, is a skip.
fn hand_over_hunk(sink: &dyn EntrySink, name: &[u8], hunk: &git_patch::Hunk) {
    let mut unpacked = MeteredReader { budget: sink.budget(), input: ZlibDecoder::new(&hunk.deflated[..]) };
    let is_complete = if hunk.is_delta {
        let mut inserted = DeltaText::new(BufReader::new(&mut unpacked));
        let is_complete = sink.hand_over(name, &mut inserted);
        if let Some(reason) = inserted.omission().filter(|_| is_complete) {
            sink.skip(Some(name), reason);
            return;
        }
        is_complete
    } else {
        sink.hand_over(name, &mut unpacked)
    };
    // If it is not complete, the reason was already recorded.
    let (size, deflated_len) = (unpacked.input.total_out(), unpacked.input.total_in());
    if is_complete && size != hunk.size {
        sink.skip(Some(name), format!("has {size} bytes, but declares {}; it was scanned", hunk.size));
    } else if is_complete && deflated_len < hunk.deflated.len() as u64 {
        sink.skip(Some(name), "more data follows the end of the compressed data; it was not scanned");
    }
}

fn skip_if_truncated(sink: &dyn EntrySink, name: &[u8], is_truncated: bool, max_len: usize) {
    if is_truncated {
        sink.skip(Some(name), format!("longer than {}; the rest was not decoded", size_text(max_len as u64)));
    }
}
