//! Distances and lengths on which several parts of the detector rely.

/// Maximum number of bytes on each side of a secret that a check may examine.
pub(super) const CONTEXT_REACH: usize = 256;

/// Maximum bytes of an encoded key: 259 characters in the longest escape there is, `\\U00000073…`. As `0x73, …`
/// in indented lines of eight, such a key takes about 1,850.
pub(super) const MAX_ENCODED_SPAN: usize = 2880;

/// A match that takes more bytes yields to any overlapping match, which limits how much text around a match
/// must be examined. Only keys whose characters are all escaped take more, and no other match overlaps them.
pub(super) const MAX_REGULAR_SPAN: usize = 480;

/// Minimum length of each half of a key with a marker, in characters. A marker that recurs closer to itself is
/// not the middle of a key.
pub(super) const MIN_HALF_LEN: usize = 16;

/// Number of times that the start of a key may recur in its body. More is not a coincidence, and text that
/// repeats it would keep the checks busy.
pub(super) const MAX_PREFIX_REPEATS: usize = 2;
