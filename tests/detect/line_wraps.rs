//! Tests that keys are found in text that is broken into lines, wherever lines end and with whatever they begin, and that
//! keys on separate lines are not joined.

use friskey::model::Secret;
use friskey::rules::expand_template;

use super::cases::{Shape, shapes};
use super::encoded::{TaggedText, apply_steps, bytes, encode, key_span, tag};
use super::{detector, find_reported};

/// Lengths of lines: those that tools use, and others at which one break is within the prefix of a key and the next within
/// its marker.
const LINE_LENGTHS: &[usize] = &[52, 56, 57, 60, 64, 70, 72, 76, 80, 100, 109, 112, 120];

#[test]
fn base64_is_found_wherever_lines_break() {
    let mut missed = Vec::new();
    for shape in shapes() {
        for &line_len in LINE_LENGTHS {
            let steps = ["base64".to_owned(), format!("wrap:{line_len}:\n  ")];
            // A line of base64 encodes three quarters of its length.
            for blanks in 0..line_len * 3 / 4 {
                let key = expand_template(&shape.template, blanks as u64).text;
                let inner =
                    [tag(" ".repeat(blanks).as_bytes(), false), tag(&key, true), tag(b"\n", false)].concat();
                let text =
                    [tag(b"data: |\n  ", false), apply_steps(inner, &steps), tag(b"\n", false)].concat();
                missed
                    .extend(check(&shape, &text, key, &format!("at {blanks} in lines of {line_len}")).err());
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

/// Base64 of `key` with `blanks` before it, in lines of `line_len` characters within `frame`.
fn wrap_base64(key: &[u8], blanks: usize, line_len: usize, frame: Frame) -> TaggedText {
    let (open, separator, close) = frame;
    let steps = ["base64".to_owned(), format!("wrap:{line_len}:{separator}")];
    let inner = [tag(" ".repeat(blanks).as_bytes(), false), tag(key, true), tag(b"\nB=2\n", false)].concat();
    [tag(open.as_bytes(), false), apply_steps(inner, &steps), tag(close.as_bytes(), false)].concat()
}

/// The text before the first line, between lines, and after the last.
type Frame = (&'static str, &'static str, &'static str);

const FRAMES: &[Frame] = &[
    ("# key:\n# ", "\n# ", "\n# end\n"),
    ("// ", "\n// ", "\n"),
    (" * data\n * ", "\n * ", "\n */\n"),
    ("> ", "\n> ", "\n"),
    (">> ", "\r\n>> ", "\r\n"),
    ("-- ", "\n-- ", "\n"),
    ("@@ -0,0 +1,9 @@\n+data: |\n+  ", "\n+  ", "\n+other: 1\n"),
    ("@@ -0,0 +1,9 @@\n+", "\n+", "\n+end\n"),
    ("@@ -1,9 +0,0 @@\n-", "\n-", "\n-end\n"),
    ("@@ -0,0 +1,9 @@\n+# ", "\n+# ", "\n+end\n"),
    ("<data>\n", "&#13;\n", "\n</data>\n"),
    ("<data>\n", "&#xD;\n", "\n</data>\n"),
    ("k = (\"", "\"\n     \"", "\")\n"),
    ("k = (b'", "'\n     b'", "')\n"),
    ("k = \"", "\" \"", "\";\n"),
    ("k = \"", "\" +\n    \"", "\";\n"),
];

/// Searches `text` for `key`. Fails with a description, which begins with `case`, if it is not the only match.
fn check(shape: &Shape, text: &TaggedText, key: Vec<u8>, case: &str) -> Result<(), String> {
    let matches = find_reported(detector(), &bytes(text));
    let fingerprint = Secret::new(key, 0).fingerprint();
    if matches!(&matches[..], [m] if m.span == key_span(text) && m.detected_key.fingerprint == fingerprint) {
        return Ok(());
    }
    let actual: Vec<_> = matches.iter().map(|m| (&m.span, m.encoding, &m.detected_key.evidence)).collect();
    Err(format!("{} {case}: {:?}, not {actual:?}", shape.name, key_span(text)))
}

#[test]
fn base64_is_found_in_lines_of_comments_quotations_patches_and_literals() {
    let mut missed = Vec::new();
    for shape in shapes() {
        for &frame in FRAMES {
            for line_len in [60, 64, 76] {
                for blanks in [0, 1, 2, 17, 30] {
                    let key = expand_template(&shape.template, 7 + blanks as u64).text;
                    let text = wrap_base64(&key, blanks, line_len, frame);
                    let case = format!("at {blanks} in lines of {line_len} with {:?}", frame.1);
                    missed.extend(check(&shape, &text, key, &case).err());
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

#[test]
fn base64_keys_on_two_lines_are_two_keys() {
    // Without the marker, nothing in a key indicates where it ends.
    let unmarked = ["sk-{base62:48}", "sk-proj-{base64url:49}", "sk-admin-{base64url:60}"].map(str::to_owned);
    for template in shapes().into_iter().map(|shape| shape.template).chain(unmarked) {
        for separator in ["\n", "\r\n", "\n  ", "\",\n\"", "\" \""] {
            // A third would be too far from the word "OPENAI" to be reported without the marker.
            let keys: Vec<Vec<u8>> = (0..2).map(|seed| expand_template(&template, seed).text).collect();
            let lines: Vec<Vec<u8>> = keys.iter().map(|key| encode(key, "base64")).collect();
            let text = [b"OPENAI_API_KEYS:\n\"", &lines.join(separator.as_bytes())[..], b"\"\n"].concat();
            let matches = find_reported(detector(), &text);
            let expected: Vec<_> = keys.into_iter().map(|key| Secret::new(key, 0).fingerprint()).collect();
            let actual: Vec<_> = matches.iter().map(|m| m.detected_key.fingerprint).collect();
            assert_eq!(actual, expected, "{template} {separator:?}");
        }
    }
}

#[test]
fn the_next_list_item_is_not_part_of_a_base64_key() {
    for (length, prefix) in [(49, "sk-proj-"), (60, "sk-admin-"), (100, "sk-proj-"), (112, "sk-svcacct-")] {
        for seed in 0..40 {
            let key = expand_template(&format!("{prefix}{{base64url:{length}}}"), seed).text;
            let other = expand_template("{base62:60}", seed + 100).text;
            let text = [b"[\"", &encode(&key, "base64")[..], b"\", \"", &other, b"\"]\n"].concat();
            let matches = find_reported(detector(), &text);
            let fingerprint = Secret::new(key, 0).fingerprint();
            let is_only_match = matches!(&matches[..], [m] if m.detected_key.fingerprint == fingerprint);
            assert!(
                is_only_match,
                "{prefix} {length} {seed}: {:?}",
                matches.iter().map(|m| &m.span).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_plain_key_on_two_lines_is_found_whole_after_line_prefixes() {
    let mut missed = Vec::new();
    for shape in shapes().into_iter().filter(|shape| shape.template.contains("{marker}")) {
        for prefix in ["", "    ", "> ", ">> ", "+", "-", "+  ", "# ", "// ", "  // ", " * ", "; ", "-- "] {
            for (seed, percent) in [(1_u64, 34), (2, 50), (3, 66)] {
                for line_end in ["\n", "\r\n"] {
                    let key = expand_template(&shape.template, seed).text;
                    let text = String::from_utf8_lossy(&key).into_owned();
                    let (first, second) = text.split_at(text.len() * percent / 100);
                    let text: String = ["the key is", first, second, "bye"]
                        .map(|line| format!("{prefix}{line}{line_end}"))
                        .concat();
                    let fingerprint = Secret::new(key, 0).fingerprint();
                    let matches = find_reported(detector(), text.as_bytes());
                    if !matches.iter().any(|m| m.detected_key.fingerprint == fingerprint) {
                        missed.push(format!("{} after {prefix:?}, split at {percent} %", shape.name));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed.join("\n"));
}
