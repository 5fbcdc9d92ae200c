//! Extracts the text of a PDF page, in which the parts of a word may be positioned separately.

use memchr::memmem;

/// Parts of text whose distance is larger than this, in thousandths of the font size, are separate words.
const MIN_WORD_SPACE: f64 = 200.0;

/// How a UTF-16 string in hexadecimal form begins.
pub(super) const UTF16_STARTS: [&[u8]; 2] = [b"<FEFF", b"<feff"];

/// Appends the string at the start of `bytes`, which begins with one of [`UTF16_STARTS`], to `text` as a line.
pub(super) fn append_utf16_string(bytes: &[u8], text: &mut Vec<u8>) {
    let mut units = Vec::new();
    append_hexadecimal(&bytes[1..], &mut units);
    let units = units.chunks_exact(2).skip(1).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let string: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.extend(string.as_bytes());
    text.push(b'\n');
}

/// The text of a page: a line for each operator that shows several strings, or a string with escapes. Other strings are
/// found in the raw page.
pub(super) fn page_text(page: &[u8]) -> Vec<u8> {
    let (mut text, mut line) = (Vec::new(), Vec::new());
    // A string with escapes or in hexadecimal form counts as two parts, so that its line is kept.
    let (mut part_count, mut position) = (0, 0);
    let is_operator = |start: usize| {
        let neighbors = [start.checked_sub(1).and_then(|before| page.get(before)), page.get(start + 2)];
        neighbors.into_iter().flatten().all(u8::is_ascii_whitespace)
    };
    // Every text begins with this operator; an image, for example, has none.
    if !memmem::find_iter(page, b"BT").any(is_operator) {
        return text;
    }
    while let Some(&byte) = page.get(position) {
        let rest = &page[position..];
        position += 1;
        match byte {
            b'(' => {
                let (len_before, consumed) = (line.len(), append_string(&page[position..], &mut line));
                part_count += if line.len() - len_before + 1 == consumed { 1 } else { 2 };
                position += consumed;
            }
            b'<' if rest.get(1) == Some(&b'<') => position += 1,
            b'<' => {
                position += append_hexadecimal(&page[position..], &mut line);
                part_count += 2;
            }
            b'-' if !line.is_empty() => {
                let digits = rest[1..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'.')).count();
                let number =
                    std::str::from_utf8(&rest[1..=digits]).ok().and_then(|digits| digits.parse().ok());
                if number.is_some_and(|number: f64| number > MIN_WORD_SPACE) {
                    line.push(b' ');
                }
                position += digits;
            }
            b'T' if matches!(rest.get(1), Some(b'J' | b'j')) => {
                if part_count > 1 {
                    text.append(&mut line);
                    text.push(b'\n');
                }
                line.clear();
                part_count = 0;
            }
            _ => {}
        }
    }
    text
}

/// Appends a string in parentheses to `line`. Returns its length in bytes.
fn append_string(bytes: &[u8], line: &mut Vec<u8>) -> usize {
    let (mut position, mut depth) = (0, 0usize);
    while let Some(&byte) = bytes.get(position) {
        position += 1;
        match byte {
            b')' if depth == 0 => return position,
            b'\\' => position += append_escape(&bytes[position..], line),
            _ => {
                depth = depth + usize::from(byte == b'(') - usize::from(byte == b')');
                line.push(byte);
            }
        }
    }
    position
}

/// Appends the character that the escape after a backslash means. Returns the length of the escape in bytes.
fn append_escape(bytes: &[u8], line: &mut Vec<u8>) -> usize {
    let digits = bytes.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    match bytes.first() {
        Some(b'0'..=b'7') => {
            line.push(bytes[..digits].iter().fold(0u8, |sum, digit| (sum << 3) | (digit - b'0')));
            return digits;
        }
        Some(b'\r') if bytes.get(1) == Some(&b'\n') => return 2,
        Some(b'\n' | b'\r') => {}
        Some(b'n' | b'r' | b't' | b'b' | b'f') => line.push(b' '),
        Some(&byte) => line.push(byte),
        None => return 0,
    }
    1
}

/// Appends a hexadecimal string to `line`. Returns its length in bytes.
fn append_hexadecimal(bytes: &[u8], line: &mut Vec<u8>) -> usize {
    let mut high_digit = None;
    for (position, &byte) in bytes.iter().enumerate() {
        match ((byte as char).to_digit(16), high_digit) {
            (Some(digit), None) => high_digit = Some(digit as u8),
            (Some(digit), Some(high)) => {
                line.push(high << 4 | digit as u8);
                high_digit = None;
            }
            (None, _) if byte.is_ascii_whitespace() => {}
            // The end, or the first byte that does not belong to the string.
            (None, _) => return position + usize::from(byte == b'>'),
        }
    }
    bytes.len()
}
