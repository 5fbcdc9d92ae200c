//! Compares revisions with those that git resolves, for refs in files and in reftables.

use super::*;
use crate::git::scratch::Scratch;

fn repository_with_all_kinds_of_refs(arguments: &[&str]) -> Scratch {
    let scratch = Scratch::new(arguments);
    scratch.write("a", "1");
    scratch.commit("first");
    scratch.git(&["tag", "-a", "-m", "annotated", "v1"]);
    scratch.git(&["branch", "deep/er"]);
    scratch.write("a", "2");
    scratch.commit("second");
    // An ambiguous name.
    scratch.git(&["tag", "ambiguous", "HEAD~1"]);
    scratch.git(&["branch", "ambiguous", "HEAD"]);
    scratch.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    scratch.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    scratch.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/deep/er"]);
    scratch.git(&["symbolic-ref", "refs/tags/astray", "refs/heads/nowhere"]);
    scratch.git(&["update-ref", "refs/heads/astray", "HEAD~1"]);
    scratch.git(&["update-ref", "ORIG_HEAD", "HEAD~1"]);
    scratch.git(&["fetch", "-q", ".", "deep/er"]);
    scratch.git(&["checkout", "-q", "deep/er"]);
    scratch.git(&["checkout", "-q", "main"]);
    scratch.git(&["worktree", "add", "-q", "--detach", "linked", "HEAD~1"]);
    scratch.git(&["-C", "linked", "update-ref", "refs/worktree/own", "HEAD"]);
    scratch
}

/// Arguments of `git init` for repositories with reftables.
const REFTABLE_FORMATS: [&[&str]; 2] = [
    &["--ref-format=reftable", "--object-format=sha1"],
    &["--ref-format=reftable", "--object-format=sha256"],
];

#[test]
fn revisions_resolve_as_in_git() {
    for arguments in REFTABLE_FORMATS {
        let scratch = repository_with_all_kinds_of_refs(arguments);
        let full = scratch.id("HEAD").to_string();
        let short = &full[..12];
        let described = format!("v1-1-g{short}");
        for name in [
            "HEAD",
            "@",
            "main",
            "heads/main",
            "refs/heads/main",
            "deep/er",
            "v1",
            "tags/v1",
            "v1^{commit}",
            "v1^{}",
            "v1^{tree}",
            "origin",
            "origin/main",
            "origin/HEAD",
            "alias",
            "astray",
            "ORIG_HEAD",
            "FETCH_HEAD",
            "worktrees/linked/HEAD",
            "worktrees/linked/refs/worktree/own",
            "main-worktree/HEAD",
            "@~1",
            "HEAD^",
            "main~1^{tree}",
            "main:a",
            ":a",
            &full,
            short,
            &described,
            &format!("{short}~1"),
            "@{0}",
            "HEAD@{0}",
            "HEAD@{1}",
            "HEAD@{3}",
            "main@{1}",
            "main@{1}:a",
            "@{1}",
            "alias@{0}",
            "@{-1}",
            "@{-2}~0",
            "HEAD^{/first}",
        ] {
            // `gix` does not resolve abbreviated SHA-256 ids.
            if name.contains(short) && full.len() > 40 && name != full {
                continue;
            }
            let id = resolve(&scratch.open(), name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(id, scratch.id(name), "{name}");
        }
        for name in ["", "nothing", "refs/heads", "main@{99}", "HEAD~9", "@{-9}", "~1", "deadbeefdead"] {
            assert!(matches!(resolve(&scratch.open(), name), Err(RevisionError::Unknown(_))), "{name}");
        }
        for name in
            ["ambiguous", "ambiguous~1", "@{upstream}", "main@{u}", "main@{yesterday}", ":/first", "@{push}"]
        {
            assert!(matches!(resolve(&scratch.open(), name), Err(RevisionError::Unreadable(_))), "{name}");
        }
        let linked = gix::open_opts(scratch.path().join("linked"), gix::open::Options::isolated()).unwrap();
        let parent = scratch.id("HEAD~1");
        for name in ["HEAD", "refs/worktree/own", "HEAD@{0}", "main-worktree/HEAD~1"] {
            assert_eq!(resolve(&linked, name).unwrap(), parent, "{name}");
        }
        assert!(resolve(&scratch.open(), "refs/worktree/own").is_err());
    }
}

#[test]
fn head_is_the_same_in_files_and_in_tables() {
    for arguments in [&["--ref-format=files"][..], REFTABLE_FORMATS[0], REFTABLE_FORMATS[1]] {
        let scratch = Scratch::new(arguments);
        let branch = Some("main".to_owned());
        let unborn = Head { branch: branch.clone(), id: None, is_unborn: true };
        assert_eq!(head(&scratch.open()).unwrap(), unborn);
        let id = Some(scratch.commit("first"));
        assert_eq!(head(&scratch.open()).unwrap(), Head { branch, id, is_unborn: false });
        scratch.git(&["checkout", "-q", "--detach"]);
        assert_eq!(head(&scratch.open()).unwrap(), Head { branch: None, id, is_unborn: false });
    }
}

#[test]
fn nothing_resolves_if_a_table_is_missing() {
    let scratch = repository_with_all_kinds_of_refs(REFTABLE_FORMATS[0]);
    let list = std::fs::read_to_string(scratch.path().join(".git/reftable/tables.list")).unwrap();
    scratch.write(".git/reftable/tables.list", &format!("{list}newer.ref\n"));
    for revision in ["HEAD", "main~1"] {
        let message = resolve(&scratch.open(), revision).unwrap_err().to_string();
        assert!(message.starts_with("reftable/newer.ref cannot be read"), "{message}");
    }
    assert!(head(&scratch.open()).is_err());
}
