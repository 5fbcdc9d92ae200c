//! Escapes of programs, web pages and mail, each of which is a token.

use super::color_code::color_code_len;
use super::line_continuation::{indent, line_break, repeated_prefix_len};
use super::markup::{Special, special_char};
use super::string_concat;
use super::token::{MAX_BACKSLASHES, Token, TokenKind};
use crate::detect::alphabet::is_key;

/// The token that begins with the backslashes at `at`.
pub(super) fn backslash_escape(text: &[u8], at: usize, lenient: bool) -> Option<Token> {
    let count = text[at..].iter().take(MAX_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    let rest = &text[at + count..];
    let token = |len: usize, value: u32, kind| {
        // An escape of the escape character, which begins a color code.
        if value == 0x1b {
            return color_code_len(&rest[len..])
                .map(|more| Token::zero_width(count + len + more, TokenKind::Ansi));
        }
        escape_token(count + len, value, kind)
    };
    match *rest.first()? {
        b'u' => match rest.get(1)? {
            b'{' => {
                let digits = rest[2..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
                (rest.get(2 + digits) == Some(&b'}'))
                    .then(|| token(digits + 3, hex(rest.get(2..2 + digits)?)?, TokenKind::Unicode))?
            }
            _ => token(5, hex(rest.get(1..5)?)?, TokenKind::Unicode),
        },
        b'U' => token(9, hex(rest.get(1..9)?)?, TokenKind::Unicode),
        b'x' => token(3, hex(rest.get(1..3)?)?, TokenKind::Hex),
        b'0'..=b'7' => {
            let digits = rest.get(..3).filter(|digits| digits.iter().all(|d| (b'0'..=b'7').contains(d)))?;
            token(
                3,
                digits.iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0')),
                TokenKind::Octal,
            )
        }
        b'e' => color_code_len(&rest[1..]).map(|len| Token::zero_width(count + 1 + len, TokenKind::Ansi)),
        byte @ (b'-' | b'_') => Some(Token::new(count + 1, byte, TokenKind::Backslash)),
        b'/' => Some(Token::new(count + 1, b'/', TokenKind::Plain)),
        // The end of a continued line within a literal.
        b'n' if count == 3 => line_continuation_token(text, at, count, true),
        b'n' => Some(Token::new(count + 1, b'\n', TokenKind::Plain)),
        b'z' if line_break(&rest[1..]).is_some() => line_continuation_token(text, at, count + 1, false),
        b'r' => Some(Token::new(count + 1, b'\r', TokenKind::Plain)),
        b't' => Some(Token::new(count + 1, b'\t', TokenKind::Plain)),
        b'"' | b'\'' | b'`' => string_concat::concat_at(text, at, lenient),
        b'\r' | b'\n' => line_continuation_token(text, at, count, false),
        _ => None,
    }
}

/// `%2D`, `%252D`, `%u002D`
pub(super) fn percent_escape(rest: &[u8]) -> Option<Token> {
    if rest.starts_with(b"%u") {
        return escape_token(6, hex(rest.get(2..6)?)?, TokenKind::Percent);
    }
    // In text that was encoded twice, the percent sign is encoded as well.
    let sign_len = if rest.starts_with(b"%25") { 3 } else { 1 };
    escape_token(sign_len + 2, hex(rest.get(sign_len..sign_len + 2)?)?, TokenKind::Percent)
}

/// `&#45;`, `&amp;#45;`, `&dash;`
pub(super) fn entity(rest: &[u8]) -> Option<Token> {
    let lead_len = if rest.starts_with(b"&amp;") { 6 } else { 2 };
    let Some(number) = rest.get(lead_len..).filter(|_| rest[..lead_len].ends_with(b"#")) else {
        let names: [(&[u8], u32); 7] = [
            (b"&lowbar;", 0x5f),
            (b"&hyphen;", 0x2d),
            (b"&dash;", 0x2d),
            (b"&ndash;", 0x2013),
            (b"&shy;", 0xad),
            (b"&zwnj;", 0x200c),
            (b"&zwj;", 0x200d),
        ];
        let (name, value) = names.into_iter().find(|(name, _)| rest.starts_with(name))?;
        return escape_token(name.len(), value, TokenKind::Entity);
    };
    let digits = number.iter().take(8).position(|&byte| byte == b';')?;
    let value = match number[..digits].split_first() {
        Some((b'x' | b'X', digits)) => hex(digits)?,
        _ => decimal(&number[..digits])?,
    };
    escape_token(lead_len + digits + 1, value, TokenKind::Entity)
}

/// The token of an escape that is `len` bytes long and encodes the code point or byte `value`; `None` if `value` is not
/// ASCII and has no role within a key.
fn escape_token(len: usize, value: u32, kind: TokenKind) -> Option<Token> {
    // Other escapes encode single bytes of a character.
    let is_character = value > 0xff || matches!(kind, TokenKind::Unicode | TokenKind::Entity);
    match (u8::try_from(value).ok().filter(u8::is_ascii), special_char(value).filter(|_| is_character)) {
        (Some(byte), _) => Some(Token::new(len, byte, kind)),
        (None, Some(Special::Dash)) => Some(Token::new(len, b'-', kind)),
        (None, Some(Special::Invisible)) => Some(Token::zero_width(len, TokenKind::Invisible)),
        (None, None) => None,
    }
}

/// `=2D`, and `=` at the end of a line
pub(super) fn quoted_printable(rest: &[u8]) -> Option<Token> {
    if let Some(len) = line_break(&rest[1..]) {
        return Some(Token::zero_width(1 + len, TokenKind::SoftBreak));
    }
    let value = u8::try_from(hex(rest.get(1..3)?)?).ok()?;
    value.is_ascii().then_some(Token::new(3, value, TokenKind::QuotedPrintable))
}

/// The token of the line continuation sign at `at`, `sign_len` bytes long, with the line break after it and everything
/// before the next character of the literal. `is_escaped`: the line break is written as `\n`.
pub(super) fn line_continuation_token(
    text: &[u8],
    at: usize,
    sign_len: usize,
    is_escaped: bool,
) -> Option<Token> {
    let len = if is_escaped { 1 } else { line_break(text.get(at + sign_len..)?)? };
    let begin = at + sign_len + len;
    let mut end = begin + repeated_prefix_len(text, at, begin, is_escaped);
    end += indent(&text[end..]);
    if text[at] == b'\\' && end > begin && closes_gap(text, end) {
        end += 1;
    }
    Some(Token::zero_width(end - at, TokenKind::LineContinuation))
}

/// Whether there is a backslash at `at` that ends a string gap of Haskell and does not begin an escape.
fn closes_gap(text: &[u8], at: usize) -> bool {
    let [b'\\', next, ..] = text[at..] else { return false };
    is_key(next)
        && (backslash_escape(text, at, false).is_none_or(|token| token.len == 1) || b"rt-_".contains(&next))
}

fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u32, |value, &digit| value.checked_mul(10)?.checked_add(char::from(digit).to_digit(10)?))
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}
