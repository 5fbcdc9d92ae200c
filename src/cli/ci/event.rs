//! Reads the current CI event from environment variables and from the payload file that one of them names.

use std::env;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::base::policy_base;
use super::plan::plan;
use super::scope::Variables;
use crate::cli::policy_base::PolicyBase;
use crate::git::Repository;
use crate::untrusted::{Symlinks, read};

/// Maximum size of a payload, in bytes; GitHub's payloads are at most 25 MB.
const MAX_PAYLOAD: u64 = 64 << 20;

/// The commit whose policy applies to the current CI event, for commands other than `ci`.
///
/// # Errors
/// No supported CI system is running.
pub(in crate::cli) fn event_policy_base(repo: &Repository) -> Result<PolicyBase> {
    let variable = |name: &str| env::var(name).ok();
    let variables = Variables(&variable);
    match plan(&variables, || read_payload(&variables), None, None) {
        Ok(plan) if plan.run.is_none() => {
            bail!("--policy-from event: no supported CI detected; name a revision instead")
        }
        Ok(plan) => Ok(policy_base(&plan, repo)),
        // An event that cannot be parsed provides no policy.
        Err(error) => Ok(PolicyBase::Unknown(format!("{error:#}"))),
    }
}

/// Reads the event's payload.
pub(super) fn read_payload(variables: &Variables<'_>) -> Result<Value> {
    let path = variables.get("GITHUB_EVENT_PATH").context("the variable GITHUB_EVENT_PATH is not set")?;
    let text = read(Path::new(&path), Symlinks::Follow, MAX_PAYLOAD)
        .with_context(|| format!("cannot read the event payload {path} (GITHUB_EVENT_PATH)"))?;
    serde_json::from_slice(&text)
        .ok()
        .with_context(|| format!("the event payload {path} (GITHUB_EVENT_PATH) is not valid JSON"))
}
