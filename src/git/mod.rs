//! Layer 2: the only place that opens a repository: objects, refs, attribution, ranges, the index.

pub mod attribution;
mod bases;
mod commit;
mod lookup;
pub mod range;
pub mod refs;
#[cfg(test)]
mod scratch;
pub mod staged;

pub use lookup::Gaps;
