//! `friskey fleet`: plans, audits and reports on many repositories. An existing engine, such as Slurm or Kubernetes,
//! starts the shards.

mod audit;
mod audit_one;
mod engine;
mod fleet_progress;
mod memory;
mod plan;
mod report;
mod schedule;
mod settings_digest;
mod shard_audit;

use anyhow::Result;

use super::args::{FleetCommand, GlobalArgs};
use super::exit::Exit;

pub(super) fn run(command: &FleetCommand, global: &GlobalArgs) -> Result<Exit> {
    match command {
        FleetCommand::Plan { roots } => plan::run(roots, global),
        FleetCommand::Audit(audit) => audit::run(audit, global),
        FleetCommand::Report(report) => report::run(report, global),
    }
}
