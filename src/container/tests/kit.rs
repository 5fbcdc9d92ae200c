//! Shared by the container tests: packers, and a visitor that records what it receives.

use std::io::{Cursor, Write};
use std::ops::Range;

use crate::container::{ContentVisitor, Input, Limits, open};

/// Everything that was handed over.
#[derive(Default)]
pub(super) struct Taken {
    open: Vec<(String, Vec<u8>)>,
    /// The joined names that lead to each content, and the content; innermost first.
    pub(super) contents: Vec<(String, Vec<u8>)>,
    /// Ranges of a content that were delegated to entries.
    pub(super) delegated: Vec<(String, Vec<Range<u64>>)>,
    pub(super) skipped: Vec<(String, String)>,
    pub(super) bytes: u64,
}

impl ContentVisitor for Taken {
    fn begin(&mut self, path: &[Vec<u8>]) {
        self.open.push((joined(path), Vec::new()));
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        // The bytes of a bomb are counted, not stored.
        let kept = &mut self.open[level].1;
        kept.extend_from_slice(&bytes[..bytes.len().min((4 << 20) - kept.len())]);
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let (name, content) = self.open.pop().unwrap();
        if !delegated.is_empty() {
            self.delegated.push((name.clone(), delegated.to_vec()));
        }
        self.contents.push((name, content));
    }

    fn skip(&mut self, path: &[Vec<u8>], reason: String) {
        self.skipped.push((joined(path), reason));
    }

    fn is_stopped(&self) -> bool {
        false
    }
}

impl Taken {
    /// The content with that name.
    pub(super) fn content(&self, name: &str) -> &[u8] {
        let found = self.contents.iter().find(|(known, _)| known == name);
        let names = || self.contents.iter().map(|(name, _)| name).collect::<Vec<_>>();
        &found.unwrap_or_else(|| panic!("no `{name}` in {:?}; {:?}", names(), self.skipped)).1
    }

    /// The reasons of all skips, as one text.
    pub(super) fn reasons(&self) -> String {
        self.skipped.iter().map(|(what, reason)| format!("{what}: {reason}\n")).collect()
    }
}

fn joined(path: &[Vec<u8>]) -> String {
    path.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(" > ")
}

/// Opens `bytes`, called `name`, as bytes, file and stream; all must give the same result.
pub(super) fn opened(name: &str, bytes: &[u8]) -> Taken {
    let in_memory = opened_within(name, bytes, Limits::default());
    let (mut file, mut stream) = (Taken::default(), Taken::default());
    let mut content = Cursor::new(bytes);
    open(Input::File(&mut content), name.as_bytes(), Limits::default(), &mut file).unwrap();
    open(Input::Stream(&mut &bytes[..]), name.as_bytes(), Limits::default(), &mut stream).unwrap();
    for other in [&file, &stream] {
        assert!(other.contents == in_memory.contents, "{:?}", other.skipped);
        assert_eq!(other.delegated, in_memory.delegated);
        assert_eq!(other.skipped, in_memory.skipped);
    }
    in_memory
}

pub(super) fn opened_within(name: &str, bytes: &[u8], limits: Limits) -> Taken {
    let mut taken = Taken::default();
    open(Input::Bytes(bytes), name.as_bytes(), limits, &mut taken).unwrap();
    assert!(taken.open.is_empty(), "what begins must end");
    taken
}

/// A header, the data, and padding.
pub(super) fn tar_entry(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    [&sealed(header)[..], data, &vec![0; data.len().wrapping_neg() % 512]].concat()
}

/// The header with its checksum.
pub(super) fn sealed(mut header: [u8; 512]) -> [u8; 512] {
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
