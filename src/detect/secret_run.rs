//! The run of characters that the secret in every match of a pattern is. Where a stretch of text holds none as long, the pattern,
//! which may be far more laborious, need not be tried.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::effort::spend;
use crate::rules::Pattern;

/// The group that is the secret.
const SECRET: &str = "secret";

/// A run of at least so many characters of a class.
#[derive(Debug)]
pub(super) struct SecretRun {
    class: Box<[bool; 256]>,
    least: usize,
}

impl SecretRun {
    /// That of `pattern`, if it names its secret.
    pub(super) fn of(pattern: &Pattern) -> Option<Self> {
        let mut run = Self { class: Box::new([false; 256]), least: 0 };
        run.least = run.take(secret(pattern.hir().ok()?)?);
        (run.least > 0).then_some(run)
    }

    /// Whether `bytes` contain one.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        spend(bytes.len() / 16);
        let mut end = self.least;
        while end <= bytes.len() {
            let run = &bytes[end - self.least..end];
            match run.iter().rposition(|&byte| !self.class[usize::from(byte)]) {
                None => return true,
                Some(last) => end += last + 1,
            }
        }
        false
    }

    /// Adds what `hir` can match to the class, and returns the minimum length of a match.
    fn take(&mut self, hir: &Hir) -> usize {
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
                self.take(&repetition.sub);
            }
            HirKind::Capture(capture) => {
                self.take(&capture.sub);
            }
            HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| {
                self.take(part);
            }),
        }
        hir.properties().minimum_len().unwrap_or(0)
    }
}

fn secret(hir: &Hir) -> Option<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(SECRET) => Some(&capture.sub),
        HirKind::Capture(capture) => secret(&capture.sub),
        HirKind::Concat(parts) => parts.iter().find_map(secret),
        // In another branch, or none at all, there may be no secret.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_where_it_is_long_enough() {
        let run = SecretRun::of(&Pattern::new("key.{0,9}(?<secret>[0-9a-f]{4}|[A-Z]{5,9}x)=")).unwrap();
        assert_eq!(run.least, 4);
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
            assert!(SecretRun::of(&Pattern::new(pattern)).is_none(), "{pattern}");
        }
    }
}
