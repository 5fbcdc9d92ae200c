//! Tests that the sweep with the real detector finds in delta space what it finds in whole objects.

use crate::container::ENCODED_KEYWORDS;
use crate::scan::Stop;
use std::fmt::Write;

use proptest::prelude::*;

use super::search::{ObjectSearch, SweepMatch};
use crate::detect::Detector;
use crate::git::scratch::Scratch;
use crate::git::{ObjectDatabase, ObjectKind, SweepOptions, sweep};
use crate::rules::{RuleSet, expand_template};

/// A made-up key.
fn key(seed: u64) -> String {
    let text = expand_template("sk-proj-{base64url:74}{marker}{base64url:74}", seed).text;
    String::from_utf8(text).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        (0..4).for_each(|index| text.push(char::from(SYMBOLS[(bits >> (18 - 6 * index)) as usize & 63])));
    }
    text
}

/// Something that the sweep must find, or something similar.
fn piece(kind: u8, seed: u64) -> Vec<u8> {
    let key = key(seed);
    match kind % 11 {
        0 => format!("key = \"{key}\"\n").into_bytes(),
        1 => {
            let text = base64(format!("padding {key} padding, too").as_bytes());
            let lines: Vec<&str> =
                text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
            lines.join("\n").into_bytes()
        }
        2 => key.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => key
            .bytes()
            .fold(String::new(), |mut text, byte| {
                write!(text, "0x{byte:02x}, ").unwrap();
                text
            })
            .into_bytes(),
        4 => format!("\"{}\" +\n    \"{}\"\n", &key[..60], &key[60..]).into_bytes(),
        5 => [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &[7; 10]].concat(),
        6 => format!("{} {}\n", &key[..100], "task-list").into_bytes(),
        8 => format!("version https://git-lfs.github.com/spec/v1\noid sha256:{:064}\nsize 1\n", seed)
            .into_bytes(),
        9 => b"\0\0\0\x40zTXtComment\0\0x\x9c".to_vec(),
        7 => b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        _ => key
            .bytes()
            .fold(String::new(), |mut text, byte| {
                write!(text, "\\u{byte:04x}").unwrap();
                text
            })
            .into_bytes(),
    }
}

/// An edit of a file: `(operation, position, length, kind)`.
type Edit = (u8, usize, usize, u8);

fn edit(bytes: &mut Vec<u8>, &(operation, position, len, kind): &Edit) {
    let start = position % (bytes.len() + 1);
    let end = bytes.len().min(start + len % 300);
    match operation % 4 {
        0 => drop(bytes.splice(start..start, piece(kind, len as u64))),
        1 => drop(bytes.drain(start..end)),
        2 => drop(bytes.splice(start..start, format!("line {len}\n").into_bytes())),
        _ => {
            let copy = bytes[start..end].to_vec();
            let target = len % (bytes.len() + 1);
            bytes.splice(target..target, copy);
        }
    }
}

fn lines_without_keys(lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| format!("let line_{line} = task::spawn({});\n", line * 7919).into_bytes())
        .collect()
}

/// The findings in a form that can be compared.
fn sweep_lines(
    database: &ObjectDatabase,
    search: &ObjectSearch<'_>,
    options: SweepOptions<'_>,
) -> Vec<String> {
    let outcome = sweep(database, search, &options);
    assert_eq!(outcome.skipped, []);
    let mut lines = Vec::new();
    for object in outcome.found {
        let secrets = object.matches.iter().filter_map(|(range, sweep_match)| match sweep_match {
            SweepMatch::Secret(key) => Some(format!("{range:?} {} {:?}", key.fingerprint, key.confidence)),
            SweepMatch::Container | SweepMatch::Pointer(_) | SweepMatch::PassedOver => None,
        });
        let secrets: Vec<String> = secrets.collect();
        let has_other_matches = secrets.len() < object.matches.len();
        lines.push(format!("{} {secrets:?} {has_other_matches}", object.id));
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..Default::default() })]

    #[test]
    fn delta_space_and_whole_objects_have_the_same_matches(
        commits in prop::collection::vec(
            (0usize..3, prop::collection::vec(any::<Edit>(), 1..4)),
            1..40,
        ),
    ) {
        let scratch = Scratch::new(&["--bare"]);
        let mut files = [lines_without_keys(30), lines_without_keys(200), lines_without_keys(900)];
        let mut stream = Vec::new();
        for (number, (file, edits)) in commits.iter().enumerate() {
            let bytes = &mut files[*file];
            edits.iter().for_each(|step| edit(bytes, step));
            stream.extend(format!("commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 1\n.\n").bytes());
            stream.extend(format!("M 100644 inline file{file}\ndata {}\n", bytes.len()).bytes());
            stream.extend_from_slice(bytes);
            stream.push(b'\n');
        }
        scratch.git_with(&["fast-import", "--quiet"], &stream);
        scratch.git(&["repack", "-adfq", "--depth=40", "--window=30"]);
        let detector = Detector::with_extra_keywords(&RuleSet::built_in().unwrap(), ENCODED_KEYWORDS).unwrap();
        let kinds = vec![ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
        let search = ObjectSearch { detector: &detector, stop: &Stop::default(), kinds };
        let database = ObjectDatabase::from_repo(&scratch.open());
        let whole = sweep_lines(&database, &search, SweepOptions { full_objects: true, ..Default::default() });
        for small in [0, SweepOptions::default().small_result] {
            let options = SweepOptions { small_result: small, threads: 2, ..Default::default() };
            prop_assert_eq!(&sweep_lines(&database, &search, options), &whole, "small {}", small);
        }
    }
}
