//! The rule schema: the contents of a `[[rule]]` table in a TOML file.
//!
//! Unknown fields are errors: a misspelled `keyword` must not silently disable a rule.

use std::mem::take;

use serde::Deserialize;
use toml::Spanned;

use crate::model::{Confidence, Severity};

/// A rules file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

/// One unparsed rule. If it has a single variant, the rule may contain its fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: Spanned<String>,
    pub(super) name: Option<String>,
    /// The type of key, one word.
    pub(super) kind: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default = "high")]
    pub(super) severity: Severity,
    #[serde(default)]
    pub(super) advice: Vec<String>,
    pub(super) revoke_url: Option<String>,
    /// What may be left of a key's prefix before a key without it.
    #[serde(default)]
    pub(super) prefix_tails: Vec<String>,
    /// Words in the name of a value that indicate whose credential it is.
    pub(super) owners: Option<Owners>,
    #[serde(alias = "anchors")]
    pub(super) keywords: Option<Spanned<Vec<String>>>,
    pub(super) pattern: Option<Spanned<String>>,
    #[serde(default = "medium")]
    pub(super) confidence: Confidence,
    #[serde(default)]
    pub(super) encoded: Vec<String>,
    pub(super) checks: Option<Spanned<Vec<String>>>,
    #[serde(default, alias = "halves")]
    pub(super) half_lengths: Vec<usize>,
    pub(super) except: Option<Spanned<String>>,
    pub(super) context: Option<Context>,
    #[serde(default, alias = "form")]
    pub(super) variant: Vec<RawVariant>,
    #[serde(default)]
    pub(super) examples: Vec<String>,
    #[serde(default)]
    pub(super) counter_examples: Vec<String>,
}

impl RawRule {
    /// Removes and returns its variants: one from its own fields, and those it lists.
    pub(super) fn take_variants(&mut self) -> Vec<RawVariant> {
        let own = self.pattern.take().map(|pattern| RawVariant {
            keywords: self.keywords.take(),
            pattern,
            confidence: self.confidence,
            encoded: take(&mut self.encoded),
            checks: self.checks.take(),
            half_lengths: take(&mut self.half_lengths),
            except: self.except.take(),
            context: self.context.take(),
        });
        own.into_iter().chain(take(&mut self.variant)).collect()
    }
}

/// One form of a rule's keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVariant {
    /// Literals, one of which occurs in every match; derived from the pattern by default.
    #[serde(alias = "anchors")]
    pub(super) keywords: Option<Spanned<Vec<String>>>,
    /// Regex over bytes. The groups `prefix`, `left`, `right` and `secret` have a meaning.
    pub(super) pattern: Spanned<String>,
    /// Confidence of a match before its checks.
    #[serde(default = "medium")]
    pub(super) confidence: Confidence,
    /// Literals with one of which every match begins. The variant is then also found in encoded form (base64,
    /// UTF-16, escapes, split literals, …). None by default: each costs about twenty-five keywords.
    #[serde(default)]
    pub(super) encoded: Vec<String>,
    /// Names of checks, in the order in which they are applied.
    pub(super) checks: Option<Spanned<Vec<String>>>,
    /// Known lengths of one half of a genuine key.
    #[serde(default, alias = "halves")]
    pub(super) half_lengths: Vec<usize>,
    /// A match that this regex also matches is left to other rules.
    pub(super) except: Option<Spanned<String>>,
    /// Words around a match that indicate whose key it is.
    pub(super) context: Option<Context>,
}

/// Words within two lines of a match, compared case-insensitively.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Words that attribute the match to the rule's vendor.
    pub words: Vec<String>,
    /// Words that attribute it to someone else.
    #[serde(default)]
    pub others: Vec<String>,
    /// What to do if no word is near.
    pub missing: MissingContext,
}

/// Words in the name of a value, in lower case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// Words that name the rule's vendor. A name that contains one is the vendor's, whatever else it contains.
    pub own: Vec<String>,
    /// Words that name someone else.
    pub others: Vec<String>,
}

/// What happens to a match without context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingContext {
    /// It is reported with low confidence.
    Low,
    /// It is not reported.
    Reject,
}

fn medium() -> Confidence {
    Confidence::Medium
}

fn high() -> Severity {
    Severity::High
}
