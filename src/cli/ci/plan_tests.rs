//! Tests of [`plan`]: which scope follows from the variables and the payload of each CI system.

use serde_json::json;

use super::plan::plan;
use super::scope::{CiPlan, PushEvent, Rev, Scope, Variables};

fn id(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn plan_for(
    variables: &[(&str, &str)],
    payload: serde_json::Value,
    range: [Option<&str>; 2],
) -> anyhow::Result<CiPlan> {
    let find = |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    };
    plan(&Variables(&find), || Ok(payload), range[0], range[1])
}

fn github(event: &str, payload: serde_json::Value) -> anyhow::Result<CiPlan> {
    plan_for(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", event)], payload, [None, None])
}

fn scope(variables: &[(&str, &str)]) -> Scope {
    plan_for(variables, json!({}), [None, None]).unwrap().scope
}

fn between(base: Rev, head: &str) -> Scope {
    Scope::Between { base, head: Rev::Id(head.to_owned()) }
}

#[test]
fn a_github_push_scans_from_the_previous_to_the_new_commit() {
    let payload = |before: &str, after: &str| {
        json!({"before": before, "after": after, "ref": "refs/heads/x", "forced": true, "deleted": false,
               "commits": [{"id": id('f')}], "repository": {"default_branch": "main"}})
    };
    let push = |before| {
        Scope::Push(PushEvent {
            before,
            after: id('b'),
            ref_name: Some("refs/heads/x".to_owned()),
            default_branch: Some("main".to_owned()),
        })
    };
    let scope_of_push = |before: &str, after: &str| github("push", payload(before, after)).unwrap().scope;
    assert_eq!(scope_of_push(&id('a'), &id('b')), push(Some(id('a'))));
    assert_eq!(scope_of_push(&id('0'), &id('b')), push(None));
    assert_eq!(scope_of_push(&id('a'), &id('0')), Scope::Nothing);
    let deleted = json!({"before": id('a'), "after": id('0'), "deleted": true});
    assert_eq!(github("push", deleted).unwrap().scope, Scope::Nothing);
    for invalid in [json!({}), json!({"after": "--all", "before": id('a')}), json!({"after": id('a')})] {
        assert!(github("push", invalid).unwrap_err().to_string().contains("has no commit id at /"));
    }
}

#[test]
fn github_pull_requests_and_merge_groups_scan_a_range_and_other_events_the_whole_history() {
    let request =
        json!({"pull_request": {"base": {"sha": id('a')}, "head": {"sha": id('b'), "repo": {"fork": true}}}});
    for event in ["pull_request", "pull_request_target"] {
        assert_eq!(github(event, request.clone()).unwrap().scope, between(Rev::Id(id('a')), &id('b')));
    }
    let queue = json!({"merge_group": {"base_sha": id('a'), "head_sha": id('b')}});
    let queue = github("merge_group", queue).unwrap();
    assert_eq!((queue.scope, &*queue.event), (between(Rev::Id(id('a')), &id('b')), "GitHub merge_group"));
    for event in ["schedule", "workflow_dispatch", "release", "workflow_run", "issue_comment"] {
        assert_eq!(github(event, json!({})).unwrap().scope, Scope::Whole, "{event}");
    }
    assert_eq!(github("delete", json!({})).unwrap().scope, Scope::Nothing);
}

#[test]
fn gitlab_merge_requests_and_pushes_have_a_range_and_other_pipelines_none() {
    let (a, b, c, zero) = (id('a'), id('b'), id('c'), id('0'));
    let common = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", b.as_str()), ("CI_DEFAULT_BRANCH", "main")];
    let scope_with = |more: &[(&str, &str)]| scope(&[&common[..], more].concat());
    let request = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", a.as_str());
    assert_eq!(scope_with(&[request]), between(Rev::Id(id('a')), &b));
    assert_eq!(
        scope_with(&[request, ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &c)]),
        between(Rev::Id(id('a')), &c)
    );
    let push = |before, name: &str| {
        Scope::Push(PushEvent {
            before,
            after: id('b'),
            ref_name: Some(name.to_owned()),
            default_branch: Some("main".to_owned()),
        })
    };
    let source = ("CI_PIPELINE_SOURCE", "push");
    let branch = ("CI_COMMIT_BRANCH", "x");
    assert_eq!(
        scope_with(&[source, branch, ("CI_COMMIT_BEFORE_SHA", &a)]),
        push(Some(id('a')), "refs/heads/x")
    );
    assert_eq!(scope_with(&[source, branch, ("CI_COMMIT_BEFORE_SHA", &zero)]), push(None, "refs/heads/x"));
    assert_eq!(scope_with(&[source, ("CI_COMMIT_TAG", "v1")]), push(None, "refs/tags/v1"));
    assert_eq!(scope_with(&[("CI_PIPELINE_SOURCE", "schedule"), branch]), Scope::Whole);
}

#[test]
fn other_systems_report_the_base_branch_of_a_pull_request() {
    let (a, b) = (id('a'), id('b'));
    let branch = || Rev::Branch("main".to_owned());
    let bitbucket = [("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_COMMIT", b.as_str())];
    let request =
        [("BITBUCKET_PR_DESTINATION_BRANCH", "main"), ("BITBUCKET_PR_DESTINATION_COMMIT", "abc123")];
    assert_eq!(scope(&bitbucket), Scope::Whole);
    assert_eq!(scope(&[bitbucket, request].concat()), between(branch(), &b));
    let azure = [("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", a.as_str())];
    let request =
        [("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"), ("SYSTEM_PULLREQUEST_SOURCECOMMITID", &*b)];
    assert_eq!(scope(&azure), Scope::Whole);
    assert_eq!(scope(&[azure, request].concat()), between(branch(), &b));
    let jenkins = [("JENKINS_URL", "https://ci.example"), ("GIT_COMMIT", b.as_str())];
    assert_eq!(scope(&jenkins), Scope::Whole);
    assert_eq!(scope(&[&jenkins[..], &[("CHANGE_TARGET", "main")]].concat()), between(branch(), &b));
    let since = scope(&[&jenkins[..], &[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", a.as_str())]].concat());
    assert!(matches!(since, Scope::Push(PushEvent { before: Some(before), .. }) if before == a));
    assert_eq!(scope(&[("CIRCLECI", "true")]), Scope::Whole);
    let buildkite = [("BUILDKITE", "true"), ("BUILDKITE_COMMIT", b.as_str())];
    let request = [("BUILDKITE_PULL_REQUEST", "7"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main")];
    assert_eq!(scope(&[&buildkite[..], &[("BUILDKITE_PULL_REQUEST", "false")]].concat()), Scope::Whole);
    assert_eq!(scope(&[buildkite, request].concat()), between(branch(), &b));
    assert_eq!(scope(&[]), Scope::Whole);
}

#[test]
fn base_and_head_on_the_command_line_take_precedence() {
    let scope_of =
        |base, head| plan_for(&[("CIRCLECI", "true")], json!({}), [base, head]).map(|plan| plan.scope);
    let user_rev = |name: &str| Rev::User(name.to_owned());
    let range = Scope::Between { base: user_rev("origin/main"), head: user_rev("HEAD") };
    assert_eq!(scope_of(Some("origin/main"), None).unwrap(), range);
    for no_base in [Some(""), Some("0000000"), None] {
        let push = PushEvent { after: "x".to_owned(), ..PushEvent::default() };
        assert_eq!(scope_of(no_base, Some("x")).unwrap(), Scope::Push(push));
    }
    for invalid in ["--all", "^main", "a..b", "a b"] {
        assert!(
            scope_of(Some(invalid), None).is_err() && scope_of(None, Some(invalid)).is_err(),
            "{invalid}"
        );
    }
}
