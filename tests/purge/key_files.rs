//! Writes files that contain a key, plain and in encodings that friskey decodes.

use std::io::Write;
use std::ops::Range;

/// A file with a key.
pub(crate) struct KeyFile {
    pub(crate) bytes: Vec<u8>,
    /// The bytes that a purge may change; all of them if the file is a container.
    pub(crate) range: Range<usize>,
    pub(crate) encoding: Encoding,
}

/// How the key is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Binary,
    Utf16,
    Base64,
    Hex,
    JsonEscapes,
    Percent,
    Split,
    Container,
}

impl Encoding {
    pub(crate) const ALL: [Self; 9] = [
        Self::Plain,
        Self::Binary,
        Self::Utf16,
        Self::Base64,
        Self::Hex,
        Self::JsonEscapes,
        Self::Percent,
        Self::Split,
        Self::Container,
    ];

    /// A file that contains `key` in this encoding, between texts that contain `number`, so that no two files are equal.
    pub(crate) fn file(self, key: &str, number: usize) -> KeyFile {
        let whole = format!("# file {number}\nOPENAI_API_KEY={key}\n# end\n");
        let text = |before: String, encoded: String, after: &str| {
            let range = before.len()..before.len() + encoded.len();
            let bytes = [before, encoded, after.to_owned()].concat().into_bytes();
            KeyFile { bytes, range, encoding: self }
        };
        let encode_chars = |write: &dyn Fn(char) -> String| -> String { key.chars().map(write).collect() };
        match self {
            Self::Plain => text(format!("# file {number}\nk = \""), key.to_owned(), "\"\nend\n"),
            Self::Binary => {
                let mut file = text(format!("?{number}???"), key.to_owned(), "?rest");
                let len = file.bytes.len();
                file.bytes[0] = 0;
                file.bytes[len - 5] = 0xff;
                file
            }
            Self::Utf16 => {
                let bytes: Vec<u8> =
                    std::iter::once(0xfeff).chain(whole.encode_utf16()).flat_map(u16::to_le_bytes).collect();
                let start = 2 + 2 * whole.find("sk-").unwrap();
                KeyFile { bytes, range: start..start + 2 * key.len(), encoding: self }
            }
            Self::Base64 => text(format!("data{number}: "), base64(whole.as_bytes()), "\nend: 1\n"),
            Self::Hex => text(format!("hex{number} = \""), friskey::model::hex(whole.as_bytes()), "\"\n"),
            Self::JsonEscapes => text(
                format!("{{\"n\": {number}, \"k\": \""),
                encode_chars(&|c| format!("\\u{:04x}", u32::from(c))),
                "\"}\n",
            ),
            Self::Percent => {
                text(format!("q={number}&k="), encode_chars(&|c| format!("%{:02X}", u32::from(c))), "&x=1\n")
            }
            Self::Split => {
                let (first, second) = key.split_at(key.len() / 2);
                text(format!("n = {number}\nk = (\""), format!("{first}\"\n     \"{second}"), "\")\n")
            }
            Self::Container => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(whole.as_bytes()).unwrap();
                let bytes = encoder.finish().unwrap();
                KeyFile { range: 0..bytes.len(), bytes, encoding: self }
            }
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index) & 63) as usize];
            text.push(if index <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Decodes base64; `None` if `encoded` is not valid base64.
pub(crate) fn from_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in encoded.chunks(4) {
        let padding = group.iter().filter(|&&byte| byte == b'=').count();
        let mut bits = 0u32;
        for &byte in group {
            let digit = if byte == b'=' { 0 } else { DIGITS.iter().position(|&digit| digit == byte)? };
            bits = bits << 6 | digit as u32;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}

/// Decodes hex; `None` if `encoded` is not valid hex.
pub(crate) fn from_hex(encoded: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(encoded).ok()?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
