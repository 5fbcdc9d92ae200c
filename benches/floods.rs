//! Measures the detector on floods: text made to slow it down. Prints the slowest of them, in bytes per second.
//!
//! `cargo bench --bench floods [-- [--once] [--every N] [--page FILE] [NAME...]]` searches every Nth of the floods whose names
//! contain all of the NAMEs; `--once` searches a few. The last columns are the steps per byte that `src/detect/effort.rs` counts,
//! and the time of one. `--page` also writes the first section of the page `docs/floods.md`. `--write DIR` measures nothing; it
//! writes the sample of floods to files of 4 MiB each, to be scanned by the whole program. `--write-short DIR` writes
//! [short texts](SHORT_FLOODS) to directories of 20,000 files.
//!
//! The speed of the machine varies with other load. To correct for that, the bench measures the speed of SHA-256 on the same text
//! before and after each search, and prints the speed that the search would have if SHA-256 ran at its best speed.

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

use friskey::detect::{Detector, EffortReserve, PassedOver, steps};
use friskey::rules::RuleSet;
use sha2::{Digest, Sha256};

/// Bytes of each flood: what a stream searches at once.
const SIZE: usize = 1 << 20;

/// The number of floods that are printed, the slowest first.
const PRINTED_ROWS: usize = 40;

/// The number of spellings on the page, the slowest first.
const PAGE_SPELLINGS: usize = 20;

/// The number of searches of each flood, and how many follow if all were slower than `SLOW` megabytes per second.
const ROUNDS: usize = 3;
const MORE_ROUNDS: usize = 4;
const SLOW: f64 = 30.0;

/// The number of digests that are timed together, because the system updates the time of a thread only every few milliseconds.
const DIGESTS: u32 = 16;

/// The shortest time that is measured, in seconds.
const MIN_SECONDS: f64 = 1e-3;

/// The speeds in megabytes per second for which the table counts slower floods.
const SPEED_LIMITS: [f64; 6] = [1.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// The floods of which short texts take the most steps, one for each of ten spellings, as [`Flood::name`](floods::Flood::name)
/// returns them.
const SHORT_FLOODS: [&str; 10] = [
    r#""{base62:16}{marker}" "\\\" \\\"" ×12 hyphens escaped """#,
    r#""{base62:16}{marker}" "" ×1 plain "\\\" \\\"""#,
    r#""{base62:16}{marker}" "" ×1 base64 wrapped "\"\"\"\"\"\"\"\"""#,
    r#""sk-{base62:20}{marker}" "" ×1 base64 +1 "\"\"\"\"\"\"\"\"""#,
    r#""sk-{marker}" "" ×1 base64 +2 "\" +\n\"""#,
    r#""{base62:16}{marker}" "&quot; + &quot;" ×12 base64 """#,
    r#""task-" "" ×1 base64 of utf-16 "\" +\n\"""#,
    r#""sk-proj-" "" ×1 base64 twice "\" /* x */ \"""#,
    r#""sk-{base62:20}{marker}" "" ×1 hex "\n""#,
    r#""sk-" "\n-" ×12 utf-16le "\n""#,
];

/// The number of short texts of each flood, and the bytes of each.
const SHORT_COUNT: usize = 20_000;
const SHORT_LEN: usize = 1300;

/// What was measured of a flood.
struct Row {
    name: String,
    spelling: &'static str,
    /// In megabytes per second, as measured.
    raw_speed: f64,
    /// First relative to the speed of SHA-256 at the time; `main` multiplies it with the best speed of SHA-256, in megabytes per
    /// second.
    speed: f64,
    /// The best speed of SHA-256 during this measurement, in bytes per second.
    sha256_speed: f64,
    matches: usize,
    is_passed_over: bool,
    steps_per_byte: f64,
    nanoseconds_per_step: f64,
}

/// A point in the CPU time of this thread, which other programs do not affect. Where the system does not provide it, a point in
/// wall time.
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
            Self::Thread(start) => Duration::from_nanos(thread_nanoseconds().unwrap_or(*start) - start),
            Self::Clock(start) => start.elapsed(),
        };
        elapsed.as_secs_f64().max(MIN_SECONDS)
    }
}

/// The CPU time of this thread in nanoseconds; `None` outside Linux.
fn thread_nanoseconds() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// The speed of SHA-256 on `text`, in bytes per second.
fn measure_sha256(text: &[u8]) -> f64 {
    let start = CpuTime::now();
    for _ in 0..DIGESTS {
        black_box(Sha256::digest(black_box(text)));
    }
    f64::from(DIGESTS) * len(text) / start.seconds_since()
}

fn len(text: &[u8]) -> f64 {
    f64::from(u32::try_from(text.len()).unwrap())
}

fn measure(detector: &Detector, flood: &floods::Flood) -> Row {
    let text = flood.text(SIZE);
    let (mut matches, mut passed_over) = (0, PassedOver::default());
    let (mut seconds, mut sha256_speed) = (f64::INFINITY, 0_f64);
    let mut ratios = Vec::new();
    let mut step_count = 0;
    let mut round = 0;
    while round < ROUNDS || (round < ROUNDS + MORE_ROUNDS && len(&text) / 1e6 / seconds < SLOW) {
        matches = 0;
        let before = measure_sha256(&text);
        let start = CpuTime::now();
        step_count = steps(|| {
            passed_over =
                detector.find_with_keywords(&text, &mut EffortReserve::default(), |_| true, |_| matches += 1)
        });
        let elapsed = start.seconds_since();
        let after = measure_sha256(&text);
        seconds = seconds.min(elapsed);
        ratios.push(len(&text) / elapsed / f64::midpoint(before, after));
        sha256_speed = sha256_speed.max(before).max(after);
        round += 1;
    }
    ratios.sort_by(f64::total_cmp);
    let step_count = f64::from(u32::try_from(step_count).unwrap());
    Row {
        name: flood.name(),
        spelling: flood.spelling(),
        raw_speed: len(&text) / 1e6 / seconds,
        speed: ratios[ratios.len() / 2],
        sha256_speed,
        matches,
        is_passed_over: !passed_over.is_empty(),
        steps_per_byte: step_count / len(&text),
        nanoseconds_per_step: seconds * 1e9 / step_count.max(1.0),
    }
}

/// The page about the slowest flood of each spelling. `rows` are sorted, the slowest first, and one of `every` of `all` floods.
/// `sha256_speed` is in bytes per second.
fn page(rows: &[Row], sha256_speed: f64, (every, all): (usize, usize)) -> String {
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
        sha256_speed / 1e6
    );
    for limit in SPEED_LIMITS {
        let count = rows.iter().filter(|row| row.speed < limit).count();
        let _ = writeln!(page, "| {limit} MB/s | {count} |");
    }
    let _ = write!(page, "\nThe slowest flood of each of the {PAGE_SPELLINGS} slowest spellings:\n\n");
    page.push_str(
        "| spelling | MB/s | passed over | repeated, in between, times in a group, between groups |\n|---|--:|---|---|\n",
    );
    let mut spellings = HashSet::new();
    let slowest = rows.iter().filter(|row| spellings.insert(row.spelling)).take(PAGE_SPELLINGS);
    for Row { name, spelling, speed, is_passed_over, .. } in slowest {
        let passed_over = if *is_passed_over { "yes" } else { "no" };
        let name = name.replacen(&format!(" {spelling} "), " ", 1).replace('|', "\\|");
        let _ = writeln!(page, "| {spelling} | {speed:.1} | {passed_over} | `` {name} `` |");
    }
    page
}

fn write_sample(dir: &Path) {
    for (index, flood) in floods::sample().iter().enumerate() {
        let path = dir.join(format!("{index:02}.txt"));
        fs::write(&path, flood.text(4 * SIZE)).unwrap();
        println!("{}: {}", path.display(), flood.name());
    }
}

/// Writes the short texts of each flood to a directory of their own. Each text ends with its number, so that no two are equal.
fn write_short(dir: &Path) {
    let all = floods::all();
    for (index, name) in SHORT_FLOODS.iter().enumerate() {
        let flood = all.iter().find(|flood| flood.name() == *name).unwrap();
        let text = flood.text(SHORT_COUNT * SHORT_LEN);
        for (number, part) in text.chunks_exact(SHORT_LEN).take(SHORT_COUNT).enumerate() {
            let end = format!("\n{number:05}\n");
            let parent = dir.join(format!("{index}/{:03}", number / 100));
            fs::create_dir_all(&parent).unwrap();
            let content = [&part[..SHORT_LEN - end.len()], end.as_bytes()].concat();
            fs::write(parent.join(format!("{number:05}.txt")), content).unwrap();
        }
        println!("{}: {name}", dir.join(index.to_string()).display());
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut every, mut names, mut page_file) = (61, Vec::new(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => every = 40_009,
            "--write" => return write_sample(Path::new(&arguments.next().unwrap())),
            "--write-short" => return write_short(Path::new(&arguments.next().unwrap())),
            "--every" => every = arguments.next().unwrap().parse().unwrap(),
            "--page" => page_file = arguments.next(),
            _ if argument.starts_with('-') => {}
            _ => names.push(argument),
        }
    }
    let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
    let all = floods::all();
    let count = all.len();
    let selected = all.into_iter().filter(|flood| names.iter().all(|name| flood.name().contains(name)));
    let mut rows: Vec<Row> = selected.step_by(every).map(|flood| measure(&detector, &flood)).collect();
    let sha256_speed = rows.iter().map(|row| row.sha256_speed).fold(0.0, f64::max);
    rows.iter_mut().for_each(|row| row.speed *= sha256_speed / 1e6);
    rows.sort_by(|one, other| one.speed.total_cmp(&other.speed));
    println!("{} floods of 1 MiB; SHA-256: {:.0} MB/s", rows.len(), sha256_speed / 1e6);
    for limit in SPEED_LIMITS {
        println!("below {limit:>5} MB/s: {}", rows.iter().filter(|row| row.speed < limit).count());
    }
    println!(
        "{:>9}{:>9}{:>9}{:>8}{:>9}{:>9}  flood",
        "MB/s", "raw", "matches", "passed", "steps/B", "ns/step"
    );
    for row in rows.iter().take(PRINTED_ROWS) {
        let Row { name, speed, raw_speed, matches, is_passed_over, .. } = row;
        let Row { steps_per_byte, nanoseconds_per_step, .. } = row;
        let passed_over = if *is_passed_over { "yes" } else { "" };
        println!(
            "{speed:>9.1}{raw_speed:>9.1}{matches:>9}{passed_over:>8}{steps_per_byte:>8.1}{nanoseconds_per_step:>9.1}  {name}"
        );
    }
    if let Some(file) = page_file {
        // The sections after the first were measured with the whole program.
        let old = fs::read_to_string(&file).unwrap_or_default();
        let rest = old.find("\n## ").map_or("", |at| &old[at..]);
        fs::write(file, page(&rows, sha256_speed, (every, count)) + rest).unwrap();
    }
}
