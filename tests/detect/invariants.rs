//! Tests invariants of the detector on random texts, which consist of parts of keys, text that only looks like keys, and
//! random bytes.

use friskey::detect::{Detector, Redactor, Stream};
use friskey::rules::{MARKER, expand_template};
use proptest::prelude::*;

use super::encoded::encode;
use super::{detector, dumps, find_all};

/// Keys, encoded or not, and text that the detector treats specially next to keys.
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
    // Steps of `encode`.
    let encodings = prop::sample::select(vec![
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
    // Text between parts of a key, and what encoded keywords begin with.
    let joints = prop::sample::select(vec![
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
        4 => (templates.clone(), 0..1000_u64).prop_map(|(template, seed)| expand_template(template, seed).text),
        2 => (templates.clone(), 0..1000_u64, 0..dumps::TOOL_COUNT)
            .prop_map(|(template, seed, tool)| dumps::dump(&expand_template(template, seed).text, tool)),
        4 => (templates, 0..1000_u64, encodings.clone())
            .prop_map(|(template, seed, steps)| encode(&expand_template(template, seed).text, steps)),
        2 => (joints.clone(), 3..24_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
        2 => (encodings, 2..40_usize).prop_map(|(steps, times)| {
            encode(&format!("sk-proj-{MARKER}").repeat(times).into_bytes(), steps)
        }),
        4 => joints.prop_map(|text| text.as_bytes().to_vec()),
        6 => literals.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

/// Fewer than `max_pieces` pieces.
fn text(max_pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..max_pieces).prop_map(|pieces| pieces.concat())
}

/// The matches in `text`, as text that can be compared.
fn summarize(detector: &Detector, text: &[u8], with_prefilter: bool) -> Vec<String> {
    let mut summaries = Vec::new();
    let mut push = |m: friskey::detect::Match| {
        summaries.push(format!("{:?} {} {:?}", m.span, m.encoding, m.detected_key))
    };
    match with_prefilter {
        true => detector.find(text, &mut push),
        false => detector.find_plainly(text, &mut push),
    }
    summaries
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
    fn the_prefilter_does_not_change_the_matches(text in text(14)) {
        let detector = detector();
        prop_assert_eq!(summarize(detector, &text, true), summarize(detector, &text, false));
    }

    #[test]
    fn chunk_and_read_sizes_do_not_change_the_matches(
        text in text(60),
        chunk_size in 1..3000_usize,
        max_read in 1..900_usize,
    ) {
        let detector = detector();
        let whole: Vec<_> = find_all(detector, &text).into_iter().map(|m| (m.span, m.detected_key)).collect();
        let mut in_chunks = Vec::new();
        let mut stream = Stream::default();
        let read = stream
            .search_in_chunks(detector, &mut SlowReader { rest: &text, max_read }, chunk_size, |chunk, one| {
                let start = usize::try_from(one.span.start.offset).unwrap();
                let end = usize::try_from(one.span.end.offset).unwrap();
                let position = friskey::model::Position::START.after_bytes(&text[..start]);
                // In UTF-16 text, lines and columns are counted in its own characters.
                if !one.matched.encoding.starts_with("utf-16") {
                    assert_eq!(position, one.span.start);
                }
                assert_eq!(&chunk.bytes[one.matched.span.clone()], &text[start..end]);
                in_chunks.push((start..end, one.matched.detected_key));
            })
            .unwrap();
        prop_assert_eq!(read, text.len() as u64);
        prop_assert_eq!(in_chunks, whole);
    }

    #[test]
    fn a_match_depends_only_on_bytes_within_the_margin(text in text(60), ends in any::<[prop::sample::Index; 2]>()) {
        let detector = detector();
        let [a, b] = ends.map(|end| end.index(text.len() + 1));
        let window = a.min(b)..a.max(b);
        // Within the margin of an end of the window, the matches may differ from those in the whole text.
        let low = if window.start == 0 { 0 } else { window.start + detector.margin() };
        let high = if window.end == text.len() { text.len() } else { window.end.saturating_sub(detector.margin()) };
        let is_beyond_margins = |span: &std::ops::Range<usize>| low <= span.start && span.end <= high;
        let find_beyond_margins = |bytes: &[u8], offset: usize| -> Vec<_> {
            find_all(detector, bytes)
                .into_iter()
                .map(|m| (m.span.start + offset..m.span.end + offset, m.encoding, m.detected_key))
                .filter(|(span, ..)| is_beyond_margins(span))
                .collect()
        };
        prop_assert_eq!(find_beyond_margins(&text[window.clone()], window.start), find_beyond_margins(&text, 0));
        for one in find_all(detector, &text) {
            prop_assert!(one.span.len() <= detector.max_match_len());
        }
    }

    #[test]
    fn the_text_around_a_key_does_not_change_its_fingerprint(before in text(4), after in text(4), seed in 0..1000_u64) {
        let detector = detector();
        let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:74}", seed).text;
        let alone = find_all(detector, &key)[0].detected_key.fingerprint;
        let text = [&before[..], b" ", &key, b" ", &after].concat();
        prop_assert!(find_all(detector, &text).iter().any(|m| m.detected_key.fingerprint == alone));
    }

    #[test]
    fn redacted_text_contains_no_secret(text in text(10)) {
        let detector = detector();
        let redactor = Redactor::new(detector);
        let redacted = redactor.redact(&text);
        for m in find_all(detector, &text) {
            let secret = String::from_utf8_lossy(m.detected_key.secret.reveal()).into_owned();
            prop_assert!(!redacted.contains(&secret));
            if m.encoding != "utf-8" {
                let encoded = String::from_utf8_lossy(&text[m.span.clone()]).into_owned();
                prop_assert!(!redacted.contains(&encoded));
            }
            let excerpt = redactor.excerpt(&text, m.span.clone(), &m.detected_key.secret);
            prop_assert!(excerpt.text.is_char_boundary(excerpt.start) && excerpt.text.is_char_boundary(excerpt.end));
            for other in find_all(detector, &text) {
                // The excerpt may end within another key, so search for parts of it, too.
                let secret = other.detected_key.secret.reveal();
                let encoded = &text[other.span.clone()];
                // The excerpt displays the prefix, which may contain the long name of a service.
                let prefix_len = other.detected_key.secret.prefix_len().max(8);
                for part in secret.windows(16).skip(prefix_len).chain(encoded.windows(24).skip(16)) {
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

/// The second key is followed by bytes that are not UTF-8. For some number of blanks, the excerpt ends among them.
#[test]
fn a_key_at_the_end_of_an_excerpt_is_masked() {
    let mut text = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let first = 0..text.len();
    let secret = friskey::model::Secret::new(text.clone(), 8);
    let second = expand_template("sk-proj-{base62:20}{marker}{base62:20}", 2).text;
    for blanks in 0..40 {
        text.truncate(first.end);
        text.extend(std::iter::repeat_n(b' ', blanks));
        text.extend(&second);
        text.extend([0x80; 80]);
        let excerpt = Redactor::new(detector()).excerpt(&text, first.clone(), &secret).text;
        assert!(!excerpt.contains(&String::from_utf8_lossy(&second)[8..24]), "{blanks}: {excerpt}");
    }
}
