//! `friskey scan`: scans files, directories and standard input.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::args::{FileArgs, GlobalArgs, ScanArgs};
use super::config::Config;
use super::effective_settings::{EffectiveSettings, note_accepting_markers};
use super::exit::Exit;
use super::options::{self, BaselineScope};
use super::output::Outputs;
use super::policy_base::PolicyBase;
use super::policy_from::policy_base;
use super::session::Session;
use super::{command_line, progress, repository_paths};
use crate::git::{self, Progress};
use crate::scan::{TreeOptions, redact, scan_tree};
use crate::source::{Excludes, FileOptions};

pub(super) fn run(args: &ScanArgs, global: &GlobalArgs) -> Result<Exit> {
    let ScanArgs { paths, files, reporting, .. } = args;
    let session = Session::new(effective_settings(args, global)?, &reporting.search)?;
    let outputs = Outputs::open(reporting, global)?;
    let mut options = tree_options(paths, files, session.threads, &session.effective_settings.config)?;
    let progress = Arc::new(Progress::default());
    options.files.progress = Some(Arc::clone(&progress));
    let progress_line =
        progress::show(progress::ProgressUnit::Files, &progress, reporting.no_progress || global.quiet);
    let draft = scan_tree(&session.settings(), &options);
    drop(progress_line);
    let mut draft = draft?;
    if options.stdin && options.files.paths.is_empty() && draft.coverage.bytes == 0 {
        // A command that failed before the pipe looks the same as one without output.
        draft.notes.push("standard input was empty: 0 bytes read".to_owned());
    }
    repository_paths::add_repository_paths(&mut draft, paths);
    if args.policy_from.differs_from_checkout() {
        note_accepting_markers(&mut draft);
    }
    let first_path = paths.iter().find(|path| path.as_path() != Path::new("-"));
    draft.repository = first_path.and_then(|path| {
        let dir = if path.is_file() { path.parent()? } else { path };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let repo = git::open(dir).ok()?.to_thread_local();
        Some(git::repository_info(&repo, Path::new(".")))
    });
    if first_path.is_some() {
        draft.directory =
            std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    }
    draft.command_line = command_line::arguments();
    let report = redact(draft, &session.effective_settings.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// The settings that apply to the scan: those of the checkout, or of the commit that the user names.
fn effective_settings(args: &ScanArgs, global: &GlobalArgs) -> Result<EffectiveSettings> {
    let ScanArgs { paths, files, suppression, policy_from, .. } = args;
    if let Some(revision) = &policy_from.revision {
        // If several repositories are checked out, the current directory need not be in one.
        let starts = [Path::new(".")].into_iter().chain(paths.iter().map(PathBuf::as_path));
        let repo_and_start =
            starts.filter_map(|start| Some((git::open(start).ok()?.to_thread_local(), start))).next();
        let base = match &repo_and_start {
            Some((repo, _)) => policy_base(revision, repo)?,
            None => PolicyBase::Unknown("the scanned files are not in a git repository".to_owned()),
        };
        if base != PolicyBase::Checkout {
            let (repo, start) =
                repo_and_start.as_ref().map_or((None, Path::new(".")), |(repo, start)| (Some(repo), *start));
            return EffectiveSettings::from_base(&base, repo, start, (suppression, global), |config| {
                baseline_scope(paths, files, config)
            });
        }
    }
    let config = options::config(global)?;
    let scope = baseline_scope(paths, files, &config);
    EffectiveSettings::from_checkout(config, suppression, global, scope)
}

/// The files to scan, according to the options and the configuration.
pub(super) fn tree_options(
    paths: &[PathBuf],
    files: &FileArgs,
    threads: usize,
    config: &Config,
) -> Result<TreeOptions> {
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    let exclude_below = match config.exclude.is_empty() {
        true => None,
        false => {
            let source =
                config.path.as_deref().unwrap_or(Path::new(super::config::FILE_NAME)).display().to_string();
            Some((Excludes::new(&config.exclude, Some(options::path_base(config)?))?, source))
        }
    };
    Ok(TreeOptions {
        files: FileOptions {
            paths: paths.iter().filter(|path| !is_stdin(path)).cloned().collect(),
            no_ignore: files.no_ignore || config.no_ignore,
            exclude: files.exclude.clone(),
            exclude_below,
            threads,
            progress: None,
        },
        stdin: paths.iter().any(|path| is_stdin(&path)),
    })
}

/// What the scan covers, as far as its baseline depends on it. It covers the baseline if the root is one of the directories and
/// no option excludes anything.
pub(super) fn baseline_scope(paths: &[PathBuf], files: &FileArgs, config: &Config) -> BaselineScope {
    let is_root = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == config.root.absolute);
    BaselineScope {
        is_relative_to_current_dir: true,
        covers_baseline: files.exclude.is_empty() && paths.iter().any(is_root),
    }
}
