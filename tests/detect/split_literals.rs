//! Tests split literals: a key of any shape is found if it is split in several places by the concatenation of many
//! languages, and two whole keys with a concatenation between them are two.

use friskey::model::Secret;
use friskey::rules::expand_template;

use super::cases::shapes;
use super::{detector, find_all, find_reported};

/// A way to split a key into parts.
struct Concatenation {
    /// The text before the first part.
    open: &'static str,
    /// The text between two parts.
    separator: &'static str,
    /// The text after the last part.
    close: &'static str,
    /// Whether keys without the marker are joined, too.
    joins_unmarked: bool,
    /// The name of the encoding that the match must have.
    encoding: &'static str,
}

/// A concatenation that joins any parts.
const fn operator(open: &'static str, separator: &'static str, close: &'static str) -> Concatenation {
    Concatenation { open, separator, close, joins_unmarked: true, encoding: "split" }
}

/// Items next to each other, which need not be one: only a marker between equal halves shows that they are.
const fn items(open: &'static str, separator: &'static str, close: &'static str) -> Concatenation {
    Concatenation { joins_unmarked: false, ..operator(open, separator, close) }
}

/// Text that is not displayed, as an encoding of its own.
const fn invisible(encoding: &'static str, separator: &'static str) -> Concatenation {
    Concatenation { encoding, ..operator("key: ", separator, "\n") }
}

const CONCATENATIONS: &[Concatenation] = &[
    // Line ends as escape sequences: source maps, notebooks.
    operator("[\"k = \\\"", "\\\" +\\n  \\\"", "\\\";\"]"),
    operator("[\"k = \\\"", "\\\"\\r\\n  + \\\"", "\\\";\"]"),
    operator("[\"k = '", "' +\\n  '", "';\"]"),
    operator("[\"k = (\\\"", "\\\"\\n\",\n   \"     \\\"", "\\\")\\n\"]"),
    operator("[\"k = \\\"", "\\\" +\\n\",\n   \"     \\\"", "\\\"\\n\"]"),
    operator("[\"k = '", "' +\\n\",\n   \"  '", "'\\n\"]"),
    operator("{\"run\": \"export K=", "\\\\\\n", "\\n\"}"),
    operator("{\"run\": \"export K=", "\\\\\\n    ", "\\n\"}"),
    // Patches, comments, quotes.
    operator("@@ -0,0 +1,4 @@\n+const k = \"", "\" +\n+  \"", "\";\n"),
    operator("@@ -1,4 +0,0 @@\n-const k = \"", "\" +\n-  \"", "\";\n"),
    operator("@@ -0,0 +1,4 @@\n+String k = \"", "\"\n+        + \"", "\";\n"),
    operator("+k = (\n+    \"", "\"\n+    \"", "\"\n+)\n"),
    operator("+export K=", "\\\n+", "\n"),
    operator("-export K=", "\\\n-  ", "\n"),
    operator("x\n# k = (\"", "\"\n#      \"", "\")\n"),
    operator("  // k = \"", "\" +\n  //     \"", "\";\n"),
    operator("/*\n * k = \"", "\" +\n *     \"", "\"\n */"),
    operator("-- k := '", "' ||\n--   '", "';\n"),
    operator("hello\n> k = \"", "\" +\n> \"", "\"\n"),
    operator(">> k = (\"", "\"\r\n>>      \"", "\")\r\n"),
    operator("> > k = \"", "\" +\n> > \"", "\"\n"),
    operator("+    # k = \"", "\" +\n+    #  \"", "\"\n"),
    // Lists and calls.
    items("let k = concat!(\"", "\", \"", "\");\n"),
    items("let k = concat!(\n    \"", "\",\n    \"", "\",\n);\n"),
    items("k=[\"", "\",\"", "\"].join(\"\");"),
    items("k <- paste0('", "', '", "')\n"),
    items("+k <- paste0('", "',\n+   '", "')\n"),
    operator("sb.append(\"", "\").append(\"", "\");\n"),
    operator("sb.append(\"", "\");\n    sb.append(\"", "\");\n"),
    operator("\t.ascii\t\"", "\"\n\t.ascii\t\"", "\"\n"),
    // Comments between the parts.
    operator("k = \"", "\" +  // the second part\n  \"", "\";\n"),
    operator("k = \"", "\" /* x */ + \"", "\";\n"),
    operator("k = (\"", "\"  # first half\n     \"", "\")\n"),
    operator("k = \"", "\" +\n  // more\n  \"", "\";\n"),
    // Assignments.
    operator("k = \"", "\"\nk += \"", "\"\n"),
    operator("$k = '", "';\n$k .= '", "';\n"),
    operator("K=\"", "\"\nK+=\"", "\"\n"),
    operator("this.key = '", "'; this.key += '", "'\n"),
    // Other languages.
    operator("k = \"", "\" * \"", "\"\n"),
    operator("set @k = N'", "' + N'", "';\n"),
    operator("k = \"", "\\\n    \\", "\"\n"),
    operator("$k = '", "' + `\n  '", "'\n"),
    operator("set K=", "^\r\n", "\r\n"),
    operator("k = \"", "\\z\n     ", "\"\n"),
    operator("k = '", "' // &\n    '", "'\n"),
    operator("k = '", "' // '", "'\n"),
    operator("k = &quot;", "&quot; + &quot;", "&quot;\n"),
    operator("k = &#39;", "&#39;+&#39;", "&#39;\n"),
    // Markup and invisible characters within the key.
    items("<w:t>", "</w:t></w:r><w:r w:rsidR=\"00A1\"><w:rPr><w:b/></w:rPr><w:t>", "</w:t>"),
    items("<code>", "</span><span class=\"x\">", "</code>"),
    items("<td>", "<wbr>", "</td>"),
    invisible("invisible", "\u{200b}"),
    invisible("invisible", "\u{2060}"),
    invisible("invisible", "\u{feff}"),
    invisible("invisible", "\u{ad}"),
    invisible("invisible", "&shy;"),
    invisible("invisible", "&#8203;"),
    invisible("invisible", "\\u200b"),
    invisible("ansi", "\u{1b}(B\u{1b}[m"),
    invisible("ansi", "^[[1;31m"),
    invisible("ansi", "\u{241b}[31m"),
];

/// Templates of keys without the marker.
const UNMARKED_KEYS: &[&str] =
    &["sk-proj-{base64url:48}", "sk-svcacct-{base62:101}", "sk-admin-{base64url:64}"];

/// Lists of offsets at which to split a key: after its prefix, in the middle, and at regular intervals.
fn split_offsets(key: &[u8]) -> [Vec<usize>; 4] {
    let prefix_len = key[..12].iter().rposition(|&byte| byte == b'-').unwrap() + 1;
    let every = |interval| (interval..key.len()).step_by(interval).collect();
    [vec![prefix_len], vec![key.len().div_ceil(2)], every(37), every(11)]
}

/// Searches for `key`, split at `offsets`. Fails with a description if it is not the only match.
fn check(concatenation: &Concatenation, key: &[u8], offsets: &[usize]) -> Result<(), String> {
    let mut text = concatenation.open.as_bytes().to_vec();
    let start = text.len();
    for (at, &byte) in key.iter().enumerate() {
        if offsets.contains(&at) {
            text.extend(concatenation.separator.as_bytes());
        }
        text.push(byte);
    }
    let span = start..text.len();
    text.extend(concatenation.close.as_bytes());
    let matches = find_reported(detector(), &text);
    let fingerprint = Secret::new(key.to_vec(), 0).fingerprint();
    match &matches[..] {
        [one]
            if one.span == span
                && one.encoding == concatenation.encoding
                && one.detected_key.fingerprint == fingerprint =>
        {
            Ok(())
        }
        other => {
            let actual: Vec<_> = other
                .iter()
                .map(|m| format!("{:?} {} {:?}", m.span, m.encoding, m.detected_key.evidence))
                .collect();
            let separator = concatenation.separator;
            Err(format!("{separator:?} at {offsets:?} of {}: {span:?}, not {actual:?}", key.len()))
        }
    }
}

#[test]
fn every_shape_is_found_with_every_concatenation() {
    // Longer text may exceed the window around a keyword.
    const MAX_SPLIT_LEN: usize = 480;
    let mut missed = Vec::new();
    for concatenation in CONCATENATIONS {
        let separator = concatenation.separator;
        for shape in shapes() {
            let key = expand_template(&shape.template, 7).text;
            for offsets in split_offsets(&key) {
                // A backslash at the end of the separator would make an escape of these characters of the key.
                let is_escape = |at: &usize| separator.ends_with('\\') && b"nux01234567".contains(&key[*at]);
                let is_long = offsets.len() * separator.len() + key.len() > MAX_SPLIT_LEN;
                if !offsets.iter().any(is_escape) && !is_long {
                    let failure = check(concatenation, &key, &offsets).err();
                    missed.extend(failure.map(|failure| format!("{}: {failure}", shape.name)));
                }
            }
        }
        for template in UNMARKED_KEYS.iter().filter(|_| concatenation.joins_unmarked) {
            let key = expand_template(template, 8).text;
            let failure = check(concatenation, &key, &split_offsets(&key)[0]).err();
            missed.extend(failure.map(|failure| format!("{template}: {failure}")));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn two_keys_with_a_concatenation_between_them_are_two() {
    let shapes = shapes();
    let templates = shapes.iter().map(|shape| shape.template.as_str()).chain(UNMARKED_KEYS.iter().copied());
    let templates: Vec<&str> = templates.chain(["sk-{base62:48}", "sk-{base62:40}"]).collect();
    let mut wrong = Vec::new();
    for concatenation in CONCATENATIONS {
        for (index, template) in templates.iter().enumerate() {
            for other in [template, &templates[(index * 5 + 2) % templates.len()]] {
                let (a, b) = (expand_template(template, 21).text, expand_template(other, 22).text);
                let Concatenation { open, separator, close, .. } = concatenation;
                let before = [b"openai\n", open.as_bytes()].concat();
                let text = [&before, &a, separator.as_bytes(), &b, close.as_bytes()].concat();
                let second_start = before.len() + a.len() + separator.len();
                let spans: Vec<_> = find_all(detector(), &text).into_iter().map(|m| m.span).collect();
                let expected = [before.len()..before.len() + a.len(), second_start..second_start + b.len()];
                if spans != expected {
                    wrong.push(format!("{separator:?} {template} {other}: {expected:?}, not {spans:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_prefix_alone_is_not_joined_with_unrelated_text() {
    for template in [
        "[\"sk-proj-\", \"{base62:60}\"]",
        "check(\"sk-proj-\", \"{base62:60}\")",
        "PREFIXES = [\"sk-proj-\",{nl} \"sk-svcacct-\",{nl} \"{base62:64}\"]",
        "-  \"sk-proj-\" +{nl}+  \"{base62:60}\"",
        "<li>sk-proj-</li><li>{base62:60}</li>",
        "- sk-proj-{nl}- {base62:60}{nl}",
        "{\"sk-proj-\": \"{base64url:60}\"}",
    ] {
        let text = expand_template(template, 3).text;
        let matches = find_reported(detector(), &text);
        assert!(matches.is_empty(), "{template}: {matches:?}");
    }
}

#[test]
fn a_key_after_an_encoded_line_end_is_another_key() {
    for end in ["=0A", "=0D=0A", "=20"] {
        let (a, b) = (
            expand_template("sk-proj-{base64url:60}", 1).text,
            expand_template("sk-proj-{base64url:60}", 2).text,
        );
        let text = [&a[..], end.as_bytes(), &b, b"\n"].concat();
        let matches = find_reported(detector(), &text);
        assert_eq!(matches.len(), 2, "{end}: {matches:?}");
    }
}

#[test]
fn keys_with_the_marker_are_found_with_dashes_in_place_of_hyphens() {
    for dash in ["\u{2010}", "\u{2011}", "\u{2013}", "&#8209;", "&amp;#45;"] {
        let key = expand_template("sk-proj-{base62:58}{marker}{base62:58}", 4).text;
        let text = String::from_utf8(key.clone()).unwrap().replace('-', dash);
        let matches = find_reported(detector(), format!("key: {text}\n").as_bytes());
        let fingerprint = Secret::new(key, 0).fingerprint();
        let is_only_match = matches!(&matches[..], [one] if one.detected_key.fingerprint == fingerprint);
        assert!(is_only_match, "{dash}: {matches:?}");
    }
}

#[test]
fn a_hyphen_of_a_key_at_the_start_of_a_line_is_not_a_removed_line_of_a_patch() {
    let key = expand_template("sk-proj-{base62:30}-{base62:26}-{base62:16}{marker}{base62:74}", 5).text;
    let text = [b"K=", &key[..38], b"\\\n", &key[38..65], b"\\\n", &key[65..], b"\n"].concat();
    let matches = find_reported(detector(), &text);
    let fingerprint = Secret::new(key, 0).fingerprint();
    assert!(matches!(&matches[..], [one] if one.detected_key.fingerprint == fingerprint), "{matches:?}");
}
