//! Where encoded text goes on in the next line, or behind an escape or glue in the middle of it.

use super::lines::{MOST_INDENT, indent, line_break};
use super::units::{Kind, unit_at, unit_before};

/// Fewer symbols than this before a line break, and it is the end of a word, not of a wrapped line.
const SHORTEST_LINE: usize = 16;

/// No tool wraps at a column beyond this.
const LONGEST_LINE: usize = 160;

/// What comes next in encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A symbol, and where what stands for it begins and ends.
    Symbol(u8, (usize, usize)),
    /// The text ends.
    End,
}

/// The symbol at `at` or behind the break at `at`, below `high`.
pub(super) fn forward(text: &[u8], mut at: usize, high: usize, is_symbol: fn(u8) -> bool) -> Next {
    while at < high {
        let byte = text[at];
        if is_symbol(byte) {
            return Next::Symbol(byte, (at, at + 1));
        }
        let len = match byte {
            b'\r' | b'\n' => wrapped(text, at, is_symbol),
            b' ' | b'\t' if ends_in_spelt_break(text, at) => Some(indent(&text[at..])),
            b'\\' | b'%' | b'&' | 0x1b | b'"' | b'\'' | b'`' => {
                let unit = unit_at(text, at, false);
                match unit.value {
                    Some(value) if is_symbol(value) && at + unit.len <= high => {
                        return Next::Symbol(value, (at, at + unit.len));
                    }
                    _ => is_passed_over(unit.value, unit.len).then_some(unit.len),
                }
            }
            _ => None,
        };
        match len {
            Some(len) if len > 0 => at += len,
            _ => return Next::End,
        }
    }
    Next::End
}

/// The symbol that ends at `end`, or before the break that ends there, not below `low`.
pub(super) fn backward(text: &[u8], mut end: usize, low: usize, is_symbol: fn(u8) -> bool) -> Next {
    while end > low {
        let byte = text[end - 1];
        let start = match byte {
            b' ' | b'\t' | b'\n' => unwrapped(text, end, is_symbol),
            _ if may_end_unit(text, end) => {
                let unit = unit_before(text, end, false);
                let start = end - unit.len;
                match unit.value {
                    Some(value) if is_symbol(value) && start >= low => {
                        return Next::Symbol(value, (start, end));
                    }
                    _ => is_passed_over(unit.value, unit.len).then_some(start),
                }
            }
            _ if is_symbol(byte) => return Next::Symbol(byte, (end - 1, end)),
            _ => None,
        };
        match start {
            Some(start) if start < end => end = start,
            _ => return Next::End,
        }
    }
    Next::End
}

/// A line break that is spelt out, or a unit that stands for nothing.
fn is_passed_over(value: Option<u8>, len: usize) -> bool {
    len > 1 && value.is_none_or(|value| b"\r\n".contains(&value))
}

/// Whether more than one byte may belong to the unit that ends at `end`.
fn may_end_unit(text: &[u8], end: usize) -> bool {
    let at = |back: usize| end.checked_sub(back).map(|at| text[at]);
    b"\"'`;}".contains(&text[end - 1])
        || at(2) == Some(b'\\')
        || at(3) == Some(b'%')
        || (at(6) == Some(b'\\') && at(5) == Some(b'u'))
        || (text[end - 1] == b'm' && text[end.saturating_sub(28)..end].contains(&b'['))
}

/// Whether `\n` stands before the blanks at `at`.
fn ends_in_spelt_break(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(64)..at];
    let blanks = before.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    before[..before.len() - blanks].ends_with(b"\\n")
}

/// The length of the line break and indentation at `at`, if the next line is nothing but more of the
/// same.
fn wrapped(text: &[u8], at: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let before = text[..at].iter().rev().take(SHORTEST_LINE).take_while(|&&byte| is_symbol(byte)).count();
    if before < SHORTEST_LINE {
        return None;
    }
    let mut len = line_break(&text[at..])?;
    len += indent(&text[at + len..]);
    let line = &text[at + len..];
    let symbols = line.iter().take(LONGEST_LINE).take_while(|&&byte| is_symbol(byte)).count();
    let mut rest = &line[symbols..];
    while let Some(more) = rest.strip_prefix(b"=") {
        rest = more;
    }
    let ends = rest.first().is_none_or(|byte| b"\r\n \t\"'`\\<,;)".contains(byte));
    (symbols > 0 && ends).then_some(len)
}

/// Where the line break begins that ends, with the indentation behind it, at `end`, if the line before
/// it ends in enough of the same.
fn unwrapped(text: &[u8], end: usize, is_symbol: fn(u8) -> bool) -> Option<usize> {
    let low = end.saturating_sub(MOST_INDENT + 3);
    let blank = text[low..end].iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    let before = &text[..end - blank];
    if before.ends_with(b"\\n") || (blank > 0 && before.ends_with(b"\\r")) {
        let unit = unit_before(text, end - blank, false);
        return Some(end - blank - unit.len);
    }
    let continued = unit_before(text, end, false);
    if continued.kind == Kind::Continued {
        return Some(end - continued.len);
    }
    let before = before.strip_suffix(b"\n")?;
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    let symbols = before.iter().rev().take(SHORTEST_LINE).take_while(|&&byte| is_symbol(byte)).count();
    (symbols == SHORTEST_LINE).then_some(before.len())
}
