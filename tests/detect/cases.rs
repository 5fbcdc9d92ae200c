//! Runs the detector on keys of every shape in `fixtures/shapes.toml`, in the contexts in `fixtures/contexts.toml`, and on
//! the look-alikes in `fixtures/lookalikes.toml`.

use friskey::model::Confidence;
use friskey::rules::expand_template;
use serde::Deserialize;

use super::{detector, find_all, find_reported};

#[derive(Deserialize)]
struct Shapes {
    shape: Vec<Shape>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) template: String,
    pub(super) kind: String,
    pub(super) confidence: Confidence,
    pub(super) length: usize,
}

#[derive(Deserialize)]
struct Contexts {
    context: Vec<Context>,
    suffix: Vec<String>,
}

#[derive(Deserialize)]
struct Context {
    pub(super) name: String,
    text: String,
}

#[derive(Deserialize)]
struct Lookalikes {
    text: Vec<String>,
}

pub(super) fn shapes() -> Vec<Shape> {
    toml::from_str::<Shapes>(include_str!("../../fixtures/shapes.toml")).unwrap().shape
}

fn contexts() -> Contexts {
    toml::from_str(include_str!("../../fixtures/contexts.toml")).unwrap()
}

fn lookalikes() -> Vec<String> {
    toml::from_str::<Lookalikes>(include_str!("../../fixtures/lookalikes.toml")).unwrap().text
}

/// `context` with `key` in place of `{KEY}`, and the offset of the key.
fn insert_key(context: &str, key: &[u8]) -> (Vec<u8>, usize) {
    let (before, after) = context.split_once("{KEY}").unwrap();
    let before = expand_template(before, 0).text;
    let start = before.len();
    ([&before, key, &expand_template(after, 0).text].concat(), start)
}

#[test]
fn every_shape_is_found_in_every_context() {
    let detector = detector();
    let mut missed = Vec::new();
    for shape in shapes() {
        for context in contexts().context {
            for seed in 0..4 {
                let key = expand_template(&shape.template, seed).text;
                assert_eq!(key.len(), shape.length, "{}", shape.name);
                let (text, start) = insert_key(&context.text, &key);
                let matches = find_reported(detector, &text);
                let is_exact = matches!(&matches[..], [one]
                    if one.span == (start..start + key.len())
                        && *one.detected_key.kind == *shape.kind
                        && one.detected_key.confidence == shape.confidence
                        && one.detected_key.secret.reveal() == key);
                if !is_exact {
                    missed.push(format!("{} / {} / {seed}: {matches:?}", shape.name, context.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn text_after_a_key_is_not_part_of_it() {
    let detector = detector();
    for shape in shapes() {
        for suffix in contexts().suffix {
            let key = expand_template(&shape.template, 9).text;
            let text = [&key, suffix.as_bytes()].concat();
            let matches = find_reported(detector, &text);
            assert_eq!(matches.len(), 1, "{} {suffix}", shape.name);
            assert_eq!(matches[0].span, 0..key.len(), "{} {suffix}", shape.name);
            assert_eq!(matches[0].detected_key.confidence, Confidence::High, "{} {suffix}", shape.name);
        }
    }
}

#[test]
fn a_truncated_key_is_reported_as_truncated() {
    let detector = detector();
    // Without its last characters, the shortest key that is accepted is too short.
    for shape in shapes().iter().filter(|shape| shape.length > 50) {
        let key = expand_template(&shape.template, 3).text;
        for cut in 1..16 {
            let text = [&key[..key.len() - cut], b" "].concat();
            let matches = find_reported(detector, &text);
            assert_eq!(matches.len(), 1, "{} less {cut}", shape.name);
            assert_eq!(matches[0].span, 0..key.len() - cut, "{} less {cut}", shape.name);
            assert_eq!(matches[0].detected_key.confidence, Confidence::Medium, "{} less {cut}", shape.name);
            assert!(
                matches[0].detected_key.evidence.iter().any(|e| e.starts_with("cut off")),
                "{}",
                shape.name
            );
        }
    }
}

#[test]
fn adjacent_keys_are_separated() {
    let detector = detector();
    let shapes = shapes();
    for (index, first) in shapes.iter().enumerate() {
        // Any other shape, a different one for each.
        let second = &shapes[(index * 7 + 3) % shapes.len()];
        let (a, b) = (expand_template(&first.template, 5).text, expand_template(&second.template, 6).text);
        for separator in ["", "\n", ",", "_", "\\n"] {
            let text = [&a, separator.as_bytes(), &b].concat();
            let spans: Vec<_> = find_reported(detector, &text).into_iter().map(|m| m.span).collect();
            let second_start = a.len() + separator.len();
            let expected = [0..a.len(), second_start..second_start + b.len()];
            assert_eq!(spans, expected, "{} {separator:?} {}", first.name, second.name);
        }
    }
}

#[test]
fn nothing_is_reported_in_lookalikes() {
    let detector = detector();
    let mut wrong = Vec::new();
    for template in lookalikes() {
        for seed in 0..50 {
            let text = expand_template(&template, seed).text;
            if let Some(one) = find_reported(detector, &text).first() {
                wrong.push(format!("{template} / {seed}: {one:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The confidence of the first match in the expanded `template`.
fn first_confidence(template: &str) -> Option<Confidence> {
    find_all(detector(), &expand_template(template, 1).text).first().map(|one| one.detected_key.confidence)
}

#[test]
fn words_near_a_key_without_marker_decide_whether_it_is_from_openai() {
    // Without the marker, a key has 40 to 64 characters, and the word may be two lines away. Stability's keys look the same.
    let (medium, low) = (Some(Confidence::Medium), Some(Confidence::Low));
    assert_eq!(first_confidence("OPENAI_API_KEY=sk-{base62:48}"), medium);
    assert_eq!(first_confidence("sk-{base62:40}{nl}{nl}curl https://api.openai.com/v1"), medium);
    assert_eq!(first_confidence("sk-{base62:50}{nl}{nl}{nl}openai"), low);
    assert_eq!(first_confidence("sk-{base62:64} openai"), medium);
    assert_eq!(first_confidence("sk-{base62:65} openai"), None);
    assert_eq!(first_confidence("sk-{base62:39} openai"), None);
    assert_eq!(first_confidence("OPENAI_API_KEY=sk-{base62:48}{nl}STABILITY_KEY=x"), medium);
    assert_eq!(first_confidence("STABILITY_KEY=sk-{base62:48}{nl}OPENAI_API_KEY=x"), None);
    assert_eq!(first_confidence("sk-{base62:48}"), low);
}

#[test]
fn random_keys_with_a_kind_in_the_prefix_are_found_without_the_marker() {
    let detector = detector();
    for prefix in ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"] {
        for length in [40, 48, 101, 150, 200] {
            for seed in 0..100 {
                let text = expand_template(&format!("key: {prefix}{{base64url:{length}}};"), seed).text;
                let confidences: Vec<_> =
                    find_reported(detector, &text).iter().map(|m| m.detected_key.confidence).collect();
                // A check rejects one in ten thousand random keys, because part of it looks as if a person had typed it;
                // none of these seeds makes such a key.
                let outcomes =
                    || detector.explain(&text).assessments.into_iter().map(|v| v.outcome).collect::<Vec<_>>();
                assert_eq!(confidences, [Confidence::Medium], "{prefix} {length} {seed}: {:?}", outcomes());
            }
        }
    }
}

#[test]
fn a_key_with_other_letters_in_place_of_the_marker_has_low_confidence() {
    for template in [
        "sk-admin-{base64url:58}{upper:8}{base64url:58}",
        "sk-proj-{base64url:74}{upper:8}{base64url:74}",
        "sk-proj-{base64url:58}{lower:8}{base64url:58}",
        "sk-svcacct-{base64url:46}{lower:8}{base64url:46}",
    ] {
        for seed in 0..50 {
            let text = expand_template(&format!("openai: {template}{{nl}}"), seed).text;
            let confidences: Vec<_> =
                find_all(detector(), &text).iter().map(|m| m.detected_key.confidence).collect();
            assert_eq!(confidences, [Confidence::Low], "{template} {seed}");
        }
    }
}

#[test]
fn a_key_without_its_prefix_is_found_where_openai_is_named() {
    const HALVES: [usize; 5] = [20, 42, 46, 58, 74];
    for half in HALVES {
        let class = if half == 20 { "base62" } else { "base64url" };
        for (before, after) in [
            ("{\"open_ai_api_key\": \"", "\"}"),
            ("openai_api_key = '", "'"),
            ("# api.openai.com{nl}Authorization: Bearer ", "{nl}"),
            ("OPENAI_API_KEY=", "{nl}"),
            ("openai = \"sk-\" + rest; rest = \"", "\";"),
            ("OPENAI_KEY=k-proj-", "{nl}"),
            ("<add key=\"OpenAI\" value=\"", "\"/>"),
        ] {
            for seed in 0..10 {
                let key = format!("{{{class}:{half}}}{{marker}}{{{class}:{half}}}");
                let text = expand_template(&format!("{before}«{key}»{after}"), seed);
                let matches = find_all(detector(), &text.text);
                let is_exact = matches!(&matches[..], [one]
                    if Some(one.span.clone()) == text.secret && one.detected_key.confidence == Confidence::Medium);
                assert!(is_exact, "{half} {before} {seed}: {matches:?}");
            }
        }
    }
    assert_eq!(first_confidence("k = '{base62:20}{marker}{base62:20}'"), Some(Confidence::Low));
    for half in HALVES {
        let key = format!("{{base62:{half}}}{{marker}}{{base62:{half}}}");
        assert_eq!(first_confidence(&format!("openai {{base62:3}}/{key}")), None, "{half}");
        assert_eq!(first_confidence(&format!("openai {key}{{base62:1}}")), None, "{half}");
    }
}

#[test]
fn a_zero_tail_adds_evidence_and_its_absence_does_not_count_against_a_key() {
    let detector = detector();
    let evidence = |template: &str| {
        find_all(detector, &expand_template(template, 2).text)[0].detected_key.evidence.clone()
    };
    let zero = evidence("sk-proj-{base64url:74}{marker}{base64url:72}{zero}");
    assert_eq!(zero, ["marker", "equal halves of 74", "zero tail"]);
    let other = evidence("sk-proj-{base64url:74}{marker}{base64url:73}B");
    assert_eq!(other, ["marker", "equal halves of 74"]);
}
