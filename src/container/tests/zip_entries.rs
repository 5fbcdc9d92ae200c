//! Tests of zips, which are built by hand so that they can be malformed.

use std::io::Write;

use super::kit::{bzip2, extract, noise, tar, xz, zstd};

/// An entry to be written, with fields that may be false.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) crc: u32,
    /// The unpacked size that header and directory declare.
    pub(super) declared_unpacked_size: u64,
    pub(super) packed: Vec<u8>,
    /// The compressed size that header and directory declare.
    pub(super) declared_packed_size: u64,
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
        let declared_packed_size = packed.len() as u64;
        let declared_unpacked_size = data.len() as u64;
        Self {
            name: name.into(),
            method,
            flags,
            crc: crc.sum(),
            declared_unpacked_size,
            packed,
            declared_packed_size,
            extra: Vec::new(),
        }
    }

    fn fields(&self, has_descriptor: bool) -> Vec<u8> {
        let (crc, packed_size, unpacked_size) = if has_descriptor {
            (0, 0, 0)
        } else {
            (self.crc, self.declared_packed_size, self.declared_unpacked_size)
        };
        [
            &self.flags.to_le_bytes()[..],
            &self.method.to_le_bytes(),
            &[0; 4],
            &crc.to_le_bytes(),
            &(packed_size as u32).to_le_bytes(),
            &(unpacked_size as u32).to_le_bytes(),
            &(self.name.len() as u16).to_le_bytes(),
            &(self.extra.len() as u16).to_le_bytes(),
        ]
        .concat()
    }

    pub(super) fn header_and_data(&self) -> Vec<u8> {
        let fields = self.fields(self.flags & 8 != 0);
        [b"PK\x03\x04\x14\0", &fields[..], &self.name, &self.extra, &self.packed].concat()
    }

    pub(super) fn directory_record(&self, offset: u64) -> Vec<u8> {
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
pub(super) fn data_and_directory(entries: &[Entry]) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        directory.extend(entry.directory_record(data.len() as u64));
        data.extend(entry.header_and_data());
    }
    (data, directory)
}

pub(super) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (data, directory) = data_and_directory(entries);
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
    let extraction = extract("a.zip", &zip(&entries));
    for method in methods {
        assert!(extraction.content(&format!("d/{method}")) == data, "{method}");
    }
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
    // Also where incompressible data may be stored.
    assert_eq!(extraction.delegated[0].1.len(), methods.len());
    assert_eq!(extraction.delegated[0].1[0], 33..33 + data.len() as u64);
}

#[test]
fn empty_entries_are_handed_over() {
    let methods = [0, 8, 9, 12, 14, 93, 95];
    let entries: Vec<Entry> =
        methods.iter().map(|method| Entry::new(&method.to_string(), *method, b"")).collect();
    let extraction = extract("a.zip", &zip(&entries));
    assert!(extraction.skipped.is_empty() && extraction.contents.len() == 8, "{}", extraction.reasons());
    let empty = extract("a.zip", &zip(&[]));
    assert!(empty.skipped.is_empty() && empty.contents.len() == 1, "{}", empty.reasons());
}

#[test]
fn entries_that_are_encrypted_or_use_an_unsupported_method_are_skipped_by_name() {
    let mut entries = ["shrunk", "locked", "aes", "strong"].map(|name| Entry::new(name, 0, b"data"));
    entries[0].method = 1;
    entries[1].flags = 1;
    entries[2].method = 99;
    entries[3].flags = 0x41;
    let all = [&entries[..], &[Entry::new("plain", 8, b"in the clear")]].concat();
    let extraction = extract("a.zip", &zip(&all));
    assert_eq!(extraction.content("plain"), b"in the clear");
    assert!(
        extraction.reasons().contains("shrunk: unsupported compression method 1 (shrink)"),
        "{}",
        extraction.reasons()
    );
    for name in ["locked", "aes", "strong"] {
        assert!(extraction.reasons().contains(&format!("{name}: encrypted")), "{}", extraction.reasons());
    }
    assert_eq!((extraction.skipped.len(), extraction.contents.len()), (4, 2));
}

#[test]
fn containers_in_a_zip_are_opened() {
    let inner = zip(&[Entry::new("b/key", 8, b"deep")]);
    let packed = tar(&[("c", b"in a tar")]);
    for method in [0, 8] {
        let entries = [Entry::new("lib.jar", method, &inner), Entry::new("c.tar", method, &packed)];
        let extraction = extract("a.zip", &zip(&entries));
        assert_eq!(extraction.content("lib.jar > b/key"), b"deep");
        assert_eq!(extraction.content("c.tar > c"), b"in a tar");
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
    }
}

#[test]
fn offsets_may_or_may_not_include_data_before_the_zip() {
    let entries = [Entry::new("a", 8, b"one"), Entry::new("b", 0, b"two")];
    let (data, directory) = data_and_directory(&entries);
    let script = b"#!/bin/sh\nexec unzip $0\n";
    let shift = script.len() as u64;
    for offset in [data.len() as u64, data.len() as u64 + shift] {
        let mut directory = directory.clone();
        if offset != data.len() as u64 {
            directory = [
                entries[0].directory_record(shift),
                entries[1].directory_record(shift + entries[0].header_and_data().len() as u64),
            ]
            .concat();
        }
        let end = end(2, directory.len() as u64, offset, b"");
        let extraction = extract("a.run", &[script, &data[..], &directory, &end].concat());
        assert_eq!((extraction.content("a"), extraction.content("b")), (&b"one"[..], &b"two"[..]));
        assert!(extraction.skipped.is_empty() && extraction.contents.len() == 3, "{}", extraction.reasons());
    }
}

#[test]
fn sizes_are_read_from_descriptors_after_the_data() {
    let signature = &b"PK\x07\x08"[..];
    for signature in [signature, b""] {
        let (mut data, mut directory) = (Vec::new(), Vec::new());
        for (name, method) in [("a", 8), ("b", 0), ("c", 12)] {
            let mut entry = Entry::new(name, method, b"streamed");
            entry.flags |= 8;
            directory.extend(entry.directory_record(data.len() as u64));
            data.extend(entry.header_and_data());
            data.extend(signature);
            data.extend(entry.crc.to_le_bytes());
            data.extend(
                [
                    (entry.declared_packed_size as u32).to_le_bytes(),
                    (entry.declared_unpacked_size as u32).to_le_bytes(),
                ]
                .concat(),
            );
        }
        let end = end(3, directory.len() as u64, data.len() as u64, b"");
        let extraction = extract("a.zip", &[&data[..], &directory, &end].concat());
        assert!(extraction.skipped.is_empty() && extraction.contents.len() == 4, "{}", extraction.reasons());
        // Without the directory, only the descriptor shows the end of stored data.
        let cut = extract("a.zip", &data);
        for name in ["a", "b", "c"] {
            assert_eq!(extraction.content(name), b"streamed");
            let content = cut.content(name);
            assert!(content.starts_with(b"streamed") && (content.len() == 8 || signature.is_empty()));
        }
    }
}

#[test]
fn a_zip64_directory_with_seventy_thousand_entries_is_read() {
    let entry = Entry::new("x", 0, b"y");
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for _ in 0..70_000 {
        directory.extend(entry.directory_record(data.len() as u64));
        data.extend(entry.header_and_data());
    }
    let mut large = entry.clone();
    // In the directory record, all three numbers are in the zip64 field.
    let numbers = [1u64.to_le_bytes(), 1u64.to_le_bytes(), (data.len() as u64).to_le_bytes()].concat();
    large.extra = [&b"\x01\0\x18\0"[..], &numbers].concat();
    (large.name, large.declared_packed_size, large.declared_unpacked_size) =
        (b"large".to_vec(), u32::MAX.into(), u32::MAX.into());
    directory.extend(large.directory_record(u32::MAX.into()));
    data.extend(large.header_and_data());
    let (size, offset) = (directory.len() as u64, data.len() as u64);
    let position = offset + size;
    let numbers = [70_001, 70_001, size, offset].map(u64::to_le_bytes).concat();
    let record = [b"PK\x06\x06\x2c\0\0\0\0\0\0\0", &[0; 12][..], &numbers].concat();
    let locator = [b"PK\x06\x07\0\0\0\0", &position.to_le_bytes()[..], b"\x01\0\0\0"].concat();
    let end = end(0xffff, u32::MAX.into(), u32::MAX.into(), b"");
    let archive = [data, directory, record, locator, end].concat();
    for prefix in [&b""[..], b"MZ prepended"] {
        let extraction = extract("a.zip", &[prefix, &archive].concat());
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        assert_eq!((extraction.contents.len(), extraction.content("large")), (70_002, &b"y"[..]));
    }
}
