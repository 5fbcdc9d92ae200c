//! Tests that a cached audit reports exactly those missing objects that the present packs name.

use std::fs;

use gix::ObjectId;

use crate::cache::{audit, audit_cached};
use crate::support::Scratch;

fn digest(bytes: &[u8]) -> ObjectId {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().unwrap()
}

fn tree(name: &str, blob: ObjectId) -> (Vec<u8>, ObjectId) {
    let content = [format!("100644 {name}\0").as_bytes(), blob.as_bytes()].concat();
    let id = digest(&[format!("tree {}\0", content.len()).as_bytes(), &content].concat());
    (content, id)
}

/// Packs these objects, which are loose, and returns the path of the pack without its extension.
fn pack(scratch: &Scratch, ids: &[ObjectId]) -> String {
    let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let name = scratch.git_with("repo", &["pack-objects", "-q", ".git/objects/pack/pack"], list.as_bytes());
    scratch.git("repo", &["prune-packed", "-q"]);
    format!("repo/.git/objects/pack/pack-{name}")
}

/// The content of a damaged pack is repaired: an entry with the id of a tree was another tree, which named a missing object.
#[test]
fn an_object_that_only_a_replaced_pack_named_is_not_missing() {
    let scratch = Scratch::new();
    scratch.repository("repo");
    let write = |kind, content: &[u8]| {
        let printed =
            scratch.git_with("repo", &["hash-object", "-w", "-t", kind, "--literally", "--stdin"], content);
        ObjectId::from_hex(printed.as_bytes()).unwrap()
    };
    let blob = write("blob", b"content");
    let (content, id) = tree("file", blob);
    let missing = digest(b"missing");
    // Their ids have the same place in an index.
    let same_byte = |(_, other): &(Vec<u8>, ObjectId)| {
        other.first_byte() == id.first_byte() && (*other < blob) == (id < blob)
    };
    let (other_content, other) =
        (0..).map(|number| tree(&format!("{number}"), missing)).find(same_byte).unwrap();
    write("tree", &other_content);
    let damaged = pack(&scratch, &[blob, other]);
    let index = scratch.path(&format!("{damaged}.idx"));
    let mut bytes = fs::read(&index).unwrap();
    let at = bytes.windows(20).position(|window| window == other.as_bytes()).unwrap();
    bytes[at..at + 20].copy_from_slice(id.as_bytes());
    let checksum = digest(&bytes[..bytes.len() - 20]);
    bytes.truncate(bytes.len() - 20);
    bytes.extend(checksum.as_bytes());
    fs::remove_file(&index).unwrap();
    fs::write(&index, bytes).unwrap();
    audit_cached(&scratch, &[]);
    assert_eq!(audit(&scratch, &["--cache", "cache"]).1.status.code(), Some(3));
    for extension in ["idx", "pack", "rev"] {
        let _ = fs::remove_file(scratch.path(&format!("{damaged}.{extension}")));
    }
    write("tree", &content);
    write("blob", b"content");
    pack(&scratch, &[blob, id]);
    audit_cached(&scratch, &[]);
    assert_eq!(audit(&scratch, &["--cache", "cache"]).1.status.code(), Some(0));
}
