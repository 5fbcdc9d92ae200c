//! A rule for one known key of any form.

use std::sync::Arc;

use super::rule::{Rule, Variant};
use crate::model::{Confidence, Severity};

/// Shorter texts occur everywhere.
pub const MIN_TRACED_LEN: usize = 8;

/// A rule that finds exactly `key`, of which the first `prefix` bytes may be shown. It takes its descriptions
/// from `model`, the rule that recognizes such keys, if there is one.
pub(super) fn rule(key: &[u8], prefix: usize, model: Option<&Rule>) -> Rule {
    // In hex, so that no byte has a special meaning in the regex.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (shown, rest) = key.split_at(prefix.min(key.len()));
    let variant = Variant {
        keywords: vec![key.to_vec()],
        pattern: format!("(?<prefix>{}){}", hex(shown), hex(rest)),
        max_len: key.len(),
        starts_with_keyword: true,
        encoded: vec![key.to_vec()],
        confidence: Confidence::High,
        // It is what the user asked for, so it wins over every overlapping match.
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
        advice: vec!["Revoke it with its issuer, before anything else".to_owned()],
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
