//! Tests invariants of the detector on texts made of pieces of keys, look-alikes and noise.

use friskey::detect::{Detector, Redactor, Stream};
use friskey::rules::{MARKER, expand};
use proptest::prelude::*;

use super::encoded::encoded;
use super::{detector, dumps, found};

/// Pieces that make trouble when they meet.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let templates = prop::sample::select(vec![
        "sk-proj-{base64url:74}{marker}{base64url:72}{zero}",
        "sk-{base62:20}{marker}{base62:20}",
        "sk-{base64url:42}{marker}{base64url:42}",
        "sk-bot-{base62:20}{marker}{base62:20}",
        "sk-admin-{base64url:58}{marker}{base64url:30}",
        "sk-proj-{base64url:60}",
        "sk-{base62:48}",
        "{base64url:30}",
        "{base62:8}",
        "{hex:32}",
        "AZURE_OPENAI_API_KEY={hex:32}",
        "sess-{base62:40}",
    ]);
    let literals = prop::sample::select(vec![
        "sk-",
        "sk-proj-",
        "sk-admin-",
        MARKER,
        "task-",
        "openai",
        "\n",
        "\\n",
        " ",
        "_",
        "-",
        "=",
        "\"",
        "é",
        "%3D",
        "https://api.moonshot.cn",
        "key",
        "openai.azure.com",
        "ek_",
        "desk-sk-",
        "\u{0}",
    ]);
    let disguises = prop::sample::select(vec![
        "base64",
        "base64url",
        "base64,wrap:76:\n",
        "base64,wrap:64:\\n",
        "utf-16le",
        "utf-16be",
        "utf-32le",
        "utf-32be",
        "hex",
        "hex-apart",
        "hex,wrap:60:\n",
        "utf-16le,hex",
        "utf-16be,hex-apart",
        "utf-16le,base64",
        "base64,base64",
        "unicode",
        "unicode-symbols",
        "percent-symbols",
        "entity-symbols",
        "quoted-symbols",
        "soft:30",
        "split:30:\" + \"",
        "split:40:\"\n  \"",
        "split:30:\u{1b}[0m",
        "split:50:\\\n",
        "split:60:\n  ",
        "markdown",
    ]);
    let repeated = disguises.clone();
    let seams = prop::sample::select(vec![
        "\" + \"",
        "' '",
        "\"\n    \"",
        "\\\n",
        "\n  ",
        "\", \"",
        "\" +\n+  \"",
        "\\\n-",
        "\n+",
        "\n# ",
        "\\\" +\\n\",\n  \"\\\"",
        "\"\nk += \"",
        "</b><i>",
        "\u{200b}",
        "&quot; + &quot;",
        "=\r\n",
        "\u{1b}[32m",
        "\\u002d",
        "%2D",
        "&#45;",
        "\\",
        "%",
        "&",
        "c2st",
        "NrL",
        "zay",
        "736b2d",
        "73 6b2d",
        "\n00000010: 73",
        "73006b00",
        "73,6b,",
        "s\0k\0-\0",
        "sk\\",
        "\\x73",
        "=73",
    ]);
    prop_oneof![
        4 => (templates.clone(), 0..1000_u64).prop_map(|(template, seed)| expand(template, seed).text),
        2 => (templates.clone(), 0..1000_u64, 0..dumps::COUNT)
            .prop_map(|(template, seed, tool)| dumps::dumped(&expand(template, seed).text, tool)),
        4 => (templates, 0..1000_u64, disguises)
            .prop_map(|(template, seed, steps)| encoded(&expand(template, seed).text, steps)),
        2 => (seams.clone(), 3..24_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
        2 => (repeated, 2..40_usize).prop_map(|(steps, times)| {
            encoded(&format!("sk-proj-{MARKER}").repeat(times).into_bytes(), steps)
        }),
        4 => seams.prop_map(|text| text.as_bytes().to_vec()),
        6 => literals.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn text(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..pieces).prop_map(|pieces| pieces.concat())
}

fn summary(detector: &Detector, text: &[u8], plainly: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut push =
        |m: friskey::detect::Match| all.push(format!("{:?} {} {:?}", m.span, m.encoding, m.detected_key));
    match plainly {
        true => detector.find_plainly(text, &mut push),
        false => detector.find(text, &mut push),
    }
    all
}

/// A reader that returns at most `max_read` bytes at a time.
struct SlowReader<'a> {
    rest: &'a [u8],
    max_read: usize,
}

impl std::io::Read for SlowReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.max_read.min(buffer.len()).min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_prefilter_loses_nothing(text in text(14)) {
        let detector = detector();
        prop_assert_eq!(summary(detector, &text, false), summary(detector, &text, true));
    }

    #[test]
    fn read_boundaries_change_nothing(text in text(60), size in 1..3000_usize, step in 1..900_usize) {
        let detector = detector();
        let whole: Vec<_> = found(detector, &text).into_iter().map(|m| (m.span, m.detected_key)).collect();
        let mut in_chunks = Vec::new();
        let mut stream = Stream::default();
        let read = stream
            .search_in_chunks(detector, &mut SlowReader { rest: &text, max_read: step }, size, |chunk, found| {
                let at = usize::try_from(found.span.start.offset).unwrap();
                let end = usize::try_from(found.span.end.offset).unwrap();
                let here = friskey::model::Position::START.after_bytes(&text[..at]);
                if !found.matched.encoding.starts_with("utf-16") {
                    assert_eq!(here, found.span.start);
                }
                assert_eq!(&chunk.bytes[found.matched.span.clone()], &text[at..end]);
                in_chunks.push((at..end, found.matched.detected_key));
            })
            .unwrap();
        prop_assert_eq!(read, text.len() as u64);
        prop_assert_eq!(in_chunks, whole);
    }

    #[test]
    fn a_verdict_depends_only_on_bytes_within_the_margin(text in text(60), cut in any::<[prop::sample::Index; 2]>()) {
        let detector = detector();
        let [a, b] = cut.map(|cut| cut.index(text.len() + 1));
        let window = a.min(b)..a.max(b);
        // Near its edges a window may see something else, but nowhere else.
        let low = if window.start == 0 { 0 } else { window.start + detector.margin() };
        let high = if window.end == text.len() { text.len() } else { window.end.saturating_sub(detector.margin()) };
        let inside = |span: &std::ops::Range<usize>| low <= span.start && span.end <= high;
        let of = |bytes: &[u8], offset: usize| -> Vec<_> {
            found(detector, bytes)
                .into_iter()
                .map(|m| (m.span.start + offset..m.span.end + offset, m.encoding, m.detected_key))
                .filter(|(span, ..)| inside(span))
                .collect()
        };
        prop_assert_eq!(of(&text[window.clone()], window.start), of(&text, 0));
        for one in found(detector, &text) {
            prop_assert!(one.span.len() <= detector.max_match_len());
        }
    }

    #[test]
    fn a_fingerprint_does_not_move_with_edits_elsewhere(before in text(4), after in text(4), seed in 0..1000_u64) {
        let detector = detector();
        let key = expand("sk-proj-{base64url:74}{marker}{base64url:74}", seed).text;
        let alone = found(detector, &key)[0].detected_key.fingerprint;
        let text = [&before[..], b" ", &key, b" ", &after].concat();
        prop_assert!(found(detector, &text).iter().any(|m| m.detected_key.fingerprint == alone));
    }

    #[test]
    fn masked_text_holds_no_secret(text in text(10)) {
        let detector = detector();
        let redactor = Redactor::new(detector);
        let shown = redactor.redact(&text);
        for m in found(detector, &text) {
            let secret = String::from_utf8_lossy(m.detected_key.secret.reveal()).into_owned();
            prop_assert!(!shown.contains(&secret));
            if m.encoding != "utf-8" {
                let encoded = String::from_utf8_lossy(&text[m.span.clone()]).into_owned();
                prop_assert!(!shown.contains(&encoded));
            }
            let excerpt = redactor.excerpt(&text, m.span.clone(), &m.detected_key.secret);
            prop_assert!(excerpt.text.is_char_boundary(excerpt.start) && excerpt.text.is_char_boundary(excerpt.end));
            for other in found(detector, &text) {
                // Neither whole nor in large part: the excerpt may cut through a neighbour.
                let secret = other.detected_key.secret.reveal();
                let encoded = &text[other.span.clone()];
                // The name of a service may be long and is displayed.
                let shown = other.detected_key.secret.prefix_len().max(8);
                for part in secret.windows(16).skip(shown).chain(encoded.windows(24).skip(16)) {
                    // Text that also occurs elsewhere may be displayed from there.
                    if memchr::memmem::find_iter(&text, part).count() > 1 {
                        continue;
                    }
                    let part = String::from_utf8_lossy(part).into_owned();
                    prop_assert!(!excerpt.text.contains(&part), "{} in {}", part, excerpt.text);
                }
            }
        }
    }
}

/// A byte that is not a whole character, exactly where the excerpt around a finding is cut.
#[test]
fn a_neighbour_at_the_edge_of_what_is_shown_is_masked() {
    let mut text = expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let first = 0..text.len();
    let secret = friskey::model::Secret::new(text.clone(), 8);
    let other = expand("sk-proj-{base62:20}{marker}{base62:20}", 2).text;
    for filler in 0..40 {
        text.truncate(first.end);
        text.extend(std::iter::repeat_n(b' ', filler));
        text.extend(&other);
        text.extend([0x80; 80]);
        let shown = Redactor::new(detector()).excerpt(&text, first.clone(), &secret).text;
        assert!(!shown.contains(&String::from_utf8_lossy(&other)[8..24]), "{filler}: {shown}");
    }
}
