//! Unit tests of plans, shards and results.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::model::{
    FleetPlan, FleetReport, FleetResult, PLAN_SCHEMA, PlannedRepository, REPORT_SCHEMA, RESULT_SCHEMA,
    RepositoryKind, RepositoryState, Status, Surface,
};

fn planned_repository(path: &str, bytes: u64) -> PlannedRepository {
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
    let repositories = sizes
        .iter()
        .enumerate()
        .map(|(position, bytes)| planned_repository(&format!("/r/{position:04}"), *bytes))
        .collect();
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

fn result(plan: &FleetPlan, position: usize, leaks: &[(&str, &str)]) -> FleetResult {
    let repository = plan.repositories[position].path.clone();
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

fn loaded_results(plan: &FleetPlan, results: Vec<FleetResult>) -> LoadedResults {
    let results = results.into_iter().map(|result| (result_name(&result.key()), Ok(result))).collect();
    LoadedResults { name: "dir".to_owned(), plan: plan.clone(), results }
}

#[test]
fn shards_are_balanced_and_cover_the_plan_once() {
    let sizes: Vec<u64> = (0..997).map(|n: u64| (n * 7919 % 1009) << (n % 17)).collect();
    let plan = plan(&sizes);
    let weigh = |positions: &[usize]| {
        positions.iter().map(|&position| plan.repositories[position].weight()).sum::<u64>()
    };
    for count in [1, 2, 3, 16] {
        let shards: Vec<_> =
            (1..=count).map(|number| shard_positions(&plan, Shard::new(number, count).unwrap())).collect();
        let mut positions: Vec<usize> = shards.concat();
        positions.sort_unstable();
        assert_eq!(positions, (0..sizes.len()).collect::<Vec<_>>());
        let largest = plan.repositories.iter().map(PlannedRepository::weight).max().unwrap();
        let loads: Vec<u64> = shards.iter().map(|positions| weigh(positions)).collect();
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= largest, "{loads:?}");
        for positions in shards {
            let weights: Vec<_> =
                positions.iter().map(|&position| plan.repositories[position].weight()).collect();
            assert!(weights.is_sorted_by(|a, b| a >= b), "largest first");
        }
    }
}

#[test]
fn shards_are_parsed_from_number_and_count() {
    assert_eq!("2/4".parse(), Ok(Shard { number: 2, count: 4 }));
    for invalid in ["", "1", "0/4", "5/4", "1/0", "a/b", "1/2/3", "1/1000000"] {
        assert!(invalid.parse::<Shard>().is_err(), "{invalid}");
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
fn a_key_is_one_leak_however_many_repositories_contain_it() {
    let plan = plan(&[1, 2, 3]);
    let results = vec![
        result(&plan, 0, &[("aa", "removed")]),
        result(&plan, 1, &[("aa", "present"), ("bb", "present")]),
        result(&plan, 2, &[]),
    ];
    let report = merge(&plan, vec![loaded_results(&plan, results)]);
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
    let whole = merge(&plan, vec![loaded_results(&plan, clean())]);
    assert_eq!(whole.status(), Status::Clean);
    let problem = |dirs: Vec<LoadedResults>, text: &str| {
        let report = merge(&plan, dirs);
        assert_eq!(report.status(), Status::Incomplete, "{text}");
        assert!(
            report.problems.iter().any(|problem| problem.reason.contains(text)),
            "{text}: {:?}",
            report.problems
        );
    };
    problem(vec![loaded_results(&plan, vec![result(&plan, 0, &[])])], "no result");
    problem(vec![loaded_results(&plan, clean()), loaded_results(&plan, clean())], "more than once");
    let mut older = clean();
    older[0].plan = "older".to_owned();
    problem(vec![loaded_results(&plan, older)], "another plan");
    let mut failed = clean();
    failed[1].failure = Some("it is gone".to_owned());
    failed[1].report = None;
    problem(vec![loaded_results(&plan, failed)], "it is gone");
    let mut other = clean();
    other[1].settings = "t".to_owned();
    problem(vec![loaded_results(&plan, other)], "different versions, rules or options");
    let mut damaged = loaded_results(&plan, clean());
    damaged.results[0].1 = Err("it is damaged".to_owned());
    problem(vec![damaged], "it is damaged");
    let mut gaps = clean();
    gaps[0].report.as_mut().unwrap()["coverage"]["skipped"] =
        json!([{"what": "object x", "reason": "broken"}]);
    problem(vec![loaded_results(&plan, gaps)], "object x: broken");
    let mut plan_with_gap = plan.clone();
    plan_with_gap.skipped.push(crate::model::Skip::new("/r/closed", "cannot be read"));
    plan_with_gap.id = plan_id(&plan_with_gap);
    let report = merge(&plan_with_gap, vec![loaded_results(&plan, clean())]);
    assert!(report.problems.iter().any(|problem| problem.what == "/r/closed"));
    assert!(report.problems.iter().any(|problem| problem.reason.contains("its plan differs")));
}

/// Whatever the order of the directories: a key that one of two results found is found.
#[test]
fn a_second_result_hides_no_key() {
    let plan = plan(&[1]);
    let (clean, leaking) = (|| vec![result(&plan, 0, &[])], || vec![result(&plan, 0, &[("aa", "removed")])]);
    for results in [[clean(), leaking()], [leaking(), clean()], [leaking(), leaking()]] {
        let report = merge(&plan, results.map(|results| loaded_results(&plan, results)).into());
        assert_eq!(report.status(), Status::Findings);
        let repositories: Vec<_> = report.leaks.iter().map(|leak| leak.repositories.len()).collect();
        assert_eq!(repositories, [1]);
        assert!(report.problems.iter().any(|problem| problem.reason.contains("more than once")));
    }
}

#[test]
fn a_repository_has_the_state_of_the_worst_of_its_results() {
    let plan = plan(&[1]);
    let mut failed = result(&plan, 0, &[]);
    (failed.failure, failed.report) = (Some("it is locked".to_owned()), None);
    for results in [[result(&plan, 0, &[]), failed.clone()], [failed, result(&plan, 0, &[])]] {
        let report = merge(&plan, results.map(|result| loaded_results(&plan, vec![result])).into());
        assert_eq!(report.repositories[0].state, RepositoryState::Failed);
        assert!(report.problems.iter().any(|problem| problem.reason.contains("it is locked")));
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
        assert!(result_defect(&changed, &[Surface::Blob]).is_some(), "{place}");
        let report = merge(&plan, vec![loaded_results(&plan, vec![changed])]);
        assert_eq!(report.status(), Status::Incomplete, "{place}");
        assert!(report.problems[0].reason.contains("is not reliable"), "{place}: {:?}", report.problems);
    }
    // A surface that was left out is reported as ignored.
    let mut narrowed = result(&plan, 0, &[]);
    let coverage = &mut narrowed.report.as_mut().unwrap()["coverage"];
    coverage["surfaces"] = json!([]);
    coverage["ignored"] =
        json!([{"kind": "surface", "what": "blob", "by": "a", "include_with": "--surfaces"}]);
    let report = merge(&plan, vec![loaded_results(&plan, vec![narrowed])]);
    assert_eq!((report.status(), report.ignored.len()), (Status::Clean, 1));
    // It has no effect on a reliable result.
    let mut odd = result(&plan, 0, &[]);
    odd.report = Some(json!([]));
    let reliable = result(&plan, 0, &[("aa", "present")]);
    let report = merge(&plan, vec![loaded_results(&plan, vec![odd]), loaded_results(&plan, vec![reliable])]);
    assert_eq!(report.repositories[0].state, RepositoryState::Findings);
    // A key that such a result names is found, whatever its status says.
    let mut dubious = result(&plan, 0, &[("aa", "present")]);
    dubious.report.as_mut().unwrap()["status"] = json!("clean");
    let report = merge(&plan, vec![loaded_results(&plan, vec![dubious])]);
    assert_eq!(report.repositories[0].state, RepositoryState::Findings);
    assert_eq!((report.status(), report.problems.len()), (Status::Findings, 1));
}

#[test]
fn accepted_findings_do_not_affect_the_status_of_a_leak() {
    let plan = plan(&[1, 2]);
    let accept = |mut result: FleetResult| {
        let report = result.report.as_mut().unwrap();
        report["leaks"][0]["findings"][0]["suppressed"] = json!({"by": "inline"});
        report["status"] = json!("clean");
        result
    };
    let (present, removed) = ([("aa", "present")], [("aa", "removed")]);
    // The order of the two repositories does not matter.
    for (accepted, open) in [(0, 1), (1, 0)] {
        let results = vec![accept(result(&plan, accepted, &present)), result(&plan, open, &removed)];
        let report = merge(&plan, vec![loaded_results(&plan, results)]);
        assert_eq!((&*report.leaks[0].status, report.leaks[0].open_repositories().count()), ("removed", 1));
        assert_eq!(report.repositories[accepted].state, RepositoryState::Clean);
    }
    let results = (0..2).map(|position| accept(result(&plan, position, &present))).collect();
    let report = merge(&plan, vec![loaded_results(&plan, results)]);
    assert_eq!((report.status(), report.open_leaks().count()), (Status::Clean, 0));
    assert_eq!(report.leaks[0].status, "present");
}

/// Paths that are not UTF-8 can look the same as text.
#[test]
fn repositories_whose_paths_look_the_same_have_separate_results() {
    let mut plan = plan(&[1, 2]);
    for (repository, bytes) in plan.repositories.iter_mut().zip(["2f72ff", "2f72fe"]) {
        (repository.path, repository.path_bytes) = ("/r\u{fffd}".to_owned(), Some(bytes.to_owned()));
    }
    plan.id = plan_id(&plan);
    let result_at = |position: usize, leaks: &[(&str, &str)]| FleetResult {
        path_bytes: plan.repositories[position].path_bytes.clone(),
        ..result(&plan, position, leaks)
    };
    let (first, second) = (result_at(0, &[("aa", "present")]), result_at(1, &[]));
    assert_ne!(result_name(&first.key()), result_name(&second.key()));
    let report = merge(&plan, vec![loaded_results(&plan, vec![first, second])]);
    assert_eq!((report.status(), report.problems.len(), report.leaks.len()), (Status::Findings, 0, 1));
    let states: Vec<_> = report.repositories.iter().map(|repository| repository.state).collect();
    assert_eq!(states, [RepositoryState::Findings, RepositoryState::Clean]);
}

/// A fleet with an empty plan, for example of a directory that was not mounted, is not clean.
#[test]
fn an_empty_plan_is_not_clean() {
    let plan = plan(&[]);
    let report = merge(&plan, vec![loaded_results(&plan, Vec::new())]);
    assert_eq!((report.status(), report.problems.len()), (Status::Incomplete, 1));
}

#[test]
fn ignored_things_are_in_the_report() {
    let mut plan = plan(&[1, 2]);
    plan.ignored.push(crate::model::Skip::new("/r/link", "a link to a directory elsewhere"));
    plan.id = plan_id(&plan);
    let mut results = vec![result(&plan, 0, &[]), result(&plan, 1, &[])];
    for result in &mut results {
        let report = result.report.as_mut().unwrap();
        report["started"] = json!("2030-01-02T03:04:05Z");
        report["coverage"]["ignored"] =
            json!([{"kind": "surface", "what": "blob", "by": "--surfaces", "include_with": "--surfaces"}]);
    }
    let report = merge(&plan, vec![loaded_results(&plan, results)]);
    let left_out: Vec<_> =
        report.ignored.iter().map(|ignored| (&*ignored.what, ignored.repositories)).collect();
    assert_eq!(left_out, [("blob", 2), ("/r/link", 0)]);
    assert_eq!(report.started(), Some(("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z")));
    assert!(!report.coverage.has_more_ignored);
}

/// A report names a limited number of things, and says that there are more.
#[test]
fn ignored_things_beyond_the_limit_are_reported_as_more() {
    let plan = plan(&[1, 2]);
    let report_with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut results = vec![result(&plan, 0, &[]), result(&plan, 1, &[])];
        results.iter_mut().for_each(|result| change(&mut result.report.as_mut().unwrap()["coverage"]));
        merge(&plan, vec![loaded_results(&plan, results)])
    };
    let paths = |count: usize| -> Vec<_> {
        (0..count)
            .map(|n| json!({"kind": "path", "what": format!("{n}"), "by": "x", "include_with": ""}))
            .collect()
    };
    for (named, total, is_more) in [(1000, 1000, false), (1001, 1001, true), (3, 4, true)] {
        let report = report_with(&|coverage| {
            coverage["ignored"] = json!(paths(named));
            coverage["ignored_total"] = json!(total);
        });
        assert_eq!((report.ignored.len(), report.coverage.has_more_ignored), (named.min(1000), is_more));
    }
}

#[test]
fn audits_are_grouped_by_their_command_line() {
    let plan = plan(&[1, 2, 3]);
    let audit = |position: usize, shard: &str, day: u8| {
        let mut result = result(&plan, position, &[]);
        let report = result.report.as_mut().unwrap();
        report["started"] = json!(format!("2030-01-{day:02}T03:04:05Z"));
        report["command_line"] = json!(["friskey", "fleet", "audit", "--shard", shard]);
        report["tool"]["version"] = json!("1.0");
        result
    };
    let results = vec![audit(0, "1/2", 2), audit(1, "2/2", 3), audit(2, "1/2", 1)];
    let report = merge(&plan, vec![loaded_results(&plan, results)]);
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
    let report = merge(&plan, vec![loaded_results(&plan, vec![only])]);
    let order: Vec<_> = report.leaks.iter().map(|leak| (&*leak.fingerprint, &*leak.severity)).collect();
    assert_eq!(order, [("cc", "high"), ("bb", "medium"), ("aa", "high")]);
}

#[cfg(unix)]
#[test]
fn results_are_private_and_files_left_behind_are_removed() {
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
    // Temporary files of killed runs, of this shard and of another, and the result of a repository that is not planned.
    let file = |name: &str| path.join(name);
    let own_file = format!(".{}-AbCdEf.tmp", result_name("/r/0000").trim_end_matches(".json"));
    let other_shards_file = format!(".{}-AbCdEf.tmp", result_name("/r/0001").trim_end_matches(".json"));
    let unplanned_result = result_name("/r/gone");
    for name in [&own_file, &other_shards_file, &unplanned_result] {
        fs::write(file(name), "{").unwrap();
    }
    dir.tidy(&plan, &["/r/0000".to_owned()]).unwrap();
    assert!(!file(&own_file).exists());
    assert!(file(&other_shards_file).exists(), "another shard may still use its temporary files");
    assert!(!file(&unplanned_result).exists());
    fs::write(file(&result_name("/r/0000")), "{\"schema\":").unwrap();
    assert!(dir.result("/r/0000").unwrap().is_err());
}
