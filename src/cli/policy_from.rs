//! `--policy-from`: resolves the policy base that the user names.

use anyhow::{Result, bail};

use super::ci::event::event_policy_base;
use super::policy_base::PolicyBase;
use crate::git::range::parse;
use crate::git::{Repository, commit_id, unresolved_reason};

/// The value for the base of the CI event.
pub(super) const EVENT: &str = "event";
/// The value for the checkout.
const CHECKOUT: &str = "checkout";

/// The policy base for the value of `--policy-from`: `event`, `checkout` or a revision.
///
/// # Errors
/// A missing revision, or `event` if no CI system is detected.
pub(super) fn policy_base(value: &str, repo: &Repository) -> Result<PolicyBase> {
    match value {
        CHECKOUT => Ok(PolicyBase::Checkout),
        EVENT => event_policy_base(repo),
        rev => match commit_id(repo, rev) {
            Some(id) => Ok(PolicyBase::Rev { rev: id, description: format!("--policy-from {rev}") }),
            // The name exists, but the author of the change may have created it.
            None => match unresolved_reason(repo, rev) {
                Some(reason) => Ok(PolicyBase::Unknown(format!("--policy-from {rev}: {reason}"))),
                None => match parse(repo, &[rev]) {
                    Err(error) => bail!("--policy-from: {error}"),
                    Ok(_) => bail!("--policy-from: `{rev}` is not a commit of this repository"),
                },
            },
        },
    }
}
