//! PDF values.

use memchr::memchr2;

/// Maximum nesting of values.
const MAX_DEPTH: usize = 8;

/// A value, as far as it is needed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Name(Vec<u8>),
    Number(u64),
    /// A reference to the object with this number.
    Reference(u64),
    List(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    Other,
}

impl Value {
    /// Parses the value at the beginning of `bytes` and removes it; `None` if no value begins there.
    pub(super) fn parse(bytes: &mut &[u8]) -> Option<Self> {
        Self::within(bytes, 0)
    }

    /// The number that a dictionary has for `key`.
    pub(super) fn number(&self, key: &[u8]) -> Option<u64> {
        let Self::Dictionary(entries) = self else { return None };
        entries.iter().find_map(|(name, value)| match (name, value) {
            (Self::Name(name), Self::Number(number)) if name == key => Some(*number),
            _ => None,
        })
    }

    fn within(bytes: &mut &[u8], depth: usize) -> Option<Self> {
        skip_blanks(bytes);
        let (&first, rest) = bytes.split_first()?;
        match first {
            b')' | b']' | b'>' | b'}' | b'{' => None,
            _ if depth > MAX_DEPTH => None,
            b'/' => {
                *bytes = rest;
                Some(Self::Name(name(word(bytes))))
            }
            b'[' => {
                *bytes = rest;
                let list = std::iter::from_fn(|| Self::within(bytes, depth + 1)).collect();
                *bytes = bytes.strip_prefix(b"]").unwrap_or(bytes);
                Some(Self::List(list))
            }
            b'<' if rest.first() == Some(&b'<') => {
                *bytes = &rest[1..];
                let pair = || Some((Self::within(bytes, depth + 1)?, Self::within(bytes, depth + 1)?));
                let entries = std::iter::from_fn(pair).collect();
                *bytes = bytes.strip_prefix(b">>").unwrap_or(bytes);
                Some(Self::Dictionary(entries))
            }
            b'<' => {
                let end = memchr::memchr(b'>', rest).map_or(rest.len(), |at| at + 1);
                *bytes = &rest[end..];
                Some(Self::Other)
            }
            b'(' => {
                skip_literal(bytes);
                Some(Self::Other)
            }
            _ => Some(number(bytes).unwrap_or(Self::Other)),
        }
    }
}

fn skip_blanks(bytes: &mut &[u8]) {
    loop {
        *bytes = bytes.trim_ascii_start();
        match bytes.first() {
            Some(0) => *bytes = &bytes[1..],
            Some(b'%') => *bytes = &bytes[memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())..],
            _ => return,
        }
    }
}

fn skip_literal(bytes: &mut &[u8]) {
    let mut depth = 0usize;
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        match byte {
            b'\\' => *bytes = rest.get(1..).unwrap_or_default(),
            b'(' => depth += 1,
            b')' if depth <= 1 => return,
            b')' => depth -= 1,
            _ => {}
        }
    }
}

/// Removes everything up to the next blank or delimiter.
fn word<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\0()<>[]{}/%".contains(byte);
    let (word, rest) = bytes.split_at(bytes.iter().position(is_end).unwrap_or(bytes.len()));
    *bytes = rest;
    word
}

/// A name with its escapes decoded.
fn name(mut written: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(written.len());
    while let Some((&byte, rest)) = written.split_first() {
        let digit = |at: usize| rest.get(at).and_then(|&digit| (digit as char).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'#', Some(high), Some(low)) => {
                name.push((high << 4 | low) as u8);
                written = &rest[2..];
            }
            _ => {
                name.push(byte);
                written = rest;
            }
        }
    }
    name
}

/// A number, or a reference that begins with one; removes a word of any kind.
fn number(bytes: &mut &[u8]) -> Option<Value> {
    let digits = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
    let first = digits(word(bytes))?;
    let mut ahead = *bytes;
    skip_blanks(&mut ahead);
    let second = digits(word(&mut ahead));
    skip_blanks(&mut ahead);
    if second.is_some() && word(&mut ahead) == b"R" {
        *bytes = ahead;
        return Some(Value::Reference(first));
    }
    Some(Value::Number(first))
}
