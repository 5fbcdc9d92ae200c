//! What the fuzz targets of containers share: checks of every promise that `friskey::container` makes for arbitrary bytes.

use std::io::Cursor;
use std::ops::Range;
use std::time::Duration;

use friskey::container::{Input, Limits, ContentVisitor, open};

/// Bytes that may be unpacked of one input.
const UNPACKED: u64 = 8 << 20;

/// Opens `bytes` in memory and as a file.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    check_within(bytes, 8 << 20);
}

/// The same with other bytes of memory: little is fast, since decoders ask for what they may have.
pub fn check_within(bytes: &[u8], memory: u64) {
    let limits = Limits {
        depth: 3,
        bytes: UNPACKED,
        entries: 500,
        time: Duration::from_secs(20),
        memory,
        ..Limits::default()
    };
    let mut in_memory = Counter::default();
    open(Input::Bytes(bytes), b"fuzz", limits, &mut in_memory).expect("nothing is read");
    in_memory.check(bytes.len() as u64);
    let mut as_file = Counter::default();
    open(Input::File(&mut Cursor::new(bytes)), b"fuzz", limits, &mut as_file).expect("it can be read");
    as_file.check(bytes.len() as u64);
}

/// Counts what is handed over.
#[derive(Default)]
struct Counter {
    /// Bytes of each content that is open.
    open: Vec<u64>,
    bytes: u64,
    first: u64,
}

impl Counter {
    fn check(&self, size: u64) {
        assert!(self.open.is_empty(), "what begins must end");
        assert_eq!(self.first, size, "the content itself is handed over whole");
        // What stands in a tar as it is comes once more at each depth.
        assert!(self.bytes <= 5 * (size + UNPACKED), "{} bytes", self.bytes);
    }
}

impl ContentVisitor for Counter {
    fn begin(&mut self, path: &[Vec<u8>]) {
        assert!(path.len() <= 4, "too deep");
        for name in path {
            assert!(!name.split(|&byte| byte == b'/').any(|part| part == b".."), "a name leads up");
        }
        self.open.push(0);
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        self.open[level] += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let size = self.open.pop().expect("what ends has begun");
        for range in delegated {
            assert!(range.start <= range.end && range.end <= size, "{range:?} of {size}");
        }
        assert!(delegated.is_sorted_by_key(|range| range.start), "in order");
        self.first = size;
    }

    fn skip(&mut self, _path: &[Vec<u8>], reason: String) {
        assert!(!reason.is_empty());
    }

    fn is_stopped(&self) -> bool {
        false
    }
}
