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
    for start in (low..end - 1).rev() {
        spend(1);
        match text[start] {
            b'"' | b'\'' | b'`' | b'&' => {}
            byte if byte >= b' ' || b"\t\r\n".contains(&byte) => continue,
            _ => break,
        }
        tries += 1;
        if tries > MAX_TRIES {
            break;
        }
        let before = text[low..start].iter().rev().take(MAX_BACKSLASHES);
        let start = start - before.take_while(|&&byte| byte == b'\\').count();
        longest = concat_at(text, start, lenient).filter(|token| token.len == end - start).or(longest);
    }
    longest
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
