//! Runs the detector on arbitrary bytes: a search with the prefilter must find the same as one without, a search in chunks
//! the same as one of the whole text, and redacted text must contain no key.

#![no_main]

use std::sync::LazyLock;

use friskey::detect::{Detector, Match, Redactor, Stream};
use friskey::model::{Position, Span};
use friskey::rules::{MARKER, RuleSet, expand_template};
use libfuzzer_sys::fuzz_target;

/// Bytes of the longest text. The search without the prefilter tries every pattern at every byte, so longer texts are slow.
const MAX_TEXT_LEN: usize = 4096;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

/// Templates of text that a fuzzer is unlikely to guess. Each of the input's bytes from 0x80 on selects one.
const PIECES: &[&str] = &[
    "sk-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-admin-",
    "sk-None-",
    "sess-",
    "ek_",
    "{marker}",
    "{zero}",
    "{base62:7}",
    "{base62:20}",
    "{base64url:16}",
    "{base64url:42}",
    "{base64url:58}",
    "{base64url:74}",
    "{hex:32}",
    "{base62:84}",
    "AZURE_OPENAI_API_KEY=",
    "openai.azure.com",
    "\"refresh_token\": \"",
    "\", \"account_id\"",
    "openai",
    "stripe",
    "deepseek",
    "https://",
    "{nl}",
    "\\n",
    "%3D",
    "\\u0022",
    "\u{1b}[31m",
    "task-",
    "sk-bot-",
    "key=",
    "{repeat:a:60}",
    "{repeat: :200}",
    "svcaat-",
    "é",
    // Parts of encoded and split keys.
    "\\u0073\\u006b\\u002d",
    "\\x73\\x6b\\x2d",
    "%73%6B%2D",
    "&#115;&#107;&#45;",
    "=73=6B=2D",
    "sk\\u002d",
    "sk%252D",
    "\\x2d",
    "%2D",
    "&#x2d;",
    "=\r\n",
    "\\\n    ",
    "\" + \"",
    "'\n    '",
    "\u{1b}[0m",
    "\\u001b[0m",
    "c2st",
    "NrL",
    "zay",
    "c2stcHJvai",
    "cwBrAC0A",
    "736b2d",
    "73 6b 2d ",
    "0x73, 0x6b, 0x2d, ",
    "s\0k\0-\0",
    "\0s\0k\0-",
    "p\0r\0o\0j\0-\0",
    "\n  ",
];

/// The text that the fuzzer's `input` describes: with pieces, or one in four times as it is.
fn text(input: &[u8]) -> Vec<u8> {
    let Some((mode, rest)) = input.split_first() else { return Vec::new() };
    if mode % 4 == 0 {
        return rest.iter().copied().take(MAX_TEXT_LEN).collect();
    }
    let mut text = Vec::new();
    for (at, &byte) in rest.iter().enumerate() {
        match byte.checked_sub(0x80).and_then(|index| PIECES.get(usize::from(index))) {
            Some(piece) => text.extend(expand_template(piece, at as u64).text),
            None => text.push(byte),
        }
        if text.len() >= MAX_TEXT_LEN {
            break;
        }
    }
    text
}

/// A match at `span`, as text that can be compared.
fn summarize(one: &Match, span: Span) -> String {
    format!("{span:?} {} {:?}", one.encoding, one.detected_key)
}

/// Where `one` is in `text`.
fn locate(text: &[u8], one: &Match) -> Span {
    let start = Position::START.after_bytes(&text[..one.span.start]);
    Span { start, end: start.after_bytes(&text[one.span.clone()]) }
}

fuzz_target!(|input: &[u8]| {
    let text = text(input);
    let (mut matches, mut without_prefilter) = (Vec::new(), Vec::new());
    DETECTOR.find(&text, |m| matches.push(m));
    DETECTOR.find_plainly(&text, |m| without_prefilter.push(m));
    let summaries =
        |matches: &[Match]| matches.iter().map(|m| summarize(m, locate(&text, m))).collect::<Vec<_>>();
    assert_eq!(summaries(&matches), summaries(&without_prefilter), "the prefilter changed the matches");

    let chunk_size = 1 + input.last().map_or(0, |&byte| usize::from(byte)) * 3;
    let mut in_chunks = Vec::new();
    let read = Stream::default()
        .search_in_chunks(&DETECTOR, &mut text.as_slice(), chunk_size, |_, m| {
            in_chunks.push(summarize(&m.matched, m.span))
        })
        .expect("reading from memory cannot fail");
    assert_eq!(read, text.len() as u64);
    assert_eq!(summaries(&matches), in_chunks, "chunks of {chunk_size} bytes changed the matches");

    let redactor = Redactor::new(&DETECTOR);
    let redacted = redactor.redact(&text);
    for m in &matches {
        let secret = String::from_utf8_lossy(m.detected_key.secret.reveal()).into_owned();
        assert!(!redacted.contains(&secret), "the redacted text contains a key");
        let excerpt = redactor.excerpt(&text, m.span.clone(), &m.detected_key.secret);
        assert!(!excerpt.text.contains(&secret), "the excerpt contains a key");
        assert!(excerpt.text.is_char_boundary(excerpt.start) && excerpt.text.is_char_boundary(excerpt.end));
    }
    // Must not panic.
    DETECTOR.explain(&text);
    assert!(
        !matches.iter().any(|m| m.detected_key.secret.reveal() == MARKER.as_bytes()),
        "a marker alone is no key"
    );
});
