//! `friskey hook run`: runs the check of one hook; the installed scripts call it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::advice::{self, BlockedOperation};
use super::message;
use super::push::Push;
use super::push_input::input_lines;
use super::range::{range_arguments, received_range};
use super::rewrite::RefTip;
use crate::cli::args::{GlobalArgs, Hook, SearchArgs, SuppressionArgs};
use crate::cli::broken_pipe::ignore_broken_pipe;
use crate::cli::clock::now;
use crate::cli::exit::Exit;
use crate::cli::git_env::GitEnv;
use crate::cli::options;
use crate::cli::session::Session;
use crate::model::{Draft, Status, Surface};
use crate::report::write_hook_summary;
use crate::scan::{
    HISTORY_SURFACES, HistoryOptions, StagedOptions, redact, scan_history, scan_message, scan_staged,
};

/// The result of a hook's scan, and what to print about it.
struct HookOutcome {
    draft: Draft,
    blocked: BlockedOperation,
    /// Why this range was scanned, and other explanations of a block.
    explanations: Vec<String>,
    /// Messages that are printed even if the operation is not blocked.
    messages: Vec<String>,
    pushed_refs: Vec<RefTip>,
}

impl HookOutcome {
    fn new(draft: Draft, blocked: BlockedOperation) -> Self {
        Self { draft, blocked, explanations: Vec::new(), messages: Vec::new(), pushed_refs: Vec::new() }
    }
}

pub(super) fn run(hook: Hook, args: &[OsString], global: &GlobalArgs) -> Result<Exit> {
    // Git only shows that a hook failed, so the error must state what happened to the commit.
    check(hook, args, global)
        .map_err(|error| anyhow!(advice::unchecked_message(blocked_operation(hook), &error)))
}

/// The operation that `hook` blocks.
fn blocked_operation(hook: Hook) -> BlockedOperation {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match hook {
        Hook::PreCommit | Hook::PreMergeCommit => {
            match is_set("PRE_COMMIT_REMOTE_NAME") || is_set("PRE_COMMIT_FROM_REF") {
                true => BlockedOperation::Push,
                false => BlockedOperation::Commit,
            }
        }
        Hook::CommitMsg => BlockedOperation::Message,
        Hook::PrePush => BlockedOperation::Push,
        Hook::PreReceive => BlockedOperation::ReceivedPush,
    }
}

fn check(hook: Hook, args: &[OsString], global: &GlobalArgs) -> Result<Exit> {
    let session =
        Session::for_current_repository(&SearchArgs::default(), &SuppressionArgs::default(), global)?;
    let check = HookCheck { session: &session, git: GitEnv::read() };
    let Some(outcome) = check.run(hook, args)? else { return Ok(Exit::Clean) };
    let HookOutcome { draft, blocked, mut explanations, messages, pushed_refs } = outcome;
    let report = redact(draft, &session.effective_settings.detector);
    explanations.extend(advice::advice_lines(&report, blocked, &pushed_refs, &check.git));
    let explanations: Vec<&str> = explanations.iter().map(String::as_str).collect();
    if global.quiet && report.status() == Status::Clean {
        return Ok(Exit::Clean);
    }
    // Git displays the standard error of hooks.
    let mut stderr = io::stderr().lock();
    let written = messages.iter().try_for_each(|line| writeln!(stderr, "{line}"));
    let written =
        written.and_then(|()| write_hook_summary(&report, blocked.headline(), &explanations, &mut stderr));
    ignore_broken_pipe(written).context("cannot write to standard error")?;
    Ok(report.status().into())
}

/// One run of a hook.
struct HookCheck<'a> {
    session: &'a Session,
    git: GitEnv,
}

impl HookCheck<'_> {
    /// Runs `hook`; `None` if there is nothing to scan.
    fn run(&self, hook: Hook, args: &[OsString]) -> Result<Option<HookOutcome>> {
        let text = |index: usize| args.get(index).map(|text| text.to_string_lossy().into_owned());
        match hook {
            Hook::PreCommit | Hook::PreMergeCommit => {
                if let Some(push) = Push::from_framework(&self.git)? {
                    return self.scan_framework_push(&push).map(Some);
                }
                if let Some((from, to)) = framework_range() {
                    let pushed_refs = vec![RefTip { name: to.clone(), tip: to.clone() }];
                    let draft = self.scan_range(range_arguments(vec![to], vec![from]), None)?;
                    return Ok(Some(HookOutcome {
                        pushed_refs,
                        ..HookOutcome::new(draft, BlockedOperation::Push)
                    }));
                }
                Ok(Some(HookOutcome::new(self.scan_staged_files(args)?, BlockedOperation::Commit)))
            }
            Hook::CommitMsg => {
                let [path, ..] = args else {
                    bail!("commit-msg: the file with the message is missing; git passes it as an argument")
                };
                let text = message::read(Path::new(path), &self.git)?;
                Ok(Some(HookOutcome::new(
                    scan_message(&self.session.settings(), &text, &message::identity()),
                    BlockedOperation::Message,
                )))
            }
            Hook::PrePush => match Push::read(&self.git, text(0).as_deref(), text(1).as_deref())? {
                Some(push) => self.scan_push(&push).map(Some),
                None => Ok(None),
            },
            Hook::PreReceive => match received_range(&input_lines(&mut io::stdin().lock())?)? {
                Some((range, names)) => {
                    let refs = names.iter().zip(&range);
                    let pushed_refs =
                        refs.map(|(name, tip)| RefTip { name: name.clone(), tip: tip.clone() }).collect();
                    let draft = self.scan_range(range, Some(names))?;
                    Ok(Some(HookOutcome {
                        pushed_refs,
                        ..HookOutcome::new(draft, BlockedOperation::ReceivedPush)
                    }))
                }
                None => Ok(None),
            },
        }
    }

    fn scan_push(&self, push: &Push) -> Result<HookOutcome> {
        let mut outcome =
            HookOutcome::new(self.scan_range(push.range(), Some(push.names()))?, BlockedOperation::Push);
        let published =
            push.take_published(&self.git, &mut outcome.draft, |range| self.scan_range(range, None))?;
        outcome.messages = push.published_messages(&published);
        outcome.pushed_refs = push.ref_tips();
        outcome.explanations.extend(push.unknown_destination_note());
        Ok(outcome)
    }

    /// Scans what pre-commit or prek pushes. They pass only one ref to their hooks, so if it is clean, all other
    /// branches and tags that the remote lacks are scanned.
    fn scan_framework_push(&self, push: &Push) -> Result<HookOutcome> {
        let outcome = self.scan_push(push)?;
        if outcome.draft.status() != Status::Clean {
            return Ok(outcome);
        }
        let others = self.scan_range(push.other_refs(), None)?;
        match others.status() {
            Status::Findings => Ok(HookOutcome {
                explanations: vec![],
                ..HookOutcome::new(others, BlockedOperation::UnnamedRef)
            }),
            // Other refs may not be part of the push, so what cannot be scanned in them does not block it.
            Status::Clean | Status::Incomplete => Ok(outcome),
        }
    }

    /// Scans what is staged. Git passes no arguments to the hook; pre-commit and prek pass files, with `--all-files` all of
    /// them.
    fn scan_staged_files(&self, files: &[OsString]) -> Result<Draft> {
        let options = StagedOptions {
            repo: self.git.repo.clone(),
            index: self.git.index.clone(),
            work_tree: self.git.work_tree.clone(),
            objects: self.git.objects.clone(),
            merge_heads: self.git.merge_heads.clone(),
            files: files.iter().map(PathBuf::from).collect(),
            exclude: options::excludes(&self.session.effective_settings.config)?,
            exclude_lfs: self.session.effective_settings.config.excludes_lfs(),
            threads: self.session.threads,
        };
        Ok(scan_staged(&self.session.settings(), &options)?)
    }

    /// Scans the commits of `range`, and the names of the pushed refs, if known.
    fn scan_range(&self, range: Vec<String>, names: Option<Vec<String>>) -> Result<Draft> {
        let is_wanted = |surface: &Surface| {
            *surface != Surface::Lfs || !self.session.effective_settings.config.excludes_lfs()
        };
        let options = HistoryOptions {
            objects: self.git.objects.clone(),
            ranges: vec![range],
            names,
            surfaces: HISTORY_SURFACES.iter().copied().filter(is_wanted).collect(),
            exclude: options::excludes(&self.session.effective_settings.config)?,
            ..HistoryOptions::everything(self.git.repo.clone(), self.session.threads, now())
        };
        Ok(scan_history(&self.session.settings(), &options)?)
    }
}

/// The two revisions passed to pre-commit or prek with `--from-ref` and `--to-ref`.
fn framework_range() -> Option<(String, String)> {
    let id = |name| std::env::var(name).ok().filter(|id| !id.is_empty());
    Some((id("PRE_COMMIT_FROM_REF")?, id("PRE_COMMIT_TO_REF")?))
}
