//! The commit that `--policy-from` names.

use anyhow::{Result, bail};

use super::ci::event::event_base;
use super::policy_base::PolicyBase;
use crate::git::range::parse;
use crate::git::{Repository, commit_id, unresolved_reason};

/// The value for the base of the CI event.
pub(super) const EVENT: &str = "event";
/// The value for the checkout.
const CHECKOUT: &str = "checkout";

/// Resolves the base that `--policy-from` names.
///
/// # Errors
/// A missing revision, or `event` if no CI system is detected.
pub(super) fn named_base(asked: &str, repo: &Repository) -> Result<PolicyBase> {
    match asked {
        CHECKOUT => Ok(PolicyBase::Checkout),
        EVENT => event_base(repo),
        rev => match commit_id(repo, rev) {
            Some(id) => Ok(PolicyBase::Rev { rev: id, what: format!("--policy-from {rev}") }),
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
