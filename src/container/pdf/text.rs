//! The text of a PDF page, which may position the parts of a word separately.

use memchr::memmem;

/// Parts of text further apart than this, in thousandths of the font size, are separate words.
const MAX_GAP: f64 = 200.0;

/// Start of a UTF-16 string in hexadecimal form.
pub(super) const UTF16_STARTS: [&[u8]; 2] = [b"<FEFF", b"<feff"];

/// Appends the string of this kind at the beginning of `bytes` to `text`, as a line.
pub(super) fn utf16_string(bytes: &[u8], text: &mut Vec<u8>) {
    let mut units = Vec::new();
    hexadecimal(&bytes[1..], &mut units);
    let units = units.chunks_exact(2).skip(1).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let string: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.extend(string.as_bytes());
    text.push(b'\n');
}

/// The text of a page, where it is not a single string: one line per operator.
pub(super) fn page_text(page: &[u8]) -> Vec<u8> {
    let (mut text, mut line) = (Vec::new(), Vec::new());
    // Parts of the line. A line of a single part is found in the page anyway.
    let (mut pieces, mut place) = (0, 0);
    let is_word = |at: usize| {
        let around = [at.checked_sub(1).and_then(|before| page.get(before)), page.get(at + 2)];
        around.into_iter().flatten().all(u8::is_ascii_whitespace)
    };
    // An image is not a page.
    if !memmem::find_iter(page, b"BT").any(is_word) {
        return text;
    }
    while let Some(&byte) = page.get(place) {
        let rest = &page[place..];
        place += 1;
        match byte {
            b'(' => {
                let (before, taken) = (line.len(), literal(&page[place..], &mut line));
                pieces += if line.len() - before + 1 == taken { 1 } else { 2 };
                place += taken;
            }
            b'<' if rest.get(1) == Some(&b'<') => place += 1,
            b'<' => {
                place += hexadecimal(&page[place..], &mut line);
                pieces += 2;
            }
            b'-' if !line.is_empty() => {
                let digits = rest[1..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'.')).count();
                let number =
                    std::str::from_utf8(&rest[1..=digits]).ok().and_then(|digits| digits.parse().ok());
                if number.is_some_and(|number: f64| number > MAX_GAP) {
                    line.push(b' ');
                }
                place += digits;
            }
            b'T' if matches!(rest.get(1), Some(b'J' | b'j')) => {
                if pieces > 1 {
                    text.append(&mut line);
                    text.push(b'\n');
                }
                line.clear();
                pieces = 0;
            }
            _ => {}
        }
    }
    text
}

/// Appends a string in parentheses to `line`. Returns its length in bytes.
fn literal(bytes: &[u8], line: &mut Vec<u8>) -> usize {
    let (mut place, mut depth) = (0, 0usize);
    while let Some(&byte) = bytes.get(place) {
        place += 1;
        match byte {
            b')' if depth == 0 => return place,
            b'\\' => place += escape(&bytes[place..], line),
            _ => {
                depth = depth + usize::from(byte == b'(') - usize::from(byte == b')');
                line.push(byte);
            }
        }
    }
    place
}

/// Appends the character that follows a backslash.
fn escape(bytes: &[u8], line: &mut Vec<u8>) -> usize {
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
fn hexadecimal(bytes: &[u8], line: &mut Vec<u8>) -> usize {
    let mut half = None;
    for (place, &byte) in bytes.iter().enumerate() {
        match ((byte as char).to_digit(16), half) {
            (Some(digit), None) => half = Some(digit as u8),
            (Some(digit), Some(high)) => {
                line.push(high << 4 | digit as u8);
                half = None;
            }
            (None, _) if byte.is_ascii_whitespace() => {}
            // A less-than sign, or the end.
            (None, _) => return place + usize::from(byte == b'>'),
        }
    }
    bytes.len()
}
