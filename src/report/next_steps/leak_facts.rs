//! Collects the facts about a leak on which its next steps depend.

use std::collections::HashMap;

use crate::model::{
    Confidence, Finding, KeyVerdict, Leak, LeakStatus, RemoteSighting, Report, RepositoryInfo, StashEntry,
    Surface,
};
use crate::report::labels;

use super::{NextStep, StepDirectory, shell};

/// Hex digits of a fingerprint in a command.
const FINGERPRINT_DIGITS: usize = 12;

/// Kinds of keys that can be listed and deleted with an organization's admin key.
const LISTABLE_KINDS: [&str; 3] = ["project", "service-account", "admin"];
/// Kinds of keys that `friskey verify` can verify.
const VERIFIABLE_KINDS: [&str; 6] = ["project", "service-account", "admin", "user", "service", "unknown"];

/// Whether others may have fetched the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PushState {
    /// A remote-tracking ref reaches the key, or once did.
    OnRemote {
        /// Short names of the remote-tracking refs that reach the key now.
        refs: Vec<String>,
        /// When a remote was first seen with the key, according to reflogs.
        since: Option<RemoteSighting>,
    },
    /// The repository is bare or a mirror, so others probably fetch from it.
    Served,
    /// No remote-tracking ref reaches the key.
    NotSeen,
}

/// The facts on which the next steps depend.
#[derive(Clone, Debug)]
pub(super) struct LeakFacts {
    /// The first digits of the fingerprint.
    pub(super) fingerprint: String,
    pub(super) full_fingerprint: String,
    pub(super) status: LeakStatus,
    /// Whether the confidence is low, so that it may not be a key.
    pub(super) is_doubtful: bool,
    /// Whether the key is of a kind that can be listed with an admin key.
    pub(super) is_listed_by_provider: bool,
    pub(super) verdict: Option<KeyVerdict>,
    pub(super) push_state: PushState,
    /// Paths of scanned files that contain the key.
    pub(super) file_paths: Vec<String>,
    /// Paths that contain the key in the index, but not in the commit at HEAD.
    pub(super) staged_paths: Vec<String>,
    /// Paths that contain the key at the tips of branches; empty if no tip has the key.
    pub(super) tip_paths: Vec<String>,
    /// Short names of the branches whose tips have the key; the one that is checked out comes first.
    pub(super) branches: Vec<String>,
    /// Short names of all refs that reach the key, except remote-tracking refs and the stash.
    pub(super) local_refs: Vec<String>,
    /// The stash entries that contain the key, if nothing else does.
    pub(super) stashes: Vec<StashEntry>,
    /// The refs whose reflog entries reach the key, if no ref does.
    pub(super) reflogs: Vec<String>,
    /// The refs whose reflogs contain the key in their messages.
    pub(super) reflogs_with_key: Vec<String>,
    /// Pseudorefs that reach the key, such as `ORIG_HEAD`.
    pub(super) pseudo_refs: Vec<String>,
    /// Whether the key is only in objects that no ref reaches.
    pub(super) is_unreachable: bool,
    /// Files of the git directory that contain the key.
    pub(super) git_files: Vec<String>,
    /// Whether any commit introduced the key.
    pub(super) is_committed: bool,
    /// Whether the commit at HEAD, and no other, introduced the key.
    pub(super) introduced_by_head: bool,
    /// Whether the key is only in repositories of submodules.
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
    /// How many directories the scanned directory is below the top of the repository.
    pub(super) depth: usize,
    /// The start of a pipe that prints the key, up to the `|`; `None` if `verify` and `revoke` audit the repository instead.
    pub(super) pipe_start: Option<String>,
    /// Whether `friskey verify` can verify the key.
    pub(super) is_verifiable: bool,
    pub(super) revoke_url: Option<String>,
    pub(super) advice: Vec<String>,
    /// Whether the scanned files belong to a repository.
    pub(super) has_repository: bool,
    /// Whether an audit of the repository's history finds the key again.
    pub(super) is_in_history: bool,
}

impl LeakFacts {
    pub(super) fn new(report: &Report, leak: &Leak, directory: StepDirectory) -> Self {
        let detected_key = &leak.detected_key;
        let findings: Vec<&Finding> = labels::open_findings(leak).collect();
        let repository = report.repository();
        let rule = labels::rule(report, leak);
        let refs = RefNames::new(leak, repository.and_then(|repository| repository.branch.as_deref()));
        let paths_on = |surfaces: &[Surface]| paths(&findings, surfaces);
        let head = repository.and_then(|repository| repository.head.as_deref());
        let introduced_by_head = matches!(&leak.introduced[..], [only] if Some(&*only.commit) == head);
        let is_verifiable = VERIFIABLE_KINDS.contains(&&*detected_key.kind);
        let mut facts = Self {
            fingerprint: detected_key.fingerprint.to_string().chars().take(FINGERPRINT_DIGITS).collect(),
            full_fingerprint: detected_key.fingerprint.to_string(),
            status: leak.status,
            is_doubtful: detected_key.confidence == Confidence::Low,
            is_listed_by_provider: LISTABLE_KINDS.contains(&&*detected_key.kind),
            is_verifiable,
            verdict: leak.verification.as_ref().map(|verification| verification.verdict),
            push_state: push_state(report, leak),
            file_paths: paths_on(&[Surface::Worktree, Surface::Symlink]),
            staged_paths: paths_on(&[Surface::Index]),
            tip_paths: match refs.branches.len() {
                0 => Vec::new(),
                branches => remaining_paths(leak, branches, paths_on(&[Surface::Blob])),
            },
            branches: refs.branches,
            local_refs: refs.local_refs,
            stashes: if refs.is_only_stashed { leak.reachability.stashes.clone() } else { Vec::new() },
            reflogs: refs.reflogs,
            reflogs_with_key: paths_on(&[Surface::Reflog])
                .iter()
                .filter_map(|path| ref_of_reflog(path))
                .collect(),
            pseudo_refs: refs.pseudo_refs,
            is_unreachable: leak.status == LeakStatus::Unreachable,
            git_files: paths_on(&[Surface::Config, Surface::Hook, Surface::GitFile]),
            is_committed: !leak.introduced.is_empty(),
            introduced_by_head,
            is_in_submodules: labels::is_in_submodules(leak),
            is_bare: repository.is_some_and(|repository| repository.is_bare),
            has_head: head.is_some(),
            head_branch: repository.and_then(|repository| repository.branch.clone()),
            repository: repository
                .map(|repository| repository_for_commands(repository, directory))
                .unwrap_or_default(),
            depth: match directory {
                StepDirectory::OfTheScan => repository.map_or(0, |repository| repository.depth),
                StepDirectory::Any => 0,
            },
            is_one_of_many: report.open_leaks().nth(1).is_some()
                && report.min_confidence() == Confidence::Medium,
            pipe_start: None,
            revoke_url: rule.and_then(|rule| rule.revoke_url.clone()),
            advice: rule.filter(|_| !is_verifiable).map(|rule| rule.advice.clone()).unwrap_or_default(),
            has_repository: repository.is_some(),
            is_in_history: repository.is_some() && !is_of_files(report),
        };
        facts.pipe_start = pipe_start(report, &findings);
        facts
    }

    /// Whether the key is in the index and nowhere else.
    pub(super) fn is_only_staged(&self) -> bool {
        !self.staged_paths.is_empty()
            && self.file_paths.is_empty()
            && self.branches.is_empty()
            && self.local_refs.is_empty()
            && !self.is_committed
            && self.push_state == PushState::NotSeen
    }

    /// The step with the page where the key is revoked, if no command can revoke it.
    pub(super) fn revoke_page(&self) -> Option<NextStep> {
        let url = self.revoke_url.as_ref().filter(|_| !self.is_listed_by_provider)?;
        Some(NextStep::new("revoke", format!("Its owner revokes it at {url}."), None))
    }

    /// The steps that the rule advises; without any, a step that revokes the key.
    pub(super) fn advice(&self) -> Vec<NextStep> {
        let advised_steps = self.advice.iter().enumerate().map(|(index, advice)| {
            let full_stop = if advice.ends_with(['.', '!']) { "" } else { "." };
            NextStep::new(
                if index == 0 { "revoke" } else { "follow up" },
                format!("{advice}{full_stop}"),
                None,
            )
        });
        let mut steps: Vec<NextStep> = advised_steps.collect();
        let is_mentioned = |url: &&String| steps.iter().any(|step| step.text.contains(url.as_str()));
        if let Some(url) = self.revoke_url.as_ref().filter(|url| !is_mentioned(url)) {
            steps.insert(0, NextStep::new("revoke", format!("Revoke the key at {url}."), None));
        } else if steps.is_empty() {
            steps.push(NextStep::new("revoke", "Revoke the key where it was issued, and replace it.", None));
        }
        steps
    }
}

/// The path of the repository for commands in that directory; empty for the current directory.
fn repository_for_commands(repository: &RepositoryInfo, directory: StepDirectory) -> String {
    let name = match directory {
        StepDirectory::Any => repository.path.as_str(),
        // Commands that need a work tree cannot run in a git directory.
        StepDirectory::OfTheScan if !repository.is_bare => match repository.argument.trim_end_matches('/') {
            ".git" => ".",
            argument => argument.strip_suffix("/.git").unwrap_or(argument),
        },
        StepDirectory::OfTheScan => &repository.argument,
    };
    match name {
        "." => String::new(),
        // With `./` it is not taken for an option.
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

/// The paths without those from which the key was moved away. With several branches, the key may be at different paths in
/// each, so all paths are kept.
fn remaining_paths(leak: &Leak, branches: usize, mut paths: Vec<String>) -> Vec<String> {
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

/// Whether the scan was one of files or the index, not of a history.
fn is_of_files(report: &Report) -> bool {
    ["scan", "staged"].contains(&report.command())
}

/// The start of a pipe that prints the key, or the file that contains it in some form, up to the `|`, for a scan of files or
/// the index.
fn pipe_start(report: &Report, findings: &[&Finding]) -> Option<String> {
    if report.repository().is_some() && !is_of_files(report) {
        return None;
    }
    let is_in_file =
        |finding: &&&Finding| matches!(finding.origin.surface, Surface::Worktree | Surface::Index);
    let is_plain = |finding: &&&Finding| finding.encoding == "utf-8" && finding.origin.container.is_empty();
    let in_files = || findings.iter().filter(is_in_file);
    let finding = in_files().find(is_plain).or_else(|| in_files().next())?;
    let path = labels::path(&finding.origin)?;
    match finding.origin.surface {
        Surface::Index => shell::quote(&format!(":{path}")).map(|path| format!("git show {path} |")),
        _ => shell::quote(&path).map(|path| format!("cat -- {path} |")),
    }
}

fn push_state(report: &Report, leak: &Leak) -> PushState {
    let reachability = &leak.reachability;
    let remote = |name: &&String| name.starts_with("refs/remotes/");
    let refs: Vec<String> =
        reachability.refs_in_history.iter().filter(remote).map(|name| labels::short_ref(name)).collect();
    if !refs.is_empty() || reachability.on_remote.is_some() {
        return PushState::OnRemote { refs, since: reachability.on_remote.clone() };
    }
    let is_served = report.repository().is_some_and(|repository| repository.is_bare || repository.is_mirror);
    if is_served && !reachability.refs_in_history.is_empty() { PushState::Served } else { PushState::NotSeen }
}

/// The ref whose reflog is the file at `path`; `None` if that is not a reflog.
fn ref_of_reflog(path: &str) -> Option<String> {
    let name = path.strip_prefix(".git/").unwrap_or(path);
    name.strip_prefix("logs/").map(str::to_owned)
}

/// The refs and reflog entries that reach a leak, by kind.
#[derive(Default)]
struct RefNames {
    branches: Vec<String>,
    local_refs: Vec<String>,
    is_only_stashed: bool,
    reflogs: Vec<String>,
    pseudo_refs: Vec<String>,
}

impl RefNames {
    fn new(leak: &Leak, head: Option<&str>) -> Self {
        let mut names = Self::default();
        let reachability = &leak.reachability;
        for name in &reachability.refs_at_tip {
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                names.branches.push(branch.to_owned());
            }
        }
        names.branches.sort_by_key(|branch| Some(branch.as_str()) != head);
        let is_stash = |name: &String| name.as_str() == "refs/stash" || name.starts_with("refs/stash@");
        for name in reachability.refs_in_history.iter().filter(|name| !name.starts_with("refs/remotes/")) {
            if !is_stash(name) {
                names.local_refs.push(labels::short_ref(name));
            }
        }
        if names.local_refs.is_empty() && !reachability.refs_in_history.iter().any(|name| !is_stash(name)) {
            names.is_only_stashed =
                reachability.refs_in_history.iter().chain(&reachability.held_by).any(is_stash);
        }
        for name in reachability.held_by.iter().filter(|name| !is_stash(name)) {
            match name.split_once("@{") {
                Some((log, _)) if names.reflogs.iter().any(|reflog| reflog == log) => {}
                Some((log, _)) => names.reflogs.push(log.to_owned()),
                None => names.pseudo_refs.push(name.clone()),
            }
        }
        names
    }
}

#[cfg(test)]
impl LeakFacts {
    /// A project key without any place, in the repository of the current directory.
    pub(super) fn sample() -> Self {
        Self {
            fingerprint: "0123456789ab".to_owned(),
            full_fingerprint: "0123456789abcdef".repeat(4),
            status: LeakStatus::Present,
            is_doubtful: false,
            is_listed_by_provider: true,
            verdict: None,
            push_state: PushState::NotSeen,
            file_paths: Vec::new(),
            staged_paths: Vec::new(),
            tip_paths: Vec::new(),
            branches: Vec::new(),
            local_refs: Vec::new(),
            stashes: Vec::new(),
            reflogs: Vec::new(),
            reflogs_with_key: Vec::new(),
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
            pipe_start: None,
            is_verifiable: true,
            revoke_url: None,
            advice: Vec::new(),
            has_repository: true,
            is_in_history: true,
        }
    }
}
