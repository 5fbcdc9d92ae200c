//! Tests that the excerpt around a key does not reveal it if the same line also contains the key in another spelling, in
//! another base, or split.

use friskey::detect::Redactor;
use friskey::model::Secret;
use friskey::rules::expand_template;

use crate::detector;

/// The number of consecutive characters of a key that an excerpt must not contain in another spelling.
const PIECE: usize = 9;

/// How each character of a key is spelled.
type Spelling = fn(char) -> String;

/// Spellings: the name, the separator of two characters, and the text of one.
const SPELLINGS: &[(&str, &str, Spelling)] = &[
    ("fullwidth", "", |c| shifted(c, 0xfee0)),
    ("mathematical", "", mathematical),
    ("circled", "", circled),
    ("tags", "", |c| shifted(c, 0xe_0000)),
    ("upper case", "", |c| c.to_ascii_uppercase().to_string()),
    ("lower case", "", |c| c.to_ascii_lowercase().to_string()),
    ("spaced", " ", |c| c.to_string()),
    ("dotted", ".", |c| c.to_string()),
    ("array", ",", |c| format!("'{c}'")),
    ("octal dump", " ", |c| format!("{:03o}", u32::from(c))),
    ("decimal", ", ", |c| u32::from(c).to_string()),
    ("hex", " ", |c| format!("{:02X}", u32::from(c))),
    ("hex bytes", ",", |c| format!("0x{:02x}", u32::from(c))),
    ("hex of assembler", ",", |c| format!("{:02x}h", u32::from(c))),
    ("joined hex", "", |c| format!("{:02x}", u32::from(c))),
    ("joined octal", "", |c| format!("{:03o}", u32::from(c))),
    ("binary", " ", |c| format!("{:08b}", u32::from(c))),
    ("joined binary", "", |c| format!("{:08b}", u32::from(c))),
    ("chr", "+", |c| format!("chr({})", u32::from(c))),
    ("Chr$", " & ", |c| format!("Chr$({})", u32::from(c))),
    ("ChrW", "&", |c| format!("ChrW({})", u32::from(c))),
    ("ChrW in hex", "&", |c| format!("ChrW(&H{:02X})", u32::from(c))),
    ("[char]", "+", |c| format!("[char]{}", u32::from(c))),
    ("octal escapes", "", |c| format!("\\{:03o}", u32::from(c))),
    ("hex escapes", "", |c| format!("\\x{:02x}", u32::from(c))),
    ("braces", "", |c| format!("\\u{{{:x}}}", u32::from(c))),
    ("code points", " ", |c| format!("U+{:04X}", u32::from(c))),
    ("percent", "", |c| format!("%{:02X}", u32::from(c))),
    ("percent twice", "", |c| format!("%25{:02X}", u32::from(c))),
    ("entities", "", |c| format!("&#{};", u32::from(c))),
    ("hex entities", "", |c| format!("&#x{:x};", u32::from(c))),
    ("quoted-printable", "", |c| format!("={:02X}", u32::from(c))),
    ("rot13", "", |c| rot13(c).to_string()),
    ("rot13 in hex", " ", |c| format!("{:02x}", u32::from(rot13(c)))),
];

fn shifted(c: char, distance: u32) -> String {
    char::from_u32(u32::from(c) + distance).unwrap().to_string()
}

fn mathematical(c: char) -> String {
    let code = match c {
        'A'..='Z' => 0x1d400 + u32::from(c) - 0x41,
        'a'..='z' => 0x1d41a + u32::from(c) - 0x61,
        '0'..='9' => 0x1d7ce + u32::from(c) - 0x30,
        _ => u32::from(c),
    };
    char::from_u32(code).unwrap().to_string()
}

fn circled(c: char) -> String {
    let code = match c {
        'A'..='Z' => 0x24b6 + u32::from(c) - 0x41,
        'a'..='z' => 0x24d0 + u32::from(c) - 0x61,
        '1'..='9' => 0x2460 + u32::from(c) - 0x31,
        '0' => 0x24ea,
        _ => u32::from(c),
    };
    char::from_u32(code).unwrap().to_string()
}

fn rot13(c: char) -> char {
    let rotate = |first: u8| char::from((c as u8 - first + 13) % 26 + first);
    match c {
        'a'..='z' => rotate(b'a'),
        'A'..='Z' => rotate(b'A'),
        _ => c,
    }
}

/// The prefix of [`key`], which an excerpt displays.
const PREFIX: &str = "sk-proj-";

fn key(seed: u64) -> String {
    let template = format!("{PREFIX}{{base64url:74}}{{marker}}{{base64url:72}}{{zero}}");
    String::from_utf8(expand_template(&template, seed).text).unwrap()
}

/// The excerpt around `key` of a line that also contains `other`, after the key or before it.
fn excerpt(key: &str, other: &str, is_after: bool) -> String {
    let text = if is_after { format!("{key} {other}") } else { format!("{other} {key}") };
    let start = if is_after { 0 } else { other.len() + 1 };
    let secret = Secret::new(key.as_bytes().to_vec(), PREFIX.len());
    Redactor::new(detector()).excerpt(text.as_bytes(), start..start + key.len(), &secret).text
}

#[test]
fn another_spelling_of_the_key_beside_it_is_masked() {
    for (name, separator, spelling) in SPELLINGS {
        for (seed, is_after) in [(1, true), (2, false), (3, true)] {
            let key = key(seed);
            let characters: Vec<String> = key.chars().map(spelling).collect();
            let excerpt = excerpt(&key, &characters.join(separator), is_after);
            for piece in characters[PREFIX.len()..].windows(PIECE) {
                let piece = piece.join(separator);
                assert!(!excerpt.contains(&piece), "{name}: {excerpt}");
            }
        }
    }
}

/// `text` in a base of a power of two: one character of `alphabet` for every `width` bits.
fn in_base(text: &[u8], width: usize, alphabet: &str) -> String {
    let bits: Vec<u8> = text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit =
        |bits: &[u8]| (0..width).fold(0, |sum, at| sum * 2 + usize::from(bits.get(at).copied().unwrap_or(0)));
    bits.chunks(width).map(|bits| char::from(alphabet.as_bytes()[digit(bits)])).collect()
}

fn in_ascii85(text: &[u8]) -> String {
    let number = |four: &[u8]| four.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let digits = |number: u32| {
        (0..5).rev().map(move |exponent| char::from((number / 85_u32.pow(exponent) % 85) as u8 + b'!'))
    };
    text.chunks_exact(4).map(number).flat_map(digits).collect()
}

#[test]
fn the_key_in_another_base_beside_it_is_masked() {
    let base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let base32_hex = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    let base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // The start determines which bits of the key share a character.
    for (seed, is_after, start) in [(1, true, 0), (2, false, 1), (3, true, 2), (4, true, 3)] {
        let key = key(seed);
        let tail = &key.as_bytes()[start..];
        let reversed: Vec<u8> = tail.iter().rev().copied().collect();
        for encoded in [
            in_base(tail, 5, base32),
            in_base(tail, 5, base32).to_lowercase(),
            in_base(tail, 5, base32_hex),
            in_base(tail, 6, base64),
            in_base(&reversed, 5, base32),
            in_ascii85(tail),
        ] {
            let excerpt = excerpt(&key, &encoded, is_after);
            // The first 16 characters may encode an end of the key, which the excerpt displays. 20 encode at least 12 bytes.
            for at in 16..encoded.len() - 20 {
                assert!(!excerpt.contains(&encoded[at..at + 20]), "{encoded}: {excerpt}");
            }
        }
    }
}

#[test]
fn the_key_split_over_literals_beside_it_is_masked() {
    let key = key(5);
    for size in [3, 4, 7] {
        let parts: Vec<_> =
            key.as_bytes()[PREFIX.len()..].chunks(size).map(|part| String::from_utf8_lossy(part)).collect();
        for separator in ["\" + \"", "\" & vbCrLf & \"", "', '", "\" \\\n \"", "\"), Part(\""] {
            let excerpt = excerpt(&key, &format!("(\"{}\")", parts.join(separator)), true);
            for pair in parts[..8.min(parts.len())].windows(2).filter(|_| size > 3) {
                let is_displayed = excerpt.contains(&format!("{}{separator}{}", pair[0], pair[1]));
                assert!(!is_displayed, "{separator}: {excerpt}");
            }
        }
    }
}
