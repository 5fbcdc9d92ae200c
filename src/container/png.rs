//! Opens the compressed texts of PNG, MNG and JNG images. Uncompressed texts are found in the raw bytes.

use std::io::{self, Read, Take};

use flate2::bufread::ZlibDecoder;

use super::entry_sink::EntrySink;
use super::readers::{MeteredReader, PeekReader, drain};

/// Length of a chunk's header: its length and type.
const CHUNK_HEADER_LEN: usize = 8;

/// Types of chunks with text that may be compressed.
pub(super) const COMPRESSED_TEXTS: [&[u8]; 2] = [b"zTXt", b"iTXt"];

/// Length of the checksum after the data of a chunk.
const CHECKSUM_LEN: u64 = 4;

/// Maximum length, in bytes, of everything before a text: its keyword, and the fields that follow it in international texts.
const MAX_KEYWORD_LEN: usize = 1024;

/// Whether a PNG, MNG or JNG image begins with `head`.
pub(super) fn is_png(head: &[u8]) -> bool {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], b"\x8aMNG\r\n\x1a\n", b"\x8bJNG\r\n\x1a\n"]
        .iter()
        .any(|magic| head.starts_with(magic))
}

/// Length from the type of a chunk to the end of its keyword, if `bytes` begin with one of
/// [`COMPRESSED_TEXTS`].
pub(super) fn text_start(bytes: &[u8]) -> Option<usize> {
    let keyword = COMPRESSED_TEXTS.iter().find_map(|kind| bytes.strip_prefix(*kind))?;
    let end = memchr::memchr(0, &keyword[..keyword.len().min(MAX_KEYWORD_LEN)])?;
    Some(bytes.len() - keyword.len() + end + 1)
}

/// Hands over the compressed texts.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) {
    let mut input = PeekReader::new(input);
    if let Err(error) = open_chunks(sink, &mut input) {
        sink.skip(None, format!("{error}; the data before that was scanned"));
    }
}

fn open_chunks(sink: &dyn EntrySink, input: &mut PeekReader<'_>) -> io::Result<()> {
    input.skip_bytes(CHUNK_HEADER_LEN as u64)?;
    // An image that is cut off between chunks is not reported: no text of it is incomplete.
    while let Some([a, b, c, d, kind @ ..]) =
        input.peek(CHUNK_HEADER_LEN)?.first_chunk::<CHUNK_HEADER_LEN>().copied()
    {
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > i32::MAX as u32 || !kind.iter().all(u8::is_ascii_alphabetic) || sink.is_limit_hit() {
            break;
        }
        input.skip_bytes(CHUNK_HEADER_LEN as u64)?;
        let mut chunk = (&mut *input).take(length.into());
        if COMPRESSED_TEXTS.contains(&&kind[..]) {
            open_text(sink, &mut chunk, &kind)?;
        }
        let rest = chunk.limit() + CHECKSUM_LEN;
        input.skip_bytes(rest)?;
    }
    Ok(())
}

/// Hands over the text of a chunk that begins with its keyword, if it is compressed.
fn open_text(sink: &dyn EntrySink, chunk: &mut Take<&mut PeekReader<'_>>, kind: &[u8; 4]) -> io::Result<()> {
    let length = MAX_KEYWORD_LEN.min(usize::try_from(chunk.limit()).unwrap_or(MAX_KEYWORD_LEN));
    let head = chunk.get_mut().peek(length)?;
    let Some((keyword, start)) = parse_text_head(&head[..head.len().min(length)], kind) else {
        return Ok(());
    };
    let name = [&kind[..], b" ", keyword].concat();
    drain(&mut chunk.by_ref().take(start as u64))?;
    let input = ZlibDecoder::new(chunk);
    let _ = sink.hand_over(&name, &mut MeteredReader { budget: sink.budget(), input });
    Ok(())
}

/// The keyword of a compressed text, and the offset of its data in `head`; `None` for a text that is not compressed.
fn parse_text_head<'h>(head: &'h [u8], kind: &[u8; 4]) -> Option<(&'h [u8], usize)> {
    let end = memchr::memchr(0, head)?;
    let (keyword, rest) = (&head[..end], &head[end + 1..]);
    if kind == b"zTXt" {
        return (*rest.first()? == 0).then_some((keyword, end + 2));
    }
    // The compression flag and method, a language, and a translated keyword.
    let [1, 0, rest @ ..] = rest else { return None };
    let language = memchr::memchr(0, rest)?;
    let translated = memchr::memchr(0, &rest[language + 1..])?;
    Some((keyword, end + 3 + language + 1 + translated + 1))
}
