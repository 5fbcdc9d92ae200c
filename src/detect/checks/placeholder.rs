//! `placeholder`: what documentation puts in a key's place. Only for matches without the marker: a
//! stop word costs genuine keys.

use super::sequence::synthetic_reason;
use super::{Candidate, Check, CompiledVariant, Rejection};

/// Each, in lower case, stands in placeholders and by chance in fewer than one long key in 10,000.
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

/// Shorter ones count only as a word of their own, or where the body begins.
const SHORT_WORDS: &[&str] =
    &["your", "fake", "test", "mock", "demo", "here", "xxxx", "real", "this", "some"];

/// Turns down placeholders.
#[derive(Debug)]
pub(super) struct Placeholder;

impl Check for Placeholder {
    fn name(&self) -> &'static str {
        "placeholder"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, _: &CompiledVariant) -> Result<(), Rejection> {
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
