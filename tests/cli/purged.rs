//! Purges the repository with a key on every surface, and checks that no key is left and nothing else has changed.

use std::collections::BTreeMap;

use crate::history::{assert_all_found, every_surface};
use crate::support::{Scratch, key};

/// What takes the place of a key.
fn filler(key: &str) -> String {
    format!("sk-proj-{}", "x".repeat(key.len() - "sk-proj-".len()))
}

/// Every file that a ref leads to, by path: its mode and content.
fn files(scratch: &Scratch, repo: &str, object: &str) -> BTreeMap<String, (String, String)> {
    let listed = scratch.git(repo, &["ls-tree", "-r", "-z", object]);
    let entries = listed.split_terminator('\0').map(|entry| entry.split_once('\t').unwrap());
    let content = |id: &str| {
        let output = scratch.try_git(repo, &["cat-file", "blob", id], b"");
        output.stdout.iter().map(|byte| char::from(*byte)).collect()
    };
    entries
        .map(|(about, path)| {
            let (mode, id) = (&about[..6], about.rsplit(' ').next().unwrap());
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
            // Keeps what nothing leads to.
            scratch.git("r", &["repack", "-q", "-a", "-d", "-k"]);
        }
        let output = scratch.friskey("", &["purge", "r", "--into", "new.git", "--report", "purge.json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let audit =
            scratch.friskey("", &["history", "new.git", "--format", "json", "--min-confidence", "low"]);
        let report: serde_json::Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert_eq!((audit.status.code(), &report["status"]), (Some(0), &"clean".into()), "{report:#}");
        assert_eq!(report["coverage"]["skipped"], serde_json::json!([]));
        let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"], b"");
        assert!(fsck.status.success() && fsck.stdout.is_empty() && fsck.stderr.is_empty(), "{fsck:?}");
        assert_tips(&scratch, &places);
        assert_logs(&scratch, &places);
    }
}

/// Compares what every ref leads to, by name and content.
fn assert_tips(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let keys: Vec<&String> = places.iter().map(|(_, _, key)| key).collect();
    assert!(keys.contains(&&key(1)));
    let clean = |text: &str| keys.iter().fold(text.to_owned(), |text, key| text.replace(*key, &filler(key)));
    let refs = |repo: &str| -> BTreeMap<String, String> {
        let listed = scratch.git(repo, &["for-each-ref", "--format=%(refname) %(objectname)"]);
        listed.lines().filter_map(|line| line.split_once(' ')).map(|(n, id)| (n.into(), id.into())).collect()
    };
    let (old, new) = (refs("r"), refs("new.git"));
    let carried: BTreeMap<String, &String> =
        old.iter().filter(|(name, _)| *name != "refs/stash").map(|(name, id)| (clean(name), id)).collect();
    assert_eq!(carried.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
    for (name, id) in carried {
        let (before, after) = (files(scratch, "r", id), files(scratch, "new.git", &new[&name]));
        if name.starts_with("refs/notes/") {
            // Named after the new commits; `tests/purge` compares them.
            let texts = |files: BTreeMap<String, (String, String)>| {
                files.into_values().map(|(_, text)| clean(&text)).collect::<Vec<_>>()
            };
            assert_eq!(texts(before), texts(after), "{name}");
            continue;
        }
        let planned: BTreeMap<_, _> =
            before.iter().map(|(path, (mode, text))| (clean(path), (mode.clone(), clean(text)))).collect();
        assert_eq!(planned, after, "{name}");
    }
}

/// Compares the commits: parents by position, messages, people, dates.
fn assert_logs(scratch: &Scratch, places: &[(&str, &str, String)]) {
    let clean = |text: String| places.iter().fold(text, |text, (_, _, key)| text.replace(key, &filler(key)));
    let log = |repo: &str| {
        let format = "--format=%an %ae %at %cn %ce %ct%n%B";
        let log = scratch.git(repo, &["log", "--topo-order", "--exclude=refs/stash", "--all", format]);
        clean(log)
    };
    let (old, new) = (log("r"), log("new.git"));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&old), sorted(&new));
}
