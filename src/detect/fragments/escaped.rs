//! Reads text in which some characters are escaped: `%73`, `\x73`, `\163`, `\u0073`, `&#115;`, `=73`, `U+0073`.

use super::reading::Reading;

/// Starts of escapes, the base of the number that follows, and its minimum and maximum number of digits. If one
/// is the start of another, the longer one comes first.
const ESCAPES: &[(&str, u32, usize, usize)] = &[
    ("\\u{", 16, 1, 6),
    ("\\x{", 16, 1, 6),
    ("\\N{U+", 16, 1, 6),
    ("\\u", 16, 4, 4),
    ("\\U", 16, 8, 8),
    ("\\x", 16, 2, 2),
    ("\\o{", 8, 1, 6),
    ("\\", 8, 3, 3),
    ("&#x", 16, 2, 6),
    ("&#X", 16, 2, 6),
    ("&#", 10, 2, 7),
    ("%u", 16, 4, 4),
    ("%25", 16, 2, 2),
    ("%", 16, 2, 2),
    ("=", 16, 2, 2),
    ("U+", 16, 4, 6),
    ("u+", 16, 4, 6),
];

/// The text with escapes decoded.
pub(super) fn read_escaped(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    while at < bytes.len() {
        match escape(&bytes[at..]) {
            Some((byte, length)) => {
                reading.push(byte, at..at + length);
                at += length;
            }
            None => {
                reading.push(bytes[at], at..at + 1);
                at += 1;
            }
        }
    }
    reading
}

/// The ASCII character escaped at the start of `rest`, and the length of the escape.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    if !rest.first().is_some_and(|byte| b"\\&%=Uu".contains(byte)) {
        return None;
    }
    ESCAPES.iter().find_map(|(start, base, fewest, most)| {
        let digits = rest.strip_prefix(start.as_bytes())?;
        let length = digits.iter().take(*most).take_while(|byte| char::from(**byte).is_digit(*base)).count();
        let number = std::str::from_utf8(&digits[..length]).ok().filter(|_| length >= *fewest)?;
        let byte =
            u8::try_from(u32::from_str_radix(number, *base).ok()?).ok().filter(u8::is_ascii_graphic)?;
        let closing = digits.get(length).is_some_and(|byte| matches!(byte, b'}' | b';'));
        Some((byte, start.len() + length + usize::from(closing && !start.ends_with(['=', '%']))))
    })
}
