//! Tests that text around a key neither hides it nor lowers its confidence, even if it resembles a part of a key or seems to
//! continue the key.

use friskey::model::{Confidence, Secret};
use friskey::rules::{MARKER, expand_template};

use super::cases::{Shape, shapes};
use super::encoded::{apply_steps, bytes, tag};
use super::{detector, find_all};

/// Searches texts, and counts those in which the key is not found.
#[derive(Default)]
struct Tally {
    tried: usize,
    /// Descriptions of the texts in which the key was not found.
    missed: Vec<String>,
}

impl Tally {
    /// Searches `text` for `key`, which must be found with at least the confidence `minimum`.
    fn search(&mut self, name: &str, key: &[u8], text: &[u8], minimum: Confidence) {
        let matches = find_all(detector(), text);
        let fingerprint = Secret::new(key.to_vec(), 0).fingerprint();
        let is_found = matches
            .iter()
            .any(|m| m.detected_key.fingerprint == fingerprint && m.detected_key.confidence >= minimum);
        self.tried += 1;
        if !is_found {
            let actual =
                matches.iter().map(|m| (m.span.clone(), &m.detected_key.rule, m.detected_key.confidence));
            self.missed.push(format!("{name}: {:?}", actual.collect::<Vec<_>>()));
        }
    }

    fn assert_none_missed(&self) {
        let Self { tried, missed } = self;
        let first = missed[..missed.len().min(40)].join("\n");
        assert!(missed.is_empty() && *tried > 0, "{} of {tried} missed:\n{first}", missed.len());
    }
}

/// The length of each half of a key of `shape`, and that of its prefix, in bytes.
fn half_and_prefix_len(shape: &Shape, key: &[u8]) -> (usize, usize) {
    let prefix_len = shape.template.find('{').unwrap();
    ((key.len() - prefix_len - MARKER.len()) / 2, prefix_len)
}

/// `text` with `dash` in place of hyphens.
fn replace_hyphens(text: &[u8], dash: &str) -> Vec<u8> {
    String::from_utf8(text.to_vec()).unwrap().replace('-', dash).into_bytes()
}

/// Texts that contain prefixes or markers of keys several times.
const KEY_STARTS: &[&str] = &[
    "\", \"task-1\", \"task-2\", \"task-3\", \"task-4\"",
    "\"\n\"task-1\"\n\"task-2\"\n\"task-3\"\n",
    "\".sk-a\", \".sk-b\", \".sk-c\", \".sk-d\"",
    "\", \"desk-lamp\", \"risk-score\", \"mask-rcnn\", \"disk-usage\", \"flask-app\"",
    "/task-1/task-2/task-3",
    ".task-a.task-b.task-c",
    "\"],\"desk-risk-task-\"",
    "\",\"{marker}\",\"{marker}\",\"{marker}\",\"{marker}\"]",
];

#[test]
fn starts_of_keys_do_not_hide_an_encoded_key_before_them() {
    let encodings: &[&[&str]] = &[
        &["unicode"],
        &["hex-escape"],
        &["percent"],
        &["entity"],
        &["octal"],
        &["split:31:\" + \""],
        &["split:31:\\\n"],
        &["split:31:\u{1b}[1m"],
        &["split:31:=\n"],
        &["split:40:\u{200b}"],
    ];
    let mut tally = Tally::default();
    for shape in shapes() {
        for encoding in encodings {
            for (seed, after) in (20..).zip(KEY_STARTS) {
                let key = expand_template(&shape.template, seed).text;
                let steps: Vec<String> = encoding.iter().map(|step| (*step).to_owned()).collect();
                let encoded = bytes(&apply_steps(tag(&key, true), &steps));
                let text = [b"[\"", &encoded[..], &expand_template(after, 0).text].concat();
                let name = format!("{} {encoding:?} {after:?}", shape.name);
                tally.search(&name, &key, &text, Confidence::High);
            }
        }
    }
    tally.assert_none_missed();
}

#[test]
fn text_that_extends_both_halves_to_a_known_length_does_not_hide_the_key() {
    let mut tally = Tally::default();
    for shape in shapes().into_iter().filter(|shape| shape.confidence == Confidence::High) {
        for known_half in [42, 46, 58, 74] {
            for seed in 0..8 {
                let key = expand_template(&shape.template, seed).text;
                let (half, prefix) = half_and_prefix_len(&shape, &key);
                if known_half <= half + prefix {
                    continue;
                }
                // With these, `known_half` characters precede and follow the marker.
                let before = "a".repeat(known_half - half - prefix - 1) + "_";
                for (separator, context) in [("_", ""), ("_", "openai = "), ("-", "")] {
                    let after =
                        expand_template(&format!("{separator}{{base62:{}}}", known_half - half - 1), seed)
                            .text;
                    let text = [context.as_bytes(), before.as_bytes(), &key, &after, b"\n"].concat();
                    let name = format!("{} in {known_half}", shape.name);
                    tally.search(&name, &key, &text, Confidence::High);
                }
            }
        }
    }
    tally.assert_none_missed();
}

#[test]
fn typographic_dashes_do_not_hide_the_prefix() {
    let halves = [20, 42, 46, 58, 74];
    let prefixes = ["sk-", "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-user-"];
    let mut tally = Tally::default();
    for prefix in prefixes {
        for half in halves {
            for dash in ["\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2212}"] {
                for (before, after) in
                    [("", ""), ("", "-old"), ("openai ", "-old "), ("OPENAI_API_KEY=", "\n"), ("x", " x")]
                {
                    let key =
                        expand_template(&format!("{prefix}{{base62:{half}}}{{marker}}{{base62:{half}}}"), 3)
                            .text;
                    let with_dashes = replace_hyphens(&[&key, after.as_bytes()].concat(), dash);
                    let text = [before.as_bytes(), &with_dashes].concat();
                    let name = format!("{before:?} {prefix}{half} {dash} {after:?}");
                    tally.search(&name, &key, &text, Confidence::High);
                }
            }
        }
    }
    tally.assert_none_missed();
}

#[test]
fn the_plain_first_part_of_a_split_key_does_not_hide_the_whole_key() {
    let separators = ["\u{1b}[0m", "\\\n", "\" + \"", "\u{200b}", "=\r\n"];
    let mut tally = Tally::default();
    for prefix in ["sk-proj-", "sk-svcacct-", "sk-"] {
        for half in [20, 30, 33, 50, 60, 74, 90] {
            for offset_in_half in [0, 3, 8, 12, 18] {
                for separator in separators {
                    for (after, minimum) in
                        [("", Confidence::High), ("_old", Confidence::High), ("AAAA", Confidence::Medium)]
                    {
                        let key = expand_template(
                            &format!("{prefix}{{base62:{half}}}{{marker}}{{base62:{half}}}"),
                            5,
                        )
                        .text;
                        let (first, second) =
                            key.split_at(prefix.len() + half + MARKER.len() + offset_in_half);
                        let text =
                            [&b"K=\""[..], first, separator.as_bytes(), second, after.as_bytes(), b"\"\n"]
                                .concat();
                        let name = format!("{prefix}{half} {offset_in_half} {separator:?} {after:?}");
                        tally.search(&name, &key, &text, minimum);
                    }
                }
            }
        }
    }
    tally.assert_none_missed();
}

/// The text before and after a key without a marker, or with a truncated right half.
const CONTEXTS: &[(&str, &str)] = &[
    ("", ""),
    ("KEY=\"", "\"\n"),
    ("key: ", "\n"),
    ("\\n", "\\n"),
    ("{\"k\":\"", "\",\"other\":1}"),
    ("+", " # x"),
];

#[test]
fn keys_without_the_marker_but_of_a_known_length_have_medium_confidence() {
    let mut tally = Tally::default();
    for (prefix, halves) in [
        ("sk-proj-", &[58, 74][..]),
        ("sk-svcacct-", &[46, 58, 74]),
        ("sk-admin-", &[58, 74]),
        ("sk-None-", &[74]),
    ] {
        for half in halves {
            for seed in 0..40 {
                let key =
                    expand_template(&format!("{prefix}{{base64url:{}}}", 2 * half + MARKER.len()), seed).text;
                let middle = &key[prefix.len() + half..][..MARKER.len()];
                // Letters of one case in the middle look as if they replaced the marker, which lowers the confidence.
                let is_marker_replaced =
                    middle.iter().all(u8::is_ascii_lowercase) || middle.iter().all(u8::is_ascii_uppercase);
                for (before, after) in CONTEXTS.iter().filter(|_| !is_marker_replaced) {
                    let text = [before.as_bytes(), &key, after.as_bytes()].concat();
                    let name = format!("{prefix}{half} {seed} {before:?}");
                    tally.search(&name, &key, &text, Confidence::Medium);
                }
            }
        }
    }
    tally.assert_none_missed();
}

#[test]
fn keys_with_a_truncated_half_are_reported() {
    let mut tally = Tally::default();
    for shape in shapes() {
        for right in [18, 17, 10, 5, 1, 0] {
            for (before, after) in CONTEXTS {
                let key = expand_template(&shape.template, 4).text;
                let (half, prefix) = half_and_prefix_len(&shape, &key);
                let key = &key[..prefix + half + MARKER.len() + right.min(half - 1)];
                let text = [before.as_bytes(), key, after.as_bytes()].concat();
                let name = format!("{} {right} {before:?}", shape.name);
                tally.search(&name, key, &text, Confidence::Medium);
            }
        }
    }
    for prefix in ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"] {
        for (left, right) in [(5, 58), (0, 40), (12, 74)] {
            let key =
                expand_template(&format!("{prefix}{{base62:{left}}}{{marker}}{{base62:{right}}}"), 6).text;
            for (before, after) in CONTEXTS {
                let text = [before.as_bytes(), &key, after.as_bytes()].concat();
                let name = format!("{prefix}{left} {right} {before:?}");
                tally.search(&name, &key, &text, Confidence::Medium);
            }
        }
    }
    tally.assert_none_missed();
}

#[test]
fn truncated_placeholders_have_low_confidence() {
    for template in [
        "sk-proj-{repeat:x:74}{marker}",
        "sk-proj-abcdefghijklmnopqrst{marker}uvwxy",
        "sk-{repeat:A:20}{marker}{repeat:B:3}",
        "sk-12345678901234567890{marker}123",
    ] {
        let matches = find_all(detector(), &expand_template(template, 1).text);
        assert!(
            matches.iter().all(|m| m.detected_key.confidence == Confidence::Low),
            "{template}: {matches:?}"
        );
    }
}
