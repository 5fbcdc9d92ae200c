//! Searches for an encoded key between arbitrary bytes: matches must be in order and within the text, and the key must be
//! found, unless the bytes around it change it.

#![no_main]

use std::fmt::Write as _;
use std::sync::LazyLock;

use friskey::detect::{Detector, Match};
use friskey::model::Secret;
use friskey::rules::{RuleSet, expand_template};
use libfuzzer_sys::fuzz_target;

/// Most bytes before the key, and after it.
const MAX_CONTEXT_LEN: usize = 1024;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

const PREFIXES: &[&str] = &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"];

/// Characters of each half of a key. With all of these, the confidence is high.
const HALVES: &[usize] = &[16, 20, 42, 46, 58, 59, 74, 100, 119, 120];

/// The number of encodings of [`encode`].
const ENCODINGS: u8 = 14;

const ALPHABETS: &[&[u8; 64]] = &[
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

fn base64(text: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in text.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        out.extend((0..=group.len()).map(|at| alphabet[(bits >> (18 - 6 * at) & 63) as usize]));
    }
    out
}

fn utf16(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&byte| [byte, 0]).collect()
}

fn each(text: &[u8], format: fn(&mut String, u8)) -> Vec<u8> {
    let mut out = String::new();
    text.iter().for_each(|&byte| format(&mut out, byte));
    out.into_bytes()
}

/// `text` in the encoding with the number `choice` modulo [`ENCODINGS`].
fn encode(text: &[u8], choice: u8) -> Vec<u8> {
    match choice % ENCODINGS {
        0 => base64(text, ALPHABETS[0]),
        1 => base64(text, ALPHABETS[1]),
        2 => base64(text, ALPHABETS[0]).chunks(76).collect::<Vec<_>>().join(&b"\n"[..]),
        3 => utf16(text),
        4 => base64(&utf16(text), ALPHABETS[0]),
        5 => each(text, |out, byte| drop(write!(out, "{byte:02x}"))),
        6 => each(text, |out, byte| drop(write!(out, "0x{byte:02X}, "))),
        7 => each(text, |out, byte| drop(write!(out, "\\u{byte:04x}"))),
        8 => each(text, |out, byte| drop(write!(out, "\\x{byte:02x}"))),
        9 => each(text, |out, byte| drop(write!(out, "%{byte:02X}"))),
        10 => each(text, |out, byte| drop(write!(out, "&#{byte};"))),
        11 => each(text, |out, byte| drop(write!(out, "={byte:02X}"))),
        12 => text.chunks(24).collect::<Vec<_>>().join(&b"\" + \""[..]),
        _ => text.chunks(40).collect::<Vec<_>>().join(&b"\x1b[0m"[..]),
    }
}

fn find_all(text: &[u8]) -> Vec<Match> {
    let mut matches = Vec::new();
    DETECTOR.find(text, |m| matches.push(m));
    matches
}

fuzz_target!(|input: &[u8]| {
    let Some((choices, rest)) = input.split_at_checked(4) else { return };
    let prefix = PREFIXES[usize::from(choices[0]) % PREFIXES.len()];
    let half = HALVES[usize::from(choices[1]) % HALVES.len()];
    let template = format!("{prefix}{{base64url:{half}}}{{marker}}{{base64url:{half}}}");
    let key = expand_template(&template, u64::from(choices[2])).text;
    let encoded = encode(&key, choices[3]);
    let encoding = choices[3] % ENCODINGS;
    let (before, after) = rest.split_at(rest.len() / 2);
    let before = &before[..before.len().min(MAX_CONTEXT_LEN)];
    let after = &after[..after.len().min(MAX_CONTEXT_LEN)];
    let text = [before, b"\n\n \"", &encoded, b"\"\n\n", after].concat();

    let matches = find_all(&text);
    let mut end = 0;
    for m in &matches {
        assert!(m.span.start >= end && m.span.end <= text.len() && !m.span.is_empty(), "{:?}", m.span);
        end = m.span.end;
        DETECTOR.explain(&text[m.span.clone()]);
    }
    // Without the arbitrary bytes, the key must be found. With them, a match that overlaps it may be reported instead, or the
    // bytes may continue it, unless they consist of lower-case letters and blanks.
    let alone = [b" \"", &encoded[..], b"\" "].concat();
    let fingerprint = Secret::new(key, 0).fingerprint();
    let is_the_key = |m: &Match| m.detected_key.fingerprint == fingerprint;
    assert!(find_all(&alone).iter().any(is_the_key), "{template} in encoding {encoding}");
    let is_harmless =
        |text: &[u8]| text.iter().all(|byte| byte.is_ascii_lowercase() || b" \n".contains(byte));
    if is_harmless(before) && is_harmless(after) {
        assert!(
            matches.iter().any(is_the_key),
            "{template} in encoding {encoding} in {:?}",
            String::from_utf8_lossy(&text)
        );
    }
});
