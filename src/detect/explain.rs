//! Why a text is a key, or is not: what `friskey explain` shows.

use std::ops::Range;

use super::candidate::Candidate;
use super::form::CompiledForm;
use super::{Detector, Match};
use crate::model::{Confidence, Secret};

/// What one form made of one place.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The rule's id.
    pub rule: String,
    /// Where the match starts in the text, in bytes.
    pub offset: usize,
    /// The match, redacted.
    pub redacted: String,
    /// How sure the rule is and its evidence, or the check that turned the match down and why.
    pub outcome: Outcome,
    /// Whether it is what a scan would report; another match may be better founded.
    pub reported: bool,
}

/// Confidence and evidence, or the name of the check that said no, and its reason.
type Outcome = Result<(Confidence, Vec<String>), (&'static str, String)>;

/// All that the rules have to say about a text.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Places where some rule's pattern matched.
    pub verdicts: Vec<Verdict>,
    /// Anchors that stand in the text although no pattern matched there, with their rules.
    pub near_misses: Vec<(String, Vec<String>)>,
}

impl Detector {
    /// Judges `text` rule by rule.
    pub fn explain(&self, text: &[u8]) -> Explanation {
        let mut reported: Vec<Match> = Vec::new();
        self.find(text, |found| reported.push(found));
        let mut explanation = Explanation::default();
        let mut covered = Vec::new();
        let mut verdicts = Vec::new();
        let (mut decoded, mut decoded_from) = (Vec::new(), Vec::new());
        let judge = |form: &CompiledForm, candidate: &mut Candidate<'_>| {
            form.weigh(candidate)
                .map(|()| (candidate.confidence, candidate.evidence.clone()))
                .map_err(|(check, reason)| (check, reason.into_owned()))
        };
        let verdict =
            |form: &CompiledForm, candidate: &Candidate<'_>, span: Range<usize>, outcome: Outcome| {
                let rule = &self.rules[form.rule];
                let bytes = candidate.bytes[candidate.secret.clone()].to_vec();
                let prefix = candidate.prefix.end.saturating_sub(candidate.secret.start);
                let confidence = outcome.as_ref().ok().map(|(confidence, _)| *confidence);
                let is_it = |found: &Match| {
                    found.span == span
                        && found.identified.rule == rule.id
                        && Some(found.identified.confidence) == confidence
                };
                Verdict {
                    rule: rule.id.to_string(),
                    offset: span.start,
                    redacted: Secret::new(bytes, prefix).redacted(),
                    reported: reported.iter().any(is_it),
                    outcome,
                }
            };
        self.patterns(
            text,
            |form, mut candidate| {
                covered.push(candidate.matched.clone());
                let outcome = judge(form, &mut candidate);
                verdicts.push(verdict(form, &candidate, candidate.secret.clone(), outcome));
            },
            |form, mut disguised| {
                let mut outcome = judge(form, &mut disguised.candidate);
                let Some((span, encoding)) = disguised.claim() else { return };
                if let Ok((_, evidence)) = &mut outcome {
                    evidence.clone_from(&disguised.candidate.evidence);
                    evidence.push(format!("decoded from {encoding}"));
                }
                decoded_from.push(span.clone());
                decoded.push(verdict(form, &disguised.candidate, span, outcome));
            },
        );
        covered.extend(decoded_from);
        explanation.verdicts = verdicts;
        explanation.verdicts.extend(decoded);
        explanation
            .verdicts
            .dedup_by(|a, b| a.rule == b.rule && a.offset == b.offset && a.outcome == b.outcome);
        explanation.near_misses = self.near_misses(text, &covered);
        explanation
    }

    fn near_misses(&self, text: &[u8], covered: &[std::ops::Range<usize>]) -> Vec<(String, Vec<String>)> {
        let mut misses: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
        for form in &self.forms {
            for anchor in &form.form.anchors {
                let missed = memchr::memmem::find_iter(text, anchor)
                    .any(|at| !covered.iter().any(|span| span.contains(&at)));
                let rules = if missed {
                    misses.entry(String::from_utf8_lossy(anchor).into_owned()).or_default()
                } else {
                    continue;
                };
                let id = self.rules[form.rule].id.to_string();
                if !rules.contains(&id) {
                    rules.push(id);
                }
            }
        }
        misses.into_iter().collect()
    }
}
