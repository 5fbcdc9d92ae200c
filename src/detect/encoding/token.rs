//! Tokens of escaped text: a literal byte, an escape that represents a byte, or a zero-width token such as a
//! color code, a soft line break, or the operator between two string literals.

use crate::detect::alphabet::is_key;

/// Maximum number of backslashes before an escape. Nesting a literal in another doubles them.
pub(super) const MAX_BACKSLASHES: usize = 4;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A byte in plain form, or an escape such as `\n` that occurs in no key.
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
    /// A line break between two runs of key characters, or adjacent literals without an operator: joins the parts only
    /// if they form a whole key.
    Adjacent,
    /// A comma between two literals, or tags, which usually separate unrelated text: joins only equal halves of a key.
    CommaSeparated,
}

impl TokenKind {
    /// Its name in reports.
    pub(super) const fn name(self) -> &'static str {
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

    /// Whether it is only a token if text is split leniently.
    pub(super) fn is_tentative(self) -> bool {
        matches!(self, Self::Adjacent | Self::CommaSeparated)
    }
}

/// A token of `len` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) len: usize,
    /// The byte that it encodes; `None` if it has zero width.
    pub(super) value: Option<u8>,
    pub(super) kind: TokenKind,
}

impl Token {
    /// A token that encodes nothing.
    pub(super) fn zero_width(len: usize, kind: TokenKind) -> Self {
        Self { len, value: None, kind }
    }

    /// A token that encodes `value`.
    pub(super) fn new(len: usize, value: u8, kind: TokenKind) -> Self {
        Self { len, value: Some(value), kind }
    }

    /// Whether a key may continue across it, although it is not a literal key character.
    pub(super) fn continues_key(&self) -> bool {
        self.kind != TokenKind::Plain && self.value.is_none_or(is_key)
    }
}
