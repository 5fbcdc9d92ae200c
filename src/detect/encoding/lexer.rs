//! Tokens of escaped text: a literal byte, an escape that stands for a byte, or a zero-width token such as a
//! color code, a soft line break, or the operator between two string literals.

use super::super::alphabet::is_key;
use super::super::effort::spend;
use super::escapes::{backslashed, control, entity, percent, quoted};
use super::{line_continuation, markup, string_concat};

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A byte that stands for itself, or an escape such as `
    /// ` that occurs in no key.
    Plain,
    /// `\u002d`, `\u{2d}`, `\U0000002d`
    Unicode,
    /// `\x2d`
    Hex,
    /// `\055`
    Octal,
    /// `\-`, `\_`
    Backslash,
    /// `%2D`, `%252D`
    Percent,
    /// `&#45;`, `&#x2d;`
    Entity,
    /// `=2D`
    QuotedPrintable,
    /// `=` at the end of a line
    SoftBreak,
    /// `ESC[32m`
    Ansi,
    /// `" + "`
    Concatenated,
    /// `\` at the end of a line, and the indentation of the next
    LineContinuation,
    /// An invisible character such as a zero-width space
    Invisible,
    /// A dash in place of a hyphen
    TypographicDash,
    /// A symbol that occurs only in base64url
    UrlSafe,
    /// A line break between two runs of key characters, or adjacent literals without an operator: joins only
    /// parts that turn out to be a whole key.
    Adjacent,
    /// A separator such as a comma, which usually separates two things: joins only equal halves of a key.
    CommaSeparated,
}

impl TokenKind {
    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "utf-8",
            Self::UrlSafe => "base64url",
            Self::Unicode => "unicode-escape",
            Self::Hex => "hex-escape",
            Self::Octal => "octal-escape",
            Self::Backslash => "backslash-escape",
            Self::Percent => "percent",
            Self::Entity => "html-entity",
            Self::QuotedPrintable | Self::SoftBreak => "quoted-printable",
            Self::Ansi => "ansi",
            Self::Invisible => "invisible",
            Self::TypographicDash => "typographic",
            Self::Concatenated | Self::LineContinuation | Self::Adjacent | Self::CommaSeparated => "split",
        }
    }

    /// Whether it usually separates unrelated parts.
    pub(super) fn separates_parts(self) -> bool {
        matches!(self, Self::Concatenated | Self::LineContinuation) || self.is_tentative()
    }

    /// Whether it has zero width.
    pub(super) fn is_zero_width(self) -> bool {
        matches!(self, Self::Ansi | Self::SoftBreak | Self::Invisible) || self.separates_parts()
    }

    /// Whether only a lenient reading accepts it.
    pub(super) fn is_tentative(self) -> bool {
        matches!(self, Self::Adjacent | Self::CommaSeparated)
    }
}

/// A token of `len` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) len: usize,
    /// The byte it stands for; `None` if it has zero width.
    pub(super) value: Option<u8>,
    pub(super) kind: TokenKind,
}

impl Token {
    pub(super) fn zero_width(len: usize, kind: TokenKind) -> Self {
        Self { len, value: None, kind }
    }

    pub(super) fn of(len: usize, value: u8, kind: TokenKind) -> Self {
        Self { len, value: Some(value), kind }
    }

    /// Whether a key may continue across it, although it is not a literal key character.
    pub(super) fn continues_key(&self) -> bool {
        self.kind != TokenKind::Plain && self.value.is_none_or(is_key)
    }
}

/// Length of the longest escape and the longest color code.
const MOST_ESCAPE: usize = 12;
pub(super) const MOST_COLOUR: usize = 28;

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
        b'^' => line_continuation::continued(text, at, 1, false),
        b'"' | b'\'' | b'`' => string_concat::at(text, at, lenient),
        b'\r' | b'\n' if lenient => line_continuation::fold(text, at),
        b'<' if lenient => markup::tags(text, at),
        0xc2 | 0xe2 | 0xef => markup::symbol(rest),
        _ => None,
    };
    special.unwrap_or(Token::of(1, rest[0], TokenKind::Plain))
}

/// The token that ends at `end`, which is not 0, i.e. the one that ends there when read forward.
pub(super) fn token_before(text: &[u8], end: usize, lenient: bool) -> Token {
    spend(2);
    let last = text[end - 1];
    let special = match last {
        b'"' | b'\'' | b'`' => string_concat::before(text, end, lenient),
        b';' => string_concat::before(text, end, lenient).or_else(|| escape_before(text, end, lenient)),
        b'>' if lenient => {
            markup::before(text, end).or_else(|| line_continuation::before(text, end, lenient))
        }
        _ if line_continuation::may_end_line_break(text, end) => {
            line_continuation::before(text, end, lenient).or_else(|| escape_before(text, end, lenient))
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
        if !self.behind_lead && self.at - self.clear < MOST_COLOUR {
            let low = self.clear.saturating_sub(2 * MOST_COLOUR);
            let lead = self.text[low..self.clear].iter().rposition(|&byte| is_lead(byte));
            self.behind_lead = lead.is_some();
            self.clear = lead.map_or(low, |at| low + at + 1);
        }
        // Looking back for each byte would dominate the running time.
        let unit = match self.at - self.clear >= MOST_COLOUR && !may_be_far(self.text, self.at) {
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
    b"\"'`;>".contains(&text[end - 1]) || line_continuation::may_end_line_break(text, end)
}

/// Whether a token that begins with `byte` may be a different one in a lenient reading.
pub(super) fn may_be_tentative(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\' | b'&' | b'<')
}

fn escape_before(text: &[u8], end: usize, lenient: bool) -> Option<Token> {
    let most = if text[end - 1].is_ascii_alphabetic() { MOST_COLOUR } else { MOST_ESCAPE };
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
