//! Makes a rule that finds one known key, given as a whole or by its redacted form.

use std::borrow::Cow;
use std::sync::Arc;

use super::alphabet::is_key;
use super::facts::Facts;
use super::pattern::{MAX_MATCH_LEN, Pattern};
use super::rule::{Rule, Variant};
use crate::model::{Confidence, Severity};

/// Minimum length of a key to search for, in bytes; shorter texts occur everywhere.
pub const MIN_EXACT_KEY_LEN: usize = 8;
/// Minimum length of a prefix to search for, in bytes: that of `sk-`.
const MIN_PREFIX_LEN: usize = 3;
/// Number of characters at the end of a key that its redacted form shows.
const MIN_TAIL_LEN: usize = 4;

/// A rule that finds exactly `key`. Reports may show the first `prefix_len` bytes. The descriptions are those of
/// `described_as`, the rule that recognizes such keys, if there is one.
pub(super) fn rule(key: &[u8], prefix_len: usize, described_as: Option<&Rule>) -> Rule {
    let (prefix, rest) = key.split_at(prefix_len.min(key.len()));
    let variant = Variant {
        encoded_starts: vec![key.to_vec()],
        ..unchecked(
            key.to_vec(),
            &format!("(?<prefix>{}){}", escape(prefix), escape(rest)),
            facts(key.len(), key.iter().copied().all(is_key)),
        )
    };
    with_description(variant, described_as, "The key that `friskey trace` was given.")
}

/// A rule that finds texts of `length` bytes with the ends of a redacted key; `None` if too little of it is shown.
pub(super) fn redacted_rule(
    (prefix, tail): (&str, &str),
    length: usize,
    described_as: Option<&Rule>,
) -> Option<Rule> {
    let hidden_len = length.checked_sub(prefix.len() + tail.len()).filter(|hidden_len| *hidden_len > 0)?;
    if prefix.len() < MIN_PREFIX_LEN || tail.len() < MIN_TAIL_LEN || length > MAX_MATCH_LEN {
        return None;
    }
    let variant = Variant {
        // The encoded forms of shorter prefixes occur everywhere.
        encoded_starts: if prefix.len() < MIN_EXACT_KEY_LEN {
            Vec::new()
        } else {
            vec![prefix.as_bytes().to_vec()]
        },
        confidence: Confidence::Low,
        ..unchecked(
            prefix.as_bytes().to_vec(),
            &format!(
                "(?<prefix>{})[A-Za-z0-9_-]{{{hidden_len}}}{}",
                escape(prefix.as_bytes()),
                escape(tail.as_bytes())
            ),
            facts(length, prefix.bytes().chain(tail.bytes()).all(is_key)),
        )
    };
    Some(with_description(variant, described_as, "A key of which the ends are known."))
}

/// A variant of high confidence without checks. Its matches are preferred to all that overlap them, since they are what
/// the user asked for.
fn unchecked(keyword: Vec<u8>, pattern: &str, facts: Facts) -> Variant {
    Variant {
        keywords: vec![keyword],
        pattern: Pattern::new(pattern),
        facts,
        confidence: Confidence::High,
        weight: u8::MAX,
        encoded_starts: Vec::new(),
        checks: Vec::new(),
        half_lengths: Vec::new(),
        prefix_tails: Vec::new(),
        owners: None,
        except: None,
        context: None,
    }
}

/// The facts about a pattern whose matches have `max_len` bytes and begin with its only keyword.
fn facts(max_len: usize, has_only_key_chars: bool) -> Facts {
    Facts { max_len, starts_with_keyword: true, has_only_key_chars, key_chars_before: Cow::Borrowed(&[]) }
}

/// The bytes as hex escapes, so that none has a special meaning in the regex.
fn escape(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The rule with this variant only, and the descriptions of `described_as` if there is one.
fn with_description(variant: Variant, described_as: Option<&Rule>, description: &str) -> Rule {
    let default = Rule {
        id: Arc::from("traced-key"),
        name: "The traced key".to_owned(),
        kind: Arc::from("traced"),
        description: description.to_owned(),
        severity: Severity::Critical,
        advice: vec!["Revoke it with its issuer, before anything else".to_owned()],
        revoke_url: None,
        variants: Vec::new(),
        examples: Vec::new(),
        counter_examples: Vec::new(),
        source: Arc::from("traced"),
        line: 1,
        built_in: true,
        replaces_built_in: false,
    };
    Rule { variants: vec![Arc::new(variant)], ..described_as.cloned().unwrap_or(default) }
}
