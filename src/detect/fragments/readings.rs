//! Reads a text under each interpretation: as it is, only within quotes, with escapes decoded, as numbers and in base-N.

use unicode_normalization::UnicodeNormalization as _;

use super::reading::Reading;
use super::{base_n, escaped, number_list};

/// Calls `visit` with every reading of `bytes` that has at least `size` characters.
pub(super) fn visit_readings(bytes: &[u8], size: usize, visit: &mut dyn FnMut(&Reading)) {
    let mut visit = |reading: &Reading| {
        if reading.text.len() >= size {
            visit(reading);
        }
    };
    visit(&read_folded(bytes));
    if bytes.iter().any(|byte| b"\"'`".contains(byte)) {
        visit(&read_quoted(bytes));
    }
    if bytes.iter().any(|byte| b"\\%&=+".contains(byte)) {
        visit(&escaped::read_escaped(bytes));
    }
    number_list::visit_readings(bytes, size, &mut visit);
    base_n::visit_readings(bytes, size, &mut visit);
}

/// The text itself. Variants of letters (`ｓ`, `𝐬`, `ⓢ`) count as plain ones.
fn read_folded(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let place = at..at + character.len_utf8();
            at = place.end;
            match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => reading.push(byte, place),
                _ => ascii_lookalikes(character).for_each(|byte| reading.push(byte, place.clone())),
            }
        }
        at += chunk.invalid().len();
    }
    reading
}

/// The ASCII characters that `character` looks like.
fn ascii_lookalikes(character: char) -> impl Iterator<Item = u8> {
    let letter = |first: u32| char::from_u32(u32::from(character) - first + u32::from('a'));
    let plain = match character {
        '\u{1f150}'..='\u{1f169}' => letter(0x1f150),
        '\u{1f170}'..='\u{1f189}' => letter(0x1f170),
        '\u{1f1e6}'..='\u{1f1ff}' => letter(0x1f1e6),
        // Tag characters, which are invisible.
        '\u{e0020}'..='\u{e007e}' => char::from_u32(u32::from(character) - 0xe_0000),
        _ => None,
    };
    std::iter::once(plain.unwrap_or(character))
        .nfkd()
        .filter_map(|part| u8::try_from(part).ok())
        .filter(u8::is_ascii)
}

/// The text in quotes: a secret may be split over literals with names between them.
fn read_quoted(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut open = None;
    for (at, &byte) in bytes.iter().enumerate() {
        match open {
            Some(quote) if quote == byte => open = None,
            Some(_) => reading.push(byte, at..at + 1),
            None if b"\"'`".contains(&byte) => open = Some(byte),
            None => {}
        }
    }
    reading
}
