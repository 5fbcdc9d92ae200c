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

    /// The byte strings of which encoded text with `literal` must contain one. `starts_key`: keys begin with
    /// the literal. A literal from inside a key is worth searching for only where a line break can split the
    /// other one.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword>;

    /// Decodes around a hit and hands over every possible reading.
    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText));

    /// Whether a secret at this position may be accepted at all; asked before its checks run.
    fn may_accept(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        true
    }

    /// Whether the key is also in the text in plain form, for readers of the same lines.
    fn also_plain(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        false
    }

    /// The name of a match's encoding; `None` if this encoding must not accept the match. It receives the
    /// candidate after its checks and may add evidence.
    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName>;
}
