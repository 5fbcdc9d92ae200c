//! Synthetic deltas, which cut, move, duplicate and join matches: a sweep of a pack of them must find what searching every object
//! completely finds. [`Toy`] searches for `K` and two to six of `a` and `b`.

use std::fs;

use gix::ObjectId;
use gix::hash;
use gix::object::Kind;
use proptest::prelude::*;

use super::kit::{Repo, Toy, search_whole};
use crate::git::ObjectDatabase;
use crate::git::sweep::{ObjectCounts, SweepOptions, SweepOutcome, sweep};

/// A delta instruction; the numbers are reduced to the valid range later.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// From which byte of the base, and how many.
    Copy(usize, usize),
    Insert(Vec<u8>),
}

/// An object stored as a delta against an earlier one.
#[derive(Clone, Debug)]
pub(super) struct Child {
    base: usize,
    steps: Vec<Step>,
    /// Whether the entry names its base by id rather than by distance.
    by_id: bool,
}

/// A size as in the header of a delta: seven bits in each byte, the lowest first.
pub(super) fn delta_size(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A delta and its result.
pub(super) fn make_delta(base: &[u8], steps: &[Step]) -> (Vec<u8>, Vec<u8>) {
    let (mut code, mut result) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Copy(from, len) if !base.is_empty() => {
                let from = from % base.len();
                // Some copies are long enough to contain bytes far from any change.
                let len = if len % 4 == 0 { len / 4 % 250 + 1 } else { len % 40 + 1 }.min(base.len() - from);
                result.extend_from_slice(&base[from..from + len]);
                code.extend([0x80 | 0x01 | 0x02 | 0x10, from as u8, (from >> 8) as u8, len as u8]);
            }
            Step::Insert(bytes) if !bytes.is_empty() => {
                result.extend_from_slice(bytes);
                code.push(bytes.len() as u8);
                code.extend_from_slice(bytes);
            }
            _ => {}
        }
    }
    ([delta_size(base.len()), delta_size(result.len()), code].concat(), result)
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let len = compressor.zlib_compress(bytes, &mut out).expect("room enough");
    out.truncate(len);
    out
}

/// The header of an entry in a pack. `kind` is 3 for a blob, 6 for a delta on the entry at a distance, 7 for one on an id.
pub(super) fn entry_header(kind: u8, mut size: usize) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | (size & 0x0f) as u8];
    size >>= 4;
    while size != 0 {
        *bytes.last_mut().expect("not empty") |= 0x80;
        bytes.push((size & 0x7f) as u8);
        size >>= 7;
    }
    bytes
}

/// The distance to the base, as in an entry of kind 6.
pub(super) fn base_distance(mut value: usize) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value >= 0x80 {
        value = (value >> 7) - 1;
        bytes.insert(0, 0x80 | (value & 0x7f) as u8);
    }
    bytes
}

pub(super) fn digest(bytes: &[u8]) -> ObjectId {
    let mut hasher = hash::hasher(hash::Kind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().expect("no collision")
}

pub(super) fn blob_id(bytes: &[u8]) -> ObjectId {
    digest(&[format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat())
}

/// A pack of compressed entries with their headers.
pub(super) fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend((entries.len() as u32).to_be_bytes());
    bytes.extend(entries.concat());
    let trailer = digest(&bytes);
    bytes.extend(trailer.as_bytes());
    bytes
}

/// The entries of a pack, and their objects.
fn entries(root: Vec<u8>, children: &[Child]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut entries = vec![[entry_header(3, root.len()), deflate(&root)].concat()];
    let (mut offsets, mut end) = (vec![12], 12 + entries[0].len());
    let mut objects = vec![root];
    for child in children {
        let base = child.base % objects.len();
        let (delta, result) = make_delta(&objects[base], &child.steps);
        // Git never stores the same object twice in a pack.
        if objects.contains(&result) {
            continue;
        }
        let entry = if child.by_id {
            let id = blob_id(&objects[base]);
            [entry_header(7, delta.len()), id.as_bytes().to_vec(), deflate(&delta)].concat()
        } else {
            [entry_header(6, delta.len()), base_distance(end - offsets[base]), deflate(&delta)].concat()
        };
        offsets.push(end);
        end += entry.len();
        entries.push(entry);
        objects.push(result);
    }
    (entries, objects)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let letter = prop::sample::select(b"KKaaabbccc\n".to_vec());
    prop::collection::vec(letter, 0..60)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<usize>(), any::<usize>()).prop_map(|(from, len)| Step::Copy(from, len)),
        1 => bytes().prop_map(Step::Insert),
        2 => prop::sample::select(b"Kabc".to_vec()).prop_map(|byte| Step::Insert(vec![byte])),
    ]
}

fn child() -> impl Strategy<Value = Child> {
    (any::<usize>(), prop::collection::vec(step(), 0..12), any::<bool>())
        .prop_map(|(base, steps, by_id)| Child { base, steps, by_id })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..Default::default() })]

    #[test]
    fn delta_space_has_the_same_matches_as_whole_objects(
        root in prop::collection::vec(prop::sample::select(b"KKaaabbccc\n".to_vec()), 0..200),
        children in prop::collection::vec(child(), 0..24),
    ) {
        check_sweeps_of(root, &children)?;
    }

    /// Where keywords are few and far apart, most of the context around a change is not searched.
    #[test]
    fn delta_space_finds_rare_matches(
        root in prop::collection::vec(rare(), 0..1500),
        children in prop::collection::vec(child(), 0..24),
    ) {
        check_sweeps_of(root, &children)?;
    }
}

/// A byte of text with few keywords (`K`), far apart.
fn rare() -> impl Strategy<Value = u8> {
    prop_oneof![60 => Just(b'c'), 1 => Just(b'K'), 2 => prop::sample::select(b"ab".to_vec())]
}

/// Asserts that every kind of sweep of a pack of `root` and `children` finds what searching each object completely finds.
fn check_sweeps_of(root: Vec<u8>, children: &[Child]) -> Result<(), TestCaseError> {
    let (entries, objects) = entries(root, children);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let packs = dir.path().join("pack");
    fs::create_dir(&packs).expect("made");
    fs::write(packs.join("pack-1.pack"), pack(&entries)).expect("written");
    write_index(&packs.join("pack-1.idx"), &entries, &objects);

    let mut expected: Vec<_> =
        objects.iter().map(|bytes| search_whole(blob_id(bytes), Kind::Blob, bytes)).collect();
    expected.retain(|object| !object.matches.is_empty());
    expected.sort_by_key(|object| object.id);
    let mut counts = ObjectCounts::default();
    objects.iter().for_each(|bytes| counts.add(Kind::Blob, bytes.len() as u64));

    let database = ObjectDatabase::new(dir.path(), hash::Kind::Sha1);
    // Results of deltas of up to 100 bytes, or none, are searched completely.
    for (threads, full_objects, small_result) in [(1, false, 0), (1, false, 100), (2, false, 0), (1, true, 0)]
    {
        let options = SweepOptions { threads, full_objects, small_result, ..Default::default() };
        let SweepOutcome { found, counts: counted, skipped, .. } = sweep(&database, &Toy, &options);
        prop_assert_eq!(skipped, vec![]);
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(counted, counts);
    }
    Ok(())
}

/// Writes a version 1 index of those entries of a pack that have an object in `objects`.
fn write_index(path: &std::path::Path, entries: &[Vec<u8>], objects: &[Vec<u8>]) {
    let mut offset = 12u32;
    let mut rows: Vec<(ObjectId, u32)> = Vec::new();
    for (entry, object) in entries.iter().zip(objects) {
        rows.push((blob_id(object), offset));
        offset += entry.len() as u32;
    }
    rows.sort();
    let mut bytes = Vec::new();
    for first in 0..=u8::MAX {
        let up_to_first = rows.iter().filter(|(id, _)| id.first_byte() <= first).count() as u32;
        bytes.extend(up_to_first.to_be_bytes());
    }
    for (id, offset) in rows {
        bytes.extend(offset.to_be_bytes());
        bytes.extend(id.as_bytes());
    }
    let trailer = pack(entries).split_off(pack(entries).len() - 20);
    bytes.extend(trailer);
    let index_checksum = digest(&bytes);
    bytes.extend(index_checksum.as_bytes());
    fs::write(path, bytes).expect("written");
}

/// Git can index such a pack, so the synthetic format is valid.
#[test]
fn a_synthetic_pack_is_valid_for_git() {
    let child = |base, steps, by_id| Child { base, steps, by_id };
    let children = [
        child(0, vec![Step::Copy(0, 30), Step::Insert(b"Kab".to_vec()), Step::Copy(5, 9)], false),
        child(1, vec![Step::Copy(4, 38), Step::Copy(2, 20)], true),
    ];
    let (entries, _) = entries(b"cKaab ccc Kbb Kabababab aa bb cc Kaaccc\n".to_vec(), &children);
    let repo = Repo::new();
    repo.git_with(["index-pack", "--stdin"], &pack(&entries));
    let outcome = repo.check();
    assert_eq!(outcome.counts.of(Kind::Blob).objects, 3);
}

/// Writes a pack of these entries to a repository, with an index. If there are fewer `objects` than entries, the index lists only
/// the first entries.
pub(super) fn write_pack(repo: &Repo, entries: &[Vec<u8>], objects: &[Vec<u8>]) {
    let packs = repo.objects().join("pack");
    fs::create_dir_all(&packs).expect("made");
    fs::write(packs.join("pack-made.pack"), pack(entries)).expect("written");
    write_index(&packs.join("pack-made.idx"), entries, objects);
}
