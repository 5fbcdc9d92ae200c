//! Layer 2: bytes in, matches out. Pure, shared between threads, and knows nothing of files or git.
//!
//! One aho-corasick pass looks for *anchors*. Around each hit, decoded where the anchor is an encoded
//! one, a rule's pattern is tried, each
//! *match* is weighed by *checks*, and of matches that overlap the best founded one stays.
//! Without a hit nothing is allocated.

mod alphabet;
mod anchors;
mod arrange;
mod candidate;
mod checks;
mod credential;
mod detector;
mod disguise;
mod encoding;
mod explain;
mod form;
mod glance;
mod likely;
mod mask;
mod overlap;
mod program;
mod self_test;
mod stream;
mod wide;
mod windows;

pub use candidate::Rejection;
pub use detector::{Detector, Match};
pub use explain::{Explanation, Verdict};
pub use mask::{Hidden, Mask};
pub use self_test::Failure;
pub use stream::{Chunk, Stream, StreamMatch};
