//! Opens arbitrary bytes as a container and checks what `friskey::container` guarantees. All fuzz targets of containers use it.

use std::io::Cursor;
use std::ops::Range;
use std::time::Duration;

use friskey::container::{ContentVisitor, Input, Limits, open};

/// The limit of bytes that are unpacked from one input.
const MAX_UNPACKED: u64 = 8 << 20;

/// The limit of containers within containers.
const MAX_DEPTH: usize = 3;

/// Opens `bytes` in memory and as a file, with a limit of 8 MiB of memory.
///
/// # Panics
/// If a guarantee is broken.
pub fn check(bytes: &[u8]) {
    check_within(bytes, 8 << 20);
}

/// [`check`] with a limit of `memory` bytes. A low limit is faster, since some decoders allocate as much as an input demands.
///
/// # Panics
/// If a guarantee is broken.
pub fn check_within(bytes: &[u8], memory: u64) {
    let limits = Limits {
        depth: MAX_DEPTH,
        bytes: MAX_UNPACKED,
        entries: 500,
        time: Duration::from_secs(20),
        memory,
        ..Limits::default()
    };
    let mut in_memory = Counter::default();
    open(Input::Bytes(bytes), b"fuzz", limits, &mut in_memory).expect("bytes in memory are always readable");
    in_memory.check(bytes.len() as u64);
    let mut as_file = Counter::default();
    open(Input::File(&mut Cursor::new(bytes)), b"fuzz", limits, &mut as_file)
        .expect("a cursor is always readable");
    as_file.check(bytes.len() as u64);
}

/// Counts the bytes of all contents, and checks what is said about each.
#[derive(Default)]
struct Counter {
    /// For each content that has begun and not ended, outermost first, its bytes until now.
    open: Vec<u64>,
    /// Bytes of all contents.
    total: u64,
    /// Bytes of the content that ended last: after a run, that of the input itself.
    last_ended: u64,
}

impl Counter {
    /// Checks the counts after an input of `size` bytes.
    fn check(&self, size: u64) {
        assert!(self.open.is_empty(), "a content begins but does not end");
        assert_eq!(self.last_ended, size, "the input is not passed on whole");
        // Uncompressed bytes count again at each depth.
        assert!(self.total <= 5 * (size + MAX_UNPACKED), "{} bytes", self.total);
    }
}

impl ContentVisitor for Counter {
    fn begin(&mut self, path: &[Vec<u8>]) {
        assert!(path.len() <= MAX_DEPTH + 1, "too deep");
        for name in path {
            assert!(
                !name.split(|&byte| byte == b'/').any(|part| part == b".."),
                "a name leads out of its directory"
            );
        }
        self.open.push(0);
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        self.open[level] += bytes.len() as u64;
        self.total += bytes.len() as u64;
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let size = self.open.pop().expect("a content that ends has begun");
        for range in delegated {
            assert!(range.start <= range.end && range.end <= size, "{range:?} of {size}");
        }
        assert!(delegated.is_sorted_by_key(|range| range.start), "the ranges are not in order");
        self.last_ended = size;
    }

    fn skip(&mut self, _path: &[Vec<u8>], reason: String) {
        assert!(!reason.is_empty());
    }

    fn is_stopped(&self) -> bool {
        false
    }
}
