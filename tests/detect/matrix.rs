//! Tests every way of writing a key, with every shape of key, in many contexts: each key must be found exactly where
//! it is, with its own rule and fingerprint.

use friskey::detect::Match;
use friskey::model::{Confidence, Secret};
use friskey::rules::{MARKER, expand};

use super::cases::shapes;
use super::encoded::{Text, bytes, marked, span, through};
use super::{detector, reported};

/// A way of writing text: its name in reports, its steps, and the text before and after.
struct Way {
    encoding: &'static str,
    steps: &'static [&'static str],
    open: &'static str,
    close: &'static str,
}

const fn way(encoding: &'static str, steps: &'static [&'static str]) -> Way {
    Way { encoding, steps, open: "", close: "" }
}

const fn within(open: &'static str, steps: &'static [&'static str], close: &'static str) -> Way {
    Way { encoding: "split", steps, open, close }
}

const WAYS: &[Way] = &[
    way("base64", &["base64"]),
    way("base64", &["base64url"]),
    way("base64", &["base64", "wrap:64:\n"]),
    way("base64", &["base64", "wrap:76:\r\n"]),
    way("base64", &["base64", "wrap:76:\n      "]),
    way("base64", &["base64", "wrap:60:\\n"]),
    way("base64", &["base64", "percent-symbols"]),
    way("base64", &["base64url", "percent-symbols"]),
    way("base64", &["base64", "split:50:\" + \""]),
    way("base64+utf-16le", &["utf-16le", "base64"]),
    way("base64+utf-16le", &["utf-16le", "base64", "wrap:76:\n"]),
    way("base64+base64", &["base64", "base64"]),
    way("base64+base64", &["base64", "base64", "wrap:76:\n"]),
    way("utf-16le", &["utf-16le"]),
    way("utf-32le", &["utf-32le"]),
    way("utf-32be", &["utf-32be"]),
    way("utf-16be", &["utf-16be"]),
    way("hex", &["hex"]),
    way("hex", &["HEX"]),
    way("hex", &["hex", "wrap:64:\n"]),
    way("hex", &["hex-apart"]),
    way("hex", &["hex-apart", "wrap:48:\n"]),
    way("hex", &["array"]),
    way("hex", &["array", "wrap:72:\n        "]),
    way("decimal", &["decimal:,"]),
    way("decimal", &["decimal:, "]),
    way("decimal", &["decimal: "]),
    way("decimal", &["decimal:,\n    "]),
    way("unicode-escape", &["unicode"]),
    way("unicode-escape", &["unicode", "backslashes"]),
    way("unicode-escape", &["unicode-long"]),
    way("unicode-escape", &["unicode-long", "backslashes"]),
    way("unicode-escape", &["unicode-brace"]),
    way("unicode-escape", &["unicode-symbols"]),
    way("hex-escape", &["hex-escape"]),
    way("hex-escape", &["hex-escape-symbols"]),
    way("octal-escape", &["octal"]),
    way("backslash-escape", &["markdown"]),
    way("percent", &["percent"]),
    way("percent", &["percent-symbols"]),
    way("percent", &["percent-twice"]),
    way("percent", &["percent-u"]),
    way("html-entity", &["entity-padded"]),
    way("html-entity", &["entity"]),
    way("html-entity", &["entity-hex"]),
    way("html-entity", &["entity-long"]),
    way("html-entity", &["entity-symbols"]),
    way("html-entity", &["entity-hex-symbols"]),
    way("quoted-printable", &["quoted"]),
    way("quoted-printable", &["quoted", "wrap:72:=\r\n"]),
    way("quoted-printable", &["quoted-symbols"]),
    way("quoted-printable", &["soft:30"]),
    way("ansi", &["split:17:\u{1b}[0m\u{1b}[1;32m"]),
    way("ansi", &["split:17:\\u001b[0m"]),
    within("\"", &["split:13:\" + \""], "\""),
    within("'", &["split:24:' +\n            '"], "'"),
    within("\"", &["split:30:\"\n        + \""], "\""),
    within("'", &["split:30:' . '"], "'"),
    within("\"", &["split:30:\" .. \""], "\""),
    within("\"", &["split:30:\" & _\r\n    \""], "\""),
    within("'", &["split:30:' || '"], "'"),
    within("\"", &["split:30:\" ~ \""], "\""),
    within("`", &["split:30:` +\n  `"], "`"),
    within("\\\"", &["split:30:\\\" + \\\""], "\\\""),
    within("", &["split:30:\\\n"], ""),
    within("\"", &["split:30:\\\n    "], "\""),
    // Without an operator.
    within("\"", &["split:40:\" \""], "\""),
    within("(\"", &["split:30:\"\n    \""], "\")"),
    within("'", &["split:20:' '"], "'"),
    within(">-\n  ", &["split:40:\n  "], ""),
    within("", &["split:45:\n    "], ""),
];

/// The context of a key: the text before and after it.
const PLACES: &[(&str, &str)] = &[
    ("", ""),
    ("", "\n"),
    ("key: ", "\nother: 1\n"),
    ("export OPENAI_API_KEY=", "\nexec app\n"),
    ("{\"a\": [1, 2], \"key\": ", ", \"b\": \"c\"}\n"),
    ("const key = ", ";\nconst other = 'x';\n"),
];

/// Contexts with quotes, for forms that have none of their own.
const QUOTED: &[(&str, &str)] = &[("\"", "\""), ("{'key': '", "', 'other': 'x'}"), ("x = `", "`;\n")];

/// Without the marker.
const TYPED: &[(&str, &str)] = &[
    ("sk-proj-{base64url:48}", "project"),
    ("sk-proj-{base62:150}", "project"),
    ("sk-svcacct-{base64url:102}", "service-account"),
    ("sk-admin-{base64url:64}", "admin"),
    ("sk-None-{base62:40}", "user"),
];

struct Key {
    name: String,
    secret: Vec<u8>,
    kind: String,
    confidence: Confidence,
}

fn keys() -> Vec<Key> {
    let known = shapes().into_iter().map(|shape| (shape.name, shape.template, shape.kind, shape.confidence));
    let halves = [16, 17, 33, 59, 90, 119, 120].into_iter().map(|half| {
        let template = format!("sk-svcacct-{{base64url:{half}}}{{marker}}{{base64url:{half}}}");
        (template.clone(), template, "service-account".to_owned(), Confidence::High)
    });
    let typed = TYPED.iter().map(|(template, kind)| {
        ((*template).to_owned(), (*template).to_owned(), (*kind).to_owned(), Confidence::Medium)
    });
    known
        .chain(halves)
        .chain(typed)
        .flat_map(|(name, template, kind, confidence)| {
            (0..2).map(move |seed| Key {
                name: name.clone(),
                secret: expand(&template, seed + 40).text,
                kind: kind.clone(),
                confidence,
            })
        })
        .collect()
}

/// Whether nothing shows that these are parts of one key, because the first would be one by itself.
fn is_ambiguous(way: &Way, key: &Key) -> bool {
    let parts =
        way.steps.iter().find_map(|step| step.strip_prefix("split:")).and_then(|rest| rest.split_once(':'));
    let Some((length, glue)) = parts else { return false };
    let has_operator = glue.trim().len() > 2 || glue.contains('\\');
    let first: usize = length.parse().unwrap();
    let prefix = key.name.find('{').unwrap_or(0);
    key.confidence == Confidence::Medium && way.encoding == "split" && !has_operator && first >= prefix + 40
}

fn check(way: &Way, key: &Key, place: (&str, &str)) -> Result<(), String> {
    let steps: Vec<String> = way.steps.iter().map(|step| (*step).to_owned()).collect();
    let inner = marked(&key.secret, true);
    let written = through(inner.clone(), &steps);
    // A short key is not split, and one without symbols has none to be escaped.
    let name = if written == inner { "utf-8" } else { way.encoding };
    let text: Text = [
        marked(place.0.as_bytes(), false),
        marked(way.open.as_bytes(), false),
        written,
        marked(way.close.as_bytes(), false),
        marked(place.1.as_bytes(), false),
    ]
    .concat();
    let has = |set: &[u8]| text.iter().any(|&(byte, is_key)| is_key && set.contains(&byte));
    let name = if name == "base64"
        && (has(b"-_") || has(b"%") && String::from_utf8_lossy(&bytes(&text)).contains("%2D"))
    {
        "base64url"
    } else {
        name
    };
    let found = reported(detector(), &bytes(&text));
    let is_it = |one: &Match| {
        one.span == span(&text)
            && one.encoding == name
            && *one.detected_key.kind == *key.kind
            && one.detected_key.confidence == key.confidence
            && one.detected_key.fingerprint == Secret::new(key.secret.clone(), 0).fingerprint()
    };
    if matches!(&found[..], [one] if is_it(one)) {
        return Ok(());
    }
    let shown: Vec<_> = found
        .iter()
        .map(|m| format!("{:?} {} {} {:?}", m.span, m.encoding, m.detected_key.kind, m.detected_key.evidence))
        .collect();
    Err(format!(
        "{:?} {:?} / {} / {:?}: {:?} {name}, not {shown:?}",
        way.encoding,
        way.steps,
        key.name,
        place,
        span(&text)
    ))
}

#[test]
fn every_way_with_every_shape_in_every_place() {
    let keys = keys();
    let mut missed = Vec::new();
    let mut tried = 0;
    for way in WAYS {
        let quotes = if way.encoding == "split" { &[] } else { QUOTED };
        for key in keys.iter().filter(|key| !is_ambiguous(way, key)) {
            for &place in PLACES.iter().chain(quotes) {
                tried += 1;
                missed.extend(check(way, key, place).err());
            }
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {tried} missed:\n{}",
        missed.len(),
        missed[..missed.len().min(60)].join("\n")
    );
    assert!(!MARKER.is_empty() && tried > 10_000, "{tried}");
}

#[test]
fn a_prefix_within_a_key_does_not_start_another() {
    let template = "sk-proj-{base64url:30}sk-{base64url:41}{marker}{base64url:72}{zero}";
    let secret = expand(template, 1).text;
    let (kind, confidence) = ("project".to_owned(), Confidence::High);
    let key = Key { name: template.to_owned(), secret, kind, confidence };
    let missed: Vec<_> = WAYS.iter().filter_map(|way| check(way, &key, ("key: ", "\n")).err()).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
