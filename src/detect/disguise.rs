//! Keys in disguise: what the rules say of text that was decoded around a hit.

use std::ops::Range;

use super::candidate::{Candidate, EQUAL};
use super::checks::{APART, CONTEXT_REACH};
use super::detector::Detector;
use super::encoding::{self, Decoded, LONGEST_SPAN, Literal, Name, Reach, Route};
use super::form::CompiledForm;
use super::program::{is_of_key_alphabet, least_before};
use crate::rules::{Form, MARKER};

/// A literal from inside a key that is shorter than this is not searched for in encoded form.
const SHORTEST_INNER: usize = 8;

/// A match of a form's pattern in decoded text.
pub(super) struct Disguised<'a> {
    /// The form's place in the detector's list.
    pub(super) form: usize,
    /// With as much of the decoded text as the verdict may depend on.
    pub(super) candidate: Candidate<'a>,
    /// Where in the decoded text the candidate's bytes begin.
    offset: usize,
    decoded: &'a Decoded,
    route: &'a Route,
}

impl Disguised<'_> {
    /// Where the secret stands in the bytes that were searched, and in what encoding. `None` when the
    /// match does not deserve to be called encoded. To be asked after the checks.
    pub(super) fn claim(&mut self) -> Option<(Range<usize>, Name)> {
        let secret = self.candidate.secret.start + self.offset..self.candidate.secret.end + self.offset;
        let span = self.span(self.candidate.secret.clone());
        if span.is_empty() || span.len() > LONGEST_SPAN {
            return None;
        }
        // A body holds what begins keys by accident, once in some thousand. Where each character takes many bytes the
        // whole key may be too long to keep out what is found in it.
        let candidate = &self.candidate;
        let glued = !candidate.has_boundary(candidate.secret.start);
        if glued && candidate.weight < EQUAL && span.len() >= 2 * candidate.secret.len() {
            return None;
        }
        let name = self.route.claim(self.decoded, &mut self.candidate, secret)?;
        Some((span, name))
    }

    /// Whether the secret also stands there as it is, and is found so.
    pub(super) fn is_shown(&self) -> bool {
        let secret = &self.candidate.secret;
        self.route.is_shown(self.decoded, &(secret.start + self.offset..secret.end + self.offset))
    }

    /// Where a range of the candidate's bytes is to be masked: with what shows them once more.
    pub(super) fn span_with_shown(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span_with_shown(&(range.start + self.offset..range.end + self.offset))
    }

    /// Where a range of the candidate's bytes stands in the bytes that were searched.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span(&(range.start + self.offset..range.end + self.offset))
    }
}

/// The anchors of keys in disguise, and how to decode what they hit.
pub(super) fn routes(forms: &[CompiledForm]) -> Vec<(Vec<u8>, Route)> {
    let mut literals: Vec<Literal> = Vec::new();
    let mut add = |bytes: &[u8], starts_key, keys: Option<usize>, apart: usize| {
        let is_it = |known: &&mut Literal| known.bytes == bytes && known.starts_key == starts_key;
        match literals.iter_mut().find(is_it) {
            Some(known) => {
                known.keys = known.keys.zip(keys).map(|(known, keys)| known.max(keys));
                known.apart = known.apart.min(apart);
            }
            None => literals.push(Literal { bytes: bytes.to_vec(), starts_key, keys, apart }),
        }
    };
    for form in forms.iter().map(|form| &form.form) {
        let is_key = !form.encoded.is_empty() && is_of_key_alphabet(&form.pattern);
        let keys = is_key.then_some(form.longest);
        // What `repeats` says rests on these.
        let is_guarded = form.checks.iter().any(|check| check == "unmarked")
            || (form.checks.iter().any(|check| check == "halves") && form.anchors == [MARKER.as_bytes()]);
        let guard = if is_guarded { APART } else { 0 };
        form.encoded.iter().for_each(|literal| add(literal, true, keys, guard));
        let compares = form.checks.iter().any(|check| check == "halves");
        let apart = |anchor: &[u8]| if compares { least_before(&form.pattern, anchor).min(APART) } else { 0 };
        let is_inner = |anchor: &&Vec<u8>| {
            anchor.len() >= SHORTEST_INNER && !form.encoded.iter().any(|start| anchor.starts_with(start))
        };
        if !form.encoded.is_empty() {
            form.anchors.iter().filter(is_inner).for_each(|anchor| add(anchor, false, keys, apart(anchor)));
        }
    }
    encoding::routes(&literals)
}

impl Detector {
    /// Calls `found` with every match in what can be decoded around an anchor at `at`; whether there may be one, is for
    /// [`is_of_use`](Self::is_of_use) to say sooner.
    pub(super) fn disguised(
        &self,
        route: &Route,
        bytes: &[u8],
        at: usize,
        found: &mut dyn FnMut(Disguised<'_>),
    ) {
        route.decode(bytes, at, Reach::Full, &mut |decoded| {
            let text = &decoded.text[..];
            let hit = decoded.at..decoded.at + route.literal().len();
            for (index, form) in self.forms.iter().enumerate() {
                let mut matched = with_candidates(|mut candidate| {
                    if !route.may_claim(&decoded, &candidate.without_suffix()) {
                        return;
                    }
                    (candidate.seams, candidate.ends) = (decoded.seams(), decoded.ends());
                    candidate.around = Some((bytes, decoded.span(&candidate.secret)));
                    if let Some(end) = candidate.loose_end() {
                        let mut fits = false;
                        form.matches_at(&text[..end], candidate.matched.start, &mut |shorter| {
                            fits = shorter.secret == (candidate.secret.start..end);
                        });
                        if !fits {
                            return;
                        }
                        (candidate.secret.end, candidate.matched.end) = (end, end);
                    }
                    let near = surroundings(&decoded, &candidate);
                    let offset = near.start;
                    let candidate = candidate.within(near);
                    found(Disguised { form: index, candidate, offset, decoded: &decoded, route });
                });
                let Form { encoded, anchors, .. } = &form.form;
                if route.starts_key {
                    if encoded.iter().any(|literal| literal == route.literal()) {
                        form.matches_at(text, hit.start, &mut matched);
                    }
                } else if !encoded.is_empty() && anchors.iter().any(|anchor| anchor == route.literal()) {
                    form.matches(text, hit.clone(), &mut matched);
                }
            }
        });
    }
}

/// Lets a closure take candidates of one lifetime, and keep in them what lives as long.
fn with_candidates<'t, F: FnMut(Candidate<'t>)>(matched: F) -> F {
    matched
}

/// The part of the decoded text on which the verdict on `candidate` may depend, so that it depends on as many
/// bytes as that of a plain match.
fn surroundings(decoded: &Decoded, candidate: &Candidate<'_>) -> Range<usize> {
    let span = decoded.span(&candidate.matched);
    let (low, high) = (span.start.saturating_sub(CONTEXT_REACH), span.end + CONTEXT_REACH);
    let start = decoded.places.partition_point(|place| place.0 < low);
    let end = decoded.places.partition_point(|place| place.1 <= high);
    start.min(candidate.matched.start)..end.max(candidate.matched.end)
}
