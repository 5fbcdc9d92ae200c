//! Tests `friskey history` on real repositories.

use crate::support::{Scratch, key, leak, report, run, strings};
use serde_json::Value;

/// Audits `repo`. Returns the exit status and the report.
fn audit(scratch: &Scratch, repo: &str, args: &[&str]) -> (i32, Value) {
    let output = scratch.friskey(repo, &[&["history", "--format", "json"], args].concat());
    let report = report(&output);
    (output.status.code().unwrap(), report)
}

/// The surface of each finding of a leak.
fn surfaces(leak: &Value) -> Vec<&str> {
    leak["findings"].as_array().unwrap().iter().map(|finding| finding["surface"].as_str().unwrap()).collect()
}

/// Creates the repository `r` with a different key in every place where git stores bytes. Returns for each key a
/// description of its place, the surface on which it must be found, or `none`, and the key.
pub(crate) fn every_surface(scratch: &Scratch) -> Vec<(&'static str, &'static str, String)> {
    let mut number = 0;
    let mut places = Vec::new();
    let mut next_key = |place: &'static str, surface: &'static str| {
        number += 1;
        places.push((place, surface, key(number)));
        key(number)
    };
    let git = |args: &[&str]| scratch.git("r", args);
    scratch.repository("r");
    scratch.write("r/a.txt", format!("x = {}\n", next_key("a blob at the tip", "blob")));
    scratch.write("r/sub/deep/.env", format!("K={}\n", next_key("a hidden file in a directory", "blob")));
    scratch
        .write("r/b.bin", [b"\0\x01".as_slice(), next_key("a binary", "blob").as_bytes(), b"\xff"].concat());
    scratch.write("r/.gitattributes", format!("*.x -diff # {}\n", next_key("attributes", "blob")));
    scratch.write("r/old.txt", next_key("a file removed later", "blob"));
    scratch.commit("r", "add");
    git(&["rm", "-q", "old.txt"]);
    scratch.commit("r", "remove");
    scratch.commit("r", &format!("a message with {}", next_key("a commit message", "commit-message")));
    // A setting on the command line is not stored anywhere.
    git(&["-c", &format!("user.name={}", next_key("a setting on the command line", "none")), "status"]);
    let name = next_key("an author's name", "identity");
    git(&["commit", "-q", "--allow-empty", "-m", "author", &format!("--author={name} <x@y>")]);
    git(&["tag", "-a", "v1", "-m", &format!("tagged {}", next_key("a tag message", "tag-message"))]);
    git(&["branch", &format!("feature/{}", next_key("a branch name", "ref-name"))]);
    git(&["tag", &next_key("a tag name", "ref-name")]);
    git(&["notes", "add", "-m", &format!("noted {}", next_key("a note", "note"))]);
    scratch.write(&format!("r/{}.txt", next_key("a file name", "file-name")), "x");
    scratch.write(&format!("r/{}/x", next_key("a directory name", "file-name")), "x");
    scratch.commit("r", "names");
    // A merge that adds a file that neither parent has.
    git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    scratch.write("r/side", "s\n");
    scratch.commit("r", "side");
    git(&["checkout", "-q", "main"]);
    git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    scratch.write("r/merged", next_key("only in a merge", "blob"));
    scratch.commit("r", "merge");
    // A commit that only a ref in `refs/pull` leads to.
    let tip = git(&["rev-parse", "HEAD"]);
    scratch.write("r/pull", next_key("only in refs/pull", "blob"));
    let pulled = scratch.commit("r", "pull");
    git(&["update-ref", "refs/pull/1/head", &pulled]);
    git(&["reset", "-q", "--hard", &tip]);
    // A commit that was amended.
    scratch.write("r/amended", next_key("amended away", "unreachable"));
    scratch.commit("r", "to be amended");
    scratch.write("r/amended", "nothing");
    git(&["add", "-A"]);
    git(&["commit", "-q", "--amend", "-m", "amended"]);
    // Stashes with changes of the work tree and with untracked files. The last one has no key.
    scratch.write("r/README", next_key("stashed, work tree", "stash"));
    scratch.write("r/untracked", next_key("stashed, untracked", "stash"));
    git(&["stash", "-q", "-u"]);
    scratch.write("r/README", next_key("stashed earlier", "stash"));
    git(&["stash", "-q"]);
    scratch.write("r/README", "again\n");
    git(&["stash", "-q"]);
    // A file that is staged but not committed, and its earlier staged content.
    scratch.write("r/staged", next_key("staged, then unstaged", "unreachable"));
    git(&["add", "staged"]);
    scratch.write("r/staged", next_key("staged", "index"));
    git(&["add", "staged"]);
    // An object that nothing names.
    let loose = next_key("a dangling blob", "unreachable");
    let output = scratch.try_git("r", &["hash-object", "-w", "--stdin"], loose.as_bytes());
    assert!(output.status.success());
    // A commit with a header that git does not define.
    let header = next_key("a commit header", "commit-header");
    let tree = git(&["rev-parse", "HEAD^{tree}"]);
    let commit = format!(
        "tree {tree}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\nx-key {header}\n\nm\n"
    );
    let output = scratch.try_git(
        "r",
        &["hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        commit.as_bytes(),
    );
    let id = String::from_utf8(output.stdout).unwrap();
    git(&["update-ref", "refs/heads/unusual-header", id.trim()]);
    // Files in the git directory.
    let url = format!("https://x:{}@example.org/r.git", next_key("a remote's URL", "config"));
    git(&["remote", "add", "origin", &url]);
    scratch.write("r/.git/hooks/pre-push", format!("#!/bin/sh\n# {}\n", next_key("a hook", "hook")));
    scratch.write("r/.git/MERGE_MSG.bak", next_key("a left-over file", "git-file"));
    scratch.write("r/.git/lfs/objects/ab/cd/abcd", next_key("an LFS object", "lfs"));
    git(&[
        "update-ref",
        "-m",
        &format!("because {}", next_key("a reflog message", "reflog")),
        "refs/heads/side",
        &tip,
    ]);
    // The repository of a submodule.
    scratch.repository("m");
    scratch.write("m/file", next_key("a submodule's blob", "submodule"));
    scratch.commit("m", "in the submodule");
    std::fs::create_dir_all(scratch.path("r/.git/modules/lib")).unwrap();
    let target = scratch.path("r/.git/modules/lib/m");
    scratch.git("m", &["clone", "-q", "--bare", ".", target.to_str().unwrap()]);
    places
}

/// Asserts that an audit of `r` finds every key of [`every_surface`] on its surface.
pub(crate) fn assert_all_found(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let (status, report) = audit(scratch, "r", &[]);
    assert_eq!(status, 1, "{report:#}");
    let mut failures = Vec::new();
    for (place, surface, key) in places.iter().filter(|(_, surface, _)| *surface != "none") {
        match leak(&report, key) {
            Some(leak) if surfaces(leak).contains(surface) => {}
            Some(leak) => failures.push(format!("{place}: {:?}, not {surface}", surfaces(leak))),
            None => failures.push(format!("{place}: missed")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 0, "{report:#}");
    let searched_surfaces = strings(&report["coverage"]["surfaces"]);
    for surface in friskey::scan::HISTORY_SURFACES {
        assert!(searched_surfaces.contains(&surface.name()), "{surface} is missing from the receipt");
    }
}

#[test]
fn a_key_is_found_on_every_surface_loose_and_packed() {
    let scratch = Scratch::new();
    let places = every_surface(&scratch);
    assert_all_found(&scratch, &places);
    scratch.git("r", &["repack", "-q", "-a", "-d", "-k"]);
    assert_all_found(&scratch, &places);
    scratch.git("r", &["pack-refs", "--all"]);
    scratch.git("r", &["multi-pack-index", "write"]);
    scratch.git("r", &["commit-graph", "write", "--reachable"]);
    assert_all_found(&scratch, &places);
}

#[test]
fn every_commit_that_introduces_or_removes_a_key_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let secret = key(1);
    scratch.write("r/a.env", format!("# config\nKEY={secret}\n"));
    let first_introduction = scratch.commit("r", "in");
    scratch.git("r", &["tag", "v1"]);
    scratch.git("r", &["mv", "a.env", "b.env"]);
    scratch.commit("r", "moved");
    scratch.write("r/b.env", "KEY=\n");
    let first_removal = scratch.commit("r", "out");
    scratch.write("r/c.env", format!("KEY={secret}\n"));
    let second_introduction = scratch.commit("r", "in again");
    scratch.git("r", &["rm", "-q", "c.env"]);
    let second_removal = scratch.commit("r", "out again");
    let (status, report) = audit(&scratch, "r", &[]);
    assert_eq!(status, 1);
    let leak = leak(&report, &secret).unwrap();
    let commits = |list: &str| -> Vec<String> {
        let changes = leak[list].as_array().unwrap();
        changes.iter().map(|change| change["commit"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(commits("introduced"), [first_introduction, second_introduction]);
    assert_eq!(commits("removed"), [first_removal, second_removal]);
    assert_eq!(leak["status"], "present", "the tag still has it");
    assert_eq!(strings(&leak["refs_at_tip"]), ["refs/tags/v1"]);
}

#[test]
fn an_empty_repository_and_one_without_a_key_are_clean() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("r")).unwrap();
    scratch.git("r", &["init", "-q"]);
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    scratch.repository("c");
    let (status, report) = audit(&scratch, "c", &[]);
    assert_eq!((status, &report["status"]), (0, &"clean".into()), "{report:#}");
}

#[test]
fn surfaces_can_be_selected_and_left_out() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", &key(2));
    let (_, report) = audit(&scratch, "r", &["--surfaces", "blob"]);
    assert!(leak(&report, &key(1)).is_some() && leak(&report, &key(2)).is_none());
    assert_eq!(strings(&report["coverage"]["surfaces"]), ["blob"]);
    let (_, report) = audit(&scratch, "r", &["--surfaces=-blob"]);
    assert!(leak(&report, &key(1)).is_none() && leak(&report, &key(2)).is_some());
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
    let (status, _) = audit(&scratch, "r", &["--no-unreachable", "--surfaces=-reflog,-git-file"]);
    assert_eq!(status, 0);
    let output = scratch.friskey("r", &["history", "--surfaces", "blobs"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_shallow_clone_is_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.commit("r", "second");
    let url = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["clone", "-q", "--depth", "1", &url, "../s"]);
    let (status, report) = audit(&scratch, "s", &[]);
    assert_eq!((status, &report["status"]), (3, &"incomplete".into()));
    assert!(report["coverage"]["skipped"][0]["reason"].as_str().unwrap().contains("--unshallow"));
}

#[test]
fn a_missing_repository_is_status_2() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("x")).unwrap();
    let output = scratch.friskey("x", &["history"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a git repository"));
    assert_eq!(scratch.friskey("x", &["history", "nowhere"]).status.code(), Some(2));
}

#[test]
fn a_marker_at_an_authors_name_does_not_move_the_key_in_the_message_to_the_author() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let author = format!("--author={} # friskey:allow sample <x@y>", key(1));
    let message = format!("subject\n\nsee {}", key(1));
    scratch.git("r", &["commit", "-q", "--allow-empty", "-m", &message, &author]);
    let (_, report) = audit(&scratch, "r", &[]);
    let finding = &leak(&report, &key(1)).unwrap()["findings"][0];
    assert_eq!(finding["surface"], "commit-message", "{finding:#}");
    let start = &finding["start"];
    assert_eq!((start["line"].as_u64(), start["column"].as_u64()), (Some(3), Some(5)), "{finding:#}");
    assert!(finding["suppressed"].is_null(), "{finding:#}");
}

#[test]
fn bytes_behind_a_loose_object_are_named_as_files_of_a_bare_repository_are() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "--bare", "r.git"]);
    let id = scratch.git_with("r.git", &["hash-object", "-w", "--stdin"], b"content\n");
    let path = format!("objects/{}/{}", &id[..2], &id[2..]);
    let object = std::fs::read(scratch.path("r.git").join(&path)).unwrap();
    std::fs::remove_file(scratch.path("r.git").join(&path)).unwrap();
    scratch.write(&format!("r.git/{path}"), [&object[..], key(1).as_bytes()].concat());
    let (_, report) = audit(&scratch, "r.git", &[]);
    let reported_path = leak(&report, &key(1)).unwrap()["findings"][0]["path"].as_str().unwrap();
    assert!(reported_path.starts_with(&path[.."objects/12/".len()]), "{reported_path}");
    let (first, last) = (object.len(), object.len() + key(1).len() - 1);
    let reasons = report["coverage"]["skipped"].to_string();
    assert!(reasons.contains(&format!("bytes {first} to {last} follow it in its file")), "{reasons}");
}

/// Creates a repository with three commits after the first, and returns their ids: one adds key 1; one changes the file
/// with key 1, adds key 2 in another file, and has key 3 in its message; one removes key 2.
fn repository_with_three_changes(scratch: &Scratch) -> [String; 3] {
    scratch.repository("r");
    scratch.write("r/old.env", format!("A={}\n", key(1)));
    let old = scratch.commit("r", "old");
    scratch.write("r/old.env", format!("# touched\nA={}\n", key(1)));
    scratch.write("r/new.env", format!("B={}\n", key(2)));
    let new = scratch.commit("r", &format!("with {}", key(3)));
    scratch.git("r", &["rm", "-q", "new.env"]);
    let gone = scratch.commit("r", "gone");
    [old, new, gone]
}

#[test]
fn only_keys_that_the_commits_of_a_range_introduce_are_found() {
    let scratch = Scratch::new();
    let [old, new, gone] = repository_with_three_changes(&scratch);
    let status_and_keys = |range: &str| {
        let (status, report) = audit(&scratch, "r", &["--range", range]);
        (status, [1, 2, 3].map(|number| leak(&report, &key(number)).is_some()))
    };
    assert_eq!(
        status_and_keys(&format!("{old}..{gone}")),
        (1, [false, true, true]),
        "introduced and removed within the range"
    );
    assert_eq!(status_and_keys(&format!("{old}..{new}")), (1, [false, true, true]));
    assert_eq!(status_and_keys(&format!("{new}..{gone}")), (0, [false; 3]), "the range only removes a key");
    assert_eq!(status_and_keys(&format!("{gone}..{gone}")), (0, [false; 3]), "an empty range");
    assert_eq!(status_and_keys("HEAD"), (1, [true; 3]));
    assert_eq!(status_and_keys("HEAD --not HEAD~1"), (0, [false; 3]));
    let (_, report) = audit(&scratch, "r", &["--range", &format!("{old}..{gone}")]);
    assert_eq!(report["coverage"]["commits"], 2);
    let leak = leak(&report, &key(2)).unwrap();
    assert_eq!(leak["introduced"][0]["commit"], new);
    assert_eq!(leak["removed"][0]["commit"], gone);
    assert_eq!(leak["status"], "removed");
    assert_eq!(leak["findings"][0]["path"], "new.env");
}

/// To git, the exclusions of one range would apply to the other, too.
#[test]
fn what_any_of_several_ranges_selects_is_scanned() {
    let scratch = Scratch::new();
    let [old, new, gone] = repository_with_three_changes(&scratch);
    let (first, last) = (format!("{old}..{new}"), format!("{gone}~1..{gone}"));
    for ranges in [[&first, &last], [&last, &first], [&first, &first]] {
        let args = ranges.map(|range| format!("--range={range}"));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (status, report) = audit(&scratch, "r", &args);
        let keys = [1, 2, 3].map(|number| leak(&report, &key(number)).is_some());
        assert_eq!((status, keys), (1, [false, true, true]), "{args:?}");
        let commits = if ranges[0] == ranges[1] { 1 } else { 2 };
        assert_eq!(report["coverage"]["commits"], commits, "{args:?}");
        let (status, report) = audit(&scratch, "r", &[&args[..], &["--not", &new]].concat());
        assert_eq!((status, &report["leaks"]), (0, &serde_json::json!([])), "{args:?}");
    }
    // `--not` in a range does not affect the option.
    let excluded = format!("--range={gone} --not {old}");
    assert_eq!(audit(&scratch, "r", &[&excluded, "--not", &new]).0, 0);
    let output = scratch.friskey("r", &["history", "--range", "HEAD", "--range", "^HEAD~1"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_range_that_cannot_be_resolved_is_never_clean() {
    let scratch = Scratch::new();
    repository_with_three_changes(&scratch);
    let (status, report) =
        audit(&scratch, "r", &["--range", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef..HEAD"]);
    assert_eq!((status, &report["status"]), (3, &"incomplete".into()));
    let reason = report["coverage"]["skipped"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("fetch"), "{reason}");
    assert_eq!(audit(&scratch, "r", &["--range", "HEAD^!"]).0, 3);
    // An empty range, as from a variable that is not set, is an error.
    for range in ["", " ", "..", "..."] {
        let output = scratch.friskey("r", &["history", "--range", range]);
        assert_eq!(output.status.code(), Some(2), "{range:?}");
    }
    let url = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["clone", "-q", "--depth", "1", &url, "../s"]);
    let (status, _) = audit(&scratch, "s", &["--range", "HEAD~2..HEAD"]);
    assert_eq!(status, 3);
}

#[test]
fn no_program_that_the_repository_configures_is_run() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.write("r/.gitattributes", "* filter=evil diff=evil -text\n");
    scratch.commit("r", "evil");
    let evil = scratch.write("evil", "#!/bin/sh\ntouch \"$HOME/ran\"\n");
    scratch.git("r", &["config", "core.fsmonitor", evil.to_str().unwrap()]);
    for name in [
        "diff.external",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "core.sshCommand",
        "core.pager",
        "gpg.program",
        "uploadpack.packObjectsHook",
    ] {
        scratch.git("r", &["config", name, evil.to_str().unwrap()]);
    }
    scratch.write("r/.git/included", "[core]\n\tbare = true\n");
    scratch.git("r", &["config", "include.path", "included"]);
    let chmod = scratch.command("chmod", ".").args(["+x", "evil"]).status().unwrap();
    assert!(chmod.success());
    for args in [&[][..], &["--range", "HEAD~1..HEAD"]] {
        let (status, report) = audit(&scratch, "r", args);
        assert_eq!(status, 1);
        assert!(leak(&report, &key(1)).is_some());
    }
    assert!(!scratch.path("ran").exists());
}

#[test]
fn a_given_key_is_traced_even_if_no_rule_matches_it() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let password = "hunter2-and-not-a-key".to_owned();
    scratch.write("r/a", format!("{} {password} {}", key(1), key(2)));
    let introduction = scratch.commit("r", "in");
    scratch.git("r", &["rm", "-q", "a"]);
    scratch.commit("r", "out");
    for secret in [key(1), password] {
        let output =
            scratch.friskey_with("r", &["trace", "--format", "json"], format!("{secret}\n").as_bytes());
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains(&secret) && !text.contains(&key(2)[8..]));
        let report = report(&output);
        assert_eq!((&report["command"], report["leaks"].as_array().unwrap().len()), (&"trace".into(), 1));
        let leak = leak(&report, &secret).unwrap();
        assert_eq!(leak["introduced"][0]["commit"], introduction);
        assert_eq!(leak["status"], "removed");
    }
    let status = |input: &str| scratch.friskey_with("r", &["trace"], input.as_bytes()).status.code().unwrap();
    assert_eq!(status(&key(3)), 0);
    assert_eq!(status(""), 2);
    assert_eq!(status("short"), 2);
    let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "r");
    assert_eq!(
        command.args(["trace", "--env", "K"]).env("K", key(2)).output().unwrap().status.code(),
        Some(1)
    );
    assert_eq!(scratch.friskey("r", &["trace", "--env", "NOT_SET"]).status.code(), Some(2));
}

#[test]
fn an_audit_with_missing_objects_is_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/sub/a", "some text\n");
    scratch.commit("r", "add");
    let url = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["config", "uploadpack.allowFilter", "true"]);
    scratch.git("r", &["clone", "-q", "--bare", "--filter=blob:none", &url, "../partial"]);
    let (status, report) = audit(&scratch, "partial", &[]);
    assert_eq!(status, 3, "{report:#}");
    let id = scratch.git("r", &["rev-parse", "HEAD:sub/a"]);
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    std::fs::remove_file(scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
    let (status, report) = audit(&scratch, "r", &[]);
    assert_eq!(status, 3);
    assert!(report["coverage"]["skipped"][0]["what"].as_str().unwrap().contains(&id));
}

/// Removes one object after another from the list of all objects that git prints, loose or packed, and expects an audit to
/// report each.
#[test]
fn any_missing_object_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // A directory with more entries than are read around a change of the directory.
    for number in 0..400 {
        scratch.write(&format!("r/wide/file-{number:04}"), format!("{number}\n"));
    }
    for version in 0..5 {
        scratch.write(&format!("r/wide/file-{:04}", version * 90), format!("version {version}\n"));
        scratch.write("r/deep/er/file", format!("deep {version}\n"));
        scratch.commit("r", "version");
    }
    scratch.git("r", &["tag", "-am", "one", "one", "HEAD~1"]);
    scratch.git("r", &["rm", "-rq", "deep"]);
    scratch.commit("r", "gone");
    let all =
        scratch.git("r", &["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]);
    let tips = scratch.git("r", &["for-each-ref", "--format=%(objectname)"]);
    let is_not_tip = |line: &&str| !tips.contains(&line[..40]);
    let objects: Vec<&str> = all.lines().filter(is_not_tip).collect();
    let trees = objects.iter().filter(|line| !line.ends_with("blob"));
    let blobs = objects.iter().filter(|line| line.ends_with("blob")).step_by(40);
    let path = |id: &str| scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]));
    let assert_reported = |id: &str| {
        let (status, report) = audit(&scratch, "r", &["--threads", "1"]);
        let skipped = report["coverage"]["skipped"].as_array().unwrap();
        let is_skip = skipped.iter().any(|skip| skip["what"].as_str().unwrap().contains(id));
        assert!(status == 3 && is_skip, "{id}: {status} {skipped:?}");
    };
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    for (nth, line) in trees.chain(blobs).enumerate() {
        let id = &line[..40];
        let content = std::fs::read(path(id)).unwrap();
        std::fs::remove_file(path(id)).unwrap();
        assert_reported(id);
        // The same with all other objects in a pack, as deltas.
        if nth % 4 == 0 {
            let others: Vec<&str> =
                all.lines().map(|line| &line[..40]).filter(|other| *other != id).collect();
            let input = others.join("\n") + "\n";
            let args = ["pack-objects", "-q", ".git/objects/pack/pack"];
            let name = scratch.git_with("r", &args, input.as_bytes());
            scratch.git("r", &["prune-packed", "-q"]);
            assert_reported(id);
            let pack = scratch.path(&format!("r/.git/objects/pack/pack-{name}.pack"));
            let moved = scratch.path("moved.pack");
            std::fs::rename(&pack, &moved).unwrap();
            std::fs::remove_file(pack.with_extension("idx")).unwrap();
            let bytes = std::fs::read(moved).unwrap();
            assert!(scratch.try_git("r", &["unpack-objects", "-q"], &bytes).status.success());
        }
        std::fs::create_dir_all(path(id).parent().unwrap()).unwrap();
        std::fs::write(path(id), content).unwrap();
    }
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
}

#[test]
fn a_large_packed_blob_is_reported_completely() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/large.log", [b"line\n".repeat(4 << 20), key(1).into_bytes()].concat());
    scratch.commit("r", "large");
    scratch.git("r", &["gc", "-q"]);
    for args in [&[][..], &["--range", "HEAD"]] {
        let (status, report) = audit(&scratch, "r", args);
        assert_eq!(status, 1, "{args:?}");
        let finding = &leak(&report, &key(1)).unwrap()["findings"][0];
        assert_eq!(
            (&finding["path"], finding["start"]["line"].as_u64()),
            (&"large.log".into(), Some((4 << 20) + 1))
        );
    }
}

/// A link to `/dev/zero`, which never ends, in place of a file of the git directory is an error or a skip.
#[cfg(unix)]
#[test]
fn no_endless_file_in_a_git_dir_stalls_a_command() {
    for name in ["HEAD", "config", "packed-refs", "index", "refs/heads/main", "objects/info/alternates"] {
        let scratch = Scratch::new();
        scratch.repository("r");
        scratch.write("r/a.txt", "a");
        scratch.commit("r", "first");
        scratch.write("r/a.txt", "b");
        scratch.commit("r", "second");
        let path = scratch.path("r/.git").join(name);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let commands: [&[&str]; 3] =
            [&["history", "."], &["history", "--range", "HEAD~1..HEAD", "."], &["staged"]];
        for command in commands {
            let output = scratch.friskey("r", command);
            let status = output.status.code();
            assert!(matches!(status, Some(2 | 3)), "{name}, {command:?}: {status:?}");
            let printed = [output.stdout, output.stderr].concat();
            let file_name = name.rsplit('/').next().unwrap();
            assert!(String::from_utf8_lossy(&printed).contains(file_name), "{name}, {command:?}");
        }
    }
}

/// A file with a name that git gives to derived files is searched. An alternate may be any directory of the machine, so
/// only its objects are searched, not its other files.
#[test]
fn files_with_names_of_derived_files_are_searched_and_alternates_are_not_walked() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a.txt", "a");
    scratch.commit("r", "first");
    scratch.write("r/.git/objects/pack/pack-1.rev", format!("RIDX {} ", key(1)));
    scratch.write("other/notes.txt", key(2));
    let other = scratch.path("other").display().to_string();
    scratch.write("r/.git/objects/info/alternates", format!("{other}\n"));
    let output = scratch.friskey("r", &["history", "--format", "json", "."]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let leaks = report["leaks"].as_array().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(leaks.len(), 1, "{report}");
    assert!(leaks[0]["findings"][0]["path"].as_str().unwrap().ends_with("pack-1.rev"));
}

#[test]
fn an_audit_with_a_ref_to_a_missing_object_is_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", "a");
    scratch.commit("r", "clean");
    let missing_id = "12".repeat(20);
    scratch.write("r/.git/refs/heads/lost", format!("{missing_id}\n"));
    scratch.write("r/.git/packed-refs", format!("{missing_id} refs/tags/lost\n"));
    let output = scratch.friskey("r", &["history", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let skipped = report(&output)["coverage"]["skipped"].to_string();
    assert!(skipped.contains("refs/heads/lost") && skipped.contains("refs/tags/lost"), "{skipped}");
}

#[test]
fn object_directories_of_the_environment_are_skips() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.repository("other");
    let audit = |variable: &str, directory: &std::path::Path| {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "r");
        let output = run(command.args(["history", "--format", "json"]).env(variable, directory), b"");
        (output.status.code(), report(&output)["coverage"]["skipped"].to_string())
    };
    for variable in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"] {
        let (status, skipped) = audit(variable, &scratch.path("other/.git/objects"));
        assert_eq!(status, Some(3), "{variable}: {skipped}");
        assert!(skipped.contains("only hooks and `staged` read it"), "{skipped}");
        let own = audit(variable, &scratch.path("r/.git/objects"));
        assert_eq!(own, (Some(0), "[]".to_owned()), "{variable}");
    }
}
