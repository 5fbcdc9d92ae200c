//! Opens files in git's storage formats: packs, bundles and loose objects.
//!
//! A pack is read sequentially. Its objects are kept in memory, within the limits, since a delta may be based on any of them.
//! Of a delta whose base is missing, only the inserted text is handed over, without words that may continue in the base.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::bufread::ZlibDecoder;
use flate2::{Decompress, FlushDecompress};

use super::delta_text::DeltaText;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::inflate::{InflateStream, has_zlib_header};
use super::readers::{MeteredReader, PeekReader, fill};
use crate::git::{
    DeltaError, EntryContent, HashKind, ObjectId, ObjectKind, apply_delta, object_id, parse_pack_entry,
};

/// Objects larger than this, in bytes, are handed over while they are read and not kept as bases of deltas.
const MAX_KEPT_SIZE: u64 = 64 << 20;

/// At least the size of the longest entry header, in bytes.
const MAX_HEADER_LEN: usize = 96;

/// Hands over the objects of a pack, bundle or loose object.
pub(super) fn open(sink: &dyn EntrySink, format: Format, input: &mut dyn Read) {
    let input = PeekReader::new(input);
    let outcome = match format {
        Format::GitObject => open_loose_object(sink, input),
        _ => PackReader::new(sink, input).run(),
    };
    if let Err(error) = outcome {
        sink.skip(None, format!("{error}; the data before that was scanned"));
    }
}

/// Whether a loose object begins with `head`: zlib data that begins with a kind, a size and a NUL.
pub(super) fn is_object(head: &[u8]) -> bool {
    let [first, second, ..] = head else { return false };
    if u16::from_be_bytes([*first, *second]) % 31 != 0 {
        return false;
    }
    let mut decompressed = [0; 32];
    let mut inflater = Decompress::new(true);
    let _ = inflater.decompress(head, &mut decompressed, FlushDecompress::None);
    parse_loose_header(&decompressed[..inflater.total_out() as usize]).is_some()
}

/// The kind in a header such as `blob 12\0`, and the length of the header in bytes.
fn parse_loose_header(decompressed: &[u8]) -> Option<(ObjectKind, usize)> {
    let end = memchr::memchr(0, decompressed)?;
    let space = memchr::memchr(b' ', &decompressed[..end])?;
    let digits = &decompressed[space + 1..end];
    let is_size = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    Some((ObjectKind::from_bytes(&decompressed[..space]).ok().filter(|_| is_size)?, end + 1))
}

fn open_loose_object(sink: &dyn EntrySink, input: PeekReader<'_>) -> io::Result<()> {
    let mut input = MeteredReader { budget: sink.budget(), input: ZlibDecoder::new(input) };
    let mut head = Vec::new();
    fill(&mut input, &mut head, 32)?;
    let (kind, start) = parse_loose_header(&head).ok_or_else(|| invalid_data("not a git object"))?;
    let _ = sink.hand_over(&kind.to_string().into_bytes(), &mut head[start..].chain(input));
    Ok(())
}

struct PackReader<'a> {
    sink: &'a dyn EntrySink,
    input: PeekReader<'a>,
    inflater: Decompress,
    hash_kind: HashKind,
    /// Objects that deltas may be based on, by the offset of their entries from the start of the pack.
    kept_objects: HashMap<u64, KeptObject>,
    /// The keys of `kept_objects` by object id; built when first needed.
    offsets_by_id: Option<HashMap<ObjectId, u64>>,
    /// Bytes of the kept objects and pending deltas.
    kept_bytes: u64,
    /// Deltas whose bases have not been read yet.
    pending_deltas: Vec<PendingDelta>,
    /// Number of deltas whose objects did not fit into memory.
    unassembled_count: usize,
}

#[derive(Clone)]
struct KeptObject {
    kind: ObjectKind,
    bytes: Rc<[u8]>,
}

/// A delta whose base has not been read yet.
struct PendingDelta {
    /// Offset of its entry from the start of the pack.
    offset: u64,
    /// How its entry names the base.
    base: EntryContent,
    delta: Vec<u8>,
}

impl<'a> PackReader<'a> {
    fn new(sink: &'a dyn EntrySink, input: PeekReader<'a>) -> Self {
        Self {
            sink,
            input,
            inflater: Decompress::new(true),
            hash_kind: HashKind::Sha1,
            kept_objects: HashMap::new(),
            offsets_by_id: None,
            kept_bytes: 0,
            pending_deltas: Vec::new(),
            unassembled_count: 0,
        }
    }

    fn run(&mut self) -> io::Result<()> {
        self.read_bundle_header()?;
        let start = self.input.offset;
        let head = self.input.peek(12)?;
        let count = match head.first_chunk::<12>() {
            Some([b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, a, b, c, d]) => {
                u32::from_be_bytes([*a, *b, *c, *d])
            }
            _ => return Err(invalid_data("expected a pack")),
        };
        self.input.consume(12);
        let mut outcome = Ok(());
        for _ in 0..count {
            if self.sink.is_limit_hit() {
                return Ok(());
            }
            outcome = self.read_entry(self.input.offset - start);
            if outcome.is_err() {
                break;
            }
        }
        self.resolve_pending();
        outcome
    }

    /// Reads the lines before the pack of a bundle.
    fn read_bundle_header(&mut self) -> io::Result<()> {
        while self.input.peek(4)?.first().is_some_and(|first| *first != b'P') {
            let line = self.input.peek(1 << 16)?;
            let end = memchr::memchr(b'\n', line)
                .ok_or_else(|| invalid_data("the header of the bundle is truncated"))?;
            if line[..end] == *b"@object-format=sha256" {
                self.hash_kind = HashKind::Sha256;
            }
            self.input.consume(end + 1);
        }
        Ok(())
    }

    /// Reads the entry at `offset` and hands over its object, if its base is known.
    fn read_entry(&mut self, offset: u64) -> io::Result<()> {
        let mut head = self.input.peek(MAX_HEADER_LEN)?;
        let mut header =
            parse_pack_entry(head, self.hash_kind).map_err(|error| invalid_data(&error.to_string()))?;
        // A pack does not say which hash its ids use: with the wrong length of ids, no zlib data follows.
        if matches!(header.content, EntryContent::IdDelta(_)) && !has_zlib_header(&head[header.len..]) {
            self.hash_kind = HashKind::Sha256;
            head = self.input.peek(MAX_HEADER_LEN)?;
            header =
                parse_pack_entry(head, self.hash_kind).map_err(|error| invalid_data(&error.to_string()))?;
        }
        self.input.consume(header.len);
        let memory_left = self.sink.budget().memory_left().saturating_sub(self.kept_bytes);
        self.inflater.reset(true);
        let inflated = InflateStream::with_decompressor(&mut self.input, &mut self.inflater);
        let mut input = MeteredReader { budget: self.sink.budget(), input: inflated };
        if header.size > MAX_KEPT_SIZE.min(memory_left) {
            if let EntryContent::Whole(kind) = header.content {
                let kept_bytes = usize::try_from(self.kept_bytes).unwrap_or(usize::MAX);
                let budget = self.sink.budget();
                return match budget
                    .while_holding(kept_bytes, || self.sink.hand_over(&object_name(kind, offset), &mut input))
                {
                    true => Ok(()),
                    false => Err(invalid_data("an entry could not be read completely")),
                };
            }
            let name = format!("delta at byte {offset}");
            self.sink
                .skip(Some(name.as_bytes()), "too large to keep in memory; the text it inserts was scanned");
            let mut inserted = DeltaText::new(io::BufReader::new(input));
            let _ = self.sink.hand_over(name.as_bytes(), &mut inserted);
            return Ok(());
        }
        let mut bytes = Vec::new();
        let has_ended = fill(&mut input, &mut bytes, header.size as usize + 1);
        if !matches!(has_ended, Ok(true)) || bytes.len() as u64 != header.size {
            // The part that could be read may contain keys, too.
            let name = format!("part at byte {offset}").into_bytes();
            let _ = match header.content {
                EntryContent::Whole(_) => self.sink.hand_over(&name, &mut &bytes[..]),
                _ => self.sink.hand_over(&name, &mut DeltaText::new(&bytes[..])),
            };
            return Err(has_ended
                .err()
                .unwrap_or_else(|| invalid_data("an entry has a different size than declared")));
        }
        self.kept_bytes += bytes.len() as u64;
        match header.content {
            EntryContent::Whole(kind) => self.keep(offset, kind, bytes),
            base => match self.find_base(offset, base) {
                Some(base) => self.assemble(offset, &base, &bytes),
                None => self.pending_deltas.push(PendingDelta { offset, base, delta: bytes }),
            },
        }
        Ok(())
    }

    /// Hands over an object and keeps it as a base.
    fn keep(&mut self, offset: u64, kind: ObjectKind, bytes: Vec<u8>) {
        let kept_bytes = usize::try_from(self.kept_bytes).unwrap_or(usize::MAX);
        let _ = self
            .sink
            .budget()
            .while_holding(kept_bytes, || self.sink.hand_over(&object_name(kind, offset), &mut &bytes[..]));
        if let Some(offsets_by_id) = &mut self.offsets_by_id {
            offsets_by_id.extend(object_id(kind, &bytes, self.hash_kind).map(|id| (id, offset)));
        }
        self.kept_objects.insert(offset, KeptObject { kind, bytes: bytes.into() });
    }

    /// The object on which the delta at `offset` is based, if it is kept.
    fn find_base(&mut self, offset: u64, base: EntryContent) -> Option<KeptObject> {
        let base_offset = match base {
            EntryContent::Whole(_) => return None,
            EntryContent::OffsetDelta(distance) => offset.checked_sub(distance)?,
            EntryContent::IdDelta(id) => {
                let (kept_objects, hash_kind) = (&self.kept_objects, self.hash_kind);
                let offsets_by_id = self.offsets_by_id.get_or_insert_with(|| {
                    kept_objects
                        .iter()
                        .filter_map(|(entry_offset, object)| {
                            Some((object_id(object.kind, &object.bytes, hash_kind)?, *entry_offset))
                        })
                        .collect()
                });
                *offsets_by_id.get(&id)?
            }
        };
        self.kept_objects.get(&base_offset).cloned()
    }

    /// Applies a delta to its base, and hands over the resulting object.
    fn assemble(&mut self, offset: u64, base: &KeptObject, delta: &[u8]) {
        let memory_left = self.sink.budget().memory_left().saturating_sub(self.kept_bytes).min(MAX_KEPT_SIZE);
        let result = apply_delta(delta, &base.bytes, memory_left);
        self.kept_bytes = self.kept_bytes.saturating_sub(delta.len() as u64);
        match result {
            Ok(bytes) => {
                self.kept_bytes += bytes.len() as u64;
                if self.sink.budget().add_unpacked(bytes.len()).is_ok() {
                    self.keep(offset, base.kind, bytes);
                }
            }
            // The object does not fit into memory together with the kept ones.
            Err(DeltaError::TooLarge(_)) => {
                self.unassembled_count += 1;
                self.hand_over_inserted(offset, delta);
            }
            Err(error) => {
                let name = format!("delta at byte {offset}");
                self.sink.skip(Some(name.as_bytes()), format!("{error}; the text it inserts was scanned"));
                self.hand_over_inserted(offset, delta);
            }
        }
    }

    /// Hands over the text that a delta inserts. For deltas that cannot be applied.
    fn hand_over_inserted(&self, offset: u64, delta: &[u8]) {
        let _ = self.sink.hand_over(format!("delta at byte {offset}").as_bytes(), &mut DeltaText::new(delta));
    }

    /// Applies the pending deltas, now that the whole pack has been read.
    fn resolve_pending(&mut self) {
        loop {
            let before = self.pending_deltas.len();
            for delta in std::mem::take(&mut self.pending_deltas) {
                match self.find_base(delta.offset, delta.base) {
                    Some(base) => self.assemble(delta.offset, &base, &delta.delta),
                    None => self.pending_deltas.push(delta),
                }
            }
            if self.pending_deltas.len() == before {
                break;
            }
        }
        let count = self.pending_deltas.len() + self.unassembled_count;
        if count == 0 {
            return;
        }
        for PendingDelta { offset, delta, .. } in &self.pending_deltas {
            self.hand_over_inserted(*offset, delta);
        }
        let reason = "deltas whose bases are not in it or did not fit into memory (`--max-memory`)";
        self.sink.skip(
            None,
            format!("contains {count} {reason}; whole words of the text they insert were scanned"),
        );
    }
}

fn object_name(kind: ObjectKind, offset: u64) -> Vec<u8> {
    format!("{kind} at byte {offset}").into_bytes()
}

fn invalid_data(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
