//! Continuation of encoded text on the next line, or after an escape or concatenation within it.

use super::backward_lexer::token_before;
use super::lexer::token_at;
use super::line_continuation::{MAX_INDENT, indent, line_break};
use super::line_prefix;
use super::token::TokenKind;
use crate::detect::effort::spend;

/// With fewer symbols before a line break, it ends a word rather than a wrapped line.
const SHORTEST_LINE: usize = 16;

/// No tool wraps lines at a column beyond this.
const MAX_LINE_LEN: usize = 160;

/// Steps that it takes to compare the beginnings of two lines.
const LINE_STEPS: usize = 16;

/// What comes next in encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextSymbol {
    /// A symbol and its range, including its escape.
    Symbol(u8, (usize, usize)),
    /// The text ends.
    End,
}

/// The symbol at `at` or after the break at `at`, below `high`.
pub(super) fn forward(text: &[u8], mut at: usize, high: usize, is_symbol: fn(u8) -> bool) -> NextSymbol {
    while at < high {
        spend(1);
        let byte = text[at];
        if is_symbol(byte) {
            return NextSymbol::Symbol(byte, (at, at + 1));
        }
        let len = match byte {
            b'\r' | b'\n' => wrapped(text, at, is_symbol),
            b'&' if line_end(&text[at..]).is_some() => wrapped(text, at, is_symbol),
            b' ' | b'\t' if ends_in_escaped_break(text, at) => Some(indent(&text[at..])),
            b'\\' | b'%' | b'&' | 0x1b | b'"' | b'\'' | b'`' => {
                // Adjacent literals continue the text like any others.
                let unit = token_at(text, at, b"\\\"'`".contains(&byte));
                match unit.value {
                    Some(value) if is_symbol(value) && at + unit.len <= high => {
                        return NextSymbol::Symbol(value, (at, at + unit.len));
                    }
                    _ => is_passed_over(unit.value, unit.len).then_some(unit.len),
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

/// The symbol that ends at `end`, or before the break that ends there, not below `low`.
pub(super) fn backward(text: &[u8], mut end: usize, low: usize, is_symbol: fn(u8) -> bool) -> NextSymbol {
    while end > low {
        spend(2);
        let byte = text[end - 1];
        let start = match byte {
            b' ' | b'\t' | b'\n' => unwrapped(text, end, is_symbol),
            _ if line_prefix::may_end(byte)
                && let Some(start) = behind_lead(text, end, is_symbol) =>
            {
                Some(start)
            }
            _ if may_end_unit(text, end) => {
                let unit = token_before(text, end, b"\"'`".contains(&byte));
                let start = end - unit.len;
                match unit.value {
                    Some(value) if is_symbol(value) && start >= low => {
                        return NextSymbol::Symbol(value, (start, end));
                    }
                    _ => is_passed_over(unit.value, unit.len).then_some(start),
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

/// An escaped line break, or a zero-width token.
fn is_passed_over(value: Option<u8>, len: usize) -> bool {
    len > 1 && value.is_none_or(|value| b"\r\n".contains(&value))
}

/// Whether the token that ends at `end` may be longer than one byte.
fn may_end_unit(text: &[u8], end: usize) -> bool {
    let at = |back: usize| end.checked_sub(back).map(|at| text[at]);
    b"\"'`;}".contains(&text[end - 1])
        || at(2) == Some(b'\\')
        || at(3) == Some(b'%')
        || (at(6) == Some(b'\\') && at(5) == Some(b'u'))
        || (text[end - 1] == b'm' && text[end.saturating_sub(28)..end].contains(&b'['))
}

/// Whether `\n` precedes the blanks at `at`.
fn ends_in_escaped_break(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(64)..at];
    let blanks = before.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    before[..before.len() - blanks].ends_with(b"\\n")
}

/// The length of the line break at `at` and of the prefix of the next line, if the text continues there.
fn wrapped(text: &[u8], at: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let start = at + line_end(&text[at..])?;
    let (end, lead) = continued(text, start, is_symbol)?;
    (end == at).then_some(start + lead - at)
}

/// The end of the previous line, if only a line break and a line prefix precede `end` and the text continues
/// after them.
fn unwrapped(text: &[u8], end: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let low = end.saturating_sub(MAX_INDENT + 3);
    let blank = text[low..end].iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    let before = &text[..end - blank];
    if before.ends_with(b"\\n") || (blank > 0 && before.ends_with(b"\\r")) {
        let unit = token_before(text, end - blank, false);
        return Some(end - blank - unit.len);
    }
    let continued = token_before(text, end, false);
    if continued.kind == TokenKind::LineContinuation {
        return Some(end - continued.len);
    }
    behind_lead(text, end, is_symbol)
}

/// The same without escapes or continuation characters.
fn behind_lead(text: &[u8], end: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let low = end.saturating_sub(line_prefix::MAX_PREFIX_LEN);
    let start = low + memchr::memrchr(b'\n', &text[low..end])? + 1;
    let (before, lead) = continued(text, start, is_symbol)?;
    (start + lead == end).then_some(before)
}

/// Whether the line that begins at `start` continues the previous line. Returns the end of that line and the
/// length of the new line's prefix.
fn continued(text: &[u8], start: usize, is_symbol: fn(u8) -> bool) -> Option<(usize, usize)> {
    let mut before = text[..start].strip_suffix(b"\n")?;
    before = before.strip_suffix(b"\r").unwrap_or(before);
    before = RETURNS.iter().find_map(|spelt| before.strip_suffix(*spelt)).unwrap_or(before);
    let end = before.len();
    let symbols = before.iter().rev().take(SHORTEST_LINE).take_while(|&&byte| is_symbol(byte)).count();
    if symbols < SHORTEST_LINE {
        return None;
    }
    let lead = line_prefix::of(text, start, end, is_symbol);
    let line = &text[start + lead..];
    let symbols = line.iter().take(MAX_LINE_LEN).take_while(|&&byte| is_symbol(byte)).count();
    spend(LINE_STEPS + symbols / 4);
    let mut rest = &line[symbols..];
    while let Some(more) = rest.strip_prefix(b"=") {
        rest = more;
    }
    let ends = rest.first().is_none_or(|byte| b"\r\n \t\"'`\\<,;)&".contains(byte));
    (symbols > 0 && ends).then_some((end, lead))
}

/// A carriage return in XML.
const RETURNS: [&[u8]; 3] = [b"&#13;", b"&#xD;", b"&#xd;"];

/// The length of the line break at the start of `rest`, which may be partly escaped.
fn line_end(rest: &[u8]) -> Option<usize> {
    let spelt = RETURNS.iter().find(|spelt| rest.starts_with(spelt)).map_or(0, |spelt| spelt.len());
    line_break(&rest[spelt..]).map(|len| spelt + len)
}
