//! Tests `friskey history` on real repositories.

use crate::support::{Scratch, key, leak, report, strings};
use serde_json::Value;

/// Runs the audit of `repo` and gives its exit status and report.
fn audit(scratch: &Scratch, repo: &str, args: &[&str]) -> (i32, Value) {
    let output = scratch.friskey(repo, &[&["history", "--format", "json"], args].concat());
    let report = report(&output);
    (output.status.code().unwrap(), report)
}

fn surfaces(leak: &Value) -> Vec<&str> {
    leak["findings"].as_array().unwrap().iter().map(|finding| finding["surface"].as_str().unwrap()).collect()
}

/// A repository with a different key in every place where git stores bytes, and the list of them.
pub(crate) fn every_surface(scratch: &Scratch) -> Vec<(&'static str, &'static str, String)> {
    let mut number = 0;
    let mut places = Vec::new();
    let mut put = |what: &'static str, surface: &'static str| {
        number += 1;
        places.push((what, surface, key(number)));
        key(number)
    };
    let git = |args: &[&str]| scratch.git("r", args);
    scratch.repository("r");
    scratch.write("r/a.txt", format!("x = {}\n", put("a blob at the tip", "blob")));
    scratch.write("r/sub/deep/.env", format!("K={}\n", put("a hidden file in a directory", "blob")));
    scratch.write("r/b.bin", [b"\0\x01".as_slice(), put("a binary", "blob").as_bytes(), b"\xff"].concat());
    scratch.write("r/.gitattributes", format!("*.x -diff # {}\n", put("attributes", "blob")));
    scratch.write("r/old.txt", put("a file removed later", "blob"));
    scratch.commit("r", "add");
    git(&["rm", "-q", "old.txt"]);
    scratch.commit("r", "remove");
    scratch.commit("r", &format!("a message with {}", put("a commit message", "commit-message")));
    git(&["-c", &format!("user.name={}", put("config given", "none")), "status"]);
    let name = put("an author's name", "identity");
    git(&["commit", "-q", "--allow-empty", "-m", "author", &format!("--author={name} <x@y>")]);
    git(&["tag", "-a", "v1", "-m", &format!("tagged {}", put("a tag message", "tag-message"))]);
    git(&["branch", &format!("feature/{}", put("a branch name", "ref-name"))]);
    git(&["tag", &put("a tag name", "ref-name")]);
    git(&["notes", "add", "-m", &format!("noted {}", put("a note", "note"))]);
    scratch.write(&format!("r/{}.txt", put("a file name", "file-name")), "x");
    scratch.write(&format!("r/{}/x", put("a directory name", "file-name")), "x");
    scratch.commit("r", "names");
    // a merge that adds what neither side has
    git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    scratch.write("r/side", "s\n");
    scratch.commit("r", "side");
    git(&["checkout", "-q", "main"]);
    git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    scratch.write("r/merged", put("only in a merge", "blob"));
    scratch.commit("r", "merge");
    // another ref than branches and tags
    let tip = git(&["rev-parse", "HEAD"]);
    scratch.write("r/pull", put("only in refs/pull", "blob"));
    let pulled = scratch.commit("r", "pull");
    git(&["update-ref", "refs/pull/1/head", &pulled]);
    git(&["reset", "-q", "--hard", &tip]);
    // amended, dropped
    scratch.write("r/amended", put("amended away", "unreachable"));
    scratch.commit("r", "to be amended");
    scratch.write("r/amended", "nothing");
    git(&["add", "-A"]);
    git(&["commit", "-q", "--amend", "-m", "amended"]);
    // stash: the work tree, the index, untracked files
    scratch.write("r/README", put("stashed, work tree", "stash"));
    scratch.write("r/untracked", put("stashed, untracked", "stash"));
    git(&["stash", "-q", "-u"]);
    scratch.write("r/README", put("stashed earlier", "stash"));
    git(&["stash", "-q"]);
    scratch.write("r/README", "again\n");
    git(&["stash", "-q"]);
    // staged and never committed; staged and then replaced
    scratch.write("r/staged", put("staged, then unstaged", "unreachable"));
    git(&["add", "staged"]);
    scratch.write("r/staged", put("staged", "index"));
    git(&["add", "staged"]);
    // an object that nothing names
    let loose = put("a dangling blob", "unreachable");
    let output = scratch.try_git("r", &["hash-object", "-w", "--stdin"], loose.as_bytes());
    assert!(output.status.success());
    // a commit header of its own
    let header = put("a commit header", "commit-header");
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
    git(&["update-ref", "refs/heads/headed", id.trim()]);
    // plain files
    let url = format!("https://x:{}@example.org/r.git", put("a remote's URL", "config"));
    git(&["remote", "add", "origin", &url]);
    scratch.write("r/.git/hooks/pre-push", format!("#!/bin/sh\n# {}\n", put("a hook", "hook")));
    scratch.write("r/.git/MERGE_MSG.bak", put("a left-over file", "git-file"));
    scratch.write("r/.git/lfs/objects/ab/cd/abcd", put("an LFS object", "lfs"));
    git(&[
        "update-ref",
        "-m",
        &format!("because {}", put("a reflog message", "reflog")),
        "refs/heads/side",
        &tip,
    ]);
    // a submodule's own database
    scratch.repository("m");
    scratch.write("m/file", put("a submodule's blob", "submodule"));
    scratch.commit("m", "in the submodule");
    std::fs::create_dir_all(scratch.path("r/.git/modules/lib")).unwrap();
    let to = scratch.path("r/.git/modules/lib/m");
    scratch.git("m", &["clone", "-q", "--bare", ".", to.to_str().unwrap()]);
    places
}

pub(crate) fn assert_all_found(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let (status, report) = audit(scratch, "r", &[]);
    assert_eq!(status, 1, "{report:#}");
    let mut wrong = Vec::new();
    for (what, surface, key) in places.iter().filter(|(_, surface, _)| *surface != "none") {
        match leak(&report, key) {
            Some(leak) if surfaces(leak).contains(surface) => {}
            Some(leak) => wrong.push(format!("{what}: {:?}, not {surface}", surfaces(leak))),
            None => wrong.push(format!("{what}: missed")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 0, "{report:#}");
    let named = strings(&report["coverage"]["surfaces"]);
    for surface in friskey::scan::HISTORY_SURFACES {
        assert!(named.contains(&surface.name()), "{surface} is missing from the receipt");
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
fn the_whole_history_of_a_key_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let secret = key(1);
    scratch.write("r/a.env", format!("# config\nKEY={secret}\n"));
    let came = scratch.commit("r", "in");
    scratch.git("r", &["tag", "v1"]);
    scratch.git("r", &["mv", "a.env", "b.env"]);
    scratch.commit("r", "moved");
    scratch.write("r/b.env", "KEY=\n");
    let went = scratch.commit("r", "out");
    scratch.write("r/c.env", format!("KEY={secret}\n"));
    let again = scratch.commit("r", "again");
    scratch.git("r", &["rm", "-q", "c.env"]);
    let gone = scratch.commit("r", "out again");
    let (status, report) = audit(&scratch, "r", &[]);
    assert_eq!(status, 1);
    let leak = leak(&report, &secret).unwrap();
    let commits = |list: &str| -> Vec<String> {
        leak[list].as_array().unwrap().iter().map(|c| c["commit"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(commits("introduced"), [came, again]);
    assert_eq!(commits("removed"), [went, gone]);
    assert_eq!(leak["status"], "present", "the tag still has it");
    assert_eq!(strings(&leak["refs_at_tip"]), ["refs/tags/v1"]);
}

#[test]
fn an_empty_and_a_clean_repository_are_clean() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("r")).unwrap();
    scratch.git("r", &["init", "-q"]);
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    scratch.repository("c");
    let (status, report) = audit(&scratch, "c", &[]);
    assert_eq!((status, &report["status"]), (0, &"clean".into()), "{report:#}");
}

#[test]
fn surfaces_can_be_switched() {
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
    let from = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["clone", "-q", "--depth", "1", &from, "../s"]);
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

/// `main`: an old key, then a commit that changes its file and adds a new one, which the next removes.
fn ranged(scratch: &Scratch) -> [String; 3] {
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
fn a_range_is_judged_by_what_its_commits_introduce() {
    let scratch = Scratch::new();
    let [old, new, gone] = ranged(&scratch);
    let found = |range: &str| {
        let (status, report) = audit(&scratch, "r", &["--range", range]);
        (status, [1, 2, 3].map(|number| leak(&report, &key(number)).is_some()))
    };
    assert_eq!(found(&format!("{old}..{gone}")), (1, [false, true, true]), "came and went");
    assert_eq!(found(&format!("{old}..{new}")), (1, [false, true, true]));
    assert_eq!(found(&format!("{new}..{gone}")), (0, [false; 3]), "only deletes");
    assert_eq!(found(&format!("{gone}..{gone}")), (0, [false; 3]), "empty");
    assert_eq!(found("HEAD"), (1, [true; 3]));
    assert_eq!(found("HEAD --not HEAD~1"), (0, [false; 3]));
    let (_, report) = audit(&scratch, "r", &["--range", &format!("{old}..{gone}")]);
    assert_eq!(report["coverage"]["commits"], 2);
    let leak = leak(&report, &key(2)).unwrap();
    assert_eq!(leak["introduced"][0]["commit"], new);
    assert_eq!(leak["removed"][0]["commit"], gone);
    assert_eq!(leak["status"], "removed");
    assert_eq!(leak["findings"][0]["path"], "new.env");
}

#[test]
fn a_range_that_cannot_be_resolved_is_never_clean() {
    let scratch = Scratch::new();
    ranged(&scratch);
    let (status, report) =
        audit(&scratch, "r", &["--range", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef..HEAD"]);
    assert_eq!((status, &report["status"]), (3, &"incomplete".into()));
    let reason = report["coverage"]["skipped"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("fetch"), "{reason}");
    assert_eq!(audit(&scratch, "r", &["--range", "HEAD^!"]).0, 3);
    // A variable without a value asks neither for everything nor for nothing.
    for nothing in ["", " ", "..", "..."] {
        let output = scratch.friskey("r", &["history", "--range", nothing]);
        assert_eq!(output.status.code(), Some(2), "{nothing}");
    }
    let from = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["clone", "-q", "--depth", "1", &from, "../s"]);
    let (status, _) = audit(&scratch, "s", &["--range", "HEAD~2..HEAD"]);
    assert_eq!(status, 3);
}

#[test]
fn nothing_of_the_repository_is_run_or_obeyed() {
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
fn one_known_key_is_traced_whatever_it_looks_like() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let odd = "hunter2-and-not-a-key".to_owned();
    scratch.write("r/a", format!("{} {odd} {}", key(1), key(2)));
    let came = scratch.commit("r", "in");
    scratch.git("r", &["rm", "-q", "a"]);
    scratch.commit("r", "out");
    for secret in [key(1), odd] {
        let output =
            scratch.friskey_with("r", &["trace", "--format", "json"], format!("{secret}\n").as_bytes());
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains(&secret) && !text.contains(&key(2)[8..]));
        let report = report(&output);
        assert_eq!((&report["command"], report["leaks"].as_array().unwrap().len()), (&"trace".into(), 1));
        let leak = leak(&report, &secret).unwrap();
        assert_eq!(leak["introduced"][0]["commit"], came);
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
fn missing_objects_are_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/sub/a", "some text\n");
    scratch.commit("r", "add");
    let from = format!("file://{}", scratch.path("r").display());
    scratch.git("r", &["config", "uploadpack.allowFilter", "true"]);
    scratch.git("r", &["clone", "-q", "--bare", "--filter=blob:none", &from, "../partial"]);
    let (status, report) = audit(&scratch, "partial", &[]);
    assert_eq!(status, 3, "{report:#}");
    let id = scratch.git("r", &["rev-parse", "HEAD:sub/a"]);
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    std::fs::remove_file(scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
    let (status, report) = audit(&scratch, "r", &[]);
    assert_eq!(status, 3);
    assert!(report["coverage"]["skipped"][0]["what"].as_str().unwrap().contains(&id));
}

/// Whatever single object is gone, loose or packed, near the tip or far back: git's own list is the oracle.
#[test]
fn any_missing_object_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // A directory larger than the part that is examined around a change in it.
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
    let is_old = |line: &&str| !tips.contains(&line[..40]);
    let objects: Vec<&str> = all.lines().filter(is_old).collect();
    let trees = objects.iter().filter(|line| !line.ends_with("blob"));
    let blobs = objects.iter().filter(|line| line.ends_with("blob")).step_by(40);
    let path = |id: &str| scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]));
    let is_told = |id: &str| {
        let (status, report) = audit(&scratch, "r", &["--threads", "1"]);
        let skipped = report["coverage"]["skipped"].as_array().unwrap();
        let named = skipped.iter().any(|skip| skip["what"].as_str().unwrap().contains(id));
        assert!(status == 3 && named, "{id}: {status} {skipped:?}");
    };
    assert_eq!(audit(&scratch, "r", &[]).0, 0);
    for (nth, line) in trees.chain(blobs).enumerate() {
        let id = &line[..40];
        let kept = std::fs::read(path(id)).unwrap();
        std::fs::remove_file(path(id)).unwrap();
        is_told(id);
        // The same with all others in a pack, as deltas.
        if nth % 4 == 0 {
            let others: Vec<&str> =
                all.lines().map(|line| &line[..40]).filter(|other| *other != id).collect();
            let input = others.join("\n") + "\n";
            let name =
                scratch.try_git("r", &["pack-objects", "-q", ".git/objects/pack/pack"], input.as_bytes());
            let name = String::from_utf8(name.stdout).unwrap();
            scratch.git("r", &["prune-packed", "-q"]);
            is_told(id);
            let pack = scratch.path(&format!("r/.git/objects/pack/pack-{}.pack", name.trim()));
            let moved = scratch.path("moved.pack");
            std::fs::rename(&pack, &moved).unwrap();
            std::fs::remove_file(pack.with_extension("idx")).unwrap();
            let bytes = std::fs::read(moved).unwrap();
            assert!(scratch.try_git("r", &["unpack-objects", "-q"], &bytes).status.success());
        }
        std::fs::create_dir_all(path(id).parent().unwrap()).unwrap();
        std::fs::write(path(id), kept).unwrap();
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
        let found = &leak(&report, &key(1)).unwrap()["findings"][0];
        assert_eq!(
            (&found["path"], found["start"]["line"].as_u64()),
            (&"large.log".into(), Some((4 << 20) + 1))
        );
    }
}

/// A file of a git directory that would stall or exhaust whoever reads it ends every command with status 2 or 3.
#[cfg(unix)]
#[test]
fn no_file_of_a_git_dir_stalls_a_command() {
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
            let last = name.rsplit('/').next().unwrap();
            assert!(String::from_utf8_lossy(&printed).contains(last), "{name}, {command:?}");
        }
    }
}

/// What lies in the file of an index, or in any directory of the machine that alternates name.
#[test]
fn files_that_git_derives_are_searched_and_alternates_are_not_walked() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a.txt", "a");
    scratch.commit("r", "first");
    let (derived, elsewhere) = (key(1), key(2));
    scratch.write("r/.git/objects/pack/pack-1.rev", format!("RIDX {derived} "));
    scratch.write("other/notes.txt", &elsewhere);
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
fn a_ref_to_an_object_that_is_not_there_is_never_clean() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", "a");
    scratch.commit("r", "clean");
    let lost = "12".repeat(20);
    scratch.write("r/.git/refs/heads/lost", format!("{lost}\n"));
    scratch.write("r/.git/packed-refs", format!("{lost} refs/tags/lost\n"));
    let output = scratch.friskey("r", &["history", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let skipped = report(&output)["coverage"]["skipped"].to_string();
    assert!(skipped.contains("refs/heads/lost") && skipped.contains("refs/tags/lost"), "{skipped}");
}
