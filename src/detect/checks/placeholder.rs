//! `placeholder`: placeholders in documentation. Only for matches without the marker, since stop words also
//! reject some genuine keys.

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

/// Rejects placeholders.
#[derive(Debug)]
pub(super) struct Placeholder;

impl Check for Placeholder {
    fn name(&self) -> &'static str {
        "placeholder"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let body = candidate.body().to_ascii_lowercase();
        if let Some(word) = WORDS.iter().find(|word| memchr::memmem::find(&body, word.as_bytes()).is_some()) {
            return Err(format!("a placeholder: it says `{word}`").into());
        }
        if let Some(word) = SHORT_WORDS.iter().find(|word| is_word(&body, word.as_bytes())) {
            return Err(format!("a placeholder: it says `{word}`").into());
        }
        match synthetic_reason(&body) {
            Some(reason) => Err(format!("a placeholder: {reason}").into()),
            None => Ok(()),
        }
    }
}

fn is_word(body: &[u8], word: &[u8]) -> bool {
    body.starts_with(word) || body.split(|byte| b"-_".contains(byte)).any(|part| part == word)
}
