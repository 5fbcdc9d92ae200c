//! Tests of archives in programs and scripts, and of zlib data.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use sevenz_rust2::EncoderMethod;

use super::kit::{Extraction, bzip2, extract, extract_within, gzip, noise, tar, xz, zstd};
use super::sevenz_archives::seven_zip;
use super::zip_entries::{Entry, zip};
use crate::container::signatures::find_archive;
use crate::container::{Input, Limits, open};

const PROGRAMS: &[&[u8]] =
    &[b"#!/bin/sh\nexec tail -n +3 $0 | tar xzf -\n", b"MZ\x90\0\x03", b"\x7fELF\x02\x01\x01"];

/// Data of a program that contains the signatures of archives, but no archive.
fn program(start: &[u8]) -> Vec<u8> {
    let signatures = [
        &b"7z\xbc\xaf\x27\x1c"[..],
        b"\x1f\x8b\x08",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"\xfd7zXZ\0",
        b"Rar!\x1a\x07\0",
        b"Rar!\x1a\x07\x01\0",
        b"BZh9",
        b"\x28\xb5\x2f\xfd",
    ];
    let parts: Vec<u8> =
        signatures.iter().flat_map(|signature| [*signature, b" is what it begins with\n"].concat()).collect();
    [start, &parts, b"a function\n".repeat(9000).as_slice(), &parts].concat()
}

fn archives(data: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let tar = tar(&[("config/.env", data)]);
    vec![
        ("gzip", gzip(&tar)),
        ("bzip2", bzip2(&tar)),
        ("xz", xz(&tar)),
        ("zstd", zstd(&tar)),
        ("7z", seven_zip(&[EncoderMethod::LZMA2], &[("config/.env", data)], true)),
    ]
}

fn has_config(extraction: &Extraction, data: &[u8]) -> bool {
    extraction.contents.iter().any(|(name, content)| name.ends_with(" > config/.env") && content == data)
}

/// A file that can be read once; later reads fail.
struct ReadOnce {
    content: Cursor<Vec<u8>>,
    has_ended: bool,
}

impl Read for ReadOnce {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.has_ended {
            return Err(std::io::Error::other("the device is gone"));
        }
        let count = self.content.read(buffer)?;
        self.has_ended = count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl Seek for ReadOnce {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.content.seek(position)
    }
}

#[test]
fn a_program_that_cannot_be_read_again_ends_with_what_was_read() {
    for start in PROGRAMS {
        let program = program(start);
        let mut file = ReadOnce { content: Cursor::new(program.clone()), has_ended: false };
        let mut extraction = Extraction::default();
        let outcome = open(Input::File(&mut file), b"program", Limits::default(), &mut extraction);
        assert!(outcome.is_err_and(|error| error.to_string() == "the device is gone"));
        assert_eq!(extraction.content(""), program);
    }
}

#[test]
fn self_extracting_archives_are_opened() {
    let data = [&noise(2, 50_000)[..], &b"and a line\n".repeat(100)].concat();
    for start in PROGRAMS {
        for (kind, archive) in archives(&data) {
            for before in [program(start), start.to_vec(), [*start, &noise(5, 100_000)].concat()] {
                let extraction = extract("install", &[&before[..], &archive].concat());
                assert!(has_config(&extraction, &data), "{kind}: {:?}", extraction.skipped);
                assert!(extraction.skipped.is_empty(), "{kind}: {:?}", extraction.skipped);
                let name = format!("{kind} at byte {}", before.len());
                assert!(extraction.contents.iter().any(|(path, _)| path.starts_with(&name)), "{name}");
            }
        }
    }
}

#[test]
fn every_archive_in_a_program_is_opened() {
    let descriptor = |n: usize| format!("syntax of descriptor {n}\n").repeat(n + 1).into_bytes();
    for start in PROGRAMS {
        for junk in [&b"\0\0\0"[..], b"\n\x19google/protobuf/any.proto", &noise(4, 70_000)] {
            let mut bytes = program(start);
            let mut places = Vec::new();
            for n in 0..40 {
                let data = descriptor(n);
                let (kind, packed) = match n % 4 {
                    0 => ("gzip", gzip(&data)),
                    1 => ("xz", xz(&data)),
                    2 => ("zstd", zstd(&data)),
                    _ => ("bzip2", bzip2(&data)),
                };
                places.push((format!("{kind} at byte {} > content", bytes.len()), data));
                bytes.extend([&packed, junk].concat());
            }
            bytes.extend(seven_zip(&[EncoderMethod::LZMA2], &[("in.7z", b"seven")], true));
            bytes.extend(
                [junk, &zip(&[Entry::new("in.zip", 8, b"zip")]), junk, &gzip(b"and behind all that")]
                    .concat(),
            );
            let extraction = extract("tool", &bytes);
            for (name, data) in &places {
                assert_eq!(extraction.content(name), data);
            }
            for (name, data) in
                [("in.7z", &b"seven"[..]), ("in.zip", b"zip"), ("> content", b"and behind all that")]
            {
                let is_there = |(path, content): &(String, Vec<u8>)| path.ends_with(name) && content == data;
                assert!(extraction.contents.iter().any(is_there), "{name}: {}", extraction.reasons());
            }
            assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        }
    }
}

#[test]
fn small_payloads_are_opened_and_reported_if_truncated() {
    let data = b"OPENAI=a few words that are no more\n";
    for start in [&b"#!/bin/sh\nsed 1,3d $0 | zcat\nexit 0\n"[..], b"\x7fELF\x02\x01\x01\0\0\0\0"] {
        for (kind, packed) in
            [("gzip", gzip(data)), ("xz", xz(data)), ("zstd", zstd(data)), ("bzip2", bzip2(data))]
        {
            let bytes = [start, &packed].concat();
            let name = format!("{kind} at byte {} > content", start.len());
            let extraction = extract("install", &bytes);
            assert_eq!(extraction.content(&name), data);
            assert!(extraction.skipped.is_empty(), "{kind}: {}", extraction.reasons());
            let cut = extract("install", &bytes[..bytes.len() - 6]);
            assert!(kind == "zstd" || !cut.skipped.is_empty(), "{kind}");
        }
    }
}

#[test]
fn archives_of_every_size_are_recognized() {
    for size in [20, 40, 100, 300, 1000, 10_000] {
        for seed in 0..40 {
            let data = noise(seed, size);
            let zip = zip(&[Entry::new("a", 8, &data)]);
            for packed in [gzip(&data), xz(&data), zstd(&data), bzip2(&data), zip] {
                assert!(
                    find_archive(&[b"#!/bin/sh\nexit 0\n", &packed[..]].concat()).is_some(),
                    "{size} {seed}"
                );
            }
        }
    }
}

#[test]
fn a_false_zip_end_record_does_not_hide_an_archive() {
    // The end record in a program that writes zips, near its end.
    let record = b"PK\x05\x06\0\0\x2a\0\x07\0\x05\0Zip file signature not found\0";
    for start in PROGRAMS {
        let bytes = [&program(start)[..], &gzip(b"a content within"), record, b"and text of it"].concat();
        let extraction = extract("zipnote", &bytes);
        let offset = program(start).len();
        assert_eq!(extraction.content(&format!("gzip at byte {offset} > content")), b"a content within");
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
    }
    // The last part of a multi-part archive.
    let mut last = zip(&[Entry::new("a", 8, b"content")]);
    let counts = last.len() - 18;
    last[counts..counts + 4].copy_from_slice(&[3, 0, 3, 0]);
    assert!(extract("a.zip", &last).reasons().contains("part of a multi-part archive"));
}

#[test]
fn signatures_without_an_archive_are_ignored() {
    for start in PROGRAMS {
        let bytes = program(start);
        let extraction = extract("tool", &bytes);
        assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
        assert_eq!(extraction.contents, [(String::new(), bytes)]);
    }
    // Random bytes contain a valid header only about once in a gigabyte.
    assert_eq!(find_archive(&noise(11, 4 << 20)), None);
}

#[test]
fn only_programs_are_searched_for_archives() {
    let bytes = [&b"a text\x05"[..], &gzip(&noise(1, 1000))].concat();
    let extraction = extract("text", &bytes);
    assert_eq!(extraction.contents, [(String::new(), bytes)]);
}

#[test]
fn an_unsupported_archive_is_reported() {
    let rar = b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0";
    let extraction = extract("setup.exe", &[&program(b"MZ")[..], rar].concat());
    assert!(extraction.reasons().contains("RAR archives cannot be opened"), "{:?}", extraction.skipped);
    let shallow = Limits { depth: 0, ..Limits::default() };
    let extraction = extract_within("install", &[PROGRAMS[0], &gzip(&noise(1, 1000))].concat(), shallow);
    assert!(extraction.reasons().contains("`--max-depth`"), "{:?}", extraction.skipped);
}

#[test]
fn zlib_is_opened_and_text_is_not_mistaken_for_it() {
    for level in [0, 1, 6, 9] {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        writer.write_all(&noise(3, 3 << 20)).unwrap();
        let packed = writer.finish().unwrap();
        let extraction = extract("state.zlib", &packed);
        assert_eq!(extraction.content("content"), noise(3, 3 << 20), "{level}");
        assert!(extraction.skipped.is_empty(), "{level}: {:?}", extraction.skipped);
        let extraction = extract("state.zlib", &packed[..packed.len() / 2]);
        assert!(extraction.content("content").len() > 1 << 20);
        assert_eq!(extraction.skipped.len(), 1, "{:?}", extraction.skipped);
    }
    for text in ["x^2 + y^2 = z^2\n", "x^", "x"] {
        let extraction = extract("formula", text.as_bytes());
        assert_eq!(extraction.contents.len(), 1);
        assert!(extraction.skipped.is_empty());
    }
}

#[test]
fn a_zip_after_a_program_is_opened_if_truncated_or_followed_by_data() {
    let data = noise(2, 5000);
    let whole = zip(&[Entry::new("a", 8, &data), Entry::new("b", 0, b"stored"), Entry::new("c", 8, &data)]);
    let cut = whole[..whole.len() / 2 + 500].to_vec();
    let long = [&whole[..], &noise(3, 100_000)].concat();
    for start in PROGRAMS.iter().chain(&[&b"Cr24\x03\0\0\0"[..]]) {
        for archive in [&cut, &long] {
            let extraction = extract("app.pyz", &[&program(start)[..], archive].concat());
            for (name, data) in [("a", &data[..]), ("b", b"stored")] {
                let suffix = format!(" > {name}");
                let entry = extraction.contents.iter().find(|(path, _)| path.ends_with(&suffix));
                assert!(
                    entry.is_some_and(|(_, content)| content == data),
                    "{name}: {}",
                    extraction.reasons()
                );
            }
            let is_reported = extraction.reasons().contains("no readable directory");
            assert_eq!(is_reported, archive.len() == cut.len(), "{}", extraction.reasons());
        }
    }
    // As in a program that reads archives.
    let header = b"PK\x03\x04\x14\0\0\0\x08\0not the rest of a header, but text of the program itself";
    assert!(extract("unzip", &[&program(b"\x7fELF")[..], header].concat()).skipped.is_empty());
}
