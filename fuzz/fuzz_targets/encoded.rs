//! Searches for encoded keys in arbitrary surroundings: each match must be within the text, and the planted key must be found
//! unless its surroundings change it.

#![no_main]

use std::fmt::Write as _;
use std::sync::LazyLock;

use friskey::detect::{Detector, Match};
use friskey::model::Secret;
use friskey::rules::{RuleSet, expand};
use libfuzzer_sys::fuzz_target;

/// Bytes of surroundings on a side.
const AROUND: usize = 1024;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

const PREFIXES: &[&str] = &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"];

/// Lengths of halves; all of them make a sure find.
const HALVES: &[usize] = &[16, 20, 42, 46, 58, 59, 74, 100, 119, 120];

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

fn wide(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&byte| [byte, 0]).collect()
}

fn each(text: &[u8], format: fn(&mut String, u8)) -> Vec<u8> {
    let mut out = String::new();
    text.iter().for_each(|&byte| format(&mut out, byte));
    out.into_bytes()
}

/// `text` in the disguise of that number.
fn disguised(text: &[u8], number: u8) -> Vec<u8> {
    match number % 14 {
        0 => base64(text, ALPHABETS[0]),
        1 => base64(text, ALPHABETS[1]),
        2 => base64(text, ALPHABETS[0]).chunks(76).collect::<Vec<_>>().join(&b"\n"[..]),
        3 => wide(text),
        4 => base64(&wide(text), ALPHABETS[0]),
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

fn found(text: &[u8]) -> Vec<Match> {
    let mut found = Vec::new();
    DETECTOR.find(text, |m| found.push(m));
    found
}

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_at_checked(4) else { return };
    let prefix = PREFIXES[usize::from(head[0]) % PREFIXES.len()];
    let half = HALVES[usize::from(head[1]) % HALVES.len()];
    let template = format!("{prefix}{{base64url:{half}}}{{marker}}{{base64url:{half}}}");
    let key = expand(&template, u64::from(head[2])).text;
    let hidden = disguised(&key, head[3]);
    let (before, after) = rest.split_at(rest.len() / 2);
    let (before, after) = (&before[..before.len().min(AROUND)], &after[..after.len().min(AROUND)]);
    let text = [before, b"\n\n \"", &hidden, b"\"\n\n", after].concat();

    let all = found(&text);
    let mut end = 0;
    for m in &all {
        assert!(m.span.start >= end && m.span.end <= text.len() && !m.span.is_empty(), "{:?}", m.span);
        end = m.span.end;
        DETECTOR.explain(&text[m.span.clone()]);
    }
    // Other keys may take its place, and text that goes on where it begins may be one with it; alone it is found.
    let alone = [b" \"", &hidden[..], b"\" "].concat();
    let planted = Secret::new(key, 0).fingerprint();
    let is_it = |m: &Match| m.detected_key.fingerprint == planted;
    assert!(found(&alone).iter().any(is_it), "{template} as {}", head[3] % 14);
    let quiet = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_lowercase() || b" \n".contains(byte));
    if quiet(before) && quiet(after) {
        assert!(
            all.iter().any(is_it),
            "{template} as {} in {:?}",
            head[3] % 14,
            String::from_utf8_lossy(&text)
        );
    }
});
