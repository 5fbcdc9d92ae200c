//! `friskey hook run`: what git calls.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Hook;
use crate::cli::args::{Accepting, Global, Sifting};
use crate::cli::config::Config;
use crate::cli::exit::Exit;
use crate::cli::git_env::GitEnv;
use crate::cli::history::now;
use crate::cli::interrupt::stop_flag;
use crate::cli::limits::{Unpacking, limits};
use crate::cli::options::{self, Extent};
use crate::cli::output::ignore_broken_pipe;
use crate::cli::rules::detector;
use crate::model::{Report, Surface};
use crate::report::write_brief;
use crate::scan::{AUDITED, Audit, Commit, Settings, scan_history, scan_message, scan_staged};

/// How to go on after a commit was blocked.
const AFTER_COMMIT: &[&str] = &[
    "Take the key out and stage the file again; if the key was ever in use, revoke it.",
    "To accept it, with a reason: a comment `friskey:allow REASON` on its line, or `friskey baseline update`.",
];
/// How to go on after a push was blocked.
const AFTER_PUSH: &[&str] = &[
    "Revoke the key if it was ever in use, and take it out of these commits (`git rebase -i`, `git commit --amend`).",
    "To accept it, with a reason: a comment `friskey:allow REASON` on its line, or `friskey baseline update`.",
];

pub(super) fn run(hook: Hook, args: &[OsString], global: &Global) -> Result<Exit> {
    let config = options::config(global)?;
    let (rules, detector) = detector(global, &config)?;
    let policy = options::policy(&Accepting::default(), &config, Extent::default())?;
    let stop = stop_flag();
    let settings = Settings {
        detector: &detector,
        rules_digest: rules.digest(),
        min_confidence: options::min_confidence(&Sifting::default(), &config)?,
        policy: &policy,
        only: None,
        limits: limits(&Unpacking::default(), &config.containers),
        stop: &stop,
    };
    let git = GitEnv::read();
    let (report, blocked, go_on) = match hook {
        Hook::PreCommit => match framework_range() {
            Some(range) => {
                (range_report(&settings, &config, git, range, None)?, "the push is blocked", AFTER_PUSH)
            }
            None => (staged(&settings, &config, git, args)?, "the commit is blocked", AFTER_COMMIT),
        },
        Hook::CommitMsg => (message(&settings, args)?, "the commit is blocked by its message", AFTER_COMMIT),
        Hook::PrePush => {
            let remote = args.first().map(|name| name.to_string_lossy().into_owned());
            let lines = lines()?;
            match pushed(&lines, remote.as_deref())? {
                Some(range) => {
                    let names = Some(pushed_names(&lines));
                    (range_report(&settings, &config, git, range, names)?, "the push is blocked", AFTER_PUSH)
                }
                None => return Ok(Exit::Clean),
            }
        }
        Hook::PreReceive => {
            let lines = lines()?;
            match received(&lines)? {
                Some(range) => {
                    let names = Some(received_names(&lines));
                    (range_report(&settings, &config, git, range, names)?, "the push is refused", AFTER_PUSH)
                }
                None => return Ok(Exit::Clean),
            }
        }
    };
    // Git shows there what a hook has to say.
    let written = write_brief(&report, blocked, go_on, &mut io::stderr().lock());
    ignore_broken_pipe(written).context("cannot write to standard error")?;
    Ok(report.status().into())
}

/// Git gives the hook no arguments; pre-commit and prek give it files, all there are with `--all-files`.
fn staged(settings: &Settings<'_>, config: &Config, git: GitEnv, files: &[OsString]) -> Result<Report> {
    let GitEnv { repo, index, work_tree, .. } = git;
    let files = files.iter().map(PathBuf::from).collect();
    let exclude = options::excludes(config)?;
    let threads = options::threads(&Sifting::default(), config)?;
    let without_lfs = config.is_without_lfs();
    Ok(scan_staged(settings, &Commit { repo, index, work_tree, files, exclude, without_lfs, threads })?)
}

/// What pre-commit and prek say is being pushed, when they run as a pre-push hook.
fn framework_range() -> Option<Vec<String>> {
    let id = |name| std::env::var(name).ok().filter(|id| !id.is_empty());
    let (from, to) = (id("PRE_COMMIT_FROM_REF")?, id("PRE_COMMIT_TO_REF")?);
    words(vec![to], vec![from])
}

/// Git hands over the file with the message as it stands in the editor.
fn message(settings: &Settings<'_>, args: &[OsString]) -> Result<Report> {
    let [path, ..] = args else { bail!("commit-msg: git gives the file with the message as an argument") };
    let path = Path::new(path);
    let mut text = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut text));
    read.with_context(|| format!("cannot read the message in {}", path.display()))?;
    Ok(scan_message(settings, without_diff(&text), &identity()))
}

/// Whom the commit will be by, which git tells its hooks, one line each.
fn identity() -> Vec<u8> {
    let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let values = names.into_iter().filter_map(std::env::var_os);
    values.flat_map(|value| [value.as_encoded_bytes(), b"\n"].concat()).collect()
}

/// `git commit -v` shows the diff below a line that git cuts at; old keys in it are no part of the
/// message.
fn without_diff(text: &[u8]) -> &[u8] {
    const SCISSORS: &[u8] = b"------------------------ >8 ------------------------";
    match memchr::memmem::find(text, SCISSORS) {
        Some(at) => &text[..memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1)],
        None => text,
    }
}

/// Looks at what `range` brings, and at the names of the refs that are pushed, if they are known.
fn range_report(
    settings: &Settings<'_>,
    config: &Config,
    git: GitEnv,
    range: Vec<String>,
    names: Option<Vec<String>>,
) -> Result<Report> {
    let audit = Audit {
        repo: git.repo,
        objects: git.objects,
        command: "history",
        range,
        names,
        surfaces: AUDITED
            .iter()
            .copied()
            .filter(|surface| *surface != Surface::Lfs || !config.is_without_lfs())
            .collect(),
        whole: false,
        exclude: options::excludes(config)?,
        threads: options::threads(&Sifting::default(), config)?,
        now: now(),
        progress: None,
    };
    Ok(scan_history(settings, &audit)?)
}

/// Every line of standard input, none left out.
fn lines() -> Result<Vec<String>> {
    let lines: io::Result<Vec<String>> = io::stdin().lock().lines().collect();
    Ok(lines
        .context("cannot read standard input")?
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect())
}

fn is_zero(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|digit| digit == b'0')
}

fn is_id(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The range of `local_ref local_oid remote_ref remote_oid` lines; nothing when all are deletions.
fn pushed(lines: &[String], remote: Option<&str>) -> Result<Option<Vec<String>>> {
    let mut tips = Vec::new();
    let mut hidden = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [.., local, _, there] = words[..] else {
            bail!("pre-push: `{line}` is not a line that git writes")
        };
        if !is_id(local) || !is_id(there) {
            bail!("pre-push: `{line}` is not a line that git writes");
        }
        if !is_zero(local) {
            tips.push(local.to_owned());
        }
        if !is_zero(there) {
            hidden.push(there.to_owned());
        }
    }
    // What any branch of that remote has needs no second look. Git gives the URL where it has no name.
    let known = remote.filter(|name| !name.contains([':', '/', ' ', '*', '?', '[']));
    hidden.push(known.map_or_else(|| "--remotes".to_owned(), |name| format!("--remotes={name}")));
    Ok(words(tips, hidden))
}

/// The range of `old new ref` lines; nothing when all are deletions.
fn received(lines: &[String]) -> Result<Option<Vec<String>>> {
    let mut tips = Vec::new();
    let mut hidden = vec!["--all".to_owned()];
    for line in lines {
        let mut words = line.split(' ');
        let (Some(old), Some(new)) = (words.next(), words.next()) else {
            bail!("pre-receive: `{line}` is not a line that git writes");
        };
        if !is_id(old) || !is_id(new) {
            bail!("pre-receive: `{line}` is not a line that git writes");
        }
        if !is_zero(new) {
            tips.push(new.to_owned());
        }
        if !is_zero(old) {
            hidden.push(old.to_owned());
        }
    }
    Ok(words(tips, hidden))
}

/// The names that the pushed refs get there.
fn pushed_names(lines: &[String]) -> Vec<String> {
    let name = |line: &String| match line.split(' ').collect::<Vec<_>>()[..] {
        [.., local, name, _] if !is_zero(local) => Some(name.to_owned()),
        _ => None,
    };
    lines.iter().filter_map(name).collect()
}

/// The names of the refs that a push makes or moves here.
fn received_names(lines: &[String]) -> Vec<String> {
    let name = |line: &String| match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [_, new, name] if !is_zero(new) => Some(name.to_owned()),
        _ => None,
    };
    lines.iter().filter_map(name).collect()
}

fn words(tips: Vec<String>, hidden: Vec<String>) -> Option<Vec<String>> {
    if tips.is_empty() {
        return None;
    }
    let not = ["--ignore-missing".to_owned(), "--not".to_owned()];
    Some(tips.into_iter().chain(not).chain(hidden).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_counts_and_deletions_bring_nothing() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let line = |local: &str, there: &str| format!("refs/heads/x {local} refs/heads/x {there}");
        let range =
            pushed(&[line(&a, &zero), line(&zero, &a), line(&b, &a)], Some("origin")).unwrap().unwrap();
        assert_eq!(range, [&a, &b, "--ignore-missing", "--not", &a, &a, "--remotes=origin"]);
        assert_eq!(pushed(&[line(&zero, &a)], None).unwrap(), None);
        assert_eq!(received(&[format!("{a} {zero} refs/heads/x")]).unwrap(), None);
        assert!(received(&["junk".to_owned()]).is_err());
    }

    #[test]
    fn the_diff_below_the_scissors_is_no_message() {
        let text = b"message\n# ------------------------ >8 ------------------------\n-old\n";
        assert_eq!(without_diff(text), b"message\n");
        assert_eq!(without_diff(b"message\n"), b"message\n");
    }
}
