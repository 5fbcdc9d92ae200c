//! Tests every command on every place where git stores bytes: whatever one command finds in a change, the others find or
//! report as not scanned.

use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, fingerprint, key, leak, report, strings};

/// Where a change can add a key.
struct Case {
    what: &'static str,
    /// Stages it, or does what it takes; gives the key `key`.
    stage: fn(&Scratch, &str),
    /// What the change is called once it is committed.
    tip: &'static str,
    /// Whether a commit adds it, rather than a ref.
    in_commit: bool,
    /// Arguments of the commit.
    commit: fn(&str) -> Vec<String>,
}

fn plain(_: &str) -> Vec<String> {
    vec!["-m".to_owned(), "change".to_owned()]
}

fn add(scratch: &Scratch, name: &str, content: impl AsRef<[u8]>) {
    scratch.write(&format!("r/{name}"), content);
    scratch.git("r", &["add", "-A", "-f"]);
}

/// Puts `content` where git-lfs would, and stages a pointer to it.
fn add_lfs(scratch: &Scratch, name: &str, content: &str, is_here: bool) {
    let oid = friskey_oid(content);
    if is_here {
        scratch.write(&format!("r/.git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]), content);
    }
    let size = content.len();
    add(
        scratch,
        name,
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"),
    );
}

/// SHA-256 in hex; a fingerprint is just that.
fn friskey_oid(content: &str) -> String {
    fingerprint(content)
}

fn store(scratch: &Scratch, content: &str) -> String {
    let output = scratch.try_git("r", &["hash-object", "-w", "--stdin"], content.as_bytes());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const CASES: &[Case] = &[
    Case { what: "a file", stage: |s, k| add(s, "f", k), tip: "HEAD", in_commit: true, commit: plain },
    Case {
        what: "a file name",
        stage: |s, k| add(s, &format!("{k}.txt"), "x"),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a file name whose content is known",
        stage: |s, k| add(s, &format!("{k}.txt"), "hello\n"),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "the second of two new names of one content",
        stage: |s, k| {
            add(s, "a-first", "same\n");
            add(s, &format!("z/{k}/f"), "same\n");
        },
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a directory name",
        stage: |s, k| add(s, &format!("dir/{k}/file"), "x"),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a submodule's path",
        stage: |s, k| {
            let id = s.git("r", &["rev-parse", "HEAD"]);
            s.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib/{k}")]);
        },
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "the target of a link",
        stage: |s, k| {
            let id = store(s, &format!("/somewhere/{k}"));
            s.git("r", &["update-index", "--add", "--cacheinfo", &format!("120000,{id},link")]);
        },
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a binary",
        stage: |s, k| add(s, "b", [b"\0\x01\xff", k.as_bytes(), b"\xfe\0"].concat()),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a file that is not diffed",
        stage: |s, k| {
            add(s, ".gitattributes", "*.x -diff -text\n");
            add(s, "f.x", k);
        },
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a container",
        stage: |s, k| add(s, "f.gz", gzip(k)),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "an LFS content",
        stage: |s, k| add_lfs(s, "f.bin", k, true),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "an LFS content that is not here",
        stage: |s, k| add_lfs(s, "f.bin", k, false),
        tip: "HEAD",
        in_commit: true,
        commit: plain,
    },
    Case {
        what: "a message",
        stage: |s, _| add(s, "f", "x"),
        tip: "HEAD",
        in_commit: true,
        commit: |k| vec!["-m".to_owned(), format!("about {k}")],
    },
    Case {
        what: "an author",
        stage: |s, _| add(s, "f", "x"),
        tip: "HEAD",
        in_commit: true,
        commit: |k| vec!["-m".to_owned(), "change".to_owned(), format!("--author={k} <a@b>")],
    },
    Case {
        what: "a branch name",
        stage: |s, k| {
            s.git("r", &["checkout", "-q", "-b", &format!("x/{k}")]);
            s.commit("r", "on it");
        },
        tip: "HEAD",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a tag name",
        stage: |s, k| {
            s.commit("r", "tagged");
            s.git("r", &["tag", k]);
        },
        tip: "--tags",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a tag message",
        stage: |s, k| drop(s.git("r", &["tag", "-a", "-m", k, "v1"])),
        tip: "v1",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "the message of a tag of a tag",
        stage: |s, k| {
            s.git("r", &["tag", "-a", "-m", k, "v1"]);
            s.git("r", &["tag", "-a", "-m", "outer", "v2", "v1"]);
            s.git("r", &["tag", "-d", "v1"]);
        },
        tip: "v2",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a note",
        stage: |s, k| drop(s.git("r", &["notes", "add", "-m", k])),
        tip: "refs/notes/commits",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a ref to a blob",
        stage: |s, k| drop(s.git("r", &["update-ref", "refs/blobs/x", &store(s, k)])),
        tip: "refs/blobs/x",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a tag of a tag of a blob",
        stage: |s, k| {
            let id = store(s, k);
            s.git("r", &["tag", "-a", "-m", "inner", "v1", &id]);
            s.git("r", &["tag", "-a", "-m", "outer", "v2", "v1"]);
        },
        tip: "v2",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "a ref to a tree",
        stage: |s, k| {
            add(s, "in/tree", k);
            let tree = s.git("r", &["write-tree"]);
            s.git("r", &["update-ref", "refs/trees/x", &tree]);
            s.git("r", &["reset", "-q", "--hard"]);
        },
        tip: "refs/trees/x",
        in_commit: false,
        commit: plain,
    },
    Case {
        what: "only in a merge",
        stage: |s, k| {
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
        commit: plain,
    },
];

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

/// A repository whose first commit is pushed to `up.git`, which runs the pre-receive hook, as its own pre-push does.
fn with_remote(scratch: &Scratch) -> String {
    scratch.repository("r");
    std::fs::create_dir_all(scratch.path("up.git")).unwrap();
    scratch.git("up.git", &["init", "-q", "--bare"]);
    scratch.git("r", &["remote", "add", "origin", "../up.git"]);
    scratch.git("r", &["push", "-q", "origin", "main"]);
    scratch.git("r", &["rev-parse", "HEAD"])
}

fn install(scratch: &Scratch, hooks: &str, name: &str) {
    let script = format!("#!/bin/sh\nexec '{}' hook run {name} \"$@\"\n", env!("CARGO_BIN_EXE_friskey"));
    let path = scratch.write(&format!("{hooks}/{name}"), script);
    assert!(scratch.command("chmod", ".").arg("+x").arg(path).status().unwrap().success());
}

fn is_told(output: &Output) -> bool {
    matches!(output.status.code(), Some(1 | 3))
}

/// The push commands whose hook lets the change pass.
fn pushed(scratch: &Scratch) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let push = ["push", "-q", "--dry-run", "origin", "refs/*:refs/*"];
    assert!(scratch.try_git("r", &push, b"").status.success());
    install(scratch, "r/.git/hooks", "pre-push");
    if scratch.try_git("r", &["push", "-q", "origin", "refs/*:refs/*"], b"").status.success() {
        wrong.push("pre-push");
    }
    std::fs::remove_file(scratch.path("r/.git/hooks/pre-push")).unwrap();
    scratch.git("up.git", &["config", "receive.denyCurrentBranch", "ignore"]);
    install(scratch, "up.git/hooks", "pre-receive");
    if scratch.try_git("r", &["push", "-q", "origin", "refs/*:refs/*"], b"").status.success() {
        wrong.push("pre-receive");
    }
    wrong
}

#[test]
fn all_commands_find_or_report_the_same_keys() {
    let mut wrong = Vec::new();
    for (number, case) in (1..).zip(CASES) {
        let scratch = Scratch::new();
        let base = with_remote(&scratch);
        let key = key(number);
        (case.stage)(&scratch, &key);
        let mut check = |command: &str, fine: bool| {
            if !fine {
                wrong.push(format!("{}: {command}", case.what));
            }
        };
        if case.in_commit {
            let arguments = (case.commit)(&key);
            let of_commit = !arguments.concat().contains(&key);
            check("staged", !of_commit || is_told(&scratch.friskey("r", &["staged"])));
            install(&scratch, "r/.git/hooks", "pre-commit");
            install(&scratch, "r/.git/hooks", "commit-msg");
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let commit = [&["commit", "-q"], &arguments[..]].concat();
            check("commit hooks", !scratch.try_git("r", &commit, b"").status.success());
            scratch.git("r", &[&["commit", "-q", "--no-verify"], &arguments[..]].concat());
        }
        check("history", is_told(&scratch.friskey("r", &["history"])));
        check("history --no-unreachable", is_told(&scratch.friskey("r", &["history", "--no-unreachable"])));
        let range = format!("{} --not {base}", case.tip);
        check("history --range", is_told(&scratch.friskey("r", &["history", "--range", &range])));
        if !case.tip.starts_with('-') {
            let ci = ["ci", "--base", &base, "--head", case.tip];
            check("ci", is_told(&scratch.friskey("r", &ci)));
        }
        for command in pushed(&scratch) {
            check(command, false);
        }
    }
    assert!(wrong.is_empty(), "neither found nor reported:\n{}", wrong.join("\n"));
}

/// Without a key, none of this is reported; otherwise nothing ordinary would pass.
#[test]
fn an_ordinary_change_passes_all_commands() {
    let scratch = Scratch::new();
    let base = with_remote(&scratch);
    add_lfs(&scratch, "f.bin", "an ordinary content", true);
    add(&scratch, "f.gz", gzip("text"));
    for hook in ["pre-commit", "commit-msg", "pre-push"] {
        install(&scratch, "r/.git/hooks", hook);
    }
    scratch.git("r", &["commit", "-q", "-m", "change"]);
    scratch.git("r", &["tag", "-a", "-m", "tagged", "v1", &store(&scratch, "a blob")]);
    for args in [&["history"][..], &["history", "--range", &format!("HEAD v1 --not {base}")]] {
        assert_eq!(scratch.friskey("r", args).status.code(), Some(0), "{args:?}");
    }
    scratch.git("r", &["push", "-q", "origin", "main", "v1"]);
}

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
    let mut put = |name: &str, before: &str| {
        number += 1;
        scratch.write(&format!("r/.git/{name}"), format!("{before}{}\n", key(number)));
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
fn links_in_a_git_dir_are_read_and_followed_no_further_than_the_work_tree() {
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

/// A name that git gives to files derived from packs is no proof of their contents.
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
    let genuine = |end: &str| {
        let pack = std::fs::read_dir(scratch.path("r/.git/objects/pack")).unwrap();
        let mut names = pack.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        format!("pack/{}", names.find(|name| name.ends_with(end)).unwrap())
    };
    let mut names: Vec<String> =
        [".idx", ".rev", ".bitmap", "multi-pack-index"].iter().map(|end| genuine(end)).collect();
    names.extend(["info/packs", "info/commit-graph"].map(str::to_owned));
    let made = [
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
    names.extend(made.map(str::to_owned));
    for (number, name) in (0..).zip(&names) {
        let file = format!("r/.git/objects/{name}");
        let mut bytes = std::fs::read(scratch.path(&file)).unwrap_or_default();
        if !bytes.is_empty() {
            // Git makes them read-only.
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
fn of_a_socket_in_a_git_dir_only_the_name_is_searched() {
    use std::os::unix::net::UnixListener;
    let scratch = Scratch::new();
    scratch.repository("r");
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
    let ids = [store(&scratch, "few"), store(&scratch, &"many ".repeat(100_000))];
    let before = history(&scratch);
    assert_eq!(before.0, 0, "{:#}", before.1);
    for (number, id) in (1..).zip(&ids) {
        let path = scratch.path(&format!("r/.git/objects/{}/{}", &id[..2], &id[2..]));
        let mut bytes = std::fs::read(&path).unwrap();
        // Git makes them read-only.
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
    let at = |name: &str| scratch.path(&format!("r/.git/objects/{name}"));
    std::fs::create_dir(at(&key(1))).unwrap();
    scratch.write(&format!("r/.git/objects/pack/{}.keep", key(2)), "");
    symlink(format!("/no/{}", key(3)), at("pack/q.keep")).unwrap();
    symlink("/no", at(&key(4))).unwrap();
    scratch.write(&format!("r/.git/objects/pack/x/{}/y", key(5)), "");
    // A file that git reads through a link is not a skip, and the link is searched, too.
    std::fs::rename(at("info"), scratch.path(&key(6))).unwrap();
    symlink(scratch.path(&key(6)), at("info")).unwrap();
    symlink("../info", at("pack/near")).unwrap();
    let (status, report) = history(&scratch);
    assert_eq!(status, 1, "{report:#}");
    let missed: Vec<_> = (1..=6).filter(|number| leak(&report, &key(*number)).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let skipped = |report: &Value| report["coverage"]["skipped"].to_string();
    assert!(!skipped(&report).contains(".git/objects/info"), "{report:#}");
    scratch.write("out", "x");
    drop(std::os::unix::net::UnixListener::bind(at("s")).unwrap());
    symlink(scratch.path("out"), at("pack/out.keep")).unwrap();
    let (_, report) = history(&scratch);
    assert!(skipped(&report).contains(".git/objects/pack/out.keep"), "{report:#}");
}

/// A repository `s` with a key in its past, and `r`, into which `put` copies it; returns status and report.
fn submodule(put: impl Fn(&Scratch)) -> (i32, Value) {
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

fn copy(scratch: &Scratch, to: &str) {
    let to = scratch.path(to);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = scratch.command("cp", ".").args(["-r", "s/.git"]).arg(to).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_cloned_submodule_is_searched_wherever_it_is() {
    let deep = (1..40).map(|level| level.to_string()).collect::<Vec<_>>().join("/");
    let at = |place: String| submodule(|scratch| copy(scratch, &place));
    for place in [
        "r/.git/modules/lib",
        "r/.git/modules/a/b/c",
        &format!("r/.git/modules/{deep}/lib"),
        "r/.git/worktrees/w/modules/lib",
        "r/.git/modules/lib/modules/inner/modules/innermost",
        "r/.git/backup.git",
    ] {
        let (status, report) = at(place.to_owned());
        assert!(status == 1 && leak(&report, &key(1)).is_some(), "{place}: {report:#}");
    }
    // Not absorbed: the git directory is in the work tree.
    let (status, report) = submodule(|scratch| {
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
    let linked = |scratch: &Scratch| {
        std::fs::create_dir_all(scratch.path("r/.git/modules")).unwrap();
        symlink(scratch.path("s/.git"), scratch.path("r/.git/modules/lib")).unwrap();
    };
    let headless = |scratch: &Scratch| {
        copy(scratch, "r/.git/modules/lib");
        std::fs::remove_file(scratch.path("r/.git/modules/lib/HEAD")).unwrap();
    };
    let elsewhere = |scratch: &Scratch| {
        let id = scratch.git("r", &["rev-parse", "HEAD"]);
        scratch.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib")]);
        scratch.write("r/lib/.git", "gitdir: ../../s/.git\n");
    };
    for (what, put) in
        [("linked", &linked as &dyn Fn(&Scratch)), ("without HEAD", &headless), ("elsewhere", &elsewhere)]
    {
        let (status, report) = submodule(put);
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
    let named = |report: &Value| report["coverage"]["ignored"].to_string().contains("\"lib/\"");
    for args in [&["clone", "-q", "up", "r"][..], &["clone", "-q", "--bare", "up", "bare"]] {
        scratch.git(".", args);
    }
    let (status, report) = history(&scratch);
    assert!(status == 0 && named(&report), "{report:#}");
    let bare = scratch.friskey("bare", &["history", "--format", "json"]);
    assert!(named(&crate::support::report(&bare)));
    scratch.git("r", &["-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init"]);
    let (status, report) = history(&scratch);
    assert!(status == 0 && !named(&report), "{report:#}");
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
    let names = |id: &str, printed: &str| {
        printed.contains("\"deep/lib/\"") && printed.contains(&format!("commit {} of another", &id[..10]))
    };
    for id in &ids {
        let base = scratch.git("r", &["rev-parse", "HEAD"]);
        stage(id, "deep/lib");
        let printed = ignored(&["staged"]);
        assert!(names(id, &printed), "{printed}");
        let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("1 ignored path not scanned"), "{said}");
        scratch.git("r", &["commit", "-q", "-m", "moved"]);
        for args in [&["history", "--range", &format!("{base}..HEAD")][..], &["ci", "--base", &base]] {
            let printed = ignored(args);
            assert!(names(id, &printed), "{args:?}: {printed}");
        }
    }
    let human = scratch.friskey("r", &["history", "--range", "HEAD~1..HEAD", "--format", "human"]);
    let human = String::from_utf8_lossy(&human.stdout).into_owned();
    assert!(human.contains("leaves out deep/lib/ (include with `friskey history` here"), "{human}");
    let head = scratch.git("r", &["rev-parse", "HEAD"]);
    let push = format!("refs/heads/main {head} refs/heads/main {}\n", "0".repeat(40));
    let output =
        scratch.friskey_with("r", &["hook", "run", "pre-push", "origin", "../server"], push.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("1 ignored path not scanned"), "{said}");
    // What the change leaves as it was is not named.
    stage(&ids[1], "deep/lib");
    scratch.write("r/deep/b", "beside");
    scratch.git("r", &["add", "deep/b"]);
    assert!(!ignored(&["staged"]).contains("deep/lib"));
    scratch.git("r", &["commit", "-q", "-m", "beside"]);
    assert!(!ignored(&["history", "--range", "HEAD~1..HEAD"]).contains("deep/lib"));
}

/// An index that git rejects is reported, and one that git accepts is searched.
#[test]
fn an_index_is_read_whether_or_not_anything_was_found() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let index = scratch.path("r/.git/index");
    let whole = std::fs::read(&index).unwrap();
    let is_refused = |bytes: &[u8]| {
        std::fs::write(&index, bytes).unwrap();
        let (status, report) = history(&scratch);
        assert!(status == 3 && report["coverage"]["skipped"].to_string().contains("index"), "{report:#}");
        assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(2));
    };
    let git_refuses = || !scratch.try_git("r", &["ls-files"], b"").status.success();
    is_refused(b"");
    assert!(git_refuses());
    is_refused(&[b"JUNK", &whole[4..]].concat());
    assert!(git_refuses());
    // Git reads beyond its end, and lists an entry without a name.
    is_refused(&whole[..whole.len() / 2]);
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
    // A name that only a compressed index has, cut where it differs from the one before.
    std::fs::write(&index, &whole).unwrap();
    scratch.git("r", &["update-index", "--index-version", "4"]);
    let name = key(7);
    scratch.write(&format!("r/{}-", &name[..name.len() - 1]), "x");
    scratch.write(&format!("r/{name}"), "x");
    scratch.git("r", &["add", "-N", "."]);
    let (status, report) = history(&scratch);
    assert!(status == 1 && leak(&report, &name).is_some(), "{report:#}");
}

#[test]
fn a_container_that_stays_closed_is_named_by_its_newest_path() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let bytes = gzip(&"text ".repeat(1000));
    scratch.write("r/a-old.gz", &bytes[..bytes.len() / 2]);
    scratch.commit("r", "old");
    scratch.git("r", &["mv", "a-old.gz", "z-new.gz"]);
    let mut command = scratch.command("git", "r");
    let moved =
        command.env("GIT_COMMITTER_DATE", "2025-01-01T00:00:00Z").args(["commit", "-q", "-m", "moved"]);
    assert!(moved.status().unwrap().success());
    let (status, report) = history(&scratch);
    let skipped = &report["coverage"]["skipped"][0];
    assert_eq!(status, 3);
    assert!(skipped["what"].as_str().unwrap().starts_with("z-new.gz"), "{skipped}");
    assert!(skipped["reason"].as_str().unwrap().contains("blob "), "{skipped}");
}
