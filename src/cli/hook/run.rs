//! `friskey hook run`: called by git.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::advice::{self, Blocked};
use super::message;
use super::push::{Push, input_lines};
use super::range::{arguments, received};
use super::rewrite::RefTip;
use crate::cli::args::{Global, Hook, ScanArgs, SuppressionArgs};
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

/// The result of a hook, and its messages.
struct Verdict {
    draft: Draft,
    blocked: Blocked,
    /// Why this range was scanned, and other explanations of a block.
    because: Vec<String>,
    /// Messages that are printed even if nothing blocks.
    messages: Vec<String>,
    /// The pushed refs.
    pushed: Vec<RefTip>,
}

impl Verdict {
    fn new(draft: Draft, blocked: Blocked) -> Self {
        Self { draft, blocked, because: Vec::new(), messages: Vec::new(), pushed: Vec::new() }
    }
}

pub(super) fn run(hook: Hook, args: &[OsString], global: &Global) -> Result<Exit> {
    // Git only shows that a hook failed, so the error must state what happened to the commit.
    check(hook, args, global).map_err(|error| anyhow!(advice::unchecked(stage(hook), &error)))
}

/// The operation that `hook` blocks.
fn stage(hook: Hook) -> Blocked {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match hook {
        Hook::PreCommit | Hook::PreMergeCommit => {
            match is_set("PRE_COMMIT_REMOTE_NAME") || is_set("PRE_COMMIT_FROM_REF") {
                true => Blocked::Push,
                false => Blocked::Commit,
            }
        }
        Hook::CommitMsg => Blocked::Message,
        Hook::PrePush => Blocked::Push,
        Hook::PreReceive => Blocked::Received,
    }
}

fn check(hook: Hook, args: &[OsString], global: &Global) -> Result<Exit> {
    let session = Session::here(&ScanArgs::default(), &SuppressionArgs::default(), global)?;
    let check = HookCheck { session: &session, git: GitEnv::read() };
    let Some(verdict) = check.run(hook, args)? else { return Ok(Exit::Clean) };
    let Verdict { draft, blocked, mut because, messages, pushed } = verdict;
    let report = redact(draft, &session.effective.detector);
    because.extend(advice::advice_lines(&report, blocked, &pushed, &check.git));
    let because: Vec<&str> = because.iter().map(String::as_str).collect();
    // Git displays the standard error of hooks.
    let mut stderr = io::stderr().lock();
    let written = messages.iter().try_for_each(|line| writeln!(stderr, "{line}"));
    let written =
        written.and_then(|()| write_hook_summary(&report, blocked.headline(), &because, &mut stderr));
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
    fn run(&self, hook: Hook, args: &[OsString]) -> Result<Option<Verdict>> {
        let text = |at: usize| args.get(at).map(|text| text.to_string_lossy().into_owned());
        match hook {
            Hook::PreCommit | Hook::PreMergeCommit => {
                if let Some(push) = Push::of_framework(&self.git)? {
                    return self.framework_push(&push).map(Some);
                }
                if let Some((from, to)) = framework_range() {
                    let pushed = vec![RefTip { name: to.clone(), tip: to.clone() }];
                    let draft = self.range(arguments(vec![to], vec![from]), None)?;
                    return Ok(Some(Verdict { pushed, ..Verdict::new(draft, Blocked::Push) }));
                }
                Ok(Some(Verdict::new(self.staged(args)?, Blocked::Commit)))
            }
            Hook::CommitMsg => {
                let [path, ..] = args else {
                    bail!("commit-msg: the file with the message is missing; git passes it as an argument")
                };
                let text = message::read(Path::new(path), &self.git)?;
                Ok(Some(Verdict::new(
                    scan_message(&self.session.settings(), &text, &message::identity()),
                    Blocked::Message,
                )))
            }
            Hook::PrePush => match Push::read(&self.git, text(0).as_deref(), text(1).as_deref())? {
                Some(push) => self.push(&push).map(Some),
                None => Ok(None),
            },
            Hook::PreReceive => match received(&input_lines(&mut io::stdin().lock())?)? {
                Some((range, names)) => {
                    let refs = names.iter().zip(&range);
                    let pushed =
                        refs.map(|(name, tip)| RefTip { name: name.clone(), tip: tip.clone() }).collect();
                    let draft = self.range(range, Some(names))?;
                    Ok(Some(Verdict { pushed, ..Verdict::new(draft, Blocked::Received) }))
                }
                None => Ok(None),
            },
        }
    }

    fn push(&self, push: &Push) -> Result<Verdict> {
        let mut verdict = Verdict::new(self.range(push.range(), Some(push.names()))?, Blocked::Push);
        let published = push.published(&self.git, &mut verdict.draft, |range| self.range(range, None))?;
        verdict.messages = push.messages(&published);
        verdict.pushed = push.ref_tips();
        verdict.because.extend(push.why_all());
        Ok(verdict)
    }

    /// A push by pre-commit or prek. They pass only one ref to their hooks, so if it is clean, all other
    /// branches and tags that the remote lacks are scanned.
    fn framework_push(&self, push: &Push) -> Result<Verdict> {
        let verdict = self.push(push)?;
        if verdict.draft.status() != Status::Clean {
            return Ok(verdict);
        }
        let others = self.range(push.other_refs(), None)?;
        match others.status() {
            Status::Findings => Ok(Verdict { because: vec![], ..Verdict::new(others, Blocked::OtherRef) }),
            // They may not be part of the push.
            Status::Clean | Status::Incomplete => Ok(verdict),
        }
    }

    /// Git passes no arguments to the hook; pre-commit and prek pass files, with `--all-files` all of them.
    fn staged(&self, files: &[OsString]) -> Result<Draft> {
        let commit = StagedOptions {
            repo: self.git.repo.clone(),
            index: self.git.index.clone(),
            work_tree: self.git.work_tree.clone(),
            merge_heads: self.git.merge_heads.clone(),
            files: files.iter().map(PathBuf::from).collect(),
            exclude: options::excludes(&self.session.effective.config)?,
            without_lfs: self.session.effective.config.excludes_lfs(),
            threads: self.session.threads,
        };
        Ok(scan_staged(&self.session.settings(), &commit)?)
    }

    /// Scans the commits of `range`, and the names of the pushed refs, if known.
    fn range(&self, range: Vec<String>, names: Option<Vec<String>>) -> Result<Draft> {
        let wanted =
            |surface: &Surface| *surface != Surface::Lfs || !self.session.effective.config.excludes_lfs();
        let audit = HistoryOptions {
            objects: self.git.objects.clone(),
            range,
            names,
            surfaces: HISTORY_SURFACES.iter().copied().filter(wanted).collect(),
            exclude: options::excludes(&self.session.effective.config)?,
            ..HistoryOptions::everything(self.git.repo.clone(), self.session.threads, now())
        };
        Ok(scan_history(&self.session.settings(), &audit)?)
    }
}

/// The two revisions passed to pre-commit or prek with `--from-ref` and `--to-ref`.
fn framework_range() -> Option<(String, String)> {
    let id = |name| std::env::var(name).ok().filter(|id| !id.is_empty());
    Some((id("PRE_COMMIT_FROM_REF")?, id("PRE_COMMIT_TO_REF")?))
}
