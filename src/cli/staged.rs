//! `friskey staged`: scans what the next commit would contain.

use anyhow::Result;

use super::args::{GlobalArgs, StagedArgs};
use super::command_line;
use super::exit::Exit;
use super::git_env::GitEnv;
use super::options::excludes;
use super::output::Outputs;
use super::session::Session;
use crate::scan::{StagedOptions, redact, scan_staged};

pub(super) fn run(args: &StagedArgs, global: &GlobalArgs) -> Result<Exit> {
    let session = Session::for_current_repository(&args.reporting.search, &args.suppression, global)?;
    let config = &session.effective_settings.config;
    let outputs = Outputs::open(&args.reporting, global)?;
    let git = GitEnv::read();
    let options = StagedOptions {
        repo: git.repo,
        index: git.index,
        work_tree: git.work_tree,
        objects: git.objects,
        merge_heads: git.merge_heads,
        files: args.files.clone(),
        exclude: excludes(config)?,
        exclude_lfs: config.excludes_lfs(),
        threads: session.threads,
    };
    let mut draft = scan_staged(&session.settings(), &options)?;
    draft.command_line = command_line::arguments();
    let report = redact(draft, &session.effective_settings.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}
