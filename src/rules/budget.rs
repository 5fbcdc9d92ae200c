//! Limits on the total cost of rules, since the `friskey.toml` of a hostile repository can name rules files.

use super::schema::{RawRule, RawVariant};

/// Maximum number of rules files.
pub(super) const MAX_FILES: usize = 100;

/// Maximum size of all files together, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// Maximum size of one pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 64 << 10;

/// Maximum number of variants in all rules.
const MAX_VARIANTS: usize = 1_000;

/// Maximum number of keywords, and of words that checks look for.
const MAX_KEYWORDS: usize = 10_000;

/// Maximum size of all keywords together, in bytes.
const MAX_KEYWORD_BYTES: usize = 1 << 20;

/// Number of keywords that each literal of `encoded` adds.
const KEYWORDS_OF_ENCODED: usize = 25;

/// The cost of all files so far.
#[derive(Debug, Default)]
pub(super) struct RuleBudget {
    text: usize,
    variants: usize,
    keywords: usize,
    keyword_bytes: usize,
}

impl RuleBudget {
    /// Adds a file.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub(super) fn add_text(&mut self, text: &str) -> Result<(), String> {
        self.text += text.len();
        check_limit(self.text, MAX_TEXT_BYTES, "bytes in all files of rules")
    }

    /// Adds the words that an unparsed rule lists for all of its variants.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub(super) fn add_words(&mut self, raw: &RawRule) -> Result<(), String> {
        let owners = raw.owners.iter().flat_map(|owners| owners.own.iter().chain(&owners.others));
        self.add_keywords(owners.chain(&raw.prefix_tails).map(String::len), 1)
    }

    /// Adds an unparsed variant with the keywords it names.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub(super) fn add_variant(&mut self, raw: &RawVariant) -> Result<(), String> {
        let patterns = [Some(&raw.pattern), raw.except.as_ref()];
        let longest = patterns.into_iter().flatten().map(|pattern| pattern.get_ref().len()).max();
        check_limit(longest.unwrap_or(0), MAX_PATTERN_BYTES, "bytes in a pattern")?;
        self.variants += 1;
        check_limit(self.variants, MAX_VARIANTS, "patterns in all rules")?;
        let context_words =
            raw.context.iter().flat_map(|context| context.words.iter().chain(&context.others));
        let words = raw.keywords.iter().flat_map(|keywords| keywords.get_ref()).chain(context_words);
        self.add_keywords(words.map(String::len), 1)?;
        self.add_keywords(raw.encoded.iter().map(String::len), KEYWORDS_OF_ENCODED)
    }

    /// Adds keywords of these lengths, each of which expands to `factor` keywords.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub(super) fn add_keywords(
        &mut self,
        lengths: impl Iterator<Item = usize>,
        factor: usize,
    ) -> Result<(), String> {
        for length in lengths {
            self.keywords += factor;
            self.keyword_bytes += factor * length;
        }
        check_limit(self.keywords, MAX_KEYWORDS, "keywords in all rules")?;
        check_limit(self.keyword_bytes, MAX_KEYWORD_BYTES, "bytes in the keywords of all rules")
    }
}

fn check_limit(count: usize, limit: usize, what: &str) -> Result<(), String> {
    if count <= limit { Ok(()) } else { Err(format!("{count} {what} exceed the limit of {limit}")) }
}
