//! `expired`: a secret that lives for minutes is an example or a stored response, and no longer valid, if it is
//! in documentation or beside its expiry time.

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::detect::limits::CONTEXT_REACH;
use crate::model::Confidence;

/// Words that accompany examples and stored responses, in lower case.
const WORDS: &[&str] =
    &["expires_at", "expires_after", "expiresat", "example", "sample", "e.g.", "```", "documentation"];

/// Lowers the confidence of expired secrets to `low`.
#[derive(Debug)]
pub(super) struct Expired;

impl Check for Expired {
    fn name(&self) -> &'static str {
        "expired"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let (bytes, secret) = (candidate.bytes, &candidate.secret);
        let low = secret.start.saturating_sub(CONTEXT_REACH);
        let high = bytes.len().min(secret.end + CONTEXT_REACH);
        let surroundings =
            [&bytes[low..secret.start], &bytes[secret.end..high]].map(<[u8]>::to_ascii_lowercase);
        let is_in = |word: &&&str| {
            surroundings.iter().any(|part| memchr::memmem::find(part, word.as_bytes()).is_some())
        };
        if let Some(word) = WORDS.iter().find(is_in) {
            candidate.cap(Confidence::Low);
            candidate.note(format!("`{word}` nearby: an example, or an answer that was kept"));
        }
        Ok(())
    }
}
