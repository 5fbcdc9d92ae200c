//! Sweeps damaged repositories: everything readable must be searched, and the rest reported. The searcher of these tests
//! finds `K` followed by two to six of `a` and `b`.

use std::fs;

use gix::object::Kind;
use proptest::prelude::*;

use super::kit::{Repo, text};
use super::synthetic;
use crate::git::sweep::SweepOptions;

/// Replaces a file that git made read-only.
fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
}

/// A repository with a pack of several versions of a file.
fn repository_with_pack(versions: usize) -> Repo {
    let repo = Repo::new();
    for version in 0..versions {
        let mut bytes = text(1, 300);
        bytes.splice(version * 20..version * 20, format!("version {version} Kabab\n").into_bytes());
        repo.commit(&[("file.txt", bytes)]);
    }
    repo.git(["repack", "-adfq"]);
    repo
}

#[test]
fn packs_without_index_and_indexes_without_pack_are_reported() {
    let repo = repository_with_pack(3);
    let whole = repo.check();
    let pack = repo.packs("pack")[0].clone();
    fs::rename(pack.with_extension("idx"), repo.objects().join("pack/pack-other.idx")).expect("renamed");
    let outcome = repo.sweep_all_ways();
    assert_eq!(outcome.counts.total().objects, 0);
    let reasons: Vec<_> = outcome.skipped.iter().map(|skip| skip.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().any(|reason| reason.contains("no index")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("no pack")), "{reasons:?}");
    assert!(whole.counts.total().objects > 0);
}

#[test]
fn only_a_damaged_entry_and_its_descendants_are_reported() {
    let repo = repository_with_pack(12);
    let whole = repo.check();
    let pack = repo.packs("pack")[0].clone();
    let mut bytes = fs::read(&pack).expect("read");
    // The middle of the first root blob, on which the deltas of the file depend.
    let listed = repo.git(["verify-pack", "-v", &pack.with_extension("idx").display().to_string()]);
    let listed = String::from_utf8(listed).expect("text");
    let root = listed
        .lines()
        .filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words.len() == 5 && words[1] == "blob").then(|| words[4].parse::<usize>().expect("an offset"))
        })
        .next()
        .expect("a root blob");
    for byte in &mut bytes[root + 40..root + 60] {
        *byte ^= 0x55;
    }
    overwrite(&pack, &bytes);
    let outcome = repo.sweep_all_ways();
    assert_eq!(outcome.counts.of(Kind::Commit), whole.counts.of(Kind::Commit));
    assert_eq!(outcome.counts.of(Kind::Tree), whole.counts.of(Kind::Tree));
    let lost = whole.counts.of(Kind::Blob).objects - outcome.counts.of(Kind::Blob).objects;
    assert!(lost >= 2, "the root and its descendants");
    assert_eq!(outcome.skipped.len() as u64, lost);
    assert!(outcome.skipped.iter().all(|skip| skip.what.starts_with("object ")), "{:?}", outcome.skipped);
    assert!(outcome.skipped.iter().all(|skip| skip.reason.contains("offset")), "{:?}", outcome.skipped);
    assert!(outcome.skipped.iter().any(|skip| skip.reason.contains("delta chain")), "{:?}", outcome.skipped);
}

#[test]
fn another_copy_of_a_damaged_object_is_searched() {
    let repo = repository_with_pack(12);
    let whole = repo.check();
    let pack = repo.packs("pack")[0].clone();
    let copy = Repo::new();
    copy.git_with(["unpack-objects", "-q"], &fs::read(&pack).expect("read"));
    let mut bytes = fs::read(&pack).expect("read");
    let len = bytes.len();
    for byte in bytes[200..len - 200].iter_mut().step_by(150) {
        *byte ^= 0x55;
    }
    overwrite(&pack, &bytes);
    assert!(!repo.sweep_all_ways().skipped.is_empty());
    fs::write(repo.objects().join("info/alternates"), format!("{}\n", copy.objects().display()))
        .expect("written");
    // Copies may differ, so the unreadable ones are reported.
    let is_about_copy = |skip: &crate::model::Skip| skip.reason.ends_with("; this copy was not scanned");
    let recovered = repo.sweep_all_ways();
    assert!(!recovered.skipped.is_empty());
    assert!(recovered.skipped.iter().all(is_about_copy), "{:?}", recovered.skipped);
    assert_eq!((recovered.found, recovered.counts), (whole.found.clone(), whole.counts));
    copy.git(["config", "pack.window", "3"]);
    let ids = copy.git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    copy.git_with(["pack-objects", "-q", "--window=3", ".git/objects/pack/pack"], &ids);
    copy.git(["prune-packed"]);
    let recovered = repo.sweep_all_ways();
    assert!(!recovered.skipped.is_empty());
    assert!(recovered.skipped.iter().all(is_about_copy), "{:?}", recovered.skipped);
    assert_eq!((recovered.found, recovered.counts), (whole.found, whole.counts));
}

#[test]
fn an_unreadable_second_copy_is_reported() {
    let repo = repository_with_pack(12);
    let ids = repo.git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    repo.git_with(["pack-objects", "-q", "--window=0", ".git/objects/pack/pack"], &ids);
    let packs = repo.packs("pack");
    assert_eq!(packs.len(), 2);
    for pack in &packs {
        let bytes = fs::read(pack).expect("read");
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 0x55;
        overwrite(pack, &damaged);
        let outcome = repo.sweep_all_ways();
        let file = pack.file_name().and_then(|name| name.to_str()).expect("a name");
        let is_named = |skip: &crate::model::Skip| skip.reason.contains(file);
        assert!(outcome.skipped.iter().any(is_named), "{file}: {:?}", outcome.skipped);
        overwrite(pack, &bytes);
    }
}

#[test]
fn a_truncated_pack_is_reported() {
    let repo = repository_with_pack(10);
    let whole = repo.check();
    let pack = repo.packs("pack")[0].clone();
    let bytes = fs::read(&pack).expect("read");
    for keep in [bytes.len() - 1, bytes.len() * 2 / 3, bytes.len() / 3, 40, 5, 0] {
        overwrite(&pack, &bytes[..keep]);
        let outcome = repo.sweep_all_ways();
        assert!(!outcome.skipped.is_empty(), "{keep} bytes kept");
        assert!(outcome.found.iter().all(|object| whole.found.contains(object)), "{keep} bytes kept");
    }
}

#[test]
fn damaged_loose_objects_are_reported() {
    let repo = Repo::new();
    let good = repo.blob(b"a good one Kab");
    let cut = repo.blob(&text(1, 4000));
    let empty = repo.blob(b"empty");
    let other = repo.blob(b"other");
    let bytes = fs::read(repo.loose_path(&cut)).expect("read");
    overwrite(&repo.loose_path(&cut), &bytes[..bytes.len() / 2]);
    overwrite(&repo.loose_path(&empty), b"");
    overwrite(&repo.loose_path(&other), &synthetic::deflate(b"blob 7\0other"));
    fs::create_dir_all(repo.objects().join("77")).expect("made");
    fs::create_dir(repo.objects().join("77").join("0".repeat(38))).expect("made");
    fs::write(repo.objects().join("77").join("tmp_obj_x"), b"left over").expect("written");
    let outcome = repo.sweep_all_ways();
    let found: Vec<_> = outcome.found.iter().map(|object| object.id).collect();
    assert_eq!(found, [good]);
    assert_eq!(outcome.counts.total().objects, 1);
    let what: Vec<_> = outcome.skipped.iter().map(|skip| skip.what.clone()).collect();
    for id in [cut, empty, other] {
        assert!(what.contains(&format!("object {id}")), "{what:?}");
    }
    assert_eq!(what.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn sweeping_arbitrarily_damaged_packs_does_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        in_index in any::<bool>(),
    ) {
        thread_local!(static REPO: (Repo, Vec<u8>, Vec<u8>, super::kit::ToyOutcome) = {
            let repo = repository_with_pack(10);
            let outcome = repo.check();
            let pack = repo.packs("pack")[0].clone();
            let index = fs::read(pack.with_extension("idx")).expect("read");
            (repo, fs::read(&pack).expect("read"), index, outcome)
        });
        REPO.with(|(repo, pack, index, whole)| {
            let path = repo.packs("pack")[0].clone();
            let (mut pack, mut index) = (pack.clone(), index.clone());
            let damaged = if in_index { &mut index } else { &mut pack };
            for (at, byte) in &changes {
                let at = at.index(damaged.len());
                damaged[at] ^= byte | 1;
            }
            overwrite(&path, &pack);
            overwrite(&path.with_extension("idx"), &index);
            let outcome = repo.sweep_all_ways();
            let path = path.display().to_string();
            let skipped = outcome.skipped.iter();
            let unusable = skipped.clone().any(|skip| skip.what == path && skip.reason.contains("damaged"));
            if !in_index && !unusable {
                // The streams have checksums, so everything that is missing must have been reported.
                let seen = outcome.counts.total().objects + skipped.len() as u64;
                prop_assert!(seen >= whole.counts.total().objects);
            }
            Ok(())
        })?;
    }
}

/// Sweeps a pack of one blob and one delta against it, with a small size limit.
fn sweep_delta(delta: &[u8], declared: usize, result: &[u8]) -> super::kit::ToyOutcome {
    let root = text(1, 100);
    let entries = vec![
        [synthetic::entry_header(3, root.len()), synthetic::deflate(&root)].concat(),
        [
            synthetic::entry_header(7, declared),
            synthetic::blob_id(&root).as_bytes().to_vec(),
            synthetic::deflate(delta),
        ]
        .concat(),
    ];
    let repo = Repo::new();
    synthetic::write_pack(&repo, &entries, &[root, result.to_vec()]);
    repo.sweep(SweepOptions { max_assembled: 1 << 20, ..Default::default() })
}

#[test]
fn declared_sizes_are_not_trusted() {
    let base = synthetic::delta_size(text(1, 100).len());
    let copy_64k = [0x80];
    let bomb = [&base[..], &synthetic::delta_size(3 << 30), &copy_64k].concat();
    let outcome = sweep_delta(&bomb, bomb.len(), b"never made");
    assert_eq!(outcome.counts.total().objects, 1);
    assert_eq!(outcome.skipped.len(), 1);
    assert!(outcome.skipped[0].reason.contains("too large"), "{:?}", outcome.skipped);

    // A header that declares far more than so few bytes can inflate to.
    let outcome = sweep_delta(&bomb, 1 << 19, b"never made");
    assert!(outcome.skipped[0].reason.contains("does not inflate"), "{:?}", outcome.skipped);
    let outcome = sweep_delta(&bomb, 1 << 40, b"never made");
    assert!(outcome.skipped[0].reason.contains("too large"), "{:?}", outcome.skipped);
}

#[test]
fn an_index_that_omits_an_object_is_reported() {
    let repo = Repo::new();
    let objects = [b"Kab one".to_vec(), b"Kab two".to_vec()];
    let entries: Vec<_> = objects
        .iter()
        .map(|object| [synthetic::entry_header(3, object.len()), synthetic::deflate(object)].concat())
        .collect();
    synthetic::write_pack(&repo, &entries, &objects[..1]);
    let outcome = repo.sweep_all_ways();
    assert_eq!(outcome.skipped.len(), 1);
    assert!(outcome.skipped[0].reason.contains("its header declares 2"), "{:?}", outcome.skipped);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn sweeping_arbitrary_loose_files_does_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        deflated in any::<bool>(),
        header in prop::sample::select(vec!["", "blob ", "blob 3\0", "tree 7", "tag 99999999999999999999\0"]),
        stream_above in prop::sample::select(vec![0, 5, 1 << 20]),
    ) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("77")).expect("made");
        let bytes = [header.as_bytes(), &bytes].concat();
        let bytes = if deflated { synthetic::deflate(&bytes) } else { bytes };
        fs::write(dir.path().join("77").join("0".repeat(38)), bytes).expect("written");
        let database = crate::git::ObjectDatabase::new(dir.path(), gix::hash::Kind::Sha1);
        let options = SweepOptions { stream_above, ..Default::default() };
        let outcome = crate::git::sweep::sweep(&database, &super::kit::Toy, &options);
        prop_assert_eq!(outcome.counts.total().objects + outcome.skipped.len() as u64, 1);
    }
}

/// Sweeps a pack of these parts, of which those with an object are listed in the index.
fn sweep_parts(parts: &[(&[u8], Option<&[u8]>)]) -> super::kit::ToyOutcome {
    let repo = Repo::new();
    let entry =
        |object: &[u8]| [synthetic::entry_header(3, object.len()), synthetic::deflate(object)].concat();
    // Unlisted bytes follow the entry before them.
    let (mut entries, mut objects) = (Vec::<Vec<u8>>::new(), Vec::new());
    for (extra, object) in parts {
        match object {
            Some(object) => {
                entries.push(entry(object));
                objects.push(object.to_vec());
            }
            None => entries.last_mut().expect("an entry before it").extend_from_slice(extra),
        }
    }
    synthetic::write_pack(&repo, &entries, &objects);
    repo.sweep(SweepOptions { find_unlisted: true, threads: 1, ..Default::default() })
}

#[test]
fn bytes_between_and_after_entries_are_reported() {
    let (one, two) = (&b"Kab one"[..], &text(1, 50)[..]);
    assert_eq!(sweep_parts(&[(b"", Some(one)), (b"", Some(two))]).unlisted, []);
    let extra = b"hidden";
    for (parts, trailer) in [
        ([(&b""[..], Some(one)), (extra, None), (b"", Some(two))], 0),
        // After the last entry, the range includes the trailer of 20 bytes.
        ([(b"", Some(one)), (b"", Some(two)), (extra, None)], 20),
    ] {
        let unlisted = sweep_parts(&parts).unlisted;
        assert_eq!(unlisted.len(), 1, "{unlisted:?}");
        assert_eq!(unlisted[0].end - unlisted[0].start, extra.len() as u64 + trailer);
    }
}

#[test]
fn bytes_that_end_like_the_preceding_stream_are_reported() {
    let object = text(1, 50);
    let sum = libdeflater::adler32(&object).to_be_bytes();
    let extra = [&b"hidden"[..], &sum].concat();
    let unlisted = sweep_parts(&[(b"", Some(&object)), (&extra, None)]).unlisted;
    assert_eq!(unlisted.len(), 1, "{unlisted:?}");
    assert_eq!(unlisted[0].end - unlisted[0].start, extra.len() as u64 + 20);
}

#[test]
fn packs_that_git_writes_have_no_unlisted_bytes() {
    let repo = repository_with_pack(12);
    let outcome = repo.sweep(SweepOptions { find_unlisted: true, ..Default::default() });
    assert_eq!((outcome.unlisted, outcome.skipped), (vec![], vec![]));
}

#[test]
fn streams_that_no_index_lists_are_inflated() {
    let object = text(1, 50);
    let entry = [synthetic::entry_header(3, object.len()), synthetic::deflate(&object)].concat();
    let bytes = [&b"plain"[..], &entry, b"between", &synthetic::deflate(b"alone"), b"behind"].concat();
    let mut found = Vec::new();
    let is_limit_reached = crate::git::unlisted_streams(&bytes, gix::hash::Kind::Sha1, &mut |_, plain| {
        found.push(plain.to_vec());
    });
    assert!(!is_limit_reached);
    assert!(found.contains(&object) && found.contains(&b"alone".to_vec()), "{}", found.len());
}

#[test]
fn a_second_copy_with_other_bytes_is_searched() {
    let repo = repository_with_pack(3);
    let whole = repo.check();
    let id = repo.blob(b"Kab first");
    let path = repo.loose_path(&id);
    repo.git(["repack", "-adfq"]);
    let list = repo.git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    repo.git_with(["pack-objects", "-q", ".git/objects/pack/pack"], &list);
    repo.git(["prune-packed"]);
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    fs::write(&path, synthetic::deflate(b"blob 10\0Kbb second")).expect("written");
    let outcome = repo.sweep_all_ways();
    assert_eq!(outcome.counts.total().objects, whole.counts.total().objects + 1);
    let copies = outcome.found.iter().find(|object| object.id == id).expect("found");
    let matches: Vec<_> = copies.matches.iter().map(|(_, around)| around.as_slice()).collect();
    assert_eq!(matches.len(), 2, "{matches:?}");
    assert!(outcome.skipped.iter().any(|skip| skip.reason.contains("differ")), "{:?}", outcome.skipped);
}

/// A pack with a root of 400 KB and a tree of deltas below it, each of which appends a match to its base.
fn wide_tree() -> Repo {
    let root = text(1, 22_000);
    let mut objects = vec![root.clone()];
    let mut entries = vec![[synthetic::entry_header(3, root.len()), synthetic::deflate(&root)].concat()];
    for child in 1..15usize {
        let base = objects[(child - 1) / 2].clone();
        let added = format!("Kab{child}").into_bytes();
        let mut delta =
            [synthetic::delta_size(base.len()), synthetic::delta_size(base.len() + added.len())].concat();
        let len = (base.len() as u32).to_le_bytes();
        delta.extend([0x80 | 0x70, len[0], len[1], len[2], added.len() as u8]);
        delta.extend_from_slice(&added);
        let id = synthetic::blob_id(&base);
        let header = synthetic::entry_header(7, delta.len());
        entries.push([header, id.as_bytes().to_vec(), synthetic::deflate(&delta)].concat());
        objects.push([base, added].concat());
    }
    let repo = Repo::new();
    synthetic::write_pack(&repo, &entries, &objects);
    repo
}

#[test]
fn entries_for_which_memory_is_short_are_retried_or_reported() {
    let repo = wide_tree();
    let whole = repo.sweep(SweepOptions::default());
    assert_eq!((whole.counts.total().objects, whole.skipped.len()), (15, 0));
    for threads in [1, 4] {
        let sweep = |max_memory| {
            repo.sweep(SweepOptions { threads, max_memory, full_objects: true, ..Default::default() })
        };
        // Just enough for a base and its result.
        let tight = sweep(1100 << 10);
        assert_eq!((tight.skipped, tight.counts), (vec![], whole.counts), "{threads} threads");
        assert_eq!(tight.found, whole.found);
        let short = sweep(700 << 10);
        assert_eq!(short.counts.total().objects + short.skipped.len() as u64, 15, "{threads} threads");
        assert!(short.skipped.iter().any(|skip| skip.reason.contains("too large")), "{:?}", short.skipped);
    }
}
