//! `friskey scan`.

use std::path::Path;

use anyhow::Result;

use super::args::{Global, Scan};
use super::exit::Exit;
use super::interrupt::stop_flag;
use super::output::Outputs;
use super::rules::detector;
use crate::scan::{Settings, Tree, scan_tree};
use crate::source::FileOptions;

pub(super) fn run(scan: &Scan, global: &Global) -> Result<Exit> {
    let (rules, detector) = detector(global)?;
    let outputs = Outputs::open(&scan.reporting, global)?;
    let stop = stop_flag();
    let settings = Settings {
        detector: &detector,
        rules_digest: rules.digest(),
        min_confidence: scan.reporting.min_confidence,
        policy: &crate::suppress::Policy::default(),
        stop: &stop,
    };
    let is_stdin = |path: &&std::path::PathBuf| path.as_path() == Path::new("-");
    let tree = Tree {
        files: FileOptions {
            paths: scan.paths.iter().filter(|path| !is_stdin(path)).cloned().collect(),
            no_ignore: scan.no_ignore,
            exclude: scan.exclude.clone(),
            threads: threads(scan.reporting.threads),
        },
        stdin: scan.paths.iter().any(|path| is_stdin(&path)),
    };
    let report = scan_tree(&settings, &tree)?;
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// One for each processor, when the user does not say.
pub(super) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        asked => asked,
    }
}
