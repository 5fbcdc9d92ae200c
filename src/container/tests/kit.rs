//! Helpers of the container tests: packers, and a visitor that records what it receives.

use std::io::{Cursor, Write};
use std::ops::Range;

use crate::container::{ContentVisitor, Input, Limits, open};

/// Everything that a visitor received.
#[derive(Default)]
pub(super) struct Extraction {
    /// Contents that have begun and not ended.
    open: Vec<(String, Vec<u8>)>,
    /// The path of each content, its names joined, and the content, in the order in which they ended: innermost first,
    /// the archive itself last.
    pub(super) contents: Vec<(String, Vec<u8>)>,
    /// The path of each content with entries, and the ranges of those.
    pub(super) delegated: Vec<(String, Vec<Range<u64>>)>,
    /// The path and reason of each skip.
    pub(super) skipped: Vec<(String, String)>,
    /// Number of bytes of all contents.
    pub(super) bytes: u64,
}

impl ContentVisitor for Extraction {
    fn begin(&mut self, path: &[Vec<u8>]) {
        self.open.push((join_path(path), Vec::new()));
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        // The bytes of a bomb are counted, not stored.
        let stored = &mut self.open[level].1;
        stored.extend_from_slice(&bytes[..bytes.len().min((4 << 20) - stored.len())]);
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let (name, content) = self.open.pop().unwrap();
        if !delegated.is_empty() {
            self.delegated.push((name.clone(), delegated.to_vec()));
        }
        self.contents.push((name, content));
    }

    fn skip(&mut self, path: &[Vec<u8>], reason: String) {
        self.skipped.push((join_path(path), reason));
    }

    fn is_stopped(&self) -> bool {
        false
    }
}

impl Extraction {
    /// The content with that path.
    pub(super) fn content(&self, name: &str) -> &[u8] {
        let content = self.contents.iter().find(|(path, _)| path == name);
        let names = || self.contents.iter().map(|(name, _)| name).collect::<Vec<_>>();
        &content.unwrap_or_else(|| panic!("no `{name}` in {:?}; {:?}", names(), self.skipped)).1
    }

    /// The reasons of all skips, as one text.
    pub(super) fn reasons(&self) -> String {
        self.skipped.iter().map(|(path, reason)| format!("{path}: {reason}\n")).collect()
    }
}

fn join_path(path: &[Vec<u8>]) -> String {
    path.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(" > ")
}

/// Opens `bytes`, called `name`, as bytes, as a file and as a stream, and requires equal results.
pub(super) fn extract(name: &str, bytes: &[u8]) -> Extraction {
    let in_memory = extract_within(name, bytes, Limits::default());
    let (mut file, mut stream) = (Extraction::default(), Extraction::default());
    let mut content = Cursor::new(bytes);
    open(Input::File(&mut content), name.as_bytes(), Limits::default(), &mut file).unwrap();
    open(Input::Stream(&mut &bytes[..]), name.as_bytes(), Limits::default(), &mut stream).unwrap();
    for other in [&file, &stream] {
        assert!(other.contents == in_memory.contents, "other contents than in memory: {:?}", other.skipped);
        assert_eq!(other.delegated, in_memory.delegated);
        assert_eq!(other.skipped, in_memory.skipped);
    }
    in_memory
}

/// Opens `bytes`, called `name`, in memory with `limits`.
pub(super) fn extract_within(name: &str, bytes: &[u8], limits: Limits) -> Extraction {
    let mut extraction = Extraction::default();
    open(Input::Bytes(bytes), name.as_bytes(), limits, &mut extraction).unwrap();
    assert!(extraction.open.is_empty(), "every content that begins must end");
    extraction
}

/// An entry of a tar: a header, the data, and padding.
pub(super) fn tar_entry(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    [&with_checksum(header)[..], data, &vec![0; data.len().wrapping_neg() % 512]].concat()
}

/// `header` with its checksum.
pub(super) fn with_checksum(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

pub(super) fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar: Vec<u8> =
        entries.iter().flat_map(|(name, data)| tar_entry(name.as_bytes(), b'0', data)).collect();
    tar.extend([0; 1024]);
    tar
}

pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

pub(super) fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

pub(super) fn xz(data: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

pub(super) fn zstd(data: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(data, 3).unwrap()
}

/// Incompressible bytes that depend only on the seed.
pub(super) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}
