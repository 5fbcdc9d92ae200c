//! git's storage formats found as files: packs, bundles and loose objects.
//!
//! A pack is read sequentially. Objects that deltas may be based on are kept in memory, within the limits. From a
//! delta without its base, only the inserted text is handed over, except for words that may continue in the base.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::bufread::ZlibDecoder;
use flate2::{Decompress, FlushDecompress};

use super::delta_text::DeltaText;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::inflate::InflateStream;
use super::readers::{Metered, PeekReader, fill};
use crate::git::{
    DeltaError, EntryContent, HashKind, ObjectId, ObjectKind, apply_delta, object_id, parse_pack_entry,
};

/// Larger objects are handed over in pieces and cannot serve as bases.
const MAX_BASE_SIZE: u64 = 64 << 20;

/// At least the size of the longest entry header, in bytes.
const MAX_HEADER_LEN: usize = 96;

/// Hands over the objects of a pack, bundle or loose object.
pub(super) fn open(sink: &dyn EntrySink, format: Format, input: &mut dyn Read) {
    let input = PeekReader::new(input);
    let outcome = match format {
        Format::GitObject => object(sink, input),
        _ => PackReader::new(sink, input).run(),
    };
    if let Err(error) = outcome {
        sink.skip(None, format!("{error}; the data before that was scanned"));
    }
}

/// Whether a file begins like a loose object, i.e. with deflated kind, size and NUL.
pub(super) fn is_object(head: &[u8]) -> bool {
    let [first, second, ..] = head else { return false };
    if u16::from_be_bytes([*first, *second]) % 31 != 0 {
        return false;
    }
    let mut plain = [0; 32];
    let mut state = Decompress::new(true);
    let _ = state.decompress(head, &mut plain, FlushDecompress::None);
    kind(&plain[..state.total_out() as usize]).is_some()
}

/// The kind in `blob 12\0`, and the length of that header in bytes.
fn kind(plain: &[u8]) -> Option<(ObjectKind, usize)> {
    let end = memchr::memchr(0, plain)?;
    let space = memchr::memchr(b' ', &plain[..end])?;
    let digits = &plain[space + 1..end];
    let is_size = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    Some((ObjectKind::from_bytes(&plain[..space]).ok().filter(|_| is_size)?, end + 1))
}

fn object(sink: &dyn EntrySink, input: PeekReader<'_>) -> io::Result<()> {
    let mut unpacked = Metered { budget: sink.budget(), unpacked: ZlibDecoder::new(input) };
    let mut head = Vec::new();
    fill(&mut unpacked, &mut head, 32)?;
    let (kind, start) = kind(&head).ok_or_else(|| invalid("not a git object"))?;
    let _ = sink.entry(&kind.to_string().into_bytes(), &mut head[start..].chain(unpacked));
    Ok(())
}

struct PackReader<'a> {
    sink: &'a dyn EntrySink,
    input: PeekReader<'a>,
    state: Decompress,
    ids: HashKind,
    /// Objects kept, by offset of their entries.
    bases: HashMap<u64, DeltaBase>,
    /// The same by id, built when first needed.
    by_id: Option<HashMap<ObjectId, u64>>,
    held: u64,
    /// Deltas whose bases have not been read yet.
    waiting: Vec<Waiting>,
    /// Number of objects that could not be reconstructed for lack of memory.
    lost: usize,
}

#[derive(Clone)]
struct DeltaBase {
    kind: ObjectKind,
    bytes: Rc<[u8]>,
}

struct Waiting {
    at: u64,
    on: EntryContent,
    delta: Vec<u8>,
}

impl<'a> PackReader<'a> {
    fn new(sink: &'a dyn EntrySink, input: PeekReader<'a>) -> Self {
        Self {
            sink,
            input,
            state: Decompress::new(true),
            ids: HashKind::Sha1,
            bases: HashMap::new(),
            by_id: None,
            held: 0,
            waiting: Vec::new(),
            lost: 0,
        }
    }

    fn run(&mut self) -> io::Result<()> {
        self.bundle_header()?;
        let start = self.input.offset;
        let head = self.input.peek(12)?;
        let count = match head.first_chunk::<12>() {
            Some([b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, a, b, c, d]) => {
                u32::from_be_bytes([*a, *b, *c, *d])
            }
            _ => return Err(invalid("expected a pack")),
        };
        self.input.consume(12);
        let mut outcome = Ok(());
        for _ in 0..count {
            if self.sink.is_over() {
                return Ok(());
            }
            outcome = self.entry(self.input.offset - start);
            if outcome.is_err() {
                break;
            }
        }
        self.resolve_waiting();
        outcome
    }

    /// The lines before the pack of a bundle.
    fn bundle_header(&mut self) -> io::Result<()> {
        while self.input.peek(4)?.first().is_some_and(|first| *first != b'P') {
            let line = self.input.peek(1 << 16)?;
            let end = memchr::memchr(b'\n', line)
                .ok_or_else(|| invalid("the header of the bundle is truncated"))?;
            if line[..end] == *b"@object-format=sha256" {
                self.ids = HashKind::Sha256;
            }
            self.input.consume(end + 1);
        }
        Ok(())
    }

    fn entry(&mut self, at: u64) -> io::Result<()> {
        let mut head = self.input.peek(MAX_HEADER_LEN)?;
        let mut header = parse_pack_entry(head, self.ids).map_err(|error| invalid(&error.to_string()))?;
        // A pack does not say which hash its ids use.
        if matches!(header.content, EntryContent::IdDelta(_)) && !is_zlib(&head[header.len..]) {
            self.ids = HashKind::Sha256;
            head = self.input.peek(MAX_HEADER_LEN)?;
            header = parse_pack_entry(head, self.ids).map_err(|error| invalid(&error.to_string()))?;
        }
        self.input.consume(header.len);
        let room = self.sink.budget().room().saturating_sub(self.held);
        self.state.reset(true);
        let inflated = InflateStream::with_decompressor(&mut self.input, &mut self.state);
        let mut unpacked = Metered { budget: self.sink.budget(), unpacked: inflated };
        if header.size > MAX_BASE_SIZE.min(room) {
            if let EntryContent::Whole(kind) = header.content {
                let held = usize::try_from(self.held).unwrap_or(usize::MAX);
                let budget = self.sink.budget();
                return match budget.holding(held, || self.sink.entry(&name(kind, at), &mut unpacked)) {
                    true => Ok(()),
                    false => Err(invalid("an entry could not be read completely")),
                };
            }
            let name = format!("delta at byte {at}");
            self.sink
                .skip(Some(name.as_bytes()), "too large to keep in memory; the text it inserts was scanned");
            let mut inserted = DeltaText::new(io::BufReader::new(unpacked));
            let _ = self.sink.entry(name.as_bytes(), &mut inserted);
            return Ok(());
        }
        let mut bytes = Vec::new();
        let whole = fill(&mut unpacked, &mut bytes, header.size as usize + 1);
        if !matches!(whole, Ok(true)) || bytes.len() as u64 != header.size {
            // The part that could be read may contain keys, too.
            let name = format!("part at byte {at}").into_bytes();
            let _ = match header.content {
                EntryContent::Whole(_) => self.sink.entry(&name, &mut &bytes[..]),
                _ => self.sink.entry(&name, &mut DeltaText::new(&bytes[..])),
            };
            return Err(whole
                .err()
                .unwrap_or_else(|| invalid("an entry has a different size than declared")));
        }
        self.held += bytes.len() as u64;
        match header.content {
            EntryContent::Whole(kind) => self.keep(at, kind, bytes),
            on => match self.base(at, on) {
                Some(base) => self.assemble(at, &base, &bytes),
                None => self.waiting.push(Waiting { at, on, delta: bytes }),
            },
        }
        Ok(())
    }

    /// Hands over an object and keeps it as a base.
    fn keep(&mut self, at: u64, kind: ObjectKind, bytes: Vec<u8>) {
        let held = usize::try_from(self.held).unwrap_or(usize::MAX);
        let _ = self.sink.budget().holding(held, || self.sink.entry(&name(kind, at), &mut &bytes[..]));
        if let Some(by_id) = &mut self.by_id {
            by_id.extend(object_id(kind, &bytes, self.ids).map(|id| (id, at)));
        }
        self.bases.insert(at, DeltaBase { kind, bytes: bytes.into() });
    }

    fn base(&mut self, at: u64, on: EntryContent) -> Option<DeltaBase> {
        let place = match on {
            EntryContent::Whole(_) => return None,
            EntryContent::OffsetDelta(distance) => at.checked_sub(distance)?,
            EntryContent::IdDelta(id) => {
                let (bases, ids) = (&self.bases, self.ids);
                let by_id = self.by_id.get_or_insert_with(|| {
                    let all = bases.iter();
                    all.filter_map(|(at, base)| Some((object_id(base.kind, &base.bytes, ids)?, *at)))
                        .collect()
                });
                *by_id.get(&id)?
            }
        };
        self.bases.get(&place).cloned()
    }

    fn assemble(&mut self, at: u64, base: &DeltaBase, delta: &[u8]) {
        let room = self.sink.budget().room().saturating_sub(self.held).min(MAX_BASE_SIZE);
        let made = apply_delta(delta, &base.bytes, room);
        self.held = self.held.saturating_sub(delta.len() as u64);
        match made {
            Ok(bytes) => {
                self.held += bytes.len() as u64;
                if self.sink.budget().unpacked(bytes.len()).is_ok() {
                    self.keep(at, base.kind, bytes);
                }
            }
            // It does not fit into memory together with the kept objects.
            Err(DeltaError::TooLarge(_)) => {
                self.lost += 1;
                self.inserted(at, delta);
            }
            Err(error) => {
                let name = format!("delta at byte {at}");
                self.sink.skip(Some(name.as_bytes()), format!("{error}; the text it inserts was scanned"));
                self.inserted(at, delta);
            }
        }
    }

    /// Hands over the text that a delta inserts, if its base is not available.
    fn inserted(&self, at: u64, delta: &[u8]) {
        let _ = self.sink.entry(format!("delta at byte {at}").as_bytes(), &mut DeltaText::new(delta));
    }

    /// Resolves the waiting deltas, now that all bases have been read.
    fn resolve_waiting(&mut self) {
        loop {
            let before = self.waiting.len();
            for one in std::mem::take(&mut self.waiting) {
                match self.base(one.at, one.on) {
                    Some(base) => self.assemble(one.at, &base, &one.delta),
                    None => self.waiting.push(one),
                }
            }
            if self.waiting.len() == before {
                break;
            }
        }
        let count = self.waiting.len() + self.lost;
        if count == 0 {
            return;
        }
        for Waiting { at, delta, .. } in &self.waiting {
            self.inserted(*at, delta);
        }
        let reason = "deltas whose bases are not in it or did not fit into memory (`--max-memory`)";
        self.sink.skip(
            None,
            format!("contains {count} {reason}; whole words of the text they insert were scanned"),
        );
    }
}

fn name(kind: ObjectKind, at: u64) -> Vec<u8> {
    format!("{kind} at byte {at}").into_bytes()
}

fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
