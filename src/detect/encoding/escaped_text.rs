//! Escaped text: escapes for some or all characters, and zero-width tokens within a key: color codes, soft line
//! breaks, and the joins of a split literal.

use std::ops::Range;

use super::backward_lexer::{BackwardTokens, MAX_COLOR_CODE_LEN, token_before};
use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{DecodeExtent, EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::lexer::{may_be_tentative, token_at};
use super::token::{Token, TokenKind};
use crate::detect::alphabet::{is_key, key_run};
use crate::detect::candidate::{Candidate, WEIGHT_EQUAL, WEIGHT_EXACT};
use crate::detect::effort::spend;
use crate::detect::limits::CONTEXT_REACH;

/// Name of the encoding of split text.
pub(super) const NAME: EncodingName = "split";

/// The literal was hit unescaped; the text around it may be escaped.
pub(super) const AS_IT_IS: u8 = 0;
const ESCAPED: u8 = 1;

/// Maximum distance to follow a run of key characters.
const RUN: usize = 300;

/// Without the marker, a first part with a body this long is a match by itself, and the next part may be an
/// unrelated argument.
const WHOLE_BY_ITSELF: usize = 40;

/// The names of escapes, and of what may be between two characters. A byte in plain form has no name of its own, and
/// only base64 contains `UrlSafe`.
const TOKEN_NAMES: &[EncodingName] = &[
    TokenKind::Unicode.name(),
    TokenKind::Hex.name(),
    TokenKind::Octal.name(),
    TokenKind::Backslash.name(),
    TokenKind::Percent.name(),
    TokenKind::Entity.name(),
    TokenKind::QuotedPrintable.name(),
    TokenKind::Ansi.name(),
    TokenKind::Invisible.name(),
    TokenKind::TypographicDash.name(),
    TokenKind::Concatenated.name(),
];

/// Decodes escaped text.
#[derive(Debug)]
pub(super) struct EscapedText;

impl Encoding for EscapedText {
    fn name(&self) -> EncodingName {
        NAME
    }

    fn names(&self) -> &'static [EncodingName] {
        TOKEN_NAMES
    }

    /// The first character escaped, and the rest in case only characters other than letters and digits are
    /// escaped.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        let Some(&first) = literal.first().filter(|_| starts_key) else { return Vec::new() };
        let mut keywords: Vec<Vec<u8>> =
            [format!("\\{first:03o}"), format!("&#{first};"), format!("&#0{first};")].map(Vec::from).into();
        for (low, high) in [
            ("\\u00", ""),
            ("\\U000000", ""),
            ("\\u{", "}"),
            ("\\u{00", "}"),
            ("\\x", ""),
            ("%", ""),
            ("&#x", ";"),
            ("&#x00", ";"),
            ("=", ""),
            ("%u00", ""),
        ] {
            keywords.push(format!("{low}{first:02x}{high}").into());
            keywords.push(format!("{low}{first:02X}{high}").into());
        }
        let head = literal.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if let Some(next) = literal.get(head).filter(|_| head > 0) {
            // Up to the first digit: the others differ in case.
            for opener in
                ["\\".to_owned(), format!("%{:x}", next >> 4), "&#".into(), format!("={:x}", next >> 4)]
            {
                keywords.push([&literal[..head], opener.as_bytes()].concat());
            }
        }
        keywords.sort();
        keywords.dedup();
        keywords.into_iter().map(|bytes| EncodedKeyword { bytes, tag: ESCAPED }).collect()
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        if !goes_on(hit) || !reads_literal(hit) {
            return;
        }
        if let DecodeExtent::Partial(most) | DecodeExtent::Forward(most) = hit.extent {
            read(walk(hit, &few(hit, most), true).0);
            return;
        }
        let Some(core) = core(hit) else { return };
        let mut can_be_looser = core.weak;
        if core.strict {
            let (strictly, looser) = walk(hit, &core.range, false);
            can_be_looser = looser;
            if !strictly.annotations.is_empty() {
                read(strictly);
            }
        }
        if can_be_looser {
            read(walk(hit, &core.range, true).0);
        }
    }

    fn may_accept(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        decoded.annotations.iter().any(|(at, _)| secret.contains(at))
    }

    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName> {
        let inside = |&&(at, kind): &&(usize, TokenKind)| {
            // A zero-width token must be between two characters.
            at < secret.end && at >= secret.start + usize::from(kind.is_zero_width())
        };
        let annotations: Vec<(usize, TokenKind)> =
            decoded.annotations.iter().filter(inside).copied().collect();
        let first = annotations.first()?;
        let parts = 1 + annotations.iter().filter(|(_, kind)| kind.separates_parts()).count();
        if parts > 1 && !may_be_joined(candidate, &decoded.annotations, &secret) {
            return None;
        }
        if parts > 1 {
            candidate.note(format!("joined from {parts} parts"));
        }
        Some(first.1.name())
    }
}

/// Whether the parts form one key, rather than being unrelated neighbors.
fn may_be_joined(
    candidate: &Candidate<'_>,
    annotations: &[(usize, TokenKind)],
    secret: &Range<usize>,
) -> bool {
    let inside = || annotations.iter().filter(|(at, _)| (secret.start + 1..secret.end).contains(at));
    let is_weak = inside().any(|&(_, kind)| kind.is_tentative());
    if candidate.halves.is_some() {
        // Equal halves that end at the end of a line or literal.
        return !is_weak || [WEIGHT_EQUAL, WEIGHT_EXACT].contains(&candidate.weight);
    }
    if inside().any(|&(_, kind)| kind == TokenKind::CommaSeparated) {
        return false;
    }
    let prefix = &candidate.bytes[candidate.prefix.clone()];
    let body = &candidate.bytes[candidate.prefix.end..candidate.secret.end];
    if !prefix.is_empty() && memchr::memmem::find(body, prefix).is_some() {
        return false;
    }
    let first_part =
        inside().find(|(_, kind)| kind.separates_parts()).map_or(0, |&(at, _)| at - secret.start);
    !is_weak || first_part.saturating_sub(prefix.len()) < WHOLE_BY_ITSELF
}

/// Whether the run of key characters around the hit continues in encoded form.
fn goes_on(hit: &EncodedHit<'_>) -> bool {
    let EncodedHit { text, at, .. } = *hit;
    let end = at + key_run(&text[at..], RUN);
    spend((end - at) / 4);
    if end < text.len() && token_at(text, end, true).continues_key() {
        return true;
    }
    if hit.starts_key {
        return false;
    }
    if hit.keys.is_some() {
        // Checked below.
        return true;
    }
    let mut start = at;
    while start > 0 && at - start < RUN && is_key(text[start - 1]) {
        // The digits of an escape are key characters, too.
        if token_before(text, start, true).continues_key() {
            return true;
        }
        start -= 1;
    }
    start > 0 && token_before(text, start, true).continues_key()
}

/// Quick test whether the literal can be decoded, looking only at the hit.
fn reads_literal(hit: &EncodedHit<'_>) -> bool {
    let mut at = hit.at;
    hit.literal.iter().all(|&byte| {
        while at < hit.text.len() {
            let unit = token_at(hit.text, at, true);
            at += unit.len;
            if unit.value.is_some() {
                return unit.value == Some(byte);
            }
        }
        false
    })
}

/// The range to decode, and how.
struct Core {
    range: Range<usize>,
    /// Whether there are encoded tokens other than tentative joins.
    strict: bool,
    weak: bool,
}

/// If only keys are needed, the range to which one may extend, with its context; `None` if it has no encoded
/// tokens.
fn core(hit: &EncodedHit<'_>) -> Option<Core> {
    let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
    let Some(longest) = hit.keys else { return Some(Core { range: low..high, strict: true, weak: true }) };
    let (mut strict, mut weak) = (false, false);
    let mut goes_on = |unit: &Token, count: &mut usize| {
        weak |= unit.kind.is_tentative();
        strict |= unit.kind != TokenKind::Plain && !unit.kind.is_tentative();
        *count += usize::from(unit.value.is_some());
        *count <= longest && unit.value.is_none_or(is_key)
    };
    let mut start = start(hit);
    if !hit.starts_key {
        // Text far after anything that could begin an escape is copied at once.
        let before = &text[start.saturating_sub(longest)..start];
        let run = before.iter().rev().take_while(|&&byte| is_key(byte)).count();
        spend(run / 4);
        let mut count = run.saturating_sub(MAX_COLOR_CODE_LEN);
        start -= count;
        for (unit, at) in BackwardTokens::new(text, start, low, true) {
            if !goes_on(&unit, &mut count) {
                break;
            }
            start = at;
        }
    }
    let (mut end, mut count) = (hit.at, 0);
    while end < high {
        let unit = token_at(text, end, true);
        if unit.len > high - end || !goes_on(&unit, &mut count) {
            break;
        }
        end += unit.len;
    }
    let around = if hit.extent == DecodeExtent::Full { CONTEXT_REACH } else { 0 };
    let range = low.max(start.saturating_sub(around))..high.min(end + around);
    (strict || weak).then_some(Core { range, strict, weak })
}

/// As much as the first probe needs, whatever it contains.
fn few(hit: &EncodedHit<'_>, most: usize) -> Range<usize> {
    let (low, high, first) = (hit.decode_start(), hit.decode_end(), start(hit));
    let (mut end, mut count) = (hit.at, 0);
    while end < high && count < most {
        let unit = token_at(hit.text, end, true);
        if unit.len > high - end {
            break;
        }
        end += unit.len;
        count += usize::from(unit.value.is_some());
    }
    let mut start = first;
    if !hit.starts_key && matches!(hit.extent, DecodeExtent::Partial(_)) {
        let mut left = most;
        for (unit, at) in BackwardTokens::new(hit.text, first, low, true) {
            let Some(fewer) = left.checked_sub(usize::from(unit.value.is_some())) else { break };
            // A character that occurs in no key ends it.
            if unit.value.is_some_and(|value| !is_key(value)) {
                left = 0;
            }
            (left, start) = (left.min(fewer), at);
        }
    }
    start..end
}

/// The start of the token that was hit: the keyword has one backslash, and there may be more.
fn start(hit: &EncodedHit<'_>) -> usize {
    let (text, low) = (hit.text, hit.decode_start());
    let mut start = hit.at;
    while text[hit.at] == b'\\' && start > low && text[start - 1] == b'\\' && hit.at - start < 3 {
        start -= 1;
    }
    start
}

/// Decodes the tokens on both sides of the hit. Returns whether a lenient reading would decode more.
fn walk(hit: &EncodedHit<'_>, range: &Range<usize>, lenient: bool) -> (DecodedText, bool) {
    let (text, low, high) = (hit.text, range.start, range.end);
    let start = start(hit);
    let mut weak = false;
    let mut before: Vec<(Token, usize)> = BackwardTokens::new(text, start, low, lenient).collect();
    let mut decoded = DecodedText::default();
    while let Some((unit, at)) = before.pop() {
        weak |= is_weak_seam(text, &unit, at, lenient);
        take(&mut decoded, unit, at);
    }
    decoded.literal_start = decoded.text.len();
    let mut at = start;
    while at < high {
        let unit = token_at(text, at, lenient);
        if unit.len > high - at {
            break;
        }
        weak |= is_weak_seam(text, &unit, at, lenient);
        take(&mut decoded, unit, at);
        at += unit.len;
    }
    (decoded, weak)
}

/// Whether a literal token would be a tentative join in a lenient reading.
fn is_weak_seam(text: &[u8], unit: &Token, at: usize, lenient: bool) -> bool {
    !lenient
        && unit.kind == TokenKind::Plain
        && may_be_tentative(text[at])
        && token_at(text, at, true).kind.is_tentative()
}

fn take(decoded: &mut DecodedText, unit: Token, at: usize) {
    if unit.kind != TokenKind::Plain {
        decoded.annotations.push((decoded.text.len(), unit.kind));
    }
    if let Some(value) = unit.value {
        decoded.push(value, (at, at + unit.len));
    }
}
