//! `friskey scan`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::args::{Files, Global, Scan};
use super::config::Config;
use super::exit::Exit;
use super::interrupt::stop_flag;
use super::limits::limits;
use super::options::{self, Extent};
use super::output::Outputs;
use super::rules::detector;
use crate::scan::{Settings, Tree, scan_tree};
use crate::source::{Excludes, FileOptions};

pub(super) fn run(scan: &Scan, global: &Global) -> Result<Exit> {
    let Scan { paths, files, accepting, reporting } = scan;
    let config = options::config(global)?;
    let (rules, detector) = detector(global, &config)?;
    let policy = options::policy(accepting, &config, extent(paths, files, &config))?;
    let outputs = Outputs::open(reporting, global)?;
    let stop = stop_flag();
    let settings = Settings {
        detector: &detector,
        rules_digest: rules.digest(),
        min_confidence: options::min_confidence(&reporting.sifting, &config)?,
        policy: &policy,
        only: None,
        limits: limits(&reporting.sifting.unpacking, &config.containers),
        stop: &stop,
    };
    let tree = tree(paths, files, options::threads(&reporting.sifting, &config)?, &config)?;
    let report = scan_tree(&settings, &tree)?;
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// What the options and the configuration ask to scan.
pub(super) fn tree(paths: &[PathBuf], files: &Files, threads: usize, config: &Config) -> Result<Tree> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    let below = match config.exclude.is_empty() {
        true => None,
        false => Some(Excludes::new(&config.exclude, Some(options::base(config)?))?),
    };
    Ok(Tree {
        files: FileOptions {
            paths: paths.iter().filter(|path| !is_stdin(path)).cloned().collect(),
            no_ignore: files.no_ignore || config.no_ignore,
            exclude: files.exclude.clone(),
            exclude_below: below,
            threads,
        },
        stdin: paths.iter().any(|path| is_stdin(&path)),
    })
}

/// All of it, when the root is one of the folders and nothing is left out for once.
pub(super) fn extent(paths: &[PathBuf], files: &Files, config: &Config) -> Extent {
    let is_root = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == config.root.absolute);
    Extent { from_here: true, whole: files.exclude.is_empty() && paths.iter().any(is_root) }
}
