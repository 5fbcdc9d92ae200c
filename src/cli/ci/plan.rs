//! Determines the scope of an event from what the CI system reports about it. Pure: it does not access the
//! repository, so that every event can be tested as data.

use anyhow::{Result, bail};
use serde_json::Value;

use super::scope::{CiPlan, PushEvent, Rev, Scope, Variables};
use super::{github, systems};
use crate::git::is_zero_id;

/// The user's range takes precedence, followed by the CI system detected from the environment. Otherwise the
/// whole history is scanned, since nothing shows that less would be enough.
///
/// # Errors
/// An invalid event, e.g. with an invalid id or a missing field.
pub(super) fn plan(
    variables: &Variables<'_>,
    payload: impl FnOnce() -> Result<Value>,
    base: Option<&str>,
    head: Option<&str>,
) -> Result<CiPlan> {
    if base.is_some() || head.is_some() {
        return plan_for_user_range(base, head);
    }
    if variables.is_set("GITHUB_ACTIONS") {
        return github::plan(variables, payload);
    }
    if let Some(plan) = systems::plan(variables)? {
        return Ok(plan);
    }
    let event = "no supported CI system".to_owned();
    Ok(CiPlan { scope: Scope::Whole, event, fetch_all_hint: None, is_run_on_changed_ref: false, run: None })
}

fn plan_for_user_range(base: Option<&str>, head: Option<&str>) -> Result<CiPlan> {
    let head = revision("--head", head.unwrap_or("HEAD"))?;
    let event = "--base and --head".to_owned();
    let scope = match base.filter(|base| !base.is_empty()) {
        // CI systems use zeros if there was no previous commit.
        Some(base) if !is_zero_id(base) => {
            Scope::Between { base: revision("--base", base)?, head: Rev::User(head.revision()) }
        }
        _ => Scope::Push(PushEvent { after: head.revision(), ..PushEvent::default() }),
    };
    Ok(CiPlan { scope, event, fetch_all_hint: None, is_run_on_changed_ref: false, run: None })
}

/// A single revision, rather than an option or a range.
fn revision(option: &str, text: &str) -> Result<Rev> {
    let text = if text.is_empty() { "HEAD" } else { text };
    if text.starts_with(['-', '^']) || text.contains("..") || text.contains(char::is_whitespace) {
        bail!("{option} takes one revision: a branch, a tag or a commit id");
    }
    Ok(Rev::User(text.to_owned()))
}
