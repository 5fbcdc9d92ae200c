//! The advice of rules: the steps that a rule lists, or for a low confidence how to find out whether the match is a key.

use crate::model::{Confidence, Report, RuleInfo};

use super::escape;

/// What to do about the leaks of a rule. Not escaped.
#[derive(Debug, Default)]
pub(super) struct Advice {
    /// The steps, in order.
    pub(super) steps: Vec<String>,
    /// The page where the key is revoked.
    pub(super) revoke_url: Option<String>,
}

impl Advice {
    fn new(rule: &RuleInfo, confidence: Confidence) -> Self {
        if confidence == Confidence::Low {
            return Self::for_low_confidence(rule);
        }
        Self { steps: rule.advice.clone(), revoke_url: rule.revoke_url.clone() }
    }

    /// For a low-confidence match, the first step is to find out whether it is a key.
    fn for_low_confidence(rule: &RuleInfo) -> Self {
        let find_out = "First find out whether this is one of your keys: confidence is low, and it may be an example, \
                        an identifier or another vendor's key";
        let revoke = match rule.revoke_url.as_deref().filter(|url| escape::is_link(url)) {
            Some(url) => format!("If it is one, revoke it: {url}"),
            None => "If it is one, revoke it where it was issued".to_owned(),
        };
        Self { steps: vec![find_out.to_owned(), revoke], revoke_url: None }
    }
}

/// The advice for all open leaks of one rule, by the highest of their confidences.
pub(super) fn advice_for_rule(report: &Report, rule: &RuleInfo) -> Advice {
    let leaks = report.open_leaks().filter(|leak| *leak.detected_key.rule == *rule.id);
    let confidence = leaks.map(|leak| leak.detected_key.confidence).max();
    Advice::new(rule, confidence.unwrap_or(Confidence::High))
}
