//! Sweeps trees, commits and tags, some of them malformed, and compares what they name with what the sweep looked up.

use std::collections::BTreeSet;

use gix::ObjectId;
use proptest::prelude::*;

use super::kit::Repo;
use super::synthetic::{Step, base_distance, blob_id, deflate, entry_header, make_delta, write_pack};
use crate::git::sweep::SweepOptions;

/// Sweeps a repository. Returns the missing objects, and those of which not every link was looked up.
fn sweep_links(repo: &Repo) -> (Vec<ObjectId>, BTreeSet<ObjectId>) {
    let sweep = |threads, full_objects| {
        let options = SweepOptions { threads, full_objects, check_links: true, ..Default::default() };
        let outcome = repo.sweep(options);
        assert_eq!(outcome.skipped, []);
        (outcome.missing, outcome.unchecked.into_keys().collect())
    };
    let first = sweep(1, false);
    assert_eq!((&sweep(2, false), &sweep(1, true)), (&first, &first));
    first
}

fn id(byte: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[byte; 20])
}

fn tree_entry(mode: &str, name: &str, id: ObjectId) -> Vec<u8> {
    [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat()
}

/// Writes an object as a loose one, whatever it contains.
fn write_loose(repo: &Repo, kind: &str, content: &[u8]) -> ObjectId {
    let printed = repo.git_with(["hash-object", "-w", "-t", kind, "--literally", "--stdin"], content);
    ObjectId::from_hex(printed.trim_ascii()).expect("an id")
}

#[test]
fn malformed_objects_are_not_checked_completely() {
    let good = tree_entry("100644", "a", id(1));
    let after = tree_entry("100644", "b", id(2));
    let join = |damaged: &[u8]| [&good[..], damaged, &after].concat();
    let line = |name: &str, id: ObjectId| format!("{name} {id}\n").into_bytes();
    for (kind, content) in [
        ("tree", [&good[..], b"100644 no NUL"].concat()),
        ("tree", [&good[..], &after[..after.len() - 1]].concat()),
        ("tree", [&good[..], b"1"].concat()),
        ("tree", join(&tree_entry("", "empty mode", id(3)))),
        ("tree", join(&tree_entry("100844", "no octal mode", id(3)))),
        ("tree", join(&tree_entry("00000100644", "long mode", id(3)))),
        ("tree", join(&[b"100644\0", id(3).as_bytes()].concat())),
        ("tree", join(b"\0")),
        ("commit", [b"tree ", &b"1".repeat(39)[..], b"\n"].concat()),
        ("commit", [line("tree", id(1)), b"parent x\n".to_vec()].concat()),
        ("commit", [line("tree", id(1)), line("parent", id(1)), b"parent \n".to_vec()].concat()),
        ("commit", b"author x\n".to_vec()),
        ("tag", b"object x\n".to_vec()),
        ("tag", Vec::new()),
    ] {
        let repo = Repo::new();
        let malformed = write_loose(&repo, kind, &content);
        let (missing, unchecked) = sweep_links(&repo);
        assert_eq!(unchecked, [malformed].into(), "{kind} {content:?}");
        assert_eq!(
            !missing.is_empty(),
            content.windows(20).any(|bytes| bytes == [1; 20]) || content.starts_with(b"tree 01")
        );
    }
    let repo = Repo::new();
    let modes = ["100644", "40000", "040000", "100755", "120000", "160000", "100664", "100600", "7"];
    let unusual = modes.map(|mode| tree_entry(mode, "", id(4))).concat();
    write_loose(&repo, "tree", &unusual);
    write_loose(&repo, "tree", b"");
    write_loose(
        &repo,
        "commit",
        &[line("tree", id(4)), line("parent", id(4)), b"x\n\nparent x\n".to_vec()].concat(),
    );
    write_loose(&repo, "tag", &line("object", id(4)));
    assert_eq!(sweep_links(&repo), (vec![id(4)], BTreeSet::new()));
}

/// The bytes of a tree entry that are copied from within another entry can mean something else.
#[test]
fn an_entry_that_a_delta_copies_from_the_name_of_a_submodule_is_looked_up() {
    let tree = [tree_entry("160000", "a100644 b", id(5)), tree_entry("100644", "c", id(6))].concat();
    let cut = "160000 a".len();
    for end in [tree.len(), tree_entry("160000", "a100644 b", id(5)).len()] {
        let repo = Repo::new();
        write_trees(&repo, tree.clone(), &[(0, vec![Step::Copy(cut, 4 * (end - cut - 1))])]);
        assert_eq!(sweep_links(&repo), (vec![id(5), id(6)], BTreeSet::new()), "{end}");
    }
}

/// Writes a pack of a tree and trees stored as deltas, each with the number of its base. Returns all trees.
fn write_trees(repo: &Repo, root: Vec<u8>, deltas: &[(usize, Vec<Step>)]) -> Vec<Vec<u8>> {
    let mut entries = vec![[entry_header(2, root.len()), deflate(&root)].concat()];
    let (mut offsets, mut end) = (vec![12], 12 + entries[0].len());
    let mut trees = vec![root];
    for (base, steps) in deltas {
        let base = base % trees.len();
        let (delta, tree) = make_delta(&trees[base], steps);
        // Ids are digests, so none contains a mode.
        if trees.contains(&tree) || links_of(&tree).0.iter().any(|id| id.as_bytes().contains(&b' ')) {
            continue;
        }
        let distance = base_distance(end - offsets[base]);
        let entry = [entry_header(6, delta.len()), distance, deflate(&delta)].concat();
        offsets.push(end);
        end += entry.len();
        entries.push(entry);
        trees.push(tree);
    }
    write_pack(repo, &entries, &trees);
    trees
}

/// What a tree names up to where it is malformed, and whether it is. A mode that is malformed ends nothing.
fn links_of(mut tree: &[u8]) -> (BTreeSet<ObjectId>, bool) {
    let (mut links, mut is_malformed) = (BTreeSet::new(), false);
    while !tree.is_empty() {
        let Some(nul) = tree.iter().position(|byte| *byte == 0) else { return (links, true) };
        let Some(id) = tree.get(nul + 1..nul + 21) else { return (links, true) };
        let space = tree[..nul].iter().position(|byte| *byte == b' ').unwrap_or(0);
        is_malformed |=
            !(1..=7).contains(&space) || !tree[..space].iter().all(|byte| (b'0'..=b'7').contains(byte));
        if !tree.starts_with(b"160000 ") {
            links.insert(ObjectId::from_bytes_or_panic(id));
        }
        tree = &tree[nul + 21..];
    }
    (links, is_malformed)
}

fn entry() -> impl Strategy<Value = Vec<u8>> {
    let mode = prop::sample::select(vec!["100644", "40000", "160000", "100755", "100664", ""]);
    let name = prop::sample::select(vec!["a", "b", "100644 a", "x40000 b", "160000 c", ""]);
    let id = prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, b'x']), 20);
    (mode, name, id).prop_map(|(mode, name, mut id)| {
        // Zeros alone look like an empty slot for a recent id.
        id[0] = 1;
        tree_entry(mode, name, ObjectId::from_bytes_or_panic(&id))
    })
}

fn step() -> impl Strategy<Value = Step> {
    // The length of a copy is a quarter of these, so that a copy ends within an entry or between two.
    prop_oneof![
        3 => (0..300usize, 0..250usize).prop_map(|(from, len)| Step::Copy(from, 4 * len)),
        3 => (0..300usize).prop_map(|from| Step::Copy(from, 4 * 249)),
        2 => entry().prop_map(Step::Insert),
        1 => (entry(), 1..20usize).prop_map(|(entry, len)| Step::Insert(entry[..len].to_vec())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..Default::default() })]

    #[test]
    fn everything_that_trees_name_is_looked_up(
        root in prop::collection::vec(entry(), 0..8),
        deltas in prop::collection::vec((any::<usize>(), prop::collection::vec(step(), 0..6)), 0..12),
    ) {
        let repo = Repo::new();
        let trees = write_trees(&repo, root.concat(), &deltas);
        let (mut named, mut malformed) = (BTreeSet::new(), BTreeSet::new());
        for tree in &trees {
            let (links, is_malformed) = links_of(tree);
            named.extend(links);
            if is_malformed {
                malformed.insert(blob_id(tree));
            }
        }
        let (missing, unchecked) = sweep_links(&repo);
        // Others are taken for ids that were looked up recently.
        let leading = |ids: &mut dyn Iterator<Item = &ObjectId>| -> BTreeSet<Vec<u8>> {
            ids.map(|id| id.as_bytes()[..16].to_vec()).filter(|bytes| *bytes != [0; 16]).collect()
        };
        prop_assert_eq!(leading(&mut missing.iter()), leading(&mut named.iter()));
        prop_assert_eq!(unchecked, malformed);
    }
}
