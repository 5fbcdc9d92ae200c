//! Tests `friskey staged`, and the hooks that friskey installs, with real git.

use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, key, leak, report, run};

/// The status and the report of `friskey staged` in `r`.
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
    scratch.write("r/a", "removed from the work tree");
    let (status, report) = staged(&scratch, &[]);
    assert_eq!(status, 1);
    let finding = &leak(&report, &key(1)).unwrap()["findings"][0];
    assert_eq!((&finding["surface"], &finding["path"]), (&"index".into(), &"a".into()));
    assert_eq!((&finding["start"]["line"], &finding["start"]["column"]), (&2.into(), &3.into()));
    assert_eq!((report["command"].as_str(), report["coverage"]["files"].as_u64()), (Some("staged"), Some(1)));
}

#[test]
fn a_relative_index_file_is_relative_to_the_top_of_the_work_tree() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/sub/k", format!("k={}\n", key(1)));
    let with_index = |program: &str, dir: &str, args: &[&str]| {
        let mut command = scratch.command(program, dir);
        run(command.args(args).env("GIT_INDEX_FILE", ".git/other"), b"")
    };
    std::fs::copy(scratch.path("r/.git/index"), scratch.path("r/.git/other")).unwrap();
    assert!(with_index("git", "r/sub", &["add", "k"]).status.success());
    for dir in ["r", "r/sub"] {
        assert_eq!(scratch.friskey(dir, &["staged"]).status.code(), Some(0), "{dir}");
        let output = with_index(env!("CARGO_BIN_EXE_friskey"), dir, &["staged"]);
        assert_eq!(output.status.code(), Some(1), "{dir}: {}", stderr(&output));
    }
}

#[test]
fn objects_in_the_directories_that_git_names_are_staged_too() {
    let scratch = Scratch::new();
    scratch.repository("r");
    std::fs::create_dir_all(scratch.path("r/quarantine")).unwrap();
    let quarantine = scratch.path("r/quarantine").display().to_string();
    let with_objects = |program: &str, dir: &str, args: &[&str], (name, value): (&str, &str)| {
        let mut command = scratch.command(program, dir);
        run(command.args(args).env(name, value), b"")
    };
    scratch.write("r/sub/k", format!("k={}\n", key(1)));
    let directory = ("GIT_OBJECT_DIRECTORY", "quarantine");
    let alternates =
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", scratch.path("r/.git/objects").display().to_string());
    let mut add = scratch.command("git", "r");
    add.args(["add", "sub/k"]).env(directory.0, directory.1).env(alternates.0, &alternates.1);
    assert!(run(&mut add, b"").status.success());
    let missing = format!("{quarantine}/missing:{quarantine}");
    for dir in ["r", "r/sub"] {
        assert_eq!(scratch.friskey(dir, &["staged"]).status.code(), Some(3), "{dir}");
        for variable in [
            directory,
            ("GIT_OBJECT_DIRECTORY", &quarantine),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "quarantine"),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &missing),
        ] {
            for command in [&["staged"][..], &["hook", "run", "pre-commit"]] {
                let output = with_objects(env!("CARGO_BIN_EXE_friskey"), dir, command, variable);
                assert_eq!(output.status.code(), Some(1), "{dir} {variable:?}: {}", stderr(&output));
            }
        }
    }
    let nowhere = ("GIT_OBJECT_DIRECTORY", "nowhere");
    let output = with_objects(env!("CARGO_BIN_EXE_friskey"), "r", &["staged"], nowhere);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn only_a_key_that_is_more_often_in_the_index_than_in_head_is_found() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/old.env", format!("A={}\n", key(1)));
    scratch.commit("r", "old");
    let assert_status = |change: &str, expected: i32| {
        scratch.git("r", &["add", "-A"]);
        assert_eq!(staged(&scratch, &[]).0, expected, "{change}");
    };
    scratch.write("r/old.env", format!("# touched\nA={}\n", key(1)));
    assert_status("touched", 0);
    scratch.git("r", &["mv", "old.env", "moved.env"]);
    assert_status("moved and touched", 0);
    scratch.write("r/copy.env", key(1));
    assert_status("copied", 1);
    scratch.git("r", &["rm", "-q", "-f", "copy.env"]);
    scratch.write("r/moved.env", format!("A={}\nB={}\n", key(1), key(1)));
    assert_status("copied within the file", 1);
    scratch.write("r/moved.env", format!("A={}\nB={}\n", key(1), key(2)));
    assert_status("a new one beside the old", 1);
    let (_, report) = staged(&scratch, &[]);
    assert!(leak(&report, &key(1)).is_none() && leak(&report, &key(2)).is_some());
    scratch.git("r", &["rm", "-q", "-f", "moved.env"]);
    assert_status("only deleted", 0);
}

#[test]
fn files_given_as_arguments_are_scanned_even_if_they_are_unchanged() {
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
fn staged_works_without_a_commit_in_a_conflict_and_with_intent_to_add() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("r")).unwrap();
    scratch.git("r", &["init", "-q", "-b", "main"]);
    assert_eq!(staged(&scratch, &[]).0, 0);
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-N", "a"]);
    assert_eq!(staged(&scratch, &[]).0, 0, "a commit would not contain the file");
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
    assert_eq!(staged(&scratch, &[]).0, 0, "the key in the conflict is already in the merged branch");
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
    // A commit of staged files.
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-A"]);
    let output = commit(&["-m", "leak"]);
    let message = stderr(&output);
    assert!(!output.status.success());
    assert!(message.contains("a:1:1: openai-project-key sk-proj-…"), "{message}");
    assert!(message.contains("friskey:allow") && message.lines().count() < 8, "{message}");
    assert!(message.contains("friskey baseline add ") && message.contains(" --reason '"), "{message}");
    assert!(!message.contains(&key(1)[8..40]));
    // The file is still staged.
    assert_eq!(scratch.git("r", &["diff", "--cached", "--name-only"]), "a");
    // Commits by path, with `-a`, and with `--amend`.
    scratch.git("r", &["reset", "-q"]);
    std::fs::remove_file(scratch.path("r/a")).unwrap();
    scratch.write("r/clean", key(2));
    assert!(!commit(&["-m", "by path", "clean"]).status.success());
    assert!(!commit(&["-a", "-m", "all"]).status.success());
    scratch.git("r", &["add", "-A"]);
    assert!(!commit(&["--amend", "-m", "amended"]).status.success());
    assert_eq!(head(), before);
    scratch.git("r", &["reset", "-q", "--hard"]);
    // A key in the commit message.
    let output = commit(&["--allow-empty", "-m", &format!("with {}", key(3))]);
    assert!(
        !output.status.success() && stderr(&output).contains("commit message:1:6"),
        "{}",
        stderr(&output)
    );
    assert!(commit(&["--allow-empty", "-m", "without"]).status.success());
    // A commit of one path while another staged path contains a key: git gives the hook a temporary index.
    scratch.write("r/x", "fine\n");
    scratch.write("r/y", key(4));
    scratch.git("r", &["add", "-A"]);
    assert!(commit(&["-m", "only x", "x"]).status.success());
    assert!(!commit(&["-m", "y, too"]).status.success());
    // A merge may contain what the other branch has; the push hook scans the merged commits.
    scratch.git("r", &["reset", "-q", "--hard"]);
    scratch.git("r", &["checkout", "-q", "-b", "side", "HEAD~1"]);
    scratch.write("r/side", key(5));
    scratch.git("r", &["add", "-A"]);
    scratch.git("r", &["commit", "-q", "--no-verify", "-m", "side"]);
    scratch.git("r", &["checkout", "-q", "main"]);
    let merge = scratch.try_git("r", &["merge", "-q", "--no-ff", "--no-commit", "side"], b"");
    assert!(merge.status.success());
    assert!(commit(&["-m", "merge"]).status.success());
}

/// A repository with hooks, a key on `main`, and the branch `topic`, which is checked out and started before the key. The
/// branches have a conflict if `has_conflict`.
fn topic_without_the_key_of_main(has_conflict: bool) -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/f", "base\n");
    scratch.commit("r", "base");
    scratch.git("r", &["checkout", "-q", "-b", "topic"]);
    scratch.write(if has_conflict { "r/f" } else { "r/t" }, "topic\n");
    scratch.commit("r", "topic");
    scratch.git("r", &["checkout", "-q", "main"]);
    scratch.write("r/old.env", format!("K={}\n", key(1)));
    scratch.write("r/f", "main\n");
    scratch.commit("r", "old key");
    scratch.git("r", &["checkout", "-q", "topic"]);
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    scratch
}

#[test]
fn merging_main_is_not_blocked_by_a_key_that_main_has() {
    // Without a conflict, `git merge` makes the commit and runs pre-merge-commit.
    let scratch = topic_without_the_key_of_main(false);
    let output = scratch.try_git("r", &["merge", "--no-edit", "main"], b"");
    assert!(output.status.success(), "{}", stderr(&output));
    // With a conflict, `git commit` makes it and runs pre-commit.
    let scratch = topic_without_the_key_of_main(true);
    assert!(!scratch.try_git("r", &["merge", "main"], b"").status.success());
    scratch.write("r/f", "both\n");
    scratch.git("r", &["add", "f"]);
    let output = scratch.try_git("r", &["commit", "-q", "-m", "merge"], b"");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_key_that_a_merge_adds_blocks_it() {
    let is_blocked = |files: &[(&str, String)]| {
        let scratch = topic_without_the_key_of_main(true);
        scratch.try_git("r", &["merge", "main"], b"");
        for (path, text) in files {
            scratch.write(path, text);
        }
        scratch.git("r", &["add", "-A"]);
        !scratch.try_git("r", &["commit", "-q", "-m", "merge"], b"").status.success()
    };
    let resolution = |text: &str| ("r/f", text.to_owned());
    assert!(is_blocked(&[resolution(&key(2))]), "in the resolution");
    assert!(is_blocked(&[resolution("both\n"), ("r/new.env", key(2))]), "in a further file");
    assert!(is_blocked(&[resolution(&key(1))]), "a copy of the old key");
    assert!(!is_blocked(&[resolution("both\n"), ("r/old.env", format!("# touched\nK={}\n", key(1)))]));
    // A merge without a conflict, to which a key is added before the commit.
    let scratch = topic_without_the_key_of_main(false);
    scratch.git("r", &["merge", "-q", "--no-commit", "main"]);
    scratch.write("r/new.env", key(2));
    scratch.git("r", &["add", "-A"]);
    assert!(!scratch.try_git("r", &["commit", "-q", "-m", "merge"], b"").status.success());
}

#[test]
fn an_octopus_merge_is_compared_with_all_its_parents() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for (number, branch) in [(1, "one"), (2, "two")] {
        scratch.git("r", &["checkout", "-q", "-b", branch, "main"]);
        scratch.write(&format!("r/{branch}"), key(number));
        scratch.commit("r", branch);
    }
    scratch.git("r", &["checkout", "-q", "main"]);
    scratch.write("r/third", "x");
    scratch.commit("r", "third");
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    scratch.git("r", &["merge", "-q", "--no-commit", "one", "two"]);
    assert_eq!(staged(&scratch, &[]).0, 0);
    scratch.write("r/third", key(3));
    scratch.git("r", &["add", "-A"]);
    let (status, report) = staged(&scratch, &[]);
    assert_eq!((status, report["leaks"].as_array().map(Vec::len)), (1, Some(1)));
    scratch.git("r", &["reset", "-q", "--hard"]);
    let output = scratch.try_git("r", &["merge", "--no-edit", "one", "two"], b"");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn hooks_work_from_a_linked_work_tree_and_a_subdir() {
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
fn a_push_is_blocked_if_the_commits_or_tags_that_it_adds_contain_a_key() {
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
    // The pushed commits add a key and remove it again.
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.write("r/a", "clean again");
    scratch.commit("r", "out");
    let output = push(&["main"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("the push is blocked: it contains a key"), "{}", stderr(&output));
    // A new branch, and a tag.
    assert!(!push(&["main:new"]).status.success());
    scratch.git("r", &["tag", "-a", "v1", "-m", "v1"]);
    assert!(!push(&["v1"]).status.success());
    assert!(
        !push(&["HEAD~2:refs/heads/fine", "main:refs/heads/bad"]).status.success(),
        "one of two refs has a key"
    );
    assert!(push(&["HEAD~2:refs/heads/fine"]).status.success());
    assert!(push(&[":fine"]).status.success(), "a deletion adds no commits");
    // A tag with a key in its message, on a commit that the remote has.
    scratch.git("r", &["reset", "-q", "--hard", "origin/main"]);
    scratch.git("r", &["tag", "-a", "v2", "-m", &key(2)]);
    assert!(!push(&["v2"]).status.success());
}

#[test]
fn a_server_rejects_pushes_that_add_a_key() {
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
    assert!(stderr(&output).contains("the push is rejected: it contains a key"), "{}", stderr(&output));
    assert!(!push(&["main:refs/heads/other"]).status.success());
    // The printed commands work: the one that rewrites the branch in the clone, and the one that accepts the key on
    // the server.
    let message = stderr(&output);
    let leak = scratch.git("r", &["rev-parse", "--short=10", "HEAD~1"]);
    assert!(message.contains(&format!("git rebase -i --rebase-merges {leak}^ main")), "{message}");
    let commands: Vec<&str> = message
        .lines()
        .filter_map(|line| line.strip_prefix("remote:   ").map(str::trim))
        .filter(|line| line.starts_with("cd ") || line.starts_with("friskey baseline"))
        .collect();
    assert_eq!(commands.len(), 2, "{message}");
    assert!(message.contains("on the server"), "{message}");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_friskey")).parent().unwrap();
    let mut shell = scratch.command("sh", "r");
    shell.args(["-c", &commands.join(" && ")]);
    shell.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    let shell_output = run(&mut shell, b"");
    assert!(shell_output.status.success(), "{}", stderr(&shell_output));
    assert!(push(&["main:refs/heads/accepted"]).status.success());
    std::fs::remove_file(scratch.path("bare.git/.friskey-baseline.toml")).unwrap();
    scratch.git("r", &["push", "-q", "origin", ":accepted"]);
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    scratch.write("r/b", "clean");
    scratch.commit("r", "clean");
    let output = push(&["main"]);
    assert!(output.status.success(), "{}", stderr(&output));
    // No quarantine directory of a rejected push is left.
    let entries = std::fs::read_dir(scratch.path("bare.git/objects")).unwrap();
    assert!(
        entries.filter_map(Result::ok).all(|entry| !entry.file_name().to_string_lossy().contains("incoming"))
    );
}

#[test]
fn the_scanned_commit_message_ends_where_git_truncates_it() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/old", key(1));
    scratch.commit("r", "old");
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    let scissors = "# ------------------------ >8 ------------------------\n";
    let commit = |args: &[&str], editor: &str| {
        let mut command = scratch.command("git", "r");
        command.args(["commit", "-q", "--allow-empty"]).args(args).env("GIT_EDITOR", editor);
        run(&mut command, b"")
    };
    let below_scissors = |text: &str| format!("message\n\n{scissors}{text}\n");
    // Git keeps the whole message if it opened no editor.
    let output = commit(&["-m", &below_scissors(&key(2))], "true");
    assert!(!output.status.success(), "a key below a scissors line at which git does not truncate");
    scratch.git("r", &["config", "commit.cleanup", "scissors"]);
    assert!(!commit(&["-m", &below_scissors(&key(2))], "true").status.success());
    scratch.git("r", &["config", "commit.verbose", "true"]);
    let output = commit(&["--no-verbose", "-m", &below_scissors(&key(2))], "true");
    assert!(!output.status.success(), "an option overrides commit.verbose");
    scratch.git("r", &["config", "--unset", "commit.verbose"]);
    // The diff of a verbose commit has the old key as context, below a scissors line at which git truncates.
    let editor = "sh -c 'sed -i 1s/^/edited/ \"$1\"' -";
    scratch.write("r/old", format!("{}\nmore\n", key(1)));
    scratch.git("r", &["add", "-A"]);
    let output = commit(&["-v"], editor);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!scratch.git("r", &["log", "-1", "--format=%B"]).contains(&key(1)));
    scratch.git("r", &["config", "--unset", "commit.cleanup"]);
    scratch.git("r", &["config", "core.commentChar", ";"]);
    scratch.write("r/old", format!("{}\nand more\n", key(1)));
    scratch.git("r", &["add", "-A"]);
    let output = commit(&["-v"], editor);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_hook_with_invalid_settings_blocks_and_names_the_file() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let invalid_settings = [
        ("friskey.toml", "# ours\nexcludes = []\n", "friskey.toml:2: unknown field `excludes`"),
        (
            "friskey.toml",
            "rules = ['none.toml']\n",
            "cannot read rules from none.toml: no such file (named in friskey.toml)",
        ),
        ("friskey.toml", "baseline = 'none.toml'\n", "cannot read the baseline none.toml: no such file"),
        ("friskey.toml", "rules = ['bad.toml']\n", "bad.toml:3: "),
        (".friskey-baseline.toml", "version = 1\nnonsense\n", ".friskey-baseline.toml:2: "),
    ];
    scratch.write("r/bad.toml", "[[rule]]\nid = 'x'\npattern = 'sk-(a'\n");
    for (file, text, reason) in invalid_settings {
        scratch.write(&format!("r/{file}"), text);
        for (hook, skip) in
            [("pre-commit", "`git commit --no-verify`"), ("pre-push", "`git push --no-verify`")]
        {
            let output = scratch.friskey("r", &["hook", "run", hook]);
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{text}: {message}");
            assert!(message.starts_with(&format!("error: {reason}")), "{text}: {message}");
            assert!(
                message.contains("was not checked, so it is blocked") && message.contains(skip),
                "{message}"
            );
        }
        std::fs::remove_file(scratch.path(&format!("r/{file}"))).unwrap();
    }
}

#[test]
fn a_hook_blocks_and_advises_if_staged_content_cannot_be_read() {
    let scratch = Scratch::new();
    scratch.repository("r");
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    scratch.write("r/lost", "lost");
    scratch.git("r", &["add", "-A"]);
    let id = scratch.git("r", &["rev-parse", ":lost"]);
    std::fs::remove_file(scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
    let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("exclude = [") && message.contains("git commit --no-verify"), "{message}");
}
