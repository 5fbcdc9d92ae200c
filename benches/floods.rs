//! Measures the detector on floods: text made to slow it down. Prints the slowest of them, in bytes per second.
//!
//! `cargo bench --bench floods [-- [--once] [--every N] [NAME...]]` searches those whose names contain all of the
//! NAMEs, of the others only every Nth; `--once` searches a few. `--write DIR` writes some of 4 MiB each to files, to
//! be scanned by the whole program. The last columns are the steps that `src/detect/effort.rs` counts, and how long
//! one takes.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured, or fails")]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/kit/floods.rs"]
mod floods;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use friskey::detect::{Detector, PassedOver, steps};
use friskey::rules::RuleSet;

/// Bytes of each flood: what a stream searches at once.
const SIZE: usize = 1 << 20;

/// How many are printed.
const SHOWN: usize = 40;

/// Bounds of the table that counts them, in megabytes per second.
const BOUNDS: [f64; 6] = [1.0, 5.0, 10.0, 20.0, 50.0, 100.0];

struct Row {
    name: String,
    /// In megabytes per second.
    speed: f64,
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
        match self {
            Self::Thread(begun) => {
                Duration::from_nanos(thread_nanoseconds().unwrap_or(*begun) - begun).as_secs_f64()
            }
            Self::Clock(begun) => begun.elapsed().as_secs_f64(),
        }
    }
}

/// The time for which this thread has run, in nanoseconds, as Linux counts it.
fn thread_nanoseconds() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn measure(detector: &Detector, name: String, text: &[u8]) -> Row {
    let (mut matches, mut passed_over) = (0, PassedOver::default());
    let mut seconds = f64::INFINITY;
    let mut taken = 0;
    // Disturbances only ever add time.
    for _ in 0..2 {
        matches = 0;
        let begun = CpuTime::now();
        taken = steps(|| passed_over = detector.find_with_keywords(text, |_| true, |_| matches += 1));
        seconds = seconds.min(begun.seconds_since());
    }
    let size = f64::from(u32::try_from(text.len()).unwrap());
    let taken = f64::from(u32::try_from(taken).unwrap());
    Row {
        name,
        speed: size / 1e6 / seconds,
        matches,
        is_passed_over: !passed_over.is_empty(),
        steps_per_byte: taken / size,
        nanoseconds_per_step: seconds * 1e9 / taken.max(1.0),
    }
}

fn write(dir: &Path) {
    for (index, flood) in floods::some().iter().enumerate() {
        let path = dir.join(format!("{index:02}.txt"));
        fs::write(&path, flood.text(4 * SIZE)).unwrap();
        println!("{}: {}", path.display(), flood.name());
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut every, mut names) = (61, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => every = 40_009,
            "--write" => return write(Path::new(&arguments.next().unwrap())),
            "--every" => every = arguments.next().unwrap().parse().unwrap(),
            _ if argument.starts_with('-') => {}
            _ => names.push(argument),
        }
    }
    let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
    let named =
        floods::all().into_iter().filter(|flood| names.iter().all(|name| flood.name().contains(name)));
    let mut rows: Vec<Row> =
        named.step_by(every).map(|flood| measure(&detector, flood.name(), &flood.text(SIZE))).collect();
    rows.sort_by(|one, other| one.speed.total_cmp(&other.speed));
    println!("{} floods of 1 MiB", rows.len());
    for bound in BOUNDS {
        println!("below {bound:>5} MB/s: {}", rows.iter().filter(|row| row.speed < bound).count());
    }
    println!("{:>9}{:>9}{:>8}{:>8}{:>9}  flood", "MB/s", "matches", "passed", "steps/B", "ns/step");
    for row in rows.iter().take(SHOWN) {
        let Row { name, speed, matches, is_passed_over, steps_per_byte, nanoseconds_per_step } = row;
        let passed = if *is_passed_over { "yes" } else { "" };
        println!(
            "{speed:>9.1}{matches:>9}{passed:>8}{steps_per_byte:>8.1}{nanoseconds_per_step:>9.1}  {name}"
        );
    }
}
