//! Tests of zips that are damaged, truncated, or contain false values.

use proptest::prelude::*;

use super::kit::{Extraction, extract, extract_within, gzip, noise};
use super::zip_entries::{Entry, data_and_directory, deflate, end, zip};
use crate::container::{Input, Limits, open};

/// Length of an end record without a comment, in bytes.
const END_LENGTH: u64 = 22;

#[test]
fn entries_missing_from_the_directory_are_found() {
    let hidden = Entry::new("hidden", 8, b"not named by anything");
    let listed = [Entry::new("a", 8, b"one"), Entry::new("b", 0, b"two")];
    let [a, b] = listed.each_ref().map(Entry::header_and_data);
    let unlisted = hidden.header_and_data();
    for place in 0..4 {
        let mut parts = vec![&a[..], &b];
        // In the last round, it is after the directory, in the comment.
        let is_in_comment = place == 3;
        if !is_in_comment {
            parts.insert(place, &unlisted);
        }
        let position = |wanted: &[u8]| {
            let before = parts.iter().take_while(|part| **part != wanted);
            before.map(|part| part.len() as u64).sum::<u64>()
        };
        let directory =
            [listed[0].directory_record(position(&a)), listed[1].directory_record(position(&b))].concat();
        let data = parts.concat();
        let comment = if is_in_comment { &unlisted[..] } else { b"" };
        let end = end(2, directory.len() as u64, data.len() as u64, comment);
        let extraction = extract("a.zip", &[&data[..], &directory, &end].concat());
        assert_eq!(extraction.content("hidden"), b"not named by anything", "{place}");
        // The three entries, and the archive itself.
        assert!(extraction.contents.len() == 4 && extraction.skipped.is_empty(), "{}", extraction.reasons());
    }
}

#[test]
fn false_end_records_do_not_hide_the_true_one() {
    let entries = [Entry::new("a", 8, b"one"), Entry::new("b", 0, b"two")];
    let (data, directory) = data_and_directory(&entries);
    let (size, offset) = (directory.len() as u64, data.len() as u64);
    let other = [Entry::new("c", 8, b"three")];
    let (more, its_directory) = data_and_directory(&other);
    let start = offset + size + END_LENGTH;
    let fake = [
        &more[..],
        &other[0].directory_record(start),
        &end(1, its_directory.len() as u64, start + more.len() as u64, b""),
    ]
    .concat();
    let comments: [(&[u8], usize); 5] = [
        (b"PK\x05\x06", 3),
        (b"PK\x05\x06 and then some that is longer than an end record", 3),
        (&end(0, 0, 0, b"x"), 3),
        (&end(7, 46, 3, b""), 3),
        // A complete archive in the comment: both are opened.
        (&fake, 4),
    ];
    for (comment, count) in comments {
        let archive = [&data[..], &directory, &end(2, size, offset, comment)].concat();
        let extraction = extract("a.zip", &archive);
        assert_eq!((extraction.content("a"), extraction.content("b")), (&b"one"[..], &b"two"[..]));
        assert_eq!(extraction.contents.len(), count, "{}", extraction.reasons());
    }
    // Two archives, one after the other.
    let extraction = extract("a.zip", &[zip(&entries), zip(&other)].concat());
    assert!(extraction.contents.len() == 4 && extraction.skipped.is_empty(), "{}", extraction.reasons());
    assert_eq!((extraction.content("a"), extraction.content("c")), (&b"one"[..], &b"three"[..]));
}

#[test]
fn the_directory_of_a_nested_archive_is_not_used_for_a_truncated_one() {
    let mut inner = Entry::new("inner.zip", 0, &zip(&[Entry::new("deep", 8, b"deep")]));
    inner.flags = 8;
    let (mut data, directory) = data_and_directory(&[Entry::new("a", 8, b"one"), inner.clone()]);
    data.extend(
        [&b"PK\x07\x08"[..], &inner.crc.to_le_bytes(), &inner.declared_packed_size.to_le_bytes()].concat(),
    );
    data.extend(inner.declared_unpacked_size.to_le_bytes());
    data.extend(&directory[..60]);
    let extraction = extract("a.zip", &data);
    assert_eq!(
        (extraction.content("a"), extraction.content("inner.zip > deep")),
        (&b"one"[..], &b"deep"[..])
    );
    assert_eq!(extraction.contents.len(), 4);
}

#[test]
fn declared_sizes_are_not_trusted() {
    let text = b"much that can be packed well ".repeat(100);
    for (packed_size, unpacked_size, is_excess_reported) in
        [(3, 2900, false), (900_000, 2900, false), (0, 0, true), (60, 50, true)]
    {
        let mut entry = Entry::new("a", 8, &text);
        (entry.declared_packed_size, entry.declared_unpacked_size) = (packed_size, unpacked_size);
        let extraction = extract("a.zip", &zip(&[entry, Entry::new("b", 8, b"next")]));
        assert!(extraction.content("a") == text && extraction.content("b") == b"next", "{packed_size}");
        assert_eq!(
            extraction.reasons().contains("but the archive says"),
            is_excess_reported,
            "{}",
            extraction.reasons()
        );
    }
    let mut wrong = Entry::new("a", 0, &text);
    wrong.crc ^= 1;
    let mut long = Entry::new("b", 0, b"at the end");
    long.declared_packed_size = 90_000;
    let extraction = extract("a.zip", &zip(&[wrong, long]));
    assert!(extraction.content("a") == text && extraction.content("b").starts_with(b"at the end"));
    assert!(extraction.reasons().contains("a: its checksum does not"), "{}", extraction.reasons());
    assert!(extraction.reasons().contains("b: it has"), "{}", extraction.reasons());
    let mut short = Entry::new("l", 14, &text);
    short.declared_unpacked_size = 10;
    assert!(extract("a.zip", &zip(&[short])).content("l").starts_with(&text));
}

#[test]
fn data_is_unpacked_by_both_methods_if_header_and_directory_disagree() {
    let packed = Entry::new("a", 8, b"told by the header");
    let mut mislabeled = packed.clone();
    (mislabeled.method, mislabeled.declared_unpacked_size) = (0, mislabeled.declared_packed_size);
    let data = packed.header_and_data();
    let directory = mislabeled.directory_record(0);
    let end = end(1, directory.len() as u64, data.len() as u64, b"");
    let extraction = extract("a.zip", &[data, directory, end].concat());
    let contents: Vec<&[u8]> = extraction.contents.iter().map(|(_, content)| &content[..]).collect();
    assert!(contents.contains(&&b"told by the header"[..]), "{}", extraction.reasons());
    assert!(contents.contains(&&packed.packed[..]));
}

#[test]
fn directory_records_without_an_entry_are_reported() {
    let entries = [Entry::new("a", 8, b"one")];
    let (data, mut directory) = data_and_directory(&entries);
    directory.extend(Entry::new("lost", 8, b"").directory_record(7));
    directory.extend(Entry::new("far", 8, b"").directory_record(1 << 31));
    directory.extend(Entry::new("twice", 8, b"one").directory_record(0));
    let end = end(9, directory.len() as u64, data.len() as u64, b"");
    let extraction = extract("a.zip", &[data, directory, end].concat());
    assert_eq!(extraction.content("a"), b"one");
    for reason in ["lost: the directory places", "far: the directory places", "lists 4 entries instead of 9"]
    {
        assert!(extraction.reasons().contains(reason), "{}", extraction.reasons());
    }
    assert_eq!(extraction.contents.len(), 2);
}

#[test]
fn a_part_of_a_multi_part_archive_is_reported() {
    let (data, directory) = data_and_directory(&[Entry::new("a", 8, b"one")]);
    let mut end = end(1, directory.len() as u64, data.len() as u64, b"");
    // The number of this part.
    end[4] = 1;
    let extraction = extract("a.zip", &[data, directory, end].concat());
    assert_eq!(extraction.content("a"), b"one");
    assert!(extraction.reasons().contains("multi-part"), "{}", extraction.reasons());
}

#[test]
fn a_zip_truncated_anywhere_yields_what_is_left() {
    let methods = [8, 0, 12, 14, 93, 95, 9, 8, 0];
    let entries: Vec<Entry> = (0..9)
        .map(|index| Entry::new(&format!("e{index}"), methods[index as usize], &noise(index, 4000)))
        .collect();
    let archive = zip(&entries);
    for tenth in 1..10 {
        let cut = extract("a.zip", &archive[..archive.len() * tenth / 10]);
        let mut position = 0;
        for (entry, seed) in entries.iter().zip(0..) {
            position += entry.header_and_data().len();
            if position <= archive.len() * tenth / 10 {
                let name = String::from_utf8_lossy(&entry.name).into_owned();
                assert!(cut.content(&name) == noise(seed, 4000), "{tenth} {name}: {}", cut.reasons());
            }
        }
        assert!(cut.reasons().contains("no readable directory"), "{}", cut.reasons());
    }
}

#[test]
fn entries_after_a_damaged_one_are_handed_over() {
    let entries: Vec<Entry> =
        (0..5).map(|index| Entry::new(&format!("e{index}"), 8, &b"plain words ".repeat(500))).collect();
    let (mut data, directory) = data_and_directory(&entries);
    data[40..60].fill(0xff);
    for directory in [&directory[..], b""] {
        let end = end(5, directory.len() as u64, data.len() as u64, b"");
        let extraction = extract("a.zip", &[&data[..], directory, &end].concat());
        for index in 1..5 {
            assert_eq!(extraction.content(&format!("e{index}")).len(), 6000);
        }
    }
}

/// A zip bomb whose entries overlap. The data of each is a stored block with the next header, followed by the data of that
/// header, and the last is an entry that expands a lot.
fn overlapping(count: u64) -> Vec<u8> {
    // Of a header with a name of eight characters.
    const HEADER_LENGTH: u16 = 38;
    // The start of a stored block that contains the next header.
    let block_start = [&[0][..], &HEADER_LENGTH.to_le_bytes(), &(!HEADER_LENGTH).to_le_bytes()].concat();
    let (mut data, mut records) = (Vec::new(), Vec::new());
    for index in 0..count {
        let mut entry = Entry::new(&format!("{index:08}"), 8, b"");
        entry.packed = block_start.clone();
        records.extend(entry.directory_record(data.len() as u64));
        data.extend(entry.header_and_data());
    }
    let mut last = Entry::new("00000end", 8, b"");
    last.packed = deflate(&vec![0; 20 << 20]);
    records.extend(last.directory_record(data.len() as u64));
    data.extend(last.header_and_data());
    let end = end(count + 1, records.len() as u64, data.len() as u64, b"");
    [data, records, end].concat()
}

#[test]
fn overlapping_entries_end_at_the_limits() {
    let bomb = overlapping(300);
    let extraction = extract_within("a.zip", &bomb, Limits { bytes: 100 << 20, ..Limits::default() });
    assert!(extraction.reasons().contains("more than 100 MiB"), "{}", extraction.reasons());
    assert!(extraction.bytes < 101 << 20);
}

#[test]
fn zips_in_zips_end_at_the_limits() {
    let mut packed = zip(&[Entry::new("0", 8, &vec![0; 4 << 20])]);
    for _ in 0..5 {
        let entries: Vec<Entry> = (0..16).map(|index| Entry::new(&index.to_string(), 8, &packed)).collect();
        packed = zip(&entries);
    }
    // Enough time for a busy machine.
    let time = std::time::Duration::from_secs(3600);
    let limits = Limits { bytes: 64 << 20, ratio: u64::MAX, time, ..Limits::default() };
    let extraction = extract_within("a.zip", &packed, limits);
    assert!(extraction.reasons().contains("more than 64 MiB"), "{}", extraction.reasons());
    let extraction = extract_within("a.zip", &packed, Limits { entries: 1000, bytes: 1 << 40, ..limits });
    assert!(extraction.reasons().contains("more than 1000 entries"), "{}", extraction.reasons());
    let extraction = extract_within("a.zip", &packed, Limits { depth: 2, ..limits });
    // Sixteen in each of sixteen; none of these is opened.
    assert_eq!(extraction.skipped.len(), 16 * 16, "{}", extraction.reasons());
}

#[test]
fn zips_in_zips_end_at_the_maximum_depth() {
    let mut archive = zip(&[Entry::new("end", 8, b"x")]);
    for _ in 0..20 {
        archive = zip(&[Entry::new("inner", 8, &archive)]);
    }
    let extraction = extract("a.zip", &archive);
    assert!(extraction.reasons().contains("more than 10 deep, not opened"), "{}", extraction.reasons());
    // The archive, its entries up to the limit, and the last of them as a file.
    assert_eq!((extraction.skipped.len(), extraction.contents.len()), (1, 11));
    let limits = Limits { depth: 64, ..Limits::default() };
    let extraction = extract_within("a.zip", &archive, limits);
    assert!(extraction.contents.len() == 22 && extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn an_oversized_dictionary_is_not_allocated() {
    let mut entry = Entry::new("a", 14, b"x");
    entry.packed[5..9].copy_from_slice(&[0xff; 4]);
    let mut less = Entry::new("b", 14, b"x");
    less.packed[5..9].copy_from_slice(&(200u32 << 20).to_le_bytes());
    let extraction = extract("a.zip", &zip(&[entry, less]));
    assert!(extraction.reasons().contains("b: unpacking it requires 200 MiB"), "{}", extraction.reasons());
    assert_eq!(extraction.skipped.len(), 2, "{}", extraction.reasons());
}

#[test]
fn an_entry_that_many_records_list_is_handed_over_once() {
    let entry = Entry::new("a", 8, &vec![0; 1 << 20]);
    let data = entry.header_and_data();
    let directory = entry.directory_record(0).repeat(300_000);
    let end = end(300_000, directory.len() as u64, data.len() as u64, b"");
    let limits = Limits { entries: 1000, ..Limits::default() };
    let extraction = extract_within("a.zip", &[data, directory, end].concat(), limits);
    assert!(extraction.contents.len() == 2 && extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn skips_are_listed_individually_up_to_a_limit() {
    let mut entry = Entry::new("a", 0, b"data");
    entry.crc ^= 1;
    let extraction = extract("a.zip", &zip(&vec![entry; 3000]));
    assert_eq!((extraction.skipped.len(), extraction.contents.len()), (1001, 3001));
    assert!(extraction.reasons().ends_with(": 2000 more entries were skipped or are inconsistent\n"));
}

#[test]
fn entry_names_cannot_leave_the_container() {
    let names = ["../../etc/passwd", "/abs", "C:\\x", "a\0b"];
    let entries = names.map(|name| Entry::new(name, 8, name.as_bytes()));
    let extraction = extract("a.zip", &zip(&entries));
    assert_eq!(extraction.content("__/__/etc/passwd"), names[0].as_bytes());
    assert_eq!(extraction.content("abs"), names[1].as_bytes());
    assert_eq!(extraction.content("C_/x"), names[2].as_bytes());
    assert!(extraction.skipped.is_empty() && extraction.contents.len() == 5);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn damaged_zips_cause_no_panic(
        picks in prop::collection::vec((0usize..8, 0usize..5000, any::<bool>(), any::<bool>()), 1..6),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        new_byte in any::<u8>(),
        is_cut in any::<bool>(),
    ) {
        let methods = [0, 8, 9, 12, 14, 93, 95, 1];
        let entries: Vec<Entry> = picks.iter().enumerate().map(|(index, &(method, length, has_descriptor, random))| {
            let data = if random { noise(index as u64, length) } else { vec![b'a'; length] };
            let mut entry = Entry::new(&format!("e{index}"), methods[method], &data);
            if has_descriptor {
                entry.flags |= 8;
            }
            entry
        }).collect();
        let mut archive = zip(&entries);
        if is_cut {
            archive.truncate(cut.index(archive.len()) + 1);
        }
        let offset = changed.index(archive.len());
        archive[offset] = new_byte;
        let extraction = extract("a.zip", &archive);
        prop_assert!(extraction.contents.last().unwrap().1 == archive);
        prop_assert!(extraction.bytes < 30 << 20, "{}", extraction.bytes);
        for (name, ranges) in &extraction.delegated {
            // Damaged data may contain another archive.
            let is_outer = name.is_empty();
            prop_assert!(!is_outer || ranges.iter().all(|range| range.end <= archive.len() as u64));
        }
    }
}

#[test]
fn zips_after_other_containers_and_with_a_long_comment_are_opened() {
    let mut commented = zip(&[Entry::new("a", 8, b"data")]);
    // The length of the comment.
    let end = commented.len() - 2;
    commented[end..].copy_from_slice(&600u16.to_le_bytes());
    commented.extend([b'c'; 600]);
    for front in [&b"#!/bin/sh\necho\n"[..], &super::kit::gzip(b"hello"), &super::kit::bzip2(b"hello")] {
        let bytes = [front, &commented].concat();
        let mut extraction = Extraction::default();
        open(Input::File(&mut std::io::Cursor::new(&bytes)), b"x", Limits::default(), &mut extraction)
            .unwrap();
        assert_eq!(extraction.content("a"), b"data");
    }
}

#[test]
fn a_flood_of_headers_that_each_search_to_the_end_ends_at_the_time_limit() {
    // Stored data of unknown size: it ends at a descriptor, which does not exist.
    let mut header = b"PK\x03\x04".to_vec();
    header.extend([20, 0, 8, 0].iter().chain(&[0; 18]).chain(&[1, 0, 0, 0, b'a']));
    let bytes = header.repeat((4 << 20) / header.len());
    // On any machine, less than that flood takes.
    let limits = Limits { time: std::time::Duration::from_millis(1), ..Limits::default() };
    let extraction = extract_within("x.zip", &bytes, limits);
    assert!(extraction.reasons().contains("longer than 0.001 s to unpack"), "{}", extraction.reasons());
}

#[test]
fn data_between_entries_is_opened_or_reported() {
    let (data, directory) = data_and_directory(&[Entry::new("a", 8, b"data of the first")]);
    let hidden = gzip(&noise(1, 1000));
    let end = end(1, directory.len() as u64, (data.len() + hidden.len()) as u64, b"");
    let extraction = extract("a.zip", &[data, hidden, directory, end].concat());
    assert!(
        extraction.contents.iter().any(|(_, content)| *content == noise(1, 1000)),
        "{}",
        extraction.reasons()
    );
    // There is room for other data after a deflate stream.
    let mut entry = Entry::new("a", 8, b"data");
    entry.packed.extend(b"another stream");
    entry.declared_packed_size += 14;
    let extraction = extract("a.zip", &zip(&[entry]));
    assert!(extraction.reasons().contains("it ends 14 bytes before"), "{}", extraction.reasons());
}
