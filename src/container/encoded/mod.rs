//! What is packed and then written as text: base64 of gzip and zip, and the blocks of `git diff --binary`.
//!
//! A few characters tell that such a run may begin; whether one does is told by what is decoded of it. A run that is
//! none is passed over in silence.

mod base64;
mod patch;

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::sync::LazyLock;

use flate2::bufread::ZlibDecoder;

use super::embedded::{self, Marks};
use super::format::Format;
use super::inserted::Inserted;
use super::limits::size;
use super::opener::Opener;
use super::reading::Metered;

/// What begins a run: gzip, zip, base64 of the base64 of both, a binary patch.
const ANCHORS: [&[u8]; 5] = [b"H4sI", b"UEsDB", b"SDRzSU", b"VUVzREJ", PATCH];

const PATCH: &[u8] = b"GIT binary patch";

/// What to search a content for to notice that something packed may be written in it as text. Each costs every search a
/// little, so a zip that is encoded twice, which nobody writes, is not among them.
pub const ENCODED_KEYWORDS: &[&[u8]] = &[ANCHORS[0], ANCHORS[1], ANCHORS[2], PATCH];

static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks::new(&ANCHORS));

/// Bytes that are decoded to see what a run is.
const LOOK: usize = 4096;

/// Bytes that are decoded of one run.
const LARGEST: usize = 32 << 20;

/// Bytes that are decoded to see what runs are, for each byte of the content, and whatever its size.
const TRIES: usize = 8;
const FREE: usize = 1 << 20;

/// The one of [`ENCODED_KEYWORDS`] that is at byte `at` of `bytes`, if any.
pub fn encoded_keyword_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    number_at(bytes, at).map(|number| at..at + ANCHORS[number].len())
}

/// Which of [`ANCHORS`] is at byte `at` of `bytes`.
fn number_at(bytes: &[u8], at: usize) -> Option<usize> {
    ANCHORS.iter().position(|anchor| bytes[at..].starts_with(anchor))
}

/// Decides for each keyword in a stream whether something packed begins there.
#[derive(Debug)]
pub struct RunProbe {
    /// Bytes that may still be decoded in vain.
    left: usize,
    is_found: bool,
}

impl Default for RunProbe {
    fn default() -> Self {
        Self { left: MAX_PROBED, is_found: false }
    }
}

impl RunProbe {
    /// Looks at byte `at` of `bytes`, where a keyword may be.
    pub fn look(&mut self, bytes: &[u8], at: usize) {
        if self.is_found {
            return;
        }
        let Some(number) = number_at(bytes, at) else { return };
        let look = Look { bytes, left: Cell::new(self.left) };
        self.is_found = look.is_run(number, at) || look.is_over();
        self.left = look.left.get();
    }

    /// Whether something packed was found, or more that looks like it than is decoded.
    pub fn is_found(&self) -> bool {
        self.is_found
    }
}

/// Bytes that are decoded to see what runs in one stream are.
const MAX_PROBED: usize = 64 << 20;

/// Whether there is something packed in `bytes` that is written as text, or too much that looks so.
pub fn is_encoded_in(bytes: &[u8]) -> bool {
    let look = Look::new(bytes);
    look.next(0).is_some() || look.is_over()
}

/// What a run holds.
#[derive(Clone, Copy)]
enum Kind {
    Base64,
    Patch,
}

/// Looks for runs in one content.
struct Look<'b> {
    bytes: &'b [u8],
    /// Bytes that may still be decoded in vain.
    left: Cell<usize>,
}

impl<'b> Look<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, left: Cell::new(bytes.len().saturating_mul(TRIES).saturating_add(FREE)) }
    }

    fn is_over(&self) -> bool {
        self.left.get() == 0
    }

    /// The next run from byte `from` on, and where it begins.
    fn next(&self, from: usize) -> Option<(Kind, usize)> {
        let rest = self.bytes.get(from..)?;
        let is_run = |number: usize, at: usize| !self.is_over() && self.is_run(number, from + at);
        let (number, at) = MARKS.first(rest, is_run)?;
        let kind = if ANCHORS.get(number) == Some(&PATCH) { Kind::Patch } else { Kind::Base64 };
        Some((kind, from + at))
    }

    fn is_run(&self, number: usize, at: usize) -> bool {
        if ANCHORS.get(number) == Some(&PATCH) {
            self.pay(patch::HEAD);
            return patch::begins(self.bytes, at);
        }
        let decode = |most| {
            self.pay(most);
            base64::decode(self.bytes, at, most).decoded
        };
        // Most that is none shows at once.
        may_begin(&decode(LEAST)) && is_packed(&decode(LOOK))
    }

    fn pay(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
    }
}

/// Bytes that no archive with a key in it falls short of.
const LEAST: usize = 32;

/// Whether what was decoded of a run can begin an archive, or base64 of one.
fn may_begin(decoded: &[u8]) -> bool {
    decoded.len() >= LEAST && (base64_of(decoded) || decoded.get(3).is_some_and(|flags| flags & 0xe0 == 0))
}

fn base64_of(decoded: &[u8]) -> bool {
    decoded.starts_with(ANCHORS[0]) || decoded.starts_with(ANCHORS[1])
}

/// Whether `head` begins an archive, or base64 of one.
fn is_packed(head: &[u8]) -> bool {
    match base64_of(head) {
        true => embedded::begins(&base64::decode(head, 0, LOOK / 2).decoded),
        false => embedded::begins(head),
    }
}

/// Hands over what is packed in `bytes`, which are the content at hand and no container. Gives where it stands.
pub(super) fn walk(opener: &Opener<'_>, bytes: &[u8]) -> Vec<Range<u64>> {
    let look = Look::new(bytes);
    let (mut from, mut elsewhere) = (0, Vec::new());
    while let Some((kind, at)) = look.next(from) {
        if opener.is_over() || !opener.may_open(format(kind), at as u64) {
            return elsewhere;
        }
        from = match kind {
            Kind::Base64 => base64_run(opener, bytes, at),
            Kind::Patch => patches(opener, bytes, at),
        };
        from = from.max(at + 1);
        elsewhere.push(at as u64..from as u64);
    }
    if look.is_over() {
        opener.skip(None, "holds more that looks like base64 of archives than is decoded; the rest was scanned as it stands");
    }
    elsewhere
}

fn format(kind: Kind) -> Format {
    match kind {
        Kind::Base64 => Format::Gzip,
        Kind::Patch => Format::Zlib,
    }
}

/// Bytes that may be decoded of one run.
fn room(opener: &Opener<'_>) -> usize {
    usize::try_from(opener.budget.room() / 2).unwrap_or(usize::MAX).min(LARGEST)
}

fn base64_run(opener: &Opener<'_>, bytes: &[u8], at: usize) -> usize {
    let most = room(opener);
    let run = base64::decode(bytes, at, most);
    let name = format!("base64 at byte {at}").into_bytes();
    if opener.budget.unpacked(run.decoded.len()).is_err() {
        return run.end;
    }
    let _ = opener.budget.holding(run.decoded.len(), || opener.entry(&name, &mut &run.decoded[..]));
    too_long(opener, &name, run.decoded.len() >= most, most);
    run.end
}

fn patches(opener: &Opener<'_>, bytes: &[u8], at: usize) -> usize {
    let (most, mut end, mut start) = (room(opener), at + PATCH.len(), at);
    // There and back again.
    for _ in 0..2 {
        let Some(hunk) = patch::hunk(bytes, end, most) else { break };
        let name = format!("git binary patch at byte {start}").into_bytes();
        let unpacked = Metered { budget: &opener.budget, unpacked: ZlibDecoder::new(&hunk.deflated[..]) };
        if hunk.size != 0 {
            opener.budget.holding(hunk.deflated.len(), || hand_over(opener, &name, hunk.is_delta, unpacked));
        }
        too_long(opener, &name, hunk.deflated.len() >= most, most);
        end = hunk.end;
        start = end;
    }
    end
}

fn hand_over(opener: &Opener<'_>, name: &[u8], is_delta: bool, mut unpacked: impl Read) {
    let _ = match is_delta {
        true => opener.entry(name, &mut Inserted::new(BufReader::new(unpacked))),
        false => opener.entry(name, &mut unpacked),
    };
}

fn too_long(opener: &Opener<'_>, name: &[u8], is_cut: bool, most: usize) {
    if is_cut {
        opener.skip(Some(name), format!("longer than the {} that are decoded of it", size(most as u64)));
    }
}
