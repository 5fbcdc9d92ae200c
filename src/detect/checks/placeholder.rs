//! `placeholder`: what documentation puts in a key's place. Only for matches without the marker: a
//! stop word costs genuine keys.

use super::sequence::made_up;
use super::{Candidate, Check, CompiledForm, Rejection};

/// Each, in lower case, stands in placeholders and by chance in fewer than one key in five thousand.
const WORDS: &[&str] = &[
    "your",
    "example",
    "placeholder",
    "replace",
    "insert",
    "redacted",
    "dummy",
    "sample",
    "fake",
    "synthetic",
    "api-key",
    "apikey",
    "api_key",
    "secret",
    "changeme",
    "change-me",
    "test-key",
    "testkey",
    "test_key",
    "not-real",
    "notreal",
    "goes-here",
    "openai",
    "invalid",
    "xxxx",
    "demo-",
    "mock",
    "foobar",
    "deadbeef",
    "lorem",
    "abcd",
    "1234",
];

/// Turns down placeholders.
#[derive(Debug)]
pub(super) struct Placeholder;

impl Check for Placeholder {
    fn name(&self) -> &'static str {
        "placeholder"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, _: &CompiledForm) -> Result<(), Rejection> {
        let body = candidate.body().to_ascii_lowercase();
        if let Some(word) = WORDS.iter().find(|word| memchr::memmem::find(&body, word.as_bytes()).is_some()) {
            return Err(format!("a placeholder: it says `{word}`").into());
        }
        match made_up(&body) {
            Some(reason) => Err(format!("a placeholder: {reason}").into()),
            None => Ok(()),
        }
    }
}
