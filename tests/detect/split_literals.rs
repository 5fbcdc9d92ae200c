//! Tests split literals: concatenations of many languages, with every shape of key, split in several places; and two keys
//! with the same concatenation between them, which stay separate.

use friskey::model::Secret;
use friskey::rules::expand;

use super::cases::shapes;
use super::{detector, found, reported};

/// The text before a key, between its parts, and after it.
struct Glue {
    open: &'static str,
    between: &'static str,
    close: &'static str,
    /// Whether keys without the marker are joined, too.
    surely: bool,
    encoding: &'static str,
}

const fn glue(open: &'static str, between: &'static str, close: &'static str) -> Glue {
    Glue { open, between, close, surely: true, encoding: "split" }
}

/// One that joins equal halves only.
const fn listed(open: &'static str, between: &'static str, close: &'static str) -> Glue {
    Glue { surely: false, ..glue(open, between, close) }
}

const fn named(encoding: &'static str, between: &'static str) -> Glue {
    Glue { encoding, ..glue("key: ", between, "\n") }
}

const GLUES: &[Glue] = &[
    // Line ends that are spelt out: source maps, notebooks.
    glue("[\"k = \\\"", "\\\" +\\n  \\\"", "\\\";\"]"),
    glue("[\"k = \\\"", "\\\"\\r\\n  + \\\"", "\\\";\"]"),
    glue("[\"k = '", "' +\\n  '", "';\"]"),
    glue("[\"k = (\\\"", "\\\"\\n\",\n   \"     \\\"", "\\\")\\n\"]"),
    glue("[\"k = \\\"", "\\\" +\\n\",\n   \"     \\\"", "\\\"\\n\"]"),
    glue("[\"k = '", "' +\\n\",\n   \"  '", "'\\n\"]"),
    glue("{\"run\": \"export K=", "\\\\\\n", "\\n\"}"),
    glue("{\"run\": \"export K=", "\\\\\\n    ", "\\n\"}"),
    // Patches, comments, quotes.
    glue("@@ -0,0 +1,4 @@\n+const k = \"", "\" +\n+  \"", "\";\n"),
    glue("@@ -1,4 +0,0 @@\n-const k = \"", "\" +\n-  \"", "\";\n"),
    glue("@@ -0,0 +1,4 @@\n+String k = \"", "\"\n+        + \"", "\";\n"),
    glue("+k = (\n+    \"", "\"\n+    \"", "\"\n+)\n"),
    glue("+export K=", "\\\n+", "\n"),
    glue("-export K=", "\\\n-  ", "\n"),
    glue("x\n# k = (\"", "\"\n#      \"", "\")\n"),
    glue("  // k = \"", "\" +\n  //     \"", "\";\n"),
    glue("/*\n * k = \"", "\" +\n *     \"", "\"\n */"),
    glue("-- k := '", "' ||\n--   '", "';\n"),
    glue("hello\n> k = \"", "\" +\n> \"", "\"\n"),
    glue(">> k = (\"", "\"\r\n>>      \"", "\")\r\n"),
    glue("> > k = \"", "\" +\n> > \"", "\"\n"),
    glue("+    # k = \"", "\" +\n+    #  \"", "\"\n"),
    // Lists and calls.
    listed("let k = concat!(\"", "\", \"", "\");\n"),
    listed("let k = concat!(\n    \"", "\",\n    \"", "\",\n);\n"),
    listed("k=[\"", "\",\"", "\"].join(\"\");"),
    listed("k <- paste0('", "', '", "')\n"),
    listed("+k <- paste0('", "',\n+   '", "')\n"),
    glue("sb.append(\"", "\").append(\"", "\");\n"),
    glue("sb.append(\"", "\");\n    sb.append(\"", "\");\n"),
    glue("\t.ascii\t\"", "\"\n\t.ascii\t\"", "\"\n"),
    // Comments between.
    glue("k = \"", "\" +  // the second part\n  \"", "\";\n"),
    glue("k = \"", "\" /* x */ + \"", "\";\n"),
    glue("k = (\"", "\"  # first half\n     \"", "\")\n"),
    glue("k = \"", "\" +\n  // more\n  \"", "\";\n"),
    // Assignments.
    glue("k = \"", "\"\nk += \"", "\"\n"),
    glue("$k = '", "';\n$k .= '", "';\n"),
    glue("K=\"", "\"\nK+=\"", "\"\n"),
    glue("this.key = '", "'; this.key += '", "'\n"),
    // Other languages.
    glue("k = \"", "\" * \"", "\"\n"),
    glue("set @k = N'", "' + N'", "';\n"),
    glue("k = \"", "\\\n    \\", "\"\n"),
    glue("$k = '", "' + `\n  '", "'\n"),
    glue("set K=", "^\r\n", "\r\n"),
    glue("k = \"", "\\z\n     ", "\"\n"),
    glue("k = '", "' // &\n    '", "'\n"),
    glue("k = '", "' // '", "'\n"),
    glue("k = &quot;", "&quot; + &quot;", "&quot;\n"),
    glue("k = &#39;", "&#39;+&#39;", "&#39;\n"),
    // Within the key.
    listed("<w:t>", "</w:t></w:r><w:r w:rsidR=\"00A1\"><w:rPr><w:b/></w:rPr><w:t>", "</w:t>"),
    listed("<code>", "</span><span class=\"x\">", "</code>"),
    listed("<td>", "<wbr>", "</td>"),
    named("invisible", "\u{200b}"),
    named("invisible", "\u{2060}"),
    named("invisible", "\u{feff}"),
    named("invisible", "\u{ad}"),
    named("invisible", "&shy;"),
    named("invisible", "&#8203;"),
    named("invisible", "\\u200b"),
    named("ansi", "\u{1b}(B\u{1b}[m"),
    named("ansi", "^[[1;31m"),
    named("ansi", "\u{241b}[31m"),
];

/// Without the marker.
const TYPED: &[&str] = &["sk-proj-{base64url:48}", "sk-svcacct-{base62:101}", "sk-admin-{base64url:64}"];

/// Where a key is split: after its prefix, in the middle, and at regular intervals.
fn cuts(key: &[u8]) -> [Vec<usize>; 4] {
    let prefix = key[..12].iter().rposition(|&byte| byte == b'-').unwrap() + 1;
    let even = |step| (step..key.len()).step_by(step).collect();
    [vec![prefix], vec![key.len().div_ceil(2)], even(37), even(11)]
}

fn check(glue: &Glue, key: &[u8], cuts: &[usize]) -> Result<(), String> {
    let mut text = glue.open.as_bytes().to_vec();
    let start = text.len();
    for (at, &byte) in key.iter().enumerate() {
        if cuts.contains(&at) {
            text.extend(glue.between.as_bytes());
        }
        text.push(byte);
    }
    let span = start..text.len();
    text.extend(glue.close.as_bytes());
    let found = reported(detector(), &text);
    let fingerprint = Secret::new(key.to_vec(), 0).fingerprint();
    match &found[..] {
        [one]
            if one.span == span
                && one.encoding == glue.encoding
                && one.detected_key.fingerprint == fingerprint =>
        {
            Ok(())
        }
        other => {
            let shown: Vec<_> = other
                .iter()
                .map(|m| format!("{:?} {} {:?}", m.span, m.encoding, m.detected_key.evidence))
                .collect();
            Err(format!("{:?} at {cuts:?} of {}: {span:?}, not {shown:?}", glue.between, key.len()))
        }
    }
}

#[test]
fn every_shape_is_found_with_every_glue() {
    let mut missed = Vec::new();
    for glue in GLUES {
        for shape in shapes() {
            let key = expand(&shape.template, 7).text;
            for cuts in cuts(&key) {
                // An escape does not end a string gap.
                let escapes =
                    |cut: &usize| glue.between.ends_with('\\') && b"nux01234567".contains(&key[*cut]);
                if cuts.iter().any(escapes) {
                    continue;
                }
                let long = cuts.len() * glue.between.len() + key.len() > 480;
                if !long {
                    missed.extend(check(glue, &key, &cuts).err().map(|e| format!("{}: {e}", shape.name)));
                }
            }
        }
        for template in TYPED.iter().filter(|_| glue.surely) {
            let key = expand(template, 8).text;
            missed.extend(check(glue, &key, &cuts(&key)[0]).err().map(|e| format!("{template}: {e}")));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn two_keys_with_glue_between_them_are_two() {
    let shapes = shapes();
    let templates = shapes.iter().map(|shape| shape.template.as_str()).chain(TYPED.iter().copied());
    let templates: Vec<&str> = templates.chain(["sk-{base62:48}", "sk-{base62:40}"]).collect();
    let mut wrong = Vec::new();
    for glue in GLUES {
        for (index, template) in templates.iter().enumerate() {
            for other in [template, &templates[(index * 5 + 2) % templates.len()]] {
                let (a, b) = (expand(template, 21).text, expand(other, 22).text);
                let text = [
                    b"openai\n",
                    glue.open.as_bytes(),
                    &a,
                    glue.between.as_bytes(),
                    &b,
                    glue.close.as_bytes(),
                ]
                .concat();
                let start = 7 + glue.open.len();
                let next = start + a.len() + glue.between.len();
                let spans: Vec<_> = found(detector(), &text).into_iter().map(|m| m.span).collect();
                let expected = [start..start + a.len(), next..next + b.len()];
                if spans != expected {
                    wrong.push(format!("{:?} {template} {other}: {expected:?}, not {spans:?}", glue.between));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn unrelated_neighbors_are_not_joined() {
    for template in [
        "[\"sk-proj-\", \"{base62:60}\"]",
        "check(\"sk-proj-\", \"{base62:60}\")",
        "PREFIXES = [\"sk-proj-\",{nl} \"sk-svcacct-\",{nl} \"{base62:64}\"]",
        "-  \"sk-proj-\" +{nl}+  \"{base62:60}\"",
        "<li>sk-proj-</li><li>{base62:60}</li>",
        "- sk-proj-{nl}- {base62:60}{nl}",
        "{\"sk-proj-\": \"{base64url:60}\"}",
    ] {
        let text = expand(template, 3).text;
        let found = reported(detector(), &text);
        assert!(found.is_empty(), "{template}: {found:?}");
    }
}

#[test]
fn keys_after_quoted_printable_line_ends_begin_there() {
    for end in ["=0A", "=0D=0A", "=20"] {
        let (a, b) = (expand("sk-proj-{base64url:60}", 1).text, expand("sk-proj-{base64url:60}", 2).text);
        let text = [&a[..], end.as_bytes(), &b, b"\n"].concat();
        let found = reported(detector(), &text);
        assert_eq!(found.len(), 2, "{end}: {found:?}");
    }
}

#[test]
fn dashes_that_were_set_for_hyphens_are_read_in_keys_with_the_marker() {
    for dash in ["\u{2010}", "\u{2011}", "\u{2013}", "&#8209;", "&amp;#45;"] {
        let key = expand("sk-proj-{base62:58}{marker}{base62:58}", 4).text;
        let text = String::from_utf8(key.clone()).unwrap().replace('-', dash);
        let found = reported(detector(), format!("key: {text}\n").as_bytes());
        let fingerprint = Secret::new(key, 0).fingerprint();
        let is_it = matches!(&found[..], [one] if one.detected_key.fingerprint == fingerprint);
        assert!(is_it, "{dash}: {found:?}");
    }
}

#[test]
fn a_key_hyphen_at_the_start_of_lines_is_not_a_patch_sign() {
    let part = expand("sk-proj-{base62:30}-{base62:26}-{base62:16}{marker}{base62:74}", 5).text;
    let text = [b"K=", &part[..38], b"\\\n", &part[38..65], b"\\\n", &part[65..], b"\n"].concat();
    let found = reported(detector(), &text);
    let fingerprint = Secret::new(part, 0).fingerprint();
    assert!(matches!(&found[..], [one] if one.detected_key.fingerprint == fingerprint), "{found:?}");
}
