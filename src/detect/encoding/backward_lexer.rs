//! Splits escaped text into tokens from its end.

use super::lexer::token_at;
use super::line_continuation::{MAX_INDENT, MAX_LINE_PREFIX_LEN, may_end_line_break};
use super::token::{MAX_BACKSLASHES, Token, TokenKind};
use super::{markup, string_concat};
use crate::detect::effort::spend;

/// Maximum lengths of an escape and of a color code, in bytes.
const MAX_ESCAPE_LEN: usize = 12;
pub(super) const MAX_COLOR_CODE_LEN: usize = 28;

/// The token that ends at `end`, which must not be 0. It is the same token that [`token_at`] finds at its start.
pub(super) fn token_before(text: &[u8], end: usize, lenient: bool) -> Token {
    spend(2);
    let last = text[end - 1];
    let special = match last {
        b'"' | b'\'' | b'`' => string_concat::concat_before(text, end, lenient),
        b';' => {
            string_concat::concat_before(text, end, lenient).or_else(|| escape_before(text, end, lenient))
        }
        b'>' if lenient => markup::tags_before(text, end).or_else(|| continuation_before(text, end, lenient)),
        _ if may_end_line_break(text, end) => {
            continuation_before(text, end, lenient).or_else(|| escape_before(text, end, lenient))
        }
        _ => escape_before(text, end, lenient),
    };
    special.unwrap_or(Token::new(1, last, TokenKind::Plain))
}

/// The tokens before an offset, nearest first, with the start of each.
pub(super) struct BackwardTokens<'a> {
    text: &'a [u8],
    /// The start of the last token, before which the next one ends.
    at: usize,
    /// The start of the text to split.
    low: usize,
    lenient: bool,
    /// No escape begins between here and `at`.
    no_escape_from: usize,
    /// Whether the byte before `no_escape_from` may begin an escape.
    is_after_escape_start: bool,
}

impl<'a> BackwardTokens<'a> {
    /// The tokens between `low` and `at`.
    pub(super) fn new(text: &'a [u8], at: usize, low: usize, lenient: bool) -> Self {
        Self { text, at, low, lenient, no_escape_from: at, is_after_escape_start: false }
    }
}

impl Iterator for BackwardTokens<'_> {
    type Item = (Token, usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at <= self.low {
            return None;
        }
        if self.no_escape_from > self.at {
            (self.no_escape_from, self.is_after_escape_start) = (self.at, false);
        }
        if !self.is_after_escape_start && self.at - self.no_escape_from < MAX_COLOR_CODE_LEN {
            let low = self.no_escape_from.saturating_sub(2 * MAX_COLOR_CODE_LEN);
            let start = self.text[low..self.no_escape_from].iter().rposition(|&byte| may_start_escape(byte));
            self.is_after_escape_start = start.is_some();
            self.no_escape_from = start.map_or(low, |start| low + start + 1);
        }
        // Looking for a longer token before each byte would dominate the running time.
        let token =
            match self.at - self.no_escape_from >= MAX_COLOR_CODE_LEN && !may_be_long(self.text, self.at) {
                true => Token::new(1, self.text[self.at - 1], TokenKind::Plain),
                false => token_before(self.text, self.at, self.lenient),
            };
        if token.len > self.at - self.low {
            return None;
        }
        spend(1);
        self.at -= token.len;
        Some((token, self.at))
    }
}

/// Whether an escape may begin with `byte`.
fn may_start_escape(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'^' | 0x1b | 0xc2 | 0xe2 | 0xef)
}

/// Whether a token that ends at `end` may be longer than any escape or color code.
fn may_be_long(text: &[u8], end: usize) -> bool {
    b"\"'`;>".contains(&text[end - 1]) || may_end_line_break(text, end)
}

/// The line continuation or line fold that ends at `end`.
fn continuation_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let low = end.saturating_sub(MAX_INDENT + MAX_LINE_PREFIX_LEN + 8);
    let line = &text[low..end];
    let prefix = line.iter().rev().take_while(|byte| b" \t\\+-#*/%!;>".contains(byte)).count();
    spend(4 + prefix);
    // A sign at the end may be part of a line prefix.
    let mut start = match line.ends_with(b"\n") {
        true => end,
        false => end - prefix,
    };
    let head = &text[low..start];
    if let Some(head) = head.strip_suffix(b"\n") {
        start = low + head.strip_suffix(b"\r").unwrap_or(head).len();
        match text[low..start] {
            [.., b'\\' | b'=' | b'^'] => start -= 1,
            [.., b'\\', b'z'] => start -= 2,
            _ => {}
        }
    } else if head.ends_with(b"\\\\\\n") {
        start -= 2;
    } else {
        return None;
    }
    let slashes = text[low..start].iter().rev().take_while(|&&byte| byte == b'\\').count();
    if text.get(start) == Some(&b'\\') {
        start -= slashes.min(MAX_BACKSLASHES - 1);
    }
    (start < end)
        .then(|| token_at(text, start, lenient))
        .filter(|token| token.len == end - start && token.kind != TokenKind::Plain)
}

/// The escape or color code that ends at `end`, with all backslashes before it.
fn escape_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let max_len = if text[end - 1].is_ascii_alphabetic() { MAX_COLOR_CODE_LEN } else { MAX_ESCAPE_LEN };
    spend(1 + max_len / 4);
    for len in 2..=max_len.min(end) {
        let start = end - len;
        if !may_start_escape(text[start]) {
            continue;
        }
        let token = token_at(text, start, lenient);
        if token.len != len {
            continue;
        }
        let mut token = token;
        while text[start] == b'\\' && token.len < end && text[end - token.len - 1] == b'\\' {
            let longer = token_at(text, end - token.len - 1, lenient);
            if longer.len != token.len + 1 {
                break;
            }
            token = longer;
        }
        return Some(token);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_forward_and_backward() {
        let dash: &[(&str, TokenKind)] = &[
            ("\\u002d", TokenKind::Unicode),
            ("\\\\u002D", TokenKind::Unicode),
            ("\\u{2d}", TokenKind::Unicode),
            ("\\U0000002d", TokenKind::Unicode),
            ("\\x2d", TokenKind::Hex),
            ("\\055", TokenKind::Octal),
            ("\\-", TokenKind::Backslash),
            ("%2D", TokenKind::Percent),
            ("%252d", TokenKind::Percent),
            ("%u002D", TokenKind::Percent),
            ("&amp;#45;", TokenKind::Entity),
            ("&amp;#x2d;", TokenKind::Entity),
            ("&#45;", TokenKind::Entity),
            ("&#x2D;", TokenKind::Entity),
            ("&#0045;", TokenKind::Entity),
            ("=2D", TokenKind::QuotedPrintable),
        ];
        let zero_width: &[(&str, TokenKind)] = &[
            ("=\r\n", TokenKind::SoftBreak),
            ("\x1b[1;31m", TokenKind::Ansi),
            ("\\x1b[0m", TokenKind::Ansi),
            ("\\033[38;5;196m", TokenKind::Ansi),
            ("\\u001b[K", TokenKind::Ansi),
            ("\" + \"", TokenKind::Concatenated),
            ("'\n    . '", TokenKind::Concatenated),
            ("\\\n  ", TokenKind::LineContinuation),
            ("\\\\\r\n", TokenKind::LineContinuation),
            ("\" \"", TokenKind::Adjacent),
            ("\n  ", TokenKind::Adjacent),
            ("\\\" +\\n  \\\"", TokenKind::Concatenated),
            ("\\\"\\n\",\n  \"   \\\"", TokenKind::Adjacent),
            ("' +\\n\",\n\"'", TokenKind::Concatenated),
            ("&quot; + &quot;", TokenKind::Concatenated),
            ("&#39;+&#39;", TokenKind::Concatenated),
            ("\" + // x\n\"", TokenKind::Concatenated),
            ("\" /* x */ \"", TokenKind::Adjacent),
            ("\", \"", TokenKind::CommaSeparated),
            ("\"\nk += \"", TokenKind::Adjacent),
            ("';\n$k .= '", TokenKind::Adjacent),
            ("\").append(\"", TokenKind::Adjacent),
            ("\"\n\t.ascii\t\"", TokenKind::Adjacent),
            ("\\\n   \\", TokenKind::LineContinuation),
            ("\\\\\\n  ", TokenKind::LineContinuation),
            ("\\z\n  ", TokenKind::LineContinuation),
            ("^\r\n", TokenKind::LineContinuation),
            ("^[[31m", TokenKind::Ansi),
            ("\u{241b}[31m", TokenKind::Ansi),
            ("\x1b(B", TokenKind::Ansi),
            ("\u{200b}", TokenKind::Invisible),
            ("\u{ad}", TokenKind::Invisible),
            ("&shy;", TokenKind::Invisible),
            ("\\u200b", TokenKind::Invisible),
            ("</b></w:r><w:r><w:t>", TokenKind::CommaSeparated),
        ];
        let check = |text: &str, kind, value| {
            let around = format!("ab{text}cd");
            let token = Token { len: text.len(), value, kind };
            assert_eq!(token_at(around.as_bytes(), 2, true), token, "{text:?}");
            assert_eq!(token_before(around.as_bytes(), 2 + text.len(), true), token, "{text:?}");
        };
        check("\u{2013}", TokenKind::TypographicDash, Some(b'-'));
        check("&#8209;", TokenKind::Entity, Some(b'-'));
        for &(text, kind) in dash {
            check(text, kind, Some(b'-'));
        }
        for &(text, kind) in zero_width {
            check(text, kind, None);
        }
    }

    #[test]
    fn line_prefixes_are_skipped_forward_and_backward() {
        for (prefix, between) in [
            ("+k = \"", "\" +\n+  \""),
            ("-k=", "\\\n-"),
            ("+k=", "\\\r\n+   "),
            ("# k = \"", "\" +\n#  \""),
            ("> // \"", "\" +\n> // \""),
            ("[\"# '", "' +\\n# '"),
            ("> ", "\n> "),
            ("+", "\r\n+"),
            ("-k=", "\n-"),
            ("# ", "\n# "),
            ("  // ", "\n  // "),
            (" * ", "\n * "),
        ] {
            let kind = if between.contains('"') || between.contains('\'') {
                TokenKind::Concatenated
            } else if between.contains('\\') {
                TokenKind::LineContinuation
            } else {
                TokenKind::Adjacent
            };
            let text = format!("x\\n\n{prefix}ab{between}cd");
            let (at, end) = (text.len() - between.len() - 2, text.len() - 2);
            let is_escaped = prefix.starts_with('[');
            let text = if is_escaped { text.replace("[\"", "\\n") } else { text };
            let token = Token::zero_width(between.len(), kind);
            assert_eq!(token_at(text.as_bytes(), at, true), token, "{text:?}");
            assert_eq!(token_before(text.as_bytes(), end, true), token, "{text:?}");
        }
    }

    #[test]
    fn text_that_looks_like_an_escape_is_literal() {
        for text in [
            "\\u00",
            "\\xg1",
            "%zz",
            "%8",
            "&#;",
            "&#x;",
            "&#99999999;",
            "=g1",
            "\x1b[",
            "\\q",
            "%ff",
            "%ad",
            "\\xad",
        ] {
            let token = token_at(text.as_bytes(), 0, true);
            assert_eq!((token.len, token.kind), (1, TokenKind::Plain), "{text:?}");
        }
    }
}
