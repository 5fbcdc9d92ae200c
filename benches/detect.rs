//! Measures the detector alone, in bytes per second, on text with few and with many keywords and keys, and on hostile text.
//!
//! `cargo bench --bench detect [-- [--once] [NAME...]]` runs the cases whose names contain one of the NAMEs; `--once`
//! runs each once. The last column compares with `memmem` searching for the marker alone in the same bytes.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured, or fails")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use friskey::detect::{Detector, Stream};
use friskey::rules::{MARKER, RuleSet, expand_template};

/// Size of a text with few candidates, in bytes: more than fits into the caches of a core.
const LARGE: usize = 32 << 20;

/// Size of a text full of candidates, in bytes: what a stream searches at once.
const SMALL: usize = 1 << 20;

/// How long each case runs. The fastest round counts, because disturbances only ever add time.
const DURATION: Duration = Duration::from_millis(1500);

/// A kind of text.
struct Case {
    name: &'static str,
    size: usize,
    /// Templates that the text repeats, with different random characters each time.
    templates: &'static [&'static str],
}

const CASES: &[Case] = &[
    // No rule applies.
    Case {
        name: "code",
        size: LARGE,
        templates: &[
            "    let {lower:6} = {lower:4}.{lower:9}({digit:2}, \"{lower:7}\");{nl}",
            "}{nl}{nl}fn {lower:8}() {{nl}",
        ],
    },
    Case { name: "base64", size: LARGE, templates: &["{base64:76}{nl}"] },
    Case {
        name: "minified",
        size: LARGE,
        templates: &["function({lower:1},{lower:1}){return {lower:1}[{digit:3}]||{hex:8}};"],
    },
    // Keywords without keys.
    Case {
        name: "sk-words",
        size: LARGE,
        templates: &[
            "<div class=\"sk-folding-cube sk-estimator-{digit:3}\">{nl}",
            "git checkout task-{hex:8}{nl}",
        ],
    },
    Case { name: "bare-markers", size: LARGE, templates: &["{base64url:60} {marker} {lower:30}{nl}"] },
    // Look-alikes, which run every check, and keys.
    Case {
        name: "look-alikes",
        size: SMALL,
        templates: &["OTHER_API_KEY=sk-{hex:48} # {lower:40}{nl}", "key: sk-{base62:48}{nl}"],
    },
    Case {
        name: "keys",
        size: SMALL,
        templates: &["OPENAI_API_KEY=sk-proj-{base64url:74}{marker}{base64url:72}{zero}{nl}{lower:120}{nl}"],
    },
    // Crafted to slow down a scan.
    Case { name: "hostile-prefixes", size: SMALL, templates: &["{repeat:sk-:40}{marker}"] },
    Case { name: "hostile-base64", size: SMALL, templates: &["{repeat:c2st:300}", "{repeat:NrL:300}"] },
    Case { name: "hostile-hex", size: SMALL, templates: &["{repeat:736b2d:300}{nl}"] },
    Case { name: "hostile-array", size: SMALL, templates: &["{repeat:0x73,:300}{nl}"] },
    Case { name: "hostile-utf-16", size: SMALL, templates: &["{repeat:s\0k\0-\0:300}"] },
    Case { name: "hostile-escapes", size: SMALL, templates: &["{repeat:\\x73\\x6b\\x2d:60}{nl}"] },
    Case { name: "hostile-seams", size: SMALL, templates: &["{repeat:sk-aB3:40}\" \""] },
    Case { name: "hostile-markers", size: SMALL, templates: &["sk-{base62:20}{marker}{marker}{marker}"] },
];

fn text(templates: &[&str], size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 1024);
    let mut seed = 0;
    // Expand a mebibyte, and repeat it.
    while text.len() < 1 << 20 {
        for template in templates {
            text.extend(expand_template(template, seed).text);
        }
        seed += 1;
    }
    let unit = text.clone();
    while text.len() < size {
        text.extend_from_slice(&unit);
    }
    text.truncate(size);
    text
}

/// Runs `work` on `size` bytes for `duration`. Returns the bytes per second of the fastest round, and what `work` returned.
fn measure(size: usize, duration: Duration, mut work: impl FnMut() -> usize) -> (f64, usize) {
    let start = Instant::now();
    let mut shortest = f64::INFINITY;
    let mut matches = 0;
    while start.elapsed() < duration || shortest.is_infinite() {
        let round_start = Instant::now();
        matches = black_box(work());
        shortest = shortest.min(round_start.elapsed().as_secs_f64());
    }
    (f64::from(u32::try_from(size).unwrap()) / shortest, matches)
}

fn main() {
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let duration = if options.iter().any(|option| option == "--once") { Duration::ZERO } else { DURATION };
    let started = Instant::now();
    let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
    println!("rules read and detector built in {:.2} ms", started.elapsed().as_secs_f64() * 1e3);
    println!("{:18}{:>12}{:>12}{:>10}{:>14}", "text", "find MB/s", "stream MB/s", "matches", "memmem/find");
    for Case { name, size, templates } in CASES {
        if !names.is_empty() && !names.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let text = text(templates, *size);
        let (find_speed, matches) = measure(text.len(), duration, || {
            let mut matches = 0;
            detector.find(&text, |_| matches += 1);
            matches
        });
        let mut stream = Stream::default();
        let (stream_speed, _) = measure(text.len(), duration, || {
            let mut matches = 0;
            stream.search(&detector, &mut text.as_slice(), |_, _| matches += 1).unwrap();
            matches
        });
        let finder = memchr::memmem::Finder::new(MARKER);
        let (memmem_speed, _) = measure(text.len(), duration, || finder.find_iter(&text).count());
        println!(
            "{name:18}{:>12.1}{:>12.1}{matches:>10}{:>14.1}",
            find_speed / 1e6,
            stream_speed / 1e6,
            memmem_speed / find_speed
        );
    }
}
