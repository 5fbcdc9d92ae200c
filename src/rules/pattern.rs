//! Patterns, and the properties of one that are known before it runs: whether it is valid, its maximum match length,
//! and whether every match begins with a keyword.

use std::sync::Arc;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, literal};

/// Maximum match length of a pattern, in bytes: the window around each keyword is that wide.
pub const LONGEST: usize = 4096;

/// Shorter keywords would match everywhere.
pub(super) const MIN_KEYWORD_LEN: usize = 3;

/// A regex over bytes, without Unicode classes. It is parsed only once, since that takes a good part of the time in
/// which the program starts.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<ParsedPattern>);

#[derive(Debug)]
struct ParsedPattern {
    text: String,
    hir: Result<Hir, String>,
}

impl Pattern {
    /// Parses `text`; whether it is valid, [`Self::hir`] says.
    pub fn new(text: &str) -> Self {
        let hir = ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(text)
            .map_err(|error| format!("invalid pattern: {error}"));
        Self(Arc::new(ParsedPattern { text: text.to_owned(), hir }))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What it matches.
    ///
    /// # Errors
    /// Why the pattern is invalid. Those of rules that were loaded are valid.
    pub fn hir(&self) -> Result<&Hir, &str> {
        self.0.hir.as_ref().map_err(String::as_str)
    }

    /// The index of the group with that name.
    pub fn group(&self, name: &str) -> Option<usize> {
        group_in(self.hir().ok()?, name)
    }
}

fn group_in(hir: &Hir, name: &str) -> Option<usize> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(name) => Some(capture.index as usize),
        HirKind::Capture(capture) => group_in(&capture.sub, name),
        HirKind::Repetition(repetition) => group_in(&repetition.sub, name),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().find_map(|part| group_in(part, name))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

/// Properties of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Maximum match length in bytes.
    pub(super) max_len: usize,
    /// Whether every match begins with one of the keywords and contains none elsewhere that would matter, so
    /// that the position of the keyword is the start of the match.
    pub(super) starts_with_keyword: bool,
}

/// Analyzes `pattern`. The error says what is wrong with it.
pub(super) fn facts(pattern: &Pattern, keywords: &[Vec<u8>]) -> Result<Facts, String> {
    let hir = pattern.hir()?;
    let max_len = hir.properties().maximum_len().ok_or_else(|| {
        format!("the match length is unbounded; limit each repetition, e.g. `{{16,{LONGEST}}}` instead of `+` or `*`")
    })?;
    if max_len > LONGEST {
        return Err(format!("a match could be {max_len} bytes long; at most {LONGEST} are allowed"));
    }
    if hir.properties().minimum_len() == Some(0) {
        return Err("the pattern matches the empty string".to_owned());
    }
    Ok(Facts { max_len, starts_with_keyword: starts_with_keyword(hir, keywords) })
}

/// The literals with which every match begins, for a rule without keywords.
pub(super) fn keywords(pattern: &Pattern) -> Result<Vec<Vec<u8>>, String> {
    let hir = pattern.hir()?;
    let mut prefixes = literal::Extractor::new().kind(literal::ExtractKind::Prefix).extract(hir);
    prefixes.optimize_for_prefix_by_preference();
    match prefixes.literals() {
        Some(literals)
            if !literals.is_empty() && literals.iter().all(|l| l.as_bytes().len() >= MIN_KEYWORD_LEN) =>
        {
            Ok(literals.iter().map(|l| l.as_bytes().to_vec()).collect())
        }
        _ => Err("the pattern does not begin with a literal of at least three bytes; set `keywords` to literals one of which occurs in every match".to_owned()),
    }
}

/// Whether every match of `pattern` begins with one of `literals`, or there are none.
pub(super) fn begins_with_one(pattern: &Pattern, literals: &[String]) -> bool {
    let literals: Vec<Vec<u8>> = literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    literals.is_empty() || pattern.hir().is_ok_and(|hir| starts_with_keyword(hir, &literals))
}

/// Literals that are extracted from the start of a pattern. Each takes time whenever the program starts.
const MAX_PREFIXES: usize = 48;

fn starts_with_keyword(hir: &Hir, keywords: &[Vec<u8>]) -> bool {
    let longest = keywords.iter().map(Vec::len).max().unwrap_or(0);
    let mut extractor = literal::Extractor::new();
    // What follows a keyword does not matter, and more literals than this are hardly all listed.
    let most = MAX_PREFIXES.max(2 * keywords.len());
    extractor.kind(literal::ExtractKind::Prefix).limit_literal_len(longest).limit_total(most);
    extractor.extract(hir).literals().is_some_and(|literals| {
        !literals.is_empty()
            && literals.iter().all(|l| keywords.iter().any(|keyword| l.as_bytes().starts_with(keyword)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, keyword: &str) -> Result<Facts, String> {
        facts(&Pattern::new(pattern), &[keyword.as_bytes().to_vec()])
    }

    #[test]
    fn determines_length_and_keyword_position() {
        assert_eq!(
            of("(?<prefix>ab-)[a-z]{4,9}", "ab-"),
            Ok(Facts { max_len: 12, starts_with_keyword: true })
        );
        assert_eq!(of("[a-z]{4}XY", "XY"), Ok(Facts { max_len: 6, starts_with_keyword: false }));
        assert_eq!(of("ab-x|cd-y", "ab-"), Ok(Facts { max_len: 4, starts_with_keyword: false }));
    }

    #[test]
    fn groups_have_the_indexes_that_the_regex_gives_them() {
        let text = "a(?:(b)|(?<prefix>c)){2}(?<secret>d(?<left>e)?)+";
        let regex = regex_automata::meta::Regex::new(text).unwrap();
        for name in ["prefix", "secret", "left", "right"] {
            let index = regex.group_info().to_index(regex_automata::PatternID::ZERO, name);
            assert_eq!(Pattern::new(text).group(name), index, "{name}");
        }
    }

    #[test]
    fn unbounded_and_invalid_patterns_are_distinguished() {
        assert!(of("ab-[a-z]+", "ab-").unwrap_err().contains("unbounded"));
        assert!(of("ab-[a-z", "ab-").unwrap_err().contains("invalid pattern"));
        assert!(of("(ab-)?", "ab-").unwrap_err().contains("empty"));
    }
}
