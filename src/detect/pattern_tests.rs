//! Compares the search around keywords with the regex alone, on random patterns of the shapes that custom rules have.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::candidate::Candidate;
use super::variant::{CompiledVariant, compile_all};
use crate::rules::RuleSet;

/// Literals of which some contain others, keywords, or a part of themselves at both ends.
const LITERALS: &[&str] = &["a", "ba", "aa", "aba", "abab", "caab", "abaca", "bcabab"];
const CLASSES: &[(&str, &[u8])] = &[("[a-c]", b"abc"), ("[ab]", b"ab"), ("[^a]", b"bc\n"), (".", b"abc-")];
/// These match more than one byte, as Unicode classes do.
const UNICODE_CLASSES: &[(&str, &str)] = &[("(?u:[aé])", "é"), ("(?u:.)", "é"), ("(?u:[a-c])", "b")];
const KEYWORDS: &[&str] = &["aba", "abab", "aaa", "caab", "abacabacab"];
/// The group names that a rule can use, and one that has no meaning.
const GROUP_NAMES: [&str; 5] = ["left", "right", "secret", "prefix", "other"];

/// A part of a pattern.
#[derive(Clone, Debug)]
enum Part {
    Literal(&'static str),
    Run { class: usize, min: usize, extra: usize, is_lazy: bool },
    UnicodeClass(usize),
    Look(&'static str),
    Group(Box<Part>),
    Optional(Box<Part>, bool),
    Choice(Vec<Part>),
    Sequence(Vec<Part>),
}

fn part() -> impl Strategy<Value = Part> {
    let run = |(class, min, extra, is_lazy)| Part::Run { class, min, extra, is_lazy };
    let leaf = prop_oneof![
        20 => select(LITERALS).prop_map(Part::Literal),
        20 => (0..CLASSES.len(), 0..4_usize, 0..5_usize, any::<bool>()).prop_map(run),
        1 => (0..UNICODE_CLASSES.len()).prop_map(Part::UnicodeClass),
        1 => select(&[r"\b", "^", "$"][..]).prop_map(Part::Look),
    ];
    leaf.prop_recursive(4, 16, 4, |part| {
        prop_oneof![
            2 => part.clone().prop_map(|part| Part::Group(Box::new(part))),
            2 => (part.clone(), any::<bool>()).prop_map(|(part, is_lazy)| Part::Optional(Box::new(part), is_lazy)),
            2 => prop::collection::vec(part.clone(), 2..4).prop_map(Part::Choice),
            4 => prop::collection::vec(part, 2..5).prop_map(Part::Sequence),
        ]
    })
}

impl Part {
    /// Adds the part to `pattern`, which has `groups` groups so far.
    fn write(&self, pattern: &mut String, groups: &mut usize) {
        match self {
            Self::Literal(text) | Self::Look(text) => pattern.push_str(text),
            Self::UnicodeClass(class) => pattern.push_str(UNICODE_CLASSES[*class].0),
            Self::Run { class, min, extra, is_lazy } => {
                let lazy = if *is_lazy { "?" } else { "" };
                pattern.push_str(&format!("{}{{{min},{}}}{lazy}", CLASSES[*class].0, min + extra));
            }
            Self::Group(part) => {
                match GROUP_NAMES.get(*groups) {
                    Some(name) => pattern.push_str(&format!("(?<{name}>")),
                    None => pattern.push('('),
                }
                *groups += 1;
                part.write(pattern, groups);
                pattern.push(')');
            }
            Self::Optional(part, is_lazy) => {
                pattern.push_str("(?:");
                part.write(pattern, groups);
                pattern.push_str(if *is_lazy { ")??" } else { ")?" });
            }
            Self::Choice(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    pattern.push_str(if index == 0 { "(?:" } else { "|" });
                    part.write(pattern, groups);
                }
                pattern.push(')');
            }
            Self::Sequence(parts) => parts.iter().for_each(|part| part.write(pattern, groups)),
        }
    }

    /// Adds text to `text` that the part matches. Each byte of `choices` decides about one thing.
    fn write_match(&self, text: &mut Vec<u8>, choices: &mut impl Iterator<Item = u8>) {
        let mut choose = |count: usize| usize::from(choices.next().unwrap_or(0)) % count;
        match self {
            Self::Literal(literal) => text.extend(literal.bytes()),
            Self::UnicodeClass(class) => text.extend(UNICODE_CLASSES[*class].1.bytes()),
            Self::Look(_) => {}
            Self::Run { class, min, extra, .. } => {
                let bytes = CLASSES[*class].1;
                for _ in 0..min + choose(extra + 1) {
                    text.push(bytes[choose(bytes.len())]);
                }
            }
            Self::Group(part) => part.write_match(text, choices),
            Self::Optional(part, _) => {
                if choose(2) == 1 {
                    part.write_match(text, choices);
                }
            }
            Self::Choice(parts) => {
                let index = choose(parts.len());
                parts[index].write_match(text, choices);
            }
            Self::Sequence(parts) => parts.iter().for_each(|part| part.write_match(text, choices)),
        }
    }
}

/// What matters of a candidate before its checks, as text that can be compared.
fn summary(candidate: &Candidate<'_>) -> String {
    let Candidate { matched, secret, prefix, halves, .. } = candidate;
    format!("{matched:?}: secret {secret:?}, prefix {prefix:?}, halves {halves:?}")
}

fn sorted(mut summaries: Vec<String>) -> Vec<String> {
    summaries.sort_unstable();
    summaries.dedup();
    summaries
}

/// What `variant` matches around each keyword.
fn around_keywords(variant: &CompiledVariant, text: &[u8]) -> Vec<String> {
    let mut summaries = Vec::new();
    for keyword in &variant.variant.keywords {
        for at in (0..text.len()).filter(|&at| text[at..].starts_with(keyword)) {
            variant
                .matches(text, at..at + keyword.len(), &mut |candidate| summaries.push(summary(&candidate)));
        }
    }
    sorted(summaries)
}

/// What its regex matches at any position.
fn by_regex_alone(variant: &CompiledVariant, text: &[u8]) -> Vec<String> {
    let mut summaries = Vec::new();
    variant.matches_plainly(text, &mut |candidate| summaries.push(summary(&candidate)));
    sorted(summaries)
}

fn rule(pattern: &str, keywords: &[&str]) -> Option<RuleSet> {
    let text = format!("[[rule]]\nid = 'test'\nkeywords = {keywords:?}\npattern = '''{pattern}'''\n");
    RuleSet::from_text(&text, "test.toml").ok()
}

/// Asserts that the only match of `pattern` in `text` is found around its keyword.
fn assert_found(pattern: &str, keyword: &str, text: &str) {
    let rules = rule(pattern, &[keyword]).unwrap();
    let variant = &compile_all(rules.rules())[0];
    let expected = by_regex_alone(variant, text.as_bytes());
    assert_eq!(expected.len(), 1, "{pattern} in {text}");
    assert_eq!(around_keywords(variant, text.as_bytes()), expected, "{pattern} in {text}");
}

#[test]
fn a_literal_that_overlaps_itself_may_end_a_lazy_run() {
    let pattern = "acme-(?<left>[a-z-]{4,40}?)--(?<right>[0-9]{8})";
    for text in ["acme-abcd--12345678", "acme-abcd---12345678", "acme-abcd----12345678"] {
        assert_found(pattern, "acme-", text);
    }
}

#[test]
fn an_optional_part_may_precede_the_keyword() {
    for pattern in ["zeta-(?:[a-z]{3})?MIDDLE[0-9]{8}", "zeta-([a-z]{3}|(?:[a-z][A-Z])??)MIDDLE[0-9]{8}"] {
        for text in ["zeta-abcMIDDLE12345678", "zeta-MIDDLE12345678"] {
            assert_found(pattern, "MIDDLE", text);
        }
    }
}

#[test]
fn the_keyword_may_be_a_literal_of_its_own_in_one_alternative_only() {
    for pattern in ["lima-(?:[a-z]{2}QUUX|5QUUX9)[0-9]{8}", "lima-(?:[a-z]{2}QUUX|[0-9]{1,9}QUUX9)[0-9]{8}"] {
        for text in ["lima-abQUUX12345678", "lima-5QUUX912345678"] {
            assert_found(pattern, "QUUX", text);
        }
    }
}

#[test]
fn a_unicode_class_matches_whole_characters() {
    assert_found("acme-(?u:[é-ü])[0-9]{8}", "acme-", "acme-é12345678");
}

#[test]
fn a_pattern_with_an_anchor_matches_only_at_the_start_of_the_text() {
    assert_found("^acme-[0-9]{8}", "acme-", "acme-12345678 acme-12345678");
}

#[test]
fn a_keyword_longer_than_every_match_causes_no_panic() {
    let rules = rule("a[b-d]{2}", &["abcdabcd"]).unwrap();
    assert!(around_keywords(&compile_all(rules.rules())[0], b"abcdabcd").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matches_around_keywords_are_those_of_the_regex(
        parts in prop::collection::vec(part(), 1..6),
        keywords in prop::collection::vec(select(KEYWORDS), 1..3),
        choices in prop::collection::vec(any::<u8>(), 40..200),
        noise in prop::collection::vec((select(&b"abc-"[..]), any::<Index>()), 0..6),
    ) {
        let parts = Part::Sequence(parts);
        let (mut pattern, mut text) = (String::new(), Vec::new());
        parts.write(&mut pattern, &mut 0);
        // An invalid rule, e.g. one that matches the empty text.
        let Some(rules) = rule(&pattern, &keywords) else { return Ok(()) };
        let mut choices = choices.into_iter();
        for _ in 0..4 {
            parts.write_match(&mut text, &mut choices);
        }
        for (byte, place) in noise {
            text.insert(place.index(text.len() + 1), byte);
        }
        let variant = &compile_all(rules.rules())[0];
        prop_assert_eq!(
            around_keywords(variant, &text),
            by_regex_alone(variant, &text),
            "{} with the keywords {:?} in {:?}", pattern, keywords, String::from_utf8_lossy(&text)
        );
    }
}
