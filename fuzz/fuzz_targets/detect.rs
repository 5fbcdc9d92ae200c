//! Runs the detector on arbitrary bytes: prefilter and windows must lose nothing, a search in chunks must find the same as a
//! search of the whole, and displayed text must contain no key.

#![no_main]

use std::sync::LazyLock;

use friskey::detect::{Detector, Redactor, Match, Stream};
use friskey::model::{Position, Span};
use friskey::rules::{MARKER, RuleSet, expand};
use libfuzzer_sys::fuzz_target;

/// The plain search tries every pattern at every byte; longer texts would be slow and say no more.
const LONGEST: usize = 4096;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::built_in().expect("the built-in rules are sound");
    Detector::new(&rules).expect("the built-in patterns compile")
});

/// Pieces that no fuzzer guesses; a byte from 0x80 on stands for one.
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
    // Keys in disguise.
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

fn text(data: &[u8]) -> Vec<u8> {
    let Some((mode, rest)) = data.split_first() else { return Vec::new() };
    if mode % 4 == 0 {
        return rest.iter().copied().take(LONGEST).collect();
    }
    let mut text = Vec::new();
    for (at, &byte) in rest.iter().enumerate() {
        match byte.checked_sub(0x80).and_then(|index| PIECES.get(usize::from(index))) {
            Some(piece) => text.extend(expand(piece, at as u64).text),
            None => text.push(byte),
        }
        if text.len() >= LONGEST {
            break;
        }
    }
    text
}

fn shown(found: &Match, span: Span) -> String {
    format!("{span:?} {} {:?}", found.encoding, found.detected_key)
}

fn place(text: &[u8], found: &Match) -> Span {
    let start = Position::START.after_bytes(&text[..found.span.start]);
    Span { start, end: start.after_bytes(&text[found.span.clone()]) }
}

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let (mut found, mut plainly) = (Vec::new(), Vec::new());
    DETECTOR.find(&text, |m| found.push(m));
    DETECTOR.find_plainly(&text, |m| plainly.push(m));
    let all = |matches: &[Match]| matches.iter().map(|m| shown(m, place(&text, m))).collect::<Vec<_>>();
    assert_eq!(all(&found), all(&plainly), "the prefilter or a window lost something");

    let size = 1 + data.last().map_or(0, |&byte| usize::from(byte)) * 3;
    let mut in_pieces = Vec::new();
    let read = Stream::default()
        .search_in_chunks(&DETECTOR, &mut text.as_slice(), size, |_, m| {
            in_pieces.push(shown(&m.matched, m.span))
        })
        .expect("reading from memory cannot fail");
    assert_eq!(read, text.len() as u64);
    assert_eq!(all(&found), in_pieces, "pieces of {size} bytes found something else");

    let redactor = Redactor::new(&DETECTOR);
    let masked = redactor.redact(&text);
    for m in &found {
        let secret = String::from_utf8_lossy(m.detected_key.secret.reveal()).into_owned();
        assert!(!masked.contains(&secret), "the mask shows a key");
        let excerpt = redactor.excerpt(&text, m.span.clone(), &m.detected_key.secret);
        assert!(!excerpt.text.contains(&secret), "the excerpt shows a key");
        assert!(excerpt.text.is_char_boundary(excerpt.start) && excerpt.text.is_char_boundary(excerpt.end));
    }
    DETECTOR.explain(&text);
    assert!(!found.iter().any(|m| m.detected_key.secret.reveal() == MARKER.as_bytes()));
});
