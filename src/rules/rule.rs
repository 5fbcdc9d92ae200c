//! A rule that has been read and found sound.

use std::sync::Arc;

use super::schema::Context;
use crate::model::{Confidence, RuleInfo, Severity};

/// A shape worth finding.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `openai-project-key`
    pub id: Arc<str>,
    /// A title.
    pub name: String,
    /// `project`, `user`, …; for a user's own rules the id, unless they say.
    pub kind: Arc<str>,
    /// What it finds.
    pub description: String,
    /// How bad such a leak is.
    pub severity: Severity,
    /// What to do on a leak, most urgent first.
    pub advice: Vec<String>,
    /// Where such a key is revoked.
    pub revoke_url: Option<String>,
    /// The shapes its keys can have.
    pub variants: Vec<Variant>,
    /// Templates of texts it must find, the secret between `«` and `»`.
    pub examples: Vec<String>,
    /// Templates of texts in which it must find nothing at medium confidence or above.
    pub counter_examples: Vec<String>,
    /// The name of the file it was read from.
    pub source: Arc<str>,
    /// Whether friskey brought it along.
    pub built_in: bool,
    /// Whether it takes the place of one that friskey brought along.
    pub replaces_built_in: bool,
}

impl Rule {
    /// What reports say about it.
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

/// One shape of a rule's keys.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Literals, one of which stands in every match. Never empty.
    pub keywords: Vec<Vec<u8>>,
    /// Regex over bytes, without Unicode classes.
    pub pattern: String,
    /// The most bytes that the pattern can match.
    pub max_len: usize,
    /// Whether a keyword can only stand at the start of a match.
    pub starts_with_keyword: bool,
    /// What a match is worth before its checks weigh in.
    pub confidence: Confidence,
    /// How well founded a match is beside others that overlap it, before its checks weigh in.
    pub weight: u8,
    /// Literals with one of which every match begins, when it is to be found in disguise, too.
    pub encoded: Vec<Vec<u8>>,
    /// Names of checks, in order.
    pub checks: Vec<String>,
    /// Lengths of one half that genuine keys have had.
    pub half_lengths: Vec<usize>,
    /// A match that this regex also matches is left to other rules.
    pub except: Option<String>,
    /// Words that say whose key it is.
    pub context: Option<Context>,
}
