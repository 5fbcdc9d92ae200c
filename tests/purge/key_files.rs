//! Makes the contents of files with a key, plain and in encodings that friskey decodes, and decodes base64 and hex.

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
                // A string could not contain the NUL at the start, which makes a file binary, and the invalid UTF-8 after the key.
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

/// Decodes base64; `None` if `encoded` is not valid base64, padded to groups of four characters.
pub(crate) fn from_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let digit_count = encoded.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    if !encoded.len().is_multiple_of(4) || encoded.len() - digit_count > 2 {
        return None;
    }
    let mut bytes = Vec::new();
    for group in encoded[..digit_count].chunks(4) {
        let mut bits = 0u32;
        for index in 0..4 {
            let digit = match group.get(index) {
                Some(byte) => DIGITS.iter().position(|digit| digit == byte)?,
                None => 0,
            };
            bits = bits << 6 | digit as u32;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

/// Decodes hex; `None` if `encoded` is not valid hex.
pub(crate) fn from_hex(encoded: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    encoded.chunks(2).map(byte).collect()
}

#[test]
fn only_valid_base64_and_hex_are_decoded() {
    for text in [&b""[..], b"k", b"ke", b"key", b"keys"] {
        assert_eq!(from_base64(base64(text).as_bytes()).as_deref(), Some(text));
        assert_eq!(from_hex(friskey::model::hex(text).as_bytes()).as_deref(), Some(text));
    }
    for invalid in ["QQ", "QQ=", "====", "Q===", "QQ==QQ==", "Q=Q=", "QQ-_"] {
        assert_eq!(from_base64(invalid.as_bytes()), None, "{invalid}");
    }
    for invalid in ["6", "+f", "6g", "6b6"] {
        assert_eq!(from_hex(invalid.as_bytes()), None, "{invalid}");
    }
}
