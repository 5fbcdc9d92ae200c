//! Opens PDFs: hands over the decoded streams, and the text of the pages with the parts of each word joined.
//!
//! Streams are found by their keyword and not by cross-reference tables, of which a file may have none or several.

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
use super::inflate::{InflateStream, has_zlib_header};
use super::readers::MeteredReader;
use super::seek_window::{SharedInput, Window};

const STREAM: &[u8] = b"stream";
const STREAM_END: &[u8] = b"endstream";

/// Number of bytes before a stream in which its dictionary is searched for.
const MAX_DICTIONARY_DISTANCE: u64 = 2048;

/// Maximum size of a page whose text is assembled, in bytes.
const MAX_PAGE_SIZE: u64 = 8 << 20;

/// Maximum length of one UTF-16 string, and of all of them together, in bytes.
const MAX_STRING_LEN: usize = 1 << 12;
const MAX_STRINGS_LEN: usize = 1 << 20;

/// Hands over the decoded streams. Returns the ranges of the streams that were decoded completely.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn ReadSeek) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| open_streams(sink, input, delegated))
}

fn open_streams(
    sink: &dyn EntrySink,
    input: &mut dyn ReadSeek,
    delegated: &mut Vec<Range<u64>>,
) -> io::Result<()> {
    let shared = SharedInput::new(input)?;
    let (mut data, mut lookup) = (shared.window(), shared.window());
    let is_encrypted = is_encrypted(&mut data, shared.size)?;
    if is_encrypted {
        sink.skip(None, "encrypted");
    }
    let (mut inflaters, mut objects) = (Vec::new(), None);
    let (mut position, mut unsupported_count) = (0, 0u64);
    while let Some(keyword_start) = data.find(position, shared.size, STREAM)? {
        if sink.is_limit_hit() || sink.budget().check().is_err() {
            return Ok(());
        }
        position = keyword_start + STREAM.len() as u64;
        data.seek(position, shared.size);
        let newline_len = match data.peek(2)? {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        let start = position + newline_len;
        data.seek(keyword_start.saturating_sub(MAX_DICTIONARY_DISTANCE), keyword_start);
        let before = data.peek(MAX_DICTIONARY_DISTANCE as usize)?.to_vec();
        let mut read_error = None;
        let mut dictionary = dictionary::read(&before, &mut |number| {
            if objects.is_none() {
                objects =
                    Objects::read(&mut lookup, shared.size).map_err(|error| read_error = Some(error)).ok();
            }
            objects.as_ref()?.get(number)
        });
        read_error.map_or(Ok(()), Err)?;
        data.seek(start, shared.size);
        let head = data.peek(HEAD_LEN)?;
        if is_at_stream_end(head) {
            continue;
        }
        // A dictionary can name this filter in many ways, and directly or by a reference, so the data decides.
        let is_deflated = has_zlib_header(head) && newline_len != 0;
        let is_archive =
            dictionary.is_stream && dictionary.steps.is_empty() && Format::recognize(head).is_some();
        if is_deflated
            && !matches!(dictionary.steps.first(), Some(FilterStep::Deflate(_) | FilterStep::RunLengths))
        {
            dictionary.steps = vec![FilterStep::Deflate(None)];
        } else if dictionary.has_unsupported {
            unsupported_count += 1;
        }
        let end = match dictionary.steps.first() {
            None if !is_archive => continue,
            // Deflate data contains its own end.
            Some(FilterStep::Deflate(_)) => shared.size,
            _ => find_stream_end(&mut lookup, start, shared.size, dictionary.length)?,
        };
        data.seek(start, end);
        let is_complete = {
            let mut unpacked = decode_chain(&dictionary.steps, &mut data, &mut inflaters, sink);
            hand_over_stream(sink, &mut *unpacked, start, is_encrypted)
        };
        // Damaged data may extend over the next stream.
        if is_complete {
            position = position.max(data.position());
            delegated.push(start..position);
        }
    }
    if unsupported_count != 0 {
        let reason =
            format!("{unsupported_count} streams with unsupported filters were scanned only in raw form");
        sink.skip(None, reason);
    }
    hand_over_strings(sink, &mut data, shared.size)
}

/// Returns a reader that applies the decoders of `steps` to `data`, one after the other. `inflaters` are reused.
fn decode_chain<'a>(
    steps: &[FilterStep],
    data: &'a mut Window<'_>,
    inflaters: &'a mut Vec<Decompress>,
    sink: &'a dyn EntrySink,
) -> Box<dyn Read + 'a> {
    let budget = sink.budget();
    let deflate_count = steps.iter().filter(|step| matches!(step, FilterStep::Deflate(_))).count();
    while inflaters.len() < deflate_count {
        inflaters.push(Decompress::new(true));
    }
    let mut inflaters = inflaters.iter_mut();
    let mut chain: Box<dyn BufRead + 'a> = Box::new(data);
    for step in steps {
        // The output of each step is metered, since there can be more of it than of the output of the last step.
        let (unpacked, predictor): (Box<dyn Read + 'a>, _) = match *step {
            FilterStep::Deflate(predictor) => {
                let Some(inflater) = inflaters.next() else { break };
                inflater.reset(true);
                (Box::new(InflateStream::with_decompressor(chain, inflater)), predictor)
            }
            FilterStep::Lzw { is_early, predictor } => {
                (Box::new(Decoder::new(chain, Lzw::new(is_early))), predictor)
            }
            FilterStep::Ascii85 => (Box::new(Decoder::new(chain, Ascii85::default())), None),
            FilterStep::Hexadecimal => (Box::new(Decoder::new(chain, Hexadecimal)), None),
            FilterStep::RunLengths => (Box::new(Decoder::new(chain, RunLengths)), None),
        };
        chain = Box::new(BufReader::new(MeteredReader { budget, input: unpacked }));
        if let Some(predictor) = predictor {
            chain = Box::new(BufReader::new(Decoder::new(chain, UndoPredictor::new(predictor))));
        }
    }
    Box::new(chain)
}

/// Finds the end of the stream at `start`: by the declared `length` if that is correct, and otherwise by the next keyword.
fn find_stream_end(data: &mut Window<'_>, start: u64, size: u64, length: Option<u64>) -> io::Result<u64> {
    if let Some(end) = length.map(|length| start.saturating_add(length)).filter(|&end| end < size) {
        data.seek(end, size);
        if is_at_stream_end(data.peek(16)?) {
            return Ok(end);
        }
    }
    Ok(data.find(start, size, STREAM_END)?.unwrap_or(size))
}

/// Whether a stream ends before `rest`: its keyword follows within 16 bytes, after white space only.
fn is_at_stream_end(rest: &[u8]) -> bool {
    rest[..rest.len().min(16)].trim_ascii_start().starts_with(STREAM_END)
}

/// Hands over one stream, and its text if it is a page. Returns whether the whole stream was handed over.
fn hand_over_stream(sink: &dyn EntrySink, decoded: &mut dyn Read, start: u64, is_encrypted: bool) -> bool {
    let budget = sink.budget();
    let mut page = Vec::new();
    let mut unpacked = MeteredReader { budget, input: decoded };
    let max_len = MAX_PAGE_SIZE.min(budget.memory_left() / 4);
    let probe_result = (&mut unpacked).take(max_len).read_to_end(&mut page);
    if is_encrypted && probe_result.is_err() {
        return false;
    }
    let name = format!("stream at byte {start}");
    let (page_len, read_error) = (page.len(), probe_result.err());
    let rest = RestOfStream { read_error, input: &mut unpacked };
    budget.while_holding(page_len, || {
        let is_complete = sink.hand_over(name.as_bytes(), &mut Cursor::new(&page).chain(rest));
        let text = if sink.is_limit_hit() { Vec::new() } else { text::page_text(&page) };
        if !text.is_empty() {
            let input = Cursor::new(&text);
            let _ = sink.hand_over(format!("{name}, text").as_bytes(), &mut MeteredReader { budget, input });
        }
        is_complete
    })
}

/// Reads what follows the first bytes of a stream: the error that ended them, or more data.
struct RestOfStream<'a> {
    read_error: Option<io::Error>,
    input: &'a mut dyn Read,
}

impl Read for RestOfStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_error.take().map_or_else(|| self.input.read(buffer), Err)
    }
}

/// Whether a dictionary in the file refers to encryption parameters.
fn is_encrypted(data: &mut Window<'_>, size: u64) -> io::Result<bool> {
    const ENCRYPT: &[u8] = b"/Encrypt";
    let mut position = 0;
    while let Some(keyword_start) = data.find(position, size, ENCRYPT)? {
        position = keyword_start + ENCRYPT.len() as u64;
        data.seek(position, size);
        if data.peek(1)?.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'<') {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Hands over UTF-16 strings in hexadecimal form, as used for titles and keywords.
fn hand_over_strings(sink: &dyn EntrySink, data: &mut Window<'_>, size: u64) -> io::Result<()> {
    let mut strings = Vec::new();
    for start in text::UTF16_STARTS {
        let mut position = 0;
        while strings.len() < MAX_STRINGS_LEN
            && let Some(keyword_start) = data.find(position, size, start)?
        {
            position = keyword_start + start.len() as u64;
            data.seek(keyword_start, size);
            let bytes = data.peek(MAX_STRING_LEN)?;
            text::append_utf16_string(&bytes[..bytes.len().min(MAX_STRING_LEN)], &mut strings);
        }
    }
    if !strings.is_empty() {
        let input = Cursor::new(&strings);
        let _ = sink.hand_over(b"strings", &mut MeteredReader { budget: sink.budget(), input });
    }
    Ok(())
}
