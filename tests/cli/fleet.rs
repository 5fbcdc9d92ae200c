//! Tests `friskey fleet`: plans, shards, results and reports of many repositories.

use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sarif;
use crate::support::{Scratch, fingerprint, key, report, strings};

/// A directory `mirrors` with repositories of every kind, two of which contain the same key.
fn fleet() -> Scratch {
    let scratch = Scratch::new();
    for name in ["one", "two", "three"] {
        scratch.repository(&format!("mirrors/{name}"));
    }
    for name in ["one", "two"] {
        scratch.write(&format!("mirrors/{name}/key"), key(1));
        scratch.commit(&format!("mirrors/{name}"), "a key");
    }
    scratch.git("mirrors", &["clone", "-q", "--mirror", "three", "bare.git"]);
    scratch.repository("mirrors/three/nested");
    scratch.git("mirrors/one", &["worktree", "add", "-q", "../linked"]);
    scratch.git("mirrors", &["clone", "-q", "--bare", "--shared", "two", "shared.git"]);
    scratch
}

/// Writes a plan for `mirrors` to `fleet.json`, and returns it.
fn plan_fleet(scratch: &Scratch) -> Value {
    let output = scratch.friskey(".", &["fleet", "plan", "mirrors"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    fs::write(scratch.path("fleet.json"), &output.stdout).unwrap();
    report(&output)
}

fn audit(scratch: &Scratch, options: &[&str]) -> Output {
    scratch.friskey(".", &[&["fleet", "audit", "fleet.json"], options].concat())
}

/// The status and the report of `fleet report` for these state directories.
fn fleet_report(scratch: &Scratch, state_dirs: &[&str]) -> (Option<i32>, Value) {
    let output = scratch.friskey(".", &[&["fleet", "report", "--format", "json"], state_dirs].concat());
    (output.status.code(), report(&output))
}

/// A report without its times and the description of its audits, which differ between runs.
fn comparable(mut report: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["elapsed_seconds", "exposed_seconds", "started", "audits"] {
                    if let Some(field) = fields.get_mut(name) {
                        *field = Value::Null;
                    }
                }
                fields.values_mut().for_each(clear);
            }
            Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut report);
    report
}

/// Waits until the files in all repositories are old enough. A file that was modified within the last three seconds may
/// change again without a new time, so results of its repository are not used again.
fn wait_until_files_are_old() {
    std::thread::sleep(Duration::from_millis(3100));
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_plan_has_every_repository_once() {
    let scratch = fleet();
    let plan = plan_fleet(&scratch);
    let top = scratch.path("mirrors").canonicalize().unwrap();
    let relative = |path: &str| Path::new(path).strip_prefix(&top).unwrap().display().to_string();
    let repositories = plan["repositories"].as_array().unwrap();
    let paths_and_kinds: Vec<_> = repositories
        .iter()
        .map(|one| (relative(one["path"].as_str().unwrap()), one["kind"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("bare.git", "bare"),
        ("one", "work-tree"),
        ("shared.git", "bare"),
        ("three", "work-tree"),
        ("three/nested", "work-tree"),
        ("two", "work-tree"),
    ];
    assert_eq!(paths_and_kinds, expected.map(|(path, kind)| (path.to_owned(), kind.to_owned())));
    assert!(repositories.iter().all(|one| one["bytes"].is_u64()));
    let work_trees = strings(&repositories[1]["work_trees"]);
    assert_eq!(work_trees.iter().map(|path| relative(path)).collect::<Vec<_>>(), ["linked"]);
    let alternate = &repositories[2]["alternates"][0];
    assert!(alternate["path"].as_str().unwrap().ends_with("two/.git/objects"));
    assert_eq!(alternate["bytes"], repositories[5]["bytes"]);
    // Other paths of the same directories give the same plan.
    let again = report(&scratch.friskey(".", &["fleet", "plan", "mirrors/", "mirrors/one", "./mirrors"]));
    assert_eq!(again["repositories"], plan["repositories"]);
}

#[cfg(unix)]
#[test]
fn hostile_dirs_are_reported_and_not_followed() {
    use std::os::unix::fs::symlink;
    let scratch = fleet();
    scratch.repository("outside/secret");
    fs::create_dir_all(scratch.path("outside/directory")).unwrap();
    let path = |name: &str| scratch.path("mirrors").join(name);
    symlink(scratch.path("outside/secret"), path("link")).unwrap();
    symlink(scratch.path("outside/directory"), path("elsewhere")).unwrap();
    symlink("..", path("loop")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    scratch.write(
        "mirrors/pointer/.git",
        format!("gitdir: {}\n", scratch.path("outside/secret/.git").display()),
    );
    scratch.write("mirrors/broken/.git", "gitdir: nowhere\n");
    scratch.write("mirrors/text/.git", "hello\n");
    fs::create_dir(path("pipe")).unwrap();
    scratch.git("mirrors/pipe", &["init", "-q", "--bare", "x.git"]);
    let mkfifo = std::process::Command::new("mkfifo").arg(path("pipe/.git")).arg(path("fifo")).status();
    assert!(mkfifo.unwrap().success());
    let output = scratch.friskey(".", &["fleet", "plan", "mirrors"]);
    assert_eq!(output.status.code(), Some(3));
    let plan = report(&output);
    let skipped: Vec<String> = plan["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skip| format!("{}: {}", skip["what"].as_str().unwrap(), skip["reason"].as_str().unwrap()))
        .collect();
    for (name, reason) in [
        ("mirrors/link", "outside the roots"),
        ("mirrors/pointer", "outside the roots"),
        ("mirrors/broken", "cannot be opened"),
        ("mirrors/text", "names no git directory"),
        ("mirrors/pipe", "named pipe"),
    ] {
        let is_reported = skipped.iter().any(|skip| skip.contains(name) && skip.contains(reason));
        assert!(is_reported, "{name}: {skipped:?}");
    }
    assert_eq!(skipped.len(), 5, "{skipped:?}");
    assert!(plan["ignored"][0]["what"].as_str().unwrap().ends_with("elsewhere"));
    let paths: Vec<_> =
        plan["repositories"].as_array().unwrap().iter().map(|one| one["path"].to_string()).collect();
    assert!(
        paths.iter().any(|path| path.contains("pipe/x.git")),
        "a repository beside the named pipe is missing"
    );
    assert!(!paths.iter().any(|path| path.contains("outside")), "{paths:?}");
}

#[test]
fn a_plan_leaves_out_a_repository_with_a_key_in_its_path() {
    let scratch = Scratch::new();
    let key = key(3);
    scratch.repository("mirrors/fine");
    scratch.repository(&format!("mirrors/{key}"));
    let output = scratch.friskey(".", &["fleet", "plan", "mirrors"]);
    assert_eq!(output.status.code(), Some(3));
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert!(!printed.contains(&key) && printed.contains("rename it"), "{printed}");
    assert_eq!(report(&output)["repositories"].as_array().unwrap().len(), 1);
}

#[test]
fn shards_give_the_same_report_as_a_single_run() {
    let scratch = fleet();
    plan_fleet(&scratch);
    assert_eq!(audit(&scratch, &["--state", "whole"]).status.code(), Some(1));
    let (code, whole) = fleet_report(&scratch, &["whole"]);
    assert_eq!((code, &whole["status"]), (Some(1), &Value::from("findings")));
    assert_eq!(whole["problems"], serde_json::json!([]));
    let leaks = whole["leaks"].as_array().unwrap();
    assert_eq!(leaks.len(), 1, "one key is one leak");
    assert_eq!(leaks[0]["fingerprint"], *fingerprint(&key(1)));
    let repositories_with_key: Vec<_> = leaks[0]["repositories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["repository"].to_string())
        .collect();
    assert_eq!(
        repositories_with_key.len(),
        3,
        "both work trees, and `shared.git`: {repositories_with_key:?}"
    );
    for shard in ["1/2", "2/2"] {
        let state = format!("part-{}", &shard[..1]);
        let output = audit(&scratch, &["--state", &state, "--shard", shard, "--threads", "3"]);
        assert!(stderr(&output).contains(&format!("shard {shard}, from --shard")), "{}", stderr(&output));
    }
    let (_, parts) = fleet_report(&scratch, &["part-1", "part-2"]);
    assert_eq!(comparable(parts), comparable(whole));
    // A report of one shard alone says that the plan has repositories without a result.
    let (_, part) = fleet_report(&scratch, &["part-2"]);
    assert!(
        part["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["reason"].to_string().contains("no result"))
    );
}

#[test]
fn a_report_is_written_in_every_format_and_contains_no_key() {
    let scratch = fleet();
    plan_fleet(&scratch);
    audit(&scratch, &["--state", "state"]);
    let args = [
        "fleet",
        "report",
        "state",
        "--output",
        "json=r.json",
        "--output",
        "jsonl=r.jsonl",
        "--output",
        "sarif=r.sarif",
        "--output",
        "html=r.html",
    ];
    let output = scratch.friskey(".", &args);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("present in 3 repositories"), "{text}");
    assert!(text.contains("found 1 leaked key in 3 repositories"), "{text}");
    let read = |name: &str| fs::read_to_string(scratch.path(name)).unwrap();
    let json: Value = serde_json::from_str(&read("r.json")).unwrap();
    let log = sarif::parse(&read("r.sarif"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 6, "a run for each repository");
    let ids: std::collections::BTreeSet<_> =
        runs.iter().map(|run| run["automationDetails"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(runs.iter().map(|run| run["results"].as_array().unwrap().len()).sum::<usize>(), 3);
    let jsonl = read("r.jsonl");
    let lines: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["type"], "start");
    assert_eq!(lines.last().unwrap()["type"], "end");
    assert_eq!(lines.iter().filter(|line| line["type"] == "repository").count(), 6);
    assert_eq!(
        json["leaks"].as_array().unwrap().len(),
        lines.iter().filter(|line| line["type"] == "leak").count()
    );
    assert!(read("r.html").contains("found 1 leaked key in 3 repositories"));
    let reports = [text.into_owned(), read("r.json"), jsonl, read("r.sarif"), read("r.html")].concat();
    let results: String = fs::read_dir(scratch.path("state"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(!reports.contains(&key(1)) && !results.contains(&key(1)));
}

#[test]
fn a_repository_with_a_valid_result_is_not_audited_again() {
    let scratch = fleet();
    plan_fleet(&scratch);
    wait_until_files_are_old();
    audit(&scratch, &["--state", "state"]);
    let (_, first) = fleet_report(&scratch, &["state"]);
    let again = audit(&scratch, &["--state", "state"]);
    assert!(stderr(&again).contains("6 of them unchanged"), "{}", stderr(&again));
    // A repository that changed is audited again, and so are the repositories that read its objects, and all of them
    // with another threshold.
    scratch.write("mirrors/three/nested/key", key(2));
    scratch.commit("mirrors/three/nested", "another key");
    let changed = audit(&scratch, &["--state", "state"]);
    assert!(stderr(&changed).contains("4 of them unchanged"), "{}", stderr(&changed));
    let (_, second) = fleet_report(&scratch, &["state"]);
    assert_eq!((first["leaks"].as_array().unwrap().len(), second["leaks"].as_array().unwrap().len()), (1, 2));
    let other = audit(&scratch, &["--state", "state", "--min-confidence", "high"]);
    assert!(!stderr(&other).contains("unchanged"), "{}", stderr(&other));
    let fresh = audit(&scratch, &["--state", "state", "--min-confidence", "high", "--fresh"]);
    assert!(!stderr(&fresh).contains("unchanged"), "{}", stderr(&fresh));
    // Results that are still valid are used for a new plan.
    scratch.repository("mirrors/new");
    plan_fleet(&scratch);
    wait_until_files_are_old();
    audit(&scratch, &["--state", "state"]);
    let (_, third) = fleet_report(&scratch, &["state"]);
    assert_eq!(third["problems"], serde_json::json!([]));
    assert_eq!(third["coverage"]["planned"], 7);
}

#[test]
fn a_killed_run_continues_where_it_stopped() {
    let scratch = fleet();
    for number in 0..30 {
        scratch.git("mirrors", &["clone", "-q", "--bare", "two", &format!("copy-{number}.git")]);
    }
    plan_fleet(&scratch);
    audit(&scratch, &["--state", "undisturbed"]);
    let start = || -> Child {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), ".");
        command.args(["fleet", "audit", "fleet.json", "--state", "killed", "--threads", "1"]);
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    for milliseconds in [5, 150, 300, 450] {
        let mut run = start();
        std::thread::sleep(Duration::from_millis(milliseconds));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    assert_eq!(audit(&scratch, &["--state", "killed"]).status.code(), Some(1));
    let files: Vec<_> =
        fs::read_dir(scratch.path("killed")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(files.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{files:?}");
    let (_, undisturbed) = fleet_report(&scratch, &["undisturbed"]);
    assert_eq!(comparable(fleet_report(&scratch, &["killed"]).1), comparable(undisturbed));
}

#[test]
fn a_repository_that_cannot_be_audited_has_a_failed_result() {
    let scratch = fleet();
    for name in ["vanishing", "corrupt", "replaced"] {
        scratch.git("mirrors", &["clone", "-q", "--bare", "three", &format!("{name}.git")]);
    }
    plan_fleet(&scratch);
    fs::remove_dir_all(scratch.path("mirrors/vanishing.git")).unwrap();
    fs::remove_dir_all(scratch.path("mirrors/replaced.git")).unwrap();
    fs::write(scratch.path("mirrors/replaced.git"), "a file").unwrap();
    fs::write(scratch.path("mirrors/corrupt.git/HEAD"), "").unwrap();
    fs::remove_dir_all(scratch.path("mirrors/corrupt.git/objects")).unwrap();
    let output = audit(&scratch, &["--state", "state"]);
    assert_eq!(output.status.code(), Some(1), "other repositories contain a key");
    assert!(stderr(&output).contains("3 failed"), "{}", stderr(&output));
    let (_, report) = fleet_report(&scratch, &["state"]);
    let failed: Vec<_> =
        report["repositories"].as_array().unwrap().iter().filter(|one| one["state"] == "failed").collect();
    assert_eq!(failed.len(), 3);
    assert!(failed.iter().all(|one| one["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
    assert_eq!(report["problems"].as_array().unwrap().len(), 3);
}

/// A repository without permission to read it has a result, too. Root may read everything, so `setpriv` takes away the
/// capabilities for that.
#[cfg(target_os = "linux")]
#[test]
fn a_repository_without_read_permission_has_a_failed_or_incomplete_result() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let scratch = fleet();
    plan_fleet(&scratch);
    let locked = scratch.path("mirrors/two/.git/objects");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let friskey = env!("CARGO_BIN_EXE_friskey");
    let is_root = fs::metadata(&locked).unwrap().uid() == 0;
    let mut command = scratch.command(if is_root { "setpriv" } else { friskey }, ".");
    if is_root {
        command.args(["--bounding-set", "-dac_override,-dac_read_search", friskey]);
    }
    let output = crate::git::run(command.args(["fleet", "audit", "fleet.json", "--state", "state"]), b"");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let (status, report) = fleet_report(&scratch, &["state"]);
    assert_eq!(status, Some(1), "other repositories contain a key");
    let state = |path_end: &str| {
        let all = report["repositories"].as_array().unwrap();
        let one = all.iter().find(|one| one["path"].as_str().unwrap().ends_with(path_end)).unwrap();
        one["state"].as_str().unwrap().to_owned()
    };
    assert!(["failed", "incomplete"].contains(&&*state("/two")), "{}", state("/two"));
    assert_eq!((state("/one"), state("/three")), ("findings".to_owned(), "clean".to_owned()));
    assert!(report["problems"].to_string().contains("ermission denied"), "{}", report["problems"]);
}

#[test]
fn a_cache_does_not_change_the_report() {
    let scratch = fleet();
    for name in ["one", "two", "three", "bare.git"] {
        scratch.git(&format!("mirrors/{name}"), &["repack", "-adq"]);
    }
    plan_fleet(&scratch);
    audit(&scratch, &["--state", "plain"]);
    let notes = |state: &str| stderr(&audit(&scratch, &["--state", state, "--cache", "cache", "-v"]));
    assert!(notes("first").contains("0 of 1 packs were searched by an earlier audit"));
    assert!(notes("second").contains("1 of 1 packs were searched by an earlier audit"));
    let (_, plain) = fleet_report(&scratch, &["plain"]);
    for state in ["first", "second"] {
        assert_eq!(comparable(fleet_report(&scratch, &[state]).1), comparable(plain.clone()));
    }
    let in_repository = audit(&scratch, &["--state", "third", "--cache", "mirrors/one/cache"]);
    assert_eq!(in_repository.status.code(), Some(2));
    assert!(stderr(&in_repository).contains("which is audited"), "{}", stderr(&in_repository));
    assert!(!scratch.path("mirrors/one/cache").exists());
    for same in ["third", "plain", "mirrors/../plain"] {
        let output = audit(&scratch, &["--state", same, "--fresh", "--cache", same]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("is also the state directory"), "{}", stderr(&output));
    }
    assert!(!scratch.path("third").exists());
    let unusable = audit(&scratch, &["--state", "plain", "--fresh", "--cache", "fleet.json"]);
    assert_eq!(unusable.status.code(), Some(2), "{}", stderr(&unusable));
    assert_eq!(
        comparable(fleet_report(&scratch, &["plain"]).1),
        comparable(plain),
        "good results were replaced"
    );
}

#[test]
fn shard_auto_takes_the_shard_from_the_variables_of_an_engine() {
    let scratch = fleet();
    plan_fleet(&scratch);
    for index in ["0", "1"] {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), ".");
        command.args(["fleet", "audit", "fleet.json", "--state", "state", "--shard", "auto"]);
        let output =
            crate::git::run(command.env("JOB_COMPLETION_INDEX", index).env("FRISKEY_SHARDS", "2"), b"");
        assert!(stderr(&output).contains("a Kubernetes Indexed Job"), "{}", stderr(&output));
    }
    let (_, report) = fleet_report(&scratch, &["state"]);
    assert_eq!(report["problems"], serde_json::json!([]));
    let without_engine = audit(&scratch, &["--state", "state", "--shard", "auto"]);
    assert_eq!(without_engine.status.code(), Some(2));
    assert!(stderr(&without_engine).contains("no supported engine detected"));
}

/// A planned fleet of two repositories: `leaky`, with a key in a commit message, and `clean`.
fn small_fleet() -> Scratch {
    let scratch = Scratch::new();
    for name in ["leaky", "clean"] {
        scratch.repository(&format!("mirrors/{name}"));
    }
    scratch.git("mirrors/leaky", &["commit", "-q", "--allow-empty", "-m", &key(1)]);
    plan_fleet(&scratch);
    scratch
}

#[test]
fn an_audit_of_an_empty_plan_keeps_earlier_results() {
    let scratch = small_fleet();
    audit(&scratch, &["--state", "state"]);
    fs::create_dir(scratch.path("unmounted")).unwrap();
    let plan = scratch.friskey(".", &["fleet", "plan", "unmounted"]);
    assert_eq!(plan.status.code(), Some(3));
    fs::write(scratch.path("fleet.json"), &plan.stdout).unwrap();
    let output = audit(&scratch, &["--state", "state", "-q"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("contains no repository"), "{}", stderr(&output));
    assert_eq!(fleet_report(&scratch, &["state"]).0, Some(1), "the results are still there");
}

#[test]
fn the_outcome_counts_what_options_left_out() {
    let scratch = small_fleet();
    assert_eq!(audit(&scratch, &["--state", "state", "--surfaces", "blob"]).status.code(), Some(0));
    let in_format = |format: &str| {
        let output = scratch.friskey(".", &["fleet", "report", "state", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let outcome = "clean: no keys found in 2 repositories; left out: 16 things";
    assert_eq!(in_format("human").lines().last(), Some(outcome));
    assert!(in_format("html").contains(outcome));
    let jsonl = in_format("jsonl");
    let lines = jsonl.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ignored: Vec<Value> = lines.filter(|line| line["type"] == "ignored").collect();
    assert_eq!(ignored.len(), 16);
    let messages = ignored.iter().find(|line| line["what"] == "commit-message").unwrap();
    assert_eq!(messages["repositories"], 2);
}

#[test]
fn a_plan_with_a_key_in_a_path_is_refused() {
    let scratch = small_fleet();
    let text = fs::read_to_string(scratch.path("fleet.json")).unwrap();
    let mut plan = friskey::fleet::parse_plan(text.as_bytes()).unwrap();
    plan.repositories[0].path = format!("/srv/{}", key(7));
    plan.id = friskey::fleet::plan_id(&plan);
    fs::write(scratch.path("fleet.json"), serde_json::to_vec(&plan).unwrap()).unwrap();
    let output = audit(&scratch, &["--state", "state"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("looks like a key") && !stderr(&output).contains(&key(7)));
    fs::create_dir(scratch.path("state")).unwrap();
    fs::copy(scratch.path("fleet.json"), scratch.path("state/plan.json")).unwrap();
    let output = scratch.friskey(".", &["fleet", "report", "state"]);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]));
    assert!(!stderr(&output).contains(&key(7)));
}

#[test]
fn accepted_findings_are_counted_apart_and_their_paths_are_left_out() {
    let scratch = Scratch::new();
    for name in ["a", "b"] {
        scratch.repository(&format!("mirrors/{name}"));
        scratch.write(&format!("mirrors/{name}/sample"), format!("{} # friskey:allow a sample\n", key(1)));
    }
    scratch.write("mirrors/a/key", key(1));
    for name in ["a", "b"] {
        scratch.commit(&format!("mirrors/{name}"), "x");
    }
    plan_fleet(&scratch);
    audit(&scratch, &["--state", "state"]);
    let output = scratch.friskey(".", &["fleet", "report", "state"]);
    let human = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(human.contains("present in 1 repository, accepted in 1 more"), "{human}");
    assert!(human.contains("mirrors/a (present): key; 1 place accepted"), "{human}");
    assert!(!human.contains("sample"), "{human}");
    assert!(human.contains("2 repositories planned: 1 clean, 1 with findings"), "{human}");
    assert!(human.contains("found 1 leaked key in 1 repository"), "{human}");
}

#[cfg(unix)]
#[test]
fn links_that_are_not_followed_are_reported() {
    let scratch = small_fleet();
    scratch.repository("elsewhere/team/secret");
    std::os::unix::fs::symlink(scratch.path("elsewhere/team"), scratch.path("mirrors/team")).unwrap();
    let planned = scratch.friskey(".", &["fleet", "plan", "mirrors"]);
    assert_eq!(planned.status.code(), Some(0));
    assert!(stderr(&planned).contains("not followed: 1 link to directories outside"), "{}", stderr(&planned));
    fs::write(scratch.path("fleet.json"), &planned.stdout).unwrap();
    audit(&scratch, &["--state", "state"]);
    for format in ["human", "json", "jsonl", "sarif", "html"] {
        let output = scratch.friskey(".", &["fleet", "report", "state", "--format", format]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("mirrors/team"), "{format}");
    }
}

#[test]
fn repositories_in_a_git_directory_are_reported() {
    let scratch = small_fleet();
    scratch.git("mirrors", &["init", "-q", "--bare", "."]);
    let planned = scratch.friskey(".", &["fleet", "plan", "mirrors"]);
    assert_eq!(report(&planned)["repositories"].as_array().unwrap().len(), 1);
    assert!(stderr(&planned).contains("2 repositories in this git directory"), "{}", stderr(&planned));
    // Without a git directory above the repositories, there is no note.
    scratch.git(".", &["clone", "-q", "--mirror", "mirrors/leaky", "elsewhere/leaky.git"]);
    let planned = scratch.friskey(".", &["fleet", "plan", "elsewhere"]);
    assert!(report(&planned)["notes"].is_null(), "{}", stderr(&planned));
}

/// A state directory is refused for a plan of other directories, but not for a later plan of the same ones.
#[test]
fn results_of_a_plan_of_other_directories_are_not_removed() {
    let scratch = small_fleet();
    audit(&scratch, &["--state", "state"]);
    let plan_dir = |dir: &str| {
        let planned = scratch.friskey(".", &["fleet", "plan", dir]);
        fs::write(scratch.path("fleet.json"), &planned.stdout).unwrap();
    };
    scratch.repository("elsewhere/other");
    plan_dir("elsewhere");
    let refused = audit(&scratch, &["--state", "state"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("contains the results of another plan"), "{}", stderr(&refused));
    assert_eq!(fleet_report(&scratch, &["state"]).0, Some(1), "the results are still there");
    fs::remove_dir_all(scratch.path("mirrors/clean")).unwrap();
    plan_dir("mirrors");
    assert_eq!(audit(&scratch, &["--state", "state"]).status.code(), Some(1));
    assert_eq!(fleet_report(&scratch, &["state"]).1["repositories"].as_array().unwrap().len(), 1);
}

/// The report of a fleet contains the times and commands of its audits, and the surfaces and next steps of each key.
#[test]
fn the_report_of_a_fleet_contains_its_audits_and_the_next_steps() {
    let scratch = small_fleet();
    scratch.write("mirrors/leaky/key", key(2));
    scratch.commit("mirrors/leaky", "a file");
    audit(&scratch, &["--state", "state", "--min-confidence", "low"]);
    let in_format = |format: &str| {
        let output = scratch.friskey(".", &["fleet", "report", "state", "--format", format]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for format in ["human", "html"] {
        let text = in_format(format);
        for part in [
            "2 repositories audited ",
            "fleet audit fleet.json --state state --min-confidence low",
            "commit-message",
        ] {
            assert!(text.contains(part), "{format}: {part}: {text}");
        }
    }
    let (_, json) = fleet_report(&scratch, &["state"]);
    assert_eq!(json["audits"][0]["repositories"], 2);
    let page = in_format("html");
    for leak in json["leaks"].as_array().unwrap() {
        assert!(["critical", "high"].contains(&leak["severity"].as_str().unwrap()), "{leak}");
        for step in leak["repositories"][0]["next_steps"].as_array().unwrap() {
            let action = step["action"].as_str().unwrap();
            assert!(page.contains(action) && in_format("human").contains(action), "{action}");
        }
    }
    assert!(page.contains("class=\"steps\""));
}
