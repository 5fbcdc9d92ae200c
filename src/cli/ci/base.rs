//! Selects the policy base of a CI event: the commit whose configuration decides how a change is scanned. It must not be
//! part of the change.

use super::known_refs::{USUAL_DEFAULT_BRANCHES, default_branch_tip, is_in_clone, is_other_branch};
use super::scope::{CiPlan, CiRun, PushEvent, Scope};
use crate::cli::policy_base::PolicyBase;
use crate::git::{Repository, commit_id, unresolved_reason};

/// The policy base for the event of `plan`.
pub(in crate::cli) fn policy_base(plan: &CiPlan, repo: &Repository) -> PolicyBase {
    let event = &plan.event;
    match &plan.scope {
        Scope::Between { base, .. } => {
            base_or_unknown(&base.revision(), format!("the base of the change ({event})"), plan, repo)
        }
        Scope::Push(push) => policy_base_for_push(push, plan, repo),
        Scope::Nothing | Scope::Whole => {
            plan.run.as_ref().map_or(PolicyBase::Checkout, |run| policy_base_for_run(run, plan, repo))
        }
    }
}

/// The policy base for a push. For the default branch, its previous commit. For another branch, the default branch as it
/// is now: if it were the previous commit, someone could add a policy with one push that applies to the next.
fn policy_base_for_push(push: &PushEvent, plan: &CiPlan, repo: &Repository) -> PolicyBase {
    let default_branch = push.default_branch.as_deref();
    let tip = default_branch_tip(push.ref_name.as_deref(), default_branch, repo);
    let before = push.before.as_deref().filter(|before| is_in_clone(repo, before));
    match (tip, before) {
        (Some((name, id)), _) => default_branch_at(&name, id),
        (None, _) if is_other_branch(push.ref_name.as_deref(), default_branch) => PolicyBase::Unknown(format!(
            "the default branch, {}, is not in this clone; `git fetch origin {0}:refs/remotes/origin/{0}` fetches it",
            default_branch.unwrap_or_default()
        )),
        (None, Some(_)) if default_branch.is_none() && !has_usual_name(push.ref_name.as_deref()) => PolicyBase::Unknown(
            "it is not known which branch is the default one, and this one is not called main or master; fetch the \
             default branch to refs/remotes/origin/, or name a commit to trust with `--policy-from REV`"
                .to_owned(),
        ),
        (None, Some(_)) if push.ref_name.is_none() => PolicyBase::Unknown(
            "it is not known which branch was pushed to; name a commit to trust with `--policy-from REV`".to_owned(),
        ),
        (None, Some(before)) => {
            PolicyBase::Rev { rev: before.to_owned(), description: format!("the commit before the {}", plan.event) }
        }
        (None, None) => PolicyBase::Unknown(match &push.before {
            Some(before) => format!("{}: {before}, the commit before, is not in this clone", plan.event),
            None => format!("{}: there was no commit before", plan.event),
        }),
    }
}

/// Whether the ref `name` is a branch called main or master.
fn has_usual_name(name: Option<&str>) -> bool {
    name.and_then(|name| name.strip_prefix("refs/heads/"))
        .is_some_and(|name| USUAL_DEFAULT_BRANCHES.contains(&name))
}

/// The policy base for an event without a range of commits, which may run for any branch.
fn policy_base_for_run(run: &CiRun, plan: &CiPlan, repo: &Repository) -> PolicyBase {
    if let Some(base) = &run.base {
        return base_or_unknown(base, format!("the base of the pull request ({})", plan.event), plan, repo);
    }
    // If the ref of the run is unknown, as for tags in some systems, the default branch decides, unlike for a push: the empty name
    // is that of no branch.
    let changed_ref = Some(run.ref_name.as_deref().unwrap_or_default());
    if let Some((name, id)) = default_branch_tip(changed_ref, run.default_branch.as_deref(), repo) {
        return default_branch_at(&name, id);
    }
    if !is_for_default_branch(run) {
        return PolicyBase::Unknown(format!("{}: the default branch is not in this clone", plan.event));
    }
    if run.may_be_push {
        return PolicyBase::Unknown(format!(
            "{}: the previous commit of the branch is unknown, and a push must not supply the policy for itself; `--policy-from REV` names \
             a commit to trust, `--policy-from checkout` trusts what was pushed",
            plan.event
        ));
    }
    // Never the work tree, which may contain the files of a pull request.
    let id = run.commit.clone().or_else(|| commit_id(repo, "HEAD"));
    match id {
        Some(id) => base_or_unknown(&id, format!("the default branch, {}", plan.event), plan, repo),
        None => PolicyBase::Unknown(format!("{}: HEAD does not point to a commit", plan.event)),
    }
}

/// Whether the run is for the default branch or, if that is unknown, for a branch called main or master.
fn is_for_default_branch(run: &CiRun) -> bool {
    let branch = run.ref_name.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
    branch.is_some_and(|name| match &run.default_branch {
        Some(default) => default == name,
        None => USUAL_DEFAULT_BRANCHES.contains(&name),
    })
}

/// The default branch `name`, at the commit `id`.
fn default_branch_at(name: &str, id: String) -> PolicyBase {
    PolicyBase::Rev { rev: id, description: format!("the default branch, {name}") }
}

/// The commit `rev`, which is described by `description`, if the clone has it.
fn base_or_unknown(rev: &str, description: String, plan: &CiPlan, repo: &Repository) -> PolicyBase {
    if is_in_clone(repo, rev) {
        return PolicyBase::Rev { rev: rev.to_owned(), description };
    }
    if let Some(reason) = unresolved_reason(repo, rev) {
        return PolicyBase::Unknown(format!("{rev}, {description}, cannot be resolved: {reason}"));
    }
    let remedy = plan.fetch_all_hint.map_or_else(String::new, |fetch_all_hint| format!("; {fetch_all_hint}"));
    PolicyBase::Unknown(format!("{rev}, {description}, is not in this clone{remedy}"))
}
