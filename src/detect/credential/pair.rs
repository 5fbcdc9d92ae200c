//! Finds values that are separate from their names: `{"name": "PASSWORD", "value": "…"}`, `<add key="Password" value="…"/>`.

use std::ops::Range;

use super::assigned::VALUE_LABELS;
use super::quote::{is_quote, opening_quote};
use super::secret_name::{NameStrength, SecretName, is_name};
use super::value::ValueSite;
use super::{Credential, TextKind};

/// Maximum distance between the name and the value of a pair, in bytes.
const PAIR_REACH: usize = 512;

pub(super) fn find(text: &[u8], names: &[SecretName], kind: TextKind, credentials: &mut Vec<Credential>) {
    for name in names {
        if is_value(text, name.span.start) {
            mask_labeled(text, enclosing_range(text, &name.span), name.strength, kind, credentials);
        }
    }
}

/// Whether a name is itself a value: `name: PASSWORD`.
fn is_value(text: &[u8], start: usize) -> bool {
    let before = text[..start].iter().rev().take(16);
    let separator = before.into_iter().find(|byte| !(is_quote(**byte) || b" \t\\;#".contains(byte)));
    matches!(separator, Some(b':' | b'='))
        || text[..start].ends_with(b"&quot;")
        || text[..start].ends_with(b"u0022")
}

/// The object, tag or list item that contains `span`.
fn enclosing_range(text: &[u8], span: &Range<usize>) -> Range<usize> {
    let low = span.start.saturating_sub(PAIR_REACH);
    let is_attribute = text[..span.start].iter().rev().find(|byte| b":=".contains(byte)) == Some(&b'=');
    let edges = if is_attribute { b"<>" } else { b"{}" };
    let is_edge = |text: &[u8], at: usize| edges.contains(&text[at]) && is_edge(text, at);
    let before = (low..span.start).rev().find(|at| is_edge(text, *at)).map_or(low, |at| at + 1);
    let item = |part: &[u8]| {
        memchr::memmem::rfind(part, b"- name").or_else(|| memchr::memmem::rfind(part, b"- key"))
    };
    let start = item(&text[before..span.start]).map_or(before, |at| before + at);
    let high = text.len().min(span.end + PAIR_REACH);
    let behind = (span.end..high).find(|at| is_edge(text, *at)).unwrap_or(high);
    let next = item(&text[span.end..behind]).map_or(behind, |at| span.end + at);
    start..next
}

/// Whether a bracket at `at` delimits an object or tag, rather than being part of a value.
fn is_edge(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |at| text[at]);
    let behind = text.get(at + 1).copied().unwrap_or(b' ');
    let is_blank = |byte: u8| byte.is_ascii_whitespace();
    match text[at] {
        b'{' => is_blank(before) || is_quote(before) || b"[,:({}".contains(&before),
        b'}' => is_blank(behind) || is_quote(behind) || b"],)}\\;{".contains(&behind),
        b'<' => {
            (is_blank(before) || is_quote(before) || b">(".contains(&before)) && behind.is_ascii_alphabetic()
        }
        b'>' => is_quote(before) || b"/-".contains(&before) || behind == b'<',
        _ => false,
    }
}

/// Masks the values in `range` that follow a label such as `value`.
pub(super) fn mask_labeled(
    text: &[u8],
    range: Range<usize>,
    strength: NameStrength,
    kind: TextKind,
    credentials: &mut Vec<Credential>,
) {
    let site = ValueSite { text, kind, strength, is_env: false, is_line_start: false, is_query: false };
    let mut at = range.start;
    while at < range.end {
        let separator = match memchr::memchr2(b'=', b':', &text[at..range.end]) {
            Some(next) => at + next,
            None => return,
        };
        at = separator + 1;
        if !is_label(&text[range.start..separator]) {
            continue;
        }
        let start = at + text[at..].iter().take(8).take_while(|byte| **byte == b' ').count();
        let end = match opening_quote(text, start) {
            Some(quote) => site.mask_quoted(&quote, credentials),
            None => site.mask_unquoted(start, credentials).unwrap_or(start),
        };
        at = end.max(at);
    }
}

/// Whether `before` ends with a label such as `"value"`.
fn is_label(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"&quot;").or_else(|| before.strip_suffix(b"\\u0022")).unwrap_or(before);
    let quotes =
        before.iter().rev().take(16).take_while(|byte| is_quote(**byte) || b"\\ ".contains(byte)).count();
    let before = &before[..before.len() - quotes];
    let length = before.iter().rev().take(32).take_while(|byte| is_name(**byte)).count();
    let label = before[before.len() - length..].to_ascii_lowercase();
    VALUE_LABELS.iter().any(|value_label| label == value_label.as_bytes())
}
