//! The pattern of a rule: a regex over bytes that is parsed when first needed.

use std::sync::{Arc, OnceLock};

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, literal};

/// Maximum match length of a pattern, in bytes: the window around each keyword is that wide.
pub const MAX_MATCH_LEN: usize = 4096;

/// Minimum length of a keyword, in bytes; shorter ones occur everywhere.
pub(super) const MIN_KEYWORD_LEN: usize = 3;

/// A regex over bytes, without Unicode classes. It is parsed once, when first needed, since parsing those of all rules
/// would take a third of the time in which the program starts.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<ParsedPattern>);

#[derive(Debug)]
struct ParsedPattern {
    text: String,
    hir: OnceLock<Result<Hir, String>>,
}

impl Pattern {
    /// A pattern with this text, which is not parsed yet: [`Self::hir`] returns the error if it is invalid.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(ParsedPattern { text: text.to_owned(), hir: OnceLock::new() }))
    }

    /// The text of the pattern.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The parsed pattern.
    ///
    /// # Errors
    /// Why the pattern is invalid, which that of a loaded rule never is.
    pub fn hir(&self) -> Result<&Hir, &str> {
        self.0.hir.get_or_init(|| parse(&self.0.text)).as_ref().map_err(String::as_str)
    }

    /// The index of the group with that name.
    pub fn group(&self, name: &str) -> Option<usize> {
        group_index(self.hir().ok()?, name)
    }
}

fn parse(text: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(text).map_err(|error| format!("invalid pattern: {error}"))
}

fn group_index(hir: &Hir, name: &str) -> Option<usize> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(name) => Some(capture.index as usize),
        HirKind::Capture(capture) => group_index(&capture.sub, name),
        HirKind::Repetition(repetition) => group_index(&repetition.sub, name),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().find_map(|part| group_index(part, name))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_the_indexes_that_the_regex_gives_them() {
        let text = "a(?:(b)|(?<prefix>c)){2}(?<secret>d(?<left>e)?)+";
        let regex = regex_automata::meta::Regex::new(text).unwrap();
        for name in ["prefix", "secret", "left", "right"] {
            let index = regex.group_info().to_index(regex_automata::PatternID::ZERO, name);
            assert_eq!(Pattern::new(text).group(name), index, "{name}");
        }
    }
}
