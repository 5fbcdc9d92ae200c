//! The file of a plan: its id, and reading it back.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::path_text::planned_path;
use crate::model::{FleetPlan, PLAN_SCHEMA, hex};

/// Why a file cannot be used as a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not a plan, or an incomplete one.
    #[error("it is not a plan; `friskey fleet plan ROOT > fleet.json` writes one")]
    NotAPlan,
    /// Its format is unknown.
    #[error("this version of friskey cannot read its format; run `friskey fleet plan` again")]
    UnknownSchema,
    /// It was changed after it was made.
    #[error(
        "it was changed after it was made, so that shards could disagree about it; run `friskey fleet \
     plan` again"
    )]
    Changed,
    /// Something in it is invalid.
    #[error("{0}; run `friskey fleet plan` again")]
    Invalid(String),
}

/// The digest of everything else in `plan`.
pub fn plan_id(plan: &FleetPlan) -> String {
    let mut plan = plan.clone();
    plan.id = String::new();
    // A plan consists of text and numbers, so serializing it cannot fail.
    let bytes = serde_json::to_vec(&plan).unwrap_or_default();
    hex(&Sha256::digest(bytes))
}

/// Reads a plan.
///
/// # Errors
/// If it is not a plan, was changed, or names a repository twice.
pub fn parse_plan(bytes: &[u8]) -> Result<FleetPlan, PlanError> {
    let plan: FleetPlan = serde_json::from_slice(bytes).map_err(|_| PlanError::NotAPlan)?;
    if plan.schema != PLAN_SCHEMA {
        return Err(PlanError::UnknownSchema);
    }
    if plan.id != plan_id(&plan) {
        return Err(PlanError::Changed);
    }
    let mut paths = BTreeSet::new();
    for repository in &plan.repositories {
        let path = planned_path(repository).filter(|path| path.is_absolute());
        match path {
            Some(path) if !paths.contains(&path) => drop(paths.insert(path)),
            Some(_) => return Err(PlanError::Invalid(format!("{} is planned twice", repository.path))),
            None => return Err(PlanError::Invalid(format!("{} is not an absolute path", repository.path))),
        }
    }
    Ok(plan)
}
