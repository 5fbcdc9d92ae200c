//! 7z archives written by another program and by hand.

use std::io::Cursor;

use proptest::prelude::*;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, SourceReader};

use super::kit::{extract, extract_within, noise};
use super::zip_entries::{Entry, zip};
use crate::container::Limits;

/// An archive of the entries, in a single block or one block each.
pub(super) fn seven_zip(methods: &[EncoderMethod], entries: &[(&str, &[u8])], is_solid: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(methods.iter().map(|method| EncoderConfiguration::new(*method)).collect());
    if is_solid {
        let files = entries.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
        let readers = entries.iter().map(|(_, data)| SourceReader::new(*data)).collect();
        writer.push_archive_entries(files, readers).unwrap();
    } else {
        for (name, data) in entries {
            writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*data)).unwrap();
        }
    }
    writer.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("directory"), None).unwrap();
    writer.finish().unwrap().into_inner()
}

/// An archive with `header` after `data`.
fn raw(data: &[u8], header: &[u8]) -> Vec<u8> {
    let (offset, size) = ((data.len() as u64).to_le_bytes(), (header.len() as u64).to_le_bytes());
    [b"7z\xbc\xaf\x27\x1c\0\x04\x01\x02\x03\x04", &offset[..], &size, b"\0\0\0\0", data, header].concat()
}

/// The header of one entry, `e`, in one block with these coders.
fn header(position: u8, packed: u8, coders: &[u8], size: u8) -> Vec<u8> {
    let blocks = [&[7, 11, 1, 0][..], coders, &[12, size, 0]].concat();
    let names = b"\x11\x05\0e\0\0\0";
    [&[1, 4, 6, position, 1, 9, packed, 0][..], &blocks, &[8, 0, 0, 5, 1], names, &[0, 0]].concat()
}

const COPY: &[u8] = &[1, 1, 0];

fn sample() -> Vec<u8> {
    [&noise(3, 3000)[..], &b"a line that comes again\n".repeat(9000), &noise(4, 100)].concat()
}

#[test]
fn every_method_is_unpacked() {
    let data = sample();
    let entries = [("a", &data[..]), ("d/b", b"short"), ("c", &data[5..])];
    use EncoderMethod as M;
    let methods: [&[M]; 8] = [
        &[M::COPY],
        &[M::LZMA],
        &[M::LZMA2],
        &[M::PPMD],
        &[M::BZIP2],
        &[M::DEFLATE],
        &[M::BCJ_X86_FILTER, M::LZMA2],
        &[M::DELTA_FILTER, M::LZMA],
    ];
    for methods in methods {
        for is_solid in [false, true] {
            let extraction = extract("a.7z", &seven_zip(methods, &entries, is_solid));
            for (name, data) in entries {
                assert!(extraction.content(name) == data, "{name} {methods:?}");
            }
            assert!(extraction.skipped.is_empty(), "{methods:?} {}", extraction.reasons());
            let entries = extraction.contents.iter().filter(|(name, _)| name != "(header)");
            assert_eq!(entries.count(), 4);
            let ranges: usize = extraction.delegated.iter().map(|(_, ranges)| ranges.len()).sum();
            assert_eq!(ranges, if methods == [M::COPY] { 3 } else { 0 });
        }
    }
    assert!(extract("a.7z", &seven_zip(&[M::LZMA2], &[], false)).skipped.is_empty());
}

#[test]
fn containers_in_a_7z_are_opened() {
    let inner = zip(&[Entry::new("b", 8, b"deep")]);
    let extraction = extract("a.7z", &seven_zip(&[EncoderMethod::LZMA2], &[("lib.jar", &inner)], true));
    assert_eq!(extraction.content("lib.jar > b"), b"deep");
}

#[test]
fn encrypted_and_unsupported_entries_are_skipped_by_name() {
    let extraction = extract("a.7z", &raw(b"data", &header(0, 4, &[1, 4, 6, 0xf1, 7, 1], 4)));
    assert_eq!(extraction.reasons(), "e: encrypted\n");
    let extraction = extract("a.7z", &raw(b"data", &header(0, 4, &[1, 4, 4, 0xf7, 0x11, 2], 4)));
    assert!(
        extraction.reasons().contains("e: unsupported compression method 04f71102"),
        "{}",
        extraction.reasons()
    );
    let extraction = extract("a.7z", &raw(b"data", &header(0, 4, COPY, 4)));
    assert_eq!((extraction.content("e"), extraction.reasons().as_str()), (&b"data"[..], ""));
    // A header that is packed like an entry.
    let streams = [&[23, 6, 0, 1, 9, 4, 0, 7, 11, 1, 0][..], &[1, 4, 6, 0xf1, 7, 1, 12, 4, 0, 0]].concat();
    let extraction = extract("a.7z", &raw(b"\xffata", &streams));
    assert_eq!(extraction.reasons(), ": the header of the 7z cannot be read: encrypted\n");
}

#[test]
fn without_its_header_the_first_block_is_read() {
    let data = sample();
    let archive = seven_zip(&[EncoderMethod::LZMA2], &[("a", &data), ("b", &noise(9, 50_000))], true);
    for tenth in 1..10 {
        let cut = extract("a.7z", &archive[..archive.len() * tenth / 10]);
        let content = cut.content("first block");
        assert!(cut.reasons().contains("is missing"), "{}", cut.reasons());
        let all = [&data[..], &noise(9, 50_000)].concat();
        let content = &content[..content.iter().zip(&all).take_while(|(a, b)| a == b).count()];
        assert!(
            content.len() > 3000 * tenth.min(2) + 20_000 * (tenth - 1).min(5),
            "{tenth} {}",
            content.len()
        );
    }
}

#[test]
fn data_after_the_last_entry_is_handed_over() {
    let extraction = extract("a.7z", &raw(b"data and more", &header(0, 13, COPY, 4)));
    assert_eq!(extraction.content("e"), b"data");
    assert_eq!(extraction.content("(after the last entry)"), b" and more");
    // No range is outside the archive.
    let extraction = extract("a.7z", &raw(b"", &header(0, 0, COPY, 0)));
    assert!(
        extraction.delegated.is_empty() && extraction.content("e").is_empty(),
        "{}",
        extraction.reasons()
    );
}

#[test]
fn declared_sizes_that_are_too_large_are_reported() {
    let extraction = extract("a.7z", &raw(b"data", &header(0, 4, COPY, 100)));
    assert_eq!(extraction.content("e"), b"data");
    assert!(extraction.reasons().contains("truncated"), "{}", extraction.reasons());
    let huge = [0xff; 8];
    let position =
        [&[1, 4, 6, 0xff][..], &huge, &[1, 9, 0xff], &huge, &[0, 7, 11, 1, 0], COPY, &[12, 0xff], &huge]
            .concat();
    let header = [&position[..], &[0, 8, 0, 0, 5, 1, 0x11, 5, 0, b'e', 0, 0, 0, 0, 0]].concat();
    let extraction = extract("a.7z", &raw(b"data", &header));
    assert!(extraction.reasons().contains("truncated"), "{}", extraction.reasons());
    // Counts of items that do not exist.
    for count in [[0xff; 9], [0xe0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0]] {
        for before in [&[1, 4, 6, 0][..], &[1, 4, 7, 11], &[1, 5]] {
            let extraction = extract("a.7z", &raw(b"data", &[before, &count].concat()));
            assert!(extraction.reasons().contains("damaged"), "{}", extraction.reasons());
        }
    }
}

#[test]
fn circular_coders_are_rejected() {
    let coders = [3, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1];
    let mut header = header(0, 4, &coders, 4);
    let coder_sizes = header.iter().position(|&byte| byte == 12).unwrap();
    header.splice(coder_sizes..=coder_sizes, [12, 4, 4]);
    let extraction = extract("a.7z", &raw(b"data", &header));
    assert_eq!(extraction.contents.len(), 1, "{}", extraction.reasons());
    assert!(extraction.reasons().starts_with("e: the 7z is damaged"), "{}", extraction.reasons());
}

#[test]
fn memory_declared_by_a_header_is_not_allocated() {
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let lzma2 = [1, 0x21, 0x21, 1, 40];
    let ppmd = [1, 0x23, 3, 4, 1, 5, 6, 0, 0, 0, 0xf0];
    for coders in [&lzma2[..], &ppmd] {
        let extraction = extract_within("a.7z", &raw(b"data", &header(0, 4, coders, 4)), limits);
        assert!(extraction.reasons().contains("e: unpacking it requires"), "{}", extraction.reasons());
    }
    // A header of zeros that compresses well.
    let zeros = super::kit::xz(&vec![0; 1 << 20]);
    let entry = raw(&zeros, &[23]);
    assert!(!extract_within("a.7z", &entry, limits).skipped.is_empty());
    // A block of a million entries that cannot be unpacked.
    let count = [0xe0, 0xff, 0xff, 7];
    let block = [&[1, 4, 6, 0, 1, 9, 4, 0, 7, 11, 1, 0][..], &[1, 1, 0x30, 12, 4, 0, 8, 13], &count, &[0, 0]]
        .concat();
    let names = [&[5][..], &count, &[0; 600_000]].concat();
    let extraction = extract_within("a.7z", &raw(b"data", &[block, names].concat()), limits);
    assert!(extraction.skipped.len() <= 21, "{}", extraction.skipped.len());
}

#[test]
fn an_archive_whose_creation_was_interrupted_is_not_taken_for_empty() {
    let data = sample();
    let mut archive = seven_zip(&[EncoderMethod::LZMA2], &[("a", &data)], true);
    archive[8..32].fill(0);
    for checksum in [0, 7] {
        archive[8] = checksum;
        let extraction = extract("a.7z", &archive);
        assert_eq!(extraction.content("first block"), data);
        assert!(extraction.reasons().contains("its header, which is at the end, is missing"));
    }
    archive.truncate(32);
    assert!(extract("a.7z", &archive).skipped.is_empty());
}

#[test]
fn consecutive_archives_are_all_opened() {
    let [one, two, three] =
        ["one", "two", "three"].map(|name| seven_zip(&[EncoderMethod::LZMA2], &[(name, &sample())], true));
    let extraction = extract("a.7z", &[&one[..], &two, b"between", &three].concat());
    assert_eq!(extraction.content("one"), sample());
    for name in ["two", "three"] {
        assert!(extraction.contents.iter().any(|(path, _)| path.ends_with(&format!(" > {name}"))), "{name}");
    }
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn names_in_a_packed_header_are_handed_over() {
    let names: Vec<String> = (0..50).map(|at| format!("directory/entry number {at}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &b"data"[..])).collect();
    let extraction = extract("a.7z", &seven_zip(&[EncoderMethod::LZMA2], &entries, true));
    let wide: Vec<u8> = names[49].encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(memchr::memmem::find(extraction.content("(header)"), &wide).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_cause_no_panic(
        method in 0usize..7,
        is_solid in any::<bool>(),
        is_in_header in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        use EncoderMethod as M;
        let method = [M::COPY, M::LZMA, M::LZMA2, M::PPMD, M::BZIP2, M::DEFLATE, M::BCJ_X86_FILTER][method];
        let noise = noise(7, 2000);
        let mut archive = seven_zip(&[method], &[("a", &noise), ("b", b"aaaaaaaaaaa"), ("c", &noise)], is_solid);
        let offset = if is_in_header { archive.len() - 1 - change.index(60) } else { change.index(archive.len()) };
        archive[offset] = to;
        let extraction = extract("a.7z", &archive);
        prop_assert!(extraction.bytes < 1 << 20, "{}", extraction.bytes);
        archive.truncate(cut.index(archive.len()) + 1);
        prop_assert!(extract("a.7z", &archive).bytes < 1 << 20);
    }
}
