//! The settings that a rule has for the checks of a variant, and the searches that are compiled from them.

use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use regex_automata::meta::BuildError;

use super::backtracker::Backtracker;
use super::lazy_regex::LazyRegex;
use crate::rules::{Context, Owners, Pattern, Variant};

/// The settings of a variant's checks. The fields of [`Variant`] describe them.
#[derive(Debug)]
pub(super) struct CheckSettings {
    variant: Arc<Variant>,
    /// All context words, searched for at once; built on first use.
    context_search: OnceLock<Option<AhoCorasick>>,
    except: Option<Exception>,
}

/// The pattern of `except`: most runs never need it, so it is compiled on first use.
#[derive(Debug)]
struct Exception {
    pattern: Pattern,
    regex: LazyRegex,
    /// For simple patterns, so that the regex is rarely needed.
    backtracker: OnceLock<Option<Backtracker>>,
}

impl CheckSettings {
    pub(super) fn new(variant: &Arc<Variant>) -> Self {
        let exception = |pattern: &Pattern| Exception {
            pattern: pattern.clone(),
            regex: LazyRegex::new(pattern.as_str()),
            backtracker: OnceLock::new(),
        };
        Self {
            variant: Arc::clone(variant),
            context_search: OnceLock::new(),
            except: variant.except.as_ref().map(exception),
        }
    }

    /// Known lengths of one half of a genuine key.
    pub(super) fn half_lengths(&self) -> &[usize] {
        &self.variant.half_lengths
    }

    /// What may be left of a key's prefix before a key without it.
    pub(super) fn prefix_tails(&self) -> &[Vec<u8>] {
        &self.variant.prefix_tails
    }

    /// Words in the name of a value that indicate whose credential it is.
    pub(super) fn owners(&self) -> Option<&Owners> {
        self.variant.owners.as_ref()
    }

    /// The context words, and the search for them: first the vendor's own, then those of others.
    pub(super) fn context(&self) -> Option<(&Context, &AhoCorasick)> {
        let context = self.variant.context.as_ref()?;
        let build = || {
            let words = context.words.iter().chain(&context.others);
            AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
        };
        Some((context, self.context_search.get_or_init(build).as_ref()?))
    }

    /// Whether the pattern `except` matches, so that the variant leaves the match to other rules.
    pub(super) fn is_excepted(&self, matched: &[u8]) -> bool {
        let Some(Exception { pattern, regex, backtracker }) = &self.except else { return false };
        let backtracker = backtracker.get_or_init(|| {
            // It tries only one start of a match.
            Backtracker::new(pattern, &[]).filter(Backtracker::is_anchored)
        });
        let is_match =
            backtracker.as_ref().and_then(|backtracker| backtracker.matches(matched, 0, &mut [None; 16]));
        is_match.unwrap_or_else(|| regex.get().is_some_and(|regex| regex.is_match(matched)))
    }

    /// Compiles the pattern immediately. Returns its memory use in bytes, or an error.
    pub(super) fn try_compile(&self) -> Result<usize, Box<BuildError>> {
        self.except.as_ref().map_or(Ok(0), |except| except.regex.try_compile())
    }
}
