//! Tests `friskey purge` on a repository with a key on every surface: no key is left, and nothing else has changed.

use std::collections::BTreeMap;

use crate::history::{assert_all_found, every_surface};
use crate::support::{Scratch, key};

/// The filler that a purge writes for a project key: its prefix, and `x` up to the same length.
fn filler(key: &str) -> String {
    format!("sk-proj-{}", "x".repeat(key.len() - "sk-proj-".len()))
}

/// The mode and the content of every file in the tree that `object` leads to, by path.
fn files(scratch: &Scratch, repo: &str, object: &str) -> BTreeMap<String, (String, String)> {
    let listing = scratch.git(repo, &["ls-tree", "-r", "-z", object]);
    let entries = listing.split_terminator('\0').map(|entry| entry.split_once('\t').unwrap());
    // One character for each byte, since not every file is UTF-8.
    let content = |id: &str| {
        let output = scratch.try_git(repo, &["cat-file", "blob", id], b"");
        output.stdout.iter().map(|byte| char::from(*byte)).collect()
    };
    entries
        .map(|(mode_kind_id, path)| {
            let (mode, id) = (&mode_kind_id[..6], mode_kind_id.rsplit(' ').next().unwrap());
            (path.to_owned(), (mode.to_owned(), content(id)))
        })
        .collect()
}

#[test]
fn a_history_with_a_key_on_every_surface_is_purged() {
    for packed in [false, true] {
        let scratch = Scratch::new();
        let places = every_surface(&scratch);
        assert_all_found(&scratch, &places);
        if packed {
            // `-k` keeps unreachable objects.
            scratch.git("r", &["repack", "-q", "-a", "-d", "-k"]);
        }
        let output = scratch.friskey("", &["purge", "r", "--into", "new.git", "--report", "purge.json"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let audit =
            scratch.friskey("", &["history", "new.git", "--format", "json", "--min-confidence", "low"]);
        let report: serde_json::Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert_eq!((audit.status.code(), &report["status"]), (Some(0), &"clean".into()), "{report:#}");
        assert_eq!(report["coverage"]["skipped"], serde_json::json!([]));
        let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"], b"");
        assert!(fsck.status.success() && fsck.stdout.is_empty() && fsck.stderr.is_empty(), "{fsck:?}");
        assert_same_files(&scratch, &places);
        assert_same_commits(&scratch, &places);
    }
}

/// Asserts that the new repository has the same refs, with the same files, apart from the keys. `places` are those of
/// [`every_surface`]: description, surface and key.
fn assert_same_files(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let keys: Vec<&String> = places.iter().map(|(_, _, key)| key).collect();
    assert!(keys.contains(&&key(1)), "without keys, the comparison would show nothing");
    let purge = |text: &str| keys.iter().fold(text.to_owned(), |text, key| text.replace(*key, &filler(key)));
    let refs = |repo: &str| -> BTreeMap<String, String> {
        let listing = scratch.git(repo, &["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs = listing.lines().filter_map(|line| line.split_once(' '));
        refs.map(|(name, id)| (name.into(), id.into())).collect()
    };
    let (old, new) = (refs("r"), refs("new.git"));
    // A purge does not carry stashes over.
    let expected: BTreeMap<String, &String> =
        old.iter().filter(|(name, _)| *name != "refs/stash").map(|(name, id)| (purge(name), id)).collect();
    assert_eq!(expected.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
    for (name, id) in expected {
        let (before, after) = (files(scratch, "r", id), files(scratch, "new.git", &new[&name]));
        if name.starts_with("refs/notes/") {
            // The files are named after the commits, which have new ids; `tests/purge` compares these names.
            let texts = |files: BTreeMap<String, (String, String)>| {
                files.into_values().map(|(_, text)| purge(&text)).collect::<Vec<_>>()
            };
            assert_eq!(texts(before), texts(after), "{name}");
            continue;
        }
        let expected_files: BTreeMap<_, _> =
            before.iter().map(|(path, (mode, text))| (purge(path), (mode.clone(), purge(text)))).collect();
        assert_eq!(expected_files, after, "{name}");
    }
}

/// Asserts that each commit of the new repository has the same author, committer, dates, message and number of parents as one of
/// the old repository, apart from keys.
fn assert_same_commits(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let purge = |text: String| places.iter().fold(text, |text, (_, _, key)| text.replace(key, &filler(key)));
    let commits = |repo: &str| {
        let format = "--format=%an %ae %at %cn %ce %ct%n%B%x00%P%x01";
        let log = scratch.git(repo, &["log", "--exclude=refs/stash", "--all", format]);
        let mut commits: Vec<(String, usize)> = log
            .split_terminator('\x01')
            .map(|commit| {
                let (text, parents) = commit.trim_start().split_once('\0').unwrap();
                (purge(text.to_owned()), parents.split_whitespace().count())
            })
            .collect();
        // Git's order of commits of the same date depends on their ids, which a purge changes.
        commits.sort();
        commits
    };
    assert_eq!(commits("r"), commits("new.git"));
}
