//! Compares refs and reflogs with those that git lists.

use super::*;
use crate::git::scratch::Scratch;

/// Object and name of each tip of a kind.
fn tip_lines(refs: &Refs, kind: TipKind) -> Vec<String> {
    refs.tips.iter().filter(|tip| tip.kind == kind).map(|tip| format!("{} {}", tip.id, tip.name)).collect()
}

/// What the gaps name.
fn gap_names(refs: &Refs) -> Vec<String> {
    refs.gaps.clone().into_skips().into_iter().map(|skip| skip.what).collect()
}

/// Arguments of `git init` for each storage format.
const STORAGES: [&str; 2] = ["--ref-format=files", "--ref-format=reftable"];

/// A repository with branches, both kinds of tag, remote refs, a symbolic ref, notes, and a stash.
fn repository_with_all_kinds_of_refs(storage: &str) -> Scratch {
    let scratch = Scratch::new(&[storage]);
    scratch.write("a", "1");
    scratch.commit("first");
    scratch.git(&["tag", "light"]);
    scratch.git(&["tag", "-a", "-m", "annotated", "heavy"]);
    scratch.git(&["pack-refs", "--all"]);
    scratch.git(&["branch", "deep/er/branch"]);
    scratch.write("a", "2");
    scratch.commit("second");
    scratch.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    scratch.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    scratch.git(&["notes", "add", "-m", "a note"]);
    scratch.write("a", "3");
    scratch.git(&["stash", "-q"]);
    scratch.write("a", "4");
    scratch.git(&["stash", "-q", "-m", "again"]);
    scratch
}

#[test]
fn tips_are_those_that_git_lists() {
    for storage in STORAGES {
        let scratch = repository_with_all_kinds_of_refs(storage);
        let refs = read(&scratch.open());
        assert_eq!(gap_names(&refs), Vec::<String>::new());
        assert_eq!(refs.head.as_deref(), Some("refs/heads/main"));
        let git_refs = scratch.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
        let mut expected: Vec<&str> = git_refs.lines().collect();
        expected.sort_by_key(|line| line.split_once(' ').map(|(_, name)| name));
        assert_eq!(tip_lines(&refs, TipKind::Ref), expected);
        assert_eq!(tip_lines(&refs, TipKind::Head), Vec::<String>::new());
    }
}

#[test]
fn reflog_entries_have_the_names_git_gives_them() {
    for storage in STORAGES {
        let scratch = repository_with_all_kinds_of_refs(storage);
        scratch.git(&["reset", "-q", "--hard", "HEAD~1"]);
        let refs = read(&scratch.open());
        assert!(refs.logs.iter().any(|entry| entry.log == "refs/stash" && entry.ago == 1));
        for entry in refs.logs.iter().filter(|entry| !entry.new.is_null()) {
            assert_eq!(entry.new, scratch.id(&entry.name()), "{}", entry.name());
        }
        let git_messages = scratch.git(&["log", "-g", "--format=%gs", "HEAD"]);
        let head_log: Vec<_> = refs.logs.iter().filter(|entry| entry.log == "HEAD").collect();
        let messages: Vec<_> = head_log.iter().map(|entry| String::from_utf8_lossy(&entry.message)).collect();
        assert_eq!(messages, git_messages.lines().collect::<Vec<_>>());
        assert_eq!(head_log[0].who, b"Ann <ann@example.org>");
        let git_dates = scratch.git(&["log", "-g", "--date=raw", "--format=%gd", "HEAD"]);
        let date = |entry: &&LogEntry| format!("HEAD@{{{}}}", String::from_utf8_lossy(&entry.when));
        let dates: Vec<_> = head_log.iter().map(date).collect();
        assert_eq!(dates, git_dates.lines().collect::<Vec<_>>());
    }
}

#[test]
fn detached_heads_pseudorefs_and_linked_work_trees_have_tips() {
    for storage in STORAGES {
        let scratch = repository_with_all_kinds_of_refs(storage);
        scratch.git(&["update-ref", "ORIG_HEAD", "HEAD~1"]);
        scratch.git(&["worktree", "add", "-q", "--detach", "linked", "HEAD~1"]);
        scratch.git(&["-C", "linked", "update-ref", "refs/worktree/own", "HEAD"]);
        scratch.git(&["fetch", "-q", ".", "main", "deep/er/branch"]);
        scratch.git(&["checkout", "-q", "--detach"]);
        for work_tree in [".", "linked"] {
            let repo =
                gix::open_opts(scratch.path().join(work_tree), gix::open::Options::isolated()).unwrap();
            let refs = read(&repo);
            assert_eq!(gap_names(&refs), Vec::<String>::new());
            let (head, parent) = (scratch.id("HEAD"), scratch.id("HEAD~1"));
            assert_eq!(refs.head, None);
            assert_eq!(
                tip_lines(&refs, TipKind::Head),
                [format!("{head} HEAD"), format!("{parent} worktrees/linked/HEAD")]
            );
            let pseudo = tip_lines(&refs, TipKind::Pseudo);
            for expected in
                [format!("{head} FETCH_HEAD"), format!("{parent} FETCH_HEAD"), format!("{parent} ORIG_HEAD")]
            {
                assert!(pseudo.contains(&expected), "{expected} in {pseudo:?}");
            }
            assert!(
                tip_lines(&refs, TipKind::Ref)
                    .contains(&format!("{parent} worktrees/linked/refs/worktree/own"))
            );
            assert!(refs.logs.iter().any(|entry| entry.log == "worktrees/linked/HEAD"));
        }
    }
}

#[test]
fn logs_of_deleted_refs_are_read() {
    let scratch = repository_with_all_kinds_of_refs("--ref-format=files");
    let log = ".git/logs/refs/heads/gone";
    scratch.write(log, &scratch.git(&["rev-parse", "HEAD"]));
    let zero = "0".repeat(40);
    let id = scratch.id("HEAD");
    scratch
        .write(log, &format!("{zero} {id} A <a@b> 0 +0000\tbranch: Created\n{id} {zero} A <a@b> 1 +0000\n"));
    let refs = read(&scratch.open());
    let gone: Vec<_> = refs.logs.iter().filter(|entry| entry.log == "refs/heads/gone").collect();
    assert_eq!(gone.len(), 2);
    assert!(gone[0].new.is_null() && gone[1].is_oldest && gone[1].new == id);
}

#[test]
fn an_unborn_branch_is_not_a_gap() {
    for storage in STORAGES {
        let scratch = Scratch::new(&[storage]);
        let refs = read(&scratch.open());
        assert_eq!((refs.tips.len(), refs.head.as_deref()), (0, Some("refs/heads/main")));
        assert_eq!(gap_names(&refs), Vec::<String>::new());
    }
}

#[test]
fn malformed_refs_are_gaps_and_the_rest_is_read() {
    let scratch = repository_with_all_kinds_of_refs("--ref-format=files");
    scratch.write(".git/refs/heads/empty", "");
    scratch.write(".git/refs/heads/short", "abcdef\n");
    scratch.write(".git/refs/heads/dangling", "ref: refs/heads/nowhere\n");
    scratch.write(".git/refs/heads/round", "ref: refs/heads/round\n");
    scratch.write(".git/logs/refs/heads/main", "not an entry\n");
    scratch.write(".git/refs/heads/being.lock", "x");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", scratch.path().join(".git/refs/heads/device")).unwrap();
    let refs = read(&scratch.open());
    let gaps = gap_names(&refs);
    for name in ["empty", "short", "round"] {
        assert!(gaps.contains(&format!("refs/heads/{name}")), "{name} in {gaps:?}");
    }
    #[cfg(unix)]
    assert!(gaps.contains(&"refs/heads/device".to_owned()));
    assert!(gaps.contains(&"reflog of refs/heads/main".to_owned()));
    assert!(!gaps.iter().any(|name| name.ends_with(".lock") || name.ends_with("dangling")));
    assert!(tip_lines(&refs, TipKind::Ref).iter().any(|line| line.ends_with("refs/heads/main")));
}

#[test]
fn chains_of_symbolic_refs_are_followed_as_far_as_git_does() {
    let scratch = Scratch::new(&["--ref-format=files"]);
    let id = scratch.commit("first");
    scratch.write(".git/refs/chain/1", "ref: refs/heads/main\n");
    for number in 2..=6 {
        let target = format!("ref: refs/chain/{}\n", number - 1);
        scratch.write(&format!(".git/refs/chain/{number}"), &target);
    }
    let refs = read(&scratch.open());
    for number in 1..=6 {
        let name = format!("refs/chain/{number}");
        let git_lists_it = scratch.git(&["for-each-ref", "--format=%(refname)", &name]).contains(&name);
        assert_eq!(git_lists_it, number <= 4, "{name}");
        let is_tip = tip_lines(&refs, TipKind::Ref).contains(&format!("{id} {name}"));
        assert_eq!((is_tip, gap_names(&refs).contains(&name)), (git_lists_it, !git_lists_it), "{name}");
    }
}

#[test]
#[cfg(unix)]
fn directories_that_cannot_be_listed_are_gaps() {
    for storage in STORAGES {
        let scratch = Scratch::new(&[storage]);
        scratch.commit("first");
        scratch.write(".git/worktrees/file", "");
        assert_eq!(gap_names(&read(&scratch.open())), Vec::<String>::new());
        // Links to themselves, which even root cannot list.
        let loop_at = |path: &str| {
            std::os::unix::fs::symlink(path.rsplit('/').next().unwrap(), scratch.path().join(path)).unwrap()
        };
        loop_at(".git/worktrees/linked");
        let gaps = gap_names(&read(&scratch.open()));
        assert!(gaps.iter().any(|name| name.starts_with("worktrees/linked")), "{gaps:?}");
        std::fs::remove_dir_all(scratch.path().join(".git/worktrees")).unwrap();
        loop_at(".git/worktrees");
        assert_eq!(gap_names(&read(&scratch.open())), ["worktrees"]);
    }
    let scratch = Scratch::new(&["--ref-format=reftable"]);
    scratch.commit("first");
    let repo = scratch.open();
    std::fs::rename(scratch.path().join(".git/reftable"), scratch.path().join(".git/tables")).unwrap();
    std::os::unix::fs::symlink("reftable", scratch.path().join(".git/reftable")).unwrap();
    let gaps = gap_names(&read(&repo));
    assert_eq!(gaps, ["reftable/*.ref", "reftable/tables.list"]);
}

#[test]
fn sha256_repositories_have_longer_ids() {
    for storage in STORAGES {
        let scratch = Scratch::new(&["--object-format=sha256", storage]);
        let id = scratch.commit("first");
        let refs = read(&scratch.open());
        assert_eq!(tip_lines(&refs, TipKind::Ref), [format!("{id} refs/heads/main")]);
        assert!(refs.logs.iter().all(|entry| entry.new == id));
    }
}

/// Packed refs are kept apart from loose ones.
#[test]
fn symbolic_refs_lead_to_packed_refs_as_to_loose_ones() {
    let scratch = Scratch::new(&[STORAGES[0]]);
    scratch.write("a", "1");
    scratch.commit("first");
    scratch.git(&["branch", "old"]);
    scratch.write("a", "2");
    scratch.commit("second");
    scratch.git(&["symbolic-ref", "refs/link/1", "refs/heads/old"]);
    for hop in 1..8 {
        scratch.git(&["symbolic-ref", &format!("refs/link/{}", hop + 1), &format!("refs/link/{hop}")]);
    }
    let loose = read(&scratch.open());
    assert_eq!(gap_names(&loose).len(), 8 - MAX_SYMREF_HOPS, "too long");
    scratch.git(&["pack-refs", "--all"]);
    assert!(!scratch.path().join(".git/refs/heads/old").exists());
    let packed = read(&scratch.open());
    assert_eq!((&packed.tips, gap_names(&packed)), (&loose.tips, gap_names(&loose)));
    // A loose ref takes precedence.
    scratch.git(&["update-ref", "refs/heads/old", "HEAD"]);
    let both = read(&scratch.open());
    let old: Vec<_> = both.tips.iter().filter(|tip| tip.name == "refs/heads/old").collect();
    assert_eq!(old.len(), 1);
    assert_eq!(old[0].id.to_string(), scratch.git(&["rev-parse", "HEAD"]).trim());
}
