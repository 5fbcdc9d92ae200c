//! PDF: what is deflated in it, and the text of its pages with the pieces of a word put together.
//!
//! The file is not parsed: streams are found by their keywords, so that one without a table of its
//! objects, or with several, is read like any other.

mod text;

use std::io::{self, Cursor, Read};

use flate2::Decompress;
use memchr::memmem;

use super::ReadSeek;
use super::inflate::Inflate;
use super::opener::Opener;
use super::reading::Metered;
use super::window::{Shared, Window};

const STREAM: &[u8] = b"stream";

/// Bytes before a stream in which its dictionary is looked for.
const DICTIONARY: u64 = 2048;

/// Bytes of a page whose text is put together.
const PAGE: u64 = 8 << 20;

/// Filters that hide text, and that are not undone here. The others are those of pictures.
const OTHERS: [&[u8]; 8] = [
    b"/LZWDecode",
    b"/LZW",
    b"/ASCII85Decode",
    b"/A85",
    b"/ASCIIHexDecode",
    b"/AHx",
    b"/RunLengthDecode",
    b"/RL",
];

/// Hands over the deflated streams.
pub(super) fn open(opener: &Opener<'_>, input: &mut dyn ReadSeek) {
    if let Err(error) = run(opener, input) {
        opener.skip(None, format!("{error}; what came before was scanned"));
    }
}

fn run(opener: &Opener<'_>, input: &mut dyn ReadSeek) -> io::Result<()> {
    let shared = Shared::new(input)?;
    let mut data = shared.window();
    let is_encrypted = is_encrypted(&mut data, shared.size)?;
    if is_encrypted {
        opener.skip(None, "encrypted");
    }
    let mut state = Decompress::new(true);
    let (mut place, mut others) = (0, 0u64);
    while let Some(at) = data.find(place, shared.size, STREAM)? {
        if opener.is_over() || opener.budget.unpacked(0).is_err() {
            return Ok(());
        }
        place = at + STREAM.len() as u64;
        data.go(at.saturating_sub(DICTIONARY), at);
        let filter = filter(data.peek(DICTIONARY as usize)?);
        data.go(place, shared.size);
        let breaks = data.peek(2)?.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = place + breaks as u64;
        data.go(start, shared.size);
        // A dictionary can say so in many ways, or refer to one that does: the data knows.
        let is_deflated = is_zlib(data.peek(2)?);
        match filter {
            Filter::Deflate => {}
            _ if is_deflated && breaks != 0 => {}
            Filter::Other => {
                others += 1;
                continue;
            }
            Filter::None => continue,
        }
        state.reset(true);
        // What is damaged may have swallowed the next.
        if stream(opener, &mut Inflate::new(&mut data, &mut state), start, is_encrypted) {
            place = data.place();
        }
    }
    if others != 0 {
        let reason = format!(
            "{others} streams with filters that cannot be undone (LZW, ASCII85, hexadecimal, run lengths) were scanned as they stand"
        );
        opener.skip(None, reason);
    }
    Ok(())
}

/// Hands over one stream and the text that it shows; whether it was whole.
fn stream(opener: &Opener<'_>, inflate: &mut dyn Read, start: u64, is_encrypted: bool) -> bool {
    let budget = &opener.budget;
    let mut page = Vec::new();
    let mut unpacked = Metered { budget, unpacked: inflate };
    let most = PAGE.min(budget.room() / 4);
    let tasted = (&mut unpacked).take(most).read_to_end(&mut page);
    if is_encrypted && tasted.is_err() {
        return false;
    }
    let name = format!("stream at byte {start}");
    let (held, failed) = (page.len(), tasted.err());
    let rest = Rest { failed, input: &mut unpacked };
    budget.holding(held, || {
        let is_whole = opener.entry(name.as_bytes(), &mut Cursor::new(&page).chain(rest));
        let text = if opener.is_over() { Vec::new() } else { text::of(&page) };
        if !text.is_empty() {
            let unpacked = Cursor::new(&text);
            let _ = opener.entry(format!("{name}, text").as_bytes(), &mut Metered { budget, unpacked });
        }
        is_whole
    })
}

/// What follows the bytes that were read first: their error, or more.
struct Rest<'a> {
    failed: Option<io::Error>,
    input: &'a mut dyn Read,
}

impl Read for Rest<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.failed.take().map_or_else(|| self.input.read(buffer), Err)
    }
}

/// Whether some dictionary refers to one of how it is encrypted.
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

/// Whether data begins as zlib begins what it deflates.
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

#[derive(Debug, PartialEq, Eq)]
enum Filter {
    None,
    Deflate,
    Other,
}

/// What the dictionary at the end of `before` says of the stream that follows.
fn filter(before: &[u8]) -> Filter {
    // An object's number stands before it; a word that ends so does not begin a stream.
    let before = before.trim_ascii_end();
    if !before.ends_with(b">>") {
        return Filter::None;
    }
    let dictionary = &before[memmem::rfind(before, b" obj").unwrap_or(0)..];
    let Some(at) = memmem::find(dictionary, b"/Filter").or_else(|| memmem::find(dictionary, b"/F ")) else {
        return Filter::None;
    };
    let after = dictionary[at + 1..].iter().position(|byte| !byte.is_ascii_alphabetic());
    let names = dictionary[at + 1 + after.unwrap_or(0)..].trim_ascii_start();
    let names = names.strip_prefix(b"[").unwrap_or(names).trim_ascii_start();
    let ends = names.iter().skip(1).position(|byte| !byte.is_ascii_alphanumeric());
    match &names[..ends.map_or(names.len(), |at| at + 1)] {
        b"/FlateDecode" | b"/Fl" => Filter::Deflate,
        name if OTHERS.contains(&name) => Filter::Other,
        _ => Filter::None,
    }
}
