//! A rule and its variants, after loading and validation.

use std::sync::Arc;

use super::facts::Facts;
use super::pattern::Pattern;
use super::schema::{Context, Owners};
use crate::model::{Confidence, RuleInfo, Severity};

/// A type of secret to find.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `openai-project-key`
    pub id: Arc<str>,
    /// Its title.
    pub name: String,
    /// `project`, `user`, …; the id by default.
    pub kind: Arc<str>,
    /// A description of what it finds.
    pub description: String,
    /// How bad a leak of such a key is.
    pub severity: Severity,
    /// What to do about a leak, most urgent first.
    pub advice: Vec<String>,
    /// Where to revoke such a key.
    pub revoke_url: Option<String>,
    /// The variants of its pattern, one for each form of its keys.
    pub variants: Vec<Arc<Variant>>,
    /// Templates of texts in which it must find the secret, which is between `«` and `»`.
    pub examples: Vec<String>,
    /// Templates of texts in which it must find nothing at medium confidence or above.
    pub counter_examples: Vec<String>,
    /// The name of its file.
    pub source: Arc<str>,
    /// The line on which it begins in that file, from 1.
    pub line: usize,
    /// Whether it is built in.
    pub built_in: bool,
    /// Whether it replaces a built-in rule.
    pub replaces_built_in: bool,
}

impl Rule {
    /// The description of the rule for reports.
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.to_string(),
            name: self.name.clone(),
            description: self.description.clone(),
            severity: self.severity,
            advice: self.advice.clone(),
            revoke_url: self.revoke_url.clone(),
            built_in: self.built_in,
        }
    }
}

/// A variant of a rule's pattern, for one form of its keys.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Literals, at least one of which occurs in every match. Never empty.
    pub keywords: Vec<Vec<u8>>,
    /// What its keys look like.
    pub pattern: Pattern,
    /// Facts about the pattern that are known before it runs.
    pub facts: Facts,
    /// Confidence of a match before its checks.
    pub confidence: Confidence,
    /// Strength of a match compared to overlapping ones, before its checks.
    pub weight: u8,
    /// Literals with one of which every match begins, if it is also to be found in encoded form.
    pub encoded_starts: Vec<Vec<u8>>,
    /// Names of checks, in order.
    pub checks: Vec<String>,
    /// Known lengths of one half of a genuine key.
    pub half_lengths: Vec<usize>,
    /// What may be left of a key's prefix before a key without it.
    pub prefix_tails: Vec<Vec<u8>>,
    /// Words in the name of a value that indicate whose credential it is.
    pub owners: Option<Owners>,
    /// A match that this also matches is left to other rules.
    pub except: Option<Pattern>,
    /// Words that indicate whose key it is.
    pub context: Option<Context>,
}
