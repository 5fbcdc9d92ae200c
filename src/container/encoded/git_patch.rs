//! Decodes the blocks of `git diff --binary`: zlib data in lines of base85.

use flate2::{Decompress, FlushDecompress, Status};

use super::PATCH;

/// Bytes that are decoded to decide whether a block begins.
pub(super) const PROBE_LEN: usize = 256;

/// One of the two hunks of a block, which turn the old file into the new one and the reverse.
pub(super) struct Hunk {
    pub(super) is_delta: bool,
    /// The uncompressed size that it declares.
    pub(super) size: u64,
    pub(super) deflated: Vec<u8>,
    /// Offset of the end of the hunk.
    pub(super) end: usize,
}

/// The digits of git's base85, by value.
const DIGITS: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// The value of each byte as a digit; 85 for a byte that is not a digit.
const VALUES: [u8; 256] = {
    let mut values = [85; 256];
    let mut index = 0;
    while index < DIGITS.len() {
        values[DIGITS[index] as usize] = index as u8;
        index += 1;
    }
    values
};

impl Hunk {
    /// Whether it declares no data, and has none: for a created or deleted file, one of the hunks is empty.
    pub(super) fn is_empty(&self) -> bool {
        let mut inflater = Decompress::new(true);
        let outcome = inflater.decompress(&self.deflated, &mut [0], FlushDecompress::Finish);
        self.size == 0
            && matches!(outcome, Ok(Status::StreamEnd))
            && inflater.total_out() == 0
            && inflater.total_in() == self.deflated.len() as u64
    }
}

/// Whether a block with data that can be decoded begins at byte `start`.
pub(super) fn is_patch(bytes: &[u8], start: usize) -> bool {
    let hunk_start = start + PATCH.len();
    let head = &bytes[..bytes.len().min(hunk_start + PROBE_LEN)];
    let Some(first) = parse_hunk(head, hunk_start, PROBE_LEN) else { return false };
    let has_data = |hunk: &Hunk| !hunk.is_empty() && is_deflated(&hunk.deflated);
    has_data(&first) || parse_hunk(head, first.end, PROBE_LEN).is_some_and(|second| has_data(&second))
}

fn is_deflated(deflated: &[u8]) -> bool {
    let mut decompressed = [0; 16];
    let mut inflater = Decompress::new(true);
    let outcome = inflater.decompress(deflated, &mut decompressed, FlushDecompress::None);
    // Deflate data may begin with a table that is longer than the decoded part, so no output is required.
    outcome.is_ok() && inflater.total_in() > 2
}

/// Parses the hunk at byte `start`, up to `max_len` bytes of its deflated data.
pub(super) fn parse_hunk(bytes: &[u8], start: usize, max_len: usize) -> Option<Hunk> {
    let rest = bytes.get(start..)?;
    let blank = rest.iter().take(8).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let rest = &rest[blank..];
    let (is_delta, number) = match rest.strip_prefix(b"literal ") {
        Some(number) => (false, number),
        None => (true, rest.strip_prefix(b"delta ")?),
    };
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    // No data has a size that does not fit.
    let size = std::str::from_utf8(&number[..digits]).ok()?.parse().unwrap_or(u64::MAX);
    let mut end = bytes.len() - number.len() + digits;
    end += line_end_len(&bytes[end..])?;
    let mut deflated = Vec::new();
    while deflated.len() < max_len
        && let Some(count) = decode_line(&bytes[end..], &mut deflated)
    {
        end += count;
    }
    Some(Hunk { is_delta, size, deflated, end })
}

fn line_end_len(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Appends the data of the line at the start of `rest` to `decoded`. Returns the length of the line in bytes.
fn decode_line(rest: &[u8], decoded: &mut Vec<u8>) -> Option<usize> {
    let length = match *rest.first()? {
        byte @ b'A'..=b'Z' => byte - b'A' + 1,
        byte @ b'a'..=b'z' => byte - b'a' + 27,
        _ => return None,
    };
    let digits = rest.get(1..1 + usize::from(length).div_ceil(4) * 5)?;
    let rest_of_line = &rest[1 + digits.len()..];
    let end = if rest_of_line.is_empty() { 0 } else { line_end_len(rest_of_line)? };
    let mut bytes = Vec::with_capacity(usize::from(length) + 3);
    for group in digits.chunks_exact(5) {
        let mut number = 0u64;
        for digit in group {
            let value = VALUES[usize::from(*digit)];
            number = number * 85 + u64::from(Some(value).filter(|value| *value < 85)?);
        }
        bytes.extend(u32::try_from(number).ok()?.to_be_bytes());
    }
    decoded.extend_from_slice(&bytes[..usize::from(length)]);
    Some(1 + digits.len() + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_declared_length() {
        let mut decoded = Vec::new();
        // What git writes for an empty file.
        assert_eq!(decode_line(b"HcmV?d00001\n\n", &mut decoded), Some(12));
        assert_eq!(decoded, [0x78, 1, 3, 0, 0, 0, 0, 1]);
        for invalid in [&b""[..], b"\n", b"HcmV?d0000", b"HcmV?d00001x", b"Hcm\"?d00001\n", b"D~~~~~\n"] {
            assert_eq!(decode_line(invalid, &mut decoded), None, "{}", invalid.escape_ascii());
        }
        assert_eq!(decoded.len(), 8);
    }

    #[test]
    fn words_alone_are_not_a_patch() {
        for text in
            ["GIT binary patch", "GIT binary patch\nliteral 9\nfoo\n", "GIT binary patch\nliteral x\n"]
        {
            assert!(!is_patch(text.as_bytes(), 0), "{text}");
        }
    }
}
