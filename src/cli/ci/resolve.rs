//! Resolves the scope of an event in this repository: the arguments of the range, and its description.

use super::known_refs::{default_branch_tip, is_in_clone, is_other_branch};
use super::scope::{CiPlan, PushEvent, Scope};
use crate::git::Repository;

/// What will be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScanTarget {
    Nothing,
    /// The whole history.
    Whole,
    /// A range, as arguments in git's syntax.
    Range(Vec<String>),
}

/// What will be scanned, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResolvedScope {
    pub(super) target: ScanTarget,
    /// A description of the range that fits on one line.
    pub(super) range: String,
    /// Why this range was chosen.
    pub(super) why: String,
}

pub(super) fn resolve(plan: &CiPlan, repo: &Repository) -> ResolvedScope {
    let event = &plan.event;
    match &plan.scope {
        Scope::Nothing => ResolvedScope {
            target: ScanTarget::Nothing,
            range: "nothing".to_owned(),
            why: format!("{event}: the branch or tag was deleted, so there is nothing to scan"),
        },
        Scope::Whole => ResolvedScope {
            target: ScanTarget::Whole,
            range: "whole history".to_owned(),
            why: format!("{event}, so no particular range of commits"),
        },
        Scope::Between { base, head } => between(
            &base.revision(),
            &head.revision(),
            // `HEAD --not BASE` is the same as starting at the merge base.
            format!("{event}: the commits of the head that the base lacks"),
        ),
        Scope::Push(push) => resolve_push(push, event, repo),
    }
}

fn between(base: &str, head: &str, why: String) -> ResolvedScope {
    let arguments = [head, "--not", base].map(str::to_owned).to_vec();
    ResolvedScope { target: ScanTarget::Range(arguments), range: format!("{base}..{head}"), why }
}

fn resolve_push(push: &PushEvent, event: &str, repo: &Repository) -> ResolvedScope {
    let after = push.after.as_str();
    let before = push.before.as_deref();
    if let Some(before) = before
        && is_in_clone(repo, before)
    {
        return between(before, after, format!("{event}: what was pushed"));
    }
    let why = match before {
        Some(before) => format!("{event}: {before} was removed by a force-push or has not been fetched"),
        None => format!("{event}: a new branch or tag"),
    };
    beyond_default_branch(push, &why, repo)
}

/// Why the ref cannot be compared with the default branch.
fn missing_default_branch(push: &PushEvent) -> String {
    let default_branch = push.default_branch.as_deref();
    match default_branch {
        Some(name) if is_other_branch(push.ref_name.as_deref(), default_branch) => {
            format!("the default branch, {name}, is not in this clone")
        }
        _ => "there is no default branch to compare it with".to_owned(),
    }
}

/// The commits of a ref that the default branch lacks. Commits of other branches are not excluded: a clone does not show
/// which branches were scanned, and if two branches are pushed together, each run would leave their common commits to the
/// other.
fn beyond_default_branch(push: &PushEvent, why: &str, repo: &Repository) -> ResolvedScope {
    let after = push.after.as_str();
    let Some((name, id)) = default_branch_tip(push.ref_name.as_deref(), push.default_branch.as_deref(), repo)
    else {
        return ResolvedScope {
            target: ScanTarget::Range(vec![after.to_owned()]),
            range: after.to_owned(),
            why: format!("{why}, and {}, so its whole history", missing_default_branch(push)),
        };
    };
    between(
        &id,
        after,
        format!("{why}: everything that the default branch, {name}, lacks, even if other branches have it"),
    )
}
