//! Sweeps repositories that store their objects in different ways.

use std::fs;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::object::Kind;

use super::kit::{Repo, Toy, noise, text};
use crate::git::sweep::plan::sweep_listing;
use crate::git::sweep::{Progress, Searcher, SweepOptions, sweep};

/// Commits several versions of a file, one by one.
fn commit_versions(repo: &Repo, seed: u64, versions: usize) {
    for version in 0..versions {
        let mut bytes = text(seed, 200);
        bytes.splice(version * 7..version * 7, format!("version {version} Kabab\n").into_bytes());
        repo.commit(&[("file.txt", bytes), ("other.txt", text(seed + version as u64, 9))]);
    }
}

#[test]
fn an_empty_repository_has_no_objects() {
    assert_eq!(Repo::new().check().counts.total().objects, 0);
}

#[test]
fn loose_objects_are_searched() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 6);
    repo.blob(b"");
    repo.blob(b"Kab");
    repo.blob(&[noise(5, 300_000), b" Kabab ".to_vec(), noise(6, 300_000)].concat());
    repo.blob(&vec![b'a'; 200_000]);
    repo.check();
}

#[test]
fn objects_in_several_packs_and_loose_files_are_counted_once() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 8);
    repo.git(["repack", "-dq"]);
    commit_versions(&repo, 2, 8);
    repo.git(["repack", "-dq"]);
    // A further pack with all objects again.
    let all = repo.git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    repo.git_with(["pack-objects", "-q", "--window=50", ".git/objects/pack/pack"], &all);
    commit_versions(&repo, 3, 3);
    // Some of the objects again as loose files.
    let first = repo.packs("pack")[0].clone();
    let bytes = fs::read(first).expect("read");
    let copy = Repo::new();
    copy.git_with(["unpack-objects", "-q"], &bytes);
    for name in ["00", "1f", "a0", "b3", "c8", "e5"] {
        let from = copy.objects().join(name);
        if let Ok(entries) = fs::read_dir(from) {
            fs::create_dir_all(repo.objects().join(name)).expect("made");
            for entry in entries.flatten() {
                let to = repo.objects().join(name).join(entry.file_name());
                fs::copy(entry.path(), to).map(drop).unwrap_or_default();
            }
        }
    }
    repo.check();
    repo.git(["multi-pack-index", "write"]);
    repo.check();
}

#[test]
fn a_missing_pack_that_the_multi_pack_index_names_is_reported() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 2);
    repo.git(["repack", "-dq"]);
    commit_versions(&repo, 2, 2);
    repo.git(["repack", "-dq"]);
    repo.git(["multi-pack-index", "write"]);
    let gone = repo.packs("pack")[0].clone();
    fs::remove_file(&gone).expect("removed");
    fs::remove_file(gone.with_extension("idx")).expect("removed");
    let outcome = repo.sweep_all_ways();
    assert_eq!(outcome.skipped.len(), 1);
    assert!(outcome.skipped[0].reason.contains("missing"), "{:?}", outcome.skipped);
}

#[test]
fn sha256_objects_are_searched() {
    let repo = Repo::with_format("sha256");
    commit_versions(&repo, 1, 8);
    repo.check();
    repo.git(["repack", "-adfq"]);
    commit_versions(&repo, 2, 2);
    assert!(repo.check().found.iter().all(|object| object.id.as_bytes().len() == 32));
}

#[test]
fn indexes_of_version_1_and_deltas_by_id_are_read() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 12);
    repo.git(["-c", "pack.indexVersion=1", "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"]);
    let index = fs::read(&repo.packs("idx")[0]).expect("read");
    assert_ne!(index[..4], *b"\xfftOc", "version 1 has no signature");
    repo.check();
}

#[test]
fn alternates_are_searched_even_if_circular() {
    let (first, second, third) = (Repo::new(), Repo::new(), Repo::new());
    commit_versions(&first, 1, 4);
    commit_versions(&second, 2, 4);
    commit_versions(&third, 1, 5);
    second.git(["repack", "-adq"]);
    let name = |from: &Repo, to: &Repo| {
        let text = format!("# a comment\n\n{}\n", to.objects().display());
        fs::write(from.objects().join("info/alternates"), text).expect("written");
    };
    name(&first, &second);
    name(&second, &third);
    first.check();
    let (found, counts) = first.oracle();
    name(&third, &first);
    let database = crate::git::ObjectDatabase::new(first.objects(), gix::hash::Kind::Sha1);
    let outcome = sweep(&database, &Toy, &SweepOptions::default());
    assert_eq!((outcome.found, outcome.counts, outcome.skipped), (found, counts, vec![]));
    fs::remove_file(third.objects().join("info/alternates")).expect("removed");

    // A quarantine directory, which the environment of a hook names.
    let lone = Repo::new();
    let database = lone.database().with_directories([third.objects()]);
    let quarantined = sweep(&database, &Toy, &SweepOptions::default());
    assert_eq!(quarantined.counts, third.oracle().1);

    fs::write(lone.objects().join("info/alternates"), "/nowhere/at/all\n").expect("written");
    let outcome = lone.sweep_all_ways();
    assert_eq!(outcome.skipped.len(), 1, "{:?}", outcome.skipped);
    assert_eq!(outcome.skipped[0].what, "/nowhere/at/all");
}

#[test]
fn relative_alternates_are_resolved_from_the_list_that_names_them() {
    let outer = tempfile::tempdir().expect("a temporary directory");
    let repo = Repo::new();
    commit_versions(&repo, 1, 3);
    for name in ["one", "two"] {
        fs::create_dir_all(outer.path().join(name).join("info")).expect("made");
    }
    let list = |name: &str, text: &str| {
        fs::write(outer.path().join(name).join("info/alternates"), text).expect("written");
    };
    list("one", "../two\n");
    list("two", &format!("{}\n", repo.objects().display()));
    let database = crate::git::ObjectDatabase::new(outer.path().join("one"), gix::hash::Kind::Sha1);
    assert_eq!(sweep(&database, &Toy, &SweepOptions::default()).counts, repo.oracle().1);
}

#[test]
fn a_delta_with_a_base_outside_its_pack_is_searched() {
    let repo = Repo::new();
    let base = text(1, 300);
    let id = repo.blob(&base);
    let steps = [super::synthetic::Step::Copy(3, 38), super::synthetic::Step::Insert(b" Kabb ".to_vec())];
    let (delta, result) = super::synthetic::make_delta(&base, &steps);
    let entry = [
        super::synthetic::entry_header(7, delta.len()),
        id.as_bytes().to_vec(),
        super::synthetic::deflate(&delta),
    ]
    .concat();
    super::synthetic::write_pack(&repo, &[entry], std::slice::from_ref(&result));
    let thin = repo.sweep_all_ways();
    assert_eq!(thin.skipped, []);
    assert_eq!(thin.counts.of(Kind::Blob).objects, 2);
    let expected = super::kit::search_whole(super::synthetic::blob_id(&result), Kind::Blob, &result);
    assert!(thin.found.contains(&expected));

    fs::remove_file(repo.loose_path(&id)).expect("removed");
    let lost = repo.sweep_all_ways();
    assert_eq!(lost.skipped.len(), 1);
    assert!(lost.skipped[0].reason.contains(&id.to_string()), "{:?}", lost.skipped);
}

#[test]
fn huge_objects_are_searched_in_windows() {
    let repo = Repo::new();
    let mut huge = noise(1, 20 << 20);
    huge.iter_mut().filter(|byte| **byte == b'K').for_each(|byte| *byte = b'k');
    // There are matches around every edge of a window.
    for step in 1..5usize {
        for shift in 0..40 {
            let at = step * (4 << 20) - 20 + shift * 3 + step * 120 * usize::from(shift > 20);
            huge[at..at + 3].copy_from_slice(b"Kab");
        }
    }
    repo.blob(&huge);
    repo.blob(&[&huge[..], b"Kaa"].concat());
    let small = SweepOptions { stream_above: 1 << 20, ..Default::default() };
    let expected = repo.check();
    let ToyFound { found, counts } = ToyFound::from_outcome(repo.sweep(small));
    assert_eq!((&found, &counts), (&expected.found, &expected.counts));
    repo.git(["-c", "core.bigFileThreshold=1", "repack", "-adfq"]);
    assert_eq!(ToyFound::from_outcome(repo.sweep(small)), ToyFound { found, counts });
}

#[derive(Debug, PartialEq)]
struct ToyFound {
    found: Vec<crate::git::sweep::MatchedObject<Vec<u8>>>,
    counts: crate::git::sweep::ObjectCounts,
}

impl ToyFound {
    fn from_outcome(outcome: super::kit::ToyOutcome) -> Self {
        assert_eq!(outcome.skipped, []);
        Self { found: outcome.found, counts: outcome.counts }
    }
}

#[test]
fn progress_reaches_the_total_and_a_sweep_can_be_stopped() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 5);
    repo.git(["repack", "-adq"]);
    commit_versions(&repo, 2, 5);
    let progress = Progress::default();
    let outcome = repo.sweep(SweepOptions { progress: Some(&progress), ..Default::default() });
    let total = outcome.counts.total();
    assert_eq!(progress.total.load(Ordering::Relaxed), total.objects);
    assert_eq!(progress.done.load(Ordering::Relaxed), total.objects);
    assert_eq!(progress.bytes.load(Ordering::Relaxed), total.bytes);
    assert!(!outcome.cancelled);

    let cancel = AtomicBool::new(true);
    let stopped = repo.sweep(SweepOptions { cancel: Some(&cancel), threads: 2, ..Default::default() });
    assert!(stopped.cancelled);
    assert_eq!(stopped.counts.total().objects, 0);
}

#[test]
fn objects_that_a_repack_moves_during_a_sweep_are_found() {
    for second_pack in [false, true] {
        let repo = Repo::new();
        commit_versions(&repo, 1, 6);
        if second_pack {
            repo.git(["repack", "-dq"]);
            commit_versions(&repo, 2, 6);
        }
        let whole = repo.check();
        let database = repo.database();
        let before = database.list();
        repo.git(["repack", "-adfq"]);
        for (threads, whole_objects) in [(1, false), (2, true)] {
            let options = SweepOptions { threads, full_objects: whole_objects, ..Default::default() };
            let outcome = sweep_listing(&database, before.clone(), &Toy, &options);
            assert_eq!(outcome.skipped, []);
            assert_eq!((outcome.found, outcome.counts), (whole.found.clone(), whole.counts));
        }
    }
}

#[test]
fn a_loose_object_deleted_during_a_sweep_is_reported() {
    let repo = Repo::new();
    let kept = repo.blob(b"Kab");
    let gone = repo.blob(b"Kabb");
    let database = repo.database();
    let before = database.list();
    fs::remove_file(repo.loose_path(&gone)).expect("removed");
    let outcome = sweep_listing(&database, before, &Toy, &SweepOptions::default());
    assert_eq!(outcome.found.iter().map(|object| object.id).collect::<Vec<_>>(), [kept]);
    assert_eq!(outcome.skipped.len(), 1);
    assert_eq!(outcome.skipped[0].what, format!("object {gone}"));
}

#[test]
fn a_pack_whose_index_appears_during_a_sweep_is_searched() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 3);
    repo.git(["repack", "-adfq"]);
    let whole = repo.check();
    let index = repo.packs("idx")[0].clone();
    let aside = repo.path().join("aside");
    fs::rename(&index, &aside).expect("renamed");
    let database = repo.database();
    let before = database.list();
    fs::rename(&aside, &index).expect("renamed");
    let outcome = sweep_listing(&database, before, &Toy, &SweepOptions::default());
    assert_eq!((outcome.found, outcome.counts, outcome.skipped), (whole.found, whole.counts, vec![]));
}

/// Panics at the first object, as a faulty rule might.
struct Faulty;

impl Searcher for Faulty {
    type Match = ();
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        1
    }

    fn margin(&self) -> usize {
        0
    }

    fn search(
        &self,
        _: Kind,
        _: &[u8],
        (): &mut (),
        _: &mut dyn FnMut(usize),
        _: &mut dyn FnMut(Range<usize>, ()),
    ) {
        panic!("as expected");
    }
}

#[test]
fn a_panic_in_one_thread_ends_the_others() {
    let repo = Repo::new();
    (0..80).for_each(|number| {
        repo.blob(format!("blob {number}").as_bytes());
    });
    let database = repo.database();
    let options = SweepOptions { threads: 3, ..Default::default() };
    assert!(std::panic::catch_unwind(|| sweep(&database, &Faulty, &options)).is_err());
}

/// Searches trees only.
struct Trees;

impl Searcher for Trees {
    type Match = ();
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        8
    }

    fn margin(&self) -> usize {
        0
    }

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn search(
        &self,
        kind: Kind,
        bytes: &[u8],
        (): &mut (),
        _: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, ()),
    ) {
        assert_eq!(kind, Kind::Tree);
        memchr::memmem::find_iter(bytes, "file.txt").for_each(|at| found(at..at + 8, ()));
    }
}

#[test]
fn a_searcher_may_want_some_kinds_only() {
    let repo = Repo::new();
    commit_versions(&repo, 1, 40);
    for packed in [false, true] {
        if packed {
            repo.git(["repack", "-adfq"]);
        }
        let outcome = sweep(&repo.database(), &Trees, &SweepOptions::default());
        assert_eq!(outcome.counts.of(Kind::Tree).objects, 40);
        assert_eq!(outcome.counts.total().objects, 40);
        assert_eq!(outcome.found.len(), 40);
        assert!(outcome.found.iter().all(|object| object.matches.len() == 1));
    }
}
