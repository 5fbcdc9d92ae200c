//! Splits escaped text into tokens from its end.

use super::lexer::token_at;
use super::line_continuation::{MAX_INDENT, MAX_LINE_PREFIX_LEN, may_end_line_break};
use super::token::{MAX_BACKSLASHES, Token, TokenKind};
use super::{markup, string_concat};
use crate::detect::effort::spend;

/// Length of the longest escape and the longest color code.
const MAX_ESCAPE_LEN: usize = 12;
pub(super) const MAX_COLOR_CODE_LEN: usize = 28;

/// The token that ends at `end`, which is not 0, i.e. the one that ends there when read forward.
pub(super) fn token_before(text: &[u8], end: usize, lenient: bool) -> Token {
    spend(2);
    let last = text[end - 1];
    let special = match last {
        b'"' | b'\'' | b'`' => string_concat::before(text, end, lenient),
        b';' => string_concat::before(text, end, lenient).or_else(|| escape_before(text, end, lenient)),
        b'>' if lenient => markup::before(text, end).or_else(|| continuation_before(text, end, lenient)),
        _ if may_end_line_break(text, end) => {
            continuation_before(text, end, lenient).or_else(|| escape_before(text, end, lenient))
        }
        _ => escape_before(text, end, lenient),
    };
    special.unwrap_or(Token::of(1, last, TokenKind::Plain))
}

/// The tokens before an offset, nearest first, with the start of each.
pub(super) struct BackwardTokens<'a> {
    text: &'a [u8],
    at: usize,
    low: usize,
    lenient: bool,
    /// No escape begins between here and `at`; whether one begins right before.
    clear: usize,
    behind_lead: bool,
}

impl<'a> BackwardTokens<'a> {
    /// The tokens between `low` and `at`.
    pub(super) fn new(text: &'a [u8], at: usize, low: usize, lenient: bool) -> Self {
        Self { text, at, low, lenient, clear: at, behind_lead: false }
    }
}

impl Iterator for BackwardTokens<'_> {
    type Item = (Token, usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at <= self.low {
            return None;
        }
        if self.clear > self.at {
            (self.clear, self.behind_lead) = (self.at, false);
        }
        if !self.behind_lead && self.at - self.clear < MAX_COLOR_CODE_LEN {
            let low = self.clear.saturating_sub(2 * MAX_COLOR_CODE_LEN);
            let lead = self.text[low..self.clear].iter().rposition(|&byte| is_lead(byte));
            self.behind_lead = lead.is_some();
            self.clear = lead.map_or(low, |at| low + at + 1);
        }
        // Looking back for each byte would dominate the running time.
        let unit = match self.at - self.clear >= MAX_COLOR_CODE_LEN && !may_be_far(self.text, self.at) {
            true => Token::of(1, self.text[self.at - 1], TokenKind::Plain),
            false => token_before(self.text, self.at, self.lenient),
        };
        if unit.len > self.at - self.low {
            return None;
        }
        spend(1);
        self.at -= unit.len;
        Some((unit, self.at))
    }
}

/// Whether escapes begin with `byte`.
fn is_lead(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'^' | 0x1b | 0xc2 | 0xe2 | 0xef)
}

/// Whether a token that ends at `end` may begin further away than escapes do.
fn may_be_far(text: &[u8], end: usize) -> bool {
    b"\"'`;>".contains(&text[end - 1]) || may_end_line_break(text, end)
}

/// The continued line or fold that ends at `end`.
fn continuation_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let low = end.saturating_sub(MAX_INDENT + MAX_LINE_PREFIX_LEN + 8);
    let line = &text[low..end];
    let lead = line.iter().rev().take_while(|byte| b" \t\\+-#*/%!;>".contains(byte)).count();
    spend(4 + lead);
    // The sign may be part of a line prefix.
    let mut start = match line.ends_with(b"\n") {
        true => end,
        false => end - lead,
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
        .filter(|unit| unit.len == end - start && unit.kind != TokenKind::Plain)
}

fn escape_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let most = if text[end - 1].is_ascii_alphabetic() { MAX_COLOR_CODE_LEN } else { MAX_ESCAPE_LEN };
    spend(most / 4);
    for len in 2..=most.min(end) {
        let start = end - len;
        if !is_lead(text[start]) {
            continue;
        }
        let unit = token_at(text, start, lenient);
        if unit.len != len {
            continue;
        }
        let mut unit = unit;
        while text[start] == b'\\' && unit.len < end && text[end - unit.len - 1] == b'\\' {
            let longer = token_at(text, end - unit.len - 1, lenient);
            if longer.len != unit.len + 1 {
                break;
            }
            unit = longer;
        }
        return Some(unit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_the_same_read_from_both_ends() {
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
        let nothing: &[(&str, TokenKind)] = &[
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
            let unit = Token { len: text.len(), value, kind };
            assert_eq!(token_at(around.as_bytes(), 2, true), unit, "{text:?}");
            assert_eq!(token_before(around.as_bytes(), 2 + text.len(), true), unit, "{text:?}");
        };
        check("\u{2013}", TokenKind::TypographicDash, Some(b'-'));
        check("&#8209;", TokenKind::Entity, Some(b'-'));
        for &(text, kind) in dash {
            check(text, kind, Some(b'-'));
        }
        for &(text, kind) in nothing {
            check(text, kind, None);
        }
    }

    #[test]
    fn line_prefixes_are_skipped_at_both_ends() {
        for (lead, between) in [
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
            let text = format!("x\\n\n{lead}ab{between}cd");
            let (at, end) = (text.len() - between.len() - 2, text.len() - 2);
            let spelt = lead.starts_with('[');
            let text = if spelt { text.replace("[\"", "\\n") } else { text };
            let unit = Token::zero_width(between.len(), kind);
            assert_eq!(token_at(text.as_bytes(), at, true), unit, "{text:?}");
            assert_eq!(token_before(text.as_bytes(), end, true), unit, "{text:?}");
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
            let unit = token_at(text.as_bytes(), 0, true);
            assert_eq!((unit.len, unit.kind), (1, TokenKind::Plain), "{text:?}");
        }
    }
}
