//! Layer 2: bytes in, matches out. Pure, shared between threads, and independent of files and git.
//!
//! One aho-corasick pass searches for *keywords*. Around each hit, which is decoded if the keyword is an
//! encoded one, the patterns of its rules are tried. *Checks* assess each *match*, and of overlapping matches
//! the strongest is kept. Without a hit, nothing is allocated.

mod alphabet;
mod backtracker;
mod boundary;
mod byte_frequency;
mod candidate;
mod check_settings;
mod checks;
mod credential;
mod decoded;
mod detector;
mod effort;
mod encoding;
mod excerpt;
mod explain;
mod fragments;
mod lazy_regex;
mod limits;
mod match_rank;
mod measured_trigrams;
mod plausibility;
mod prefilter;
mod rare_trigrams;
mod redactor;
mod replacement;
mod secret_run;
mod self_test;
mod stream;
mod teddy_buckets;
mod utf16;
mod variant;

#[cfg(test)]
mod pattern_tests;

pub use candidate::Rejection;
pub use detector::{Detector, Match};
#[doc(hidden)]
pub use effort::steps;
pub use effort::{EffortReserve, PassedOver};
pub use excerpt::RedactionCache;
pub use explain::{Explanation, RuleAssessment};
pub use redactor::Redactor;
pub use self_test::ExampleFailure;
pub use stream::{Chunk, Stream, StreamMatch};
