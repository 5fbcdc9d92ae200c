//! Tar and ar.

use super::kit::{bzip2, gzip, noise, opened, sealed, tar, tar_entry, xz, zstd};

#[test]
fn entries_are_handed_over_and_their_ranges_delegated() {
    let big = noise(3, (2 << 20) + 17);
    let packed = tar(&[("a", b"one"), ("directory/b", &big), ("empty", b""), ("c", &[7; 512])]);
    let taken = opened("x.tar", &packed);
    for (name, data) in [("a", &b"one"[..]), ("directory/b", &big), ("empty", b""), ("c", &[7; 512])] {
        assert_eq!(taken.content(name), data, "{name}");
    }
    assert_eq!(taken.content(""), packed);
    for (range, data) in taken.delegated[0].1.iter().zip([&b"one"[..], &big, b"", &[7; 512]]) {
        assert_eq!(&packed[range.start as usize..range.end as usize], data);
    }
    assert!(taken.skipped.is_empty(), "{:?}", taken.skipped);
}

#[test]
fn long_names_of_every_flavour() {
    let long = format!("{}/.env", "deep".repeat(40));
    let gnu =
        [tar_entry(b"././@LongLink", b'L', format!("{long}\0").as_bytes()), tar(&[("cut", b"1")])].concat();
    assert_eq!(opened("t", &gnu).content(&long), b"1");
    let record = format!(" path={long}\n");
    let length = record.len() + 3;
    let attributes = format!("10 mtime=1\n{length}{record}");
    let pax = [tar_entry(b"PaxHeaders/x", b'x', attributes.as_bytes()), tar(&[("cut", b"2")])].concat();
    assert_eq!(opened("t", &pax).content(&long), b"2");
    let mut header: [u8; 512] = *tar_entry(b"name", b'0', b"").first_chunk().unwrap();
    header[345..351].copy_from_slice(b"prefix");
    assert_eq!(opened("t", &sealed(header)).content("prefix/name"), b"");
}

#[test]
fn sizes_in_binary_and_in_attributes() {
    let mut header: [u8; 512] = *tar_entry(b"binary", b'0', b"").first_chunk().unwrap();
    header[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    let packed = [&sealed(header)[..], b"five!", &[0; 507]].concat();
    assert_eq!(opened("t", &packed).content("binary"), b"five!");
    let pax = [
        tar_entry(b"p", b'x', b"9 size=5\n"),
        tar_entry(b"attribute", b'0', b""),
        [&b"five!"[..], &[0; 507]].concat(),
    ];
    assert_eq!(opened("t", &pax.concat()).content("attribute"), b"five!");
}

#[test]
fn links_and_dirs_hold_nothing() {
    let mut packed = tar_entry(b"directory/", b'5', b"");
    for kind in b"12346" {
        let mut header: [u8; 512] = *tar_entry(b"link", *kind, b"").first_chunk().unwrap();
        // Some programs write the size of the link's target.
        header[124..136].copy_from_slice(b"00000010000\0");
        packed.extend(sealed(header));
    }
    packed.extend(tar(&[("file", b"data")]));
    let taken = opened("t", &packed);
    assert_eq!(taken.content("file"), b"data");
    assert!(taken.skipped.is_empty(), "{:?}", taken.skipped);
}

#[test]
fn a_tar_after_another_is_opened() {
    let packed = [tar(&[("a", b"1")]), vec![0; 8192], tar(&[("b", b"2")])].concat();
    let taken = opened("t", &packed);
    assert_eq!((taken.content("a"), taken.content("b")), (&b"1"[..], &b"2"[..]));
    assert!(taken.skipped.is_empty(), "{:?}", taken.skipped);
}

#[test]
fn a_damaged_header_is_reported_and_the_next_one_is_found() {
    let mut packed = tar(&[("a", &[1; 600]), ("b", &[2; 600]), ("c", b"3")]);
    packed[512 + 1024 + 3] ^= 0xff;
    let taken = opened("t", &packed);
    assert_eq!(taken.content("c"), b"3");
    assert!(taken.reasons().contains("expected a tar header at byte 1536"), "{}", taken.reasons());
}

#[test]
fn truncation_is_reported() {
    let packed = tar(&[("a", b"1"), ("b", &noise(1, 5000))]);
    for cut in [1024 + 100, 1024 + 512, 1024 + 513, 1024 + 512 + 4999] {
        let taken = opened("t", &packed[..cut]);
        assert_eq!(taken.content("a"), b"1");
        assert!(taken.reasons().contains("truncated"), "{cut}: {}", taken.reasons());
    }
    // All entries are complete, but nothing shows that there were no more.
    for cut in [1024, 1024 + 512 + 5000, packed.len() - 1024] {
        let taken = opened("t", &packed[..cut]);
        assert!(taken.reasons().contains("may be truncated"), "{cut}: {}", taken.reasons());
        assert_eq!(taken.skipped.len(), 1);
    }
    assert!(opened("t", &packed[..packed.len() - 512]).skipped.is_empty());
}

#[test]
fn a_tar_with_a_modified_first_header_is_recognized() {
    let mut packed = tar(&[("a", b"1"), ("b.gz", &gzip(b"packed"))]);
    packed[0] = b'A';
    let taken = opened("t", &packed);
    assert_eq!(taken.content("b.gz > b"), b"packed");
    assert!(taken.reasons().contains("expected a tar header at byte 0"), "{}", taken.reasons());
}

#[test]
fn a_container_image_is_a_tar_of_tars() {
    for pack in [gzip, bzip2, xz, zstd, |data: &[u8]| data.to_vec()] {
        let layer = pack(&tar(&[("etc/app.conf", b"secret")]));
        let image = pack(&tar(&[("manifest.json", b"[]"), ("blobs/sha256/1f", &layer)]));
        assert_eq!(opened("image.tar", &image).content("blobs/sha256/1f > etc/app.conf"), b"secret");
    }
}

#[test]
fn a_large_tar_that_comes_piece_by_piece() {
    let files: Vec<(String, Vec<u8>)> =
        (0..50).map(|n| (format!("d/{n}"), noise(n, (n * n * 97 % 150_000) as usize))).collect();
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(name, data)| (&name[..], &data[..])).collect();
    let packed = tar(&entries);
    assert!(packed.len() > 2 << 20);
    for pack in [gzip, bzip2, xz, zstd] {
        let taken = opened("x", &pack(&packed));
        assert!(taken.skipped.is_empty(), "{}", taken.reasons());
        for (name, data) in &files {
            assert!(taken.content(name) == data, "{name}");
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
fn debian_packages_and_libraries() {
    let control = gzip(&tar(&[("./control", b"Package: x")]));
    let package = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz/", &control)]);
    assert_eq!(opened("x.deb", &package).content("control.tar.gz > control"), b"Package: x");
    let names: &[u8] = b"a_very_long_name_of_an_object.o/\nb.o/\n";
    let library =
        ar(&[("/", b"symbols"), ("//", names), ("/0", b"odd"), ("/33", b"even"), ("#1/5", b"c.o\0\0data")]);
    let taken = opened("x.a", &library);
    assert_eq!(taken.content("a_very_long_name_of_an_object.o"), b"odd");
    assert_eq!(taken.content("b.o"), b"even");
    assert!(taken.contents.iter().any(|(_, data)| data == b"data"));
    assert!(taken.skipped.is_empty(), "{:?}", taken.skipped);
    for (name, ranges) in &taken.delegated {
        let parts: Vec<_> = ranges.iter().map(|r| &library[r.start as usize..r.end as usize]).collect();
        assert_eq!(parts, [&b"odd"[..], b"even", b"data"], "{name}");
    }
    let cut = opened("x.a", &library[..library.len() - 2]);
    assert!(cut.reasons().contains("truncated"), "{}", cut.reasons());
}
