//! Tests of cpio archives, and of formats that are recognized but not supported.

use proptest::prelude::*;

use super::kit::{extract, gzip, noise};

fn entry(name: &str, data: &[u8], is_old: bool) -> Vec<u8> {
    let (length, size) = (name.len() + 1, data.len());
    if is_old {
        let header = format!("070707{}{length:06o}{size:011o}{name}\0", "0".repeat(53));
        return [header.as_bytes(), data].concat();
    }
    let zeros = "0".repeat(40);
    let header = format!("070701{zeros}00000000{size:08x}{}{length:08x}00000000{name}\0", "0".repeat(32));
    let mut entry = header.into_bytes();
    for part in [&b""[..], data] {
        entry.extend(part);
        entry.resize(entry.len().next_multiple_of(4), 0);
    }
    entry
}

fn cpio(entries: &[(&str, &[u8])], is_old: bool) -> Vec<u8> {
    let last = [("TRAILER!!!", &b""[..])];
    let mut archive: Vec<u8> =
        entries.iter().chain(&last).flat_map(|(name, data)| entry(name, data, is_old)).collect();
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive
}

#[test]
fn entries_are_handed_over_in_every_format() {
    let big = noise(1, (2 << 20) + 3);
    for is_old in [false, true] {
        let first = cpio(&[(".", b""), ("a", b"one"), ("d/b.gz", &gzip(b"packed")), ("c", &big)], is_old);
        let archive = [first, cpio(&[("in another behind it", &noise(2, 99))], is_old)].concat();
        let extraction = extract("initrd", &archive);
        assert_eq!(extraction.content("a"), b"one");
        assert_eq!(extraction.content("d/b.gz > b"), b"packed");
        assert_eq!(extraction.content("c"), big);
        assert_eq!(extraction.content("in another behind it"), noise(2, 99));
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        for (_, ranges) in extraction.delegated.iter().filter(|(name, _)| name.is_empty()) {
            assert_eq!(&archive[ranges[0].start as usize..ranges[0].end as usize], b"one");
        }
        for cut in [200, 300, archive.len() / 2] {
            let extraction = extract("initrd", &archive[..cut]);
            assert!(extraction.reasons().contains("cpio"), "{cut}: {}", extraction.reasons());
        }
    }
}

#[test]
fn binary_headers_of_either_byte_order_are_read() {
    let (big, packed) = (noise(1, 70_001), gzip(b"packed"));
    let to_bytes: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
    for to_bytes in to_bytes {
        let entry = |(name, data): (&str, &[u8])| {
            let (size, name_len) =
                (u32::try_from(data.len()).unwrap(), u16::try_from(name.len() + 1).unwrap());
            let halves = [(size >> 16) as u16, (size & 0xffff) as u16];
            let fields = [0o070_707, 0, 1, 0o100_644, 0, 0, 1, 0, 0, 0, name_len, halves[0], halves[1]];
            let mut entry: Vec<u8> = fields.into_iter().flat_map(to_bytes).collect();
            for part in [&[name.as_bytes(), b"\0"].concat()[..], data] {
                entry.extend(part);
                entry.resize(entry.len().next_multiple_of(2), 0);
            }
            entry
        };
        let entries = [("a", &b""[..]), ("b.gz", &packed), ("c", &big), ("TRAILER!!!", b"")];
        let mut archive: Vec<u8> = entries.into_iter().flat_map(entry).collect();
        archive.resize(archive.len().next_multiple_of(512), 0);
        let again = archive.clone();
        archive.extend(again);
        let extraction = extract("backup", &archive);
        assert_eq!(extraction.content("b.gz > b"), b"packed");
        assert_eq!(extraction.content("c"), big);
        assert_eq!(extraction.contents.iter().filter(|(name, _)| name == "c").count(), 2);
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        let cut = extract("backup", &archive[..60_000]);
        assert!(cut.reasons().contains("cpio"), "{}", cut.reasons());
    }
    // The first two bytes alone are not enough.
    let extraction = extract("data", &[&[0xc7, 0x71][..], &noise(3, 2000)].concat());
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn unsupported_formats_are_named() {
    for (start, name) in [
        (&b"xar!\0\x1c\0\x01"[..], "xar"),
        (b"MSWIM\0\0\0\xd0\0\0\0", "WIM"),
        (b"\x89LZO\0\x0d\x0a\x1a\x0a", "lzop"),
        (b"\x25\x30-lh5-\x10\0\0\0\x10\0\0\0\0\0\0\0\x20\x01", "LHA"),
        (b"\0\0\x31\0\0\0\0**ACE**", "ACE"),
        (b"\x60\xea\x29\0\x1e\x0b\x01\x0b\x10\0\x02", "ARJ"),
    ] {
        let extraction = extract("a", &[start, &noise(1, 600)].concat());
        assert!(
            extraction.reasons().contains(&format!("{name} archives cannot")),
            "{name} {}",
            extraction.reasons()
        );
    }
    for text in ["xar! is a format", "hsqs", "070701 is a number, and so is 070707", "ZOO 2.00", "a -lh5- b"]
    {
        assert!(extract("a", text.repeat(50).as_bytes()).skipped.is_empty(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_cause_no_panic(
        is_old in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let mut archive = cpio(&[("a", b"one"), ("b", &noise(1, 700))], is_old);
        let offset = change.index(archive.len());
        archive[offset] = to;
        archive.truncate(cut.index(archive.len()) + 1);
        prop_assert!(extract("a", &archive).bytes < 1 << 20);
    }
}
