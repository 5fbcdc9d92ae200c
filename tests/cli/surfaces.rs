//! Tests every command on every place where git stores bytes: whatever one command finds in a change, the others find or
//! report as not scanned.

use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, fingerprint, key, leak, report, strings};

/// A place in which a change can add a key.
struct Case {
    /// A description of the place.
    place: &'static str,
    /// Puts the key into the place: stages it for a commit, or creates a ref or tag with it.
    put: fn(&Scratch, &str),
    /// The revision that leads to the change once it is committed.
    tip: &'static str,
    /// Whether the key becomes part of a commit, rather than of a ref, a tag or what they lead to without one.
    in_commit: bool,
    /// The arguments of `git commit` for this key.
    commit_args: fn(&str) -> Vec<String>,
}

fn plain_message(_: &str) -> Vec<String> {
    vec!["-m".to_owned(), "change".to_owned()]
}

/// Writes a file of `r` and stages it.
fn add(scratch: &Scratch, name: &str, content: impl AsRef<[u8]>) {
    scratch.write(&format!("r/{name}"), content);
    scratch.git("r", &["add", "-A", "-f"]);
}

/// Stages a Git LFS pointer to `content`, which is also stored where git-lfs would store it, if `is_stored`.
fn add_lfs(scratch: &Scratch, name: &str, content: &str, is_stored: bool) {
    let oid = sha256(content);
    if is_stored {
        scratch.write(&format!("r/.git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]), content);
    }
    let size = content.len();
    add(
        scratch,
        name,
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"),
    );
}

/// The SHA-256 of a text in hex, which is how a fingerprint is computed.
fn sha256(content: &str) -> String {
    fingerprint(content)
}

/// Stores a loose blob in `r`, and returns its id.
fn store_blob(scratch: &Scratch, content: &str) -> String {
    scratch.git_with("r", &["hash-object", "-w", "--stdin"], content.as_bytes())
}

const CASES: &[Case] = &[
    Case {
        place: "a file",
        put: |s, k| add(s, "f", k),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a file name",
        put: |s, k| add(s, &format!("{k}.txt"), "x"),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a file name whose content is known",
        put: |s, k| add(s, &format!("{k}.txt"), "hello\n"),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "the second of two new names of one content",
        put: |s, k| {
            add(s, "a-first", "same\n");
            add(s, &format!("z/{k}/f"), "same\n");
        },
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a directory name",
        put: |s, k| add(s, &format!("dir/{k}/file"), "x"),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a submodule's path",
        put: |s, k| {
            let id = s.git("r", &["rev-parse", "HEAD"]);
            s.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib/{k}")]);
        },
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "the target of a link",
        put: |s, k| {
            let id = store_blob(s, &format!("/somewhere/{k}"));
            s.git("r", &["update-index", "--add", "--cacheinfo", &format!("120000,{id},link")]);
        },
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a binary",
        put: |s, k| add(s, "b", [b"\0\x01\xff", k.as_bytes(), b"\xfe\0"].concat()),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a file without a diff",
        put: |s, k| {
            add(s, ".gitattributes", "*.x -diff -text\n");
            add(s, "f.x", k);
        },
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a container",
        put: |s, k| add(s, "f.gz", gzip(k)),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a stored LFS object",
        put: |s, k| add_lfs(s, "f.bin", k, true),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "an LFS object that is not stored",
        put: |s, k| add_lfs(s, "f.bin", k, false),
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
    Case {
        place: "a message",
        put: |s, _| add(s, "f", "x"),
        tip: "HEAD",
        in_commit: true,
        commit_args: |k| vec!["-m".to_owned(), format!("about {k}")],
    },
    Case {
        place: "an author",
        put: |s, _| add(s, "f", "x"),
        tip: "HEAD",
        in_commit: true,
        commit_args: |k| vec!["-m".to_owned(), "change".to_owned(), format!("--author={k} <a@b>")],
    },
    Case {
        place: "a branch name",
        put: |s, k| {
            s.git("r", &["checkout", "-q", "-b", &format!("x/{k}")]);
            s.commit("r", "on it");
        },
        tip: "HEAD",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a tag name",
        put: |s, k| {
            s.commit("r", "tagged");
            s.git("r", &["tag", k]);
        },
        tip: "--tags",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a tag message",
        put: |s, k| drop(s.git("r", &["tag", "-a", "-m", k, "v1"])),
        tip: "v1",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "the message of a tag of a tag",
        put: |s, k| {
            s.git("r", &["tag", "-a", "-m", k, "v1"]);
            s.git("r", &["tag", "-a", "-m", "outer", "v2", "v1"]);
            s.git("r", &["tag", "-d", "v1"]);
        },
        tip: "v2",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a note",
        put: |s, k| drop(s.git("r", &["notes", "add", "-m", k])),
        tip: "refs/notes/commits",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a ref to a blob",
        put: |s, k| drop(s.git("r", &["update-ref", "refs/blobs/x", &store_blob(s, k)])),
        tip: "refs/blobs/x",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a tag of a tag of a blob",
        put: |s, k| {
            let id = store_blob(s, k);
            s.git("r", &["tag", "-a", "-m", "inner", "v1", &id]);
            s.git("r", &["tag", "-a", "-m", "outer", "v2", "v1"]);
        },
        tip: "v2",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a ref to a tree",
        put: |s, k| {
            add(s, "in/tree", k);
            let tree = s.git("r", &["write-tree"]);
            s.git("r", &["update-ref", "refs/trees/x", &tree]);
            s.git("r", &["reset", "-q", "--hard"]);
        },
        tip: "refs/trees/x",
        in_commit: false,
        commit_args: plain_message,
    },
    Case {
        place: "a file that only a merge adds",
        put: |s, k| {
            s.git("r", &["checkout", "-q", "-b", "side"]);
            add(s, "side", "s");
            s.git("r", &["commit", "-q", "-m", "side"]);
            s.git("r", &["checkout", "-q", "main"]);
            add(s, "own", "o");
            s.git("r", &["commit", "-q", "-m", "own"]);
            s.git("r", &["merge", "-q", "--no-ff", "--no-commit", "side"]);
            add(s, "merged", k);
        },
        tip: "HEAD",
        in_commit: true,
        commit_args: plain_message,
    },
];

/// Compresses a text with the program gzip.
fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// Creates the repository `r` with one commit, and pushes it to the remote `up.git`. Returns the id of the commit.
fn create_with_remote(scratch: &Scratch) -> String {
    scratch.repository("r");
    std::fs::create_dir_all(scratch.path("up.git")).unwrap();
    scratch.git("up.git", &["init", "-q", "--bare"]);
    scratch.git("r", &["remote", "add", "origin", "../up.git"]);
    scratch.git("r", &["push", "-q", "origin", "main"]);
    scratch.git("r", &["rev-parse", "HEAD"])
}

/// Writes a hook that runs friskey into the directory `hooks_dir`.
fn install_hook(scratch: &Scratch, hooks_dir: &str, name: &str) {
    let script = format!("#!/bin/sh\nexec '{}' hook run {name} \"$@\"\n", env!("CARGO_BIN_EXE_friskey"));
    let path = scratch.write(&format!("{hooks_dir}/{name}"), script);
    assert!(scratch.command("chmod", ".").arg("+x").arg(path).status().unwrap().success());
}

/// Whether a command found the key (status 1), or reported that something was not scanned (status 3).
fn is_reported(output: &Output) -> bool {
    matches!(output.status.code(), Some(1 | 3))
}

/// Those of the hooks of a push that let the change pass.
fn passing_push_hooks(scratch: &Scratch) -> Vec<&'static str> {
    let mut passing = Vec::new();
    let push = ["push", "-q", "--dry-run", "origin", "refs/*:refs/*"];
    assert!(scratch.try_git("r", &push, b"").status.success());
    install_hook(scratch, "r/.git/hooks", "pre-push");
    if scratch.try_git("r", &["push", "-q", "origin", "refs/*:refs/*"], b"").status.success() {
        passing.push("pre-push");
    }
    std::fs::remove_file(scratch.path("r/.git/hooks/pre-push")).unwrap();
    scratch.git("up.git", &["config", "receive.denyCurrentBranch", "ignore"]);
    install_hook(scratch, "up.git/hooks", "pre-receive");
    if scratch.try_git("r", &["push", "-q", "origin", "refs/*:refs/*"], b"").status.success() {
        passing.push("pre-receive");
    }
    passing
}

#[test]
fn all_commands_find_or_report_the_same_keys() {
    let mut failures = Vec::new();
    for (number, case) in (1..).zip(CASES) {
        let scratch = Scratch::new();
        let base = create_with_remote(&scratch);
        let key = key(number);
        (case.put)(&scratch, &key);
        let mut check = |command: &str, is_reported: bool| {
            if !is_reported {
                failures.push(format!("{}: {command}", case.place));
            }
        };
        if case.in_commit {
            let arguments = (case.commit_args)(&key);
            let is_staged = !arguments.concat().contains(&key);
            check("staged", !is_staged || is_reported(&scratch.friskey("r", &["staged"])));
            install_hook(&scratch, "r/.git/hooks", "pre-commit");
            install_hook(&scratch, "r/.git/hooks", "commit-msg");
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let commit = [&["commit", "-q"], &arguments[..]].concat();
            check("commit hooks", !scratch.try_git("r", &commit, b"").status.success());
            scratch.git("r", &[&["commit", "-q", "--no-verify"], &arguments[..]].concat());
        }
        check("history", is_reported(&scratch.friskey("r", &["history"])));
        check(
            "history --no-unreachable",
            is_reported(&scratch.friskey("r", &["history", "--no-unreachable"])),
        );
        let range = format!("{} --not {base}", case.tip);
        check("history --range", is_reported(&scratch.friskey("r", &["history", "--range", &range])));
        if !case.tip.starts_with('-') {
            let ci = ["ci", "--base", &base, "--head", case.tip];
            check("ci", is_reported(&scratch.friskey("r", &ci)));
        }
        for hook in passing_push_hooks(&scratch) {
            check(hook, false);
        }
    }
    assert!(failures.is_empty(), "neither found nor reported:\n{}", failures.join("\n"));
}

/// Many of the places of [`CASES`], without a key.
#[test]
fn a_change_without_a_key_passes_all_commands() {
    let scratch = Scratch::new();
    let base = create_with_remote(&scratch);
    add_lfs(&scratch, "f.bin", "an ordinary content", true);
    add(&scratch, "f.gz", gzip("text"));
    for hook in ["pre-commit", "commit-msg", "pre-push"] {
        install_hook(&scratch, "r/.git/hooks", hook);
    }
    scratch.git("r", &["commit", "-q", "-m", "change"]);
    scratch.git("r", &["tag", "-a", "-m", "tagged", "v1", &store_blob(&scratch, "a blob")]);
    for args in [&["history"][..], &["history", "--range", &format!("HEAD v1 --not {base}")]] {
        assert_eq!(scratch.friskey("r", args).status.code(), Some(0), "{args:?}");
    }
    scratch.git("r", &["push", "-q", "origin", "main", "v1"]);
}

/// The status and the report of `friskey history` in `r`.
fn history(scratch: &Scratch) -> (i32, Value) {
    let output = scratch.friskey("r", &["history", "--format", "json"]);
    (output.status.code().unwrap(), report(&output))
}

#[test]
fn every_file_and_name_in_a_git_dir_is_searched() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git("r", &["worktree", "add", "-q", "../linked"]);
    let id = scratch.git("r", &["rev-parse", "HEAD"]);
    let mut number = 0;
    let mut put = |name: &str, text_before: &str| {
        number += 1;
        scratch.write(&format!("r/.git/{name}"), format!("{text_before}{}\n", key(number)));
        (name.to_owned(), key(number))
    };
    let mut places = vec![
        put("index.lock", ""),
        put("packed-refs.lock", ""),
        put("COMMIT_EDITMSG", ""),
        put("MERGE_MSG", ""),
        put("SQUASH_MSG", ""),
        put("description", ""),
        put("refs/heads/behind", &format!("{id} ")),
        put("refs/heads/main.lock", ""),
        put("FETCH_HEAD", &format!("{id}\t\tbranch 'x' of https://")),
        put("packed-refs", "# pack-refs with: "),
        put("rebase-merge/message", ""),
        put("rebase-apply/0001", ""),
        put("sequencer/todo", ""),
        put("hooks/lib/helper", ""),
        put("foo/bar/baz", ""),
        put("worktrees/linked/COMMIT_EDITMSG", ""),
        put("modules/note", ""),
        put("modules/half/HEAD", ""),
        put("objects.orig", ""),
        put("lfs/tmp/x", ""),
    ];
    for (number, name) in
        (100..).zip(["worktrees/{}/locked", "refs/remotes/{}/x.lock", "modules/{}/x", "{}", "a/{}/b"])
    {
        scratch.write(&format!("r/.git/{}", name.replace("{}", &key(number))), "x");
        places.push((name.to_owned(), key(number)));
    }
    let (status, report) = history(&scratch);
    assert_eq!(status, 1);
    let missed: Vec<_> =
        places.iter().filter(|(_, key)| leak(&report, key).is_none()).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[cfg(unix)]
#[test]
fn links_in_a_git_dir_are_searched_and_followed_only_within_the_work_tree() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    scratch.repository("r");
    let link = |target: &str, name: &str| symlink(target, scratch.path(&format!("r/.git/{name}"))).unwrap();
    link(&format!("/nowhere/{}", key(1)), "a");
    scratch.write("r/scripts/hook", key(2));
    link("../../scripts/hook", "hooks/pre-commit");
    scratch.write("out", key(3));
    let (status, report) = history(&scratch);
    assert!(leak(&report, &key(1)).is_some() && leak(&report, &key(2)).is_some(), "{report:#}");
    assert_eq!((status, report["coverage"]["skipped"].as_array().unwrap().len()), (1, 0), "{report:#}");
    link("../../out", "b");
    link("..", "c");
    let (_, report) = history(&scratch);
    assert!(leak(&report, &key(3)).is_none());
    let skipped = report["coverage"]["skipped"].as_array().unwrap();
    let what: Vec<&str> = skipped.iter().map(|skip| skip["what"].as_str().unwrap()).collect();
    assert_eq!(what, [".git/b", ".git/c"]);
}

/// A file may contain anything, even if it has a name that git gives to files derived from packs.
#[test]
fn files_below_objects_are_searched_whatever_their_names() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let config = ["-c", "pack.writeReverseIndex=true", "-c", "repack.writeBitmaps=true"];
    scratch.git("r", &[&config[..], &["repack", "-q", "-a", "-d", "-b"]].concat());
    scratch.git("r", &["multi-pack-index", "write"]);
    scratch.git("r", &["commit-graph", "write", "--reachable"]);
    scratch.git("r", &["update-server-info"]);
    assert_eq!(history(&scratch).0, 0);
    let existing = |end: &str| {
        let pack_dir = std::fs::read_dir(scratch.path("r/.git/objects/pack")).unwrap();
        let mut names = pack_dir.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        format!("pack/{}", names.find(|name| name.ends_with(end)).unwrap())
    };
    let mut names: Vec<String> =
        [".idx", ".rev", ".bitmap", "multi-pack-index"].iter().map(|end| existing(end)).collect();
    names.extend(["info/packs", "info/commit-graph"].map(str::to_owned));
    let new_names = [
        "pack/x.rev",
        "pack/x.bitmap",
        "pack/x.mtimes",
        "pack/multi-pack-index-x.bitmap",
        "pack/multi-pack-index.d/x",
        "pack/.tmp-1-pack-x.rev",
        "pack/.tmp-1-pack-x.idx",
        "info/commit-graphs/graph-x.graph",
        "AB/0123456789abcdef0123456789abcdef012345",
    ];
    names.extend(new_names.map(str::to_owned));
    for (number, name) in (0..).zip(&names) {
        let file = format!("r/.git/objects/{name}");
        let mut bytes = std::fs::read(scratch.path(&file)).unwrap_or_default();
        if !bytes.is_empty() {
            // Git makes these files read-only.
            std::fs::remove_file(scratch.path(&file)).unwrap();
        }
        bytes.extend_from_slice(format!("\n{}\n", key(number)).as_bytes());
        scratch.write(&file, bytes);
    }
    let (status, report) = history(&scratch);
    assert_eq!(status, 1, "{report:#}");
    let missed: Vec<_> =
        (0..).zip(&names).filter(|(number, _)| leak(&report, &key(*number)).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[cfg(unix)]
#[test]
fn the_name_of_a_socket_in_a_git_dir_is_searched_and_a_pipe_is_a_skip() {
    use std::os::unix::net::UnixListener;
    let scratch = Scratch::new();
    scratch.repository("r");
    // The path of a socket may have about 100 bytes, so it gets its long name afterwards.
    let put = |name: &str| {
        drop(UnixListener::bind(scratch.path("r/.git/s")).unwrap());
        std::fs::rename(scratch.path("r/.git/s"), scratch.path(&format!("r/.git/{name}"))).unwrap();
    };
    put("fsmonitor--daemon.ipc");
    let (status, report) = history(&scratch);
    assert_eq!(status, 0, "{report:#}");
    put(&key(1));
    let (status, report) = history(&scratch);
    assert!(status == 1 && leak(&report, &key(1)).is_some(), "{report:#}");
    assert!(scratch.command("mkfifo", "r/.git").arg("pipe").status().unwrap().success());
    let (_, report) = history(&scratch);
    assert_eq!(report["coverage"]["skipped"].as_array().unwrap().len(), 1, "{report:#}");
}

#[test]
fn trailing_data_in_a_loose_object_is_searched_and_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let ids = [store_blob(&scratch, "few"), store_blob(&scratch, &"many ".repeat(100_000))];
    let before = history(&scratch);
    assert_eq!(before.0, 0, "{:#}", before.1);
    for (number, id) in (1..).zip(&ids) {
        let path = scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]));
        let mut bytes = std::fs::read(&path).unwrap();
        // Git makes loose objects read-only.
        std::fs::remove_file(&path).unwrap();
        bytes.extend_from_slice(key(number).as_bytes());
        std::fs::write(&path, bytes).unwrap();
    }
    let (status, report) = history(&scratch);
    assert!(
        status == 1 && leak(&report, &key(1)).is_some() && leak(&report, &key(2)).is_some(),
        "{report:#}"
    );
    let skipped = report["coverage"]["skipped"].to_string();
    assert!(ids.iter().all(|id| skipped.contains(&format!("object {id}"))), "{skipped}");
}

#[cfg(unix)]
#[test]
fn names_and_links_below_objects_are_searched() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    scratch.repository("r");
    let path = |name: &str| scratch.path(&format!("r/.git/objects/{name}"));
    std::fs::create_dir(path(&key(1))).unwrap();
    scratch.write(&format!("r/.git/objects/pack/{}.keep", key(2)), "");
    symlink(format!("/no/{}", key(3)), path("pack/q.keep")).unwrap();
    symlink("/no", path(&key(4))).unwrap();
    scratch.write(&format!("r/.git/objects/pack/x/{}/y", key(5)), "");
    // A directory that git reads through a link is not a skip, and the target of the link is searched as text, too.
    std::fs::rename(path("info"), scratch.path(&key(6))).unwrap();
    symlink(scratch.path(&key(6)), path("info")).unwrap();
    symlink("../info", path("pack/near")).unwrap();
    let (status, report) = history(&scratch);
    assert_eq!(status, 1, "{report:#}");
    let missed: Vec<_> = (1..=6).filter(|number| leak(&report, &key(*number)).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let skipped = |report: &Value| report["coverage"]["skipped"].to_string();
    assert!(!skipped(&report).contains(".git/objects/info"), "{report:#}");
    scratch.write("out", "x");
    drop(std::os::unix::net::UnixListener::bind(path("s")).unwrap());
    symlink(scratch.path("out"), path("pack/out.keep")).unwrap();
    let (_, report) = history(&scratch);
    assert!(skipped(&report).contains(".git/objects/pack/out.keep"), "{report:#}");
}

/// Creates the repository `s` with a key in its history, and `r`, into which `put` copies `s`. Returns the status and the
/// report about `r`.
fn audit_with_submodule(put: impl Fn(&Scratch)) -> (i32, Value) {
    let scratch = Scratch::new();
    scratch.repository("s");
    scratch.write("s/k", key(1));
    scratch.commit("s", "in");
    scratch.git("s", &["rm", "-q", "k"]);
    scratch.commit("s", "out");
    scratch.repository("r");
    put(&scratch);
    history(&scratch)
}

/// Copies the git directory of `s`.
fn copy_git_dir(scratch: &Scratch, target: &str) {
    let target = scratch.path(target);
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    let status = scratch.command("cp", ".").args(["-r", "s/.git"]).arg(target).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_cloned_submodule_is_searched_wherever_it_is() {
    let deep_dir = (1..40).map(|level| level.to_string()).collect::<Vec<_>>().join("/");
    for path in [
        "r/.git/modules/lib",
        "r/.git/modules/a/b/c",
        &format!("r/.git/modules/{deep_dir}/lib"),
        "r/.git/worktrees/w/modules/lib",
        "r/.git/modules/lib/modules/inner/modules/innermost",
        "r/.git/backup.git",
    ] {
        let (status, report) = audit_with_submodule(|scratch| copy_git_dir(scratch, path));
        assert!(status == 1 && leak(&report, &key(1)).is_some(), "{path}: {report:#}");
    }
    // A submodule whose git directory is in the work tree.
    let (status, report) = audit_with_submodule(|scratch| {
        scratch.git(".", &["clone", "-q", "s", "r/sub"]);
        scratch.git("r", &["add", "-A"]);
        scratch.git("r", &["commit", "-q", "-m", "sub"]);
    });
    assert!(status == 1 && leak(&report, &key(1)).is_some(), "{report:#}");
}

#[cfg(unix)]
#[test]
fn an_unreadable_submodule_is_reported() {
    use std::os::unix::fs::symlink;
    let link = |scratch: &Scratch| {
        std::fs::create_dir_all(scratch.path("r/.git/modules")).unwrap();
        symlink(scratch.path("s/.git"), scratch.path("r/.git/modules/lib")).unwrap();
    };
    let copy_without_head = |scratch: &Scratch| {
        copy_git_dir(scratch, "r/.git/modules/lib");
        std::fs::remove_file(scratch.path("r/.git/modules/lib/HEAD")).unwrap();
    };
    let point_outside = |scratch: &Scratch| {
        let id = scratch.git("r", &["rev-parse", "HEAD"]);
        scratch.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib")]);
        scratch.write("r/lib/.git", "gitdir: ../../s/.git\n");
    };
    for (what, put) in [
        ("a link", &link as &dyn Fn(&Scratch)),
        ("without HEAD", &copy_without_head),
        ("outside the repository", &point_outside),
    ] {
        let (status, report) = audit_with_submodule(put);
        let skipped = report["coverage"]["skipped"].to_string();
        assert!(status == 3 && skipped.contains("lib"), "{what}: {report:#}");
    }
}

#[test]
fn a_submodule_that_was_never_cloned_is_named_but_not_a_skip() {
    let scratch = Scratch::new();
    scratch.repository("s");
    scratch.repository("up");
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "add", "-q", "--name", "odd/name", "../s", "lib"];
    scratch.git("up", &add);
    scratch.commit("up", "sub");
    let is_named = |report: &Value| report["coverage"]["ignored"].to_string().contains("\"lib/\"");
    for args in [&["clone", "-q", "up", "r"][..], &["clone", "-q", "--bare", "up", "bare"]] {
        scratch.git(".", args);
    }
    let (status, report) = history(&scratch);
    assert!(status == 0 && is_named(&report), "{report:#}");
    let output = scratch.friskey("bare", &["history", "--format", "json"]);
    assert!(is_named(&crate::support::report(&output)));
    scratch.git("r", &["-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init"]);
    let (status, report) = history(&scratch);
    assert!(status == 0 && !is_named(&report), "{report:#}");
    assert!(strings(&report["coverage"]["surfaces"]).contains(&"submodule"));
}

#[test]
fn a_submodule_that_a_change_adds_or_moves_is_named() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git(".", &["init", "-q", "--bare", "server"]);
    scratch.git("r", &["remote", "add", "origin", "../server"]);
    let ids = [1, 2].map(|digit| format!("{digit}").repeat(40));
    let stage = |id: &str, path: &str| {
        scratch.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")]);
    };
    let ignored = |args: &[&str]| {
        let output = scratch.friskey("r", &[args, &["--format", "json"]].concat());
        let report = report(&output);
        assert_eq!(output.status.code(), Some(0), "{report:#}");
        report["coverage"]["ignored"].to_string()
    };
    let is_named = |id: &str, ignored: &str| {
        ignored.contains("\"deep/lib/\"") && ignored.contains(&format!("commit {} of another", &id[..10]))
    };
    for id in &ids {
        let base = scratch.git("r", &["rev-parse", "HEAD"]);
        stage(id, "deep/lib");
        let ignored_by_staged = ignored(&["staged"]);
        assert!(is_named(id, &ignored_by_staged), "{ignored_by_staged}");
        let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && stderr.contains("1 ignored path not scanned"), "{stderr}");
        scratch.git("r", &["commit", "-q", "-m", "moved"]);
        for args in [&["history", "--range", &format!("{base}..HEAD")][..], &["ci", "--base", &base]] {
            let ignored = ignored(args);
            assert!(is_named(id, &ignored), "{args:?}: {ignored}");
        }
    }
    let human = scratch.friskey("r", &["history", "--range", "HEAD~1..HEAD", "--format", "human"]);
    let human = String::from_utf8_lossy(&human.stdout).into_owned();
    assert!(human.contains("leaves out deep/lib/ (include with `friskey history` here"), "{human}");
    let head = scratch.git("r", &["rev-parse", "HEAD"]);
    let hook_input = format!("refs/heads/main {head} refs/heads/main {}\n", "0".repeat(40));
    let args = ["hook", "run", "pre-push", "origin", "../server"];
    let output = scratch.friskey_with("r", &args, hook_input.as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && stderr.contains("1 ignored path not scanned"), "{stderr}");
    // A submodule that the change leaves as it was is not named.
    stage(&ids[1], "deep/lib");
    scratch.write("r/deep/b", "beside");
    scratch.git("r", &["add", "deep/b"]);
    assert!(!ignored(&["staged"]).contains("deep/lib"));
    scratch.git("r", &["commit", "-q", "-m", "beside"]);
    assert!(!ignored(&["history", "--range", "HEAD~1..HEAD"]).contains("deep/lib"));
}

#[test]
fn an_index_that_git_rejects_is_reported_and_one_that_git_accepts_is_searched() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let index = scratch.path("r/.git/index");
    let whole = std::fs::read(&index).unwrap();
    let assert_refused = |bytes: &[u8]| {
        std::fs::write(&index, bytes).unwrap();
        let (status, report) = history(&scratch);
        assert!(status == 3 && report["coverage"]["skipped"].to_string().contains("index"), "{report:#}");
        assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(2));
    };
    let git_refuses = || !scratch.try_git("r", &["ls-files"], b"").status.success();
    assert_refused(b"");
    assert!(git_refuses());
    assert_refused(&[b"JUNK", &whole[4..]].concat());
    assert!(git_refuses());
    // Git itself reads beyond the end of a truncated index, and lists an entry without a name.
    assert_refused(&whole[..whole.len() / 2]);
    std::fs::write(&index, &whole).unwrap();
    scratch.git("r", &["update-index", "--split-index"]);
    assert_eq!(history(&scratch).0, 0);
    for entry in std::fs::read_dir(scratch.path("r/.git")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("sharedindex.") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(!scratch.try_git("r", &["ls-files"], b"").status.success());
    assert_eq!(history(&scratch).0, 3);
    // An index of version 4 stores only the end of a path in which it differs from the path before.
    std::fs::write(&index, &whole).unwrap();
    scratch.git("r", &["update-index", "--index-version", "4"]);
    let name = key(7);
    scratch.write(&format!("r/{}-", &name[..name.len() - 1]), "x");
    scratch.write(&format!("r/{name}"), "x");
    scratch.git("r", &["add", "-N", "."]);
    let (status, report) = history(&scratch);
    assert!(status == 1 && leak(&report, &name).is_some(), "{report:#}");
}

/// Commits what is staged, with a committer's date in that year.
fn commit_in(scratch: &Scratch, year: u32) {
    let mut command = scratch.command("git", "r");
    let date = format!("{year}-01-01T00:00:00Z");
    let committed = command.env("GIT_COMMITTER_DATE", date).args(["commit", "-q", "-m", "staged"]).status();
    assert!(committed.unwrap().success());
}

#[test]
fn a_container_that_cannot_be_opened_is_named_by_its_path_in_head_or_else_the_newest() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let bytes = gzip(&"text ".repeat(1000));
    scratch.write("r/a-old.gz", &bytes[..bytes.len() / 2]);
    scratch.commit("r", "old");
    scratch.git("r", &["mv", "a-old.gz", "z-new.gz"]);
    commit_in(&scratch, 2025);
    let named = |path: &str| {
        let (status, report) = history(&scratch);
        let skipped = &report["coverage"]["skipped"][0];
        assert_eq!(status, 3);
        assert!(skipped["what"].as_str().unwrap().starts_with(path), "{skipped}");
        assert!(skipped["reason"].as_str().unwrap().contains("blob "), "{skipped}");
    };
    named("z-new.gz");
    scratch.git("r", &["branch", "newest"]);
    // HEAD's tree has it at two paths. Another branch has it at a newer one.
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
    std::fs::create_dir(scratch.path("r/b")).unwrap();
    std::fs::copy(scratch.path("r/a-old.gz"), scratch.path("r/b/copy.gz")).unwrap();
    scratch.git("r", &["add", "."]);
    commit_in(&scratch, 2020);
    named("a-old.gz");
    scratch.write("r/friskey.toml", "exclude = ['/a-old.gz']\n");
    named("b/copy.gz");
    scratch.write("r/friskey.toml", "exclude = ['/a-old.gz', '/b/']\n");
    named("z-new.gz");
    std::fs::remove_file(scratch.path("r/friskey.toml")).unwrap();
    scratch.git("r", &["rm", "-rq", "a-old.gz", "b"]);
    commit_in(&scratch, 2021);
    named("z-new.gz");
}
