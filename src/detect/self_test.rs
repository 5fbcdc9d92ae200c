//! Runs the examples of each rule, for `friskey rules check`.

use super::Detector;
use crate::model::Confidence;
use crate::rules::expand_template;

/// Each template is expanded this many times, with different random characters.
const EXPANSIONS: u64 = 16;

/// An example in which a rule finds nothing, or a counter-example in which it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule's id.
    pub rule: String,
    /// The unexpanded template.
    pub template: String,
    /// What went wrong.
    pub reason: String,
}

impl Detector {
    /// Tests the examples of the rule with that index in the rule set.
    pub fn self_test(&self, rule: usize) -> Vec<ExampleFailure> {
        let rule = &self.rules[rule];
        let failure = |template: &str, reason: String| ExampleFailure {
            rule: rule.id.to_string(),
            template: template.to_owned(),
            reason,
        };
        let mut failures = Vec::new();
        for template in &rule.examples {
            if let Some(reason) =
                (0..EXPANSIONS).find_map(|seed| self.failure_of_example(&rule.id, template, seed))
            {
                failures.push(failure(template, reason));
            }
        }
        for template in &rule.counter_examples {
            if (0..EXPANSIONS)
                .any(|seed| !self.spans(&rule.id, &expand_template(template, seed).text).is_empty())
            {
                failures.push(failure(template, "is found, and must not be".to_owned()));
            }
        }
        failures
    }

    /// What is wrong if `template` does not yield its secret.
    fn failure_of_example(&self, rule: &str, template: &str, seed: u64) -> Option<String> {
        let expanded = expand_template(template, seed);
        let spans = self.spans(rule, &expanded.text);
        match (&spans[..], expanded.secret) {
            ([], _) => Some("is not found".to_owned()),
            (spans, Some(secret)) if !spans.contains(&secret) => {
                Some(format!("is found at {spans:?}, not at {secret:?}"))
            }
            _ => None,
        }
    }

    /// The spans of the rule's matches of medium or high confidence.
    fn spans(&self, rule: &str, text: &[u8]) -> Vec<std::ops::Range<usize>> {
        let mut spans = Vec::new();
        self.find(text, |matched| {
            if &*matched.detected_key.rule == rule && matched.detected_key.confidence >= Confidence::Medium {
                spans.push(matched.span);
            }
        });
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    #[test]
    fn every_built_in_rule_passes_and_has_examples() {
        let rules = RuleSet::built_in().unwrap();
        let detector = Detector::new(&rules).unwrap();
        for (index, rule) in rules.rules().iter().enumerate() {
            assert!(!rule.examples.is_empty() && !rule.counter_examples.is_empty(), "{}", rule.id);
            assert_eq!(detector.self_test(index), []);
        }
    }
}
