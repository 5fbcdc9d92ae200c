//! Finds the text of XML elements that are named like secrets, even if the angle brackets are escaped.

use super::pair;
use super::public_value::is_reference;
use super::quote::{MAX_VALUE_LEN, opening_quote};
use super::secret_name::{NameStrength, SecretName};
use super::{Credential, TextKind};

/// Spellings of `<` and `>`.
const OPEN: &[&str] = &["<", "&lt;", "\\u003c", "\\u003C", "\\x3c", "\\x3C", "%3C", "%3c"];
const CLOSE: &[&str] = &[">", "&gt;", "\\u003e", "\\u003E", "\\x3e", "\\x3E", "%3E", "%3e"];

/// Maximum length of a tag after the name, in bytes.
const MAX_TAG_LEN: usize = 1024;

pub(super) fn find(text: &[u8], names: &[SecretName], kind: TextKind, credentials: &mut Vec<Credential>) {
    for name in names {
        let start = name.span.start;
        let namespace = text[..start]
            .iter()
            .rev()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
            .count();
        let is_tag = |at: usize| OPEN.iter().any(|open| text[..at].ends_with(open.as_bytes()));
        let is_element = is_tag(start) || (namespace > 0 && is_tag(start - namespace));
        let is_attribute = !is_element && is_in_tag(text, start);
        let is_text = CLOSE.iter().any(|close| text[..start].ends_with(close.as_bytes()));
        if is_element || is_attribute {
            mask_tag(text, name, kind, credentials);
        } else if is_text && spelling_len(&text[name.span.end..], OPEN).is_some() {
            // `<key>password</key><string>…</string>`
            mask_content(text, name.span.end, name.strength, credentials);
        }
    }
}

/// Whether `at` is inside a tag, in an attribute.
fn is_in_tag(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(MAX_TAG_LEN)..at];
    let last = |spellings: &[&str]| {
        spellings.iter().filter_map(|spelling| memchr::memmem::rfind(before, spelling.as_bytes())).max()
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
fn mask_tag(text: &[u8], name: &SecretName, kind: TextKind, credentials: &mut Vec<Credential>) {
    let limit = text.len().min(name.span.end + MAX_TAG_LEN);
    let mut at = name.span.end;
    if text[at..].first().is_some_and(|byte| b"\"'\\".contains(byte)) {
        // The closing quote of an attribute whose value is the name.
        at += 1 + text[at..].iter().take_while(|byte| **byte == b'\\').count();
    }
    while at < limit {
        if let Some(width) = spelling_len(&text[at..], CLOSE) {
            pair::mask_labeled(text, name.span.end..at, name.strength, kind, credentials);
            let is_empty = text[..at].ends_with(b"/");
            if !is_empty {
                mask_content(text, at + width, name.strength, credentials);
            }
            return;
        }
        match opening_quote(text, at) {
            Some(quote) if spelling_len(&text[at..], OPEN).is_none() => {
                at = quote.quoted_text(text).end.max(at + 1)
            }
            _ => at += 1,
        }
    }
}

/// Masks the first text of an element, after further tags and `<![CDATA[`.
fn mask_content(text: &[u8], from: usize, strength: NameStrength, credentials: &mut Vec<Credential>) {
    let mut at = from;
    for _ in 0..4 {
        at += text[at..].iter().take(256).take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(width) = spelling_len(&text[at..], OPEN) else { break };
        let inner = at + width;
        if text[inner..].starts_with(b"![CDATA[") {
            at = inner + b"![CDATA[".len();
            break;
        }
        let limit = text.len().min(inner + MAX_TAG_LEN);
        match find_first(&text[inner..limit], CLOSE) {
            Some((length, width)) => at = inner + length + width,
            None => return,
        }
    }
    let limit = text.len().min(at + MAX_VALUE_LEN);
    let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |length| at + length);
    let ends = OPEN.iter().map(|open| format!("{open}/")).chain(["]]>".to_owned()]);
    let lengths = ends.filter_map(|end| memchr::memmem::find(&text[at..line], end.as_bytes()));
    let end = lengths.min().map_or(line, |length| at + length);
    let value = &text[at..end];
    let is_shown = value.len() < 4
        || is_reference(value)
        || strength == NameStrength::Key && !super::value::is_unlike_word(value);
    if !is_shown {
        credentials.push(Credential { span: at..end, prefix_len: 0 });
    }
}

/// Length of the spelling at the start of `rest`, if there is one.
fn spelling_len(rest: &[u8], spellings: &[&str]) -> Option<usize> {
    spellings.iter().find(|spelling| rest.starts_with(spelling.as_bytes())).map(|spelling| spelling.len())
}

/// Position and length of the first of several spellings in `rest`.
fn find_first(rest: &[u8], spellings: &[&str]) -> Option<(usize, usize)> {
    let places = spellings
        .iter()
        .filter_map(|spelling| Some((memchr::memmem::find(rest, spelling.as_bytes())?, spelling.len())));
    places.min()
}
