//! What an encoding implements.

use std::fmt;
use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{EncodedHit, EncodedKeyword};
use crate::detect::candidate::Candidate;

/// One way of writing text as other text.
pub(super) trait Encoding: Sync + fmt::Debug {
    /// Its name as an outer encoding.
    fn name(&self) -> EncodingName;

    /// Every name that [`accept`](Self::accept) may return.
    fn names(&self) -> &'static [EncodingName];

    /// Byte strings, at least one of which occurs in every text that encodes `literal`. `starts_key`: keys begin with the
    /// literal. If not, it is from inside a key, and worth searching for only in encodings in which a line break can
    /// split the literal that keys begin with.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword>;

    /// Decodes the text around a hit, and calls `visit` with each possible result.
    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText));

    /// Whether a secret in this range may be accepted at all; called before its checks run.
    fn may_accept(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        true
    }

    /// Whether the text also contains the key in plain form, so that the decoded match is a duplicate.
    fn also_plain(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        false
    }

    /// The name of a match's encoding; `None` if the match is rejected. Called after the checks of the candidate, and may
    /// add evidence to it.
    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName>;
}
