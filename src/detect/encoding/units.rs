//! One unit of spelt-out text: a byte as it is, an escape that stands for a byte, or something that stands
//! for nothing: a colour, a soft line break, the glue between two string literals.

use super::super::alphabet::is_key;
use super::glue;

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
    /// A symbol that only base64url has
    UrlSafe,
    /// A line break between two runs of key characters, or literals next to each other without an
    /// operator: joins only what then turns out to be a whole key.
    Weak,
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
            Self::Joined | Self::Continued | Self::Weak => "split",
        }
    }

    /// Whether it parts what belongs together.
    pub(super) fn parts(self) -> bool {
        matches!(self, Self::Joined | Self::Continued | Self::Weak)
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

    fn of(len: usize, value: u8, kind: Kind) -> Self {
        Self { len, value: Some(value), kind }
    }

    /// Whether a key may go on through it, although it is no plain key character.
    pub(super) fn continues_key(&self) -> bool {
        self.kind != Kind::Plain && self.value.is_none_or(is_key)
    }
}

/// An indentation longer than this ends what it might continue.
pub(super) const MOST_INDENT: usize = 64;

/// The longest escape, and the longest colour code.
const MOST_ESCAPE: usize = 12;
pub(super) const MOST_COLOUR: usize = 28;

/// Backslashes are doubled each time a literal is put into another.
const MOST_BACKSLASHES: usize = 4;

/// The unit that begins at `at`, which lies within `text`. `loosely`: weak joins count.
pub(super) fn unit_at(text: &[u8], at: usize, loosely: bool) -> Unit {
    let rest = &text[at..];
    let special = match rest[0] {
        b'\\' => backslashed(text, at, loosely),
        b'%' => percent(rest),
        b'&' => entity(rest),
        b'=' => quoted(rest),
        0x1b => colour(&rest[1..]).map(|len| Unit::nothing(len + 1, Kind::Ansi)),
        b'"' | b'\'' | b'`' => glue::at(text, at, loosely),
        b'\r' | b'\n' if loosely => fold(text, at),
        _ => None,
    };
    special.unwrap_or(Unit::of(1, rest[0], Kind::Plain))
}

/// The unit that ends at `end`, which is not 0: the one that, read forward, would end there.
pub(super) fn unit_before(text: &[u8], end: usize, loosely: bool) -> Unit {
    let last = text[end - 1];
    let special = match last {
        b'"' | b'\'' | b'`' => glue::before(text, end, loosely),
        b' ' | b'\t' | b'\r' | b'\n' => line_break_before(text, end, loosely),
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
        let last = self.text[self.at - 1];
        // A look back for each byte would cost more than all else.
        let unit = match self.at - self.clear >= MOST_COLOUR && !b"\"'` \t\r\n".contains(&last) {
            true => Unit::of(1, last, Kind::Plain),
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
    matches!(byte, b'\\' | b'%' | b'&' | b'=' | 0x1b)
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

fn line_break_before(text: &[u8], end: usize, loosely: bool) -> Option<Unit> {
    let low = end.saturating_sub(MOST_INDENT + 3);
    let blank = text[low..end].iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    let before = text[low..end - blank].strip_suffix(b"\n")?;
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    let mut start = low + before.len();
    if before.last().is_some_and(|byte| b"\\=".contains(byte)) {
        start -= 1;
        while text[start] == b'\\' && start > low && text[start - 1] == b'\\' {
            start -= 1;
        }
    }
    (start < text.len())
        .then(|| unit_at(text, start, loosely))
        .filter(|unit| unit.len == end - start && unit.kind != Kind::Plain)
}

fn backslashed(text: &[u8], at: usize, loosely: bool) -> Option<Unit> {
    let count = text[at..].iter().take(MOST_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    let rest = &text[at + count..];
    let of = |len: usize, value: u32, kind| {
        // An escape character that is itself spelt out.
        if value == 0x1b {
            return colour(&rest[len..]).map(|more| Unit::nothing(count + len + more, Kind::Ansi));
        }
        u8::try_from(value).ok().filter(u8::is_ascii).map(|byte| Unit::of(count + len, byte, kind))
    };
    match *rest.first()? {
        b'u' => match rest.get(1)? {
            b'{' => {
                let digits = rest[2..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
                (rest.get(2 + digits) == Some(&b'}'))
                    .then(|| of(digits + 3, hex(rest.get(2..2 + digits)?)?, Kind::Unicode))?
            }
            _ => of(5, hex(rest.get(1..5)?)?, Kind::Unicode),
        },
        b'U' => of(9, hex(rest.get(1..9)?)?, Kind::Unicode),
        b'x' => of(3, hex(rest.get(1..3)?)?, Kind::Hex),
        b'0'..=b'7' => {
            let digits = rest.get(..3).filter(|digits| digits.iter().all(|d| (b'0'..=b'7').contains(d)))?;
            of(3, digits.iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0')), Kind::Octal)
        }
        b'e' => colour(&rest[1..]).map(|len| Unit::nothing(count + 1 + len, Kind::Ansi)),
        byte @ (b'-' | b'_') => Some(Unit::of(count + 1, byte, Kind::Backslash)),
        b'/' => Some(Unit::of(count + 1, b'/', Kind::Plain)),
        b'n' => Some(Unit::of(count + 1, b'\n', Kind::Plain)),
        b'r' => Some(Unit::of(count + 1, b'\r', Kind::Plain)),
        b't' => Some(Unit::of(count + 1, b'\t', Kind::Plain)),
        b'"' | b'\'' | b'`' => glue::at(text, at, loosely),
        b'\r' | b'\n' => {
            let len = line_break(rest)?;
            Some(Unit::nothing(count + len + indent(&rest[len..]), Kind::Continued))
        }
        _ => None,
    }
}

fn percent(rest: &[u8]) -> Option<Unit> {
    // Twice encoded: the percent sign, too.
    let sign = if rest.starts_with(b"%25") { 3 } else { 1 };
    let value = u8::try_from(hex(rest.get(sign..sign + 2)?)?).ok()?;
    value.is_ascii().then_some(Unit::of(sign + 2, value, Kind::Percent))
}

fn entity(rest: &[u8]) -> Option<Unit> {
    let Some(number) = rest.strip_prefix(b"&#") else {
        let named: [(&[u8], u8); 3] = [(b"&lowbar;", b'_'), (b"&hyphen;", b'-'), (b"&dash;", b'-')];
        let (name, value) = named.into_iter().find(|(name, _)| rest.starts_with(name))?;
        return Some(Unit::of(name.len(), value, Kind::Entity));
    };
    let digits = number.iter().take(8).position(|&byte| byte == b';')?;
    let value = match number[..digits].split_first() {
        Some((b'x' | b'X', digits)) => hex(digits)?,
        _ => std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?,
    };
    let value = u8::try_from(value).ok().filter(u8::is_ascii)?;
    Some(Unit::of(2 + digits + 1, value, Kind::Entity))
}

fn quoted(rest: &[u8]) -> Option<Unit> {
    if let Some(len) = line_break(&rest[1..]) {
        return Some(Unit::nothing(1 + len, Kind::SoftBreak));
    }
    let value = u8::try_from(hex(rest.get(1..3)?)?).ok()?;
    value.is_ascii().then_some(Unit::of(3, value, Kind::Quoted))
}

/// The length of what follows the escape character of a control sequence.
fn colour(rest: &[u8]) -> Option<usize> {
    let parameters = rest.strip_prefix(b"[")?;
    let len = parameters.iter().take(20).take_while(|b| b.is_ascii_digit() || b";:?".contains(b)).count();
    parameters.get(len)?.is_ascii_alphabetic().then_some(len + 2)
}

/// A line break with key characters directly before it and, behind indentation, after it.
fn fold(text: &[u8], at: usize) -> Option<Unit> {
    let len = line_break(&text[at..])?;
    let len = len + indent(&text[at + len..]);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(at + len);
    (before.is_some_and(|&byte| is_key(byte)) && after.is_some_and(|&byte| is_key(byte)))
        .then_some(Unit::nothing(len, Kind::Weak))
}

/// The length of the line break with which `rest` begins.
pub(super) fn line_break(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}

/// How much blank space `rest` begins with.
pub(super) fn indent(rest: &[u8]) -> usize {
    rest.iter().take(MOST_INDENT).take_while(|byte| b" \t".contains(byte)).count()
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
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
        ];
        let check = |text: &str, kind, value| {
            let around = format!("ab{text}cd");
            let unit = Unit { len: text.len(), value, kind };
            assert_eq!(unit_at(around.as_bytes(), 2, true), unit, "{text:?}");
            assert_eq!(unit_before(around.as_bytes(), 2 + text.len(), true), unit, "{text:?}");
        };
        for &(text, kind) in dash {
            check(text, kind, Some(b'-'));
        }
        for &(text, kind) in nothing {
            check(text, kind, None);
        }
    }

    #[test]
    fn what_only_looks_like_an_escape_stands_for_itself() {
        for text in
            ["\\u00", "\\xg1", "%zz", "%8", "&#;", "&#x;", "&#99999999;", "=g1", "\x1b[", "\\q", "%ff"]
        {
            let unit = unit_at(text.as_bytes(), 0, true);
            assert_eq!((unit.len, unit.kind), (1, Kind::Plain), "{text:?}");
        }
    }
}
