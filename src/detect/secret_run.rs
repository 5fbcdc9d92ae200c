//! Every match of a pattern contains a secret: a run of a minimum number of characters, all from one set. Text without such a
//! run has no match, so the pattern, which may be far slower, need not be tried.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::effort::spend;
use crate::rules::Pattern;

/// The name of the group that is the secret.
const SECRET_GROUP: &str = "secret";

/// A run of at least `min_len` characters of a class.
#[derive(Debug)]
pub(super) struct SecretRun {
    class: Box<[bool; 256]>,
    min_len: usize,
}

impl SecretRun {
    /// The run in every match of `pattern`; `None` if a match may be without the group `secret`, if the group may be empty,
    /// or if the pattern is invalid.
    pub(super) fn from_pattern(pattern: &Pattern) -> Option<Self> {
        let mut run = Self { class: Box::new([false; 256]), min_len: 0 };
        run.min_len = run.add(secret_part(pattern.hir().ok()?)?);
        (run.min_len > 0).then_some(run)
    }

    /// Whether `bytes` contain such a run.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        // One step for sixteen bytes: most of them are skipped, since a byte outside the class rules out all runs across it.
        spend(bytes.len() / 16);
        let mut end = self.min_len;
        while end <= bytes.len() {
            let run = &bytes[end - self.min_len..end];
            match run.iter().rposition(|&byte| !self.class[usize::from(byte)]) {
                None => return true,
                Some(last) => end += last + 1,
            }
        }
        false
    }

    /// Adds the bytes that `hir` can match to the class, and returns the minimum length of a match.
    fn add(&mut self, hir: &Hir) -> usize {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                literal.0.iter().for_each(|&byte| self.class[usize::from(byte)] = true)
            }
            HirKind::Class(Class::Bytes(ranges)) => {
                let bytes = ranges.iter().flat_map(|range| range.start()..=range.end());
                bytes.for_each(|byte| self.class[usize::from(byte)] = true);
            }
            HirKind::Class(Class::Unicode(_)) => self.class.fill(true),
            HirKind::Repetition(repetition) => {
                self.add(&repetition.sub);
            }
            HirKind::Capture(capture) => {
                self.add(&capture.sub);
            }
            HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| {
                self.add(part);
            }),
        }
        hir.properties().minimum_len().unwrap_or(0)
    }
}

/// The part of `hir` in the group `secret`, if every match contains it.
fn secret_part(hir: &Hir) -> Option<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(SECRET_GROUP) => Some(&capture.sub),
        HirKind::Capture(capture) => secret_part(&capture.sub),
        HirKind::Concat(parts) => parts.iter().find_map(secret_part),
        // In an alternation, another alternative may match; a repetition may match zero times.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_where_it_is_long_enough() {
        let run =
            SecretRun::from_pattern(&Pattern::new("key.{0,9}(?<secret>[0-9a-f]{4}|[A-Z]{5,9}x)=")).unwrap();
        assert_eq!(run.min_len, 4);
        for text in ["0123", "key: 0aBx", " 0 12 345 6789", "ABCDEx"] {
            assert!(run.is_in(text.as_bytes()), "{text}");
        }
        for text in ["", "012", "012_345_678", "abcg"] {
            assert!(!run.is_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_may_have_no_secret_has_no_run() {
        for pattern in ["[a-z]{8}", "a(?:(?<secret>[a-z]{8})|b)", "(?<secret>[a-z]*)"] {
            assert!(SecretRun::from_pattern(&Pattern::new(pattern)).is_none(), "{pattern}");
        }
    }
}
