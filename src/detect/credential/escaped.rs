//! Finds tokens whose characters are escaped: `%73`, `\u0073`, `&#115;`.

use super::random_token::{MIN_TOKEN_LEN, is_random};
use super::{Credential, TextKind};

/// Minimum number of consecutive escapes; fewer are just special characters.
const MIN_ESCAPES: usize = 6;

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    find_escaped(text, credentials);
    find_partly_escaped(text, credentials);
}

/// Tokens with some escaped characters that are random once decoded.
fn find_partly_escaped(text: &[u8], credentials: &mut Vec<Credential>) {
    let is_key = crate::detect::alphabet::is_key;
    let mut at = 0;
    while let Some(next) = memchr::memchr3(b'%', b'\\', b'&', &text[at..]) {
        let from = at + next;
        let start = from - text[at..from].iter().rev().take_while(|byte| is_key(**byte)).count();
        let (mut end, mut decoded) = (start, Vec::new());
        while end < text.len() {
            if is_key(text[end]) {
                decoded.push(text[end]);
                end += 1;
            } else if let Some(length) = escape_len(&text[end..]) {
                // Which character it is hardly matters, so any key character takes its place.
                decoded.push(b'k');
                end += length;
            } else {
                break;
            }
        }
        if end > from
            && decoded.len() >= MIN_TOKEN_LEN
            && decoded
                .split(|byte| b"-_".contains(byte))
                .any(|part| part.len() >= MIN_TOKEN_LEN && is_random(part, TextKind::SourceLine))
        {
            credentials.push(Credential { span: start..end, prefix_len: 0 });
        }
        at = end.max(from + 1);
    }
}

/// Runs of `%73`, `\u0073`, `\x73`, `&#115;` that encode ASCII.
fn find_escaped(text: &[u8], credentials: &mut Vec<Credential>) {
    let mut at = 0;
    while let Some(next) = memchr::memchr3(b'%', b'\\', b'&', &text[at..]) {
        let start = at + next;
        let (mut end, mut characters) = (start, 0);
        while let Some(length) = escape_len(&text[end..]) {
            end += length;
            characters += 1;
        }
        if characters >= MIN_ESCAPES {
            // Adjacent unescaped characters belong to the token.
            let is_key = crate::detect::alphabet::is_key;
            let before = text[..start].iter().rev().take_while(|byte| is_key(**byte)).count();
            let after = text[end..].iter().take_while(|byte| is_key(**byte)).count();
            credentials.push(Credential { span: start - before..end + after, prefix_len: 0 });
        }
        at = end.max(start + 1);
    }
}

/// Length of the escape of a printable ASCII character at the start of `rest`.
fn escape_len(rest: &[u8]) -> Option<usize> {
    let hex = |from: usize, digits: usize| {
        let text = std::str::from_utf8(rest.get(from..from + digits)?).ok()?;
        let value = u32::from_str_radix(text, 16).ok()?;
        (0x21..0x7f).contains(&value).then_some(from + digits)
    };
    match rest {
        [b'%', ..] => hex(1, 2),
        [b'\\', b'u', b'0', ..] => hex(2, 4),
        [b'\\', b'x', ..] => hex(2, 2),
        [b'&', b'#', ..] => {
            let body = rest[2..].iter().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            (body > 0 && rest.get(2 + body) == Some(&b';')).then_some(3 + body)
        }
        _ => None,
    }
}
