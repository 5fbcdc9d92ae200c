//! CI systems that describe events in environment variables. If a system does not report the previous commit, the whole
//! history is scanned.

use anyhow::Result;

use super::scope::{CiPlan, CiRun, PushEvent, Rev, Scope, Variables};
use crate::git::{is_id, is_zero_id};

/// A CI system, and how to learn from its variables what a run is for.
struct CiSystem {
    /// A variable that only this system sets.
    identifying_variable: &'static str,
    name: &'static str,
    /// Determines what to scan, and the kind of event for the report.
    scope: fn(&Variables<'_>) -> Result<(Scope, &'static str)>,
    /// The variable with the branch of the run.
    branch_variable: &'static str,
    /// The variable with the default branch; empty if the system has none.
    default_branch_variable: &'static str,
    /// The variable with the trigger of the run, and those of its values that no push can cause. Anyone who may push
    /// can cause the other values.
    trigger: (&'static str, &'static [&'static str]),
    fetch_all_hint: &'static str,
}

/// For a system that does not report the trigger.
const UNKNOWN_TRIGGER: (&str, &[&str]) = ("", &[]);

const SYSTEMS: &[CiSystem] = &[
    CiSystem {
        identifying_variable: "GITLAB_CI",
        name: "GitLab",
        scope: gitlab,
        branch_variable: "CI_COMMIT_BRANCH",
        default_branch_variable: "CI_DEFAULT_BRANCH",
        trigger: ("CI_PIPELINE_SOURCE", &["schedule", "web"]),
        fetch_all_hint: "set the variable `GIT_DEPTH: 0`",
    },
    CiSystem {
        identifying_variable: "BITBUCKET_BUILD_NUMBER",
        name: "Bitbucket",
        scope: bitbucket,
        branch_variable: "BITBUCKET_BRANCH",
        default_branch_variable: "",
        trigger: UNKNOWN_TRIGGER,
        fetch_all_hint: "set `clone: depth: full`",
    },
    CiSystem {
        identifying_variable: "TF_BUILD",
        name: "Azure",
        scope: azure,
        branch_variable: "BUILD_SOURCEBRANCH",
        default_branch_variable: "",
        trigger: ("BUILD_REASON", &["Schedule", "Manual"]),
        fetch_all_hint: "set `fetchDepth: 0` at `checkout`",
    },
    CiSystem {
        identifying_variable: "JENKINS_URL",
        name: "Jenkins",
        scope: jenkins,
        branch_variable: "BRANCH_NAME",
        default_branch_variable: "",
        trigger: UNKNOWN_TRIGGER,
        fetch_all_hint: "disable the shallow clone in the job's checkout",
    },
    CiSystem {
        identifying_variable: "CIRCLECI",
        name: "CircleCI",
        scope: |_| Ok((Scope::Whole, "build")),
        branch_variable: "CIRCLE_BRANCH",
        default_branch_variable: "",
        trigger: UNKNOWN_TRIGGER,
        fetch_all_hint: "use `checkout` with `method: full`",
    },
    CiSystem {
        identifying_variable: "BUILDKITE",
        name: "Buildkite",
        scope: buildkite,
        branch_variable: "BUILDKITE_BRANCH",
        default_branch_variable: "BUILDKITE_PIPELINE_DEFAULT_BRANCH",
        trigger: ("BUILDKITE_SOURCE", &["schedule", "ui"]),
        fetch_all_hint: "remove `--depth` from BUILDKITE_GIT_CLONE_FLAGS and BUILDKITE_GIT_FETCH_FLAGS",
    },
];

/// The plan, if one of these systems is running.
///
/// # Errors
/// Its variables are invalid.
pub(super) fn plan(variables: &Variables<'_>) -> Result<Option<CiPlan>> {
    let Some(system) = SYSTEMS.iter().find(|system| variables.is_set(system.identifying_variable)) else {
        return Ok(None);
    };
    let (scope, event) = (system.scope)(variables)?;
    let event = format!("{} {event}", system.name);
    let (trigger, triggers_without_push) = system.trigger;
    let may_be_push =
        variables.get(trigger).is_none_or(|value| !triggers_without_push.contains(&value.as_str()));
    let run = CiRun {
        may_be_push,
        ..CiRun::for_branch(
            variables.get(system.branch_variable),
            variables.get(system.default_branch_variable),
        )
    };
    Ok(Some(CiPlan {
        scope,
        event,
        fetch_all_hint: Some(system.fetch_all_hint),
        is_run_on_changed_ref: true,
        run: Some(run),
    }))
}

fn gitlab(variables: &Variables<'_>) -> Result<(Scope, &'static str)> {
    let commit = variables.required_id("CI_COMMIT_SHA")?;
    if let Some(base) = variables.id("CI_MERGE_REQUEST_DIFF_BASE_SHA")? {
        // A pipeline for merged results runs on a merge with the current target branch.
        let head = variables.id("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")?.filter(|id| !is_zero_id(id));
        let (base, head) = (Rev::Id(base), Rev::Id(head.unwrap_or(commit)));
        return Ok((Scope::Between { base, head }, "merge request"));
    }
    if variables.get("CI_PIPELINE_SOURCE").as_deref() != Some("push") {
        return Ok((Scope::Whole, "pipeline not started by a push"));
    }
    let branch = variables.get("CI_COMMIT_BRANCH").map(|name| format!("refs/heads/{name}"));
    let tag = || variables.get("CI_COMMIT_TAG").map(|name| format!("refs/tags/{name}"));
    let push = PushEvent {
        before: variables.id("CI_COMMIT_BEFORE_SHA")?.filter(|before| !is_zero_id(before)),
        after: commit,
        ref_name: branch.or_else(tag),
        default_branch: variables.get("CI_DEFAULT_BRANCH"),
    };
    Ok((Scope::Push(push), "push"))
}

fn bitbucket(variables: &Variables<'_>) -> Result<(Scope, &'static str)> {
    let Some(name) = variables.get("BITBUCKET_PR_DESTINATION_BRANCH") else {
        return Ok((Scope::Whole, "build of a branch or tag"));
    };
    // Bitbucket abbreviates the commit, so usually only the branch is known.
    let base = variables.get("BITBUCKET_PR_DESTINATION_COMMIT").filter(|id| is_id(id));
    let base = base.map_or(Rev::Branch(name), Rev::Id);
    let head = Rev::Id(variables.required_id("BITBUCKET_COMMIT")?);
    Ok((Scope::Between { base, head }, "pull request"))
}

fn azure(variables: &Variables<'_>) -> Result<(Scope, &'static str)> {
    let Some(target) = variables.get("SYSTEM_PULLREQUEST_TARGETBRANCH") else {
        return Ok((Scope::Whole, "build of a branch or tag"));
    };
    let target = target.strip_prefix("refs/heads/").map_or(target.clone(), str::to_owned);
    let head = match variables.id("SYSTEM_PULLREQUEST_SOURCECOMMITID")? {
        Some(head) => head,
        None => variables.required_id("BUILD_SOURCEVERSION")?,
    };
    Ok((Scope::Between { base: Rev::Branch(target), head: Rev::Id(head) }, "pull request"))
}

fn jenkins(variables: &Variables<'_>) -> Result<(Scope, &'static str)> {
    let head = match variables.id("GIT_COMMIT")? {
        Some(id) => Rev::Id(id),
        // Only some ways to check out set GIT_COMMIT.
        None => Rev::User("HEAD".to_owned()),
    };
    if let Some(target) = variables.get("CHANGE_TARGET") {
        return Ok((Scope::Between { base: Rev::Branch(target), head }, "change request"));
    }
    // Scans what is new since the last successful build: commits of a failed or aborted build are not known to be clean.
    match variables.id("GIT_PREVIOUS_SUCCESSFUL_COMMIT")? {
        Some(before) => {
            // A job that is not multibranch sets only GIT_BRANCH, e.g. to `origin/main`.
            let name =
                ["BRANCH_NAME", "GIT_LOCAL_BRANCH", "GIT_BRANCH"].iter().find_map(|name| variables.get(name));
            let ref_name =
                name.map(|name| format!("refs/heads/{}", name.strip_prefix("origin/").unwrap_or(&name)));
            let push =
                PushEvent { before: Some(before), after: head.revision(), ref_name, default_branch: None };
            Ok((Scope::Push(push), "build with an earlier successful one"))
        }
        None => Ok((Scope::Whole, "build without an earlier successful one")),
    }
}

fn buildkite(variables: &Variables<'_>) -> Result<(Scope, &'static str)> {
    let is_request = variables.get("BUILDKITE_PULL_REQUEST").is_some_and(|number| number != "false");
    let base = variables.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH");
    let (true, Some(base)) = (is_request, base) else {
        return Ok((Scope::Whole, "build of a branch or tag"));
    };
    let head = match variables.get("BUILDKITE_COMMIT").filter(|id| is_id(id)) {
        Some(id) => Rev::Id(id),
        None => Rev::User("HEAD".to_owned()),
    };
    Ok((Scope::Between { base: Rev::Branch(base), head }, "pull request"))
}
