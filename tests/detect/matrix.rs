//! Tests every encoding with every shape of key in many contexts: each key must be found at its position, with its kind,
//! confidence and fingerprint.

use friskey::detect::Match;
use friskey::model::{Confidence, Secret};
use friskey::rules::expand_template;

use super::cases::shapes;
use super::encoded::{TaggedText, apply_steps, bytes, key_span, tag};
use super::{detector, find_reported};

/// A way to encode a key.
struct Encoding {
    /// The name that the match must have.
    name: &'static str,
    /// Steps of [`apply_steps`].
    steps: &'static [&'static str],
    /// The text before the encoded key.
    open: &'static str,
    /// The text after it.
    close: &'static str,
}

const fn encoding(name: &'static str, steps: &'static [&'static str]) -> Encoding {
    Encoding { name, steps, open: "", close: "" }
}

/// A key in several string literals, with `open` before the first and `close` after the last.
const fn split(open: &'static str, steps: &'static [&'static str], close: &'static str) -> Encoding {
    Encoding { name: "split", steps, open, close }
}

const ENCODINGS: &[Encoding] = &[
    encoding("base64", &["base64"]),
    encoding("base64", &["base64url"]),
    encoding("base64", &["base64", "wrap:64:\n"]),
    encoding("base64", &["base64", "wrap:76:\r\n"]),
    encoding("base64", &["base64", "wrap:76:\n      "]),
    encoding("base64", &["base64", "wrap:60:\\n"]),
    encoding("base64", &["base64", "percent-symbols"]),
    encoding("base64", &["base64url", "percent-symbols"]),
    encoding("base64", &["base64", "split:50:\" + \""]),
    encoding("base64+utf-16le", &["utf-16le", "base64"]),
    encoding("base64+utf-16le", &["utf-16le", "base64", "wrap:76:\n"]),
    encoding("base64+base64", &["base64", "base64"]),
    encoding("base64+base64", &["base64", "base64", "wrap:76:\n"]),
    encoding("utf-16le", &["utf-16le"]),
    encoding("utf-32le", &["utf-32le"]),
    encoding("utf-32be", &["utf-32be"]),
    encoding("utf-16be", &["utf-16be"]),
    encoding("hex", &["hex"]),
    encoding("hex", &["HEX"]),
    encoding("hex", &["hex", "wrap:64:\n"]),
    encoding("hex", &["hex-apart"]),
    encoding("hex", &["hex-apart", "wrap:48:\n"]),
    encoding("hex", &["array"]),
    encoding("hex", &["array", "wrap:72:\n        "]),
    encoding("decimal", &["decimal:,"]),
    encoding("decimal", &["decimal:, "]),
    encoding("decimal", &["decimal: "]),
    encoding("decimal", &["decimal:,\n    "]),
    encoding("unicode-escape", &["unicode"]),
    encoding("unicode-escape", &["unicode", "backslashes"]),
    encoding("unicode-escape", &["unicode-long"]),
    encoding("unicode-escape", &["unicode-long", "backslashes"]),
    encoding("unicode-escape", &["unicode-brace"]),
    encoding("unicode-escape", &["unicode-symbols"]),
    encoding("hex-escape", &["hex-escape"]),
    encoding("hex-escape", &["hex-escape-symbols"]),
    encoding("octal-escape", &["octal"]),
    encoding("backslash-escape", &["markdown"]),
    encoding("percent", &["percent"]),
    encoding("percent", &["percent-symbols"]),
    encoding("percent", &["percent-twice"]),
    encoding("percent", &["percent-u"]),
    encoding("html-entity", &["entity-padded"]),
    encoding("html-entity", &["entity"]),
    encoding("html-entity", &["entity-hex"]),
    encoding("html-entity", &["entity-long"]),
    encoding("html-entity", &["entity-symbols"]),
    encoding("html-entity", &["entity-hex-symbols"]),
    encoding("quoted-printable", &["quoted"]),
    encoding("quoted-printable", &["quoted", "wrap:72:=\r\n"]),
    encoding("quoted-printable", &["quoted-symbols"]),
    encoding("quoted-printable", &["soft:30"]),
    encoding("ansi", &["split:17:\u{1b}[0m\u{1b}[1;32m"]),
    encoding("ansi", &["split:17:\\u001b[0m"]),
    split("\"", &["split:13:\" + \""], "\""),
    split("'", &["split:24:' +\n            '"], "'"),
    split("\"", &["split:30:\"\n        + \""], "\""),
    split("'", &["split:30:' . '"], "'"),
    split("\"", &["split:30:\" .. \""], "\""),
    split("\"", &["split:30:\" & _\r\n    \""], "\""),
    split("'", &["split:30:' || '"], "'"),
    split("\"", &["split:30:\" ~ \""], "\""),
    split("`", &["split:30:` +\n  `"], "`"),
    split("\\\"", &["split:30:\\\" + \\\""], "\\\""),
    split("", &["split:30:\\\n"], ""),
    split("\"", &["split:30:\\\n    "], "\""),
    // Without an operator.
    split("\"", &["split:40:\" \""], "\""),
    split("(\"", &["split:30:\"\n    \""], "\")"),
    split("'", &["split:20:' '"], "'"),
    split(">-\n  ", &["split:40:\n  "], ""),
    split("", &["split:45:\n    "], ""),
];

/// The text before and after an encoded key.
const CONTEXTS: &[(&str, &str)] = &[
    ("", ""),
    ("", "\n"),
    ("key: ", "\nother: 1\n"),
    ("export OPENAI_API_KEY=", "\nexec app\n"),
    ("{\"a\": [1, 2], \"key\": ", ", \"b\": \"c\"}\n"),
    ("const key = ", ";\nconst other = 'x';\n"),
];

/// Contexts with quotes, for all encodings but split literals, which contain quotes themselves.
const QUOTED_CONTEXTS: &[(&str, &str)] =
    &[("\"", "\""), ("{'key': '", "', 'other': 'x'}"), ("x = `", "`;\n")];

/// Templates of keys without the marker, each with its kind.
const UNMARKED_KEYS: &[(&str, &str)] = &[
    ("sk-proj-{base64url:48}", "project"),
    ("sk-proj-{base62:150}", "project"),
    ("sk-svcacct-{base64url:102}", "service-account"),
    ("sk-admin-{base64url:64}", "admin"),
    ("sk-None-{base62:40}", "user"),
];

struct Key {
    /// The name of its shape, or its template.
    name: String,
    secret: Vec<u8>,
    kind: String,
    confidence: Confidence,
}

fn keys() -> Vec<Key> {
    let known = shapes().into_iter().map(|shape| (shape.name, shape.template, shape.kind, shape.confidence));
    let other_halves = [16, 17, 33, 59, 90, 119, 120].into_iter().map(|half| {
        let template = format!("sk-svcacct-{{base64url:{half}}}{{marker}}{{base64url:{half}}}");
        (template.clone(), template, "service-account".to_owned(), Confidence::High)
    });
    let unmarked = UNMARKED_KEYS.iter().map(|(template, kind)| {
        ((*template).to_owned(), (*template).to_owned(), (*kind).to_owned(), Confidence::Medium)
    });
    known
        .chain(other_halves)
        .chain(unmarked)
        .flat_map(|(name, template, kind, confidence)| {
            (0..2).map(move |seed| Key {
                name: name.clone(),
                secret: expand_template(&template, seed + 40).text,
                kind: kind.clone(),
                confidence,
            })
        })
        .collect()
}

/// Whether the first part of a split key looks like a whole key: it has no marker, at least 40 characters after the prefix,
/// and no operator that joins it to the second.
fn is_ambiguous(encoding: &Encoding, key: &Key) -> bool {
    let split_step = encoding.steps.iter().find_map(|step| step.strip_prefix("split:"));
    let Some((interval, separator)) = split_step.and_then(|rest| rest.split_once(':')) else { return false };
    let has_operator = separator.trim().len() > 2 || separator.contains('\\');
    let first_len: usize = interval.parse().unwrap();
    let prefix_len = key.name.find('{').unwrap_or(0);
    key.confidence == Confidence::Medium
        && encoding.name == "split"
        && !has_operator
        && first_len >= prefix_len + 40
}

/// Searches for `key`, encoded and between the two parts of `context`. Fails with a description if it is not the only match.
fn check(encoding: &Encoding, key: &Key, context: (&str, &str)) -> Result<(), String> {
    let steps: Vec<String> = encoding.steps.iter().map(|step| (*step).to_owned()).collect();
    let inner = tag(&key.secret, true);
    let encoded = apply_steps(inner.clone(), &steps);
    // A short key is not split, and one without symbols has none to be escaped.
    let name = if encoded == inner { "utf-8" } else { encoding.name };
    let text: TaggedText = [
        tag(context.0.as_bytes(), false),
        tag(encoding.open.as_bytes(), false),
        encoded,
        tag(encoding.close.as_bytes(), false),
        tag(context.1.as_bytes(), false),
    ]
    .concat();
    let key_has = |set: &[u8]| text.iter().any(|&(byte, is_key)| is_key && set.contains(&byte));
    let is_base64url =
        key_has(b"-_") || key_has(b"%") && String::from_utf8_lossy(&bytes(&text)).contains("%2D");
    let name = if name == "base64" && is_base64url { "base64url" } else { name };
    let matches = find_reported(detector(), &bytes(&text));
    let is_exact = |one: &Match| {
        one.span == key_span(&text)
            && one.encoding == name
            && *one.detected_key.kind == *key.kind
            && one.detected_key.confidence == key.confidence
            && one.detected_key.fingerprint == Secret::new(key.secret.clone(), 0).fingerprint()
    };
    if matches!(&matches[..], [one] if is_exact(one)) {
        return Ok(());
    }
    let actual: Vec<_> = matches
        .iter()
        .map(|m| format!("{:?} {} {} {:?}", m.span, m.encoding, m.detected_key.kind, m.detected_key.evidence))
        .collect();
    Err(format!(
        "{:?} {:?} / {} / {:?}: {:?} {name}, not {actual:?}",
        encoding.name,
        encoding.steps,
        key.name,
        context,
        key_span(&text)
    ))
}

#[test]
fn every_shape_is_found_in_every_encoding_and_context() {
    let keys = keys();
    let mut missed = Vec::new();
    let mut tried = 0;
    for encoding in ENCODINGS {
        let quoted: &[_] = if encoding.name == "split" { &[] } else { QUOTED_CONTEXTS };
        for key in keys.iter().filter(|key| !is_ambiguous(encoding, key)) {
            for &context in CONTEXTS.iter().chain(quoted) {
                tried += 1;
                missed.extend(check(encoding, key, context).err());
            }
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {tried} missed:\n{}",
        missed.len(),
        missed[..missed.len().min(60)].join("\n")
    );
    assert!(tried > 10_000, "only {tried} combinations");
}

#[test]
fn a_prefix_within_a_key_does_not_start_another_key() {
    let template = "sk-proj-{base64url:30}sk-{base64url:41}{marker}{base64url:72}{zero}";
    let secret = expand_template(template, 1).text;
    let (kind, confidence) = ("project".to_owned(), Confidence::High);
    let key = Key { name: template.to_owned(), secret, kind, confidence };
    let missed: Vec<_> =
        ENCODINGS.iter().filter_map(|encoding| check(encoding, &key, ("key: ", "\n")).err()).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
