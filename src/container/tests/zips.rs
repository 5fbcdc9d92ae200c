//! Zips that are built by hand, so that they can be malformed.

use std::io::Write;

use super::kit::{bzip2, noise, opened, tar, xz, zstd};

/// An entry to be written, with fields that may be false.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) crc: u32,
    pub(super) size: u64,
    pub(super) packed: Vec<u8>,
    /// The compressed size that header and directory declare.
    pub(super) stated: u64,
    pub(super) extra: Vec<u8>,
}

impl Entry {
    /// `data` compressed with `method`.
    pub(super) fn new(name: &str, method: u16, data: &[u8]) -> Self {
        let packed = match method {
            8 => deflate(data),
            9 => deflate64(data),
            12 => bzip2(data),
            14 => lzma(data),
            93 => zstd(data),
            95 => xz(data),
            _ => data.to_vec(),
        };
        let flags = if method == 14 { 2 } else { 0 };
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let stated = packed.len() as u64;
        let size = data.len() as u64;
        Self { name: name.into(), method, flags, crc: crc.sum(), size, packed, stated, extra: Vec::new() }
    }

    fn fields(&self, is_open: bool) -> Vec<u8> {
        let (crc, stated, size) = if is_open { (0, 0, 0) } else { (self.crc, self.stated, self.size) };
        [
            &self.flags.to_le_bytes()[..],
            &self.method.to_le_bytes(),
            &[0; 4],
            &crc.to_le_bytes(),
            &(stated as u32).to_le_bytes(),
            &(size as u32).to_le_bytes(),
            &(self.name.len() as u16).to_le_bytes(),
            &(self.extra.len() as u16).to_le_bytes(),
        ]
        .concat()
    }

    pub(super) fn local(&self) -> Vec<u8> {
        let fields = self.fields(self.flags & 8 != 0);
        [b"PK\x03\x04\x14\0", &fields[..], &self.name, &self.extra, &self.packed].concat()
    }

    pub(super) fn central(&self, offset: u64) -> Vec<u8> {
        let fields = self.fields(false);
        let offset = (offset as u32).to_le_bytes();
        [b"PK\x01\x02\x14\0\x14\0", &fields[..], &[0; 10], &offset, &self.name, &self.extra].concat()
    }
}

pub(super) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

/// Stored blocks, which are the same in deflate and deflate64.
fn deflate64(data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for block in data.chunks(60_000) {
        let length = block.len() as u16;
        stream.extend([&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), block].concat());
    }
    stream.extend(b"\x01\0\0\xff\xff");
    stream
}

fn lzma(data: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(6);
    let mut writer = lzma_rust2::LzmaWriter::new_no_header(Vec::new(), &options, true).unwrap();
    writer.write_all(data).unwrap();
    let properties = writer.props();
    let stream = writer.finish().unwrap();
    [b"\x09\x14\x05\0", &[properties][..], &options.dict_size.to_le_bytes(), &stream].concat()
}

pub(super) fn end(count: u64, size: u64, offset: u64, comment: &[u8]) -> Vec<u8> {
    let count = (count as u16).to_le_bytes();
    let (size, offset) = ((size as u32).to_le_bytes(), (offset as u32).to_le_bytes());
    let length = (comment.len() as u16).to_le_bytes();
    [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &offset, &length, comment].concat()
}

/// The local entries of an archive, and its directory records.
pub(super) fn pieces(entries: &[Entry]) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        directory.extend(entry.central(data.len() as u64));
        data.extend(entry.local());
    }
    (data, directory)
}

pub(super) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (data, directory) = pieces(entries);
    let end = end(entries.len() as u64, directory.len() as u64, data.len() as u64, b"");
    [data, directory, end].concat()
}

/// Compressible and incompressible data.
fn sample() -> Vec<u8> {
    [&noise(3, 3000)[..], &b"a line that comes again\n".repeat(9000), &noise(4, 100)].concat()
}

#[test]
fn every_method_is_unpacked() {
    let data = sample();
    let methods = [0, 8, 9, 12, 14, 93, 95];
    let entries: Vec<Entry> =
        methods.iter().map(|method| Entry::new(&format!("d/{method}"), *method, &data)).collect();
    let taken = opened("a.zip", &zip(&entries));
    for method in methods {
        assert!(taken.content(&format!("d/{method}")) == data, "{method}");
    }
    assert!(taken.skipped.is_empty(), "{}", taken.reasons());
    // Also where incompressible data may be stored.
    assert_eq!(taken.delegated[0].1.len(), methods.len());
    assert_eq!(taken.delegated[0].1[0], 33..33 + data.len() as u64);
}

#[test]
fn empty_entries_are_entries() {
    let methods = [0, 8, 9, 12, 14, 93, 95];
    let entries: Vec<Entry> =
        methods.iter().map(|method| Entry::new(&method.to_string(), *method, b"")).collect();
    let taken = opened("a.zip", &zip(&entries));
    assert!(taken.skipped.is_empty() && taken.contents.len() == 8, "{}", taken.reasons());
    let empty = opened("a.zip", &zip(&[]));
    assert!(empty.skipped.is_empty() && empty.contents.len() == 1, "{}", empty.reasons());
}

#[test]
fn a_method_without_reader_and_a_locked_entry_are_skipped_by_name() {
    let mut entries = ["shrunk", "locked", "aes", "strong"].map(|name| Entry::new(name, 0, b"data"));
    entries[0].method = 1;
    entries[1].flags = 1;
    entries[2].method = 99;
    entries[3].flags = 0x41;
    let all = [&entries[..], &[Entry::new("plain", 8, b"in the clear")]].concat();
    let taken = opened("a.zip", &zip(&all));
    assert_eq!(taken.content("plain"), b"in the clear");
    assert!(
        taken.reasons().contains("shrunk: unsupported compression method 1 (shrink)"),
        "{}",
        taken.reasons()
    );
    for name in ["locked", "aes", "strong"] {
        assert!(taken.reasons().contains(&format!("{name}: encrypted")), "{}", taken.reasons());
    }
    assert_eq!((taken.skipped.len(), taken.contents.len()), (4, 2));
}

#[test]
fn containers_in_a_zip_are_opened() {
    let inner = zip(&[Entry::new("b/key", 8, b"deep")]);
    let packed = tar(&[("c", b"in a tar")]);
    for method in [0, 8] {
        let entries = [Entry::new("lib.jar", method, &inner), Entry::new("c.tar", method, &packed)];
        let taken = opened("a.zip", &zip(&entries));
        assert_eq!(taken.content("lib.jar > b/key"), b"deep");
        assert_eq!(taken.content("c.tar > c"), b"in a tar");
        assert!(taken.skipped.is_empty(), "{}", taken.reasons());
    }
}

#[test]
fn data_before_the_first_entry_shifts_all_or_nothing() {
    let entries = [Entry::new("a", 8, b"one"), Entry::new("b", 0, b"two")];
    let (data, directory) = pieces(&entries);
    let script = b"#!/bin/sh\nexec unzip $0\n";
    let shift = script.len() as u64;
    for offset in [data.len() as u64, data.len() as u64 + shift] {
        let mut directory = directory.clone();
        if offset != data.len() as u64 {
            directory =
                [entries[0].central(shift), entries[1].central(shift + entries[0].local().len() as u64)]
                    .concat();
        }
        let end = end(2, directory.len() as u64, offset, b"");
        let taken = opened("a.run", &[script, &data[..], &directory, &end].concat());
        assert_eq!((taken.content("a"), taken.content("b")), (&b"one"[..], &b"two"[..]));
        assert!(taken.skipped.is_empty() && taken.contents.len() == 3, "{}", taken.reasons());
    }
}

#[test]
fn sizes_may_follow_the_data() {
    let signature = &b"PK\x07\x08"[..];
    for signature in [signature, b""] {
        let (mut data, mut directory) = (Vec::new(), Vec::new());
        for (name, method) in [("a", 8), ("b", 0), ("c", 12)] {
            let mut entry = Entry::new(name, method, b"streamed");
            entry.flags |= 8;
            directory.extend(entry.central(data.len() as u64));
            data.extend(entry.local());
            data.extend(signature);
            data.extend(entry.crc.to_le_bytes());
            data.extend([(entry.stated as u32).to_le_bytes(), (entry.size as u32).to_le_bytes()].concat());
        }
        let end = end(3, directory.len() as u64, data.len() as u64, b"");
        let taken = opened("a.zip", &[&data[..], &directory, &end].concat());
        assert!(taken.skipped.is_empty() && taken.contents.len() == 4, "{}", taken.reasons());
        // Without the directory, only the descriptor shows the end of stored data.
        let cut = opened("a.zip", &data);
        for name in ["a", "b", "c"] {
            assert_eq!(taken.content(name), b"streamed");
            let content = cut.content(name);
            assert!(content.starts_with(b"streamed") && (content.len() == 8 || signature.is_empty()));
        }
    }
}

#[test]
fn seventy_thousand_entries_and_sizes_of_eight_bytes() {
    let entry = Entry::new("x", 0, b"y");
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for _ in 0..70_000 {
        directory.extend(entry.central(data.len() as u64));
        data.extend(entry.local());
    }
    let mut large = entry.clone();
    // In the directory record, all three numbers are in the zip64 field.
    let numbers = [1u64.to_le_bytes(), 1u64.to_le_bytes(), (data.len() as u64).to_le_bytes()].concat();
    large.extra = [&b"\x01\0\x18\0"[..], &numbers].concat();
    (large.name, large.stated, large.size) = (b"large".to_vec(), u32::MAX.into(), u32::MAX.into());
    directory.extend(large.central(u32::MAX.into()));
    data.extend(large.local());
    let (size, offset) = (directory.len() as u64, data.len() as u64);
    let place = offset + size;
    let numbers = [70_001, 70_001, size, offset].map(u64::to_le_bytes).concat();
    let record = [b"PK\x06\x06\x2c\0\0\0\0\0\0\0", &[0; 12][..], &numbers].concat();
    let locator = [b"PK\x06\x07\0\0\0\0", &place.to_le_bytes()[..], b"\x01\0\0\0"].concat();
    let end = end(0xffff, u32::MAX.into(), u32::MAX.into(), b"");
    let archive = [data, directory, record, locator, end].concat();
    for prefix in [&b""[..], b"MZ prepended"] {
        let taken = opened("a.zip", &[prefix, &archive].concat());
        assert!(taken.skipped.is_empty(), "{}", taken.reasons());
        assert_eq!((taken.contents.len(), taken.content("large")), (70_002, &b"y"[..]));
    }
}
