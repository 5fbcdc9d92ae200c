//! Text of XML elements named like secrets, even if the angle brackets are escaped.

use super::pair;
use super::public_value::is_reference;
use super::quote::{MAX_VALUE_LEN, opening};
use super::secret_name::{NameStrength, SecretName};
use super::{Credential, TextKind};

/// Spellings of `<` and `>`.
const OPEN: &[&str] = &["<", "&lt;", "\\u003c", "\\u003C", "\\x3c", "\\x3C", "%3C", "%3c"];
const CLOSE: &[&str] = &[">", "&gt;", "\\u003e", "\\u003E", "\\x3e", "\\x3E", "%3E", "%3e"];

/// Maximum length of a tag after the name, in bytes.
const MAX_TAG_LEN: usize = 1024;

pub(super) fn find(text: &[u8], names: &[SecretName], kind: TextKind, found: &mut Vec<Credential>) {
    for name in names {
        let start = name.span.start;
        let namespace = text[..start]
            .iter()
            .rev()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
            .count();
        let is_tag = |at: usize| OPEN.iter().any(|open| text[..at].ends_with(open.as_bytes()));
        let is_own = is_tag(start) || (namespace > 0 && is_tag(start - namespace));
        let is_attribute = !is_own && is_in_tag(text, start);
        let is_text = CLOSE.iter().any(|close| text[..start].ends_with(close.as_bytes()));
        if is_own || is_attribute {
            tag(text, name, kind, found);
        } else if is_text && starts_with_any(&text[name.span.end..], OPEN).is_some() {
            // `<key>password</key><string>…</string>`
            content(text, name.span.end, name.strength, found);
        }
    }
}

/// Whether `at` is inside a tag, in an attribute.
fn is_in_tag(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(MAX_TAG_LEN)..at];
    let last = |spellings: &[&str]| {
        spellings.iter().filter_map(|one| memchr::memmem::rfind(before, one.as_bytes())).max()
    };
    match (last(OPEN), last(CLOSE)) {
        (Some(open), close) => {
            let first = before[open..].iter().find(|byte| !b"<&lt;\\u03c%3Cx".contains(byte));
            close.is_none_or(|close| close < open)
                && first.is_some_and(u8::is_ascii_alphanumeric)
                && memchr::memchr(b'=', &before[open..]).is_some()
        }
        _ => false,
    }
}

/// Masks the attribute values of a tag from its name on, and the text of its element.
fn tag(text: &[u8], name: &SecretName, kind: TextKind, found: &mut Vec<Credential>) {
    let limit = text.len().min(name.span.end + MAX_TAG_LEN);
    let mut at = name.span.end;
    if text[at..].first().is_some_and(|byte| b"\"'\\".contains(byte)) {
        // The closing quote of an attribute whose value is the name.
        at += 1 + text[at..].iter().take_while(|byte| **byte == b'\\').count();
    }
    while at < limit {
        if let Some(width) = starts_with_any(&text[at..], CLOSE) {
            pair::labels(text, name.span.end..at, name.strength, kind, found);
            let is_empty = text[..at].ends_with(b"/");
            if !is_empty {
                content(text, at + width, name.strength, found);
            }
            return;
        }
        match opening(text, at) {
            Some(quote) if starts_with_any(&text[at..], OPEN).is_none() => {
                at = quote.quoted(text).end.max(at + 1)
            }
            _ => at += 1,
        }
    }
}

/// Masks the first text of an element, after further tags and `<![CDATA[`.
fn content(text: &[u8], from: usize, strength: NameStrength, found: &mut Vec<Credential>) {
    let mut at = from;
    for _ in 0..4 {
        at += text[at..].iter().take(256).take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(width) = starts_with_any(&text[at..], OPEN) else { break };
        let inner = at + width;
        if text[inner..].starts_with(b"![CDATA[") {
            at = inner + b"![CDATA[".len();
            break;
        }
        let limit = text.len().min(inner + MAX_TAG_LEN);
        match first_of(&text[inner..limit], CLOSE) {
            Some((length, width)) => at = inner + length + width,
            None => return,
        }
    }
    let limit = text.len().min(at + MAX_VALUE_LEN);
    let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |length| at + length);
    let ends = OPEN.iter().map(|open| format!("{open}/")).chain(["]]>".to_owned()]);
    let found_ends = ends.filter_map(|end| memchr::memmem::find(&text[at..line], end.as_bytes()));
    let end = found_ends.min().map_or(line, |length| at + length);
    let value = &text[at..end];
    let is_shown = value.len() < 4
        || is_reference(value)
        || strength == NameStrength::Key && !super::value::is_odd(value);
    if !is_shown {
        found.push(Credential { span: at..end, shown: 0 });
    }
}

/// Length of the spelling at the start of `rest`.
fn starts_with_any(rest: &[u8], spellings: &[&str]) -> Option<usize> {
    spellings.iter().find(|one| rest.starts_with(one.as_bytes())).map(|one| one.len())
}

/// Position and length of the first of several spellings.
fn first_of(rest: &[u8], spellings: &[&str]) -> Option<(usize, usize)> {
    let places =
        spellings.iter().filter_map(|one| Some((memchr::memmem::find(rest, one.as_bytes())?, one.len())));
    places.min()
}
