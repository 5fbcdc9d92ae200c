//! Helpers of the tests: a searcher whose matches depend on everything on which they may depend, repositories created by
//! git, and git's own list of objects to compare with.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::object::Kind;

use crate::git::scratch::Scratch;
use crate::git::sweep::{MatchedObject, ObjectCounts, Searcher, SweepOptions, SweepOutcome, sweep};
use crate::git::{ObjectDatabase, open, test_git};

/// Finds `K` followed by two to six of `a` and `b`. What is recorded about a match is all bytes on which it may depend, which exposes
/// any mistake in inheriting matches. If the first and the fourth byte are `a` or `b`, the first four bytes are a match, too.
pub(super) struct Toy;

pub(super) const MARGIN: usize = 3;

impl Searcher for Toy {
    type Match = Vec<u8>;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        7
    }

    fn margin(&self) -> usize {
        MARGIN
    }

    fn longest_keyword(&self) -> Option<usize> {
        Some(2)
    }

    fn head_len(&self, _: Kind) -> usize {
        HEAD
    }

    fn keywords(&self, _: Kind, bytes: &[u8], is_start: bool, keyword: &mut dyn FnMut(usize)) {
        let is_one = |at: &usize| bytes.get(at + 1).copied().is_some_and(is_body);
        memchr::memchr_iter(b'K', bytes).filter(is_one).for_each(&mut *keyword);
        if is_start && has_head(bytes) {
            keyword(0);
        }
    }

    fn search(
        &self,
        kind: Kind,
        bytes: &[u8],
        (): &mut (),
        keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, Vec<u8>),
    ) {
        self.keywords(kind, bytes, true, keyword);
        if has_head(bytes) {
            found(0..HEAD, Vec::new());
        }
        for start in memchr::memchr_iter(b'K', bytes) {
            let body = bytes[start + 1..].iter().take(6).take_while(|byte| is_body(**byte)).count();
            let end = start + 1 + body;
            let around = &bytes[start.saturating_sub(MARGIN)..bytes.len().min(end + MARGIN)];
            // Whether there is a match depends on the context: on three `c` after it, or the end of the object.
            let after = &bytes[end..bytes.len().min(end + MARGIN)];
            if body >= 2 && after != b"ccc" {
                found(start..end, around.to_vec());
            }
        }
    }
}

/// Number of bytes at the start of an object that determine whether it begins with a match.
const HEAD: usize = 4;

fn has_head(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD && is_body(bytes[0]) && is_body(bytes[HEAD - 1])
}

fn is_body(byte: u8) -> bool {
    matches!(byte, b'a' | b'b')
}

pub(super) type ToyOutcome = SweepOutcome<Vec<u8>>;

/// Searches a whole object.
pub(super) fn search_whole(id: ObjectId, kind: Kind, bytes: &[u8]) -> MatchedObject<Vec<u8>> {
    let mut matches = Vec::new();
    Toy.search(kind, bytes, &mut (), &mut |_| {}, &mut |range, matched| {
        matches.push((range.start as u64..range.end as u64, matched))
    });
    MatchedObject { id, kind, size: bytes.len() as u64, matches }
}

/// A repository in a temporary directory.
pub(super) struct Repo {
    scratch: Scratch,
}

impl Repo {
    pub(super) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(super) fn with_format(format: &str) -> Self {
        Self { scratch: Scratch::new(&[&format!("--object-format={format}")]) }
    }

    pub(super) fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.path().join(".git/objects")
    }

    /// Runs git, which must succeed, and returns what it prints.
    pub(super) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<u8> {
        self.git_with(arguments, b"")
    }

    /// Runs git with `input` on its standard input.
    pub(super) fn git_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Vec<u8> {
        let mut command = self.scratch.command(&["-c", "gc.auto=0", "-c", "protocol.file.allow=always"]);
        test_git::stdout(command.args(arguments), input)
    }

    /// Writes a blob as a loose object.
    pub(super) fn blob(&self, bytes: &[u8]) -> ObjectId {
        let printed = self.git_with(["hash-object", "-w", "--stdin"], bytes);
        ObjectId::from_hex(printed.trim_ascii()).expect("an id")
    }

    /// Commits `files` and returns the commit.
    pub(super) fn commit(&self, files: &[(&str, Vec<u8>)]) -> ObjectId {
        for (name, bytes) in files {
            std::fs::write(self.path().join(name), bytes).expect("written");
        }
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", "Kaab in a message"]);
        ObjectId::from_hex(self.git(["rev-parse", "HEAD"]).trim_ascii()).expect("an id")
    }

    pub(super) fn packs(&self, extension: &str) -> Vec<PathBuf> {
        let mut packs: Vec<_> = std::fs::read_dir(self.objects().join("pack"))
            .expect("a pack directory")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect();
        packs.sort();
        packs
    }

    pub(super) fn loose_path(&self, id: &ObjectId) -> PathBuf {
        let hex = id.to_hex().to_string();
        self.objects().join(&hex[..2]).join(&hex[2..])
    }

    pub(super) fn database(&self) -> ObjectDatabase {
        ObjectDatabase::from_repo(&open(self.path()).expect("it opens").to_thread_local())
    }

    pub(super) fn sweep(&self, options: SweepOptions<'_>) -> ToyOutcome {
        sweep(&self.database(), &Toy, &options)
    }

    /// Sweeps with several combinations of options, which must all have the same result.
    pub(super) fn sweep_all_ways(&self) -> ToyOutcome {
        let first = self.sweep(SweepOptions { threads: 1, small_result: 0, ..Default::default() });
        let usual = SweepOptions::default().small_result;
        for (threads, full_objects, small_result) in
            [(1, true, 0), (2, false, 0), (2, false, usual), (4, false, 0), (3, true, 0)]
        {
            let other =
                self.sweep(SweepOptions { threads, full_objects, small_result, ..Default::default() });
            assert_eq!(
                ToyOutcome { bytes_searched: 0, ..other },
                ToyOutcome { bytes_searched: 0, ..first.clone() },
                "threads {threads}, full_objects {full_objects}, small_result {small_result}"
            );
        }
        first
    }

    /// The matches in every object that git prints, each of which is searched completely, and the counts of objects.
    pub(super) fn oracle(&self) -> (Vec<MatchedObject<Vec<u8>>>, ObjectCounts) {
        let printed = self.git(["cat-file", "--batch", "--batch-all-objects"]);
        let (mut found, mut counts, mut rest) = (Vec::new(), ObjectCounts::default(), &printed[..]);
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let header: Vec<_> = rest[..end].split(|byte| *byte == b' ').collect();
            let kind = Kind::from_bytes(header[1]).expect("a kind");
            let size: usize = std::str::from_utf8(header[2]).expect("digits").parse().expect("a size");
            let bytes = &rest[end + 1..end + 1 + size];
            counts.add(kind, size as u64);
            let object = search_whole(ObjectId::from_hex(header[0]).expect("an id"), kind, bytes);
            if !object.matches.is_empty() {
                found.push(object);
            }
            rest = &rest[end + 2 + size..];
        }
        found.sort_by_key(|object| object.id);
        (found, counts)
    }

    /// Sweeps with several combinations of options, and asserts that the result is that of [`Self::oracle`].
    pub(super) fn check(&self) -> ToyOutcome {
        let outcome = self.sweep_all_ways();
        let (found, counts) = self.oracle();
        assert_eq!(outcome.skipped, [], "nothing is skipped");
        assert_eq!(outcome.found, found);
        assert_eq!(outcome.counts, counts);
        outcome
    }
}

/// Pseudorandom bytes, which hardly compress.
pub(super) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Lines, some of which contain a match.
pub(super) fn text(seed: u64, lines: usize) -> Vec<u8> {
    let numbers = noise(seed, lines);
    let line = |(at, number): (usize, &u8)| match number % 8 {
        0 => format!("line {at} Kab{}\n", "ab".repeat(usize::from(*number) % 3)),
        1 => format!("Kaaccc {number}\n"),
        _ => format!("line {at} with number {number}\n"),
    };
    numbers.iter().enumerate().map(line).collect::<String>().into_bytes()
}
