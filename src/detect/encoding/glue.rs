//! What stands between the parts of a literal that was split: `" + "`, `' . '`, `"` line break `"`.

use super::units::{Kind, Unit, indent, line_break};

/// The most bytes that glue may take.
const LONGEST: usize = 160;

/// The most line breaks in it.
const MOST_LINES: usize = 3;

/// Operators that join strings; those that begin like others come before them.
const OPERATORS: &[&[u8]] =
    &[b".concat(", b"..", b".", b"++", b"+", b"&", b"~", b"||", b"<>", b"<<", b"^", b"\\"];

/// Letters before a quote that belong to the literal (`f"…"`, `@"…"`).
const PREFIXES: &[u8] = b"frbuRBFUL@$";

fn is_quote(byte: u8) -> bool {
    b"\"'`".contains(&byte)
}

/// Glue from the closing quote at `at`, with backslashes before it, to the next opening one. Without
/// an operator it is weak.
pub(super) fn at(text: &[u8], at: usize, loosely: bool) -> Option<Unit> {
    let end = text.len().min(at + LONGEST);
    let rest = &text[at..end];
    let mut from = quote(rest, 0)?;
    from = blank(rest, from)?;
    let operator = OPERATORS.iter().find(|operator| rest[from..].starts_with(operator));
    if let Some(operator) = operator {
        from = blank(rest, from + operator.len())?;
        // Some languages want a sign that the line goes on.
        if rest.get(from).is_some_and(|byte| b"\\_".contains(byte)) && line_break(&rest[from + 1..]).is_some()
        {
            from = blank(rest, from + 1)?;
        }
    }
    let letters = rest[from..].iter().take(2).take_while(|byte| PREFIXES.contains(byte)).count();
    let to = quote(rest, from + letters)?;
    match operator {
        Some(_) => Some(Unit::nothing(to, Kind::Joined)),
        None => loosely.then_some(Unit::nothing(to, Kind::Weak)),
    }
}

/// Glue whose opening quote ends at `end`.
pub(super) fn before(text: &[u8], end: usize, loosely: bool) -> Option<Unit> {
    let low = end.saturating_sub(LONGEST);
    let mut start = end - 1;
    while start > low && text[start - 1] == b'\\' {
        start -= 1;
    }
    while start > low {
        start -= 1;
        let byte = text[start];
        if is_quote(byte) {
            while start > low && text[start - 1] == b'\\' {
                start -= 1;
            }
            return at(text, start, loosely).filter(|unit| unit.len == end - start);
        }
        let may_be_glue = byte.is_ascii_whitespace()
            || b"+.&~|<>^\\_(".contains(&byte)
            || byte.is_ascii_alphabetic()
            || b"@$".contains(&byte);
        if !may_be_glue {
            return None;
        }
    }
    None
}

/// Behind a quote at `from`, and the backslashes before it.
fn quote(rest: &[u8], from: usize) -> Option<usize> {
    let slashes = rest.get(from..)?.iter().take(4).take_while(|&&byte| byte == b'\\').count();
    is_quote(*rest.get(from + slashes)?).then_some(from + slashes + 1)
}

/// Behind blanks and line breaks at `from`.
fn blank(rest: &[u8], mut from: usize) -> Option<usize> {
    for _ in 0..=MOST_LINES {
        from += indent(&rest[from..]);
        match line_break(&rest[from..]) {
            Some(len) => from += len,
            None => return Some(from),
        }
    }
    None
}
