//! Facts about a pattern that are known before it runs, such as its maximum match length.

use std::borrow::Cow;

use regex_syntax::hir::{Class, Hir, HirKind, Look, literal};

use super::alphabet::is_key;
use super::pattern::{MAX_MATCH_LEN, Pattern};

/// Properties of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Maximum match length in bytes.
    pub max_len: usize,
    /// Whether every match begins with one of the keywords, so that the start of the keyword is that of the match.
    pub starts_with_keyword: bool,
    /// Whether every match consists of key characters.
    pub has_only_key_chars: bool,
    /// For each keyword, the minimum number of key characters directly before it in every match. Empty if there are none
    /// before any keyword.
    pub key_chars_before: Cow<'static, [usize]>,
}

/// Analyzes `pattern`. The error says what is wrong with it.
pub(super) fn analyze(pattern: &Pattern, keywords: &[Vec<u8>]) -> Result<Facts, String> {
    let hir = pattern.hir()?;
    let max_len = hir.properties().maximum_len().ok_or_else(|| {
        format!("the match length is unbounded; limit each repetition, e.g. `{{16,{MAX_MATCH_LEN}}}` instead of `+` or `*`")
    })?;
    if max_len > MAX_MATCH_LEN {
        return Err(format!("a match could be {max_len} bytes long; at most {MAX_MATCH_LEN} are allowed"));
    }
    if hir.properties().minimum_len() == Some(0) {
        return Err("the pattern matches the empty string".to_owned());
    }
    let mut leaves = Vec::new();
    add_leaves(hir, &mut leaves);
    let mut counts: Vec<usize> = keywords.iter().map(|keyword| key_chars_before(&leaves, keyword)).collect();
    if counts.iter().all(|&count| count == 0) {
        counts.clear();
    }
    Ok(Facts {
        max_len,
        starts_with_keyword: starts_with_keyword(hir, keywords),
        has_only_key_chars: has_only_key_chars(hir),
        key_chars_before: counts.into(),
    })
}

/// Whether every match of `pattern` begins with one of `literals`. True if there are no literals.
pub(super) fn begins_with_literal(pattern: &Pattern, literals: &[String]) -> bool {
    let literals: Vec<Vec<u8>> = literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    literals.is_empty() || pattern.hir().is_ok_and(|hir| starts_with_keyword(hir, &literals))
}

/// Maximum number of literals that are extracted from the start of a pattern.
const MAX_PREFIXES: usize = 48;

fn starts_with_keyword(hir: &Hir, keywords: &[Vec<u8>]) -> bool {
    let longest = keywords.iter().map(Vec::len).max().unwrap_or(0);
    let mut extractor = literal::Extractor::new();
    // Bytes after a keyword do not matter. A pattern with more prefixes than this hardly has them all as keywords.
    let max_literals = MAX_PREFIXES.max(2 * keywords.len());
    extractor.kind(literal::ExtractKind::Prefix).limit_literal_len(longest).limit_total(max_literals);
    extractor.extract(hir).literals().is_some_and(|literals| {
        !literals.is_empty()
            && literals.iter().all(|l| keywords.iter().any(|keyword| l.as_bytes().starts_with(keyword)))
    })
}

fn has_only_key_chars(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(Look::Start) => true,
        HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().all(|&byte| is_key(byte)),
        HirKind::Class(class) => is_key_class(class),
        HirKind::Repetition(repetition) => has_only_key_chars(&repetition.sub),
        HirKind::Capture(capture) => has_only_key_chars(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(has_only_key_chars),
    }
}

/// Whether a class contains only key characters.
fn is_key_class(class: &Class) -> bool {
    let all_key = |start: u8, end: u8| (start..=end).all(is_key);
    match class {
        Class::Bytes(ranges) => ranges.iter().all(|range| all_key(range.start(), range.end())),
        Class::Unicode(ranges) => ranges.iter().all(|range| {
            u8::try_from(range.start())
                .ok()
                .zip(u8::try_from(range.end()).ok())
                .is_some_and(|(start, end)| all_key(start, end))
        }),
    }
}

/// Adds the parts of `hir` that follow each other, without groups and sequences.
fn add_leaves<'a>(hir: &'a Hir, leaves: &mut Vec<&'a Hir>) {
    match hir.kind() {
        HirKind::Capture(capture) => add_leaves(&capture.sub, leaves),
        HirKind::Concat(parts) => parts.iter().for_each(|part| add_leaves(part, leaves)),
        _ => leaves.push(hir),
    }
}

/// Minimum number of key characters directly before the only occurrence of the literal `keyword` among `leaves`.
fn key_chars_before(leaves: &[&Hir], keyword: &[u8]) -> usize {
    let is_keyword = |leaf: &Hir| matches!(leaf.kind(), HirKind::Literal(literal) if *literal.0 == *keyword);
    let mut occurrences = leaves.iter().enumerate().filter(|(_, leaf)| is_keyword(leaf));
    let (Some((index, _)), None) = (occurrences.next(), occurrences.next()) else { return 0 };
    match leaves[..index].last().map(|leaf| leaf.kind()) {
        Some(HirKind::Class(class)) if is_key_class(class) => 1,
        Some(HirKind::Repetition(repetition)) => match repetition.sub.kind() {
            HirKind::Class(class) if is_key_class(class) => repetition.min as usize,
            HirKind::Literal(literal) if literal.0.len() == 1 && is_key(literal.0[0]) => {
                repetition.min as usize
            }
            _ => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pattern: &str, keyword: &str) -> Result<Facts, String> {
        analyze(&Pattern::new(pattern), &[keyword.as_bytes().to_vec()])
    }

    fn length_and_start(pattern: &str, keyword: &str) -> (usize, bool) {
        let facts = facts(pattern, keyword).unwrap();
        (facts.max_len, facts.starts_with_keyword)
    }

    #[test]
    fn the_maximum_length_and_the_position_of_the_keyword_are_determined() {
        assert_eq!(length_and_start("(?<prefix>ab-)[a-z]{4,9}", "ab-"), (12, true));
        assert_eq!(length_and_start("[a-z]{4}XY", "XY"), (6, false));
        assert_eq!(length_and_start("ab-x|cd-y", "ab-"), (4, false));
    }

    #[test]
    fn patterns_of_key_characters_only_are_recognized() {
        let only_key_chars = |pattern: &str| facts(pattern, "ab-").unwrap().has_only_key_chars;
        assert!(only_key_chars("(?<prefix>ab-)(?:x|[0-9_]{2})?[a-z]{4,9}"));
        assert!(!only_key_chars("ab-[a-z.]{4,9}"));
        assert!(!only_key_chars("ab-(?:x|=)"));
    }

    #[test]
    fn key_characters_before_a_keyword_are_counted() {
        let before = |pattern: &str| facts(pattern, "XYZ").unwrap().key_chars_before.into_owned();
        assert_eq!(before("ab-(?<left>[a-z]{4,9})XYZ[a-z]"), [4]);
        assert_eq!(before("(?<left>[a-z])XYZ"), [1]);
        for without in ["[a-z.]{4}XYZ", "[a-z]{4}(?:XYZ|A)", "[a-z]{4}XYZ[a-z]XYZ"] {
            assert!(before(without).is_empty(), "{without}");
        }
    }

    #[test]
    fn unbounded_and_invalid_patterns_are_distinguished() {
        assert!(facts("ab-[a-z]+", "ab-").unwrap_err().contains("unbounded"));
        assert!(facts("ab-[a-z", "ab-").unwrap_err().contains("invalid pattern"));
        assert!(facts("(ab-)?", "ab-").unwrap_err().contains("empty"));
    }
}
