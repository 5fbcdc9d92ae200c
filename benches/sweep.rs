//! Measures the sweep over a repository's objects with the built-in rules, and for comparison two other programs: one that
//! only inflates every pack entry once, which no sweep can avoid, and `git cat-file --batch-all-objects`.
//!
//! `cargo bench --bench sweep -- [--threads N] [--rounds N] [--once] [--whole] [--check] [--no-git] [--no-inflate]
//! [REPOSITORY...]`
//!
//! `--check` compares the matches of sweeps in delta space and of whole objects instead of measuring. `--whole` measures
//! sweeps of whole objects. `--no-git` and `--no-inflate` omit a comparison. `--once` is `--rounds 1`. The default
//! repository is friskey's own.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use friskey::detect::{Detector, EffortReserve, Match};
use friskey::git::{self, ObjectDatabase, ObjectKind, Searcher, SweepOptions, testing};
use friskey::rules::RuleSet;

/// The detector without the recognition of containers, which `friskey history` adds.
struct DetectorSearch(Detector);

impl Searcher for DetectorSearch {
    /// The fingerprint of the key.
    type Match = String;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        self.0.max_match_len()
    }

    fn margin(&self) -> usize {
        self.0.margin()
    }

    fn search(
        &self,
        _: ObjectKind,
        bytes: &[u8],
        (): &mut (),
        keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, String),
    ) {
        let report_match = |one: Match| found(one.span, one.detected_key.fingerprint.to_string());
        let report_keyword = |at| {
            keyword(at);
            true
        };
        let _ = self.0.find_with_keywords(bytes, &mut EffortReserve::default(), report_keyword, report_match);
    }

    fn longest_keyword(&self) -> Option<usize> {
        Some(self.0.max_keyword_len())
    }

    fn keywords(&self, _: ObjectKind, bytes: &[u8], _: bool, keyword: &mut dyn FnMut(usize)) {
        self.0.keywords(bytes, keyword);
    }
}

/// Finds words that occur in many objects, so that a comparison of two ways to sweep covers many matches.
struct CommonWords;

impl Searcher for CommonWords {
    type Match = ();
    type Scratch = ();

    fn scratch(&self) {}

    fn longest_match(&self) -> usize {
        3
    }

    fn margin(&self) -> usize {
        150
    }

    fn search(
        &self,
        kind: ObjectKind,
        bytes: &[u8],
        (): &mut (),
        keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, ()),
    ) {
        self.keywords(kind, bytes, true, &mut |at| {
            keyword(at);
            found(at..at + 3, ());
        });
    }

    fn longest_keyword(&self) -> Option<usize> {
        Some(3)
    }

    fn keywords(&self, _: ObjectKind, bytes: &[u8], _: bool, keyword: &mut dyn FnMut(usize)) {
        memchr::memmem::find_iter(bytes, "key").for_each(keyword);
    }
}

struct Arguments {
    threads: usize,
    rounds: usize,
    /// Whether to sweep whole objects rather than in delta space.
    whole: bool,
    /// Whether to compare matches instead of measuring.
    check: bool,
    measures_git: bool,
    measures_inflate: bool,
    repositories: Vec<PathBuf>,
}

impl Arguments {
    fn parse() -> Self {
        let mut parsed = Self {
            threads: 2,
            rounds: 5,
            whole: false,
            check: false,
            measures_git: true,
            measures_inflate: true,
            repositories: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|text| text.parse().ok()).expect("a number after the option");
            match argument.as_str() {
                "--threads" => parsed.threads = number(),
                "--rounds" => parsed.rounds = number(),
                "--once" => parsed.rounds = 1,
                "--whole" => parsed.whole = true,
                "--check" => parsed.check = true,
                "--no-git" => parsed.measures_git = false,
                "--no-inflate" => parsed.measures_inflate = false,
                // Cargo passes it to every bench.
                "--bench" => {}
                option if option.starts_with('-') => panic!("unknown option {option}"),
                path => parsed.repositories.push(path.into()),
            }
        }
        if parsed.repositories.is_empty() {
            parsed.repositories.push(env!("CARGO_MANIFEST_DIR").into());
        }
        parsed
    }
}

/// Compares a sweep in delta space with a sweep of whole objects.
fn check<S: Searcher<Match: std::fmt::Debug>>(database: &ObjectDatabase, searcher: &S, threads: usize) {
    let delta = git::sweep(database, searcher, &SweepOptions { threads, ..Default::default() });
    let whole =
        git::sweep(database, searcher, &SweepOptions { threads, full_objects: true, ..Default::default() });
    let matches: usize = delta.found.iter().map(|object| object.matches.len()).sum();
    println!("  {matches} matches in {} of {} objects", delta.found.len(), delta.counts.total().objects);
    assert!(delta.found == whole.found, "the sweeps found different matches");
    assert_eq!((delta.counts, delta.skipped), (whole.counts, whole.skipped));
}

/// Runs `work` once to fill caches, then `rounds` times. Returns the shortest time in seconds, because disturbances
/// only ever add time.
fn shortest(rounds: usize, mut work: impl FnMut()) -> f64 {
    work();
    let seconds = (0..rounds.max(1)).map(|_| {
        let start = Instant::now();
        work();
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
    assert!(status.expect("git starts").success(), "git cat-file failed");
}

fn measure(repository: &Path, database: &ObjectDatabase, searcher: &DetectorSearch, arguments: &Arguments) {
    let Arguments { threads, rounds, whole, .. } = *arguments;
    let options = SweepOptions { threads, full_objects: whole, ..Default::default() };
    let mut outcome = None;
    let sweep = shortest(rounds, || outcome = Some(git::sweep(database, searcher, &options)));
    let outcome = outcome.expect("at least one round");
    let total = outcome.counts.total();
    println!(
        "  {} objects of {:.1} MB, {:.1} MB searched, {} of them with keys, {} skipped",
        total.objects,
        total.bytes as f64 / 1e6,
        outcome.bytes_searched as f64 / 1e6,
        outcome.found.len(),
        outcome.skipped.len()
    );
    println!("  sweep {sweep:.3} s");
    if arguments.measures_inflate {
        let inflate = shortest(rounds, || {
            testing::inflate_all_entries(database, threads);
        });
        println!("  inflating every entry {inflate:.3} s, sweep takes {:.2} times as long", sweep / inflate);
    }
    if arguments.measures_git {
        let git = shortest(rounds.min(3), || git_cat_file(repository));
        println!("  git cat-file {git:.3} s, sweep takes {:.2} times as long", sweep / git);
    }
}

fn main() {
    let arguments = Arguments::parse();
    let rules = RuleSet::built_in().expect("the built-in rules are valid");
    let searcher = DetectorSearch(Detector::new(&rules).expect("the built-in rules compile"));
    for repository in &arguments.repositories {
        println!("{}", repository.display());
        let opened = git::open(repository).expect("a repository").to_thread_local();
        let database = ObjectDatabase::from_repo(&opened);
        if arguments.check {
            check(&database, &searcher, arguments.threads);
            check(&database, &CommonWords, arguments.threads);
        } else {
            measure(repository, &database, &searcher, &arguments);
        }
    }
}
