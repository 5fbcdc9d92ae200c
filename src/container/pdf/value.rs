//! Parses PDF values, as far as stream dictionaries need them.

use memchr::memchr2;

/// Maximum nesting of values.
const MAX_DEPTH: usize = 8;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Name(Vec<u8>),
    Number(u64),
    /// A reference to the object with that number.
    Reference(u64),
    List(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    /// A string, or another value that is not needed.
    Other,
}

impl Value {
    /// Removes the value at the start of `bytes` and returns it; `None` if no value begins there.
    pub(super) fn parse(bytes: &mut &[u8]) -> Option<Self> {
        Self::parse_nested(bytes, 0)
    }

    /// The number that this value, a dictionary, contains under `key`.
    pub(super) fn number(&self, key: &[u8]) -> Option<u64> {
        let Self::Dictionary(entries) = self else { return None };
        entries.iter().find_map(|(name, value)| match (name, value) {
            (Self::Name(name), Self::Number(number)) if name == key => Some(*number),
            _ => None,
        })
    }

    fn parse_nested(bytes: &mut &[u8], depth: usize) -> Option<Self> {
        skip_blanks(bytes);
        let (&first, rest) = bytes.split_first()?;
        match first {
            b')' | b']' | b'>' | b'}' | b'{' => None,
            _ if depth > MAX_DEPTH => None,
            b'/' => {
                *bytes = rest;
                Some(Self::Name(decode_name(take_word(bytes))))
            }
            b'[' => {
                *bytes = rest;
                let list = std::iter::from_fn(|| Self::parse_nested(bytes, depth + 1)).collect();
                *bytes = bytes.strip_prefix(b"]").unwrap_or(bytes);
                Some(Self::List(list))
            }
            b'<' if rest.first() == Some(&b'<') => {
                *bytes = &rest[1..];
                let pair =
                    || Some((Self::parse_nested(bytes, depth + 1)?, Self::parse_nested(bytes, depth + 1)?));
                let entries = std::iter::from_fn(pair).collect();
                *bytes = bytes.strip_prefix(b">>").unwrap_or(bytes);
                Some(Self::Dictionary(entries))
            }
            b'<' => {
                let end = memchr::memchr(b'>', rest).map_or(rest.len(), |index| index + 1);
                *bytes = &rest[end..];
                Some(Self::Other)
            }
            b'(' => {
                skip_string(bytes);
                Some(Self::Other)
            }
            _ => Some(parse_number(bytes).unwrap_or(Self::Other)),
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

fn skip_string(bytes: &mut &[u8]) {
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

/// Removes the bytes up to the next blank or delimiter from the start of `bytes` and returns them.
fn take_word<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\0()<>[]{}/%".contains(byte);
    let (word, rest) = bytes.split_at(bytes.iter().position(is_end).unwrap_or(bytes.len()));
    *bytes = rest;
    word
}

/// Decodes the escapes, such as `#61`, in a name.
fn decode_name(mut encoded: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(encoded.len());
    while let Some((&byte, rest)) = encoded.split_first() {
        let digit = |index: usize| rest.get(index).and_then(|&digit| (digit as char).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'#', Some(high), Some(low)) => {
                name.push((high << 4 | low) as u8);
                encoded = &rest[2..];
            }
            _ => {
                name.push(byte);
                encoded = rest;
            }
        }
    }
    name
}

/// Removes a word from the start of `bytes`, or a reference, which has three. Returns it if it is a number or reference.
fn parse_number(bytes: &mut &[u8]) -> Option<Value> {
    let parse_digits = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
    let first = parse_digits(take_word(bytes))?;
    let mut lookahead = *bytes;
    skip_blanks(&mut lookahead);
    let second = parse_digits(take_word(&mut lookahead));
    skip_blanks(&mut lookahead);
    if second.is_some() && take_word(&mut lookahead) == b"R" {
        *bytes = lookahead;
        return Some(Value::Reference(first));
    }
    Some(Value::Number(first))
}
