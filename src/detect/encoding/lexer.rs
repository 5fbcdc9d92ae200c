//! Splits escaped text into tokens.

use super::color_code::control;
use super::escapes::{backslashed, continued, entity, percent, quoted};
use super::token::{Token, TokenKind};
use super::{line_continuation, markup, string_concat};
use crate::detect::effort::spend;

/// The token that begins at `at`, which must be within `text`. `lenient` also accepts tentative joins.
pub(super) fn token_at(text: &[u8], at: usize, lenient: bool) -> Token {
    spend(1);
    let rest = &text[at..];
    let special = match rest[0] {
        b'\\' => backslashed(text, at, lenient),
        b'%' => percent(rest),
        b'&' => string_concat::at(text, at, lenient).or_else(|| entity(rest)),
        b'=' => quoted(rest),
        0x1b => control(rest, 1),
        b'^' if rest.starts_with(b"^[") => control(rest, 2),
        b'^' => continued(text, at, 1, false),
        b'"' | b'\'' | b'`' => string_concat::at(text, at, lenient),
        b'\r' | b'\n' if lenient => line_continuation::fold(text, at),
        b'<' if lenient => markup::tags(text, at),
        0xc2 | 0xe2 | 0xef => markup::symbol(rest),
        _ => None,
    };
    special.unwrap_or(Token::of(1, rest[0], TokenKind::Plain))
}

/// Whether a token that begins with `byte` may be a different one in a lenient reading.
pub(super) fn may_be_tentative(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\' | b'&' | b'<')
}
