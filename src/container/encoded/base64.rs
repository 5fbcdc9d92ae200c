//! Decodes base64 in either alphabet, across lines, escapes and string literals.

use super::run_start_at;

/// A decoded run.
pub(super) struct DecodedRun {
    pub(super) decoded: Vec<u8>,
    /// Offset at which decoding ended: the end of the run, unless the maximum length was reached.
    pub(super) end: usize,
}

/// Maximum number of bytes between two parts of a run, and from the start of its first line to its start.
const MAX_SEPARATOR_LEN: usize = 256;

/// Minimum number of base64 characters for the next element of a list to continue the run.
const MIN_LIST_ELEMENT_LEN: usize = 16;

/// Maximum number of bytes of a line that are examined to decide whether the run continues there.
const MAX_EXAMINED_LEN: usize = 4096;

/// Decodes the run that begins at byte `start`, up to `max_len` decoded bytes.
pub(super) fn decode(bytes: &[u8], start: usize, max_len: usize) -> DecodedRun {
    let sign = diff_sign(bytes, start);
    let mut decoded = Vec::new();
    let (mut position, mut bits, mut count) = (start, 0u32, 0);
    while decoded.len() < max_len {
        let Some(value) = bytes.get(position).and_then(|byte| digit_value(*byte)) else {
            match next_part(bytes, position, sign) {
                Some(next) => position = next,
                None => break,
            }
            continue;
        };
        (position, bits, count) = (position + 1, bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    DecodedRun { decoded, end: position }
}

fn digit_value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The `+` or `-` of a diff at the start of the line that contains byte `start`, if that is at most [`MAX_SEPARATOR_LEN`] bytes
/// before.
fn diff_sign(bytes: &[u8], start: usize) -> Option<u8> {
    let before_start = start.saturating_sub(MAX_SEPARATOR_LEN);
    let before = &bytes[before_start..start];
    let line =
        memchr::memrchr(b'\n', before).map(|position| position + 1).or((before_start == 0).then_some(0))?;
    before.get(line).copied().filter(|byte| matches!(byte, b'+' | b'-'))
}

/// The start of the next part of a run whose current part ends at `end`. `sign` is the sign of a diff before its first line.
fn next_part(bytes: &[u8], end: usize, sign: Option<u8>) -> Option<usize> {
    let separator = &bytes[end..bytes.len().min(end + MAX_SEPARATOR_LEN)];
    // JSON may escape a slash, a digit of base64.
    if separator.starts_with(b"\\/") {
        return Some(end + 1);
    }
    // Between parts may be line breaks, plain or escaped, each with the sign of a diff or the mark of a comment or quotation after
    // it; or the end of a literal and the start of the next, with an operator, parentheses or a comma between them.
    let (mut position, mut quotes, mut has_line_break, mut has_comma) = (0, 0, false, false);
    loop {
        position += match (*separator.get(position)?, separator.get(position + 1)) {
            (b' ' | b'\t' | b'\r', _) => 1,
            (b'\n', next) => {
                has_line_break = true;
                1 + usize::from(sign.is_some() && next.copied() == sign)
            }
            (b'\\', Some(b'n' | b'r')) => {
                has_line_break = true;
                2
            }
            (b'\\', Some(b'\\' | b'\n' | b'\r' | b'"' | b'\'')) => 1,
            (b'"' | b'\'', _) => {
                quotes += 1;
                1
            }
            (operator @ (b'+' | b'.' | b',' | b'(' | b')'), _) if quotes == 1 => {
                has_comma |= operator == b',';
                1
            }
            (b'#' | b'>' | b'*', _) if has_line_break && quotes == 0 => 1,
            (byte, _) if digit_value(byte).is_some() => break,
            _ => return None,
        };
    }
    // Another run begins here.
    if run_start_at(bytes, end + position).is_some() {
        return None;
    }
    let rest = &bytes[end + position..];
    // The next element of a list or object may be anything; only a long one is taken for base64.
    if has_comma
        && rest.iter().take(MIN_LIST_ELEMENT_LEN).take_while(|byte| digit_value(**byte).is_some()).count()
            < MIN_LIST_ELEMENT_LEN
    {
        return None;
    }
    (quotes == 2 || (quotes == 0 && has_line_break && is_base64_line(rest))).then_some(end + position)
}

/// Whether the line at the start of `rest` consists of base64, apart from what may end or wrap it.
fn is_base64_line(rest: &[u8]) -> bool {
    let rest = &rest[..rest.len().min(MAX_EXAMINED_LEN)];
    let length = rest.iter().take_while(|byte| digit_value(**byte).is_some()).count();
    let next = rest[length..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    next.is_none_or(|byte| b"\n\\\"'=`<".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_text(text: &str) -> Vec<u8> {
        decode(text.as_bytes(), text.find("H4sI").unwrap(), 1 << 20).decoded
    }

    #[test]
    fn runs_are_decoded_however_they_are_wrapped() {
        let expected = decode_text("H4sIAAECAwQFBgcICQoLDA0ODw");
        assert_eq!(expected, [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        for text in [
            "H4sIAAECAwQFBgcICQoLDA0ODw==",
            "H4sIAAECAwQF\nBgcICQoLDA0ODw==\n",
            "a: |\n  H4sIAAECAwQF\r\n  BgcICQoLDA0ODw==\r\nb: H4sIAAAA",
            "a: H4sIAAECAwQF\n   BgcICQoLDA0ODw\nkey: value",
            "\"H4sIAAECAwQF\\nBgcICQoLDA0ODw\\n\", \"x\": 1",
            "\"{\\\"a\\\": \\\"H4sIAAECAwQF\\\\nBgcICQoLDA0ODw\\\\n\\\"}\"",
            "a = \"H4sIAAECAwQF\" +\n \"BgcICQoLDA0ODw\";",
            "+a\n+ H4sIAAECAwQF\n+BgcICQoLDA0ODw\n+more text\n",
            "[\"H4sIAAECAwQFBgcICQoLDA0ODw\", \"H4sIAAAAAAAA\"]",
            "H4sIAAECAwQFBgcICQoLDA0ODw\nH4sIAAAAAAAA",
            "H4sIAAECAwQFBgcICQoLDA0ODw and words",
        ] {
            assert_eq!(decode_text(text), expected, "{text}");
        }
        assert_eq!(decode_text("H4sI-_+/"), decode_text("H4sI+/-_"));
        assert_eq!(decode_text("H4sI\\/w"), decode_text("H4sI/w"));
    }
}
