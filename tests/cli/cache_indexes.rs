//! Tests that the cache remembers in which index files of packs nothing was found, and that it hides nothing in them.

use std::fs;
use std::path::Path;

use crate::cache::{audit, audit_cached, packs};
use crate::support::{Scratch, key};

/// Part of the note with `-v` if index files were not searched.
const KNOWN_INDEXES: &str = "index files of packs, searched by an earlier audit: ";

/// A packed repository without a key, with enough objects that the checksums in its index have room for one.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("repo");
    for number in 0..60 {
        scratch.write(&format!("repo/{number}"), number.to_string());
    }
    scratch.commit("repo", "files");
    scratch.git("repo", &["repack", "-adq"]);
    scratch
}

/// The number of index files that were not searched.
fn known_indexes(scratch: &Scratch, options: &[&str]) -> u64 {
    let stderr = audit_cached(scratch, options);
    let number = stderr.split_once(KNOWN_INDEXES).map_or("0", |(_, rest)| rest);
    number.split_whitespace().next().unwrap().parse().unwrap()
}

/// Writes `text` in place of the first checksums of objects in an index, which git does not verify when it reads.
fn hide(index: &Path, text: &[u8]) {
    let mut bytes = fs::read(index).unwrap();
    let objects = u32::from_be_bytes(*bytes[8 + 255 * 4..].first_chunk().unwrap()) as usize;
    let start = 8 + 256 * 4 + objects * 20;
    assert!(text.len() <= objects * 4);
    bytes[start..start + text.len()].copy_from_slice(text);
    fs::remove_file(index).unwrap();
    fs::write(index, bytes).unwrap();
}

#[test]
fn clean_index_files_are_searched_once() {
    let scratch = repository();
    assert_eq!(known_indexes(&scratch, &[]), 0);
    assert_eq!(known_indexes(&scratch, &[]), 1);
    assert_eq!(known_indexes(&scratch, &["--surfaces", "-git-file"]), 0);
    assert_eq!(known_indexes(&scratch, &[]), 1);
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    scratch.git("repo", &["repack", "-dq"]);
    assert_eq!(known_indexes(&scratch, &[]), 1);
    assert_eq!(known_indexes(&scratch, &[]), 2);
    assert_eq!(known_indexes(&scratch, &["--threads", "3"]), 2);
}

#[test]
fn a_key_in_an_index_file_is_found_every_time() {
    let scratch = repository();
    known_indexes(&scratch, &[]);
    assert_eq!(known_indexes(&scratch, &[]), 1);
    let index = packs(&scratch)[0].with_extension("idx");
    let original = fs::read(&index).unwrap();
    hide(&index, key(1).as_bytes());
    for _ in 0..2 {
        assert_eq!(known_indexes(&scratch, &[]), 0);
        let (report, _) = audit(&scratch, &["--cache", "cache"]);
        assert_eq!(report["leaks"].as_array().unwrap().len(), 1);
    }
    fs::write(&index, original).unwrap();
    assert_eq!(known_indexes(&scratch, &[]), 0);
    assert_eq!(known_indexes(&scratch, &[]), 1);
}
