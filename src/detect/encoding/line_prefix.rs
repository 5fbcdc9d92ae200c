//! Prefixes of each line of quoted text: comments, quotations, patches.

use super::line_continuation::indent;

/// Maximum length of a prefix, in bytes.
pub(super) const MAX_PREFIX_LEN: usize = 80;

/// Maximum length of the previous line, in bytes.
const MAX_LINE_LEN: usize = 240;

/// Comment and quotation signs; if one is the start of another, the longer one comes first.
const SIGNS: &[&[u8]] = &[b"//", b"--", b"#", b"*", b";", b">", b"%", b"|"];

/// Whether a prefix may end with `byte`.
pub(super) fn may_end_prefix(byte: u8) -> bool {
    b"/-#*;>%|+".contains(&byte)
}

/// The length of the prefix at `start`, the start of a line, if the previous line, which ends at `end`, has the same; if
/// not, the length of the indentation.
pub(super) fn prefix_len(text: &[u8], start: usize, end: usize, is_symbol: fn(u8) -> bool) -> usize {
    let line = &text[start..];
    let blank = indent(line);
    let low = end.saturating_sub(MAX_LINE_LEN);
    let first = match memchr::memrchr(b'\n', &text[low..end]) {
        Some(at) => low + at + 1,
        None if low == 0 => 0,
        None => return blank,
    };
    shared_prefix_len(line, &text[first..end], is_symbol)
}

/// The length of the prefix that `line` and the line `before` share, including the indentation of `line`.
fn shared_prefix_len(line: &[u8], before: &[u8], is_symbol: fn(u8) -> bool) -> usize {
    let blank = indent(line);
    let rest = &line[blank..];
    let begins = |sign: &&&[u8]| {
        // A sign that consists of symbols may as well be part of the text, unless a blank follows.
        let is_distinct =
            !is_symbol(sign[0]) || rest.get(sign.len()).is_some_and(|byte| b" \t".contains(byte));
        is_distinct && rest.starts_with(sign) && before[indent(before)..].starts_with(sign)
    };
    if let Some(sign) = SIGNS.iter().find(begins) {
        // Quotations may be nested.
        let quoted =
            rest.iter().take(MAX_PREFIX_LEN / 2).take_while(|&&byte| *sign == b">" && byte == b'>').count();
        let signs = quoted.max(sign.len());
        return blank + signs + indent(&rest[signs..]);
    }
    match (line, before) {
        ([sign @ (b'+' | b'-'), line @ ..], [other, rest @ ..])
            if sign == other && is_patch(before, is_symbol) =>
        {
            1 + shared_prefix_len(line, rest, is_symbol)
        }
        _ => blank,
    }
}

/// Whether the sign at the start of `line` is that of a patch, and not a symbol of base64: symbols come in groups of
/// four.
fn is_patch(line: &[u8], is_symbol: fn(u8) -> bool) -> bool {
    !is_symbol(line[0]) || line.len() % 4 == 1 || !line.iter().all(|&byte| is_symbol(byte))
}
