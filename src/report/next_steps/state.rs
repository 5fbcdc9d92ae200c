//! The state of a leak, as far as the next steps depend on it.

use std::collections::HashMap;

use crate::model::{
    Confidence, Finding, KeyVerdict, Leak, LeakStatus, RemoteSighting, Report, RepositoryInfo, StashEntry,
    Surface,
};
use crate::report::labels;

use super::{NextStep, StepDirectory, shell};

/// Hex digits of a fingerprint in a command.
const FINGERPRINT_DIGITS: usize = 12;

/// Kinds of keys that an organization's admin key can list and delete.
const LISTED_KINDS: [&str; 3] = ["project", "service-account", "admin"];
/// Kinds of keys that `friskey verify` knows.
const VERIFIED_KINDS: [&str; 6] = ["project", "service-account", "admin", "user", "service", "unknown"];

/// Whether others may have fetched the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// A remote-tracking ref reaches it, or did.
    OnRemote {
        /// Short names of the remote-tracking refs that reach it now.
        refs: Vec<String>,
        /// The earliest time, according to a reflog.
        since: Option<RemoteSighting>,
    },
    /// The repository is bare, so others probably fetch from it, or a mirror of one.
    Served,
    /// No remote-tracking ref reaches it.
    NotSeen,
}

/// The facts on which the next steps depend.
#[derive(Clone, Debug)]
pub(super) struct LeakState {
    /// The first digits of the fingerprint.
    pub(super) fingerprint: String,
    pub(super) whole_fingerprint: String,
    pub(super) status: LeakStatus,
    pub(super) is_doubtful: bool,
    /// Whether an admin key can list it.
    pub(super) is_listed: bool,
    pub(super) verdict: Option<KeyVerdict>,
    pub(super) pushed: Pushed,
    /// The paths that hold it in the work tree, by `scan`.
    pub(super) in_files: Vec<String>,
    /// The paths that hold it in the index, but not in the commit at HEAD.
    pub(super) staged: Vec<String>,
    /// The paths at the tips of branches, if any tip has it.
    pub(super) in_tips: Vec<String>,
    /// Short names of the branches whose tip has it; the checked-out one comes first.
    pub(super) branches: Vec<String>,
    /// Short names of other refs that reach it: tags, notes, pull requests.
    pub(super) other_refs: Vec<String>,
    /// The stash entries that hold it, if nothing else does.
    pub(super) stashes: Vec<StashEntry>,
    /// The refs whose reflog entries reach it, if no ref does.
    pub(super) reflogs: Vec<String>,
    /// The refs whose reflogs hold it in their messages.
    pub(super) reflogs_with_text: Vec<String>,
    /// Pseudorefs that reach it, such as `ORIG_HEAD`.
    pub(super) pseudo_refs: Vec<String>,
    /// Whether it is in objects that nothing reaches.
    pub(super) is_unreachable: bool,
    /// Files of the git directory that hold it.
    pub(super) git_files: Vec<String>,
    /// Whether any commit introduces it, and whether only HEAD does.
    pub(super) is_committed: bool,
    pub(super) introduced_by_head: bool,
    /// Whether it is only in repositories of submodules.
    pub(super) is_in_submodules: bool,
    /// Whether the repository has no work tree.
    pub(super) is_bare: bool,
    /// Whether there is a commit at HEAD.
    pub(super) has_head: bool,
    /// The branch that is checked out.
    pub(super) head_branch: Option<String>,
    /// Whether the report has other leaks, all of which a purge of all keys removes.
    pub(super) is_one_of_many: bool,
    /// The repository argument of commands; empty for the repository of the current directory.
    pub(super) repository: String,
    /// How many directories that is below the top of the repository.
    pub(super) depth: usize,
    /// A command that prints the key for a pipe; `None` if the next command audits the repository instead.
    pub(super) printed_by: Option<String>,
    pub(super) is_verifiable: bool,
    pub(super) revoke_url: Option<String>,
    pub(super) advice: Vec<String>,
    /// Whether the scanned files belong to a repository.
    pub(super) has_repository: bool,
}

impl LeakState {
    pub(super) fn of(report: &Report, leak: &Leak, dir: StepDirectory) -> Self {
        let identified = &leak.identified;
        let findings: Vec<&Finding> = labels::open_findings(leak).collect();
        let repository = report.repository();
        let rule = labels::rule(report, leak);
        let refs = RefNames::of(leak, repository.and_then(|known| known.branch.as_deref()));
        let on = |surfaces: &[Surface]| paths(&findings, surfaces);
        let head = repository.and_then(|known| known.head.as_deref());
        let introduced_by_head = matches!(&leak.introduced[..], [only] if Some(&*only.commit) == head);
        let is_verifiable = VERIFIED_KINDS.contains(&&*identified.kind);
        let mut state = Self {
            fingerprint: identified.fingerprint.to_string().chars().take(FINGERPRINT_DIGITS).collect(),
            whole_fingerprint: identified.fingerprint.to_string(),
            status: leak.status,
            is_doubtful: identified.confidence == Confidence::Low,
            is_listed: LISTED_KINDS.contains(&&*identified.kind),
            is_verifiable,
            verdict: leak.verification.as_ref().map(|found| found.verdict),
            pushed: pushed(report, leak),
            in_files: on(&[Surface::Worktree, Surface::Symlink]),
            staged: on(&[Surface::Index]),
            in_tips: match refs.branches.len() {
                0 => Vec::new(),
                branches => still_at(leak, branches, on(&[Surface::Blob])),
            },
            branches: refs.branches,
            other_refs: refs.others,
            stashes: if refs.is_only_stashed { leak.reachability.stashes.clone() } else { Vec::new() },
            reflogs: refs.reflogs,
            reflogs_with_text: on(&[Surface::Reflog]).iter().filter_map(|path| log_of(path)).collect(),
            pseudo_refs: refs.pseudo,
            is_unreachable: leak.status == LeakStatus::Unreachable,
            git_files: on(&[Surface::Config, Surface::Hook, Surface::GitFile]),
            is_committed: !leak.introduced.is_empty(),
            introduced_by_head,
            is_in_submodules: labels::is_in_submodules(leak),
            is_bare: repository.is_some_and(|known| known.is_bare),
            has_head: head.is_some(),
            head_branch: repository.and_then(|known| known.branch.clone()),
            repository: repository.map(|known| named_repository(known, dir)).unwrap_or_default(),
            depth: match dir {
                StepDirectory::OfTheScan => repository.map_or(0, |known| known.depth),
                StepDirectory::Any => 0,
            },
            is_one_of_many: report.open_leaks().nth(1).is_some()
                && report.min_confidence() == Confidence::Medium,
            printed_by: None,
            revoke_url: rule.and_then(|rule| rule.revoke_url.clone()),
            advice: rule.filter(|_| !is_verifiable).map(|rule| rule.advice.clone()).unwrap_or_default(),
            has_repository: repository.is_some(),
        };
        state.printed_by = printed_by(report, &findings);
        state
    }

    /// Whether it is staged and nowhere else.
    pub(super) fn is_only_staged(&self) -> bool {
        !self.staged.is_empty()
            && self.in_files.is_empty()
            && self.branches.is_empty()
            && self.other_refs.is_empty()
            && !self.is_committed
            && self.pushed == Pushed::NotSeen
    }

    /// The command that asks the provider whose key it is.
    pub(super) fn verify_command(&self) -> Option<String> {
        self.online_command("verify", "")
    }

    /// The command that shows what revoking would do.
    pub(super) fn revoke_command(&self) -> Option<String> {
        let key = format!(" --key {}", self.fingerprint);
        self.is_listed.then(|| self.online_command("revoke", &key))?
    }

    fn online_command(&self, command: &str, options: &str) -> Option<String> {
        if !self.is_verifiable {
            return None;
        }
        if let Some(print) = &self.printed_by {
            return Some(format!("{print} friskey {command} -{options}"));
        }
        let repo = match &self.repository[..] {
            "" => String::new(),
            path => format!(" --repo {}", shell::quoted(path)?),
        };
        self.has_repository.then(|| format!("friskey {command}{repo}{options}"))
    }

    /// The page for revoking it, if no command can.
    pub(super) fn revoke_page(&self) -> Option<NextStep> {
        let url = self.revoke_url.as_ref().filter(|_| !self.is_listed)?;
        Some(NextStep::new("revoke", format!("Its owner revokes it at {url}."), None))
    }

    /// The steps of the rule; without a rule, revoking the key.
    pub(super) fn advice(&self) -> Vec<NextStep> {
        let all = self.advice.iter().enumerate().map(|(nth, advice)| {
            let stop = if advice.ends_with(['.', '!']) { "" } else { "." };
            NextStep::new(if nth == 0 { "revoke" } else { "follow up" }, format!("{advice}{stop}"), None)
        });
        let mut steps: Vec<NextStep> = all.collect();
        let is_named = |url: &&String| steps.iter().any(|step| step.text.contains(url.as_str()));
        if let Some(url) = self.revoke_url.as_ref().filter(|url| !is_named(url)) {
            steps.insert(0, NextStep::new("revoke", format!("Revoke the key at {url}."), None));
        } else if steps.is_empty() {
            steps.push(NextStep::new("revoke", "Revoke the key where it was issued, and replace it.", None));
        }
        steps
    }

    /// The repository argument in a command: a space and the path; empty for the current one.
    pub(super) fn repository_argument(&self) -> Option<String> {
        match &self.repository[..] {
            "" => Some(String::new()),
            path => shell::quoted(path).map(|path| format!(" {path}")),
        }
    }

    /// A command that has no repository argument, run in this repository.
    pub(super) fn inside(&self, command: &str) -> Option<String> {
        match &self.repository[..] {
            "" => Some(command.to_owned()),
            path => shell::quoted(path).map(|path| format!("(cd {path} && {command})")),
        }
    }

    /// `git`, in this repository.
    pub(super) fn git(&self) -> Option<String> {
        match &self.repository[..] {
            "" => Some("git".to_owned()),
            path => shell::quoted(path).map(|path| format!("git -C {path}")),
        }
    }
}

/// The repository argument for a reader in that directory.
fn named_repository(known: &RepositoryInfo, dir: StepDirectory) -> String {
    let name = match dir {
        StepDirectory::Any => known.path.as_str(),
        // Commands that need a work tree cannot run in a git directory.
        StepDirectory::OfTheScan if !known.is_bare => match known.argument.trim_end_matches('/') {
            ".git" => ".",
            given => given.strip_suffix("/.git").unwrap_or(given),
        },
        StepDirectory::OfTheScan => &known.argument,
    };
    match name {
        "." => String::new(),
        // So that it is not taken for an option.
        name if name.starts_with('-') => format!("./{name}"),
        name => name.to_owned(),
    }
}

/// The distinct paths on these surfaces, in order.
fn paths(findings: &[&Finding], surfaces: &[Surface]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for finding in findings.iter().filter(|finding| surfaces.contains(&finding.origin.surface)) {
        let path = labels::path(&finding.origin).unwrap_or_default();
        if !path.is_empty() && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// The paths without those that the key was moved away from. With several branches, the paths may differ from branch
/// to branch, so none is left out.
fn still_at(leak: &Leak, branches: usize, mut paths: Vec<String>) -> Vec<String> {
    if branches > 1 {
        return paths;
    }
    let lossy = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let mut last: HashMap<String, bool> = HashMap::new();
    for moved in &leak.moves {
        last.insert(lossy(&moved.from), false);
        last.extend(moved.change.path.as_deref().map(|path| (lossy(path), true)));
    }
    paths.retain(|path| last.get(path).copied().unwrap_or(true));
    paths
}

/// A command that prints the key, for a scan of files or the index.
fn printed_by(report: &Report, findings: &[&Finding]) -> Option<String> {
    let is_readable = |finding: &&&Finding| {
        finding.encoding == "utf-8"
            && finding.origin.container.is_empty()
            && matches!(finding.origin.surface, Surface::Worktree | Surface::Index)
    };
    if report.repository().is_some() && !["scan", "staged"].contains(&report.command()) {
        return None;
    }
    let finding = findings.iter().find(is_readable)?;
    let path = labels::path(&finding.origin)?;
    match finding.origin.surface {
        Surface::Index => shell::quoted(&format!(":{path}")).map(|path| format!("git show {path} |")),
        _ => shell::quoted(&path).map(|path| format!("cat -- {path} |")),
    }
}

fn pushed(report: &Report, leak: &Leak) -> Pushed {
    let reached = &leak.reachability;
    let remote = |name: &&String| name.starts_with("refs/remotes/");
    let refs: Vec<String> =
        reached.refs_in_history.iter().filter(remote).map(|name| labels::short_ref(name)).collect();
    if !refs.is_empty() || reached.on_remote.is_some() {
        return Pushed::OnRemote { refs, since: reached.on_remote.clone() };
    }
    let is_served = report.repository().is_some_and(|known| known.is_bare || known.is_mirror);
    if is_served && !reached.refs_in_history.is_empty() { Pushed::Served } else { Pushed::NotSeen }
}

/// The ref whose reflog is the file at `path`.
fn log_of(path: &str) -> Option<String> {
    let inside = path.strip_prefix(".git/").unwrap_or(path);
    inside.strip_prefix("logs/").map(str::to_owned)
}

/// The refs and reflog entries that reach a leak, by kind.
#[derive(Default)]
struct RefNames {
    branches: Vec<String>,
    others: Vec<String>,
    is_only_stashed: bool,
    reflogs: Vec<String>,
    pseudo: Vec<String>,
}

impl RefNames {
    fn of(leak: &Leak, head: Option<&str>) -> Self {
        let mut names = Self::default();
        let reached = &leak.reachability;
        for name in &reached.refs_at_tip {
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                names.branches.push(branch.to_owned());
            }
        }
        names.branches.sort_by_key(|branch| Some(branch.as_str()) != head);
        let is_stash = |name: &String| name.as_str() == "refs/stash" || name.starts_with("refs/stash@");
        for name in reached.refs_in_history.iter().filter(|name| !name.starts_with("refs/remotes/")) {
            if !is_stash(name) {
                names.others.push(labels::short_ref(name));
            }
        }
        if names.others.is_empty() && !reached.refs_in_history.iter().any(|name| !is_stash(name)) {
            names.is_only_stashed = reached.refs_in_history.iter().chain(&reached.held_by).any(is_stash);
        }
        for name in reached.held_by.iter().filter(|name| !is_stash(name)) {
            match name.split_once("@{") {
                Some((log, _)) if names.reflogs.iter().any(|known| known == log) => {}
                Some((log, _)) => names.reflogs.push(log.to_owned()),
                None => names.pseudo.push(name.clone()),
            }
        }
        names
    }
}

#[cfg(test)]
impl LeakState {
    /// A project key without any place, in the repository of the current directory.
    pub(super) fn sample() -> Self {
        Self {
            fingerprint: "0123456789ab".to_owned(),
            whole_fingerprint: "0123456789abcdef".repeat(4),
            status: LeakStatus::Present,
            is_doubtful: false,
            is_listed: true,
            verdict: None,
            pushed: Pushed::NotSeen,
            in_files: Vec::new(),
            staged: Vec::new(),
            in_tips: Vec::new(),
            branches: Vec::new(),
            other_refs: Vec::new(),
            stashes: Vec::new(),
            reflogs: Vec::new(),
            reflogs_with_text: Vec::new(),
            pseudo_refs: Vec::new(),
            is_unreachable: false,
            git_files: Vec::new(),
            is_committed: false,
            introduced_by_head: false,
            is_in_submodules: false,
            is_bare: false,
            has_head: true,
            head_branch: Some("main".to_owned()),
            is_one_of_many: false,
            repository: String::new(),
            depth: 0,
            printed_by: None,
            is_verifiable: true,
            revoke_url: None,
            advice: Vec::new(),
            has_repository: true,
        }
    }
}
