//! Layer 2: many repositories. Finds them, divides them among shards, stores the result of each, and merges the
//! results. It scans nothing itself.

mod discover;
mod git_layout;
mod joined_leaks;
mod joined_receipt;
mod merge;
mod object_size;
mod path_text;
mod plan;
mod remarks;
mod result_check;
mod results;
mod shard;
mod state_digest;
#[cfg(test)]
mod tests;
mod walk;

pub use discover::discover;
pub use merge::{LoadedResults, merge};
pub use path_text::planned_path;
pub use plan::{PlanError, parse_plan, plan_id};
pub use result_check::result_defect;
pub use results::{NamedResult, ResultsDir, ResultsError, result_name};
pub use shard::{Shard, shard_positions};
pub use state_digest::state_digest;
