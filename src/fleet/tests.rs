//! Unit tests of plans, shards and results.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::model::{
    FleetPlan, FleetReport, FleetResult, PLAN_SCHEMA, PlannedRepository, REPORT_SCHEMA, RESULT_SCHEMA,
    RepositoryKind, RepositoryState, Status, Surface,
};

fn planned(path: &str, bytes: u64) -> PlannedRepository {
    PlannedRepository {
        path: path.to_owned(),
        path_bytes: None,
        kind: RepositoryKind::Bare,
        bytes,
        alternates: Vec::new(),
        work_trees: Vec::new(),
    }
}

fn plan(sizes: &[u64]) -> FleetPlan {
    let repositories =
        sizes.iter().enumerate().map(|(at, bytes)| planned(&format!("/r/{at:04}"), *bytes)).collect();
    let mut plan = FleetPlan {
        schema: PLAN_SCHEMA.to_owned(),
        id: String::new(),
        roots: vec!["/r".to_owned()],
        repositories,
        skipped: Vec::new(),
        ignored: Vec::new(),
        notes: Vec::new(),
    };
    plan.id = plan_id(&plan);
    plan
}

fn result(plan: &FleetPlan, at: usize, leaks: &[(&str, &str)]) -> FleetResult {
    let repository = plan.repositories[at].path.clone();
    let leak = |(fingerprint, status): &(&str, &str)| {
        json!({"fingerprint": fingerprint, "redacted": "sk-…", "rule": "r", "kind": "k", "confidence": "high",
            "severity": "high", "evidence": [], "length": 50, "status": status, "exposed_seconds": null,
            "findings": [{"path": "f", "suppressed": null}]})
    };
    let leaks: Vec<_> = leaks.iter().map(leak).collect();
    let status = if leaks.is_empty() { "clean" } else { "findings" };
    let coverage =
        json!({"commits": 1, "blobs": 2, "bytes": 3, "refs": 1, "surfaces": ["blob"], "skipped": []});
    FleetResult {
        schema: RESULT_SCHEMA.to_owned(),
        plan: plan.id.clone(),
        repository,
        path_bytes: None,
        settings: "s".to_owned(),
        state: None,
        failure: None,
        report: Some(json!({"schema": REPORT_SCHEMA, "command": "history", "status": status, "leaks": leaks,
            "coverage": coverage, "tool": {"rules": "x"}})),
        sarif_run: None,
    }
}

fn merge(plan: &FleetPlan, loaded: Vec<LoadedResults>) -> FleetReport {
    super::merge(plan, loaded, &[Surface::Blob])
}

fn loaded(plan: &FleetPlan, results: Vec<FleetResult>) -> LoadedResults {
    let results = results.into_iter().map(|result| (result_name(&result.key()), Ok(result))).collect();
    LoadedResults { name: "dir".to_owned(), plan: plan.clone(), results }
}

#[test]
fn shards_are_balanced_and_cover_the_plan_once() {
    let sizes: Vec<u64> = (0..997).map(|n: u64| (n * 7919 % 1009) << (n % 17)).collect();
    let plan = plan(&sizes);
    let weigh = |own: &[usize]| own.iter().map(|&at| plan.repositories[at].weight()).sum::<u64>();
    for count in [1, 2, 3, 16] {
        let shards: Vec<_> =
            (1..=count).map(|number| shard_of(&plan, Shard::new(number, count).unwrap())).collect();
        let mut all: Vec<usize> = shards.concat();
        all.sort_unstable();
        assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
        let largest = plan.repositories.iter().map(PlannedRepository::weight).max().unwrap();
        let loads: Vec<u64> = shards.iter().map(|own| weigh(own)).collect();
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= largest, "{loads:?}");
        for own in shards {
            let weights: Vec<_> = own.iter().map(|&at| plan.repositories[at].weight()).collect();
            assert!(weights.is_sorted_by(|a, b| a >= b), "largest first");
        }
    }
}

#[test]
fn shards_are_read_as_people_write_them() {
    assert_eq!("2/4".parse(), Ok(Shard { number: 2, count: 4 }));
    for wrong in ["", "1", "0/4", "5/4", "1/0", "a/b", "1/2/3", "1/1000000"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

#[test]
fn a_plan_that_was_changed_is_refused() {
    let plan = plan(&[1, 2]);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(parse_plan(text.as_bytes()).unwrap(), plan);
    assert!(matches!(parse_plan(text.replace("0001", "0002").as_bytes()), Err(PlanError::Changed)));
    assert!(matches!(parse_plan(&text.as_bytes()[1..]), Err(PlanError::NotAPlan)));
    let mut twice = plan;
    twice.repositories.push(twice.repositories[0].clone());
    twice.id = plan_id(&twice);
    assert!(matches!(parse_plan(&serde_json::to_vec(&twice).unwrap()), Err(PlanError::Invalid(_))));
}

#[test]
fn a_key_is_one_leak_however_many_repositories_hold_it() {
    let plan = plan(&[1, 2, 3]);
    let results = vec![
        result(&plan, 0, &[("aa", "removed")]),
        result(&plan, 1, &[("aa", "present"), ("bb", "present")]),
        result(&plan, 2, &[]),
    ];
    let report = merge(&plan, vec![loaded(&plan, results)]);
    assert_eq!(report.status(), Status::Findings);
    assert_eq!(report.problems, []);
    let leaks: Vec<_> =
        report.leaks.iter().map(|leak| (&*leak.fingerprint, leak.repositories.len())).collect();
    assert_eq!(leaks, [("aa", 2), ("bb", 1)]);
    assert_eq!(report.leaks[0].status, "present");
    assert_eq!(report.repositories[2].state, RepositoryState::Clean);
    assert_eq!(report.coverage.commits, 3);
}

#[test]
fn results_must_cover_the_plan() {
    let plan = plan(&[1, 2]);
    let clean = || vec![result(&plan, 0, &[]), result(&plan, 1, &[])];
    let whole = merge(&plan, vec![loaded(&plan, clean())]);
    assert_eq!(whole.status(), Status::Clean);
    let problem = |dirs: Vec<LoadedResults>, text: &str| {
        let report = merge(&plan, dirs);
        assert_eq!(report.status(), Status::Incomplete, "{text}");
        assert!(report.problems.iter().any(|one| one.reason.contains(text)), "{text}: {:?}", report.problems);
    };
    problem(vec![loaded(&plan, vec![result(&plan, 0, &[])])], "no result");
    problem(vec![loaded(&plan, clean()), loaded(&plan, clean())], "more than once");
    let mut older = clean();
    older[0].plan = "older".to_owned();
    problem(vec![loaded(&plan, older)], "another plan");
    let mut failed = clean();
    failed[1].failure = Some("it is gone".to_owned());
    failed[1].report = None;
    problem(vec![loaded(&plan, failed)], "it is gone");
    let mut other = clean();
    other[1].settings = "t".to_owned();
    problem(vec![loaded(&plan, other)], "different versions, rules or options");
    let mut damaged = loaded(&plan, clean());
    damaged.results[0].1 = Err("it is damaged".to_owned());
    problem(vec![damaged], "it is damaged");
    let mut gaps = clean();
    gaps[0].report.as_mut().unwrap()["coverage"]["skipped"] =
        json!([{"what": "object x", "reason": "broken"}]);
    problem(vec![loaded(&plan, gaps)], "object x: broken");
    let mut plan_with_gap = plan.clone();
    plan_with_gap.skipped.push(crate::model::Skip::new("/r/closed", "cannot be read"));
    plan_with_gap.id = plan_id(&plan_with_gap);
    let report = merge(&plan_with_gap, vec![loaded(&plan, clean())]);
    assert!(report.problems.iter().any(|one| one.what == "/r/closed"));
    assert!(report.problems.iter().any(|one| one.reason.contains("its plan differs")));
}

/// Whatever the order of the directories: a key that one of two results found is found.
#[test]
fn a_second_result_hides_no_key() {
    let plan = plan(&[1]);
    let (clean, found) = (|| vec![result(&plan, 0, &[])], || vec![result(&plan, 0, &[("aa", "removed")])]);
    for results in [[clean(), found()], [found(), clean()], [found(), found()]] {
        let report = merge(&plan, results.map(|results| loaded(&plan, results)).into());
        assert_eq!(report.status(), Status::Findings);
        let repositories: Vec<_> = report.leaks.iter().map(|leak| leak.repositories.len()).collect();
        assert_eq!(repositories, [1]);
        assert!(report.problems.iter().any(|one| one.reason.contains("more than once")));
    }
}

#[test]
fn the_worst_of_several_results_counts() {
    let plan = plan(&[1]);
    let mut failed = result(&plan, 0, &[]);
    (failed.failure, failed.report) = (Some("it is locked".to_owned()), None);
    for results in [[result(&plan, 0, &[]), failed.clone()], [failed, result(&plan, 0, &[])]] {
        let report = merge(&plan, results.map(|result| loaded(&plan, vec![result])).into());
        assert_eq!(report.repositories[0].state, RepositoryState::Failed);
        assert!(report.problems.iter().any(|one| one.reason.contains("it is locked")));
    }
}

#[test]
fn a_result_without_coverage_is_not_clean() {
    let plan = plan(&[1]);
    let changes = [
        ("", json!(5)),
        ("/coverage", json!(null)),
        ("/coverage/surfaces", json!([])),
        ("/coverage/surfaces", json!(["index"])),
        ("/coverage/bytes", json!("many")),
        ("/command", json!("scan")),
        ("/status", json!("weird")),
        ("/schema", json!("friskey/report/v9")),
    ];
    for (place, value) in changes {
        let mut changed = result(&plan, 0, &[]);
        *changed.report.as_mut().unwrap().pointer_mut(place).unwrap() = value;
        assert!(defect(&changed, &[Surface::Blob]).is_some(), "{place}");
        let report = merge(&plan, vec![loaded(&plan, vec![changed])]);
        assert_eq!(report.status(), Status::Incomplete, "{place}");
        assert!(report.problems[0].reason.contains("is not reliable"), "{place}: {:?}", report.problems);
    }
    // A surface that was left out is reported as ignored.
    let mut narrowed = result(&plan, 0, &[]);
    let coverage = &mut narrowed.report.as_mut().unwrap()["coverage"];
    coverage["surfaces"] = json!([]);
    coverage["ignored"] =
        json!([{"kind": "surface", "what": "blob", "by": "a", "include_with": "--surfaces"}]);
    let report = merge(&plan, vec![loaded(&plan, vec![narrowed])]);
    assert_eq!((report.status(), report.ignored.len()), (Status::Clean, 1));
    // It has no effect on a reliable result.
    let mut odd = result(&plan, 0, &[]);
    odd.report = Some(json!([]));
    let found = result(&plan, 0, &[("aa", "present")]);
    let report = merge(&plan, vec![loaded(&plan, vec![odd]), loaded(&plan, vec![found])]);
    assert_eq!(report.repositories[0].state, RepositoryState::Findings);
    // A key that such a result names is found, whatever its status says.
    let mut dubious = result(&plan, 0, &[("aa", "present")]);
    dubious.report.as_mut().unwrap()["status"] = json!("clean");
    let report = merge(&plan, vec![loaded(&plan, vec![dubious])]);
    assert_eq!(report.repositories[0].state, RepositoryState::Findings);
    assert_eq!((report.status(), report.problems.len()), (Status::Findings, 1));
}

#[test]
fn accepted_places_say_nothing_about_how_exposed_a_key_is() {
    let plan = plan(&[1, 2]);
    let accept = |mut result: FleetResult| {
        let report = result.report.as_mut().unwrap();
        report["leaks"][0]["findings"][0]["suppressed"] = json!({"by": "inline"});
        report["status"] = json!("clean");
        result
    };
    let (here, gone) = ([("aa", "present")], [("aa", "removed")]);
    // Whichever comes first.
    for (accepted, open) in [(0, 1), (1, 0)] {
        let results = vec![accept(result(&plan, accepted, &here)), result(&plan, open, &gone)];
        let report = merge(&plan, vec![loaded(&plan, results)]);
        assert_eq!((&*report.leaks[0].status, report.leaks[0].open_repositories().count()), ("removed", 1));
        assert_eq!(report.repositories[accepted].state, RepositoryState::Clean);
    }
    let all = (0..2).map(|at| accept(result(&plan, at, &here))).collect();
    let report = merge(&plan, vec![loaded(&plan, all)]);
    assert_eq!((report.status(), report.open_leaks().count()), (Status::Clean, 0));
    assert_eq!(report.leaks[0].status, "present");
}

/// Paths that are not UTF-8 can read alike.
#[test]
fn repositories_whose_paths_read_alike_have_results_of_their_own() {
    let mut plan = plan(&[1, 2]);
    for (one, bytes) in plan.repositories.iter_mut().zip(["2f72ff", "2f72fe"]) {
        (one.path, one.path_bytes) = ("/r\u{fffd}".to_owned(), Some(bytes.to_owned()));
    }
    plan.id = plan_id(&plan);
    let own = |at: usize, leaks: &[(&str, &str)]| FleetResult {
        path_bytes: plan.repositories[at].path_bytes.clone(),
        ..result(&plan, at, leaks)
    };
    let (first, second) = (own(0, &[("aa", "present")]), own(1, &[]));
    assert_ne!(result_name(&first.key()), result_name(&second.key()));
    let report = merge(&plan, vec![loaded(&plan, vec![first, second])]);
    assert_eq!((report.status(), report.problems.len(), report.leaks.len()), (Status::Findings, 0, 1));
    let states: Vec<_> = report.repositories.iter().map(|one| one.state).collect();
    assert_eq!(states, [RepositoryState::Findings, RepositoryState::Clean]);
}

/// A fleet with an empty plan, for example of a directory that was not mounted, is not clean.
#[test]
fn an_empty_plan_is_not_clean() {
    let plan = plan(&[]);
    let report = merge(&plan, vec![loaded(&plan, Vec::new())]);
    assert_eq!((report.status(), report.problems.len()), (Status::Incomplete, 1));
}

#[test]
fn what_was_left_out_is_in_the_report() {
    let mut plan = plan(&[1, 2]);
    plan.ignored.push(crate::model::Skip::new("/r/link", "a link to a directory elsewhere"));
    plan.id = plan_id(&plan);
    let mut results = vec![result(&plan, 0, &[]), result(&plan, 1, &[])];
    for one in &mut results {
        let own = one.report.as_mut().unwrap();
        own["started"] = json!("2030-01-02T03:04:05Z");
        own["coverage"]["ignored"] =
            json!([{"kind": "surface", "what": "blob", "by": "--surfaces", "include_with": "--surfaces"}]);
    }
    let report = merge(&plan, vec![loaded(&plan, results)]);
    let left_out: Vec<_> = report.ignored.iter().map(|one| (&*one.what, one.repositories)).collect();
    assert_eq!(left_out, [("blob", 2), ("/r/link", 0)]);
    assert_eq!(report.started(), Some(("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z")));
    assert!(!report.coverage.has_more_ignored);
}

/// A report names a limited number of things, and says that there are more.
#[test]
fn ignored_things_beyond_the_limit_are_reported_as_more() {
    let plan = plan(&[1, 2]);
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut results = vec![result(&plan, 0, &[]), result(&plan, 1, &[])];
        results.iter_mut().for_each(|one| change(&mut one.report.as_mut().unwrap()["coverage"]));
        merge(&plan, vec![loaded(&plan, results)])
    };
    let paths = |count: usize| -> Vec<_> {
        (0..count)
            .map(|n| json!({"kind": "path", "what": format!("{n}"), "by": "x", "include_with": ""}))
            .collect()
    };
    for (named, total, is_more) in [(1000, 1000, false), (1001, 1001, true), (3, 4, true)] {
        let report = with(&|coverage| {
            coverage["ignored"] = json!(paths(named));
            coverage["ignored_total"] = json!(total);
        });
        assert_eq!((report.ignored.len(), report.coverage.has_more_ignored), (named.min(1000), is_more));
    }
}

#[test]
fn audits_are_grouped_by_their_command_line() {
    let plan = plan(&[1, 2, 3]);
    let made = |at: usize, shard: &str, day: u8| {
        let mut result = result(&plan, at, &[]);
        let report = result.report.as_mut().unwrap();
        report["started"] = json!(format!("2030-01-{day:02}T03:04:05Z"));
        report["command_line"] = json!(["friskey", "fleet", "audit", "--shard", shard]);
        report["tool"]["version"] = json!("1.0");
        result
    };
    let results = vec![made(0, "1/2", 2), made(1, "2/2", 3), made(2, "1/2", 1)];
    let report = merge(&plan, vec![loaded(&plan, results)]);
    let audits: Vec<_> = report
        .audits
        .iter()
        .map(|run| (&*run.command_line[4], run.repositories, &*run.first_started))
        .collect();
    assert_eq!(audits, [("1/2", 2, "2030-01-01T03:04:05Z"), ("2/2", 1, "2030-01-03T03:04:05Z")]);
    assert_eq!(report.audits[0].last_started, "2030-01-02T03:04:05Z");
}

/// What can be read at the tip of a branch comes before what was removed, whatever the confidence.
#[test]
fn the_most_urgent_leak_comes_first() {
    let plan = plan(&[1]);
    let mut only = result(&plan, 0, &[("aa", "removed"), ("bb", "present"), ("cc", "present")]);
    let leaks = &mut only.report.as_mut().unwrap()["leaks"];
    (leaks[1]["confidence"], leaks[1]["severity"]) = (json!("medium"), json!("medium"));
    let report = merge(&plan, vec![loaded(&plan, vec![only])]);
    let order: Vec<_> = report.leaks.iter().map(|leak| (&*leak.fingerprint, &*leak.severity)).collect();
    assert_eq!(order, [("cc", "high"), ("bb", "medium"), ("aa", "high")]);
}

#[cfg(unix)]
#[test]
fn results_are_private_and_whole() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let (path, plan) = (scratch.path().join("a/state"), plan(&[1, 2]));
    let dir = ResultsDir::create(&path, &plan).unwrap();
    dir.store(&result(&plan, 0, &[])).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    assert_eq!(dir.plan().unwrap(), plan);
    assert!(dir.result("/r/0000").unwrap().is_ok());
    assert!(dir.result("/r/0001").is_none());
    // What a killed run leaves, of this shard and of another; and the result of a repository that is gone.
    let file = |name: &str| path.join(name);
    let own = format!(".{}-AbCdEf.tmp", result_name("/r/0000").trim_end_matches(".json"));
    let other = format!(".{}-AbCdEf.tmp", result_name("/r/0001").trim_end_matches(".json"));
    let gone = result_name("/r/gone");
    for name in [&own, &other, &gone] {
        fs::write(file(name), "{").unwrap();
    }
    dir.tidy(&plan, &["/r/0000".to_owned()]).unwrap();
    assert!(!file(&own).exists() && file(&other).exists() && !file(&gone).exists());
    fs::write(file(&result_name("/r/0000")), "{\"schema\":").unwrap();
    assert!(dir.result("/r/0000").unwrap().is_err());
}
