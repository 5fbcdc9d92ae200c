//! Finds random tokens and long hex, which have neither a name nor a prefix.

use std::ops::Range;

use super::{Credential, TextKind, hex_digest};

/// Minimum length of a token that is masked in a source line, in bytes.
pub(super) const MIN_TOKEN_LEN: usize = 20;
/// Minimum length in a name or message, in bytes.
const MIN_TOKEN_LEN_IN_NAMES: usize = 28;

pub(super) fn find(text: &[u8], kind: TextKind, credentials: &mut Vec<Credential>) {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte);
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| is_word(**byte)).count();
        if length >= MIN_TOKEN_LEN {
            mask_word(text, at..at + length, kind, credentials);
        }
        at += length.max(1);
    }
}

/// Masks the word, or those of its parts that look random.
fn mask_word(text: &[u8], span: Range<usize>, kind: TextKind, credentials: &mut Vec<Credential>) {
    let min_len = if kind == TextKind::SourceLine { MIN_TOKEN_LEN } else { MIN_TOKEN_LEN_IN_NAMES };
    let whole = &text[span.clone()];
    let has_padding = text[span.end..].starts_with(b"=");
    if hex_digest::is_hex(whole) {
        if hex_digest::is_masked(text, &span, kind) {
            credentials.push(Credential { span, prefix_len: 0 });
        }
        return;
    }
    // Mostly letters and digits, unlike a path or a kebab-case name.
    let is_mostly_alphanumeric =
        |word: &[u8]| word.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count() * 10 <= word.len();
    if whole.len() >= min_len && is_mostly_alphanumeric(whole) && is_random(whole, kind) {
        let end = span.end + text[span.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        credentials.push(Credential { span: span.start..end, prefix_len: 0 });
        return;
    }
    for separator in [&b"/"[..], b"/_-+"] {
        let mut from = span.start;
        let parts = whole.split(|byte| separator.contains(byte));
        let before = credentials.len();
        for part in parts {
            let part_span = from..from + part.len();
            from = part_span.end + 1;
            let is_masked = match hex_digest::is_hex(part) {
                true => hex_digest::is_masked(text, &part_span, kind),
                false => {
                    let is_token = is_random(part, kind) || has_padding && is_mixed(part);
                    part.len() >= min_len && is_mostly_alphanumeric(part) && is_token
                }
            };
            if is_masked {
                credentials.push(Credential { span: part_span, prefix_len: 0 });
            }
        }
        if credentials.len() > before {
            return;
        }
    }
}

/// Maximum percentage of adjacent characters of the same class in random text that mixes classes; words have 75
/// and more.
const MAX_ALIKE_PERCENT: usize = 68;

/// Whether `word` has letters of both cases, and digits.
fn is_mixed(word: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| word.iter().any(class);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

/// Whether the characters of `word` look random, judging by how often their class changes.
pub(super) fn is_random(word: &[u8], kind: TextKind) -> bool {
    let count = |class: fn(&u8) -> bool| word.iter().filter(|byte| class(byte)).count();
    let (lower, upper, digits) =
        (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase), count(u8::is_ascii_digit));
    if word.len() < 2 {
        return false;
    }
    let alike_percent =
        100 * word.windows(2).filter(|two| class(two[0]) == class(two[1])).count() / word.len();
    let mut seen = [false; 256];
    word.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    if distinct < 10 {
        return false;
    }
    match (lower > 0, upper > 0, digits) {
        (true, true, 2..) => alike_percent <= MAX_ALIKE_PERCENT,
        (true, true, _) => alike_percent <= 55 && lower.min(upper) * 4 >= word.len(),
        // Of one case only: requires more digits than a slug that ends in a number.
        (true, false, 4..) | (false, true, 4..) if kind == TextKind::SourceLine => {
            alike_percent <= MAX_ALIKE_PERCENT && digits * 7 >= word.len()
        }
        _ => false,
    }
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}
