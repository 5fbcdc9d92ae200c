//! `friskey staged`.

use anyhow::Result;

use super::args::{Global, Staged};
use super::exit::Exit;
use super::git_env::GitEnv;
use super::interrupt::stop_flag;
use super::output::Outputs;
use super::rules::detector;
use super::scan::threads;
use crate::scan::{Commit, Settings, scan_staged};

pub(super) fn run(staged: &Staged, global: &Global) -> Result<Exit> {
    let (rules, detector) = detector(global)?;
    let outputs = Outputs::open(&staged.reporting, global)?;
    let stop = stop_flag();
    let settings = Settings {
        detector: &detector,
        rules_digest: rules.digest(),
        min_confidence: staged.reporting.min_confidence,
        only: None,
        stop: &stop,
    };
    let git = GitEnv::read();
    let commit = Commit {
        repo: git.repo,
        index: git.index,
        work_tree: git.work_tree,
        files: staged.files.clone(),
        threads: threads(staged.reporting.threads),
    };
    let report = scan_staged(&settings, &commit)?;
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}
