//! The detector: all forms of all rules over a stretch of bytes.

use std::ops::Range;
use std::sync::Arc;

use super::anchors::Anchors;
use super::candidate::Candidate;
use super::checks::{self, has_boundary};
use super::form::{CompiledForm, compile_all};
use super::overlap::{Standing, resolve};
use crate::model::{Identified, Secret};
use crate::rules::{Rule, RuleError, RuleSet};

/// A secret and where it stands in the bytes that were searched.
#[derive(Clone, Debug)]
pub struct Match {
    /// In the bytes as they stand, encoded or not.
    pub span: Range<usize>,
    /// What it is.
    pub identified: Arc<Identified>,
    /// How the bytes at `span` are encoded.
    pub encoding: &'static str,
}

/// Finds the secrets in bytes. Shared between threads; searching allocates nothing until an anchor
/// hits.
#[derive(Debug)]
pub struct Detector {
    pub(super) rules: Vec<Rule>,
    pub(super) forms: Vec<CompiledForm>,
    anchors: Anchors,
    longest: usize,
}

impl Detector {
    /// A detector for `rules`.
    ///
    /// # Errors
    /// A pattern that is too large to compile.
    pub fn new(rules: &RuleSet) -> Result<Self, RuleError> {
        let forms = compile_all(rules.rules());
        for form in &forms {
            let rule = &rules.rules()[form.rule];
            // The built-in ones are known to compile, and are only compiled when they are met.
            if !rule.built_in {
                form.try_compile().map_err(|error| invalid(rule, &error.to_string()))?;
            }
        }
        let pairs = forms
            .iter()
            .enumerate()
            .flat_map(|(index, form)| form.form.anchors.iter().map(move |anchor| (anchor.as_slice(), index)));
        let anchors = Anchors::new(pairs).map_err(|error| {
            let first = &rules.rules()[0];
            invalid(first, &format!("the anchors of all rules together are too many: {error}"))
        })?;
        let longest = forms.iter().map(|form| form.form.longest).max().unwrap_or(0);
        Ok(Self { rules: rules.rules().to_vec(), forms, anchors, longest })
    }

    /// The most bytes that one match can span.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Bytes on each side of a match on which its verdict can depend: the words around it, what
    /// bounds it, and matches that overlap it.
    pub fn margin(&self) -> usize {
        self.longest + checks::CONTEXT_REACH
    }

    /// The rules in force.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every match in `bytes`, in order of place, none overlapping another.
    pub fn find(&self, bytes: &[u8], mut found: impl FnMut(Match)) {
        let mut standings: Vec<Standing> = Vec::new();
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        self.anchors.find(bytes, |form, at| self.try_form(form, bytes, at, &mut standings, &mut candidates));
        self.report(&standings, &candidates, &mut found);
    }

    /// The same without the prefilter and without windows, every pattern tried at every place: slow,
    /// and the oracle of tests.
    pub fn find_plainly(&self, bytes: &[u8], mut found: impl FnMut(Match)) {
        let mut standings = Vec::new();
        let mut candidates = Vec::new();
        for (index, form) in self.forms.iter().enumerate() {
            form.matches_plainly(bytes, &mut |candidate| {
                weigh(index, form, candidate, &mut standings, &mut candidates)
            });
        }
        self.report(&standings, &candidates, &mut found);
    }

    /// Calls `found` with every place where a pattern matches, whatever its checks say.
    pub(super) fn patterns<'a>(
        &'a self,
        bytes: &'a [u8],
        mut found: impl FnMut(&'a CompiledForm, Candidate<'a>),
    ) {
        self.anchors.find(bytes, |index, at| {
            let form = &self.forms[index];
            form.matches(bytes, at, &mut |candidate| found(form, candidate));
        });
    }

    fn try_form<'a>(
        &self,
        index: usize,
        bytes: &'a [u8],
        at: Range<usize>,
        standings: &mut Vec<Standing>,
        candidates: &mut Vec<Candidate<'a>>,
    ) {
        let form = &self.forms[index];
        form.matches(bytes, at, &mut |candidate| weigh(index, form, candidate, standings, candidates));
    }

    fn report(&self, standings: &[Standing], candidates: &[Candidate<'_>], found: &mut impl FnMut(Match)) {
        if standings.is_empty() {
            return;
        }
        for index in resolve(standings) {
            let rule = &self.rules[self.forms[standings[index].form].rule];
            found(finished(rule, &candidates[index]));
        }
    }
}

/// Keeps `candidate` if its checks do.
fn weigh<'a>(
    index: usize,
    form: &CompiledForm,
    mut candidate: Candidate<'a>,
    standings: &mut Vec<Standing>,
    candidates: &mut Vec<Candidate<'a>>,
) {
    if form.weigh(&mut candidate).is_ok() {
        standings.push(standing(index, &candidate));
        candidates.push(candidate);
    }
}

fn standing(form: usize, candidate: &Candidate<'_>) -> Standing {
    Standing {
        secret: candidate.secret.clone(),
        confidence: candidate.confidence,
        weight: candidate.weight,
        boundary: has_boundary(candidate.bytes, candidate.secret.start),
        prefix: candidate.prefix.len(),
        form,
    }
}

fn finished(rule: &Rule, candidate: &Candidate<'_>) -> Match {
    let bytes = candidate.bytes[candidate.secret.clone()].to_vec();
    let secret = Secret::new(bytes, candidate.prefix.end.saturating_sub(candidate.secret.start));
    let identified = Identified {
        fingerprint: secret.fingerprint(),
        secret,
        rule: Arc::clone(&rule.id),
        kind: Arc::clone(&rule.kind),
        confidence: candidate.confidence,
        evidence: candidate.evidence.clone(),
    };
    Match { span: candidate.secret.clone(), identified: Arc::new(identified), encoding: "utf-8" }
}

fn invalid(rule: &Rule, reason: &str) -> RuleError {
    RuleError::Invalid {
        path: rule.source.to_string(),
        line: 1,
        reason: format!("rule `{}`: {reason}", rule.id),
    }
}
