//! `friskey staged`.

use anyhow::Result;

use super::args::{Global, Staged};
use super::exit::Exit;
use super::git_env::GitEnv;
use super::limits::limits;
use super::options::{self, Extent};
use super::output::Outputs;
use super::rules::detector;
use crate::scan::{Settings, StagedOptions, redact, scan_staged};

pub(super) fn run(staged: &Staged, global: &Global) -> Result<Exit> {
    let config = options::config(global)?;
    let (rules, detector) = detector(global, &config)?;
    let policy = options::policy(&staged.suppression, &config, Extent::default())?;
    let outputs = Outputs::open(&staged.reporting, global)?;
    let stop = options::stop(&staged.reporting.scan_args, &config)?;
    let settings = Settings {
        detector: &detector,
        rules_digest: rules.digest(),
        min_confidence: options::min_confidence(&staged.reporting.scan_args, &config)?,
        policy: &policy,
        only: None,
        limits: limits(&staged.reporting.scan_args.containers, &config.containers),
        stop: &stop,
    };
    let git = GitEnv::read();
    let commit = StagedOptions {
        repo: git.repo,
        index: git.index,
        work_tree: git.work_tree,
        merge_heads: git.merge_heads,
        files: staged.files.clone(),
        exclude: options::excludes(&config)?,
        without_lfs: config.is_without_lfs(),
        threads: options::threads(&staged.reporting.scan_args, &config)?,
    };
    let report = redact(scan_staged(&settings, &commit)?, &detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}
