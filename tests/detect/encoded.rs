//! Tests encoded keys: cases as data, and every encoding with every shape in arbitrary surroundings. The encoders here
//! know which bytes encode the key, so that the position is checked, too.

use friskey::detect::Match;
use friskey::rules::{MARKER, expand};
use proptest::prelude::*;
use serde::Deserialize;

use super::cases::{Shape, shapes};
use super::{detector, found, reported};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default = "key")]
    inner: String,
    with: Vec<String>,
    #[serde(default = "bare")]
    text: String,
    encoding: String,
}

fn key() -> String {
    "{KEY}".to_owned()
}

fn bare() -> String {
    "{ENCODED}".to_owned()
}

/// Bytes, and for each whether it encodes part of the key.
pub(super) type Text = Vec<(u8, bool)>;

pub(super) fn marked(bytes: &[u8], is_key: bool) -> Text {
    bytes.iter().map(|&byte| (byte, is_key)).collect()
}

fn filled(template: &str, name: &str, with: Text) -> Text {
    let (before, after) = template.split_once(name).unwrap();
    [marked(before.as_bytes(), false), with, marked(after.as_bytes(), false)].concat()
}

pub(super) fn bytes(text: &Text) -> Vec<u8> {
    text.iter().map(|(byte, _)| *byte).collect()
}

pub(super) fn span(text: &Text) -> std::ops::Range<usize> {
    let first = text.iter().position(|(_, is_key)| *is_key).unwrap();
    first..text.iter().rposition(|(_, is_key)| *is_key).unwrap() + 1
}

fn base64(text: &Text, alphabet: &[u8; 64], padded: bool) -> Text {
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
            out.extend(marked(&b"=="[..3 - group.len()], false));
        }
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Each byte selected by `which`, written in the format `format`.
fn each(text: &Text, which: fn(u8) -> bool, format: fn(u8) -> String) -> Text {
    let one = |&(byte, is_key): &(u8, bool)| match which(byte) {
        true => marked(format(byte).as_bytes(), is_key),
        false => vec![(byte, is_key)],
    };
    text.iter().flat_map(one).collect()
}

fn all(_: u8) -> bool {
    true
}

fn symbol(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
}

fn between(text: &Text, every: usize, separator: &str) -> Text {
    let separator = marked(separator.as_bytes(), false);
    text.chunks(every).map(<[_]>::to_vec).collect::<Vec<_>>().join(&separator[..])
}

fn wide(text: &Text, little: bool) -> Text {
    let string = String::from_utf8(bytes(text)).unwrap();
    let mut out = Vec::new();
    for (at, c) in string.char_indices() {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let pair = if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            out.extend(marked(&pair, text[at].1));
        }
    }
    out
}

fn step(text: &Text, step: &str) -> Text {
    let mut parts = step.splitn(3, ':');
    let (name, every) = (parts.next().unwrap(), parts.next());
    let every = || every.unwrap().parse::<usize>().unwrap();
    match name {
        "base64" => base64(text, STANDARD, true),
        "base64url" => base64(text, URL, false),
        "utf-16le" => wide(text, true),
        "utf-16be" => wide(text, false),
        "utf-32le" => text.iter().flat_map(|&(byte, is_key)| marked(&[byte, 0, 0, 0], is_key)).collect(),
        "utf-32be" => text.iter().flat_map(|&(byte, is_key)| marked(&[0, 0, 0, byte], is_key)).collect(),
        "hex" => each(text, all, |byte| format!("{byte:02x}")),
        "HEX" => each(text, all, |byte| format!("{byte:02X}")),
        "hex-apart" | "array" => {
            let (len, separator) = if name == "array" { (4, ", ") } else { (2, " ") };
            let format = |byte| format!("{byte:02x}");
            let prefixed = |byte| format!("0x{byte:02x}");
            between(&each(text, all, if name == "array" { prefixed } else { format }), len, separator)
        }
        "decimal" => {
            let separator = marked(step.split_once(':').unwrap().1.as_bytes(), false);
            let number = |&one: &(u8, bool)| each(&vec![one], all, |byte| byte.to_string());
            text.iter().map(number).collect::<Vec<_>>().join(&separator[..])
        }
        "wrap" => {
            // What wraps breaks at blanks, and drops them.
            let separator = parts.next().unwrap();
            let wrapped: Vec<Text> = text
                .chunks(every())
                .map(|line| {
                    let end = line.iter().rposition(|(byte, _)| *byte != b' ').map_or(0, |at| at + 1);
                    line[..end].to_vec()
                })
                .collect();
            wrapped.join(&marked(separator.as_bytes(), false)[..])
        }
        "split" => between(text, every(), parts.next().unwrap()),
        "slash" => each(text, |byte| byte == b'/', |_| "\\/".to_owned()),
        "backslashes" => each(text, |byte| byte == b'\\', |_| "\\\\".to_owned()),
        "unicode" => each(text, all, |byte| format!("\\u{byte:04x}")),
        "unicode-symbols" => each(text, symbol, |byte| format!("\\u{byte:04X}")),
        "unicode-long" => each(text, all, |byte| format!("\\U{byte:08x}")),
        "unicode-brace" => each(text, all, |byte| format!("\\u{{{byte:04x}}}")),
        "hex-escape" => each(text, all, |byte| format!("\\x{byte:02x}")),
        "hex-escape-symbols" => each(text, symbol, |byte| format!("\\x{byte:02X}")),
        "octal" => each(text, all, |byte| format!("\\{byte:03o}")),
        "markdown" => each(text, symbol, |byte| format!("\\{}", char::from(byte))),
        "percent" => each(text, all, |byte| format!("%{byte:02X}")),
        "percent-symbols" => each(text, symbol, |byte| format!("%{byte:02X}")),
        "percent-twice" => each(text, symbol, |byte| format!("%25{byte:02X}")),
        "percent-u" => each(text, all, |byte| format!("%u{byte:04X}")),
        "entity-padded" => each(text, all, |byte| format!("&#{byte:04};")),
        "entity" => each(text, all, |byte| format!("&#{byte};")),
        "entity-symbols" => each(text, symbol, |byte| format!("&#{byte};")),
        "entity-long" => each(text, all, |byte| format!("&#x{byte:04X};")),
        "entity-hex-symbols" => each(text, symbol, |byte| format!("&#x{byte:x};")),
        "entity-hex" => each(text, all, |byte| format!("&#x{byte:x};")),
        "quoted" => each(text, all, |byte| format!("={byte:02X}")),
        "quoted-symbols" => each(text, symbol, |byte| format!("={byte:02X}")),
        "soft" => between(text, every(), "=\r\n"),
        other => panic!("no step {other}"),
    }
}

pub(super) fn through(text: Text, steps: &[String]) -> Text {
    steps.iter().fold(text, |text, name| step(&text, name))
}

/// `text` written as `steps` say, which commas part.
pub(super) fn encoded(text: &[u8], steps: &str) -> Vec<u8> {
    bytes(&steps.split(',').fold(marked(text, true), |text, name| step(&text, name)))
}

fn cases() -> Vec<Case> {
    toml::from_str::<Cases>(include_str!("../../fixtures/encodings.toml")).unwrap().case
}

fn is_it(found: &[Match], text: &Text, key: &[u8], shape: &Shape, encoding: &str) -> bool {
    let base64url =
        encoding == "base64" && text.iter().any(|&(byte, is_key)| is_key && b"-_".contains(&byte));
    let encoding = if base64url { "base64url" } else { encoding };
    matches!(found, [one]
        if one.span == span(text)
            && *one.detected_key.kind == *shape.kind
            && one.detected_key.confidence == shape.confidence
            && one.detected_key.secret.reveal() == key
            && one.encoding == encoding)
}

/// The longest span that is searched.
const LONGEST: usize = 2880;

#[test]
fn every_shape_is_found_in_every_case() {
    let detector = detector();
    let mut missed = Vec::new();
    for case in cases() {
        for shape in shapes() {
            for seed in 0..3 {
                let key = expand(&shape.template, seed).text;
                let inner = filled(&case.inner, "{KEY}", marked(&key, true));
                let text = through(inner.clone(), &case.with);
                // A short key is not split.
                let encoding = if text == inner { "utf-8" } else { &case.encoding };
                let text = filled(&case.text, "{ENCODED}", text);
                if span(&text).len() > LONGEST {
                    continue;
                }
                let found = reported(detector, &bytes(&text));
                if !is_it(&found, &text, &key, &shape, encoding) {
                    let shown: Vec<_> =
                        found.iter().map(|m| (&m.span, m.encoding, &m.detected_key.evidence)).collect();
                    missed.push(format!(
                        "{} / {} / {seed}: {:?}, not {shown:?}",
                        case.name,
                        shape.name,
                        span(&text)
                    ));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

/// Ways of writing a text, each with what surrounds it in a file.
const WAYS: &[(&str, &[&str], &str, &str)] = &[
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

/// The text before, between and after the parts of a split literal.
const GLUES: &[(&str, &str, &str)] = &[
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

/// Escapes for single characters.
const ESCAPES: &[(&str, &str)] = &[
    ("unicode-escape", "unicode"),
    ("hex-escape", "hex-escape"),
    ("octal-escape", "octal"),
    ("percent", "percent"),
    ("html-entity", "entity"),
    ("html-entity", "entity-hex"),
    ("quoted-printable", "quoted"),
];

/// Text that is encoded along with the key, and ends where a key may begin.
fn surroundings() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zA-Z0-9 :=_/+.-]{0,300}[ \":=\n]", "[ -~\n]{0,40}[ \":=\n]",]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encoded_keys_are_found_at_their_position(
        shape in 0..shapes().len(),
        way in 0..WAYS.len(),
        before in surroundings(),
        after in "(|[ \",;\n][ -~\n]{0,300})",
        outside in "(|[ -~\n]{0,200}[ \n])",
        seed in 0..10_000_u64,
    ) {
        let (encoding, steps, open, close) = WAYS[way];
        let shape = &shapes()[shape];
        let key = expand(&shape.template, seed).text;
        let inner = [marked(before.as_bytes(), false), marked(&key, true), marked(after.as_bytes(), false)].concat();
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        let outside = marked(outside.as_bytes(), false);
        let text = [
            outside.clone(),
            marked(open.as_bytes(), false),
            through(inner, &steps),
            marked(close.as_bytes(), false),
            outside.clone(),
        ]
        .concat();
        prop_assume!(span(&text).len() <= LONGEST);
        let found = reported(detector(), &bytes(&text));
        let shown: Vec<_> = found.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {shown:?} {}", shape.name, span(&text), String::from_utf8_lossy(&bytes(&text)));
        // If a key ends with its text, what follows may look like more of it, which lowers the confidence.
        let mut shape = shape.clone();
        if let [one] = &found[..] && after.is_empty() && !outside.is_empty() {
            shape.confidence = one.detected_key.confidence;
        }
        // Five equal characters, say, are as good as never random, and no key.
        prop_assume!(!reported(detector(), &key).is_empty());
        prop_assert!(is_it(&found, &text, &key, &shape, encoding), "{}", message);
    }

    #[test]
    fn a_literal_may_be_split_anywhere(
        shape in 0..shapes().len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        glue in prop::sample::select(GLUES.to_vec()),
        seed in 0..10_000_u64,
    ) {
        let shape = &shapes()[shape];
        let key = expand(&shape.template, seed).text;
        let (open, glue, close) = glue;
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| 1 + cut.index(key.len() - 1)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        // Something must be left to begin with.
        let marker = memchr::memmem::find(&key, MARKER.as_bytes()).unwrap();
        let is_whole = |part: std::ops::Range<usize>| !cuts.iter().any(|cut| part.start < *cut && *cut < part.end);
        prop_assume!(is_whole(0..3) || is_whole(marker..marker + MARKER.len()));
        let mut text = marked(open.as_bytes(), false);
        for (at, &byte) in key.iter().enumerate() {
            if cuts.contains(&at) {
                text.extend(marked(glue.as_bytes(), false));
            }
            text.push((byte, true));
        }
        text.extend(marked(close.as_bytes(), false));
        let found = reported(detector(), &bytes(&text));
        let shown: Vec<_> = found.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {shown:?} {}", shape.name, span(&text), String::from_utf8_lossy(&bytes(&text)));
        let encoding = if glue.contains('\u{1b}') { "ansi" } else if glue.starts_with('=') { "quoted-printable" } else { "split" };
        prop_assert!(is_it(&found, &text, &key, shape, encoding), "{}", message);
        let evidence = &found[0].detected_key.evidence;
        let parts = format!("joined from {} parts", cuts.len() + 1);
        prop_assert!(encoding != "split" || evidence.contains(&parts), "{:?}", evidence);
    }

    #[test]
    fn any_character_may_be_escaped(
        shape in 0..shapes().len(),
        escaped in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        way in prop::sample::select(ESCAPES.to_vec()),
        seed in 0..10_000_u64,
    ) {
        let shape = &shapes()[shape];
        let key = expand(&shape.template, seed).text;
        let marker = memchr::memmem::find(&key, MARKER.as_bytes()).unwrap();
        let inner = marker..marker + MARKER.len();
        let escaped: Vec<usize> =
            escaped.iter().map(|at| at.index(key.len())).filter(|at| !inner.contains(at)).collect();
        prop_assume!(!escaped.is_empty());
        let (encoding, name) = way;
        let one = |at: usize| match escaped.contains(&at) {
            true => step(&marked(&key[at..=at], true), name),
            false => marked(&key[at..=at], true),
        };
        let text = [marked(b"key: ", false), (0..key.len()).flat_map(one).collect(), marked(b" ", false)].concat();
        let found = reported(detector(), &bytes(&text));
        let shown: Vec<_> = found.iter().map(|m| (&m.span, m.encoding, &m.detected_key)).collect();
        let message = format!("{} {:?} {shown:?} {}", shape.name, span(&text), String::from_utf8_lossy(&bytes(&text)));
        prop_assert!(is_it(&found, &text, &key, shape, encoding), "{}", message);
    }

    #[test]
    fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop_oneof![
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
        for one in found(detector, &text) {
            prop_assert!(one.span.end <= text.len() && !one.span.is_empty());
        }
        let redactor = friskey::detect::Redactor::new(detector);
        let _ = (redactor.redact(&text), detector.explain(&text));
    }
}
