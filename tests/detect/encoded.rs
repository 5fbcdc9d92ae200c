//! Tests encoded keys: the cases in `fixtures/encodings.toml`, and every encoding with every shape of key in arbitrary
//! surroundings. The encoders here track which bytes encode the key, so the tests also check the position.

use friskey::detect::Match;
use friskey::rules::{MARKER, expand_template};
use proptest::prelude::*;
use serde::Deserialize;

use super::cases::{Shape, shapes};
use super::{detector, find_all, find_reported};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The text before it is encoded, with `{KEY}` in place of the key.
    #[serde(default = "key_placeholder")]
    inner: String,
    /// The names of the encoding steps; [`apply_step`] defines them.
    steps: Vec<String>,
    /// The text to search, with `{ENCODED}` in place of the encoded `inner`.
    #[serde(default = "encoded_placeholder")]
    text: String,
    /// The name of the encoding in the match.
    encoding: String,
}

fn key_placeholder() -> String {
    "{KEY}".to_owned()
}

fn encoded_placeholder() -> String {
    "{ENCODED}".to_owned()
}

/// Bytes, each with whether it encodes part of the key.
pub(super) type TaggedText = Vec<(u8, bool)>;

/// `bytes`, each tagged with `is_key`.
pub(super) fn tag(bytes: &[u8], is_key: bool) -> TaggedText {
    bytes.iter().map(|&byte| (byte, is_key)).collect()
}

/// `template` with `value` in place of `placeholder`.
fn fill(template: &str, placeholder: &str, value: TaggedText) -> TaggedText {
    let (before, after) = template.split_once(placeholder).unwrap();
    [tag(before.as_bytes(), false), value, tag(after.as_bytes(), false)].concat()
}

pub(super) fn bytes(text: &TaggedText) -> Vec<u8> {
    text.iter().map(|(byte, _)| *byte).collect()
}

/// The smallest range that contains all of the encoded key.
pub(super) fn key_span(text: &TaggedText) -> std::ops::Range<usize> {
    let first = text.iter().position(|(_, is_key)| *is_key).unwrap();
    first..text.iter().rposition(|(_, is_key)| *is_key).unwrap() + 1
}

fn base64(text: &TaggedText, alphabet: &[u8; 64], padded: bool) -> TaggedText {
    let mut out = Vec::new();
    for group in text.chunks(3) {
        let byte = |index: usize| group.get(index).copied().unwrap_or((0, false));
        let bits = u32::from(byte(0).0) << 16 | u32::from(byte(1).0) << 8 | u32::from(byte(2).0);
        for index in 0..=group.len() {
            let is_key = match index {
                0 => byte(0).1,
                1 => byte(0).1 || byte(1).1,
                2 => byte(1).1 || byte(2).1,
                _ => byte(2).1,
            };
            out.push((alphabet[(bits >> (18 - 6 * index) & 63) as usize], is_key));
        }
        if padded {
            out.extend(tag(&b"=="[..3 - group.len()], false));
        }
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `text` with each byte that `is_encoded` selects replaced by its `format`.
fn each(text: &TaggedText, is_encoded: fn(u8) -> bool, format: fn(u8) -> String) -> TaggedText {
    let encode_byte = |&(byte, is_key): &(u8, bool)| match is_encoded(byte) {
        true => tag(format(byte).as_bytes(), is_key),
        false => vec![(byte, is_key)],
    };
    text.iter().flat_map(encode_byte).collect()
}

fn any_byte(_: u8) -> bool {
    true
}

fn is_symbol(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
}

/// `text` with a `separator` between every `interval` bytes and the next.
fn insert_separators(text: &TaggedText, interval: usize, separator: &str) -> TaggedText {
    let separator = tag(separator.as_bytes(), false);
    text.chunks(interval).map(<[_]>::to_vec).collect::<Vec<_>>().join(&separator[..])
}

fn utf16(text: &TaggedText, is_little_endian: bool) -> TaggedText {
    let string = String::from_utf8(bytes(text)).unwrap();
    let mut out = Vec::new();
    for (at, c) in string.char_indices() {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let pair = if is_little_endian { unit.to_le_bytes() } else { unit.to_be_bytes() };
            out.extend(tag(&pair, text[at].1));
        }
    }
    out
}

/// `text` after one encoding step, `NAME`, `NAME:INTERVAL`, `NAME:INTERVAL:SEPARATOR` or
/// `decimal:SEPARATOR`.
fn apply_step(text: &TaggedText, step: &str) -> TaggedText {
    let mut parts = step.splitn(3, ':');
    let (name, interval) = (parts.next().unwrap(), parts.next());
    let interval = || interval.unwrap().parse::<usize>().unwrap();
    match name {
        "base64" => base64(text, STANDARD, true),
        "base64url" => base64(text, URL, false),
        "utf-16le" => utf16(text, true),
        "utf-16be" => utf16(text, false),
        "utf-32le" => text.iter().flat_map(|&(byte, is_key)| tag(&[byte, 0, 0, 0], is_key)).collect(),
        "utf-32be" => text.iter().flat_map(|&(byte, is_key)| tag(&[0, 0, 0, byte], is_key)).collect(),
        "hex" => each(text, any_byte, |byte| format!("{byte:02x}")),
        "HEX" => each(text, any_byte, |byte| format!("{byte:02X}")),
        "hex-apart" | "array" => {
            let (len, separator) = if name == "array" { (4, ", ") } else { (2, " ") };
            let hex = |byte| format!("{byte:02x}");
            let prefixed_hex = |byte| format!("0x{byte:02x}");
            let digits = each(text, any_byte, if name == "array" { prefixed_hex } else { hex });
            insert_separators(&digits, len, separator)
        }
        "decimal" => {
            let separator = tag(step.split_once(':').unwrap().1.as_bytes(), false);
            let number = |&one: &(u8, bool)| each(&vec![one], any_byte, |byte| byte.to_string());
            text.iter().map(number).collect::<Vec<_>>().join(&separator[..])
        }
        "wrap" => {
            // Programs that wrap lines do so at blanks, which they drop.
            let separator = parts.next().unwrap();
            let lines: Vec<TaggedText> = text
                .chunks(interval())
                .map(|line| {
                    let end = line.iter().rposition(|(byte, _)| *byte != b' ').map_or(0, |at| at + 1);
                    line[..end].to_vec()
                })
                .collect();
            lines.join(&tag(separator.as_bytes(), false)[..])
        }
        "split" => insert_separators(text, interval(), parts.next().unwrap()),
        "slash" => each(text, |byte| byte == b'/', |_| "\\/".to_owned()),
        "backslashes" => each(text, |byte| byte == b'\\', |_| "\\\\".to_owned()),
        "unicode" => each(text, any_byte, |byte| format!("\\u{byte:04x}")),
        "unicode-symbols" => each(text, is_symbol, |byte| format!("\\u{byte:04X}")),
        "unicode-long" => each(text, any_byte, |byte| format!("\\U{byte:08x}")),
        "unicode-brace" => each(text, any_byte, |byte| format!("\\u{{{byte:04x}}}")),
        "hex-escape" => each(text, any_byte, |byte| format!("\\x{byte:02x}")),
        "hex-escape-symbols" => each(text, is_symbol, |byte| format!("\\x{byte:02X}")),
        "octal" => each(text, any_byte, |byte| format!("\\{byte:03o}")),
        "markdown" => each(text, is_symbol, |byte| format!("\\{}", char::from(byte))),
        "percent" => each(text, any_byte, |byte| format!("%{byte:02X}")),
        "percent-symbols" => each(text, is_symbol, |byte| format!("%{byte:02X}")),
        "percent-twice" => each(text, is_symbol, |byte| format!("%25{byte:02X}")),
        "percent-u" => each(text, any_byte, |byte| format!("%u{byte:04X}")),
        "entity-padded" => each(text, any_byte, |byte| format!("&#{byte:04};")),
        "entity" => each(text, any_byte, |byte| format!("&#{byte};")),
        "entity-symbols" => each(text, is_symbol, |byte| format!("&#{byte};")),
        "entity-long" => each(text, any_byte, |byte| format!("&#x{byte:04X};")),
        "entity-hex-symbols" => each(text, is_symbol, |byte| format!("&#x{byte:x};")),
        "entity-hex" => each(text, any_byte, |byte| format!("&#x{byte:x};")),
        "quoted" => each(text, any_byte, |byte| format!("={byte:02X}")),
        "quoted-symbols" => each(text, is_symbol, |byte| format!("={byte:02X}")),
        "soft" => insert_separators(text, interval(), "=\r\n"),
        other => panic!("unknown step {other}"),
    }
}

pub(super) fn apply_steps(text: TaggedText, steps: &[String]) -> TaggedText {
    steps.iter().fold(text, |text, step| apply_step(&text, step))
}

/// `text` after the comma-separated `steps`.
pub(super) fn encode(text: &[u8], steps: &str) -> Vec<u8> {
    bytes(&steps.split(',').fold(tag(text, true), |text, step| apply_step(&text, step)))
}

fn cases() -> Vec<Case> {
    toml::from_str::<Cases>(include_str!("../../fixtures/encodings.toml")).unwrap().case
}

/// Whether `key`, at its position and with the kind and confidence of its `shape`, is the only match.
fn is_only_match(matches: &[Match], text: &TaggedText, key: &[u8], shape: &Shape, encoding: &str) -> bool {
    let is_base64url =
        encoding == "base64" && text.iter().any(|&(byte, is_key)| is_key && b"-_".contains(&byte));
    let encoding = if is_base64url { "base64url" } else { encoding };
    matches!(matches, [one]
        if one.span == key_span(text)
            && *one.detected_key.kind == *shape.kind
            && one.detected_key.confidence == shape.confidence
            && one.detected_key.secret.reveal() == key
            && one.encoding == encoding)
}

/// Bytes of the longest encoded key that a test expects to be found: those that `src/detect/limits.rs` allows.
const MAX_ENCODED_LEN: usize = 2880;

#[test]
fn every_shape_is_found_in_every_case() {
    let detector = detector();
    let mut missed = Vec::new();
    for case in cases() {
        for shape in shapes() {
            for seed in 0..3 {
                let key = expand_template(&shape.template, seed).text;
                let inner = fill(&case.inner, "{KEY}", tag(&key, true));
                let encoded = apply_steps(inner.clone(), &case.steps);
                // A key shorter than the interval of a step is not split.
                let encoding = if encoded == inner { "utf-8" } else { &case.encoding };
                let text = fill(&case.text, "{ENCODED}", encoded);
                if key_span(&text).len() > MAX_ENCODED_LEN {
                    continue;
                }
                let matches = find_reported(detector, &bytes(&text));
                if !is_only_match(&matches, &text, &key, &shape, encoding) {
                    let actual: Vec<_> =
                        matches.iter().map(|m| (&m.span, m.encoding, &m.detected_key.evidence)).collect();
                    missed.push(format!(
                        "{} / {} / {seed}: {:?}, not {actual:?}",
                        case.name,
                        shape.name,
                        key_span(&text)
                    ));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

/// Encodings: the name in the match, the steps, and the text before and after the encoded text.
const ENCODINGS: &[(&str, &[&str], &str, &str)] = &[
    ("base64", &["base64"], " ", "\n"),
    ("base64", &["base64url"], "\"", "\""),
    ("base64", &["base64", "wrap:76:\n"], "\n", "\n"),
    ("base64", &["base64", "wrap:64:\r\n  "], "\n  ", "\n"),
    ("base64+utf-16le", &["utf-16le", "base64"], " ", "\n"),
    ("utf-16le", &["utf-16le"], "\u{1}", "\u{1}"),
    ("hex", &["hex"], "'", "'"),
    ("hex", &["HEX"], "'", "'"),
    ("hex", &["hex-apart"], "\n", "\n"),
    ("hex", &["array"], "{", "}"),
    ("decimal", &["decimal:, "], "[", "]"),
    ("decimal", &["decimal: "], "[", "]"),
    ("unicode-escape", &["unicode"], "\"", "\""),
    ("hex-escape", &["hex-escape"], "'", "'"),
    ("percent", &["percent"], "=", "&"),
    ("html-entity", &["entity"], ">", "<"),
    ("quoted-printable", &["quoted"], "\n", "\n"),
];

/// Split literals: the text before, between and after the parts of a key.
const CONCATENATIONS: &[(&str, &str, &str)] = &[
    ("\"", "\" + \"", "\""),
    ("'", "'+'", "'"),
    ("\"", "\" +\n    \"", "\""),
    ("\"", "\"\n  + \"", "\""),
    ("'", "' . '", "'"),
    ("\"", "\" .. \"", "\""),
    ("\"", "\" & _\r\n\t\"", "\""),
    ("\"", "\" & \"", "\""),
    ("'", "' || '", "'"),
    ("\"", "\" ~ \"", "\""),
    ("\"", "\".concat(\"", "\")"),
    ("\"", "\" <> \"", "\""),
    ("`", "` + `", "`"),
    ("[\"k = \\\"", "\\\" +\\n  \\\"", "\\\"\"]"),
    ("[\"k = (\\\"", "\\\"\\n\",\n  \"  \\\"", "\\\")\"]"),
    ("[\"", "\",\n  \"", "\"]"),
    ("\"", "\" + // more\n  \"", "\""),
    ("'", "';\n$k .= '", "'"),
    ("&quot;", "&quot; + &quot;", "&quot;"),
    ("<b>", "</b></w:r><w:r><b>", "</b>"),
    ("f\"", "\" + f\"", "\""),
    ("\\\"", "\\\" + \\\"", "\\\""),
    ("=", "\\\n", "\n"),
    ("\"", "\\\r\n    ", "\""),
    ("\n", "=\r\n", "\r\n"),
    (" ", "\u{1b}[0m\u{1b}[1;32m", "\u{1b}[0m"),
];

/// Escapes of single characters: the encoding's name in the match, and the step.
const ESCAPES: &[(&str, &str)] = &[
    ("unicode-escape", "unicode"),
    ("hex-escape", "hex-escape"),
    ("octal-escape", "octal"),
    ("percent", "percent"),
    ("html-entity", "entity"),
    ("html-entity", "entity-hex"),
    ("quoted-printable", "quoted"),
];

/// Text that is encoded along with the key after it. It ends with a byte after which a key may begin.
fn text_before_key() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zA-Z0-9 :=_/+.-]{0,300}[ \":=\n]", "[ -~\n]{0,40}[ \":=\n]",]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encoded_keys_are_found_at_their_position(
        shape in 0..shapes().len(),
        index in 0..ENCODINGS.len(),
        before in text_before_key(),
        after in "(|[ \",;\n][ -~\n]{0,300})",
        outside in "(|[ -~\n]{0,200}[ \n])",
        seed in 0..10_000_u64,
    ) {
        let (encoding, steps, open, close) = ENCODINGS[index];
        let shape = &shapes()[shape];
        let key = expand_template(&shape.template, seed).text;
        let inner = [tag(before.as_bytes(), false), tag(&key, true), tag(after.as_bytes(), false)].concat();
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        let outside = tag(outside.as_bytes(), false);
        let text = [
            outside.clone(),
            tag(open.as_bytes(), false),
            apply_steps(inner, &steps),
            tag(close.as_bytes(), false),
            outside.clone(),
        ]
        .concat();
        prop_assume!(key_span(&text).len() <= MAX_ENCODED_LEN);
        let matches = find_reported(detector(), &bytes(&text));
        let actual: Vec<_> = matches.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {actual:?} {}", shape.name, key_span(&text), String::from_utf8_lossy(&bytes(&text)));
        // If the encoded text ends with the key, the text that follows may look like more of the key, which lowers the
        // confidence.
        let mut shape = shape.clone();
        if let [one] = &matches[..] && after.is_empty() && !outside.is_empty() {
            shape.confidence = one.detected_key.confidence;
        }
        // A check may reject a random key, for example because of five equal characters in a row.
        prop_assume!(!find_reported(detector(), &key).is_empty());
        prop_assert!(is_only_match(&matches, &text, &key, &shape, encoding), "{}", message);
    }

    #[test]
    fn a_literal_may_be_split_anywhere(
        shape in 0..shapes().len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        concatenation in prop::sample::select(CONCATENATIONS.to_vec()),
        seed in 0..10_000_u64,
    ) {
        let shape = &shapes()[shape];
        let key = expand_template(&shape.template, seed).text;
        let (open, separator, close) = concatenation;
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| 1 + cut.index(key.len() - 1)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        // The prefix or the marker must be whole, since the search starts at a keyword.
        let marker = memchr::memmem::find(&key, MARKER.as_bytes()).unwrap();
        let is_whole = |part: std::ops::Range<usize>| !cuts.iter().any(|cut| part.start < *cut && *cut < part.end);
        prop_assume!(is_whole(0..3) || is_whole(marker..marker + MARKER.len()));
        let mut text = tag(open.as_bytes(), false);
        for (at, &byte) in key.iter().enumerate() {
            if cuts.contains(&at) {
                text.extend(tag(separator.as_bytes(), false));
            }
            text.push((byte, true));
        }
        text.extend(tag(close.as_bytes(), false));
        let matches = find_reported(detector(), &bytes(&text));
        let actual: Vec<_> = matches.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {actual:?} {}", shape.name, key_span(&text), String::from_utf8_lossy(&bytes(&text)));
        // A check may reject a random key, for example because of five equal characters in a row.
        prop_assume!(!find_reported(detector(), &key).is_empty());
        let encoding = if separator.contains('\u{1b}') {
            "ansi"
        } else if separator.starts_with('=') {
            "quoted-printable"
        } else {
            "split"
        };
        prop_assert!(is_only_match(&matches, &text, &key, shape, encoding), "{}", message);
        let evidence = &matches[0].detected_key.evidence;
        let parts = format!("joined from {} parts", cuts.len() + 1);
        prop_assert!(encoding != "split" || evidence.contains(&parts), "{:?}", evidence);
    }

    #[test]
    fn any_character_may_be_escaped(
        shape in 0..shapes().len(),
        escaped in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        escape in prop::sample::select(ESCAPES.to_vec()),
        seed in 0..10_000_u64,
    ) {
        let shape = &shapes()[shape];
        let key = expand_template(&shape.template, seed).text;
        let start = memchr::memmem::find(&key, MARKER.as_bytes()).unwrap();
        let marker = start..start + MARKER.len();
        let escaped: Vec<usize> =
            escaped.iter().map(|at| at.index(key.len())).filter(|at| !marker.contains(at)).collect();
        prop_assume!(!escaped.is_empty());
        let (encoding, step) = escape;
        let write_byte = |at: usize| match escaped.contains(&at) {
            true => apply_step(&tag(&key[at..=at], true), step),
            false => tag(&key[at..=at], true),
        };
        let written = (0..key.len()).flat_map(write_byte).collect();
        let text = [tag(b"key: ", false), written, tag(b" ", false)].concat();
        let matches = find_reported(detector(), &bytes(&text));
        let actual: Vec<_> = matches.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {actual:?} {}", shape.name, key_span(&text), String::from_utf8_lossy(&bytes(&text)));
        // A check may reject a random key, for example because of five equal characters in a row.
        prop_assume!(!find_reported(detector(), &key).is_empty());
        prop_assert!(is_only_match(&matches, &text, &key, shape, encoding), "{}", message);
    }

    #[test]
    fn no_bytes_make_the_detector_or_redactor_panic(pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "sk-", "sk\\", "\\x73", "\\u0073", "\\u{73}", "%73", "%252D", "&#115;", "&#x73;", "=73", "=\r\n", "\\\n  ",
            "\" + \"", "' '", "\u{1b}[32m", "\\u001b[", "c2st", "NrL", "zay", "736b2d", "73 6b 2d", "0x73, 0x6b, ",
            "s\0k\0-\0", "\0s\0k\0-", "cwBrAC0A", "\n", "\r\n    ", "\\n", "\"", "\\", "T3B", "lbkFJ", "-",
            "abcdefghijklmnopqrstuvwxyz0123456789", "\u{feff}", "&", "%", "=", "\n+", "\n# ", "> ", "\u{200b}", "</b>", "<b>", ", ", "//", "/*", "*/", "&quot;",
            "\\\\\\n", "^[[1m", "\u{2011}", ").append(", " += ", "N",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ], 0..80)) {
        let text = pieces.concat();
        let detector = detector();
        for one in find_all(detector, &text) {
            prop_assert!(one.span.end <= text.len() && !one.span.is_empty());
        }
        let redactor = friskey::detect::Redactor::new(detector);
        let _ = (redactor.redact(&text), detector.explain(&text));
    }
}
