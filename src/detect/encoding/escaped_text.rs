//! Decodes escaped text: escapes of some or all characters, and tokens of zero width within a key, such as color codes,
//! soft line breaks and the joins of split literals.

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

/// Tags: whether the keyword is the literal in plain form, around which the text may be escaped, or in escaped form.
pub(super) const UNESCAPED: u8 = 0;
const ESCAPED: u8 = 1;

/// Maximum length of a run of key characters that is followed, in bytes.
const MAX_RUN_LEN: usize = 300;

/// Minimum length of the body in the first part of a key without the marker, in bytes, for that part to be a match by
/// itself. Then the next part may be an unrelated argument.
const MIN_WHOLE_BODY: usize = 40;

/// The names of all tokens except `Plain`, and `UrlSafe`, which occurs only in base64.
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

    /// The first character in escaped form. And, for text in which only characters other than letters and digits are
    /// escaped, the literal up to the start of its first escape.
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

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        if !run_continues(hit) || !reads_literal(hit) {
            return;
        }
        if let DecodeExtent::Partial(max_chars) | DecodeExtent::Forward(max_chars) = hit.extent {
            visit(decode_tokens(hit, &probe_range(hit, max_chars), true).0);
            return;
        }
        let Some(scope) = decode_scope(hit) else { return };
        let mut has_tentative = scope.has_tentative;
        if scope.has_encoded {
            let (decoded, is_more_if_lenient) = decode_tokens(hit, &scope.range, false);
            has_tentative = is_more_if_lenient;
            if !decoded.annotations.is_empty() {
                visit(decoded);
            }
        }
        if has_tentative {
            visit(decode_tokens(hit, &scope.range, true).0);
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
        let is_inside = |&&(at, kind): &&(usize, TokenKind)| {
            // A zero-width token must be between two characters.
            at < secret.end && at >= secret.start + usize::from(kind.is_zero_width())
        };
        let annotations: Vec<(usize, TokenKind)> =
            decoded.annotations.iter().filter(is_inside).copied().collect();
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
    let joins = || annotations.iter().filter(|(offset, _)| (secret.start + 1..secret.end).contains(offset));
    let is_tentative = joins().any(|&(_, kind)| kind.is_tentative());
    if candidate.halves.is_some() {
        // Equal halves that end at the end of a line or literal.
        return !is_tentative || [WEIGHT_EQUAL, WEIGHT_EXACT].contains(&candidate.weight);
    }
    if joins().any(|&(_, kind)| kind == TokenKind::CommaSeparated) {
        return false;
    }
    let prefix = &candidate.bytes[candidate.prefix.clone()];
    let body = &candidate.bytes[candidate.prefix.end..candidate.secret.end];
    if !prefix.is_empty() && memchr::memmem::find(body, prefix).is_some() {
        return false;
    }
    let first_part = joins().find(|(_, kind)| kind.separates_parts()).map_or(0, |&(at, _)| at - secret.start);
    !is_tentative || first_part.saturating_sub(prefix.len()) < MIN_WHOLE_BODY
}

/// Whether the run of key characters around the hit continues in encoded form.
fn run_continues(hit: &EncodedHit<'_>) -> bool {
    let EncodedHit { text, start: at, .. } = *hit;
    let end = at + key_run(&text[at..], MAX_RUN_LEN);
    spend((end - at) / 4);
    if end < text.len() && token_at(text, end, true).continues_key() {
        return true;
    }
    if hit.starts_key {
        return false;
    }
    if hit.max_key_len.is_some() {
        // `decode_scope` looks for tokens before the hit.
        return true;
    }
    let mut start = at;
    while start > 0 && at - start < MAX_RUN_LEN && is_key(text[start - 1]) {
        // The digits of an escape are key characters, too.
        if token_before(text, start, true).continues_key() {
            return true;
        }
        start -= 1;
    }
    start > 0 && token_before(text, start, true).continues_key()
}

/// Quick test, which examines only the hit, whether the literal can be decoded.
fn reads_literal(hit: &EncodedHit<'_>) -> bool {
    let mut at = hit.start;
    hit.literal.iter().all(|&byte| {
        while at < hit.text.len() {
            let token = token_at(hit.text, at, true);
            at += token.len;
            if token.value.is_some() {
                return token.value == Some(byte);
            }
        }
        false
    })
}

/// The range to decode, and what it contains.
struct DecodeScope {
    range: Range<usize>,
    /// Whether it contains encoded tokens other than tentative joins.
    has_encoded: bool,
    /// Whether it contains tentative joins.
    has_tentative: bool,
}

/// The range around the hit to which a key may extend, with its context; `None` if there are no encoded tokens. If the
/// text of a match is not limited to key characters, everything that may be decoded.
fn decode_scope(hit: &EncodedHit<'_>) -> Option<DecodeScope> {
    let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
    let Some(max_key_len) = hit.max_key_len else {
        return Some(DecodeScope { range: low..high, has_encoded: true, has_tentative: true });
    };
    let (mut has_encoded, mut has_tentative) = (false, false);
    let mut continues_key = |token: &Token, count: &mut usize| {
        has_tentative |= token.kind.is_tentative();
        has_encoded |= token.kind != TokenKind::Plain && !token.kind.is_tentative();
        *count += usize::from(token.value.is_some());
        *count <= max_key_len && token.value.is_none_or(is_key)
    };
    let mut start = token_start(hit);
    if !hit.starts_key {
        // Key characters that are too far after the start of any escape to be part of it need no lexer.
        let before = &text[start.saturating_sub(max_key_len)..start];
        let run = before.iter().rev().take_while(|&&byte| is_key(byte)).count();
        spend(run / 4);
        let mut count = run.saturating_sub(MAX_COLOR_CODE_LEN);
        start -= count;
        for (token, at) in BackwardTokens::new(text, start, low, true) {
            if !continues_key(&token, &mut count) {
                break;
            }
            start = at;
        }
    }
    let (mut end, mut count) = (hit.start, 0);
    while end < high {
        let token = token_at(text, end, true);
        if token.len > high - end || !continues_key(&token, &mut count) {
            break;
        }
        end += token.len;
    }
    let context = if hit.extent == DecodeExtent::Full { CONTEXT_REACH } else { 0 };
    let range = low.max(start.saturating_sub(context))..high.min(end + context);
    (has_encoded || has_tentative).then_some(DecodeScope { range, has_encoded, has_tentative })
}

/// The range to decode for a probe of `max_chars` characters on each side, whatever it contains.
fn probe_range(hit: &EncodedHit<'_>, max_chars: usize) -> Range<usize> {
    let (low, high, first) = (hit.decode_start(), hit.decode_end(), token_start(hit));
    let (mut end, mut count) = (hit.start, 0);
    while end < high && count < max_chars {
        let token = token_at(hit.text, end, true);
        if token.len > high - end {
            break;
        }
        end += token.len;
        count += usize::from(token.value.is_some());
    }
    let mut start = first;
    if !hit.starts_key && matches!(hit.extent, DecodeExtent::Partial(_)) {
        let mut left = max_chars;
        for (token, at) in BackwardTokens::new(hit.text, first, low, true) {
            let Some(fewer) = left.checked_sub(usize::from(token.value.is_some())) else { break };
            // A character that occurs in no key ends it.
            if token.value.is_some_and(|value| !is_key(value)) {
                left = 0;
            }
            (left, start) = (left.min(fewer), at);
        }
    }
    start..end
}

/// The start of the token that was hit: the keyword begins with one backslash, and more may precede it.
fn token_start(hit: &EncodedHit<'_>) -> usize {
    let (text, low) = (hit.text, hit.decode_start());
    let mut start = hit.start;
    while text[hit.start] == b'\\' && start > low && text[start - 1] == b'\\' && hit.start - start < 3 {
        start -= 1;
    }
    start
}

/// Decodes the tokens in `range`. Also returns whether there are more tokens to decode if the text is split leniently.
fn decode_tokens(hit: &EncodedHit<'_>, range: &Range<usize>, lenient: bool) -> (DecodedText, bool) {
    let (text, low, high) = (hit.text, range.start, range.end);
    let start = token_start(hit);
    let mut has_tentative = false;
    let mut before: Vec<(Token, usize)> = BackwardTokens::new(text, start, low, lenient).collect();
    let mut decoded = DecodedText::default();
    while let Some((token, at)) = before.pop() {
        has_tentative |= is_tentative_if_lenient(text, &token, at, lenient);
        push_token(&mut decoded, token, at);
    }
    decoded.literal_start = decoded.text.len();
    let mut at = start;
    while at < high {
        let token = token_at(text, at, lenient);
        if token.len > high - at {
            break;
        }
        has_tentative |= is_tentative_if_lenient(text, &token, at, lenient);
        push_token(&mut decoded, token, at);
        at += token.len;
    }
    (decoded, has_tentative)
}

/// Whether a plain token is a tentative join if the text is split leniently.
fn is_tentative_if_lenient(text: &[u8], token: &Token, at: usize, lenient: bool) -> bool {
    !lenient
        && token.kind == TokenKind::Plain
        && may_be_tentative(text[at])
        && token_at(text, at, true).kind.is_tentative()
}

fn push_token(decoded: &mut DecodedText, token: Token, at: usize) {
    if token.kind != TokenKind::Plain {
        decoded.annotations.push((decoded.text.len(), token.kind));
    }
    if let Some(value) = token.value {
        decoded.push(value, (at, at + token.len));
    }
}
