//! GitHub Actions: the event's payload identifies its commits. The payload's list of commits is never used,
//! because GitHub truncates it.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::scope::{CiPlan, CiRun, PushEvent, Rev, Scope, Variables};
use crate::git::{is_id, is_zero_id};

const FETCH_ALL_HINT: &str = "set `fetch-depth: 0` for actions/checkout";

pub(super) fn plan(variables: &Variables<'_>, payload: impl FnOnce() -> Result<Value>) -> Result<CiPlan> {
    let name = variables.get("GITHUB_EVENT_NAME").context("the variable GITHUB_EVENT_NAME is not set")?;
    let payload = match name.as_str() {
        "push" | "pull_request" | "pull_request_target" | "merge_group" => payload()?,
        // For other events, the payload only determines whose policy applies.
        _ => payload().unwrap_or_default(),
    };
    let scope = match name.as_str() {
        "push" => push(&payload)?,
        "pull_request" | "pull_request_target" => {
            between(&payload, "/pull_request/base/sha", "/pull_request/head/sha")?
        }
        "merge_group" => between(&payload, "/merge_group/base_sha", "/merge_group/head_sha")?,
        "delete" => Scope::Nothing,
        _ => Scope::Whole,
    };
    let run = Some(run(variables, &name, &payload));
    // `pull_request_target` runs for the base branch.
    let is_run_on_changed_ref = name != "pull_request_target";
    Ok(CiPlan {
        scope,
        event: format!("GitHub {name}"),
        fetch_all_hint: Some(FETCH_ALL_HINT),
        is_run_on_changed_ref,
        run,
    })
}

fn run(variables: &Variables<'_>, event: &str, payload: &Value) -> CiRun {
    let text = |pointer| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let default_branch = text("/repository/default_branch");
    let ref_name = match variables.get("GITHUB_REF") {
        // Schedules run for the default branch.
        None if event == "schedule" => {
            Some(format!("refs/heads/{}", default_branch.as_deref().unwrap_or("main")))
        }
        name => name,
    };
    let commit = variables.get("GITHUB_SHA").filter(|id| is_id(id));
    let base = text("/pull_request/base/sha").filter(|id| is_id(id));
    CiRun { ref_name, default_branch, commit, base, may_be_push: false }
}

fn push(payload: &Value) -> Result<Scope> {
    let after = id(payload, "/after")?;
    if payload["deleted"] == true || is_zero_id(&after) {
        return Ok(Scope::Nothing);
    }
    let before = Some(id(payload, "/before")?).filter(|before| !is_zero_id(before));
    let text = |pointer| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (ref_name, default_branch) = (text("/ref"), text("/repository/default_branch"));
    Ok(Scope::Push(PushEvent { before, after, ref_name, default_branch }))
}

fn between(payload: &Value, base: &str, head: &str) -> Result<Scope> {
    Ok(Scope::Between { base: Rev::Id(id(payload, base)?), head: Rev::Id(id(payload, head)?) })
}

/// The full object id at `pointer`, a JSON pointer into the payload.
fn id(payload: &Value, pointer: &str) -> Result<String> {
    match payload.pointer(pointer).and_then(Value::as_str) {
        Some(id) if is_id(id) => Ok(id.to_owned()),
        _ => bail!("the event's payload (GITHUB_EVENT_PATH) has no commit id at {pointer}"),
    }
}
