//! Compares the detector with the `regex` crate alone, which searches the whole text without a prefilter.

use std::ops::Range;

use friskey::detect::Detector;
use friskey::rules::RuleSet;
use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use super::find_all;

/// Patterns of rules without checks: with a keyword at the start and inside, with groups, choices and boundaries.
const PATTERNS: &[&str] = &[
    r"(?<prefix>acme_)[A-Za-z0-9]{4,12}\b",
    r"[a-z]{2}-acme-(?<secret>[0-9a-f]{6})y?",
    r"key\s{0,3}[:=]\s{0,3}(?<secret>(?:live|test)_[a-z0-9]{3,9})",
    r"(?s)begin.{0,9}?(?<secret>[0-9]{4})end",
    r"\bpin(?<secret>[A-Z]{3,5}?)(?:x|yy)",
];

/// Parts of texts that match one of the [`PATTERNS`] or almost do.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let literals = prop::sample::select(vec![
        "acme_",
        "acme-",
        "ab-acme-",
        "abcdef",
        "0123",
        "c0ffee",
        "key",
        ": ",
        "=",
        "live_",
        "test_",
        "begin",
        "end",
        "pin",
        "ABC",
        "DEF",
        "x",
        "yy",
        "_",
        "-",
        " ",
        "\n",
        "é",
        "key=live_abc",
        "acme_Abcd1",
        "pinABCx",
        "begin1234end",
    ]);
    prop_oneof![
        12 => literals.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

/// The span of the secret of every match: one for each offset at which a match begins.
fn matches_by_regex(pattern: &Regex, text: &[u8]) -> Vec<Range<usize>> {
    let secret_at = |start: usize| {
        let groups = pattern.captures_at(text, start)?;
        let whole = groups.get(0).filter(|whole| whole.start() == start)?;
        Some(groups.name("secret").unwrap_or(whole).range())
    };
    (0..=text.len()).filter_map(secret_at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn patterns_match_as_in_another_engine(
        pieces in prop::collection::vec(piece(), 0..40),
        index in 0..PATTERNS.len(),
    ) {
        let text = pieces.concat();
        let pattern = PATTERNS[index];
        let keyword = ["acme_", "-acme-", "key", "begin", "pin"][index];
        let rule = format!("[[rule]]\nid = 'test'\nkeywords = ['{keyword}']\npattern = '''{pattern}'''\n");
        let detector = Detector::new(&RuleSet::from_text(&rule, "test.toml").unwrap()).unwrap();
        let regex = RegexBuilder::new(pattern).unicode(false).build().unwrap();
        let expected = matches_by_regex(&regex, &text);
        let spans: Vec<_> = find_all(&detector, &text).into_iter().map(|one| one.span).collect();
        for span in &spans {
            prop_assert!(expected.contains(span), "{pattern} does not match at {span:?}");
        }
        // The detector reports only one of several overlapping matches.
        for span in &expected {
            let overlaps = |other: &Range<usize>| other.start < span.end && span.start < other.end;
            prop_assert!(spans.iter().any(overlaps), "the detector missed the match of {pattern} at {span:?}");
        }
    }
}
