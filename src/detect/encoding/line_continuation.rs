//! Line ends within a key: line breaks, indentation, line continuation characters, and the prefix of each line
//! in patches, comments and quoted mail.

use super::token::{Token, TokenKind};
use crate::detect::alphabet::is_key;
use crate::detect::effort::spend;

/// Maximum indentation of a line, in bytes.
pub(super) const MAX_INDENT: usize = 64;

/// Maximum distance to the start of a line whose prefix is compared, in bytes. It is within the detector's margin.
const LINE_START_REACH: usize = 192;

/// Steps that it takes to look for the start of a line.
const LINE_STEPS: usize = 16;

/// Maximum length of a line prefix, in bytes.
pub(super) const MAX_LINE_PREFIX_LEN: usize = 16;

/// A line break directly after key characters and, except for a line prefix and indentation, directly before
/// key characters.
pub(super) fn line_fold(text: &[u8], at: usize) -> Option<Token> {
    let line = at + line_break(&text[at..])?;
    let content = match is_list_item(&text[line..]) {
        true => line,
        false => line + repeated_prefix_len(text, at, line, false),
    };
    let len = content - at + indent(&text[content..]);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(at + len);
    (before.is_some_and(|&byte| is_key(byte)) && after.is_some_and(|&byte| is_key(byte)))
        .then_some(Token::zero_width(len, TokenKind::Adjacent))
}

/// Whether `line` may be a list item in Markdown or YAML. So may a line of a patch whose content is indented by one
/// blank; ` * `, which begins a line of a comment, does not begin an item.
fn is_list_item(line: &[u8]) -> bool {
    matches!(line, [b'-' | b'+' | b'*', b' ', after, ..] if *after != b' ')
}

/// Whether a line break with its surroundings may end at `end`.
pub(super) fn may_end_line_break(text: &[u8], end: usize) -> bool {
    match text[end - 1] {
        // A key may continue with this character.
        b'-' => end > 1 && text[end - 2] == b'\n',
        byte => b" \t\r\n\\+#*/%!;>".contains(&byte),
    }
}

/// The length of the line break at the start of `rest`.
pub(super) fn line_break(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}

/// The length of the blanks at the start of `rest`.
pub(super) fn indent(rest: &[u8]) -> usize {
    rest.iter().take(MAX_INDENT).take_while(|byte| b" \t".contains(byte)).count()
}

/// The length of the prefix at `begin`, the start of a line, if the previous line, which contains `at`, begins with the
/// same: a sign of a patch, quotation or comment. `is_escaped`: the line break between the lines is written as `\n`.
pub(super) fn repeated_prefix_len(text: &[u8], at: usize, begin: usize, is_escaped: bool) -> usize {
    let next = &text[begin..text.len().min(begin + MAX_INDENT + 2 * MAX_LINE_PREFIX_LEN)];
    let (sign_len, comment) = line_signs(next);
    if sign_len == 0 && comment.is_empty() {
        return 0;
    }
    spend(LINE_STEPS);
    let Some(start) =
        line_start(text, at, is_escaped).filter(|&start| next[0] != b'-' || is_patch_hyphen(text, start, at))
    else {
        return 0;
    };
    let first = &text[start..at];
    let (first_sign_len, first_comment) = line_signs(first);
    if first[..first_sign_len] != next[..sign_len] {
        return 0;
    }
    match !comment.is_empty() && first[first_comment] == next[comment.clone()] {
        true => comment.end,
        false => sign_len,
    }
}

/// Whether the hyphen at the start of the line from `start` to `at` belongs to a patch. A part of a key may begin with a
/// hyphen, so if lines contain nothing but parts of the key, the first of them must begin with a hyphen, too.
fn is_patch_hyphen(text: &[u8], mut start: usize, at: usize) -> bool {
    let mut end = at;
    while start > 0 && text[start..end].iter().all(|&byte| is_key(byte)) {
        spend(LINE_STEPS + (end - start) / 4);
        let before = &text[..start - 1];
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        end = before.strip_suffix(b"\\").unwrap_or(before).len();
        match line_start(text, end, false).filter(|&earlier| at - earlier <= LINE_START_REACH) {
            Some(earlier) => start = earlier,
            None => return false,
        }
    }
    text.get(start) == Some(&b'-')
}

/// The start of the line that contains `at`, if it is within reach. `is_escaped`: line breaks may be written as `\n`.
fn line_start(text: &[u8], at: usize, is_escaped: bool) -> Option<usize> {
    let low = at.saturating_sub(LINE_START_REACH);
    let before = &text[low..at];
    let real = memchr::memrchr(b'\n', before).map(|start| start + 1);
    let escaped = is_escaped.then(|| memchr::memmem::rfind(before, b"\\n").map(|start| start + 2)).flatten();
    real.max(escaped).map(|start| low + start).or((low == 0).then_some(0))
}

/// The length of the sign of a patch or quotation at the start of `line`, and the range of a comment sign after it.
fn line_signs(line: &[u8]) -> (usize, std::ops::Range<usize>) {
    let sign_len = match line {
        [b'-', b'-', b'-', ..] | [b'+', ..] => 1,
        [b'-', b'-', ..] => 0,
        [b'-', ..] => 1,
        [b'>', ..] => {
            let run = line.iter().take(MAX_LINE_PREFIX_LEN).take_while(|byte| b"> ".contains(byte)).count();
            line[..run].iter().rposition(|&byte| byte == b'>').map_or(0, |last| last + 1)
        }
        _ => 0,
    };
    let from = sign_len + indent(&line[sign_len..]);
    let rest = &line[from..];
    let run = |byte| rest.iter().take(MAX_LINE_PREFIX_LEN).take_while(|&&b| b == byte).count();
    let comment = match rest.first() {
        Some(&byte @ (b'#' | b';' | b'%' | b'!')) => run(byte),
        Some(&byte @ (b'/' | b'-')) if run(byte) > 1 => run(byte),
        Some(b'*') if run(b'*') == 1 => 1,
        _ => 0,
    };
    (sign_len, from..from + comment)
}
