//! The rule schema: what a `[[rule]]` table in a TOML file may say.
//!
//! Unknown fields are errors: a misspelt `keyword` must not quietly turn a rule off.

use serde::Deserialize;
use toml::Spanned;

use crate::model::{Confidence, Severity};

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

/// One rule as written. What describes a variant may stand in the rule itself, when there is only one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: Spanned<String>,
    pub(super) name: Option<String>,
    /// What kind of key it is about, one word.
    pub(super) kind: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default = "high")]
    pub(super) severity: Severity,
    #[serde(default)]
    pub(super) advice: Vec<String>,
    pub(super) revoke_url: Option<String>,
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
    /// Its variants: the one it is itself, and those it lists.
    pub(super) fn variants(&self) -> Vec<RawVariant> {
        let own = self.pattern.as_ref().map(|pattern| RawVariant {
            keywords: self.keywords.clone(),
            pattern: pattern.clone(),
            confidence: self.confidence,
            encoded: self.encoded.clone(),
            checks: self.checks.clone(),
            half_lengths: self.half_lengths.clone(),
            except: self.except.clone(),
            context: self.context.clone(),
        });
        own.into_iter().chain(self.variant.iter().cloned()).collect()
    }
}

/// One shape that a rule's keys can have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVariant {
    /// Literals, one of which stands in every match; found in the pattern when they are left out.
    #[serde(alias = "anchors")]
    pub(super) keywords: Option<Spanned<Vec<String>>>,
    /// Regex over bytes. The groups `prefix`, `left`, `right` and `secret` have a meaning.
    pub(super) pattern: Spanned<String>,
    /// What a match is worth before its checks weigh in.
    #[serde(default = "medium")]
    pub(super) confidence: Confidence,
    /// Literals with one of which every match begins: it is found in disguise, too (base64, UTF-16, escapes,
    /// split literals, …). Nothing by default: each costs some twenty-five keywords.
    #[serde(default)]
    pub(super) encoded: Vec<String>,
    /// Names of checks, in the order in which they weigh.
    pub(super) checks: Option<Spanned<Vec<String>>>,
    /// Lengths of one half that genuine keys have had.
    #[serde(default, alias = "halves")]
    pub(super) half_lengths: Vec<usize>,
    /// A match that this regex also matches is left to other rules.
    pub(super) except: Option<Spanned<String>>,
    /// Words around a match that say whose key it is.
    pub(super) context: Option<Context>,
}

/// Words within two lines of a match, compared without regard to case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Words that attribute the match to the rule's vendor.
    pub words: Vec<String>,
    /// Words that attribute it to somebody else.
    #[serde(default)]
    pub others: Vec<String>,
    /// What to do when none of the words is there.
    pub missing: Missing,
}

/// What becomes of a match without its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
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
