//! Tests encoded text that is broken into lines: it does not matter where a line ends, even if one break goes through the
//! start of a key and the next through the marker.

use friskey::model::Secret;
use friskey::rules::expand;

use super::cases::{Shape, shapes};
use super::encoded::{Text, bytes, marked, span, through};
use super::{detector, reported};

/// Where tools break lines, and where the first halves of keys are as long as one or two.
const COLUMNS: &[usize] = &[52, 56, 57, 60, 64, 70, 72, 76, 80, 100, 109, 112, 120];

#[test]
fn base64_is_found_wherever_lines_break() {
    let mut missed = Vec::new();
    for shape in shapes() {
        for &column in COLUMNS {
            let steps = ["base64".to_owned(), format!("wrap:{column}:\n  ")];
            for before in 0..column * 3 / 4 {
                let key = expand(&shape.template, before as u64).text;
                let inner =
                    [marked(" ".repeat(before).as_bytes(), false), marked(&key, true), marked(b"\n", false)]
                        .concat();
                let text =
                    [marked(b"data: |\n  ", false), through(inner, &steps), marked(b"\n", false)].concat();
                let found = reported(detector(), &bytes(&text));
                let fingerprint = Secret::new(key, 0).fingerprint();
                let is_it = matches!(&found[..], [m] if m.span == span(&text) && m.detected_key.fingerprint == fingerprint);
                if !is_it {
                    missed.push(format!("{} at {before} in lines of {column}", shape.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

/// Base64 of the key with `before` blanks before it, in lines of `column`; what begins the text, and what parts lines.
fn wrapped(key: &[u8], before: usize, column: usize, open: &str, parting: &str, close: &str) -> Text {
    let steps = ["base64".to_owned(), format!("wrap:{column}:{parting}")];
    let inner =
        [marked(" ".repeat(before).as_bytes(), false), marked(key, true), marked(b"\nB=2\n", false)].concat();
    [marked(open.as_bytes(), false), through(inner, &steps), marked(close.as_bytes(), false)].concat()
}

/// The text before the first line, between lines, and after the last.
const TEXTS: &[(&str, &str, &str)] = &[
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

fn missed(shape: &Shape, text: &Text, key: Vec<u8>, how: &str) -> Option<String> {
    let found = reported(detector(), &bytes(text));
    let fingerprint = Secret::new(key, 0).fingerprint();
    let is_it =
        matches!(&found[..], [m] if m.span == span(text) && m.detected_key.fingerprint == fingerprint);
    let shown: Vec<_> = found.iter().map(|m| (&m.span, m.encoding, &m.detected_key.evidence)).collect();
    (!is_it).then(|| format!("{} {how}: {:?}, not {shown:?}", shape.name, span(text)))
}

#[test]
fn lines_may_begin_as_those_of_comments_quotations_and_patches() {
    let mut all = Vec::new();
    for shape in shapes() {
        for &(open, parting, close) in TEXTS {
            for column in [60, 64, 76] {
                for before in [0, 1, 2, 17, 30] {
                    let key = expand(&shape.template, 7 + before as u64).text;
                    let text = wrapped(&key, before, column, open, parting, close);
                    // Two literals next to each other are joined where the marker says that they are one.
                    let how = format!("at {before} in lines of {column} with {parting:?}");
                    all.extend(missed(&shape, &text, key, &how));
                }
            }
        }
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all[..all.len().min(60)].join("\n"));
}

#[test]
fn keys_in_lines_of_their_own_are_not_one() {
    // Without the marker, nothing in a key indicates where it ends.
    let unmarked = ["sk-{base62:48}", "sk-proj-{base64url:49}", "sk-admin-{base64url:60}"].map(str::to_owned);
    for template in shapes().into_iter().map(|shape| shape.template).chain(unmarked) {
        for parting in ["\n", "\r\n", "\n  ", "\",\n\"", "\" \""] {
            // As many as are near enough to the word.
            let keys: Vec<Vec<u8>> = (0..2).map(|seed| expand(&template, seed).text).collect();
            let step = ["base64".to_owned()];
            let lines: Vec<Vec<u8>> =
                keys.iter().map(|key| bytes(&through(marked(key, true), &step))).collect();
            let text = [b"OPENAI_API_KEYS:\n\"", &lines.join(parting.as_bytes())[..], b"\"\n"].concat();
            let found = reported(detector(), &text);
            let expected: Vec<_> = keys.into_iter().map(|key| Secret::new(key, 0).fingerprint()).collect();
            let got: Vec<_> = found.iter().map(|m| m.detected_key.fingerprint).collect();
            assert_eq!(got, expected, "{template} {parting:?}");
        }
    }
}

/// The next item of a list is not part of a key, even if it is base64.
#[test]
fn an_adjacent_list_item_is_not_part_of_a_key() {
    for (length, prefix) in [(49, "sk-proj-"), (60, "sk-admin-"), (100, "sk-proj-"), (112, "sk-svcacct-")] {
        for seed in 0..40 {
            let key = expand(&format!("{prefix}{{base64url:{length}}}"), seed).text;
            let other = expand("{base62:60}", seed + 100).text;
            let written = bytes(&through(marked(&key, true), &["base64".to_owned()]));
            let text = [b"[\"", &written[..], b"\", \"", &other, b"\"]\n"].concat();
            let found = reported(detector(), &text);
            let fingerprint = Secret::new(key, 0).fingerprint();
            let is_it = matches!(&found[..], [m] if m.detected_key.fingerprint == fingerprint);
            assert!(
                is_it,
                "{prefix} {length} {seed}: {:?}",
                found.iter().map(|m| &m.span).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_bare_key_is_found_whole_after_line_prefixes() {
    let mut missed = Vec::new();
    for shape in shapes().into_iter().filter(|shape| shape.template.contains("{marker}")) {
        for lead in ["", "    ", "> ", ">> ", "+", "-", "+  ", "# ", "// ", "  // ", " * ", "; ", "-- "] {
            for (seed, parts) in [(1_u64, 34), (2, 50), (3, 66)] {
                for end in ["\n", "\r\n"] {
                    let key = expand(&shape.template, seed).text;
                    let text = String::from_utf8_lossy(&key).into_owned();
                    let (start, rest) = text.split_at(text.len() * parts / 100);
                    let text =
                        format!("{lead}the key is{end}{lead}{start}{end}{lead}{rest}{end}{lead}bye{end}");
                    let fingerprint = Secret::new(key, 0).fingerprint();
                    let found = reported(detector(), text.as_bytes());
                    if !found.iter().any(|m| m.detected_key.fingerprint == fingerprint) {
                        missed.push(format!("{} behind {lead:?} at {parts} %", shape.name));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed.join("\n"));
}
