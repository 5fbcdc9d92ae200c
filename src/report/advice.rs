//! What to do about a leak: the steps that its rule lists, or how to find out whether it is a key at all.

use crate::model::{Confidence, Report, RuleInfo};

use super::escape;

/// Steps in order, and where to revoke the key. Not escaped.
#[derive(Debug, Default)]
pub(super) struct Advice {
    pub(super) steps: Vec<String>,
    pub(super) revoke_url: Option<String>,
}

impl Advice {
    fn of_rule(rule: &RuleInfo, confidence: Confidence) -> Self {
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

/// Advice that covers all open leaks of one rule.
pub(super) fn about_rule(report: &Report, rule: &RuleInfo) -> Advice {
    let leaks = report.open_leaks().filter(|leak| *leak.identified.rule == *rule.id);
    let confidence = leaks.map(|leak| leak.identified.confidence).max();
    Advice::of_rule(rule, confidence.unwrap_or(Confidence::High))
}
