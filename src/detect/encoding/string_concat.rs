//! Concatenation of string literals: `" + "`, `' . '`, `"` line break `"`, `", "`.

use super::line_continuation::{indent, line_break};
use super::token::{MAX_BACKSLASHES, Token, TokenKind};
use super::trivia_cursor::TriviaCursor;
use crate::detect::effort::spend;

/// Maximum length of a concatenation, in bytes.
const MAX_CONCAT_LEN: usize = 200;

/// Steps that it takes to examine the text between two literals.
const CONCAT_STEPS: usize = 24;

/// Maximum number of earlier quotes tried as the start of a concatenation.
const MAX_TRIES: usize = 8;

/// Concatenation operators; if one is the start of another, the longer one comes first.
const OPERATORS: &[&[u8]] = &[
    b".concat(",
    b"...",
    b"..",
    b".",
    b"++",
    b"+",
    b"&",
    b"~",
    b"||",
    b"<>",
    b"<<",
    b"^",
    b"*",
    b"//",
    b"\\",
];

/// Operators that append to a variable.
const ASSIGNMENTS: &[&[u8]] = &[b"+=", b".=", b"..=", b"~=", b"&=", b"<>=", b"||="];

/// Functions that append.
const CALLS: &[&[u8]] = &[b"append(", b"Append(", b"concat(", b"Concat(", b".ascii", b".string"];

/// Maximum length of a variable's name, in bytes.
const MAX_NAME_LEN: usize = 40;

/// Line continuation characters.
const CONTINUATION_SIGNS: &[u8] = b"\\_`&^";

/// Letters before a quote that belong to the literal (`f"…"`, `@"…"`).
const PREFIXES: &[u8] = b"frbuRBFULN@$";

/// Quotes as HTML entities.
const ENTITIES: &[(&[u8], u8)] =
    &[(b"&quot;", b'"'), (b"&#34;", b'"'), (b"&apos;", b'\''), (b"&#39;", b'\''), (b"&#x27;", b'\'')];

/// The concatenation from the closing quote at `at`, with the backslashes before it, to the next opening one. If
/// `lenient`, literals without an operator between them count as concatenated, and so do those with a comma.
pub(super) fn concat_at(text: &[u8], at: usize, lenient: bool) -> Option<Token> {
    let end = text.len().min(at + MAX_CONCAT_LEN);
    let close = Quote::new(&text[at..end])?;
    spend(2);
    if !text[at + close.len..end].first().is_some_and(|&byte| may_follow_literal(byte)) {
        return None;
    }
    concat_after(text, at, close, lenient)
}

/// Whether `byte` may follow a literal that is concatenated with another: most quotes are followed by something else.
fn may_follow_literal(byte: u8) -> bool {
    let begins_trivia = b" \t\r\n\\/#-".contains(&byte);
    let begins_literal = b"\"'`&".contains(&byte) || PREFIXES.contains(&byte);
    begins_trivia
        || begins_literal
        || b",);".contains(&byte)
        || OPERATORS.iter().any(|operator| operator[0] == byte)
}

/// The concatenation whose first literal ends with the quote `close` at `at`.
fn concat_after(text: &[u8], at: usize, close: Quote, lenient: bool) -> Option<Token> {
    let end = text.len().min(at + MAX_CONCAT_LEN);
    let mut cursor = TriviaCursor::new(text, at + close.len, end);
    spend(CONCAT_STEPS);
    let adjacent = Quote::new(cursor.rest());
    cursor.skip_trivia()?;
    let kind = skip_join(&mut cursor, lenient)?;
    let letters = cursor.rest().iter().take(2).take_while(|byte| PREFIXES.contains(byte)).count();
    cursor.offset += letters;
    let open = Quote::new(cursor.rest())?;
    // A quote with more backslashes is nested in another literal.
    let is_same_quote =
        open.byte == close.byte && open.slashes == close.slashes && open.is_entity == close.is_entity;
    let is_other_quote = open.byte != close.byte && (kind != TokenKind::Adjacent || adjacent.is_some());
    (is_same_quote || is_other_quote).then(|| Token::zero_width(cursor.offset + open.len - at, kind))
}

/// Skips everything up to the next literal. Returns how the two literals are joined.
fn skip_join(cursor: &mut TriviaCursor<'_>, lenient: bool) -> Option<TokenKind> {
    if is_literal(cursor.rest()) {
        return lenient.then_some(TokenKind::Adjacent);
    }
    if let Some(operator) = OPERATORS.iter().find(|operator| cursor.rest().starts_with(operator)) {
        let mut behind = *cursor;
        behind.skip(operator);
        skip_to_operand(&mut behind)?;
        if is_literal(behind.rest()) {
            *cursor = behind;
            return Some(TokenKind::Concatenated);
        }
    }
    if !lenient {
        return None;
    }
    if cursor.skip(b",") {
        skip_to_operand(cursor)?;
        return Some(TokenKind::CommaSeparated);
    }
    skip_append(cursor).map(|()| TokenKind::Adjacent)
}

/// Skips the trivia after an operator, and a line continuation character.
fn skip_to_operand(cursor: &mut TriviaCursor<'_>) -> Option<()> {
    cursor.skip_trivia()?;
    // Some languages require a line continuation character.
    let rest = cursor.rest();
    if rest.first().is_some_and(|byte| CONTINUATION_SIGNS.contains(byte))
        && line_break(&rest[1 + indent(&rest[1..])..]).is_some()
    {
        cursor.offset += 1;
        cursor.skip_trivia()?;
    }
    // The line continuation character of AppleScript.
    if cursor.skip("\u{ac}".as_bytes()) {
        cursor.skip_trivia()?;
    }
    Some(())
}

/// Whether a literal begins here.
fn is_literal(rest: &[u8]) -> bool {
    let letters = rest.iter().take(2).take_while(|byte| PREFIXES.contains(byte)).count();
    Quote::new(&rest[letters..]).is_some()
}

/// Skips the start of a statement that appends a literal, or of a chained call: `; name +=`, `).append(`.
fn skip_append(cursor: &mut TriviaCursor<'_>) -> Option<()> {
    let closes = cursor.skip(b")");
    let ends = cursor.skip(b";");
    cursor.skip_trivia()?;
    if !closes && !ends && cursor.lines == 0 {
        return None;
    }
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_$@:.->".contains(byte);
    let rest = cursor.rest();
    let name = rest.iter().take(MAX_NAME_LEN).take_while(is_name).count();
    let call = CALLS.iter().find(|call| {
        let is_directive = call.starts_with(b".");
        let start = if is_directive { Some(0) } else { (name + 1).checked_sub(call.len()) };
        start.is_some_and(|start| rest[start.min(rest.len())..].starts_with(call)) && (closes || is_directive)
    });
    if call.is_some() {
        cursor.offset += name + usize::from(rest.get(name) == Some(&b'('));
        cursor.offset += indent(cursor.rest());
        return Some(());
    }
    // `.=` begins like part of a name.
    let name = rest[..name].iter().rposition(|byte| !b".".contains(byte)).map_or(0, |last| last + 1);
    cursor.offset += name;
    cursor.offset += indent(cursor.rest());
    let assignment = ASSIGNMENTS.iter().find(|assignment| cursor.rest().starts_with(assignment))?;
    cursor.skip(assignment);
    (name > 0).then_some(())?;
    cursor.offset += indent(cursor.rest());
    Some(())
}

/// The longest concatenation that ends with the opening quote before `end`.
pub(super) fn concat_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let low = end.saturating_sub(MAX_CONCAT_LEN);
    if text[end - 1] == b';' && !ENTITIES.iter().any(|(entity, _)| text[low..end].ends_with(entity)) {
        return None;
    }
    let (mut longest, mut tries) = (None, 0);
    for quote in (low..end - 1).rev() {
        spend(1);
        match text[quote] {
            b'"' | b'\'' | b'`' | b'&' => {}
            byte if byte >= b' ' || b"\t\r\n".contains(&byte) => continue,
            _ => break,
        }
        tries += 1;
        if tries > MAX_TRIES {
            break;
        }
        let before = text[low..quote].iter().rev().take(MAX_BACKSLASHES);
        let start = quote - before.take_while(|&&byte| byte == b'\\').count();
        longest = concat_at(text, start, lenient).filter(|token| token.len == end - start).or(longest);
        if !may_be_inside(text, quote, end) {
            break;
        }
    }
    longest
}

/// Whether a concatenation that ends at `end` may contain the quote at `at`: as a line continuation character, at the end
/// or start of a line in a notebook, or, for `&`, as an operator.
fn may_be_inside(text: &[u8], at: usize, end: usize) -> bool {
    let ends_line = |from: usize| {
        let rest = &text[from..end];
        line_break(&rest[indent(rest)..]).is_some()
    };
    match text[at] {
        b'&' => true,
        b'`' => ends_line(at + 1),
        b'"' => {
            let is_head = |byte: &&u8| b" \t-+>#;%!/*".contains(byte);
            let head = text[..at].iter().rev().take(MAX_CONCAT_LEN).take_while(is_head).count();
            spend(head / 4);
            text[..at - head].ends_with(b"\n")
                || ends_line(at + 1 + usize::from(text[at + 1..end].starts_with(b",")))
        }
        _ => false,
    }
}

/// A quote, with the backslashes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quote {
    byte: u8,
    slashes: usize,
    is_entity: bool,
    len: usize,
}

impl Quote {
    /// The quote at the start of `rest`.
    fn new(rest: &[u8]) -> Option<Self> {
        let slashes = rest.iter().take(MAX_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
        match *rest.get(slashes)? {
            byte @ (b'"' | b'\'' | b'`') => Some(Self { byte, slashes, is_entity: false, len: slashes + 1 }),
            b'&' if matches!(rest.get(1), Some(b'q' | b'a' | b'#')) => {
                let (entity, byte) = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity))?;
                Some(Self { byte: *byte, slashes: 0, is_entity: true, len: entity.len() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quote_that_a_concatenation_contains_ends_the_search_for_its_start() {
        let pieces = [
            "\"",
            "'",
            "`",
            "&",
            "&quot;",
            "\\",
            "\\n",
            "\n",
            "\r\n",
            ",",
            " ",
            "+",
            "#",
            "# ",
            "a",
            ")",
            ";",
            "k",
            "+=",
            ".append(",
            "/* x */",
            "\\n\",\n\"",
            "` \n",
        ];
        let mut state = 7_u64;
        let mut pick = |count: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or_default() % count
        };
        let mut found = [0; 2];
        for _ in 0..60_000 {
            let mut text = "\"".to_owned();
            (0..pick(9)).for_each(|_| text.push_str(pieces[pick(pieces.len())]));
            text.push_str(["\"", "'", "&quot;"][pick(3)]);
            let text = text.as_bytes();
            let quotes = text[..text.len() - 1].iter().filter(|byte| b"\"'`&".contains(byte)).count();
            if quotes > MAX_TRIES {
                continue;
            }
            for lenient in [false, true] {
                let quotes = (0..text.len() - 1).filter(|&at| b"\"'`&".contains(&text[at]));
                let slashes = |at: usize| {
                    text[..at].iter().rev().take(MAX_BACKSLASHES).take_while(|&&b| b == b'\\').count()
                };
                let starts = quotes.map(|at| at - slashes(at));
                let token = |at| concat_at(text, at, lenient).filter(|token| token.len == text.len() - at);
                let longest = starts.filter_map(token).max_by_key(|token| token.len);
                found[usize::from(longest.is_some())] += 1;
                assert_eq!(
                    concat_before(text, text.len(), lenient),
                    longest,
                    "{:?}",
                    text.escape_ascii().to_string()
                );
            }
        }
        assert!(found.iter().all(|&count| count > 1000), "{found:?}");
    }

    #[test]
    fn no_byte_that_follows_a_concatenated_literal_is_excluded() {
        let rests = [
            "'", "\"", " \"", "\n\"", "n\"", "*/\"", "/\n\"", "-\n\"", "||\"", "quot;\"", ";k += \"", "..\"",
        ];
        for byte in 0..=u8::MAX {
            for rest in rests {
                let text = [b"\"", &[byte][..], rest.as_bytes()].concat();
                let close = Quote::new(&text).unwrap();
                let token = concat_after(&text, 0, close, true);
                assert_eq!(concat_at(&text, 0, true), token, "{:?}", text.escape_ascii().to_string());
            }
        }
    }
}
