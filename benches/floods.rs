//! Measures the detector on floods: text made to slow it down. Prints the slowest of them, in bytes per second.
//!
//! `cargo bench --bench floods [-- [--once] [--every N] [--page FILE] [NAME...]]` searches those whose names contain all
//! of the NAMEs, of the others only every Nth; `--once` searches a few. The last columns are the steps that
//! `src/detect/effort.rs` counts, and how long one takes. `--page` also writes the page `docs/floods.md`. `--write DIR`
//! writes some of 4 MiB each to files, to be scanned by the whole program.
//!
//! The machine's own speed varies with what else runs on it. So the time of SHA-256 over the same text, taken before and
//! after each search, corrects the speed: it is the one that the search would have at the best speed of SHA-256.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured, or fails")]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/kit/floods.rs"]
mod floods;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use friskey::detect::{Detector, PassedOver, steps};
use friskey::rules::RuleSet;
use sha2::{Digest, Sha256};

/// Bytes of each flood: what a stream searches at once.
const SIZE: usize = 1 << 20;

/// How many are printed.
const SHOWN: usize = 40;

/// How many spellings the page shows.
const SHOWN_SPELLINGS: usize = 20;

/// Searches of each flood, and how many more if it seems slower than this, in megabytes per second.
const ROUNDS: usize = 3;
const MORE_ROUNDS: usize = 4;
const SLOW: f64 = 30.0;

/// Digests that are timed together: the system counts the time of a thread in milliseconds.
const DIGESTS: u32 = 16;

/// Shorter times cannot be told apart, in seconds.
const SHORTEST: f64 = 1e-3;

/// Bounds of the table that counts them, in megabytes per second.
const BOUNDS: [f64; 6] = [1.0, 5.0, 10.0, 20.0, 50.0, 100.0];

struct Row {
    name: String,
    spelling: &'static str,
    /// In megabytes per second, as measured.
    raw_speed: f64,
    /// The same relative to that of SHA-256 at the time, and in the end at the best speed of SHA-256.
    speed: f64,
    sha256: f64,
    matches: usize,
    is_passed_over: bool,
    steps_per_byte: f64,
    nanoseconds_per_step: f64,
}

/// A moment in the time for which this thread has run: what other programs take does not count. Where the system does
/// not say, a moment on the clock.
enum CpuTime {
    Thread(u64),
    Clock(Instant),
}

impl CpuTime {
    fn now() -> Self {
        thread_nanoseconds().map_or_else(|| Self::Clock(Instant::now()), Self::Thread)
    }

    fn seconds_since(&self) -> f64 {
        let elapsed = match self {
            Self::Thread(begun) => Duration::from_nanos(thread_nanoseconds().unwrap_or(*begun) - begun),
            Self::Clock(begun) => begun.elapsed(),
        };
        elapsed.as_secs_f64().max(SHORTEST)
    }
}

/// The time for which this thread has run, in nanoseconds, as Linux counts it.
fn thread_nanoseconds() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// The speed of SHA-256, in bytes per second.
fn sha256_speed(text: &[u8]) -> f64 {
    let begun = CpuTime::now();
    for _ in 0..DIGESTS {
        black_box(Sha256::digest(black_box(text)));
    }
    f64::from(DIGESTS) * bytes(text) / begun.seconds_since()
}

fn bytes(text: &[u8]) -> f64 {
    f64::from(u32::try_from(text.len()).unwrap())
}

fn measure(detector: &Detector, flood: &floods::Flood) -> Row {
    let text = flood.text(SIZE);
    let (mut matches, mut passed_over) = (0, PassedOver::default());
    let (mut seconds, mut sha256) = (f64::INFINITY, 0_f64);
    let mut ratios = Vec::new();
    let mut taken = 0;
    let mut round = 0;
    while round < ROUNDS || (round < ROUNDS + MORE_ROUNDS && bytes(&text) / 1e6 / seconds < SLOW) {
        matches = 0;
        let before = sha256_speed(&text);
        let begun = CpuTime::now();
        taken = steps(|| passed_over = detector.find_with_keywords(&text, |_| true, |_| matches += 1));
        let elapsed = begun.seconds_since();
        let after = sha256_speed(&text);
        seconds = seconds.min(elapsed);
        ratios.push(bytes(&text) / elapsed / f64::midpoint(before, after));
        sha256 = sha256.max(before).max(after);
        round += 1;
    }
    ratios.sort_by(f64::total_cmp);
    let taken = f64::from(u32::try_from(taken).unwrap());
    Row {
        name: flood.name(),
        spelling: flood.spelling(),
        raw_speed: bytes(&text) / 1e6 / seconds,
        speed: ratios[ratios.len() / 2],
        sha256,
        matches,
        is_passed_over: !passed_over.is_empty(),
        steps_per_byte: taken / bytes(&text),
        nanoseconds_per_step: seconds * 1e9 / taken.max(1.0),
    }
}

/// The page about the slowest flood of each spelling; the slowest rows come first. They are every so many of `all`.
fn page(rows: &[Row], sha256: f64, (every, all): (usize, usize)) -> String {
    let mut page = format!(
        "# Hostile text\n\n\
         How fast friskey searches *floods*: text made to slow it down. It repeats what keys begin with, in every spelling that\n\
         friskey decodes, with anything in between that a key may contain. `cargo bench --bench floods -- --every {every} --page\n\
         docs/floods.md` wrote this page: it searches one of {every} of {all} floods.\n\n\
         Each of the {} floods is 1 MiB, searched by one thread. Text that would take too long to decode is passed over, which\n\
         the report of a scan mentions as a skip (status 3). Speeds are in CPU time. To compare them on a busy machine, the\n\
         bench times SHA-256 before and after each search, and corrects the speed of the search to the fastest SHA-256 of the\n\
         run, {:.0} MB/s.\n\n\
         | slower than | floods |\n|--:|--:|\n",
        rows.len(),
        sha256 / 1e6
    );
    for bound in BOUNDS {
        let count = rows.iter().filter(|row| row.speed < bound).count();
        let _ = writeln!(page, "| {bound} MB/s | {count} |");
    }
    let _ = write!(page, "\nThe slowest flood of each of the {SHOWN_SPELLINGS} slowest spellings:\n\n");
    page.push_str(
        "| spelling | MB/s | passed over | repeated, in between, times in a group, between groups |\n|---|--:|---|---|\n",
    );
    let mut seen = HashSet::new();
    let worst = rows.iter().filter(|row| seen.insert(row.spelling)).take(SHOWN_SPELLINGS);
    for Row { name, spelling, speed, is_passed_over, .. } in worst {
        let passed = if *is_passed_over { "yes" } else { "no" };
        let name = name.replacen(&format!(" {spelling} "), " ", 1).replace('|', "\\|");
        let _ = writeln!(page, "| {spelling} | {speed:.1} | {passed} | `` {name} `` |");
    }
    page
}

fn write(dir: &Path) {
    for (index, flood) in floods::sample().iter().enumerate() {
        let path = dir.join(format!("{index:02}.txt"));
        fs::write(&path, flood.text(4 * SIZE)).unwrap();
        println!("{}: {}", path.display(), flood.name());
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut every, mut names, mut page_file) = (61, Vec::new(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => every = 40_009,
            "--write" => return write(Path::new(&arguments.next().unwrap())),
            "--every" => every = arguments.next().unwrap().parse().unwrap(),
            "--page" => page_file = arguments.next(),
            _ if argument.starts_with('-') => {}
            _ => names.push(argument),
        }
    }
    let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
    let all = floods::all();
    let count = all.len();
    let named = all.into_iter().filter(|flood| names.iter().all(|name| flood.name().contains(name)));
    let mut rows: Vec<Row> = named.step_by(every).map(|flood| measure(&detector, &flood)).collect();
    let sha256 = rows.iter().map(|row| row.sha256).fold(0.0, f64::max);
    rows.iter_mut().for_each(|row| row.speed *= sha256 / 1e6);
    rows.sort_by(|one, other| one.speed.total_cmp(&other.speed));
    println!("{} floods of 1 MiB; SHA-256: {:.0} MB/s", rows.len(), sha256 / 1e6);
    for bound in BOUNDS {
        println!("below {bound:>5} MB/s: {}", rows.iter().filter(|row| row.speed < bound).count());
    }
    println!(
        "{:>9}{:>9}{:>9}{:>8}{:>9}{:>9}  flood",
        "MB/s", "raw", "matches", "passed", "steps/B", "ns/step"
    );
    for row in rows.iter().take(SHOWN) {
        let Row { name, speed, raw_speed, matches, is_passed_over, .. } = row;
        let Row { steps_per_byte, nanoseconds_per_step, .. } = row;
        let passed = if *is_passed_over { "yes" } else { "" };
        println!(
            "{speed:>9.1}{raw_speed:>9.1}{matches:>9}{passed:>8}{steps_per_byte:>8.1}{nanoseconds_per_step:>9.1}  {name}"
        );
    }
    if let Some(file) = page_file {
        fs::write(file, page(&rows, sha256, (every, count))).unwrap();
    }
}
