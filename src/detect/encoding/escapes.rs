//! Escapes: all spellings of a byte, or of nothing, in programs, web pages and mail.

use super::color_code::color_code;
use super::line_continuation::{indent, line_break, repeated};
use super::markup::{Special, special};
use super::string_concat;
use super::token::{MAX_BACKSLASHES, Token, TokenKind};
use crate::detect::alphabet::is_key;

/// The token that begins with the backslashes at `at`.
pub(super) fn backslashed(text: &[u8], at: usize, lenient: bool) -> Option<Token> {
    let count = text[at..].iter().take(MAX_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    let rest = &text[at + count..];
    let of = |len: usize, value: u32, kind| {
        // An escape character that is itself escaped.
        if value == 0x1b {
            return color_code(&rest[len..])
                .map(|more| Token::zero_width(count + len + more, TokenKind::Ansi));
        }
        spelt(count + len, value, kind)
    };
    match *rest.first()? {
        b'u' => match rest.get(1)? {
            b'{' => {
                let digits = rest[2..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
                (rest.get(2 + digits) == Some(&b'}'))
                    .then(|| of(digits + 3, hex(rest.get(2..2 + digits)?)?, TokenKind::Unicode))?
            }
            _ => of(5, hex(rest.get(1..5)?)?, TokenKind::Unicode),
        },
        b'U' => of(9, hex(rest.get(1..9)?)?, TokenKind::Unicode),
        b'x' => of(3, hex(rest.get(1..3)?)?, TokenKind::Hex),
        b'0'..=b'7' => {
            let digits = rest.get(..3).filter(|digits| digits.iter().all(|d| (b'0'..=b'7').contains(d)))?;
            of(3, digits.iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0')), TokenKind::Octal)
        }
        b'e' => color_code(&rest[1..]).map(|len| Token::zero_width(count + 1 + len, TokenKind::Ansi)),
        byte @ (b'-' | b'_') => Some(Token::of(count + 1, byte, TokenKind::Backslash)),
        b'/' => Some(Token::of(count + 1, b'/', TokenKind::Plain)),
        // The end of a continued line within a literal.
        b'n' if count == 3 => continued(text, at, count, true),
        b'n' => Some(Token::of(count + 1, b'\n', TokenKind::Plain)),
        b'z' if line_break(&rest[1..]).is_some() => continued(text, at, count + 1, false),
        b'r' => Some(Token::of(count + 1, b'\r', TokenKind::Plain)),
        b't' => Some(Token::of(count + 1, b'\t', TokenKind::Plain)),
        b'"' | b'\'' | b'`' => string_concat::at(text, at, lenient),
        b'\r' | b'\n' => continued(text, at, count, false),
        _ => None,
    }
}

/// `%2D`, `%252D`, `%u002D`
pub(super) fn percent(rest: &[u8]) -> Option<Token> {
    if rest.starts_with(b"%u") {
        return spelt(6, hex(rest.get(2..6)?)?, TokenKind::Percent);
    }
    // Encoded twice: the percent sign is also encoded.
    let sign = if rest.starts_with(b"%25") { 3 } else { 1 };
    spelt(sign + 2, hex(rest.get(sign..sign + 2)?)?, TokenKind::Percent)
}

/// `&#45;`, `&amp;#45;`, `&dash;`
pub(super) fn entity(rest: &[u8]) -> Option<Token> {
    let lead = if rest.starts_with(b"&amp;") { 6 } else { 2 };
    let Some(number) = rest.get(lead..).filter(|_| rest[..lead].ends_with(b"#")) else {
        let named: [(&[u8], u32); 7] = [
            (b"&lowbar;", 0x5f),
            (b"&hyphen;", 0x2d),
            (b"&dash;", 0x2d),
            (b"&ndash;", 0x2013),
            (b"&shy;", 0xad),
            (b"&zwnj;", 0x200c),
            (b"&zwj;", 0x200d),
        ];
        let (name, value) = named.into_iter().find(|(name, _)| rest.starts_with(name))?;
        return spelt(name.len(), value, TokenKind::Entity);
    };
    let digits = number.iter().take(8).position(|&byte| byte == b';')?;
    let value = match number[..digits].split_first() {
        Some((b'x' | b'X', digits)) => hex(digits)?,
        _ => std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?,
    };
    spelt(lead + digits + 1, value, TokenKind::Entity)
}

/// The token of an escape for `value`.
fn spelt(len: usize, value: u32, kind: TokenKind) -> Option<Token> {
    // Other escapes encode single bytes of a character.
    let is_character = value > 0xff || matches!(kind, TokenKind::Unicode | TokenKind::Entity);
    match (u8::try_from(value).ok().filter(u8::is_ascii), special(value).filter(|_| is_character)) {
        (Some(byte), _) => Some(Token::of(len, byte, kind)),
        (None, Some(Special::Dash)) => Some(Token::of(len, b'-', kind)),
        (None, Some(Special::Invisible)) => Some(Token::zero_width(len, TokenKind::Invisible)),
        (None, None) => None,
    }
}

/// `=2D`, and `=` at the end of a line
pub(super) fn quoted(rest: &[u8]) -> Option<Token> {
    if let Some(len) = line_break(&rest[1..]) {
        return Some(Token::zero_width(1 + len, TokenKind::SoftBreak));
    }
    let value = u8::try_from(hex(rest.get(1..3)?)?).ok()?;
    value.is_ascii().then_some(Token::of(3, value, TokenKind::QuotedPrintable))
}

/// The line continuation sign at `at`, `sign` bytes long, with its line break, which may be escaped (`spelt`) as
/// `\n`, and everything before the next character of the literal.
pub(super) fn continued(text: &[u8], at: usize, sign: usize, spelt: bool) -> Option<Token> {
    let len = if spelt { 1 } else { line_break(text.get(at + sign..)?)? };
    let begin = at + sign + len;
    let mut end = begin + repeated(text, at, begin, spelt);
    end += indent(&text[end..]);
    if text[at] == b'\\' && end > begin && closes_gap(text, end) {
        end += 1;
    }
    Some(Token::zero_width(end - at, TokenKind::LineContinuation))
}

/// Whether the backslash at `at`, if any, ends a Haskell string gap rather than beginning an escape.
fn closes_gap(text: &[u8], at: usize) -> bool {
    let [b'\\', next, ..] = text[at..] else { return false };
    is_key(next)
        && (backslashed(text, at, false).is_none_or(|token| token.len == 1) || b"rt-_".contains(&next))
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}
