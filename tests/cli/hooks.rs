//! `friskey staged` and `friskey hook`, with real git.

use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, key, leak, report};

fn staged(scratch: &Scratch, args: &[&str]) -> (i32, Value) {
    let output = scratch.friskey("r", &[&["staged", "--format", "json"], args].concat());
    (output.status.code().unwrap(), report(&output))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_index_is_scanned_and_not_the_work_tree() {
    let scratch = Scratch::new();
    scratch.repository("r");
    assert_eq!(staged(&scratch, &[]).0, 0, "nothing staged is clean");
    scratch.write("r/a", format!("x\nk={}\n", key(1)));
    assert_eq!(staged(&scratch, &[]).0, 0, "not staged");
    scratch.git("r", &["add", "a"]);
    scratch.write("r/a", "taken out of the work tree");
    let (status, report) = staged(&scratch, &[]);
    assert_eq!(status, 1);
    let finding = &leak(&report, &key(1)).unwrap()["findings"][0];
    assert_eq!((&finding["surface"], &finding["path"]), (&"index".into(), &"a".into()));
    assert_eq!((&finding["start"]["line"], &finding["start"]["column"]), (&2.into(), &3.into()));
    assert_eq!((report["command"].as_str(), report["coverage"]["files"].as_u64()), (Some("staged"), Some(1)));
}

#[test]
fn only_what_the_index_holds_more_often_than_head_blocks() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/old.env", format!("A={}\n", key(1)));
    scratch.commit("r", "old");
    let status = |_what: &str| {
        scratch.git("r", &["add", "-A"]);
        staged(&scratch, &[]).0
    };
    scratch.write("r/old.env", format!("# touched\nA={}\n", key(1)));
    assert_eq!(status("touched"), 0);
    scratch.git("r", &["mv", "old.env", "moved.env"]);
    assert_eq!(status("moved and touched"), 0);
    scratch.write("r/copy.env", key(1));
    assert_eq!(status("copied"), 1);
    scratch.git("r", &["rm", "-q", "-f", "copy.env"]);
    scratch.write("r/moved.env", format!("A={}\nB={}\n", key(1), key(1)));
    assert_eq!(status("copied within the file"), 1);
    scratch.write("r/moved.env", format!("A={}\nB={}\n", key(1), key(2)));
    assert_eq!(status("a new one beside the old"), 1);
    let (_, report) = staged(&scratch, &[]);
    assert!(leak(&report, &key(1)).is_none() && leak(&report, &key(2)).is_some());
    scratch.git("r", &["rm", "-q", "-f", "moved.env"]);
    assert_eq!(status("only deleted"), 0);
}

#[test]
fn named_files_are_scanned_whole_when_the_index_has_not_changed_them() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/sub/old.env", key(1));
    scratch.commit("r", "old");
    scratch.write("r/new", key(2));
    scratch.write("r/other", key(3));
    scratch.git("r", &["add", "-A"]);
    let found = |args: &[&str]| {
        let (_, report) = staged(&scratch, args);
        [1, 2, 3].map(|number| leak(&report, &key(number)).is_some())
    };
    assert_eq!(found(&[]), [false, true, true]);
    assert_eq!(found(&["new"]), [false, true, false]);
    assert_eq!(found(&["sub/old.env", "README"]), [true, false, false]);
    let output = scratch.friskey("r/sub", &["staged", "--format", "json", "old.env", "../new"]);
    assert!(leak(&report(&output), &key(1)).is_some() && leak(&report(&output), &key(2)).is_some());
    scratch.write("r/untracked", key(4));
    assert_eq!(staged(&scratch, &["untracked"]).0, 3, "no input matched");
    assert_eq!(scratch.friskey("r", &["staged", "/etc/hostname"]).status.code(), Some(2));
}

#[test]
fn an_unborn_branch_a_conflict_and_intent_to_add() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("r")).unwrap();
    scratch.git("r", &["init", "-q", "-b", "main"]);
    assert_eq!(staged(&scratch, &[]).0, 0);
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-N", "a"]);
    assert_eq!(staged(&scratch, &[]).0, 0, "nothing of it would be committed");
    scratch.git("r", &["add", "a"]);
    assert_eq!(staged(&scratch, &[]).0, 1);
    scratch.write("r/a", "base\n");
    scratch.commit("r", "base");
    scratch.git("r", &["checkout", "-q", "-b", "side"]);
    scratch.write("r/a", key(2));
    scratch.commit("r", "side");
    scratch.git("r", &["checkout", "-q", "main"]);
    scratch.write("r/a", "main\n");
    scratch.commit("r", "main");
    scratch.try_git("r", &["merge", "side"], b"");
    assert_eq!(staged(&scratch, &[]).0, 1, "one side of the conflict holds a key");
}

#[test]
fn installed_hooks_let_clean_commits_pass_and_block_leaks() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let installed = scratch.friskey("r", &["hook", "install"]);
    assert!(installed.status.success(), "{}", stderr(&installed));
    let head = || scratch.git("r", &["rev-parse", "HEAD"]);
    let commit = |args: &[&str]| scratch.try_git("r", &[&["commit", "-q"], args].concat(), b"");
    scratch.write("r/clean", "clean\n");
    scratch.git("r", &["add", "-A"]);
    assert!(commit(&["-m", "clean"]).status.success());
    let before = head();
    // a plain commit
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-A"]);
    let output = commit(&["-m", "leak"]);
    let said = stderr(&output);
    assert!(!output.status.success());
    assert!(said.contains("a:1:1: openai-project-key sk-proj-…"), "{said}");
    assert!(said.contains("friskey:allow") && said.lines().count() < 8, "{said}");
    assert!(!said.contains(&key(1)[8..40]));
    // what is staged stays staged
    assert_eq!(scratch.git("r", &["diff", "--cached", "--name-only"]), "a");
    // by path, with -a, amended
    scratch.git("r", &["reset", "-q"]);
    std::fs::remove_file(scratch.path("r/a")).unwrap();
    scratch.write("r/clean", key(2));
    assert!(!commit(&["-m", "by path", "clean"]).status.success());
    assert!(!commit(&["-a", "-m", "all"]).status.success());
    scratch.git("r", &["add", "-A"]);
    assert!(!commit(&["--amend", "-m", "amended"]).status.success());
    assert_eq!(head(), before);
    scratch.git("r", &["reset", "-q", "--hard"]);
    // the message
    let output = commit(&["--allow-empty", "-m", &format!("with {}", key(3))]);
    assert!(
        !output.status.success() && stderr(&output).contains("commit message:1:6"),
        "{}",
        stderr(&output)
    );
    assert!(commit(&["--allow-empty", "-m", "without"]).status.success());
    // only a path of several, while another one holds a key: git gives the hook a temporary index
    scratch.write("r/x", "fine\n");
    scratch.write("r/y", key(4));
    scratch.git("r", &["add", "-A"]);
    assert!(commit(&["-m", "only x", "x"]).status.success());
    assert!(!commit(&["-m", "y, too"]).status.success());
    // a merge that brings a key in
    scratch.git("r", &["reset", "-q", "--hard"]);
    scratch.git("r", &["checkout", "-q", "-b", "side", "HEAD~1"]);
    scratch.write("r/side", key(5));
    scratch.git("r", &["add", "-A"]);
    scratch.git("r", &["commit", "-q", "--no-verify", "-m", "side"]);
    scratch.git("r", &["checkout", "-q", "main"]);
    let merge = scratch.try_git("r", &["merge", "-q", "--no-ff", "--no-commit", "side"], b"");
    assert!(merge.status.success());
    assert!(!commit(&["-m", "merge"]).status.success());
}

#[test]
fn hooks_work_from_a_linked_work_tree_and_a_subfolder() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git("r", &["worktree", "add", "-q", "../linked"]);
    assert!(scratch.friskey("linked", &["hook", "install"]).status.success());
    scratch.write("linked/sub/a", key(1));
    scratch.git("linked", &["add", "-A"]);
    assert!(!scratch.try_git("linked/sub", &["commit", "-q", "-m", "leak"], b"").status.success());
    scratch.git("linked", &["rm", "-q", "-f", "sub/a"]);
    scratch.write("linked/b", "clean");
    scratch.git("linked", &["add", "-A"]);
    assert!(scratch.try_git("linked", &["commit", "-q", "-m", "clean"], b"").status.success());
}

#[test]
fn pushes_are_judged_by_the_commits_that_they_bring() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git("r", &["init", "-q", "--bare", "../bare.git"]);
    scratch.git("r", &["remote", "add", "origin", "../bare.git"]);
    scratch.git("r", &["push", "-q", "origin", "main"]);
    assert!(scratch.friskey("r", &["hook", "install", "--hook", "pre-push"]).status.success());
    let push = |args: &[&str]| scratch.try_git("r", &[&["push", "-q", "origin"], args].concat(), b"");
    scratch.write("r/a", "clean");
    scratch.commit("r", "clean");
    assert!(push(&["main"]).status.success());
    // it came and went within what is pushed
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.write("r/a", "clean again");
    scratch.commit("r", "out");
    let output = push(&["main"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("the push is blocked, it holds a key"), "{}", stderr(&output));
    // a new branch, and a tag
    assert!(!push(&["main:new"]).status.success());
    scratch.git("r", &["tag", "-a", "v1", "-m", "v1"]);
    assert!(!push(&["v1"]).status.success());
    assert!(!push(&["HEAD~2:refs/heads/fine", "main:refs/heads/bad"]).status.success(), "every line counts");
    assert!(push(&["HEAD~2:refs/heads/fine"]).status.success());
    assert!(push(&[":fine"]).status.success(), "a deletion brings nothing");
    // a tag's message, on a commit that is there
    scratch.git("r", &["reset", "-q", "--hard", "origin/main"]);
    scratch.git("r", &["tag", "-a", "v2", "-m", &key(2)]);
    assert!(!push(&["v2"]).status.success());
}

#[test]
fn a_server_refuses_what_brings_a_key() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git("r", &["init", "-q", "--bare", "../bare.git"]);
    scratch.git("r", &["remote", "add", "origin", "../bare.git"]);
    let installed = scratch.friskey("bare.git", &["hook", "install"]);
    assert!(String::from_utf8_lossy(&installed.stdout).contains("pre-receive"), "{}", stderr(&installed));
    let push = |args: &[&str]| scratch.try_git("r", &[&["push", "-q", "origin"], args].concat(), b"");
    let first = push(&["main"]);
    assert!(first.status.success(), "{}", stderr(&first));
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.write("r/a", "");
    scratch.commit("r", "out");
    let output = push(&["main"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("the push is refused, it holds a key"), "{}", stderr(&output));
    assert!(!push(&["main:refs/heads/other"]).status.success());
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    scratch.write("r/b", "clean");
    scratch.commit("r", "clean");
    let output = push(&["main"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let left = std::fs::read_dir(scratch.path("bare.git/objects")).unwrap();
    assert!(
        left.filter_map(Result::ok).all(|entry| !entry.file_name().to_string_lossy().contains("incoming"))
    );
}

#[cfg(unix)]
#[test]
fn a_hook_that_was_there_goes_on_running_and_comes_back() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.repository("r");
    let own = scratch.write("r/.git/hooks/pre-push", "#!/bin/sh\ncat > \"$HOME/seen\"\n");
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o755)).unwrap();
    let install = || scratch.friskey("r", &["hook", "install"]);
    assert!(install().status.success());
    let text = std::fs::read(&own).unwrap();
    assert!(install().status.success());
    assert_eq!(std::fs::read(&own).unwrap(), text, "installing twice is installing once");
    scratch.git("r", &["init", "-q", "--bare", "../bare.git"]);
    assert!(scratch.try_git("r", &["push", "-q", "../bare.git", "main"], b"").status.success());
    let seen = std::fs::read_to_string(scratch.path("seen")).unwrap();
    assert!(seen.starts_with("refs/heads/main ") && seen.ends_with('\n'), "{seen:?}");
    assert!(scratch.friskey("r", &["hook", "uninstall"]).status.success());
    assert!(std::fs::read_to_string(&own).unwrap().contains("seen"));
    let left: Vec<_> = std::fs::read_dir(scratch.path("r/.git/hooks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".sample"))
        .collect();
    assert_eq!(left, ["pre-push"]);
}

#[test]
fn hook_managers_keep_their_place() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let own = scratch.write("r/.git/hooks/pre-commit", "#!/bin/sh\n# File generated by pre-commit: x\n");
    let output = scratch.friskey("r", &["hook", "install"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(".pre-commit-config.yaml"));
    assert!(!scratch.path("r/.git/hooks/pre-push").exists(), "all or nothing");
    assert!(std::fs::read_to_string(own).unwrap().contains("File generated"));
    // the folder that git really uses
    scratch.repository("c");
    scratch.git("c", &["config", "core.hooksPath", "my/hooks"]);
    assert!(scratch.friskey("c", &["hook", "install", "--hook", "pre-commit"]).status.success());
    assert!(scratch.path("c/my/hooks/pre-commit").is_file());
}
