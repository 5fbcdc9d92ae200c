//! `friskey staged`.

use anyhow::Result;

use super::args::{Global, StagedArgs};
use super::command_line;
use super::exit::Exit;
use super::git_env::GitEnv;
use super::options;
use super::output::Outputs;
use super::session::Session;
use crate::scan::{StagedOptions, redact, scan_staged};

pub(super) fn run(staged: &StagedArgs, global: &Global) -> Result<Exit> {
    let session = Session::here(&staged.reporting.scan_args, &staged.suppression, global)?;
    let config = &session.effective.config;
    let outputs = Outputs::open(&staged.reporting, global)?;
    let git = GitEnv::read();
    let commit = StagedOptions {
        repo: git.repo,
        index: git.index,
        work_tree: git.work_tree,
        merge_heads: git.merge_heads,
        files: staged.files.clone(),
        exclude: options::excludes(config)?,
        without_lfs: config.excludes_lfs(),
        threads: session.threads,
    };
    let mut draft = scan_staged(&session.settings(), &commit)?;
    draft.command_line = command_line::arguments();
    let report = redact(draft, &session.effective.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}
