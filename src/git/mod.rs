//! Layer 2: the only place that opens a repository: objects, refs, attribution, ranges, the index.
//!
//! It hands out bytes and ids; what to look for, and what a match means, is decided above.

pub mod attribution;
mod database;
mod inflate;
mod lookup;
mod loose;
mod open;
pub mod pack;
pub mod refs;
#[cfg(test)]
mod scratch;
mod sweep;

pub use database::Database;
pub use gix::ObjectId;
pub use gix::object::Kind as ObjectKind;
pub use lookup::Gaps;
pub use open::{OpenError, open};
#[doc(hidden)]
pub use sweep::inflate_floor;
pub use sweep::{Counts, Found, KindCount, Progress, Searcher, SweepOptions, SweepOutcome, sweep};
