//! Line ends within a key: line breaks, indentation, line continuation characters, and the prefix of each line
//! in patches, comments and quoted mail.

use super::token::{Token, TokenKind};
use crate::detect::alphabet::is_key;
use crate::detect::effort::spend;

/// Longest indentation of a continuation.
pub(super) const MAX_INDENT: usize = 64;

/// Maximum distance to the start of a line, whose prefix is needed: less than the detector examines before a
/// key anyway.
const LOOK_BACK: usize = 192;

/// Steps that it takes to look for the start of a line.
const LINE_STEPS: usize = 16;

/// Longest line prefix.
pub(super) const MAX_LINE_PREFIX_LEN: usize = 16;

/// A line break directly after key characters and, except for a line prefix and indentation, directly before
/// key characters.
pub(super) fn fold(text: &[u8], at: usize) -> Option<Token> {
    let begin = at + line_break(&text[at..])?;
    let begin = match is_list_item(&text[begin..]) {
        true => begin,
        false => begin + repeated(text, at, begin, false),
    };
    let len = begin - at + indent(&text[begin..]);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(at + len);
    (before.is_some_and(|&byte| is_key(byte)) && after.is_some_and(|&byte| is_key(byte)))
        .then_some(Token::zero_width(len, TokenKind::Adjacent))
}

/// Whether `line` may be a Markdown or YAML list item. A line that a patch indents by one blank counts as one,
/// too; ` * ` begins a line of a comment.
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

/// The length of the prefix at `begin`, the start of a line, that also begins the previous line, which contains
/// `at`: a sign of a patch, quotation or comment. `spelt`: the line break between them
/// is an escaped `\n`.
pub(super) fn repeated(text: &[u8], at: usize, begin: usize, spelt: bool) -> usize {
    let next = &text[begin..text.len().min(begin + MAX_INDENT + 2 * MAX_LINE_PREFIX_LEN)];
    let (mark, comment) = lead(next);
    if mark == 0 && comment.is_empty() {
        return 0;
    }
    spend(LINE_STEPS);
    let Some(start) =
        line_start(text, at, spelt).filter(|&start| next[0] != b'-' || all_led(text, start, at))
    else {
        return 0;
    };
    let first = &text[start..at];
    let (first_mark, first_comment) = lead(first);
    if first[..first_mark] != next[..mark] {
        return 0;
    }
    match !comment.is_empty() && first[first_comment] == next[comment.clone()] {
        true => comment.end,
        false => mark,
    }
}

/// Whether the hyphen at the start of the line from `start` to `at` belongs to a patch. A key may itself
/// continue with a hyphen, so if the lines contain only parts of the key, the first one must have it, too.
fn all_led(text: &[u8], mut start: usize, at: usize) -> bool {
    let mut end = at;
    while start > 0 && text[start..end].iter().all(|&byte| is_key(byte)) {
        spend(LINE_STEPS + (end - start) / 4);
        let before = &text[..start - 1];
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        end = before.strip_suffix(b"\\").unwrap_or(before).len();
        match line_start(text, end, false).filter(|&earlier| at - earlier <= LOOK_BACK) {
            Some(earlier) => start = earlier,
            None => return false,
        }
    }
    text.get(start) == Some(&b'-')
}

/// The start of the line that contains `at`, if it is near.
fn line_start(text: &[u8], at: usize, spelt: bool) -> Option<usize> {
    let low = at.saturating_sub(LOOK_BACK);
    let before = &text[low..at];
    let real = memchr::memrchr(b'\n', before).map(|start| start + 1);
    let spelt = spelt.then(|| memchr::memmem::rfind(before, b"\\n").map(|start| start + 2)).flatten();
    real.max(spelt).map(|start| low + start).or((low == 0).then_some(0))
}

/// The sign of a patch or quotation at the start of `line`, and a comment sign after it.
fn lead(line: &[u8]) -> (usize, std::ops::Range<usize>) {
    let mark = match line {
        [b'-', b'-', b'-', ..] | [b'+', ..] => 1,
        [b'-', b'-', ..] => 0,
        [b'-', ..] => 1,
        [b'>', ..] => {
            let run = line.iter().take(MAX_LINE_PREFIX_LEN).take_while(|byte| b"> ".contains(byte)).count();
            line[..run].iter().rposition(|&byte| byte == b'>').map_or(0, |last| last + 1)
        }
        _ => 0,
    };
    let from = mark + indent(&line[mark..]);
    let rest = &line[from..];
    let run = |byte| rest.iter().take(MAX_LINE_PREFIX_LEN).take_while(|&&b| b == byte).count();
    let comment = match rest.first() {
        Some(&byte @ (b'#' | b';' | b'%' | b'!')) => run(byte),
        Some(&byte @ (b'/' | b'-')) if run(byte) > 1 => run(byte),
        Some(b'*') if run(b'*') == 1 => 1,
        _ => 0,
    };
    (mark, from..from + comment)
}
