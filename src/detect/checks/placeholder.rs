//! `placeholder`: placeholders in documentation. Only for matches without the marker, since these words also
//! reject some genuine keys.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::sequence::synthetic_reason;
use super::{Candidate, Check, CheckSettings, Rejection};

/// In lower case. Each occurs in placeholders, and by chance in fewer than one of 10,000 long keys.
const WORDS: &[&str] = &[
    "example",
    "placeholder",
    "replace",
    "insert",
    "redacted",
    "dummy",
    "sample",
    "synthetic",
    "api-key",
    "apikey",
    "api_key",
    "secret",
    "changeme",
    "change-me",
    "testkey",
    "notreal",
    "not-real",
    "goes-here",
    "openai",
    "invalid",
    "foobar",
    "deadbeef",
    "lorem",
];

/// Shorter words count only as separate words or at the start of the body.
const SHORT_WORDS: &[&str] =
    &["your", "fake", "test", "mock", "demo", "here", "xxxx", "real", "this", "some"];

/// Length of each of the [`SHORT_WORDS`], in bytes.
const SHORT_WORD_LEN: usize = 4;

/// A search for each of [`WORDS`], prepared once: preparing it takes several times as long as searching.
static FINDERS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| WORDS.iter().map(Finder::new).collect());

/// Rejects placeholders.
#[derive(Debug)]
pub(super) struct Placeholder;

impl Check for Placeholder {
    fn name(&self) -> &'static str {
        "placeholder"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let body = candidate.body().to_ascii_lowercase();
        let is_in = |finder: &&Finder<'_>| finder.find(&body).is_some();
        if let Some(word) = FINDERS.iter().find(is_in) {
            let word = String::from_utf8_lossy(word.needle());
            return Err(format!("a placeholder: it says `{word}`").into());
        }
        // Collected first, since most bodies have few parts as short as these words.
        let is_short = |part: &&[u8]| part.len() == SHORT_WORD_LEN;
        let parts: Vec<&[u8]> = body.split(|byte| b"-_".contains(byte)).filter(is_short).collect();
        let is_word = |word: &&&str| body.starts_with(word.as_bytes()) || parts.contains(&word.as_bytes());
        if let Some(word) = SHORT_WORDS.iter().find(is_word) {
            return Err(format!("a placeholder: it says `{word}`").into());
        }
        match synthetic_reason(&body) {
            Some(reason) => Err(format!("a placeholder: {reason}").into()),
            None => Ok(()),
        }
    }
}
