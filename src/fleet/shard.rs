//! Divides the repositories of a plan among shards of about equal size.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::str::FromStr;

use crate::model::FleetPlan;

/// Maximum number of shards.
const MAX_SHARDS: u32 = 100_000;

/// One of several parts of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    pub number: u32,
    /// How many there are.
    pub count: u32,
}

impl Shard {
    /// The whole plan.
    pub const WHOLE: Self = Self { number: 1, count: 1 };

    /// Shard `number` of `count`, counted from 1.
    ///
    /// # Errors
    /// If there is no such shard.
    pub fn new(number: u32, count: u32) -> Result<Self, String> {
        match (1..=MAX_SHARDS).contains(&count) && (1..=count).contains(&number) {
            true => Ok(Self { number, count }),
            false => Err(format!(
                "there is no shard {number} of {count}; expected I/N with I from 1 to N and N up to {MAX_SHARDS}"
            )),
        }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (number, count) = parts.ok_or_else(|| format!("`{text}` is not I/N, e.g. 1/4"))?;
        Self::new(number, count)
    }
}

/// The positions in `plan` of the repositories of `shard`, largest first. The result depends only on the plan and the
/// number of shards: each repository goes to the shard with the least work so far.
pub fn shard_positions(plan: &FleetPlan, shard: Shard) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.repositories.len()).collect();
    // Sorting is stable, so repositories of equal size keep the plan's order.
    order.sort_by_key(|&position| Reverse(plan.repositories[position].weight()));
    let mut shards: BinaryHeap<Reverse<(u64, u32)>> =
        (1..=shard.count).map(|number| Reverse((0, number))).collect();
    let mut positions = Vec::new();
    for position in order {
        let Some(Reverse((load, number))) = shards.pop() else { break };
        if number == shard.number {
            positions.push(position);
        }
        shards.push(Reverse((load.saturating_add(plan.repositories[position].weight()), number)));
    }
    positions
}
