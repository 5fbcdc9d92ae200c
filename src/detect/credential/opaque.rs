//! Words that no person wrote: random tokens, long hex, and text that is spelled byte by byte.

use std::ops::Range;

use super::{Credential, TextKind};

/// The shortest token that is hidden on a line, in bytes.
const SHORTEST: usize = 20;
/// The shortest in a name or message.
const SHORTEST_IN_NAMES: usize = 28;
/// The shortest run of hex digits that may be a key: 128 bits.
const SHORTEST_HEX: usize = 32;
/// Characters in another spelling, in a row, that are not taken for a single odd one.
const SPELLED: usize = 6;

pub(super) fn find(text: &[u8], kind: TextKind, found: &mut Vec<Credential>) {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte);
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| is_word(**byte)).count();
        if length >= SHORTEST {
            word(text, at..at + length, kind, found);
        }
        at += length.max(1);
    }
    spelled(text, found);
    half_spelled(text, found);
}

/// Tokens in which some characters are spelled out: random when those are read.
fn half_spelled(text: &[u8], found: &mut Vec<Credential>) {
    let is_key = crate::detect::alphabet::is_key;
    let mut at = 0;
    while let Some(next) = memchr::memchr3(b'%', b'\\', b'&', &text[at..]) {
        let from = at + next;
        let start = from - text[at..from].iter().rev().take_while(|byte| is_key(**byte)).count();
        let (mut end, mut read) = (start, Vec::new());
        while end < text.len() {
            if is_key(text[end]) {
                read.push(text[end]);
                end += 1;
            } else if let Some(length) = unit(&text[end..]) {
                read.push(b'k');
                end += length;
            } else {
                break;
            }
        }
        if end > from
            && read.len() >= SHORTEST
            && read
                .split(|byte| b"-_".contains(byte))
                .any(|part| part.len() >= SHORTEST && is_random(part, TextKind::SourceLine))
        {
            found.push(Credential { span: start..end, shown: 0 });
        }
        at = end.max(from + 1);
    }
}

/// Masks the word, or those of its parts that look random.
fn word(text: &[u8], span: Range<usize>, kind: TextKind, found: &mut Vec<Credential>) {
    let shortest = if kind == TextKind::SourceLine { SHORTEST } else { SHORTEST_IN_NAMES };
    let whole = &text[span.clone()];
    let has_padding = text[span.end..].starts_with(b"=");
    if is_hex(whole) {
        if is_hidden_hex(text, &span, kind) {
            found.push(Credential { span, shown: 0 });
        }
        return;
    }
    // One that a path or a name in kebab case is not.
    let is_solid =
        |word: &[u8]| word.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count() * 10 <= word.len();
    if whole.len() >= shortest && is_solid(whole) && is_random(whole, kind) {
        let end = span.end + text[span.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        found.push(Credential { span: span.start..end, shown: 0 });
        return;
    }
    for separator in [&b"/"[..], b"/_-+"] {
        let mut from = span.start;
        let parts = whole.split(|byte| separator.contains(byte));
        let before = found.len();
        for part in parts {
            let own = from..from + part.len();
            from = own.end + 1;
            let hidden = match is_hex(part) {
                true => is_hidden_hex(text, &own, kind),
                false => {
                    let is_opaque = is_random(part, kind) || has_padding && is_mixed(part);
                    part.len() >= shortest && is_solid(part) && is_opaque
                }
            };
            if hidden {
                found.push(Credential { span: own, shown: 0 });
            }
        }
        if found.len() > before {
            return;
        }
    }
}

fn is_hex(word: &[u8]) -> bool {
    word.len() >= SHORTEST_HEX
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
}

/// Hex is a key or a digest; the words before tell, and in names it is an object's.
fn is_hidden_hex(text: &[u8], span: &Range<usize>, kind: TextKind) -> bool {
    const DIGESTS: &[&[u8]] = &[
        b"sha",
        b"md5",
        b"commit",
        b"rev",
        b"hash",
        b"digest",
        b"checksum",
        b"integrity",
        b"object",
        b"fingerprint",
    ];
    let is_digest_length = matches!(span.len(), 32 | 40 | 56 | 64 | 96 | 128);
    if !is_digest_length {
        return true;
    }
    if kind == TextKind::Name {
        return false;
    }
    let before = text[span.start.saturating_sub(24)..span.start].to_ascii_lowercase();
    !DIGESTS.iter().any(|word| memchr::memmem::find(&before, word).is_some())
}

/// How often neighbours are of one class, in hundredths, in text that was drawn at random from several; words
/// have 75 and more.
const MOST_ALIKE: usize = 68;

fn is_mixed(word: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| word.iter().any(class);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

fn is_random(word: &[u8], kind: TextKind) -> bool {
    let count = |class: fn(&u8) -> bool| word.iter().filter(|byte| class(byte)).count();
    let (lower, upper, digits) =
        (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase), count(u8::is_ascii_digit));
    if word.len() < 2 {
        return false;
    }
    let alike = 100 * word.windows(2).filter(|two| class(two[0]) == class(two[1])).count() / word.len();
    let mut seen = [false; 256];
    word.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    if different < 10 {
        return false;
    }
    match (lower > 0, upper > 0, digits) {
        (true, true, 2..) => alike <= MOST_ALIKE,
        (true, true, _) => alike <= 55 && lower.min(upper) * 4 >= word.len(),
        // Of one case only, as in slugs with a number: digits all over.
        (true, false, 4..) | (false, true, 4..) if kind == TextKind::SourceLine => {
            alike <= MOST_ALIKE && digits * 7 >= word.len()
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

/// Runs of `%73`, `\u0073`, `\x73`, `&#115;` that stand for ASCII.
fn spelled(text: &[u8], found: &mut Vec<Credential>) {
    let mut at = 0;
    while let Some(next) = memchr::memchr3(b'%', b'\\', b'&', &text[at..]) {
        let start = at + next;
        let (mut end, mut characters) = (start, 0);
        while let Some(length) = unit(&text[end..]) {
            end += length;
            characters += 1;
        }
        if characters >= SPELLED {
            // What is not spelled out around it belongs to it.
            let is_key = crate::detect::alphabet::is_key;
            let before = text[..start].iter().rev().take_while(|byte| is_key(**byte)).count();
            let after = text[end..].iter().take_while(|byte| is_key(**byte)).count();
            found.push(Credential { span: start - before..end + after, shown: 0 });
        }
        at = end.max(start + 1);
    }
}

/// Length of the escape of a printable ASCII character that `rest` begins with.
fn unit(rest: &[u8]) -> Option<usize> {
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
