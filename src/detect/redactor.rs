//! Removes secrets from text for display: paths, names, messages, source lines.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::Detector;
use super::alphabet::key_run;
use super::credential::{TextKind, credentials};
use super::decoded::DecodedMatch;
use super::effort::EffortReserve;
use super::fragments::Fragments;
use super::replacement::{Replacement, add_uncovered, redact_secret, render};
use super::variant::CompiledVariant;
use crate::model::Secret;

/// Maximum distance to which a run of key characters is masked after a match.
pub(super) const MAX_KEY_TAIL: usize = 512;

/// Redacts every match of any rule's pattern, even if checks reject it, everything else that looks like a credential of any
/// vendor, and known secrets, whole and in fragments.
#[derive(Debug)]
pub struct Redactor<'d> {
    pub(super) detector: &'d Detector,
    /// Searches for all known secrets; `None` if there are none.
    known_secrets: Option<AhoCorasick>,
    /// For each known secret, the length of its prefix.
    known_prefixes: Vec<usize>,
    fragments: Fragments,
}

impl<'d> Redactor<'d> {
    /// A redactor with the rules of `detector`.
    pub fn new(detector: &'d Detector) -> Self {
        Self { detector, known_secrets: None, known_prefixes: Vec::new(), fragments: Fragments::default() }
    }

    /// Also masks these secrets everywhere.
    #[must_use]
    pub fn with_known_secrets<'s>(mut self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        self.fragments = Fragments::from_secrets(secrets.iter().copied());
        self.known_prefixes = secrets.iter().map(|secret| secret.prefix_len()).collect();
        // Reports never contain too many to search for at once.
        self.known_secrets = AhoCorasick::new(secrets.into_iter().map(Secret::reveal)).ok();
        self
    }

    /// `bytes` as redacted text: a path, a name, a reason or a message. Invalid UTF-8 becomes U+FFFD.
    pub fn redact(&self, bytes: &[u8]) -> String {
        self.redact_if_secret(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Like [`redact`](Self::redact), or `None` if nothing in `bytes` needs redaction.
    pub fn redact_if_secret(&self, bytes: &[u8]) -> Option<String> {
        self.redact_as(bytes, TextKind::Name)
    }

    /// Like [`redact_if_secret`](Self::redact_if_secret), for free text such as names of people, in which anything that
    /// looks random is masked.
    pub fn redact_prose_if_secret(&self, bytes: &[u8]) -> Option<String> {
        self.redact_as(bytes, TextKind::SourceLine)
    }

    fn redact_as(&self, bytes: &[u8], kind: TextKind) -> Option<String> {
        let spans = self.spans_to_mask(bytes, kind, &mut EffortReserve::default());
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(bytes.len());
        render(bytes, 0..bytes.len(), &spans, None, &mut out);
        Some(out)
    }

    /// Whether the pattern of any rule matches in `bytes`, or a known secret occurs there.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        !self.secret_spans(bytes, &mut EffortReserve::default()).is_empty()
    }
}

impl Redactor<'_> {
    /// The spans of secrets, each with its replacement, sorted and without overlaps.
    fn secret_spans(&self, bytes: &[u8], reserve: &mut EffortReserve) -> Vec<(Range<usize>, Replacement)> {
        let limit = reserve.begin();
        let mut spans = Vec::new();
        let mut decoded = Vec::new();
        let passed_over = self.detector.find_unchecked(
            bytes,
            limit,
            |_, candidate| {
                let end = candidate.matched.end.max(candidate.secret.end);
                let span = candidate.secret.start..end + key_run(&bytes[end..], MAX_KEY_TAIL);
                spans.push((span, Replacement::Raw { prefix: candidate.prefix_len() }));
            },
            |variant, mut decoded_match| decoded.extend(mask_decoded(variant, &mut decoded_match)),
        );
        spans.extend(decoded);
        reserve.settle(&limit, bytes.len(), !spans.is_empty());
        // Text that was passed over is masked to its end.
        spans.extend(passed_over.first().map(|first| (first..bytes.len(), Replacement::Nothing)));
        if let Some(search) = &self.known_secrets {
            spans.extend(search.find_overlapping_iter(bytes).map(|hit| {
                (hit.range(), Replacement::Raw { prefix: self.known_prefixes[hit.pattern().as_usize()] })
            }));
        }
        spans.sort_by_key(|(span, _)| (span.start, span.end));
        let mut merged: Vec<(Range<usize>, Replacement)> = Vec::new();
        for (span, replacement) in spans {
            match merged.last_mut() {
                Some((last, last_replacement)) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    *last_replacement = match (&*last_replacement, replacement) {
                        // Of two rules that match at the same place, the more specific one has the longer prefix.
                        (Replacement::Raw { prefix }, Replacement::Raw { prefix: other }) => {
                            let is_same = span.start == last.start;
                            Replacement::Raw { prefix: if is_same { other.max(*prefix) } else { *prefix } }
                        }
                        // A decoded match is more informative than the raw bytes.
                        (Replacement::Raw { .. }, replacement) => replacement,
                        _ => continue,
                    };
                }
                _ => merged.push((span, replacement)),
            }
        }
        merged
    }

    /// All ranges to mask in `bytes`: secrets, and anything else that looks like a credential.
    pub(super) fn spans_to_mask(
        &self,
        bytes: &[u8],
        kind: TextKind,
        reserve: &mut EffortReserve,
    ) -> Vec<(Range<usize>, Replacement)> {
        let mut spans = self.secret_spans(bytes, reserve);
        let credentials = credentials(bytes, kind).into_iter().map(|credential| {
            let start = credential.span.start;
            let prefix = &bytes[start..start + credential.prefix_len];
            (credential.span.clone(), Replacement::Prefix(String::from_utf8_lossy(prefix).replace('\0', "")))
        });
        add_uncovered(&mut spans, credentials);
        add_uncovered(
            &mut spans,
            self.fragments.find(bytes).into_iter().map(|span| (span, Replacement::Nothing)),
        );
        spans
    }
}

/// The range of an encoded match with everything that may belong to the key, and its decoded redaction.
fn mask_decoded(
    variant: &CompiledVariant,
    decoded_match: &mut DecodedMatch<'_>,
) -> Option<(Range<usize>, Replacement)> {
    // A match that its checks reject is masked, too.
    let _ = variant.assess(&mut decoded_match.candidate);
    decoded_match.accept()?;
    let candidate = &decoded_match.candidate;
    let matched = candidate.matched.end.max(candidate.secret.end);
    let end = matched + key_run(&candidate.bytes[matched..], MAX_KEY_TAIL);
    let text = redact_secret(&candidate.bytes[candidate.secret.clone()], candidate.prefix_len());
    Some((decoded_match.span_with_text_column(candidate.secret.start..end), Replacement::Decoded(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, expand_template};

    #[test]
    fn a_custom_rule_shows_its_own_prefix() {
        let rules = "[[rule]]\nid = \"acme-token\"\nname = \"Acme token\"\n\
                     pattern = '(?<prefix>acme_)[A-Za-z0-9]{32}\\b'\n";
        let rules = RuleSet::from_text(rules, "own.toml").unwrap();
        let detector = Detector::new(&rules).unwrap();
        let key = expand_template("acme_{base62:28}0PMp", 7).text;
        let line = [b"token: ", &key[..], b", again: ", &key[..]].concat();
        let mut matches = Vec::new();
        detector.find(&line, |matched| matches.push(matched));
        let [first, _] = &matches[..] else { panic!("{} matches", matches.len()) };
        let secret = &first.detected_key.secret;
        assert_eq!(secret.redacted(), "acme_…0PMp");
        let redactor = Redactor::new(&detector);
        let masked = "token: acme_…0PMp, again: acme_…0PMp";
        assert_eq!(redactor.redact(&line), masked);
        assert_eq!(redactor.excerpt(&line, first.span.clone(), secret).text, masked);
        // With the rules of another detector, too, if the secret is known.
        let other = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        assert_eq!(Redactor::new(&other).with_known_secrets([secret]).redact(&line), masked);
    }
}
