//! Tests of tar and ar archives.

use super::kit::{bzip2, extract, gzip, noise, tar, tar_entry, with_checksum, xz, zstd};

#[test]
fn entries_are_handed_over_and_their_ranges_delegated() {
    let big = noise(3, (2 << 20) + 17);
    let packed = tar(&[("a", b"one"), ("directory/b", &big), ("empty", b""), ("c", &[7; 512])]);
    let extraction = extract("x.tar", &packed);
    for (name, data) in [("a", &b"one"[..]), ("directory/b", &big), ("empty", b""), ("c", &[7; 512])] {
        assert_eq!(extraction.content(name), data, "{name}");
    }
    assert_eq!(extraction.content(""), packed);
    for (range, data) in extraction.delegated[0].1.iter().zip([&b"one"[..], &big, b"", &[7; 512]]) {
        assert_eq!(&packed[range.start as usize..range.end as usize], data);
    }
    assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
}

#[test]
fn long_names_are_read_in_every_variant() {
    let long = format!("{}/.env", "deep".repeat(40));
    let gnu =
        [tar_entry(b"././@LongLink", b'L', format!("{long}\0").as_bytes()), tar(&[("cut", b"1")])].concat();
    assert_eq!(extract("t", &gnu).content(&long), b"1");
    let record = format!(" path={long}\n");
    let length = record.len() + 3;
    let attributes = format!("10 mtime=1\n{length}{record}");
    let pax = [tar_entry(b"PaxHeaders/x", b'x', attributes.as_bytes()), tar(&[("cut", b"2")])].concat();
    assert_eq!(extract("t", &pax).content(&long), b"2");
    let mut header: [u8; 512] = *tar_entry(b"name", b'0', b"").first_chunk().unwrap();
    header[345..351].copy_from_slice(b"prefix");
    assert_eq!(extract("t", &with_checksum(header)).content("prefix/name"), b"");
}

#[test]
fn sizes_are_read_in_binary_and_from_attributes() {
    let mut header: [u8; 512] = *tar_entry(b"binary", b'0', b"").first_chunk().unwrap();
    header[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    let packed = [&with_checksum(header)[..], b"five!", &[0; 507]].concat();
    assert_eq!(extract("t", &packed).content("binary"), b"five!");
    let pax = [
        tar_entry(b"p", b'x', b"9 size=5\n"),
        tar_entry(b"attribute", b'0', b""),
        [&b"five!"[..], &[0; 507]].concat(),
    ];
    assert_eq!(extract("t", &pax.concat()).content("attribute"), b"five!");
}

#[test]
fn links_and_directories_have_no_data_whatever_their_size_says() {
    let mut packed = tar_entry(b"directory/", b'5', b"");
    for kind in b"12346" {
        let mut header: [u8; 512] = *tar_entry(b"link", *kind, b"").first_chunk().unwrap();
        // Some programs write the size of the link's target.
        header[124..136].copy_from_slice(b"00000010000\0");
        packed.extend(with_checksum(header));
    }
    packed.extend(tar(&[("file", b"data")]));
    let extraction = extract("t", &packed);
    assert_eq!(extraction.content("file"), b"data");
    assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
}

#[test]
fn a_tar_after_another_is_opened() {
    let packed = [tar(&[("a", b"1")]), vec![0; 8192], tar(&[("b", b"2")])].concat();
    let extraction = extract("t", &packed);
    assert_eq!((extraction.content("a"), extraction.content("b")), (&b"1"[..], &b"2"[..]));
    assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
}

#[test]
fn a_damaged_header_is_reported_and_the_next_one_is_found() {
    let mut packed = tar(&[("a", &[1; 600]), ("b", &[2; 600]), ("c", b"3")]);
    packed[512 + 1024 + 3] ^= 0xff;
    let extraction = extract("t", &packed);
    assert_eq!(extraction.content("c"), b"3");
    assert!(extraction.reasons().contains("expected a tar header at byte 1536"), "{}", extraction.reasons());
}

#[test]
fn attributes_of_an_entry_with_a_damaged_header_apply_to_no_other_entry() {
    let mut damaged = tar_entry(b"b", b'0', &[2; 600]);
    damaged[0] ^= 0xff;
    let packed = [
        tar(&[("a", b"1")])[..1024].to_vec(),
        tar_entry(b"p", b'x', b"9 size=5\n10 path=x\n"),
        damaged,
        tar(&[("c", &[3; 600]), ("d", b"4")]),
    ];
    let extraction = extract("t", &packed.concat());
    assert_eq!((extraction.content("c"), extraction.content("d")), (&[3; 600][..], &b"4"[..]));
}

#[test]
fn attributes_that_cannot_be_read_are_a_skip() {
    let with_attributes = |attributes: &[u8]| {
        let data = [&b"five!"[..], &[0; 507]].concat();
        [tar_entry(b"p", b'x', attributes), tar_entry(b"e", b'0', b""), data, vec![0; 1024]].concat()
    };
    let comment = |len: usize| [format!("{len} comment=").as_bytes(), &vec![b'-'; len - 16], b"\n"].concat();
    for attributes in [[comment(100_000), b"9 size=5\n".to_vec()].concat(), b"9 size=5\n\0\0".to_vec()] {
        let extraction = extract("t", &with_attributes(&attributes));
        assert_eq!(extraction.content("e"), b"five!");
        assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
    }
    let too_long = [comment(1_200_000)[..].to_vec(), b"9 size=5\n".to_vec()].concat();
    for attributes in [&b"99 size=5\n"[..], b"size=5\n", &too_long] {
        let extraction = extract("t", &with_attributes(attributes));
        assert!(extraction.reasons().contains("the extended header at byte 512"), "{}", extraction.reasons());
    }
}

#[test]
fn truncation_is_reported() {
    let packed = tar(&[("a", b"1"), ("b", &noise(1, 5000))]);
    for cut in [1024 + 100, 1024 + 512, 1024 + 513, 1024 + 512 + 4999] {
        let extraction = extract("t", &packed[..cut]);
        assert_eq!(extraction.content("a"), b"1");
        assert!(extraction.reasons().contains("truncated"), "{cut}: {}", extraction.reasons());
    }
    // All entries are complete, but nothing shows that there were no more.
    for cut in [1024, 1024 + 512 + 5000, packed.len() - 1024] {
        let extraction = extract("t", &packed[..cut]);
        assert!(extraction.reasons().contains("may be truncated"), "{cut}: {}", extraction.reasons());
        assert_eq!(extraction.skipped.len(), 1);
    }
    assert!(extract("t", &packed[..packed.len() - 512]).skipped.is_empty());
}

#[test]
fn a_tar_with_a_modified_first_header_is_recognized() {
    let mut packed = tar(&[("a", b"1"), ("b.gz", &gzip(b"packed"))]);
    packed[0] = b'A';
    let extraction = extract("t", &packed);
    assert_eq!(extraction.content("b.gz > b"), b"packed");
    assert!(extraction.reasons().contains("expected a tar header at byte 0"), "{}", extraction.reasons());
}

#[test]
fn a_container_image_is_a_tar_of_tars() {
    for pack in [gzip, bzip2, xz, zstd, |data: &[u8]| data.to_vec()] {
        let layer = pack(&tar(&[("etc/app.conf", b"secret")]));
        let image = pack(&tar(&[("manifest.json", b"[]"), ("blobs/sha256/1f", &layer)]));
        assert_eq!(extract("image.tar", &image).content("blobs/sha256/1f > etc/app.conf"), b"secret");
    }
}

#[test]
fn a_large_compressed_tar_is_read_as_a_stream() {
    let files: Vec<(String, Vec<u8>)> =
        (0..50).map(|n| (format!("d/{n}"), noise(n, (n * n * 97 % 150_000) as usize))).collect();
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(name, data)| (&name[..], &data[..])).collect();
    let packed = tar(&entries);
    assert!(packed.len() > 2 << 20);
    for pack in [gzip, bzip2, xz, zstd] {
        let extraction = extract("x", &pack(&packed));
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        for (name, data) in &files {
            assert!(extraction.content(name) == data, "{name}");
        }
    }
}

fn ar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = b"!<arch>\n".to_vec();
    for (name, data) in entries {
        packed
            .extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len()).as_bytes());
        packed.extend_from_slice(data);
        packed.extend(&b"\n"[..data.len() % 2]);
    }
    packed
}

#[test]
fn entries_of_debian_packages_and_static_libraries_are_handed_over() {
    let control = gzip(&tar(&[("./control", b"Package: x")]));
    let package = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz/", &control)]);
    assert_eq!(extract("x.deb", &package).content("control.tar.gz > control"), b"Package: x");
    let names: &[u8] = b"a_very_long_name_of_an_object.o/\nb.o/\n";
    let library =
        ar(&[("/", b"symbols"), ("//", names), ("/0", b"odd"), ("/33", b"even"), ("#1/5", b"c.o\0\0data")]);
    let extraction = extract("x.a", &library);
    assert_eq!(extraction.content("a_very_long_name_of_an_object.o"), b"odd");
    assert_eq!(extraction.content("b.o"), b"even");
    assert!(extraction.contents.iter().any(|(_, data)| data == b"data"));
    assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
    for (name, ranges) in &extraction.delegated {
        let parts: Vec<_> = ranges.iter().map(|r| &library[r.start as usize..r.end as usize]).collect();
        assert_eq!(parts, [&b"odd"[..], b"even", b"data"], "{name}");
    }
    let cut = extract("x.a", &library[..library.len() - 2]);
    assert!(cut.reasons().contains("truncated"), "{}", cut.reasons());
}

#[test]
fn long_names_in_ar_archives_may_contain_slashes() {
    let gnu: &[u8] = b"directory/a_rather_long_name.txt/\nb.o/\n";
    let microsoft: &[u8] = b"directory/a_rather_long_name.txt\0b.o\0";
    for (names, second) in [(gnu, "/34"), (microsoft, "/33")] {
        let extraction = extract("x.a", &ar(&[("//", names), ("/0", b"one"), (second, b"two")]));
        assert_eq!(extraction.content("directory/a_rather_long_name.txt"), b"one");
        assert_eq!(extraction.content("b.o"), b"two");
    }
    let bsd = ar(&[("#1/36", b"directory/a_rather_long_name.txt\0\0\0\0data")]);
    assert_eq!(extract("x.a", &bsd).content("directory/a_rather_long_name.txt"), b"data");
}
