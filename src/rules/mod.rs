//! Layer 1: rules as data. This module reads and validates them; the detector runs them.

mod alphabet;
mod budget;
mod exact_key;
mod facts;
mod known_facts;
mod load;
mod pattern;
mod rule;
mod schema;
mod template;

use std::path::Path;
use std::sync::Arc;

use budget::{MAX_FILES, RuleBudget};
use sha2::{Digest, Sha256};

pub use alphabet::is_key;
pub use exact_key::MIN_EXACT_KEY_LEN;
pub use facts::Facts;
pub use load::RuleError;
pub use pattern::{MAX_MATCH_LEN, Pattern};
pub use rule::{Rule, Variant};
pub use schema::{Context, MissingContext, Owners};
pub use template::{ExpandedTemplate, MARKER, expand_template};

/// The built-in files, with their names in messages.
const BUILT_IN: &[(&str, &str)] = &[
    ("rules/openai.toml", include_str!("../../rules/openai.toml")),
    ("rules/openai-other.toml", include_str!("../../rules/openai-other.toml")),
];

/// Names of the checks that a variant can use. The detector has a file for each.
pub const CHECK_NAMES: &[&str] = &[
    "boundary",
    "context",
    "entropy",
    "except",
    "expired",
    "marker-symmetry",
    "synthetic",
    "named",
    "placeholder",
    "random",
    "unmarked",
    "whole",
];

/// The rules in force.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Arc<[Rule]>,
    digest: String,
}

impl RuleSet {
    /// The built-in rules.
    ///
    /// # Errors
    /// None in a released binary, since a test loads them.
    pub fn built_in() -> Result<Self, RuleError> {
        Self::with_files::<&Path>(&[])
    }

    /// The built-in rules and those of `files`. A rule in a file replaces the built-in rule with the same id.
    ///
    /// # Errors
    /// A file that cannot be read or contains invalid rules.
    pub fn with_files<P: AsRef<Path>>(files: &[P]) -> Result<Self, RuleError> {
        let mut digest = Sha256::new();
        let mut rules: Vec<Rule> = Vec::new();
        for (path, text) in BUILT_IN {
            digest.update(text.as_bytes());
            rules.extend(load::parse_built_in(text, path, CHECK_NAMES)?);
        }
        if let Some(path) = files.get(MAX_FILES) {
            return Err(RuleError::TooManyFiles { path: path.as_ref().display().to_string() });
        }
        let mut budget = RuleBudget::default();
        for path in files {
            let (text, parsed) = load::read(path.as_ref(), CHECK_NAMES, &mut budget)?;
            digest.update(text.as_bytes());
            for rule in parsed {
                match rules.iter_mut().find(|existing| existing.id == rule.id) {
                    Some(existing) => {
                        let replaces_built_in = existing.built_in || existing.replaces_built_in;
                        *existing = Rule { replaces_built_in, ..rule };
                    }
                    None => rules.push(rule),
                }
            }
        }
        Ok(Self { rules: rules.into(), digest: crate::model::hex(&digest.finalize()[..8]) })
    }

    /// These rules and one that finds exactly `key`, with the description of the rule `described_as`. Reports may show the
    /// first `prefix_len` bytes of the key. The added rule does not affect the digest.
    #[must_use]
    pub fn with_exact_key(mut self, key: &[u8], prefix_len: usize, described_as: Option<&str>) -> Self {
        let rule = exact_key::rule(key, prefix_len, described_as.and_then(|id| self.get(id)));
        self.rules = std::iter::once(rule).chain(self.rules.iter().cloned()).collect();
        self
    }

    /// These rules and one that finds every text of `length` bytes with the `prefix` and the `tail` of a redacted key,
    /// whatever is before or after it, with the description of the rule `described_as`. Its matches are candidates:
    /// the fingerprint shows which of them is the key. Without a prefix, nothing is added.
    #[must_use]
    pub fn with_redacted(mut self, (prefix, tail): (&str, &str), length: usize, described_as: &str) -> Self {
        let rule = exact_key::redacted_rule((prefix, tail), length, self.get(described_as));
        self.rules = rule.into_iter().chain(self.rules.iter().cloned()).collect();
        self
    }

    /// Only the rules in `text`; `name` identifies it in messages.
    ///
    /// # Errors
    /// Text with invalid rules.
    pub fn from_text(text: &str, name: &str) -> Result<Self, RuleError> {
        let rules = load::parse(text, name, CHECK_NAMES, &mut RuleBudget::default())?;
        Ok(Self { rules: rules.into(), digest: crate::model::hex(&Sha256::digest(text.as_bytes())[..8]) })
    }

    /// All rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Like [`rules`](Self::rules), as a shared reference that may outlive the set.
    pub(crate) fn shared_rules(&self) -> Arc<[Rule]> {
        Arc::clone(&self.rules)
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.id == id)
    }

    /// A digest of the rules, 16 hex digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}
