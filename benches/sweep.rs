//! Measures the sweep of a repository's objects against what git takes to print them.
//!
//! `cargo bench --bench sweep -- [--threads N] [--rounds N] [--whole] [--check] [--no-git] [--no-floor]
//! REPOSITORY...`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench tells what it measured")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use aho_corasick::{AhoCorasick, MatchKind};
use friskey::git::{self, Database, ObjectKind, Searcher, SweepOptions};

/// Finds anchors and nothing else, over windows as large as the detector's.
struct Anchors(AhoCorasick);

impl Anchors {
    fn new() -> Self {
        let marker = concat!("T3Blbk", "FJ");
        let mut anchors: Vec<Vec<u8>> = Vec::new();
        for literal in [marker, "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-service-"] {
            let bytes = literal.as_bytes();
            let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
            anchors.extend((0..3).map(|phase| base64(bytes, phase)));
            anchors.push(wide[..wide.len() - 1].to_vec());
            anchors.push(bytes.to_vec());
            if literal == marker {
                anchors.extend((0..3).map(|phase| base64(&wide, phase)));
            }
        }
        for format in [
            |byte: u8| format!("{byte:02x}"),
            |byte: u8| format!("{byte:02X}"),
            |byte: u8| format!("\\x{byte:02x}"),
        ] {
            anchors.push(marker.bytes().map(format).collect::<String>().into_bytes());
            anchors.push("sk-".bytes().map(format).collect::<String>().into_bytes());
        }
        anchors.push(b"sess-".to_vec());
        anchors.push(b"%73%6B".to_vec());
        anchors.push(b"\\u0073\\u006b".to_vec());
        anchors.push(b"&#115;&#107;".to_vec());
        eprintln!("{} anchors", anchors.len());
        Self(AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(anchors).expect("few anchors"))
    }
}

/// The characters of base64 that `bytes` alone decide when `phase` bytes stand before them.
fn base64(bytes: &[u8], phase: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let first = (6 - phase * 8 % 6) % 6;
    (first..)
        .step_by(6)
        .take_while(|at| at + 6 <= bytes.len() * 8)
        .map(|at| {
            let value = (at..at + 6).fold(0, |value, at| value << 1 | bit(at));
            ALPHABET[usize::from(value)]
        })
        .collect()
}

impl Anchors {
    /// Words that stand in many objects, to compare ways of sweeping.
    fn common() -> Self {
        Self(AhoCorasick::new(["secret", "password", "http://", "tbd", "XXX"]).expect("few anchors"))
    }
}

/// Sweeps in delta space and whole, and compares what was found.
fn check(repository: &Path, threads: usize) {
    let database = Database::of(&git::open(repository).expect("a repository").to_thread_local());
    let searcher = Anchors::common();
    let delta = git::sweep(&database, &searcher, &SweepOptions { threads, ..Default::default() });
    let whole =
        git::sweep(&database, &searcher, &SweepOptions { threads, whole: true, ..Default::default() });
    let hits: usize = delta.found.iter().map(|found| found.hits.len()).sum();
    println!(
        "{}: {hits} hits in {} of {} objects",
        repository.display(),
        delta.found.len(),
        delta.counts.total().objects
    );
    assert!(delta.found == whole.found, "delta space found something else");
    assert_eq!((delta.counts, delta.skipped), (whole.counts, whole.skipped));
}

impl Searcher for Anchors {
    type Hit = u32;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest(&self) -> usize {
        300
    }

    fn margin(&self) -> usize {
        150
    }

    fn search(
        &self,
        _: ObjectKind,
        bytes: &[u8],
        (): &mut (),
        anchor: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, u32),
    ) {
        for hit in self.0.find_iter(bytes) {
            anchor(hit.start());
            found(hit.range(), hit.pattern().as_u32());
        }
    }

    fn longest_keyword(&self) -> Option<usize> {
        Some(self.0.max_pattern_len())
    }

    fn keywords(&self, _: ObjectKind, bytes: &[u8], _: bool, anchor: &mut dyn FnMut(usize)) {
        self.0.find_overlapping_iter(bytes).for_each(|hit| anchor(hit.start()));
    }
}

struct Arguments {
    threads: usize,
    rounds: usize,
    whole: bool,
    git: bool,
    floor: bool,
    check: bool,
    repositories: Vec<PathBuf>,
}

fn arguments() -> Arguments {
    let mut parsed = Arguments {
        threads: 2,
        rounds: 5,
        whole: false,
        git: true,
        floor: true,
        check: false,
        repositories: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    let number =
        |arguments: &mut dyn Iterator<Item = String>| arguments.next().and_then(|text| text.parse().ok());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => parsed.threads = number(&mut arguments).unwrap_or(2),
            "--rounds" => parsed.rounds = number(&mut arguments).unwrap_or(5),
            "--whole" => parsed.whole = true,
            "--no-git" => parsed.git = false,
            "--no-floor" => parsed.floor = false,
            "--check" => parsed.check = true,
            "--bench" => {}
            path => parsed.repositories.push(path.into()),
        }
    }
    parsed
}

/// The shortest of several measurements, in seconds: what else the machine does only ever adds.
fn shortest(rounds: usize, mut run: impl FnMut()) -> f64 {
    let seconds = (0..rounds.max(1)).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn git_cat_file(repository: &Path) {
    let status = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"])
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("git runs").success(), "git cat-file failed");
}

fn main() {
    let arguments = arguments();
    let searcher = Anchors::new();
    for repository in &arguments.repositories {
        if arguments.check {
            check(repository, arguments.threads);
            continue;
        }
        let opened = git::open(repository).expect("a repository").to_thread_local();
        let database = Database::of(&opened);
        let options =
            SweepOptions { threads: arguments.threads, whole: arguments.whole, ..Default::default() };
        let mut outcome = git::sweep(&database, &searcher, &options);
        let seconds = shortest(arguments.rounds, || outcome = git::sweep(&database, &searcher, &options));
        let total = outcome.counts.total();
        let hits: usize = outcome.found.iter().map(|found| found.hits.len()).sum();
        println!("{}", repository.display());
        println!(
            "  {} objects, {:.2} GB, {:.2} GB searched, {hits} hits in {} objects, {} skipped",
            total.objects,
            total.bytes as f64 / 1e9,
            outcome.searched as f64 / 1e9,
            outcome.found.len(),
            outcome.skipped.len()
        );
        print!("  sweep {seconds:.3} s");
        if arguments.floor {
            let floor = shortest(arguments.rounds, || {
                git::inflate_all_entries(&database, arguments.threads);
            });
            print!(", inflate floor {floor:.3} s ({:.2} times)", seconds / floor);
        }
        if arguments.git {
            let git = shortest(arguments.rounds.min(3), || git_cat_file(repository));
            print!(", git cat-file {git:.3} s ({:.3} of it)", seconds / git);
        }
        println!();
    }
}
