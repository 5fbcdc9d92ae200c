//! Tests of compressed files.

use super::kit::{Extraction, bzip2, extract, gzip, noise, tar, xz, zstd};

type Packer = fn(&[u8]) -> Vec<u8>;
const PACKERS: &[(&str, Packer)] = &[("gz", gzip), ("bz2", bzip2), ("xz", xz), ("zst", zstd)];

#[test]
fn compressed_data_and_raw_bytes_are_handed_over() {
    for (suffix, pack) in PACKERS {
        for size in [0, 1, 1000, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let data = noise(7, size);
            let packed = pack(&data);
            let extraction = extract(&format!("log.{suffix}"), &packed);
            assert_eq!(extraction.content("log"), data, "{suffix} {size}");
            assert_eq!(extraction.content(""), packed, "{suffix} {size}");
            assert!(extraction.skipped.is_empty(), "{suffix} {size}: {:?}", extraction.skipped);
        }
    }
}

#[test]
fn consecutive_streams_are_one_content() {
    for (suffix, pack) in PACKERS {
        let packed = [pack(b"begins here "), pack(b""), pack(b"and ends there")].concat();
        let extraction = extract(&format!("log.{suffix}"), &packed);
        assert_eq!(extraction.content("log"), b"begins here and ends there", "{suffix}");
        assert!(extraction.skipped.is_empty(), "{suffix}: {:?}", extraction.skipped);
    }
}

#[test]
fn the_data_before_a_truncation_is_handed_over_and_the_truncation_is_reported() {
    for (suffix, pack) in PACKERS {
        let data: Vec<u8> = (0..40_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let packed = pack(&data);
        for tenth in 1..10 {
            let extraction = extract("log", &packed[..packed.len() * tenth / 10]);
            let reasons = extraction.reasons();
            assert_eq!(extraction.skipped.len(), 1, "{suffix} {tenth}: {reasons}");
            // Without a suffix to remove, the entry is called `content`.
            let content = extraction.contents.iter().find(|(name, _)| name == "content");
            let content = content.map_or(&b""[..], |(_, content)| content);
            // The last chunk of truncated xz is decoded with zeros instead of the missing bytes, so its end is garbage.
            let same = data.iter().zip(content).take_while(|(one, other)| one == other).count();
            assert!(same == content.len() || *suffix == "xz", "{suffix} {tenth}");
            // A block of bzip2 is 900,000 bytes, i.e. everything here; one of Zstandard is 131,072, and the first is complete in six
            // tenths of the packed bytes.
            assert!(*suffix == "bz2" || tenth < 6 || !content.is_empty(), "{suffix} {tenth}: {reasons}");
        }
    }
}

#[test]
fn trailing_data_is_searched() {
    for (suffix, pack) in PACKERS {
        let packed = [&pack(b"inside")[..], b"\nand something behind it\n"].concat();
        let extraction = extract("a", &packed);
        assert_eq!(extraction.content("content"), b"inside", "{suffix}");
        assert_eq!(extraction.content(""), packed, "{suffix}");
        assert!(extraction.skipped.is_empty(), "{suffix}: {:?}", extraction.skipped);
    }
}

#[test]
fn names_come_from_the_header_or_the_file() {
    let named =
        flate2::GzBuilder::new().filename("../etc/.env").write(Vec::new(), flate2::Compression::fast());
    // `..` is replaced, so that the path does not lead out of the archive.
    assert_eq!(extract("a.gz", &named.finish().unwrap()).content("__/etc/.env"), b"");
    let names = |extraction: &Extraction| {
        extraction.contents.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let packed = gzip(&tar(&[("config/.env", b"X=1")]));
    assert_eq!(names(&extract("app.tgz", &packed)), ["config/.env", "app.tar", ""]);
    let twice = xz(&zstd(b"deep"));
    assert_eq!(names(&extract("a.zst.xz", &twice)), ["a.zst > a", "a.zst", ""]);
}

#[test]
fn zeros_between_and_after_streams_are_ignored() {
    for (suffix, pack) in PACKERS {
        let padded = [pack(b"one "), vec![0; 1000], pack(b"two"), vec![0; 77]].concat();
        let extraction = extract(&format!("a.{suffix}"), &padded);
        assert_eq!(extraction.content("a"), b"one two", "{suffix}");
        assert!(extraction.skipped.is_empty(), "{suffix}: {}", extraction.reasons());
    }
}

#[test]
fn other_trailing_archives_are_opened_separately() {
    let separators = [&b""[..], b"\n", &b"not a member".repeat(20_000)];
    for (suffix, pack) in PACKERS {
        for (kind, other) in
            [("gzip", gzip(&noise(1, 1000))), ("xz", xz(b"two")), ("zstd", zstd(&noise(2, 40)))]
        {
            for between in separators {
                let first = pack(b"one");
                let last = bzip2(b"three");
                let packed = [&first[..], between, &other, b"\n", between, &last, b"and the end"].concat();
                let extraction = extract(&format!("a.{suffix}"), &packed);
                assert!(extraction.skipped.is_empty(), "{suffix} {kind}: {}", extraction.reasons());
                let offset = first.len() + between.len();
                // A stream of the same format directly after it continues the content.
                if between.is_empty() && first[..3] == other[..3] {
                    assert!(extraction.content("a").len() > 3, "{suffix} {kind}");
                } else {
                    assert_eq!(extraction.content("a"), b"one", "{suffix} {kind}");
                    assert!(!extraction.content(&format!("{kind} at byte {offset} > content")).is_empty());
                }
                let offset = offset + other.len() + 1 + between.len();
                assert_eq!(extraction.content(&format!("bzip2 at byte {offset} > content")), b"three");
            }
        }
    }
}

#[test]
fn bare_lzma_is_opened() {
    use std::io::Write;
    let options = lzma_rust2::LzmaOptions::with_preset(6);
    let mut writer = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
    writer.write_all(&tar(&[("config/.env", b"X=1")])).unwrap();
    let extraction = extract("app.tar.lzma", &writer.finish().unwrap());
    assert_eq!(extraction.content("config/.env"), b"X=1");
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}

/// LZMA data whose header declares that dictionary size and the content's size, or `None` for unknown.
fn lzma(data: &[u8], [lc, lp, pb]: [u32; 3], dictionary: u32, size: Option<u64>) -> Vec<u8> {
    use std::io::Write;
    let mut options = lzma_rust2::LzmaOptions::with_preset(6);
    (options.lc, options.lp, options.pb) = (lc, lp, pb);
    let writer = lzma_rust2::LzmaWriter::new(Vec::new(), &options, true, size.is_none(), size);
    let mut writer = writer.unwrap();
    writer.write_all(data).unwrap();
    let mut packed = writer.finish().unwrap();
    packed[1..5].copy_from_slice(&dictionary.to_le_bytes());
    packed
}

#[test]
fn lzma_with_any_properties_is_opened_also_several_in_a_row() {
    let data = [noise(1, 5000), b"and a line\n".repeat(3000)].concat();
    let size = Some(data.len() as u64);
    for properties in [[3, 0, 2], [0, 2, 0], [4, 0, 0], [0, 0, 4]] {
        for dictionary in [1 << 16, 3 << 22, u32::MAX] {
            for size in [size, None] {
                let stream = lzma(&data, properties, dictionary, size);
                for packed in
                    [stream.clone(), [&stream[..], &stream].concat(), [&stream[..], &[0; 99]].concat()]
                {
                    let extraction = extract("a.lzma", &packed);
                    assert!(
                        extraction.content("a").starts_with(&data),
                        "{properties:?} {dictionary} {size:?}"
                    );
                    let is_all = extraction.content("a").len() == data.len() * (packed.len() / stream.len());
                    assert!(is_all, "{properties:?} {dictionary} {size:?} {}", extraction.reasons());
                }
            }
        }
    }
}

#[test]
fn the_skip_of_too_large_a_dictionary_names_the_limit() {
    let limits = crate::container::Limits { memory: 1 << 20, ..Default::default() };
    let data = noise(1, 4 << 20);
    let packed_zstd = {
        let mut writer = ::zstd::Encoder::new(Vec::new(), 19).unwrap();
        writer.window_log(23).unwrap();
        std::io::Write::write_all(&mut writer, &data).unwrap();
        writer.finish().unwrap()
    };
    for packed in [xz(&data), lzma(&data, [3, 0, 2], 1 << 23, None), packed_zstd] {
        let extraction = super::kit::extract_within("a", &packed, limits);
        assert!(extraction.reasons().contains("`--max-memory`"), "{}", extraction.reasons());
    }
}

#[test]
fn empty_bzip2_streams_between_others_are_passed_over() {
    let empty = b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
    let packed = [&bzip2(b"one, ")[..], &empty.repeat(50_000), &bzip2(b"two"), &empty[..]].concat();
    let extraction = extract("a.bz2", &packed);
    assert_eq!(extraction.contents[0].1, b"one, two");
    assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
    // A damaged one is not taken for one.
    let damaged = [&bzip2(b"one")[..], &empty[..13], b"\x01"].concat();
    assert!(!extract("a.bz2", &damaged).skipped.is_empty());
}
