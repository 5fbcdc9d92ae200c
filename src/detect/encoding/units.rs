//! One unit of spelt-out text: a byte as it is, an escape that stands for a byte, or something that stands
//! for nothing: a colour, a soft line break, the glue between two string literals.

use super::super::alphabet::is_key;
use super::escapes::{backslashed, control, entity, percent, quoted};
use super::{glue, lines, markup};

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A byte that stands for itself, or an escape such as `\n` that no key holds.
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
    Quoted,
    /// `=` at the end of a line
    SoftBreak,
    /// `ESC[32m`
    Ansi,
    /// `" + "`
    Joined,
    /// `\` at the end of a line, and the indentation of the next
    Continued,
    /// What cannot be seen, such as a zero-width space
    Invisible,
    /// A dash that is set where a hyphen was meant
    Dash,
    /// A symbol that only base64url has
    UrlSafe,
    /// A line break between two runs of key characters, or literals next to each other without an
    /// operator: joins only what then turns out to be a whole key.
    Weak,
    /// What is rather between two things than within one, such as a comma: joins only halves of a key that
    /// are equal.
    Listed,
}

impl Kind {
    /// As reports name it.
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
            Self::Quoted | Self::SoftBreak => "quoted-printable",
            Self::Ansi => "ansi",
            Self::Invisible => "invisible",
            Self::Dash => "typographic",
            Self::Joined | Self::Continued | Self::Weak | Self::Listed => "split",
        }
    }

    /// Whether it parts what belongs together.
    pub(super) fn parts(self) -> bool {
        matches!(self, Self::Joined | Self::Continued) || self.is_loose()
    }

    /// Whether it stands for nothing.
    pub(super) fn is_nothing(self) -> bool {
        matches!(self, Self::Ansi | Self::SoftBreak | Self::Invisible) || self.parts()
    }

    /// Whether it is only read as such by those who read loosely.
    pub(super) fn is_loose(self) -> bool {
        matches!(self, Self::Weak | Self::Listed)
    }
}

/// A unit, `len` bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) len: usize,
    /// What it stands for; `None`: for nothing.
    pub(super) value: Option<u8>,
    pub(super) kind: Kind,
}

impl Unit {
    pub(super) fn nothing(len: usize, kind: Kind) -> Self {
        Self { len, value: None, kind }
    }

    pub(super) fn of(len: usize, value: u8, kind: Kind) -> Self {
        Self { len, value: Some(value), kind }
    }

    /// Whether a key may go on through it, although it is no plain key character.
    pub(super) fn continues_key(&self) -> bool {
        self.kind != Kind::Plain && self.value.is_none_or(is_key)
    }
}

/// The longest escape, and the longest colour code.
const MOST_ESCAPE: usize = 12;
pub(super) const MOST_COLOUR: usize = 28;

/// The unit that begins at `at`, which lies within `text`. `loosely`: weak joins count.
pub(super) fn unit_at(text: &[u8], at: usize, loosely: bool) -> Unit {
    let rest = &text[at..];
    let special = match rest[0] {
        b'\\' => backslashed(text, at, loosely),
        b'%' => percent(rest),
        b'&' => glue::at(text, at, loosely).or_else(|| entity(rest)),
        b'=' => quoted(rest),
        0x1b => control(rest, 1),
        b'^' if rest.starts_with(b"^[") => control(rest, 2),
        b'^' => lines::continued(text, at, 1, false),
        b'"' | b'\'' | b'`' => glue::at(text, at, loosely),
        b'\r' | b'\n' if loosely => lines::fold(text, at),
        b'<' if loosely => markup::tags(text, at),
        0xc2 | 0xe2 | 0xef => markup::symbol(rest),
        _ => None,
    };
    special.unwrap_or(Unit::of(1, rest[0], Kind::Plain))
}

/// The unit that ends at `end`, which is not 0: the one that, read forward, would end there.
pub(super) fn unit_before(text: &[u8], end: usize, loosely: bool) -> Unit {
    let last = text[end - 1];
    let special = match last {
        b'"' | b'\'' | b'`' => glue::before(text, end, loosely),
        b';' => glue::before(text, end, loosely).or_else(|| escape_before(text, end, loosely)),
        b'>' if loosely => markup::before(text, end).or_else(|| lines::before(text, end, loosely)),
        _ if lines::may_end_seam(text, end) => {
            lines::before(text, end, loosely).or_else(|| escape_before(text, end, loosely))
        }
        _ => escape_before(text, end, loosely),
    };
    special.unwrap_or(Unit::of(1, last, Kind::Plain))
}

/// The units before a place, the nearest first, with where each begins.
pub(super) struct Backward<'a> {
    text: &'a [u8],
    at: usize,
    low: usize,
    loosely: bool,
    /// No escape begins between here and `at`; whether one does right before.
    clear: usize,
    behind_lead: bool,
}

impl<'a> Backward<'a> {
    /// Those between `low` and `at`.
    pub(super) fn new(text: &'a [u8], at: usize, low: usize, loosely: bool) -> Self {
        Self { text, at, low, loosely, clear: at, behind_lead: false }
    }
}

impl Iterator for Backward<'_> {
    type Item = (Unit, usize);

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
        // A look back for each byte would cost more than all else.
        let unit = match self.at - self.clear >= MOST_COLOUR && !may_be_far(self.text, self.at) {
            true => Unit::of(1, self.text[self.at - 1], Kind::Plain),
            false => unit_before(self.text, self.at, self.loosely),
        };
        if unit.len > self.at - self.low {
            return None;
        }
        self.at -= unit.len;
        Some((unit, self.at))
    }
}

/// Whether escapes begin with `byte`.
fn is_lead(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'^' | 0x1b | 0xc2 | 0xe2 | 0xef)
}

/// Whether what ends at `end` may begin further away than escapes do.
fn may_be_far(text: &[u8], end: usize) -> bool {
    b"\"'`;>".contains(&text[end - 1]) || lines::may_end_seam(text, end)
}

/// Whether a unit that begins with `byte` may be another when it is read loosely.
pub(super) fn may_be_loose(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\' | b'&' | b'<')
}

fn escape_before(text: &[u8], end: usize, loosely: bool) -> Option<Unit> {
    let most = if text[end - 1].is_ascii_alphabetic() { MOST_COLOUR } else { MOST_ESCAPE };
    for len in 2..=most.min(end) {
        let start = end - len;
        if !is_lead(text[start]) {
            continue;
        }
        let unit = unit_at(text, start, loosely);
        if unit.len != len {
            continue;
        }
        let mut unit = unit;
        while text[start] == b'\\' && unit.len < end && text[end - unit.len - 1] == b'\\' {
            let longer = unit_at(text, end - unit.len - 1, loosely);
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
        let dash: &[(&str, Kind)] = &[
            ("\\u002d", Kind::Unicode),
            ("\\\\u002D", Kind::Unicode),
            ("\\u{2d}", Kind::Unicode),
            ("\\U0000002d", Kind::Unicode),
            ("\\x2d", Kind::Hex),
            ("\\055", Kind::Octal),
            ("\\-", Kind::Backslash),
            ("%2D", Kind::Percent),
            ("%252d", Kind::Percent),
            ("%u002D", Kind::Percent),
            ("&amp;#45;", Kind::Entity),
            ("&amp;#x2d;", Kind::Entity),
            ("&#45;", Kind::Entity),
            ("&#x2D;", Kind::Entity),
            ("&#0045;", Kind::Entity),
            ("=2D", Kind::Quoted),
        ];
        let nothing: &[(&str, Kind)] = &[
            ("=\r\n", Kind::SoftBreak),
            ("\x1b[1;31m", Kind::Ansi),
            ("\\x1b[0m", Kind::Ansi),
            ("\\033[38;5;196m", Kind::Ansi),
            ("\\u001b[K", Kind::Ansi),
            ("\" + \"", Kind::Joined),
            ("'\n    . '", Kind::Joined),
            ("\\\n  ", Kind::Continued),
            ("\\\\\r\n", Kind::Continued),
            ("\" \"", Kind::Weak),
            ("\n  ", Kind::Weak),
            ("\\\" +\\n  \\\"", Kind::Joined),
            ("\\\"\\n\",\n  \"   \\\"", Kind::Weak),
            ("' +\\n\",\n\"'", Kind::Joined),
            ("&quot; + &quot;", Kind::Joined),
            ("&#39;+&#39;", Kind::Joined),
            ("\" + // x\n\"", Kind::Joined),
            ("\" /* x */ \"", Kind::Weak),
            ("\", \"", Kind::Listed),
            ("\"\nk += \"", Kind::Weak),
            ("';\n$k .= '", Kind::Weak),
            ("\").append(\"", Kind::Weak),
            ("\"\n\t.ascii\t\"", Kind::Weak),
            ("\\\n   \\", Kind::Continued),
            ("\\\\\\n  ", Kind::Continued),
            ("\\z\n  ", Kind::Continued),
            ("^\r\n", Kind::Continued),
            ("^[[31m", Kind::Ansi),
            ("\u{241b}[31m", Kind::Ansi),
            ("\x1b(B", Kind::Ansi),
            ("\u{200b}", Kind::Invisible),
            ("\u{ad}", Kind::Invisible),
            ("&shy;", Kind::Invisible),
            ("\\u200b", Kind::Invisible),
            ("</b></w:r><w:r><w:t>", Kind::Listed),
        ];
        let check = |text: &str, kind, value| {
            let around = format!("ab{text}cd");
            let unit = Unit { len: text.len(), value, kind };
            assert_eq!(unit_at(around.as_bytes(), 2, true), unit, "{text:?}");
            assert_eq!(unit_before(around.as_bytes(), 2 + text.len(), true), unit, "{text:?}");
        };
        check("\u{2013}", Kind::Dash, Some(b'-'));
        check("&#8209;", Kind::Entity, Some(b'-'));
        for &(text, kind) in dash {
            check(text, kind, Some(b'-'));
        }
        for &(text, kind) in nothing {
            check(text, kind, None);
        }
    }

    #[test]
    fn what_leads_each_line_is_passed_over_at_both_ends() {
        for (lead, between) in [
            ("+k = \"", "\" +\n+  \""),
            ("-k=", "\\\n-"),
            ("+k=", "\\\r\n+   "),
            ("# k = \"", "\" +\n#  \""),
            ("> // \"", "\" +\n> // \""),
            ("[\"# '", "' +\\n# '"),
        ] {
            let kind =
                if between.contains('"') || between.contains('\'') { Kind::Joined } else { Kind::Continued };
            let text = format!("x\\n\n{lead}ab{between}cd");
            let (at, end) = (text.len() - between.len() - 2, text.len() - 2);
            let spelt = lead.starts_with('[');
            let text = if spelt { text.replace("[\"", "\\n") } else { text };
            let unit = Unit::nothing(between.len(), kind);
            assert_eq!(unit_at(text.as_bytes(), at, true), unit, "{text:?}");
            assert_eq!(unit_before(text.as_bytes(), end, true), unit, "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_like_an_escape_stands_for_itself() {
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
            let unit = unit_at(text.as_bytes(), 0, true);
            assert_eq!((unit.len, unit.kind), (1, Kind::Plain), "{text:?}");
        }
    }
}
