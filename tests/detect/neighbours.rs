//! Tests that text that overlaps a key or is next to it neither hides it nor lowers its confidence: every shape beside
//! every neighbor.

use friskey::model::{Confidence, Secret};
use friskey::rules::{MARKER, expand};

use super::cases::{Shape, shapes};
use super::encoded::{bytes, marked, through};
use super::{detector, found};

/// A key, its text, and whether just that key is reported in it, at `level` or above.
fn miss(name: &str, key: &[u8], text: &[u8], level: Confidence) -> Option<String> {
    let found = found(detector(), text);
    let fingerprint = Secret::new(key.to_vec(), 0).fingerprint();
    let is_it =
        found.iter().any(|m| m.detected_key.fingerprint == fingerprint && m.detected_key.confidence >= level);
    let shown = || {
        let all = found.iter().map(|m| (m.span.clone(), &m.detected_key.rule, m.detected_key.confidence));
        format!("{name}: {:?}", all.collect::<Vec<_>>())
    };
    (!is_it).then(shown)
}

fn assert_none(missed: &[String], tried: usize) {
    let shown = missed[..missed.len().min(40)].join("\n");
    assert!(missed.is_empty() && tried > 0, "{} of {tried} missed:\n{shown}", missed.len());
}

/// The half-length of a shape, and the length of its prefix.
fn lengths(shape: &Shape, key: &[u8]) -> (usize, usize) {
    let prefix = shape.template.find('{').unwrap();
    ((key.len() - prefix - MARKER.len()) / 2, prefix)
}

fn dashed(key: &[u8], dash: &str) -> Vec<u8> {
    String::from_utf8(key.to_vec()).unwrap().replace('-', dash).into_bytes()
}

/// Texts that repeat what keys contain once.
const STARTS: &[&str] = &[
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
fn texts_that_hold_starts_of_keys_do_not_hide_a_disguised_key_before_them() {
    let ways: &[&[&str]] = &[
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
    let (mut missed, mut tried) = (Vec::new(), 0);
    for shape in shapes() {
        for way in ways {
            for (seed, after) in (20..).zip(STARTS) {
                let key = expand(&shape.template, seed).text;
                let steps: Vec<String> = way.iter().map(|step| (*step).to_owned()).collect();
                let text = [b"[\"", &bytes(&through(marked(&key, true), &steps))[..], &expand(after, 0).text]
                    .concat();
                tried += 1;
                missed.extend(miss(
                    &format!("{} {way:?} {after:?}", shape.name),
                    &key,
                    &text,
                    Confidence::High,
                ));
            }
        }
    }
    assert_none(&missed, tried);
}

#[test]
fn neighbours_that_fill_up_to_a_known_length_do_not_hide_the_prefix() {
    let (mut missed, mut tried) = (Vec::new(), 0);
    for shape in shapes().into_iter().filter(|shape| shape.confidence == Confidence::High) {
        for known in [42, 46, 58, 74] {
            for seed in 0..8 {
                let key = expand(&shape.template, seed).text;
                let (half, prefix) = lengths(&shape, &key);
                let Some(before) = known_gap(known, half + prefix) else { continue };
                let after = known - half;
                for (separator, context) in [("_", ""), ("_", "openai = "), ("-", "")] {
                    let before = "a".repeat(before - 1) + "_";
                    let after = expand(&format!("{separator}{{base62:{}}}", after - 1), seed).text;
                    let text = [context.as_bytes(), before.as_bytes(), &key, &after, b"\n"].concat();
                    tried += 1;
                    missed.extend(miss(&format!("{} in {known}", shape.name), &key, &text, Confidence::High));
                }
            }
        }
    }
    assert_none(&missed, tried);
}

/// Filler before `taken` characters, so that the total is `known`.
fn known_gap(known: usize, taken: usize) -> Option<usize> {
    known.checked_sub(taken).filter(|gap| *gap > 0)
}

#[test]
fn typographic_dashes_do_not_hide_the_prefix() {
    let halves = [20, 42, 46, 58, 74];
    let prefixes = ["sk-", "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-user-"];
    let (mut missed, mut tried) = (Vec::new(), 0);
    for prefix in prefixes {
        for half in halves {
            for dash in ["\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2212}"] {
                for (before, after) in
                    [("", ""), ("", "-old"), ("openai ", "-old "), ("OPENAI_API_KEY=", "\n"), ("x", " x")]
                {
                    let key =
                        expand(&format!("{prefix}{{base62:{half}}}{{marker}}{{base62:{half}}}"), 3).text;
                    let written = dashed(&[&key, after.as_bytes()].concat(), dash);
                    let text = [before.as_bytes(), &written].concat();
                    let name = format!("{before:?} {prefix}{half} {dash} {after:?}");
                    tried += 1;
                    missed.extend(miss(&name, &key, &text, Confidence::High));
                }
            }
        }
    }
    assert_none(&missed, tried);
}

#[test]
fn a_plain_match_that_is_cut_off_does_not_hide_the_whole_key() {
    let splits = ["\u{1b}[0m", "\\\n", "\" + \"", "\u{200b}", "=\r\n"];
    let (mut missed, mut tried) = (Vec::new(), 0);
    for prefix in ["sk-proj-", "sk-svcacct-", "sk-"] {
        for half in [20, 30, 33, 50, 60, 74, 90] {
            for at in [0, 3, 8, 12, 18] {
                for split in splits {
                    for (after, level) in
                        [("", Confidence::High), ("_old", Confidence::High), ("AAAA", Confidence::Medium)]
                    {
                        let key =
                            expand(&format!("{prefix}{{base62:{half}}}{{marker}}{{base62:{half}}}"), 5).text;
                        let (first, second) = key.split_at(prefix.len() + half + MARKER.len() + at);
                        let parts =
                            [&b"K=\""[..], first, split.as_bytes(), second, after.as_bytes(), b"\"\n"];
                        let name = format!("{prefix}{half} {at} {split:?} {after:?}");
                        tried += 1;
                        missed.extend(miss(&name, &key, &parts.concat(), level));
                    }
                }
            }
        }
    }
    assert_none(&missed, tried);
}

/// Possible surroundings of a key without a marker, or with a truncated right half.
const AROUND: &[(&str, &str)] = &[
    ("", ""),
    ("KEY=\"", "\"\n"),
    ("key: ", "\n"),
    ("\\n", "\\n"),
    ("{\"k\":\"", "\",\"other\":1}"),
    ("+", " # x"),
];

#[test]
fn typed_keys_without_the_marker_count_at_the_lengths_of_those_with_it() {
    let (mut missed, mut tried) = (Vec::new(), 0);
    for (prefix, halves) in [
        ("sk-proj-", &[58, 74][..]),
        ("sk-svcacct-", &[46, 58, 74]),
        ("sk-admin-", &[58, 74]),
        ("sk-None-", &[74]),
    ] {
        for half in halves {
            for seed in 0..40 {
                let key = expand(&format!("{prefix}{{base64url:{}}}", 2 * half + MARKER.len()), seed).text;
                let middle = &key[prefix.len() + half..][..MARKER.len()];
                let is_replaced =
                    middle.iter().all(u8::is_ascii_lowercase) || middle.iter().all(u8::is_ascii_uppercase);
                for (before, after) in AROUND.iter().filter(|_| !is_replaced) {
                    let text = [before.as_bytes(), &key, after.as_bytes()].concat();
                    tried += 1;
                    missed.extend(miss(
                        &format!("{prefix}{half} {seed} {before:?}"),
                        &key,
                        &text,
                        Confidence::Medium,
                    ));
                }
            }
        }
    }
    assert_none(&missed, tried);
}

#[test]
fn keys_of_which_half_is_missing_are_reported() {
    let (mut missed, mut tried) = (Vec::new(), 0);
    for shape in shapes() {
        for left in [18, 17, 10, 5, 1, 0] {
            for (before, after) in AROUND {
                let key = expand(&shape.template, 4).text;
                let (half, prefix) = lengths(&shape, &key);
                let key = &key[..prefix + half + MARKER.len() + left.min(half - 1)];
                let text = [before.as_bytes(), key, after.as_bytes()].concat();
                tried += 1;
                missed.extend(miss(
                    &format!("{} {left} {before:?}", shape.name),
                    key,
                    &text,
                    Confidence::Medium,
                ));
            }
        }
    }
    for prefix in ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"] {
        for (left, right) in [(5, 58), (0, 40), (12, 74)] {
            let key = expand(&format!("{prefix}{{base62:{left}}}{{marker}}{{base62:{right}}}"), 6).text;
            for (before, after) in AROUND {
                let text = [before.as_bytes(), &key, after.as_bytes()].concat();
                tried += 1;
                missed.extend(miss(
                    &format!("{prefix}{left} {right} {before:?}"),
                    &key,
                    &text,
                    Confidence::Medium,
                ));
            }
        }
    }
    assert_none(&missed, tried);
}

#[test]
fn placeholders_that_are_cut_off_stay_low() {
    for template in [
        "sk-proj-{repeat:x:74}{marker}",
        "sk-proj-abcdefghijklmnopqrst{marker}uvwxy",
        "sk-{repeat:A:20}{marker}{repeat:B:3}",
        "sk-12345678901234567890{marker}123",
    ] {
        let found = found(detector(), &expand(template, 1).text);
        assert!(found.iter().all(|m| m.detected_key.confidence == Confidence::Low), "{template}: {found:?}");
    }
}
