//! Reads text that is written as the numbers of its characters, in any base and with any separators: `163 153 055`,
//! `chr(115)+chr(107)`, `0x73, 0x6b`, `01110011 01101011`, `736b`.

use super::reading::Reading;

/// A base, and the number of digits per character.
const BASES: &[(u32, std::ops::RangeInclusive<usize>)] = &[(16, 2..=4), (10, 2..=3), (8, 2..=4), (2, 7..=8)];

/// The same without separators: a base, and the number of digits per character.
const FIXED_WIDTHS: &[(u32, usize)] = &[(16, 2), (10, 3), (8, 3), (2, 8), (2, 7), (16, 4)];

/// What may precede a number within its word.
const PREFIXES: &[&str] = &["0x", "0X", "0o", "0b", "0B", "x", "u", "U", "o", "c", "h", "H"];

/// Calls `visit` with the readings of `bytes` as numbers, if there are enough digits for `size` characters.
pub(super) fn visit_readings(bytes: &[u8], size: usize, visit: &mut dyn FnMut(&Reading)) {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits < size {
        return;
    }
    let words = words(bytes);
    let numbers =
        words.iter().filter(|word| bytes[word.start..word.end].iter().any(u8::is_ascii_digit)).count();
    if numbers >= size {
        BASES.iter().for_each(|(base, length)| visit(&read_separate(bytes, &words, *base, length)));
    }
    if words.iter().any(|word| word.len() >= 2 * size) {
        for (base, width) in FIXED_WIDTHS {
            (0..*width).for_each(|offset| visit(&read_joined(bytes, &words, *base, *width, offset)));
        }
    }
}

/// The runs of letters and digits.
fn words(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().chain([&b' ']).enumerate() {
        match (start, byte.is_ascii_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Each word as one number.
fn read_separate(
    bytes: &[u8],
    words: &[std::ops::Range<usize>],
    base: u32,
    length: &std::ops::RangeInclusive<usize>,
) -> Reading {
    let mut reading = Reading::default();
    for word in words {
        let text = &bytes[word.clone()];
        let prefix =
            PREFIXES.iter().find(|prefix| text.len() > prefix.len() && text.starts_with(prefix.as_bytes()));
        let bare = &text[prefix.map_or(0, |prefix| prefix.len())..];
        let number = [text, bare, bare.strip_suffix(b"h").or(bare.strip_suffix(b"H")).unwrap_or(bare)];
        let byte = number
            .iter()
            .filter(|digits| length.contains(&digits.len()))
            .find_map(|digits| character(digits, base));
        if let Some(byte) = byte {
            reading.push(byte, word.clone());
        }
    }
    reading
}

/// Long words as numbers of `width` digits, from `offset` on.
fn read_joined(
    bytes: &[u8],
    words: &[std::ops::Range<usize>],
    base: u32,
    width: usize,
    offset: usize,
) -> Reading {
    let mut reading = Reading::default();
    for word in words.iter().filter(|word| word.len() >= 2 * width) {
        let mut at = word.start + offset;
        while at + width <= word.end {
            if let Some(byte) = character(&bytes[at..at + width], base) {
                reading.push(byte, at..at + width);
            }
            at += width;
        }
    }
    reading
}

/// The printable character whose number is `digits`.
fn character(digits: &[u8], base: u32) -> Option<u8> {
    let number = digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        number.checked_mul(base)?.checked_add(digit)
    })?;
    u8::try_from(number).ok().filter(u8::is_ascii_graphic)
}
