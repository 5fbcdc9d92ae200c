//! PDF: the decoded streams, and the text of the pages with the parts of each word joined.
//!
//! The file is not parsed. Streams are found by their keywords, so files with no or several cross-reference
//! tables are read like any other.

mod dictionary;
mod filters;
mod lzw;
mod objects;
mod text;
mod value;

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::Range;

use flate2::Decompress;

use self::dictionary::FilterStep;
use self::filters::{Ascii85, Decoder, Hexadecimal, RunLengths, UndoPredictor};
use self::lzw::Lzw;
use self::objects::Objects;
use super::ReadSeek;
use super::entry_sink::EntrySink;
use super::format::{Format, HEAD_LEN};
use super::inflate::InflateStream;
use super::readers::Metered;
use super::seek_window::{Shared, Window};

const STREAM: &[u8] = b"stream";

/// Bytes before a stream in which its dictionary is searched for.
const MAX_DICTIONARY_DISTANCE: u64 = 2048;

/// Maximum size of a page whose text is assembled, in bytes.
const MAX_PAGE_SIZE: u64 = 8 << 20;

/// Maximum size of one string, and of all such strings, in bytes.
const MAX_STRING_LEN: usize = 1 << 12;
const MAX_STRINGS_LEN: usize = 1 << 20;

/// Hands over decoded streams. Returns the ranges of streams stored without filters.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn ReadSeek) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| run(sink, input, delegated))
}

fn run(sink: &dyn EntrySink, input: &mut dyn ReadSeek, delegated: &mut Vec<Range<u64>>) -> io::Result<()> {
    let shared = Shared::new(input)?;
    let (mut data, mut ahead) = (shared.window(), shared.window());
    let is_encrypted = is_encrypted(&mut data, shared.size)?;
    if is_encrypted {
        sink.skip(None, "encrypted");
    }
    let (mut states, mut objects) = (Vec::new(), None);
    let (mut place, mut others) = (0, 0u64);
    while let Some(at) = data.find(place, shared.size, STREAM)? {
        if sink.is_over() || sink.budget().unpacked(0).is_err() {
            return Ok(());
        }
        place = at + STREAM.len() as u64;
        data.go(place, shared.size);
        let breaks = match data.peek(2)? {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        let start = place + breaks;
        data.go(at.saturating_sub(MAX_DICTIONARY_DISTANCE), at);
        let before = data.peek(MAX_DICTIONARY_DISTANCE as usize)?.to_vec();
        let mut failed = None;
        let mut said = dictionary::read(&before, &mut |number| {
            if objects.is_none() {
                objects = Objects::read(&mut ahead, shared.size).map_err(|error| failed = Some(error)).ok();
            }
            objects.as_ref()?.get(number)
        });
        failed.map_or(Ok(()), Err)?;
        data.go(start, shared.size);
        let head = data.peek(HEAD_LEN)?;
        if head[..head.len().min(16)].trim_ascii_start().starts_with(b"endstream") {
            continue;
        }
        // A dictionary can specify this in many ways, or refer to one that does, so the data decides.
        let is_deflated = is_zlib(head) && breaks != 0;
        let is_archive = said.is_stream && said.steps.is_empty() && Format::of(head).is_some();
        if is_deflated && !matches!(said.steps.first(), Some(FilterStep::Deflate(_) | FilterStep::RunLengths))
        {
            said.steps = vec![FilterStep::Deflate(None)];
        } else if said.is_unknown {
            others += 1;
        }
        let end = match said.steps.first() {
            None if !is_archive => continue,
            // It has its own end marker.
            Some(FilterStep::Deflate(_)) => shared.size,
            _ => end_of(&mut ahead, start, shared.size, said.length)?,
        };
        data.go(start, end);
        let whole = {
            let mut unpacked = chain(&said.steps, &mut data, &mut states, sink);
            stream(sink, &mut *unpacked, start, is_encrypted)
        };
        // Damaged data may extend over the next stream.
        if whole {
            place = place.max(data.place());
            delegated.push(start..place);
        }
    }
    if others != 0 {
        let reason = format!("{others} streams with unsupported filters were scanned only in raw form");
        sink.skip(None, reason);
    }
    strings(sink, &mut data, shared.size)
}

/// Chains the decoders of `steps`.
fn chain<'a>(
    steps: &[FilterStep],
    data: &'a mut Window<'_>,
    states: &'a mut Vec<Decompress>,
    sink: &'a dyn EntrySink,
) -> Box<dyn Read + 'a> {
    let budget = sink.budget();
    let deflated = steps.iter().filter(|step| matches!(step, FilterStep::Deflate(_))).count();
    while states.len() < deflated {
        states.push(Decompress::new(true));
    }
    let mut states = states.iter_mut();
    let mut chain: Box<dyn BufRead + 'a> = Box::new(data);
    for step in steps {
        // Intermediate data counts as well: there can be more of it than of the output.
        let (unpacked, predictor): (Box<dyn Read + 'a>, _) = match *step {
            FilterStep::Deflate(predictor) => {
                let Some(state) = states.next() else { break };
                state.reset(true);
                (Box::new(InflateStream::with_decompressor(chain, state)), predictor)
            }
            FilterStep::Lzw { is_early, predictor } => {
                (Box::new(Decoder::new(chain, Lzw::new(is_early))), predictor)
            }
            FilterStep::Ascii85 => (Box::new(Decoder::new(chain, Ascii85::default())), None),
            FilterStep::Hexadecimal => (Box::new(Decoder::new(chain, Hexadecimal)), None),
            FilterStep::RunLengths => (Box::new(Decoder::new(chain, RunLengths)), None),
        };
        chain = Box::new(BufReader::new(Metered { budget, unpacked }));
        if let Some(predictor) = predictor {
            chain = Box::new(BufReader::new(Decoder::new(chain, UndoPredictor::new(predictor))));
        }
    }
    Box::new(chain)
}

/// The end of the stream at `start`, if it has no end marker: where its dictionary says, if that is correct.
fn end_of(data: &mut Window<'_>, start: u64, size: u64, length: Option<u64>) -> io::Result<u64> {
    if let Some(end) = length.map(|length| start.saturating_add(length)).filter(|&end| end < size) {
        data.go(end, size);
        let behind = data.peek(16)?;
        if behind[..behind.len().min(16)].trim_ascii_start().starts_with(b"endstream") {
            return Ok(end);
        }
    }
    Ok(data.find(start, size, b"endstream")?.unwrap_or(size))
}

/// Hands over one stream and the text that it shows. Returns whether it was complete.
fn stream(sink: &dyn EntrySink, inflate: &mut dyn Read, start: u64, is_encrypted: bool) -> bool {
    let budget = sink.budget();
    let mut page = Vec::new();
    let mut unpacked = Metered { budget, unpacked: inflate };
    let most = MAX_PAGE_SIZE.min(budget.room() / 4);
    let tasted = (&mut unpacked).take(most).read_to_end(&mut page);
    if is_encrypted && tasted.is_err() {
        return false;
    }
    let name = format!("stream at byte {start}");
    let (held, failed) = (page.len(), tasted.err());
    let rest = RestOfStream { failed, input: &mut unpacked };
    budget.holding(held, || {
        let is_whole = sink.entry(name.as_bytes(), &mut Cursor::new(&page).chain(rest));
        let text = if sink.is_over() { Vec::new() } else { text::page_text(&page) };
        if !text.is_empty() {
            let unpacked = Cursor::new(&text);
            let _ = sink.entry(format!("{name}, text").as_bytes(), &mut Metered { budget, unpacked });
        }
        is_whole
    })
}

/// What follows the bytes that were read first: their error, or more data.
struct RestOfStream<'a> {
    failed: Option<io::Error>,
    input: &'a mut dyn Read,
}

impl Read for RestOfStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.failed.take().map_or_else(|| self.input.read(buffer), Err)
    }
}

/// Whether a dictionary refers to encryption parameters.
fn is_encrypted(data: &mut Window<'_>, size: u64) -> io::Result<bool> {
    const ENCRYPT: &[u8] = b"/Encrypt";
    let mut place = 0;
    while let Some(at) = data.find(place, size, ENCRYPT)? {
        place = at + ENCRYPT.len() as u64;
        data.go(place, size);
        if data.peek(1)?.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'<') {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether data begins like zlib data.
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

/// Hands over UTF-16 strings in hexadecimal form, as used for titles and keywords.
fn strings(sink: &dyn EntrySink, data: &mut Window<'_>, size: u64) -> io::Result<()> {
    let mut strings = Vec::new();
    for mark in text::UTF16_STARTS {
        let mut place = 0;
        while strings.len() < MAX_STRINGS_LEN
            && let Some(at) = data.find(place, size, mark)?
        {
            place = at + mark.len() as u64;
            data.go(at, size);
            let bytes = data.peek(MAX_STRING_LEN)?;
            text::utf16_string(&bytes[..bytes.len().min(MAX_STRING_LEN)], &mut strings);
        }
    }
    if !strings.is_empty() {
        let unpacked = Cursor::new(&strings);
        let _ = sink.entry(b"strings", &mut Metered { budget: sink.budget(), unpacked });
    }
    Ok(())
}
