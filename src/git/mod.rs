//! Layer 2: the only place that opens a repository.
//!
//! It hands out bytes and ids; what to look for, and what a match means, is decided above.

mod database;
#[doc(hidden)]
pub mod fuzz;
mod inflate;
mod loose;
mod open;
mod pack;
mod sweep;

pub use database::Database;
pub use gix::ObjectId;
pub use gix::object::Kind as ObjectKind;
pub use open::{OpenError, open};
#[doc(hidden)]
pub use sweep::inflate_floor;
pub use sweep::{Counts, Found, KindCount, Progress, Searcher, SweepOptions, SweepOutcome, sweep};
