//! Finds the next and the previous symbol of encoded text that may be wrapped, concatenated or contain escapes.

use super::backward_lexer::token_before;
use super::lexer::token_at;
use super::line_continuation::{MAX_INDENT, indent, line_break};
use super::line_prefix;
use super::token::TokenKind;
use crate::detect::effort::spend;

/// Minimum number of symbols before a line break in wrapped text; fewer may be an ordinary word.
const MIN_LINE_LEN: usize = 16;

/// Maximum length of a wrapped line, in symbols: no tool writes longer ones.
const MAX_LINE_LEN: usize = 160;

/// Steps that it takes to compare the prefixes of two lines.
const LINE_STEPS: usize = 16;

/// What comes next in encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextSymbol {
    /// A symbol and its range, including its escape.
    Symbol(u8, (usize, usize)),
    /// The text ends.
    End,
}

/// The symbol at `at`, or after the line break, escape or concatenation there, before `high`.
pub(super) fn next_symbol(text: &[u8], mut at: usize, high: usize, is_symbol: fn(u8) -> bool) -> NextSymbol {
    while at < high {
        spend(1);
        let byte = text[at];
        if is_symbol(byte) {
            return NextSymbol::Symbol(byte, (at, at + 1));
        }
        let len = match byte {
            b'\r' | b'\n' => wrap_len(text, at, is_symbol),
            b'&' if line_end(&text[at..]).is_some() => wrap_len(text, at, is_symbol),
            b' ' | b'\t' if ends_in_escaped_break(text, at) => Some(indent(&text[at..])),
            b'\\' | b'%' | b'&' | 0x1b | b'"' | b'\'' | b'`' => {
                // Adjacent literals continue the text like any others.
                let token = token_at(text, at, b"\\\"'`".contains(&byte));
                match token.value {
                    Some(value) if is_symbol(value) && at + token.len <= high => {
                        return NextSymbol::Symbol(value, (at, at + token.len));
                    }
                    _ => is_skipped(token.value, token.len).then_some(token.len),
                }
            }
            _ => None,
        };
        match len {
            Some(len) if len > 0 => at += len,
            _ => return NextSymbol::End,
        }
    }
    NextSymbol::End
}

/// The symbol that ends at `end`, or before the line break, escape or concatenation that ends there, from `low` on.
pub(super) fn previous_symbol(
    text: &[u8],
    mut end: usize,
    low: usize,
    is_symbol: fn(u8) -> bool,
) -> NextSymbol {
    while end > low {
        spend(2);
        let byte = text[end - 1];
        let start = match byte {
            b' ' | b'\t' | b'\n' => previous_line_end(text, end, is_symbol),
            _ if line_prefix::may_end_prefix(byte)
                && let Some(start) = line_end_before_prefix(text, end, is_symbol) =>
            {
                Some(start)
            }
            _ if may_end_token(text, end) => {
                let token = token_before(text, end, b"\"'`".contains(&byte));
                let start = end - token.len;
                match token.value {
                    Some(value) if is_symbol(value) && start >= low => {
                        return NextSymbol::Symbol(value, (start, end));
                    }
                    _ => is_skipped(token.value, token.len).then_some(start),
                }
            }
            _ if is_symbol(byte) => return NextSymbol::Symbol(byte, (end - 1, end)),
            _ => None,
        };
        match start {
            Some(start) if start < end => end = start,
            _ => return NextSymbol::End,
        }
    }
    NextSymbol::End
}

/// Whether a token is skipped between two symbols: an escaped line break, or a token of zero width.
fn is_skipped(value: Option<u8>, len: usize) -> bool {
    len > 1 && value.is_none_or(|value| b"\r\n".contains(&value))
}

/// Whether the token that ends at `end` may be longer than one byte.
fn may_end_token(text: &[u8], end: usize) -> bool {
    let byte_before = |distance: usize| end.checked_sub(distance).map(|at| text[at]);
    b"\"'`;}".contains(&text[end - 1])
        || byte_before(2) == Some(b'\\')
        || byte_before(3) == Some(b'%')
        || (byte_before(6) == Some(b'\\') && byte_before(5) == Some(b'u'))
        || (text[end - 1] == b'm' && text[end.saturating_sub(28)..end].contains(&b'['))
}

/// Whether `\n` precedes the blanks at `at`.
fn ends_in_escaped_break(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(64)..at];
    let blanks = before.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    before[..before.len() - blanks].ends_with(b"\\n")
}

/// The length of the line break at `at` and of the prefix of the next line, if the text continues there.
fn wrap_len(text: &[u8], at: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let start = at + line_end(&text[at..])?;
    let (end, prefix) = continued_line(text, start, is_symbol)?;
    (end == at).then_some(start + prefix - at)
}

/// The end of the previous line, if only a line break and a line prefix are between it and `end`, and the text continues
/// there.
fn previous_line_end(text: &[u8], end: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let low = end.saturating_sub(MAX_INDENT + 3);
    let blank = text[low..end].iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    let before = &text[..end - blank];
    if before.ends_with(b"\\n") || (blank > 0 && before.ends_with(b"\\r")) {
        let token = token_before(text, end - blank, false);
        return Some(end - blank - token.len);
    }
    let token = token_before(text, end, false);
    if token.kind == TokenKind::LineContinuation {
        return Some(end - token.len);
    }
    line_end_before_prefix(text, end, is_symbol)
}

/// Like [`previous_line_end`], but only for line breaks without escapes or continuation characters.
fn line_end_before_prefix(text: &[u8], end: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let low = end.saturating_sub(line_prefix::MAX_PREFIX_LEN);
    let start = low + memchr::memrchr(b'\n', &text[low..end])? + 1;
    let (before, prefix) = continued_line(text, start, is_symbol)?;
    (start + prefix == end).then_some(before)
}

/// If the line that begins at `start` continues the previous line, the end of that line and the length of the prefix of
/// this one.
fn continued_line(text: &[u8], start: usize, is_symbol: fn(u8) -> bool) -> Option<(usize, usize)> {
    let mut before = text[..start].strip_suffix(b"\n")?;
    before = before.strip_suffix(b"\r").unwrap_or(before);
    before = CARRIAGE_RETURNS.iter().find_map(|entity| before.strip_suffix(*entity)).unwrap_or(before);
    let end = before.len();
    let symbols = before.iter().rev().take(MIN_LINE_LEN).take_while(|&&byte| is_symbol(byte)).count();
    if symbols < MIN_LINE_LEN {
        return None;
    }
    let prefix = line_prefix::prefix_len(text, start, end, is_symbol);
    let line = &text[start + prefix..];
    let symbols = line.iter().take(MAX_LINE_LEN).take_while(|&&byte| is_symbol(byte)).count();
    spend(LINE_STEPS + symbols / 4);
    let mut rest = &line[symbols..];
    while let Some(more) = rest.strip_prefix(b"=") {
        rest = more;
    }
    let is_end = rest.first().is_none_or(|byte| b"\r\n \t\"'`\\<,;)&".contains(byte));
    (symbols > 0 && is_end).then_some((end, prefix))
}

/// Carriage returns in XML.
const CARRIAGE_RETURNS: [&[u8]; 3] = [b"&#13;", b"&#xD;", b"&#xd;"];

/// The length of the line break at the start of `rest`, whose carriage return may be an entity.
fn line_end(rest: &[u8]) -> Option<usize> {
    let entity_len =
        CARRIAGE_RETURNS.iter().find(|entity| rest.starts_with(entity)).map_or(0, |entity| entity.len());
    line_break(&rest[entity_len..]).map(|len| entity_len + len)
}
