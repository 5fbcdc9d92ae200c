//! Tests with real git that the scan of a push leaves out only commits that the destination is known to have, and that
//! the commands it prints work.

use std::process::Output;

use crate::support::{Scratch, key, run};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The repository `r` with the pre-push hook, and with two remotes: `origin`, to which a commit with a key was pushed, and
/// `other`, which is empty.
fn repository_with_two_remotes() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("r");
    for remote in ["origin", "other"] {
        scratch.git("r", &["init", "-q", "--bare", &format!("../{remote}.git")]);
        scratch.git("r", &["remote", "add", remote, &format!("../{remote}.git")]);
    }
    scratch.write("r/k", key(1));
    scratch.commit("r", "key");
    scratch.git("r", &["push", "-q", "origin", "main"]);
    let installed = scratch.friskey("r", &["hook", "install", "--hook", "pre-push"]);
    assert!(installed.status.success(), "{}", stderr(&installed));
    scratch.write("r/b", "b");
    scratch.commit("r", "clean");
    scratch
}

/// Pushes from `r`, with hooks.
fn push(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.try_git("r", &[&["push", "-q"], args].concat(), b"")
}

#[test]
fn commits_are_scanned_that_only_another_remote_than_the_destination_has() {
    let scratch = repository_with_two_remotes();
    let url = scratch.path("other.git").display().to_string();
    let output = push(&scratch, &[&url, "main"]);
    assert!(!output.status.success(), "to a URL");
    assert!(stderr(&output).contains("everything pushed was scanned"), "{}", stderr(&output));
    assert!(!push(&scratch, &["other", "main"]).status.success(), "to the other remote");
    scratch.git("r", &["config", "remote.origin.pushurl", &url]);
    let output = push(&scratch, &["origin", "main"]);
    assert!(!output.status.success(), "to the pushurl of a remote");
    assert!(stderr(&output).contains("pushes to a different repository"), "{}", stderr(&output));
    scratch.git("r", &["config", "--unset", "remote.origin.pushurl"]);
    for rewrite in ["insteadOf", "pushInsteadOf"] {
        let setting = format!("url.{}.{rewrite}", scratch.path("").display());
        scratch.git("r", &["config", "remote.origin.url", "x:origin.git"]);
        scratch.git("r", &["config", &setting, "x:"]);
        scratch.git("r", &["config", "url.../.insteadOf", "x:"]);
        let output = push(&scratch, &["origin", "main:refs/heads/same"]);
        assert!(output.status.success(), "{rewrite} to the same place: {}", stderr(&output));
        scratch.git("r", &["config", "--unset", &setting]);
        let setting = format!("url.{url}.{rewrite}");
        scratch.git("r", &["config", &setting, "x:origin.git"]);
        assert!(!push(&scratch, &["origin", "main"]).status.success(), "{rewrite}");
        scratch.git("r", &["config", "--unset", &setting]);
    }
}

#[test]
fn remote_tracking_refs_of_a_remote_with_a_new_url_are_ignored() {
    let scratch = repository_with_two_remotes();
    scratch.git("r", &["push", "-q", "--no-verify", "origin", "main", "main:refs/heads/topic"]);
    scratch.git("r", &["branch", "-q", "topic"]);
    // A branch that was deleted at the remote is no sign of a new URL.
    scratch.git("origin.git", &["branch", "-q", "-D", "topic"]);
    let output = push(&scratch, &["origin", "topic"]);
    assert!(output.status.success(), "{}", stderr(&output));
    scratch.git("r", &["remote", "set-url", "origin", "../other.git"]);
    assert!(!push(&scratch, &["origin", "main"]).status.success());
    assert!(!push(&scratch, &["origin", "main", "topic"]).status.success());
}

#[test]
fn a_remote_tracking_ref_is_ignored_if_the_remote_has_another_commit() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git("r", &["init", "-q", "--bare", "../up.git"]);
    scratch.write("r/a", "a");
    scratch.commit("r", "clean");
    scratch.git("r", &["remote", "add", "origin", "../up.git"]);
    scratch.write("r/k", key(1));
    scratch.commit("r", "leak");
    scratch.git("r", &["push", "-q", "origin", "main"]);
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    // Someone resets the branch at the remote, and the local repository does not fetch that.
    let clean = scratch.git("r", &["rev-parse", "HEAD~1"]);
    scratch.git("up.git", &["update-ref", "refs/heads/main", clean.trim()]);
    scratch.write("r/b", "b");
    scratch.commit("r", "more");
    assert!(!push(&scratch, &["origin", "main"]).status.success(), "the key would be published again");
}

#[test]
fn a_new_url_is_noticed_although_the_default_branch_is_not_known() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for remote in ["up.git", "public.git"] {
        scratch.git("r", &["init", "-q", "--bare", &format!("../{remote}")]);
    }
    scratch.git("r", &["checkout", "-q", "-b", "trunk"]);
    scratch.write("r/k", key(1));
    scratch.commit("r", "leak");
    scratch.git("r", &["remote", "add", "origin", "../up.git"]);
    scratch.git("r", &["push", "-q", "origin", "trunk", "trunk:refs/heads/dev"]);
    assert!(scratch.friskey("r", &["hook", "install"]).status.success());
    scratch.git("r", &["remote", "set-url", "origin", "../public.git"]);
    assert!(!push(&scratch, &["origin", "trunk"]).status.success());
}

#[test]
fn a_remote_whose_refs_are_below_those_of_another_remote_is_told_apart() {
    let scratch = repository_with_two_remotes();
    scratch.git("r", &["remote", "rename", "origin", "priv"]);
    scratch.git("r", &["config", "remote.priv.fetch", "+refs/heads/*:refs/remotes/other/priv/*"]);
    scratch.git("r", &["fetch", "-q", "priv"]);
    scratch.git("r", &["update-ref", "-d", "refs/remotes/priv/main"]);
    assert!(!push(&scratch, &["other", "main"]).status.success());
}

#[test]
fn commits_that_the_destination_has_are_not_scanned() {
    let scratch = repository_with_two_remotes();
    assert!(push(&scratch, &["origin", "main"]).status.success(), "by name");
    assert!(push(&scratch, &["../origin.git", "main:refs/heads/new"]).status.success(), "by its URL");
    // If the ref exists, git itself passes the commit that the destination has.
    scratch.git("r", &["push", "-q", "--no-verify", "../other.git", "main"]);
    scratch.write("r/c", "c");
    scratch.commit("r", "clean, too");
    assert!(push(&scratch, &["../other.git", "main"]).status.success());
}

#[test]
fn a_topic_branch_for_a_fork_is_not_blocked_by_a_removed_key_that_origin_has() {
    let scratch = repository_with_two_remotes();
    scratch.git("r", &["rm", "-q", "k"]);
    scratch.commit("r", "remove it");
    scratch.git("r", &["push", "-q", "--no-verify", "origin", "main"]);
    let output = push(&scratch, &["other", "main"]);
    assert!(!output.status.success(), "pushing main to another remote could publish private work");
    scratch.git("r", &["checkout", "-q", "-b", "topic"]);
    scratch.write("r/t", "t");
    scratch.commit("r", "topic");
    let url = scratch.path("other.git").display().to_string();
    assert!(!push(&scratch, &[&url, "topic"]).status.success(), "to a URL");
    assert!(!push(&scratch, &["other", "topic", "main"]).status.success(), "main alone would be blocked");
    let output = push(&scratch, &["other", "topic"]);
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("not blocked") && message.contains("`origin` has that commit"), "{message}");
    assert!(!message.contains(&key(1)[8..40]));
    // A key that the branch adds itself blocks, and so does a known key that is in its files.
    scratch.git("r", &["checkout", "-q", "-b", "own", "topic"]);
    scratch.write("r/own", key(2));
    scratch.commit("r", "in");
    scratch.git("r", &["rm", "-q", "own"]);
    scratch.commit("r", "out");
    assert!(!push(&scratch, &["other", "own"]).status.success());
    scratch.git("r", &["update-ref", "-d", "refs/remotes/other/topic"]);
    scratch.git("r", &["checkout", "-q", "-b", "again", "topic"]);
    scratch.write("r/again", key(1));
    scratch.commit("r", "back");
    assert!(!push(&scratch, &["other", "again"]).status.success());
}

#[test]
fn a_blocked_push_names_commit_path_and_commands_although_the_file_is_gone() {
    let scratch = repository_with_two_remotes();
    scratch.write("r/gone.env", key(2));
    scratch.commit("r", "in");
    let commit = scratch.git("r", &["rev-parse", "--short=10", "HEAD"]);
    scratch.git("r", &["rm", "-q", "gone.env"]);
    scratch.commit("r", "out");
    let output = push(&scratch, &["origin", "main"]);
    let message = stderr(&output);
    assert!(!output.status.success());
    assert!(
        message.contains(&format!("added in commit {commit}")) && message.contains(": gone.env"),
        "{message}"
    );
    assert!(message.contains("removed in commit"), "{message}");
    assert!(message.contains(&format!("  git rebase -i --rebase-merges {commit}^\n")), "{message}");
    assert!(message.contains(&format!("    {commit}: mark it as `edit`\n")), "{message}");
    assert!(message.contains("in a later commit is not enough"), "{message}");
    let fingerprint = friskey::model::Secret::new(key(2).into_bytes(), 8).fingerprint().to_string();
    assert!(message.contains(&format!("friskey baseline add {fingerprint} --reason '")), "{message}");
}

#[test]
fn several_commits_are_rewritten_by_one_command() {
    let scratch = repository_with_two_remotes();
    scratch.write("r/first.env", key(2));
    scratch.git("r", &["add", "-A"]);
    let mut command = scratch.command("git", "r");
    command.args(["commit", "-qm", "one"]).env("GIT_COMMITTER_DATE", "2024-01-02T00:00:00Z");
    assert!(run(&mut command, b"").status.success());
    let first = scratch.git("r", &["rev-parse", "--short=10", "HEAD"]);
    scratch.write("r/second.env", key(3));
    scratch.git("r", &["add", "-A"]);
    let mut command = scratch.command("git", "r");
    command.args(["commit", "-qm", "two"]).env("GIT_COMMITTER_DATE", "2024-01-03T00:00:00Z");
    assert!(run(&mut command, b"").status.success());
    let second = scratch.git("r", &["rev-parse", "--short=10", "HEAD"]);
    scratch.git("r", &["tag", "-a", "-m", &key(4), "v1"]);
    let message = stderr(&push(&scratch, &["origin", "main", "v1"]));
    assert_eq!(
        message.matches("git rebase").count() - message.matches("`git rebase --continue`").count(),
        1,
        "{message}"
    );
    assert!(message.contains(&format!("--rebase-merges {first}^\n")), "{message}");
    assert!(message.contains(&format!("    {first}: mark")), "{message}");
    assert!(message.contains(&format!("    {second}: mark")), "{message}");
    assert!(message.contains("git tag -d 'v1'") && message.contains("To accept them, run:"), "{message}");
}

/// Runs the hook as the frameworks pre-commit and prek do at their pre-push stage.
fn run_in_framework(scratch: &Scratch, variables: &[(&str, &str)]) -> Output {
    let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "r");
    command.args(["hook", "run", "pre-commit", "--", "b"]).envs(variables.iter().copied());
    run(&mut command, b"")
}

#[test]
fn the_whole_history_is_scanned_if_a_framework_passes_no_range() {
    let scratch = repository_with_two_remotes();
    scratch.git("r", &["rm", "-q", "k"]);
    scratch.commit("r", "remove it");
    let common = [
        ("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main"),
        ("PRE_COMMIT_REMOTE_BRANCH", "refs/heads/main"),
        ("PRE_COMMIT_REMOTE_NAME", "other"),
        ("PRE_COMMIT_REMOTE_URL", "../other.git"),
    ];
    assert_eq!(run_in_framework(&scratch, &common).status.code(), Some(1), "as pre-commit");
    let head = scratch.git("r", &["rev-parse", "HEAD"]);
    let prek = [&common[..], &[("PRE_COMMIT_TO_REF", &head)]].concat();
    assert_eq!(run_in_framework(&scratch, &prek).status.code(), Some(1), "as prek");
    let mut origin = prek.clone();
    origin[2].1 = "origin";
    origin[3].1 = "../origin.git";
    let output = run_in_framework(&scratch, &origin);
    assert_eq!(output.status.code(), Some(0), "origin has it: {}", stderr(&output));
    // Remote-tracking refs do not show what another URL has.
    let base = scratch.git("r", &["rev-parse", "origin/main"]);
    scratch.git("r", &["config", "remote.origin.pushurl", "../other.git"]);
    origin[3].1 = "../other.git";
    origin.push(("PRE_COMMIT_FROM_REF", &base));
    assert_eq!(run_in_framework(&scratch, &origin).status.code(), Some(1));
}

#[test]
fn other_refs_of_a_push_are_scanned_although_a_framework_passes_only_one() {
    let scratch = repository_with_two_remotes();
    scratch.git("r", &["push", "-q", "--no-verify", "origin", "main"]);
    let base = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.git("r", &["branch", "second"]);
    scratch.write("r/c", "c");
    scratch.commit("r", "first ref");
    let head = scratch.git("r", &["rev-parse", "HEAD"]);
    let variables = [
        ("PRE_COMMIT_FROM_REF", &base[..]),
        ("PRE_COMMIT_TO_REF", &head),
        ("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main"),
        ("PRE_COMMIT_REMOTE_BRANCH", "refs/heads/main"),
        ("PRE_COMMIT_REMOTE_NAME", "origin"),
        ("PRE_COMMIT_REMOTE_URL", "../origin.git"),
    ];
    assert_eq!(run_in_framework(&scratch, &variables).status.code(), Some(0));
    scratch.git("r", &["checkout", "-q", "second"]);
    scratch.write("r/second", key(2));
    scratch.commit("r", "second ref");
    scratch.git("r", &["checkout", "-q", "main"]);
    let output = run_in_framework(&scratch, &variables);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("refs/heads/second") && message.contains("SKIP="), "{message}");
}

/// Commits a file with the key `number`, dated on this day of January 2024. Returns the abbreviated id of the commit.
fn commit_key(scratch: &Scratch, name: &str, number: u64, day: u32) -> String {
    scratch.write(&format!("r/{name}"), key(number));
    scratch.git("r", &["add", name]);
    let mut command = scratch.command("git", "r");
    command.args(["commit", "-q", "--no-verify", "-m", name]);
    command.env("GIT_COMMITTER_DATE", format!("2024-01-{day:02}T00:00:00Z"));
    assert!(run(&mut command, b"").status.success());
    scratch.git("r", &["rev-parse", "--short=10", "HEAD"])
}

/// The list of commits that each printed `git rebase` command opens in the editor. The rebase itself is aborted.
#[cfg(unix)]
fn rebase_lists(scratch: &Scratch, message: &str) -> Vec<String> {
    let list_file = scratch.path("list");
    let commands = message.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim());
    let commands = commands.filter(|line| line.starts_with("git rebase -i"));
    let branch = scratch.git("r", &["rev-parse", "--abbrev-ref", "HEAD"]);
    let list_of = |command: &str| {
        let _ = std::fs::remove_file(&list_file);
        let mut shell = scratch.command("sh", "r");
        shell.args(["-c", command]);
        shell.env("GIT_SEQUENCE_EDITOR", format!("f() {{ cp \"$1\" '{}'; false; }}; f", list_file.display()));
        run(&mut shell, b"");
        scratch.try_git("r", &["rebase", "--abort"], b"");
        scratch.git("r", &["checkout", "-q", &branch]);
        std::fs::read_to_string(&list_file).unwrap_or_default()
    };
    commands.map(list_of).collect()
}

#[cfg(unix)]
#[test]
fn the_printed_rebase_lists_every_commit_to_change() {
    let scratch = repository_with_two_remotes();
    let list_all = |lists: &[String], ids: &[&String]| {
        assert!(!lists.is_empty(), "no command was printed");
        ids.iter().all(|id| lists.iter().any(|list| list.contains(&id[..7])))
    };
    scratch.git("r", &["checkout", "-q", "-b", "late"]);
    let (one, two) = (commit_key(&scratch, "one", 2, 20), commit_key(&scratch, "two", 3, 10));
    let message = stderr(&push(&scratch, &["origin", "late"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(lists.len() == 1 && list_all(&lists, &[&one, &two]), "dates out of order: {message}\n{lists:?}");
    // A branch that is not checked out, and two at once.
    scratch.git("r", &["checkout", "-q", "-b", "it's$odd", "main"]);
    let three = commit_key(&scratch, "three", 4, 15);
    scratch.git("r", &["checkout", "-q", "main"]);
    let message = stderr(&push(&scratch, &["origin", "it's$odd"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(lists.len() == 1 && list_all(&lists, &[&three]), "another branch: {message}");
    let message = stderr(&push(&scratch, &["origin", "late", "it's$odd"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(
        lists.len() == 2 && list_all(&lists, &[&one, &two, &three]),
        "two branches: {message}\n{lists:?}"
    );
    // Parallel branches in one merge, whose resolution adds a key as well.
    scratch.git("r", &["checkout", "-q", "-b", "merged", "late"]);
    scratch.git("r", &["merge", "-q", "--no-ff", "--no-commit", "--no-verify", "it's$odd"]);
    let merge = commit_key(&scratch, "four", 5, 1);
    let message = stderr(&push(&scratch, &["origin", "merged"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(lists.len() == 1 && list_all(&lists, &[&one, &two, &three]), "parallel: {message}\n{lists:?}");
    assert!(lists[0].contains(&format!("merge -C {}", &merge[..7])), "{message}\n{lists:?}");
    // A revision that is not a branch.
    scratch.git("r", &["checkout", "-q", "main"]);
    let message = stderr(&push(&scratch, &["origin", "late~1:refs/heads/x"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(lists.len() == 1 && list_all(&lists, &[&one]), "a revision: {message}\n{lists:?}");
    // A root commit.
    scratch.git("r", &["checkout", "-q", "--orphan", "root"]);
    let root = commit_key(&scratch, "root", 6, 9);
    let message = stderr(&push(&scratch, &["origin", "root"]));
    let lists = rebase_lists(&scratch, &message);
    assert!(
        message.contains("--rebase-merges --root\n") && list_all(&lists, &[&root]),
        "root: {message}\n{lists:?}"
    );
}
