//! Decodes base32, base64 and ascii85, starting at any character.
//!
//! Characters outside the alphabet are ignored, so that split text is decoded, too; what the rest of the line
//! decodes to is meaningless and harmless.

use super::reading::Reading;

/// An alphabet whose characters encode a fixed number of bits.
struct Alphabet {
    bits: usize,
    /// Number of characters after which bytes and characters are aligned again.
    period: usize,
    value: fn(u8) -> Option<u32>,
}

const BASE32: Alphabet = Alphabet { bits: 5, period: 8, value: base32 };
const BASE32_HEX: Alphabet = Alphabet { bits: 5, period: 8, value: base32_hex };
const BASE64: Alphabet = Alphabet { bits: 6, period: 4, value: base64 };

/// Alphabets of 85 characters, five of which encode four bytes.
const BASE85: &[fn(u8) -> Option<u32>] = &[ascii85, z85, rfc1924];

/// Hands over the readings of `bytes` in each alphabet, if a run is long enough for `size` characters.
pub(super) fn visit_readings(bytes: &[u8], size: usize, visit: &mut dyn FnMut(&Reading)) {
    let longest = bytes.split(u8::is_ascii_whitespace).map(<[u8]>::len).max().unwrap_or(0);
    if longest < size {
        return;
    }
    for alphabet in [BASE32, BASE32_HEX, BASE64] {
        let digits = digits(bytes, alphabet.value);
        (0..alphabet.period).for_each(|offset| visit(&read_packed(&digits, offset, alphabet.bits)));
    }
    for value in BASE85 {
        let digits = digits(bytes, *value);
        (0..5).for_each(|offset| visit(&read_groups_of_five(&digits, offset)));
    }
}

/// The characters of an alphabet as numbers, with their positions.
fn digits(bytes: &[u8], value: fn(u8) -> Option<u32>) -> Vec<(u32, usize)> {
    bytes.iter().enumerate().filter_map(|(offset, byte)| Some((value(*byte)?, offset))).collect()
}

/// Decodes `bits` bits per character, from the character at `offset` on.
fn read_packed(digits: &[(u32, usize)], offset: usize, bits: usize) -> Reading {
    let mut reading = Reading::default();
    let (mut buffer, mut buffered_bits) = (0_u32, 0);
    let mut first = offset;
    for (index, (digit, position)) in digits.iter().enumerate().skip(offset) {
        buffer = (buffer << bits | digit) & 0xffff;
        buffered_bits += bits;
        if buffered_bits >= 8 {
            buffered_bits -= 8;
            reading.push((buffer >> buffered_bits & 0xff) as u8, digits[first].1..position + 1);
            first = if buffered_bits == 0 { index + 1 } else { index };
        }
    }
    reading
}

/// Decodes four bytes from each five characters, from the character at `offset` on.
fn read_groups_of_five(digits: &[(u32, usize)], offset: usize) -> Reading {
    let mut reading = Reading::default();
    for group in digits.get(offset..).unwrap_or_default().chunks_exact(5) {
        let number = group.iter().fold(0_u64, |number, (digit, _)| number * 85 + u64::from(*digit));
        let Ok(number) = u32::try_from(number) else { continue };
        for byte in number.to_be_bytes() {
            reading.push(byte, group[0].1..group[4].1 + 1);
        }
    }
    reading
}

fn base32(byte: u8) -> Option<u32> {
    match byte.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Some(u32::from(upper - b'A')),
        digit @ b'2'..=b'7' => Some(u32::from(digit - b'2') + 26),
        _ => None,
    }
}

fn base32_hex(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(32)
}

fn base64(byte: u8) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn ascii85(byte: u8) -> Option<u32> {
    (b'!'..=b'u').contains(&byte).then(|| u32::from(byte - b'!'))
}

fn z85(byte: u8) -> Option<u32> {
    index_in(byte, b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")
}

fn rfc1924(byte: u8) -> Option<u32> {
    index_in(byte, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~")
}

fn index_in(byte: u8, alphabet: &[u8; 85]) -> Option<u32> {
    memchr::memchr(byte, alphabet).and_then(|index| u32::try_from(index).ok())
}
