//! Tests where a purge may write, what it carries over without searching it, and what its report and output say about both.

use serde_json::Value;

use crate::support::{Scratch, fingerprint, json, key, stderr, stdout};

fn repository_with_key() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(40)));
    scratch.commit("repo", "leak");
    scratch
}

fn read_report(scratch: &Scratch) -> Value {
    serde_json::from_slice(&std::fs::read(scratch.path("report.json")).unwrap()).unwrap()
}

fn purge(scratch: &Scratch, options: &[&str]) -> std::process::Output {
    scratch.friskey(&[&["purge", "repo", "--into", "new.git", "--report", "report.json"], options].concat())
}

#[test]
fn a_report_within_the_repository_is_refused() {
    let scratch = repository_with_key();
    let config = std::fs::read(scratch.path("repo/.git/config")).unwrap();
    for path in ["repo/.git/config", "repo/.git/report.json", "repo/report.json"] {
        for mode in [&["--into", "new.git"][..], &["--dry-run"]] {
            let output = scratch.friskey(&[&["purge", "repo", "--report", path], mode].concat());
            assert_eq!(output.status.code(), Some(2), "{path}");
            assert!(stderr(&output).contains("outside"), "{}", stderr(&output));
        }
    }
    assert_eq!(std::fs::read(scratch.path("repo/.git/config")).unwrap(), config);
    assert!(!scratch.path("repo/report.json").exists() && !scratch.path("new.git").exists());
}

#[test]
fn a_destination_in_a_work_tree_of_the_repository_is_refused() {
    let scratch = repository_with_key();
    scratch.git("repo", &["worktree", "add", "-q", "--detach", "../linked"]);
    for (repo, into) in [("repo", "linked/new.git"), ("linked", "repo/new.git"), ("linked", "linked/new.git")]
    {
        let output = scratch.friskey(&["purge", repo, "--into", into]);
        assert_eq!(output.status.code(), Some(2), "{repo} {into}");
        assert!(!scratch.path(into).exists(), "{into}");
    }
}

/// A new repository without its report would be of little use: only with the report can `friskey prove` check the server.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_leaves_no_repository() {
    let scratch = repository_with_key();
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the new repository was removed"), "{}", stderr(&output));
    let names: Vec<_> = std::fs::read_dir(scratch.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("new.git")), "{names:?}");
}

#[test]
fn git_lfs_pointers_are_carried_over_and_their_files_searched() {
    let scratch = repository_with_key();
    let content = format!("model, {}\n", key(41));
    // Git LFS names files by the SHA-256 of their content, which `fingerprint` computes.
    let oid = fingerprint(&content);
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", content.len());
    scratch.write("repo/big.bin", &pointer);
    scratch.commit("repo", "big");
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("git lfs fetch --all"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("--surfaces"), "{}", stderr(&output));
    scratch.write(&format!("repo/.git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]), &content);
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(scratch.git("new.git", &["cat-file", "-p", "main:big.bin"]), pointer.trim());
    let report = read_report(&scratch);
    assert_eq!(report["lfs"][0]["oid"], *oid);
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "clone.git"]);
    let proof = scratch.friskey(&["prove", "clone.git", "--report", "report.json"]);
    assert_eq!(proof.status.code(), Some(3), "{}", stderr(&proof));
    assert!(stdout(&proof).contains("git lfs fetch --all"), "{}", stdout(&proof));
    assert!(!stdout(&proof).contains("--surfaces"), "{}", stdout(&proof));
    let not_carried_over = report["not_carried_over"].as_array().unwrap();
    assert!(not_carried_over.iter().any(|row| row["what"] == "lfs"), "{not_carried_over:?}");
}

/// No ref changes, so there is nothing to push, but the file in the store of Git LFS has to be replaced.
#[test]
fn a_key_that_is_only_in_git_lfs_gives_a_next_step_for_it() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    let content = format!("model, {}\n", key(41));
    let oid = fingerprint(&content);
    let size = content.len();
    scratch.write(
        "repo/big.bin",
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"),
    );
    scratch.write(&format!("repo/.git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]), &content);
    scratch.commit("repo", "big");
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Replace the files of Git LFS") && text.contains(&oid), "{text}");
}

/// Commits an archive in a format that friskey cannot open, without a key in it. Returns the id of its blob.
fn add_unopenable_archive(scratch: &Scratch) -> String {
    let bytes = b"\x04\x22\x4d\x18\x64\x40\xa7\x06\x00\x00\x80hello\n\x00\x00\x00\x00";
    scratch.write("repo/data/sample.lz4", bytes);
    scratch.commit("repo", "sample");
    scratch.git("repo", &["rev-parse", "HEAD:data/sample.lz4"])
}

#[test]
fn a_purge_refuses_an_archive_that_cannot_be_opened_unless_it_is_excluded() {
    let scratch = repository_with_key();
    let blob = add_unopenable_archive(&scratch);
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("`exclude` in a friskey.toml"), "{}", stderr(&output));
    assert!(stderr(&output).contains(&blob) && !scratch.path("new.git").exists(), "{}", stderr(&output));
    scratch.write("purge.toml", "exclude = [\"data/\"]\n");
    let output = purge(&scratch, &["--config", "purge.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("not searched, and carried over as it is: data/"), "{text}");
    assert!(text.contains(&format!("  data/sample.lz4 (blob {blob}): ")), "{text}");
    let report = read_report(&scratch);
    assert!(report["left_out"].to_string().contains("data/"));
    let unsearched = &report["unsearched"][0];
    assert_eq!((&unsearched["object"], &unsearched["excluded"]), (&blob.into(), &true.into()));
}

/// A dry run makes a plan in spite of such files, so that the user can decide about each.
#[test]
fn a_dry_run_lists_the_archives_that_cannot_be_opened() {
    let scratch = repository_with_key();
    let blob = add_unopenable_archive(&scratch);
    let plan = ["purge", "repo", "--dry-run", "--report", "report.json"];
    let output = scratch.friskey(&plan);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{text}{}", stderr(&output));
    assert!(text.contains("would purge 1 key") && text.contains("A purge refuses until"), "{text}");
    assert!(text.contains(&format!("  data/sample.lz4 (blob {blob}): ")), "{text}");
    let plan_report = read_report(&scratch);
    assert_eq!(
        (&plan_report["status"], &plan_report["unsearched"][0]["path"]),
        (&"planned".into(), &"data/sample.lz4".into())
    );
    scratch.write("purge.toml", "exclude = [\"data/\"]\n");
    let output = scratch.friskey(&[&plan[..], &["--config", "purge.toml"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    // With a missing object there is no plan, since the user cannot decide about what nobody can read.
    let missing = scratch.git("repo", &["rev-parse", "HEAD:.env"]);
    std::fs::remove_file(scratch.path(&format!("repo/.git/objects/{}/{}", &missing[..2], &missing[2..])))
        .unwrap();
    let output = scratch.friskey(&plan);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(3), ""), "{}", stderr(&output));
}

/// The proof is incomplete, but says that nothing else is missing.
#[test]
fn prove_names_the_archives_that_cannot_be_opened() {
    let scratch = repository_with_key();
    let blob = add_unopenable_archive(&scratch);
    scratch.write("purge.toml", "exclude = [\"data/\"]\n");
    assert_eq!(purge(&scratch, &["--config", "purge.toml"]).status.code(), Some(0));
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "check.git"]);
    let prove = ["prove", "check.git", "--report", "report.json"];
    let output = scratch.friskey(&prove);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains(&format!("carried over unsearched by the purge: data/sample.lz4 (blob {blob})")),
        "{text}"
    );
    assert!(
        text.ends_with("everything was searched but the files above, which cannot be opened\n"),
        "{text}"
    );
    let proof = json(&scratch.friskey(&[&prove[..], &["--format", "json"]].concat()));
    assert_eq!(proof["unsearched"].as_array().unwrap().len(), 1, "{proof:#}");
    assert_eq!(
        (&proof["unsearched"][0]["object"], &proof["unsearched"][0]["carried_over"]),
        (&blob.into(), &true.into())
    );
}

#[test]
fn accepted_keys_are_not_purged_but_counted() {
    let scratch = repository_with_key();
    scratch.write("repo/other", format!("K={}\n", key(42)));
    scratch.commit("repo", "other");
    let fingerprint = fingerprint(&key(42));
    let add = ["baseline", "add", &fingerprint, "--reason", "test", "--baseline", "accepted.toml"];
    assert_eq!(scratch.friskey(&add).status.code(), Some(0));
    let output = purge(&scratch, &["--baseline", "accepted.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("accepted keys that stay: 1"), "{}", stdout(&output));
    assert_eq!(read_report(&scratch)["accepted_keys"], 1);
}

#[test]
fn notes_on_tags_and_commits_follow_the_new_ids() {
    let scratch = repository_with_key();
    scratch.git("repo", &["tag", "-a", "-m", "release", "v1"]);
    let tag = scratch.git("repo", &["rev-parse", "v1"]);
    scratch.git("repo", &["notes", "add", "-m", "about the tag", &tag]);
    scratch.git("repo", &["notes", "add", "-m", "about the commit", "HEAD"]);
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let new_tag = scratch.git("new.git", &["rev-parse", "v1"]);
    assert_ne!(tag, new_tag);
    assert_eq!(scratch.git("new.git", &["notes", "show", &new_tag]), "about the tag");
    assert_eq!(scratch.git("new.git", &["notes", "show", "main"]), "about the commit");
}

#[test]
fn grafts_and_replaced_objects_do_not_change_what_is_carried_over() {
    let scratch = repository_with_key();
    scratch.commit("repo", "second");
    let (first, second) =
        (scratch.git("repo", &["rev-parse", "HEAD~1"]), scratch.git("repo", &["rev-parse", "HEAD"]));
    scratch.git("repo", &["replace", &second, &first]);
    scratch.write("repo/.git/info/grafts", format!("{second}\n"));
    let output = purge(&scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let log = scratch.git("new.git", &["log", "--format=%s", "main"]);
    assert_eq!(log, "second\nleak", "the new commits have other parents");
    let report = read_report(&scratch);
    let not_carried_over: Vec<_> = report["not_carried_over"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["what"].as_str().unwrap())
        .collect();
    assert!(
        not_carried_over.contains(&"grafts") && not_carried_over.contains(&"replace-refs"),
        "{not_carried_over:?}"
    );
    assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

/// An ordinary clone lacks branches of others, which a mirror push from it would delete.
#[test]
fn no_push_is_suggested_for_a_clone_that_is_not_a_mirror() {
    let scratch = repository_with_key();
    scratch.git("repo", &["branch", "colleague"]);
    scratch.git("", &["clone", "-q", "repo", "clone"]);
    scratch.git("clone", &["config", "remote.origin.url", "git@github.com:acme/app.git"]);
    let purge_and_read_second_step = |repo: &str| {
        let into = format!("{repo}-new.git");
        let output = scratch.friskey(&["purge", repo, "--into", &into, "--report", "report.json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stdout(&output).contains(&format!("git -C {into} push")) || repo == "mirror.git");
        read_report(&scratch)["next_steps"][1].clone()
    };
    let step = purge_and_read_second_step("clone");
    let commands: Vec<_> = step["commands"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(commands[0], "git clone --mirror git@github.com:acme/app.git mirror.git");
    assert!(step["title"].as_str().unwrap().starts_with("Do not push"));
    scratch.git("", &["clone", "-q", "--mirror", "repo", "mirror.git"]);
    scratch.git("mirror.git", &["config", "remote.origin.url", "git@github.com:acme/app.git"]);
    let step = purge_and_read_second_step("mirror.git");
    assert_eq!(
        step["commands"][0],
        "git -C mirror.git-new.git push --force --mirror git@github.com:acme/app.git"
    );
    // A relative path is one from the old repository, not from the new one.
    scratch.git("mirror.git", &["config", "remote.origin.url", "../server.git"]);
    std::fs::remove_dir_all(scratch.path("mirror.git-new.git")).unwrap();
    let command = purge_and_read_second_step("mirror.git")["commands"][0].clone();
    let server = scratch.path("mirror.git").canonicalize().unwrap().join("../server.git");
    assert!(command.as_str().unwrap().ends_with(server.to_str().unwrap()), "{command}");
}

#[test]
fn ref_names_that_lead_out_of_the_new_repository_write_nothing() {
    let scratch = repository_with_key();
    let tip = scratch.git("repo", &["rev-parse", "HEAD"]);
    std::fs::create_dir(scratch.path("sub")).unwrap();
    scratch.write("precious", "mine");
    scratch.write(
        "repo/.git/packed-refs",
        format!(
            "# pack-refs with: peeled fully-peeled sorted \n{tip} refs/heads/../../../precious\n{tip} refs/heads/x.lock\n"
        ),
    );
    scratch.write("repo/.git/refs/heads/tmp~", format!("{tip}\n"));
    scratch.git("repo", &["stash", "list"]);
    scratch.write("repo/.git/refs/heads/to-stash", "ref: refs/stash\n");
    let output = scratch.friskey(&["purge", "repo", "--into", "sub/new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(std::fs::read(scratch.path("precious")).unwrap(), b"mine");
    assert_eq!(scratch.git("sub/new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    let fsck = scratch.try_git("sub/new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}{}", stdout(&fsck), stderr(&fsck));
    let not_carried_over = read_report(&scratch)["not_carried_over"].to_string();
    assert!(not_carried_over.contains("misnamed-refs"), "{not_carried_over}");
}

#[test]
fn a_head_that_git_rejects_becomes_main_or_the_purge_is_refused() {
    let scratch = repository_with_key();
    scratch.git("", &["clone", "-q", "--mirror", "repo", "mirror.git"]);
    for head in ["ref: refs/heads/../../evil\n", "ref: refs/heads/no such\n"] {
        scratch.write("mirror.git/HEAD", head);
        let _ = std::fs::remove_dir_all(scratch.path("new.git"));
        let output = scratch.friskey(&["purge", "mirror.git", "--into", "new.git"]);
        if output.status.code() == Some(0) {
            assert_eq!(scratch.git("new.git", &["symbolic-ref", "HEAD"]), "refs/heads/main");
        } else {
            assert!(!scratch.path("new.git").exists(), "{}", stderr(&output));
        }
    }
}

#[test]
fn a_dry_run_lists_how_each_file_would_be_changed() {
    let scratch = repository_with_key();
    // Git writes the archive, so the test needs no library for that.
    scratch.write("inner/.env", format!("K={}\n", key(43)));
    scratch.git("", &["init", "-q", "-b", "main", "inner"]);
    scratch.commit("inner", "inner");
    scratch.git("inner", &["archive", "--format=zip", "-9", "-o", "../repo/backup.zip", "HEAD"]);
    scratch.commit("repo", "backup");
    let output = scratch.friskey(&["purge", "repo", "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Places:\n  blob backup.zip: stub\n  blob .env: filler\n"), "{text}");
}

/// No commit is rewritten, so the proof has to recognize the clone in another way.
#[test]
fn a_key_that_only_a_tag_had_is_proven_gone() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.commit("repo", "clean");
    scratch.git("repo", &["tag", "-a", "-m", &format!("with {}", key(44)), "v1"]);
    scratch.git("", &["clone", "-q", "--mirror", "repo", "mirror.git"]);
    let output = scratch.friskey(&["purge", "mirror.git", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "check.git"]);
    let proof = scratch.friskey(&["prove", "check.git", "--report", "report.json"]);
    assert_eq!(proof.status.code(), Some(0), "{}", stdout(&proof));
}
