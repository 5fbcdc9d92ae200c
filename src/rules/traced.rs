//! A rule for one known key, whatever it looks like.

use std::sync::Arc;

use super::rule::{Rule, Variant};
use crate::model::{Confidence, Severity};

/// Shorter texts stand everywhere.
pub const MIN_TRACED_LEN: usize = 8;

/// A rule that finds exactly `key`, of which the first `prefix` bytes may be shown; it speaks with the
/// words of `model`, the rule that knows such keys, if one does.
pub(super) fn rule(key: &[u8], prefix: usize, model: Option<&Rule>) -> Rule {
    // As hex, so that no byte means anything to the regex.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (shown, rest) = key.split_at(prefix.min(key.len()));
    let variant = Variant {
        keywords: vec![key.to_vec()],
        pattern: format!("(?<prefix>{}){}", hex(shown), hex(rest)),
        max_len: key.len(),
        starts_with_keyword: true,
        encoded: vec![key.to_vec()],
        confidence: Confidence::High,
        // It is the one asked for, whatever else overlaps it.
        weight: u8::MAX,
        checks: Vec::new(),
        half_lengths: Vec::new(),
        except: None,
        context: None,
    };
    let own = Rule {
        id: Arc::from("traced-key"),
        name: "The traced key".to_owned(),
        kind: Arc::from("traced"),
        description: "The key that `friskey trace` was given.".to_owned(),
        severity: Severity::Critical,
        advice: vec!["Revoke it where it was issued, before anything else".to_owned()],
        revoke_url: None,
        variants: Vec::new(),
        examples: Vec::new(),
        counter_examples: Vec::new(),
        source: Arc::from("traced"),
        built_in: true,
        replaces_built_in: false,
    };
    Rule { variants: vec![variant], ..model.cloned().unwrap_or(own) }
}
