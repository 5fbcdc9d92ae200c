//! Explains why a text is reported as a key or not, for `friskey explain`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::candidate::Candidate;
use super::effort::EffortLimit;
use super::variant::CompiledVariant;
use super::{Detector, Match};
use crate::model::{Confidence, Secret};

/// What a rule says about one part of the text.
#[derive(Clone, Debug)]
pub struct RuleAssessment {
    /// The rule's id.
    pub rule: String,
    /// The range of the match in the text, in bytes.
    pub span: Range<usize>,
    /// The match, redacted.
    pub redacted: String,
    /// The rule's confidence and evidence, or the check that rejected the match and its reason.
    pub outcome: Outcome,
    /// Whether a scan reports it if its confidence reaches the threshold.
    pub reported: bool,
    /// What other rules, or other variants of the same rule, say about the same bytes. Empty in those themselves.
    pub others: Vec<RuleAssessment>,
}

/// Confidence and evidence, or the name of the rejecting check and its reason.
type Outcome = Result<(Confidence, Vec<String>), (&'static str, String)>;

/// What all rules say about a text.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The deciding assessment of each key-like text, in order, without overlaps.
    pub assessments: Vec<RuleAssessment>,
    /// Keywords in the text where no pattern matched, with their rules.
    pub near_misses: Vec<(String, Vec<String>)>,
}

impl Detector {
    /// Explains `text`, rule by rule.
    pub fn explain(&self, text: &[u8]) -> Explanation {
        let mut reported: Vec<Match> = Vec::new();
        self.find(text, |matched| reported.push(matched));
        let mut explanation = Explanation::default();
        let mut covered = Vec::new();
        let mut assessments = Vec::new();
        let (mut decoded, mut decoded_from) = (Vec::new(), Vec::new());
        let assess = |variant: &CompiledVariant, candidate: &mut Candidate<'_>| {
            variant
                .assess(candidate)
                .map(|()| (candidate.confidence, candidate.evidence.clone()))
                .map_err(|(check, reason)| (check, reason.into_owned()))
        };
        let assessment =
            |variant: &CompiledVariant, candidate: &Candidate<'_>, span: Range<usize>, outcome: Outcome| {
                let rule = &self.rules[variant.rule];
                let bytes = candidate.bytes[candidate.secret.clone()].to_vec();
                let prefix = candidate.prefix.end.saturating_sub(candidate.secret.start);
                let is_same = |matched: &Match| {
                    let key = &matched.detected_key;
                    matched.span == span
                        && key.rule == rule.id
                        && outcome.as_ref().is_ok_and(|(confidence, evidence)| {
                            *confidence == key.confidence && *evidence == key.evidence
                        })
                };
                RuleAssessment {
                    rule: rule.id.to_string(),
                    redacted: Secret::new(bytes, prefix).redacted(),
                    reported: reported.iter().any(is_same),
                    others: Vec::new(),
                    span,
                    outcome,
                }
            };
        // Without an effort limit: the text is what a user typed, and the explanation must be complete.
        let _ = self.find_unchecked(
            text,
            EffortLimit::unlimited(),
            |variant, mut candidate| {
                covered.push(candidate.matched.clone());
                let outcome = assess(variant, &mut candidate);
                assessments.push(assessment(variant, &candidate, candidate.secret.clone(), outcome));
            },
            |variant, mut decoded_match| {
                let outcome = assess(variant, &mut decoded_match.candidate);
                let Some((span, encoding)) = decoded_match.accept() else { return };
                // Accepting it may have changed both.
                let candidate = &decoded_match.candidate;
                let outcome = outcome.map(|_| (candidate.confidence, candidate.evidence.clone()));
                decoded_from.push(span.clone());
                let mut decoded_assessment = assessment(variant, candidate, span, outcome);
                if let Ok((_, evidence)) = &mut decoded_assessment.outcome {
                    evidence.push(format!("decoded from {encoding}"));
                }
                decoded.push(decoded_assessment);
            },
        );
        covered.extend(decoded_from);
        assessments.extend(decoded);
        explanation.assessments = group_overlapping(assessments);
        explanation.near_misses = self.near_misses(text, &covered);
        explanation
    }

    /// Keywords in `text` outside of the `covered` ranges, with their rules.
    fn near_misses(&self, text: &[u8], covered: &[Range<usize>]) -> Vec<(String, Vec<String>)> {
        let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for variant in &self.variants {
            for keyword in &variant.variant.keywords {
                let is_missed = memchr::memmem::find_iter(text, keyword)
                    .any(|start| !covered.iter().any(|span| span.contains(&start)));
                let rules = if is_missed {
                    misses.entry(String::from_utf8_lossy(keyword).into_owned()).or_default()
                } else {
                    continue;
                };
                let id = self.rules[variant.rule].id.to_string();
                if !rules.contains(&id) {
                    rules.push(id);
                }
            }
        }
        misses.into_iter().collect()
    }
}

/// Groups overlapping assessments, and returns the deciding assessments of each group, which contain the others.
fn group_overlapping(mut assessments: Vec<RuleAssessment>) -> Vec<RuleAssessment> {
    assessments.sort_by_key(|assessment| assessment.span.start);
    let mut groups: Vec<(usize, Vec<RuleAssessment>)> = Vec::new();
    for assessment in assessments {
        match groups.last_mut() {
            Some((end, group)) if assessment.span.start < *end => {
                *end = (*end).max(assessment.span.end);
                group.push(assessment);
            }
            _ => groups.push((assessment.span.end, vec![assessment])),
        }
    }
    groups.into_iter().flat_map(|(_, group)| deciding_assessments(group)).collect()
}

/// The deciding assessments of a group of overlapping ones: those that are reported, which do not overlap each
/// other or, if there are none, the one that came closest. The others are added to the strongest of them.
fn deciding_assessments(mut group: Vec<RuleAssessment>) -> Vec<RuleAssessment> {
    let rank = |assessment: &RuleAssessment| {
        let confidence = assessment.outcome.as_ref().ok().map(|(confidence, _)| *confidence);
        std::cmp::Reverse((assessment.reported, confidence, assessment.span.len()))
    };
    group.sort_by_key(rank);
    group.dedup_by(|a, b| a.rule == b.rule && a.span == b.span && a.outcome == b.outcome);
    let count = group.iter().filter(|assessment| assessment.reported).count().max(1);
    let others = group.split_off(count);
    group[0].others = others;
    group.sort_by_key(|assessment| assessment.span.start);
    group
}
