//! Tokens of web pages and documents that may be within a key: tags, invisible characters, and dashes in place of hyphens.

use super::color_code::control_sequence;
use super::token::{Token, TokenKind};
use crate::detect::alphabet::is_key;
use crate::detect::effort::spend;

/// Maximum length of the tags between two characters, in bytes.
const MAX_TAGS_LEN: usize = 320;

/// A non-ASCII character that may occur within a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Invisible: a zero-width space or joiner, a soft hyphen, a byte order mark.
    Invisible,
    /// Looks like a hyphen.
    Dash,
}

/// The role of the code point `value` within a key, if it has one.
pub(super) fn special_char(value: u32) -> Option<Special> {
    match value {
        0xad | 0x200b..=0x200d | 0x2060 | 0xfeff => Some(Special::Invisible),
        0x2010..=0x2013 | 0x2212 => Some(Special::Dash),
        _ => None,
    }
}

/// The token of a special character in UTF-8, or of a color code whose escape character is displayed as `␛`.
pub(super) fn special_token(rest: &[u8]) -> Option<Token> {
    if rest.starts_with("\u{241b}".as_bytes()) {
        return control_sequence(rest, 3);
    }
    let (len, value) = match *rest {
        [a, b, ..] if a < 0xe0 && b & 0xc0 == 0x80 => (2, u32::from(a & 0x1f) << 6 | u32::from(b & 0x3f)),
        [a, b, c, ..] if a >= 0xe0 && b & 0xc0 == 0x80 && c & 0xc0 == 0x80 => {
            (3, u32::from(a & 0xf) << 12 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f))
        }
        _ => return None,
    };
    special_char(value).map(|special| match special {
        Special::Invisible => Token::zero_width(len, TokenKind::Invisible),
        Special::Dash => Token::new(len, b'-', TokenKind::TypographicDash),
    })
}

/// The token of the tags at `at`, if a key character is directly before and directly after them.
pub(super) fn tags_at(text: &[u8], at: usize) -> Option<Token> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if !before.is_some_and(|&byte| is_key(byte)) {
        return None;
    }
    let rest = &text[at..text.len().min(at + MAX_TAGS_LEN + 1)];
    let mut len = 0;
    while rest.get(len) == Some(&b'<') {
        let name = rest.get(len + 1).filter(|byte| byte.is_ascii_alphabetic() || **byte == b'/');
        let end = name.and_then(|_| memchr::memchr2(b'>', b'<', &rest[len + 1..]))?;
        if rest[len + 1 + end] == b'<' {
            return None;
        }
        len += end + 2;
        spend(4 + end / 8);
    }
    rest.get(len).filter(|&&byte| is_key(byte)).map(|_| Token::zero_width(len, TokenKind::CommaSeparated))
}

/// The token of such tags that end at `end`.
pub(super) fn tags_before(text: &[u8], end: usize) -> Option<Token> {
    let low = end.saturating_sub(MAX_TAGS_LEN);
    let mut start = end;
    while start > low {
        start = low + memchr::memrchr(b'<', &text[low..start])?;
        spend(4);
        if start.checked_sub(1).is_some_and(|before| is_key(text[before])) {
            return tags_at(text, start).filter(|token| token.len == end - start);
        }
    }
    None
}
