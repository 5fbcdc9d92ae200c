//! The detector: all forms of all rules over a stretch of bytes.

use std::ops::Range;
use std::sync::Arc;

use super::anchors::Anchors;
use super::candidate::Candidate;
use super::checks;
use super::disguise::{self, Disguised};
use super::encoding::{LONGEST_SPAN, Route, SETTLED_SPAN};
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
    /// How to decode around the anchors that come after those of the forms.
    routes: Vec<Route>,
    anchors: Anchors,
    longest: usize,
    margin: usize,
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
        let (encoded, routes): (Vec<_>, Vec<_>) = disguise::routes(&forms).into_iter().unzip();
        let plain = forms
            .iter()
            .enumerate()
            .flat_map(|(index, form)| form.form.anchors.iter().map(move |anchor| (anchor.as_slice(), index)));
        let in_disguise =
            encoded.iter().enumerate().map(|(index, anchor)| (anchor.as_slice(), forms.len() + index));
        let pairs = plain.chain(in_disguise);
        let anchors = Anchors::new(pairs).map_err(|error| {
            let first = &rules.rules()[0];
            invalid(first, &format!("the anchors of all rules together are too many: {error}"))
        })?;
        let plain = forms.iter().map(|form| form.form.longest).max().unwrap_or(0);
        let (longest, settled) = match routes.is_empty() {
            true => (plain, plain),
            false => (plain.max(LONGEST_SPAN), plain.max(SETTLED_SPAN)),
        };
        let margin = settled + checks::CONTEXT_REACH;
        Ok(Self { rules: rules.rules().to_vec(), forms, routes, anchors, longest, margin })
    }

    /// The most bytes that one match can span.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Bytes on each side of a match on which its verdict can depend: the words around it, what
    /// bounds it, and matches that overlap it, unless they are so long that they give way.
    pub fn margin(&self) -> usize {
        self.margin
    }

    /// The rules in force.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every match in `bytes`, in order of place, none overlapping another.
    pub fn find(&self, bytes: &[u8], found: impl FnMut(Match)) {
        self.find_with_anchors(bytes, |_| {}, found);
    }

    /// The same; `anchor` is told where each of the anchors begins, of which every match, with the margin on each
    /// side, holds at least one. An anchor of several forms is told several times.
    pub fn find_with_anchors(
        &self,
        bytes: &[u8],
        mut anchor: impl FnMut(usize),
        mut found: impl FnMut(Match),
    ) {
        let mut kept = Kept::default();
        self.anchors.find(bytes, |target, at| {
            anchor(at.start);
            match self.target(target) {
                Target::Form(index, form) => {
                    form.matches(bytes, at, &mut |candidate| kept.weigh(index, form, candidate));
                }
                Target::Route(route) if self.is_of_use(route, bytes, at.start) => {
                    self.unmask(route, bytes, at.start, &mut kept);
                }
                Target::Route(_) => {}
            }
        });
        self.report(&kept, &mut found);
    }

    /// Where anchors begin in `bytes`.
    pub fn anchors(&self, bytes: &[u8], mut anchor: impl FnMut(usize)) {
        self.anchors.find(bytes, |_, at| anchor(at.start));
    }

    /// The most bytes of an anchor.
    pub fn longest_anchor(&self) -> usize {
        self.anchors.longest()
    }

    /// The same without the prefilter and without windows, every pattern tried at every place: slow,
    /// and the oracle of tests. What is in disguise is decoded in the same way, but without a look at whether that is
    /// of use.
    pub fn find_plainly(&self, bytes: &[u8], mut found: impl FnMut(Match)) {
        let mut kept = Kept::default();
        for (index, form) in self.forms.iter().enumerate() {
            form.matches_plainly(bytes, &mut |candidate| kept.weigh(index, form, candidate));
        }
        self.anchors.find_plainly(bytes, |target, at| {
            if let Target::Route(route) = self.target(target) {
                self.unmask(route, bytes, at.start, &mut kept);
            }
        });
        self.report(&kept, &mut found);
    }

    /// Calls `found` with every place where a pattern matches, whatever its checks say.
    pub(super) fn patterns<'a>(
        &'a self,
        bytes: &'a [u8],
        mut found: impl FnMut(&'a CompiledForm, Candidate<'a>),
        mut in_disguise: impl FnMut(&'a CompiledForm, Disguised<'_>),
    ) {
        self.anchors.find(bytes, |target, at| match self.target(target) {
            Target::Form(_, form) => {
                form.matches_anywhere(bytes, at, &mut |candidate| found(form, candidate))
            }
            Target::Route(route) if self.is_of_use(route, bytes, at.start) => {
                self.disguised(route, bytes, at.start, &mut |disguised| {
                    in_disguise(&self.forms[disguised.form], disguised);
                });
            }
            Target::Route(_) => {}
        });
    }

    fn target(&self, target: usize) -> Target<'_> {
        match self.forms.get(target) {
            Some(form) => Target::Form(target, form),
            None => Target::Route(&self.routes[target - self.forms.len()]),
        }
    }

    /// Keeps the best founded of all matches in what can be decoded around an anchor at `at`. They all
    /// hold it, so that only one can stay.
    fn unmask(&self, route: &Route, bytes: &[u8], at: usize, kept: &mut Kept<'_>) {
        let mut best: Option<(Standing, Match)> = None;
        self.disguised(route, bytes, at, &mut |mut disguised| {
            let form = &self.forms[disguised.form];
            if form.weigh(&mut disguised.candidate).is_err() || disguised.is_shown() {
                return;
            }
            let Some((span, encoding)) = disguised.claim() else { return };
            let long = span.len() > SETTLED_SPAN;
            let candidate = &disguised.candidate;
            let standing = Standing {
                secret: span.clone(),
                long,
                encoding,
                ..standing(disguised.form, form, candidate)
            };
            if best.as_ref().is_none_or(|(known, _)| standing.founded(known).is_lt()) {
                let found = finished(&self.rules[form.rule], candidate);
                best = Some((standing, Match { span, encoding, ..found }));
            }
        });
        if let Some((standing, matched)) = best {
            kept.standings.push(standing);
            kept.found.push(Found::Decoded(matched));
        }
    }

    fn report(&self, kept: &Kept<'_>, found: &mut impl FnMut(Match)) {
        if kept.standings.is_empty() {
            return;
        }
        for index in resolve(&kept.standings) {
            let rule = &self.rules[self.forms[kept.standings[index].form].rule];
            found(match &kept.found[index] {
                Found::Plain(candidate) => finished(rule, candidate),
                Found::Decoded(matched) => matched.clone(),
            });
        }
    }
}

/// What an anchor belongs to.
enum Target<'a> {
    /// A form, and its place in the list.
    Form(usize, &'a CompiledForm),
    Route(&'a Route),
}

/// What passed its checks, and how it stands to what overlaps it.
#[derive(Default)]
struct Kept<'a> {
    standings: Vec<Standing>,
    found: Vec<Found<'a>>,
}

enum Found<'a> {
    Plain(Candidate<'a>),
    Decoded(Match),
}

impl<'a> Kept<'a> {
    /// Keeps `candidate` if its checks do.
    fn weigh(&mut self, index: usize, form: &CompiledForm, mut candidate: Candidate<'a>) {
        if form.weigh(&mut candidate).is_ok() {
            self.standings.push(standing(index, form, &candidate));
            self.found.push(Found::Plain(candidate));
        }
    }
}

fn standing(index: usize, form: &CompiledForm, candidate: &Candidate<'_>) -> Standing {
    Standing {
        secret: candidate.secret.clone(),
        long: false,
        confidence: candidate.confidence,
        bare: form.is_whole,
        weight: candidate.weight,
        boundary: candidate.has_boundary(candidate.secret.start),
        prefix: candidate.prefix.len(),
        form: index,
        encoding: "utf-8",
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
