//! Splits escaped text into tokens.

use super::color_code::control_sequence;
use super::escapes::{backslash_escape, entity, line_continuation_token, percent_escape, quoted_printable};
use super::token::{Token, TokenKind};
use super::{line_continuation, markup, string_concat};
use crate::detect::effort::spend;

/// The token that begins at `at`, which must be within `text`. `lenient` also accepts tentative joins.
pub(super) fn token_at(text: &[u8], at: usize, lenient: bool) -> Token {
    spend(1);
    let rest = &text[at..];
    let special = match rest[0] {
        b'\\' => backslash_escape(text, at, lenient),
        b'%' => percent_escape(rest),
        b'&' => string_concat::concat_at(text, at, lenient).or_else(|| entity(rest)),
        b'=' => quoted_printable(rest),
        0x1b => control_sequence(rest, 1),
        b'^' if rest.starts_with(b"^[") => control_sequence(rest, 2),
        b'^' => line_continuation_token(text, at, 1, false),
        b'"' | b'\'' | b'`' => string_concat::concat_at(text, at, lenient),
        b'\r' | b'\n' if lenient => line_continuation::line_fold(text, at),
        b'<' if lenient => markup::tags_at(text, at),
        0xc2 | 0xe2 | 0xef => markup::special_token(rest),
        _ => return Token::new(1, rest[0], TokenKind::Plain),
    };
    spend(1);
    special.unwrap_or(Token::new(1, rest[0], TokenKind::Plain))
}

/// Whether a token that begins with `byte` may be another one if text is split leniently.
pub(super) fn may_be_tentative(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\' | b'&' | b'<')
}
