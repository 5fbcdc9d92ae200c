//! PNG, and what is made of the same chunks: texts that are compressed. Those that are not stand in it as they are.

use std::io::{self, Read, Take};

use flate2::bufread::ZlibDecoder;

use super::opener::Opener;
use super::reading::{Ahead, Metered, drain};

/// Length and name of a chunk.
const CHUNK: usize = 8;

/// The chunks that hold text which may be compressed.
pub(super) const COMPRESSED_TEXTS: [&[u8]; 2] = [b"zTXt", b"iTXt"];

/// Bytes behind the data of a chunk.
const CHECKSUM: u64 = 4;

/// Bytes of a chunk in which its text's keyword ends, with what stands behind it of an international text.
const LONGEST_KEYWORD: usize = 1024;

/// Whether a picture begins with `head`: PNG, MNG or JNG.
pub(super) fn begins(head: &[u8]) -> bool {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], b"\x8aMNG\r\n\x1a\n", b"\x8bJNG\r\n\x1a\n"]
        .iter()
        .any(|magic| head.starts_with(magic))
}

/// The bytes from the name of a chunk to the end of its keyword, if `bytes` begin with one of [`COMPRESSED_TEXTS`].
pub(super) fn text_start(bytes: &[u8]) -> Option<usize> {
    let keyword = COMPRESSED_TEXTS.iter().find_map(|kind| bytes.strip_prefix(*kind))?;
    let end = memchr::memchr(0, &keyword[..keyword.len().min(LONGEST_KEYWORD)])?;
    Some(bytes.len() - keyword.len() + end + 1)
}

/// Hands over the texts that are compressed.
pub(super) fn open(opener: &Opener<'_>, input: &mut dyn Read) {
    let mut input = Ahead::new(input);
    if let Err(error) = chunks(opener, &mut input) {
        opener.skip(None, format!("{error}; what came before was scanned"));
    }
}

fn chunks(opener: &Opener<'_>, input: &mut Ahead<'_>) -> io::Result<()> {
    input.pass(CHUNK as u64)?;
    // A picture that is cut off lacks nothing that is packed.
    while let Some([a, b, c, d, kind @ ..]) = input.peek(CHUNK)?.first_chunk::<CHUNK>().copied() {
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > i32::MAX as u32 || !kind.iter().all(u8::is_ascii_alphabetic) || opener.is_over() {
            break;
        }
        input.pass(CHUNK as u64)?;
        let mut chunk = (&mut *input).take(length.into());
        if COMPRESSED_TEXTS.contains(&&kind[..]) {
            text(opener, &mut chunk, &kind)?;
        }
        let rest = chunk.limit() + CHECKSUM;
        input.pass(rest)?;
    }
    Ok(())
}

/// Hands over the text of a chunk that begins with its keyword, if it is compressed.
fn text(opener: &Opener<'_>, chunk: &mut Take<&mut Ahead<'_>>, kind: &[u8; 4]) -> io::Result<()> {
    let length = LONGEST_KEYWORD.min(usize::try_from(chunk.limit()).unwrap_or(LONGEST_KEYWORD));
    let head = chunk.get_mut().peek(length)?;
    let Some((keyword, start)) = compressed(&head[..head.len().min(length)], kind) else { return Ok(()) };
    let name = [&kind[..], b" ", keyword].concat();
    drain(&mut chunk.by_ref().take(start as u64))?;
    let unpacked = ZlibDecoder::new(chunk);
    let _ = opener.entry(&name, &mut Metered { budget: &opener.budget, unpacked });
    Ok(())
}

/// The keyword of a text that is compressed, and where its data begins.
fn compressed<'h>(head: &'h [u8], kind: &[u8; 4]) -> Option<(&'h [u8], usize)> {
    let end = memchr::memchr(0, head)?;
    let (keyword, rest) = (&head[..end], &head[end + 1..]);
    if kind == b"zTXt" {
        return (*rest.first()? == 0).then_some((keyword, end + 2));
    }
    // Whether it is compressed, and how; a language, and the keyword in that.
    let [1, 0, rest @ ..] = rest else { return None };
    let language = memchr::memchr(0, rest)?;
    let translated = memchr::memchr(0, &rest[language + 1..])?;
    Some((keyword, end + 3 + language + 1 + translated + 1))
}
