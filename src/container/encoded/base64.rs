//! Base64 in either alphabet, across lines, escapes and string literals.

use super::number_at;

/// The decoded data of a run.
pub(super) struct DecodedRun {
    pub(super) decoded: Vec<u8>,
    /// Offset of its end.
    pub(super) end: usize,
}

/// Maximum number of bytes between two parts of a run.
const MAX_GAP: usize = 256;

/// Minimum length of the next element of a list that continues the run.
const MIN_IN_LIST: usize = 16;

/// Characters of a line that are examined to see whether the run continues there.
const MAX_LINE_LEN: usize = 4096;

/// Decodes the run that begins at `start`, up to `most` bytes.
pub(super) fn decode(bytes: &[u8], start: usize, most: usize) -> DecodedRun {
    let sign = sign(bytes, start);
    let mut decoded = Vec::new();
    let (mut at, mut bits, mut count) = (start, 0u32, 0);
    while decoded.len() < most {
        let Some(value) = bytes.get(at).and_then(|byte| value(*byte)) else {
            match next_piece(bytes, at, sign) {
                Some(next) => at = next,
                None => break,
            }
            continue;
        };
        (at, bits, count) = (at + 1, bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    DecodedRun { decoded, end: at }
}

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The patch sign at the start of the current line.
fn sign(bytes: &[u8], start: usize) -> Option<u8> {
    let from = start.saturating_sub(MAX_GAP);
    let before = &bytes[from..start];
    let line = memchr::memrchr(b'\n', before).map(|at| at + 1).or((from == 0).then_some(0))?;
    before.get(line).copied().filter(|byte| matches!(byte, b'+' | b'-'))
}

/// The start of the next part of a run whose current part ends at `end`.
fn next_piece(bytes: &[u8], end: usize, sign: Option<u8>) -> Option<usize> {
    let gap = &bytes[end..bytes.len().min(end + MAX_GAP)];
    if gap.starts_with(b"\\/") {
        return Some(end + 1);
    }
    let (mut at, mut quotes, mut is_broken, mut is_list) = (0, 0, false, false);
    loop {
        at += match (*gap.get(at)?, gap.get(at + 1)) {
            (b' ' | b'\t' | b'\r', _) => 1,
            (b'\n', next) => {
                is_broken = true;
                1 + usize::from(sign.is_some() && next.copied() == sign)
            }
            (b'\\', Some(b'n' | b'r')) => {
                is_broken = true;
                2
            }
            (b'\\', Some(b'\\' | b'\n' | b'\r' | b'"' | b'\'')) => 1,
            (b'"' | b'\'', _) => {
                quotes += 1;
                1
            }
            (sign @ (b'+' | b'.' | b',' | b'(' | b')'), _) if quotes == 1 => {
                is_list |= sign == b',';
                1
            }
            (b'#' | b'>' | b'*', _) if is_broken && quotes == 0 => 1,
            (byte, _) if value(byte).is_some() => break,
            _ => return None,
        };
    }
    // That starts another run.
    if number_at(bytes, end + at).is_some() {
        return None;
    }
    let rest = &bytes[end + at..];
    // The next item of a list or object may be anything.
    if is_list
        && rest.iter().take(MIN_IN_LIST).take_while(|byte| value(**byte).is_some()).count() < MIN_IN_LIST
    {
        return None;
    }
    (quotes == 2 || (quotes == 0 && is_broken && is_line(rest))).then_some(end + at)
}

/// Whether a line begins with base64 only.
fn is_line(rest: &[u8]) -> bool {
    let rest = &rest[..rest.len().min(MAX_LINE_LEN)];
    let length = rest.iter().take_while(|byte| value(**byte).is_some()).count();
    let next = rest[length..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    next.is_none_or(|byte| b"\n\\\"'=`<".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        decode(text.as_bytes(), text.find("H4sI").unwrap(), 1 << 20).decoded
    }

    #[test]
    fn however_it_is_wrapped() {
        let one = decoded("H4sIAAECAwQFBgcICQoLDA0ODw");
        assert_eq!(one, [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
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
            assert_eq!(decoded(text), one, "{text}");
        }
        assert_eq!(decoded("H4sI-_+/"), decoded("H4sI+/-_"));
        assert_eq!(decoded("H4sI\\/w"), decoded("H4sI/w"));
    }
}
