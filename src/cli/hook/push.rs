//! The commits of a push, from the input of git's pre-push hook, or from what pre-commit and prek pass to their hooks.
//!
//! Only commits that the destination is known to have are excluded: those of the pushed refs there, as reported by
//! git, and of the remote-tracking refs of the destination ([`known_commits`]). Commits of other remotes are not
//! excluded, since fewer people may have access to those remotes. One kind of leak is reported without blocking the
//! push: see [`Push::take_published`].

use std::collections::BTreeSet;
use std::io;

use anyhow::Result;

use super::push_input::{PrePushInput, PushedRef, input_lines};
use super::range::range_arguments;
use super::rewrite::RefTip;
use crate::cli::git_env::GitEnv;
use crate::git::{Destination, KnownCommits, ObjectId, adds_commits, known_commits};
use crate::model::{Draft, Leak, Surface};

/// A push, before it is sent.
#[derive(Debug)]
pub(super) struct Push {
    refs: Vec<PushedRef>,
    /// The destination's values of the pushed refs.
    destination_values: Vec<String>,
    known_commits: KnownCommits,
    /// The name of the destination in messages.
    remote: String,
}

impl Push {
    /// Reads the input of pre-push; `None` if nothing is pushed.
    ///
    /// # Errors
    /// A line that git would not write, or no repository.
    pub(super) fn read(git: &GitEnv, name: Option<&str>, url: Option<&str>) -> Result<Option<Self>> {
        let lines = input_lines(&mut io::stdin().lock())?;
        let PrePushInput { refs, destination_values, updates } = PrePushInput::parse(&lines)?;
        if refs.is_empty() {
            return Ok(None);
        }
        let known_commits = known_commits(&git.repo, name.unwrap_or_default(), url, &updates)?;
        Ok(Some(Self::new(known_commits, name.unwrap_or_default(), refs, destination_values)))
    }

    /// The push for which pre-commit or prek runs its pre-push stage; `None` in any other stage.
    ///
    /// Both pass only one ref, the first that is neither deleted nor up to date. When its whole history is pushed,
    /// pre-commit also omits `PRE_COMMIT_TO_REF`.
    ///
    /// # Errors
    /// No repository.
    pub(super) fn from_framework(git: &GitEnv) -> Result<Option<Self>> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let Some(remote) = variable("PRE_COMMIT_REMOTE_NAME") else { return Ok(None) };
        let branch = variable("PRE_COMMIT_LOCAL_BRANCH").unwrap_or_else(|| "HEAD".to_owned());
        let tip = variable("PRE_COMMIT_TO_REF").unwrap_or_else(|| branch.clone());
        let url = variable("PRE_COMMIT_REMOTE_URL");
        let destination_name = variable("PRE_COMMIT_REMOTE_BRANCH").unwrap_or_default();
        let refs = vec![PushedRef { name: branch, tip, destination_name }];
        let known_commits = known_commits(&git.repo, &remote, url.as_deref(), &[])?;
        let mut push = Self::new(known_commits, &remote, refs, Vec::new());
        // This is either the remote's value of the branch, or what the frameworks derive from the remote-tracking refs.
        if push.known_commits.destination != Destination::PushesElsewhere {
            push.destination_values.extend(variable("PRE_COMMIT_FROM_REF"));
        }
        Ok(Some(push))
    }

    fn new(
        known_commits: KnownCommits,
        name: &str,
        refs: Vec<PushedRef>,
        destination_values: Vec<String>,
    ) -> Self {
        // A URL may contain a password.
        let remote = match known_commits.destination {
            Destination::Url => "that URL".to_owned(),
            Destination::Remote | Destination::PushesElsewhere => format!("`{name}`"),
        };
        Self { refs, destination_values, known_commits, remote }
    }

    /// The names of the pushed refs at the destination.
    pub(super) fn names(&self) -> Vec<String> {
        self.refs
            .iter()
            .map(|pushed_ref| pushed_ref.destination_name.clone())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The pushed commits that the destination is not known to have, as arguments of a range.
    pub(super) fn range(&self) -> Vec<String> {
        range_arguments(self.tips(), self.excluded_revisions().collect())
    }

    /// All branches and tags that the destination is not known to have, except those in [`Push::range`].
    pub(super) fn other_refs(&self) -> Vec<String> {
        let others = ["--branches", "--tags", "HEAD"].map(str::to_owned).to_vec();
        range_arguments(others, self.excluded_revisions().chain(self.tips()).collect())
    }

    /// The pushed refs, for advice.
    pub(super) fn ref_tips(&self) -> Vec<RefTip> {
        let refs = self.refs.iter();
        refs.map(|pushed_ref| RefTip { name: pushed_ref.name.clone(), tip: pushed_ref.tip.clone() }).collect()
    }

    fn tips(&self) -> Vec<String> {
        self.refs.iter().map(|pushed_ref| pushed_ref.tip.clone()).collect()
    }

    fn excluded_revisions(&self) -> impl Iterator<Item = String> {
        self.destination_values
            .iter()
            .cloned()
            .chain(self.known_commits.at_destination.iter().map(ToString::to_string))
    }

    /// Why more than the new commits was scanned, if nothing is known about the destination.
    pub(super) fn unknown_destination_note(&self) -> Option<String> {
        if !self.destination_values.is_empty() || !self.known_commits.at_destination.is_empty() {
            return None;
        }
        let remote = &self.remote;
        Some(match self.known_commits.destination {
            Destination::Remote => {
                format!(
                    "It is unknown what {remote} has, so everything pushed was scanned; `git fetch` from it \
                     first to exclude what it has."
                )
            }
            Destination::PushesElsewhere => format!(
                "{remote} pushes to a different repository than it fetches from, and it is unknown what \
                 that repository has, so everything pushed was scanned."
            ),
            Destination::Url => format!(
                "It is unknown what {remote} has, so everything pushed was scanned, including what other \
                 remotes have."
            ),
        })
    }

    /// Moves out of `draft` the leaks that do not block the push: another remote already has the key, it was removed there
    /// and from the pushed refs, and `scan_unpublished`, which scans a range, does not find it in the commits that no
    /// remote has.
    ///
    /// An example is the first push of a topic branch to a fork, when the history contains an old key. Every leak blocks
    /// a push that only copies what another remote has, a push to a URL, and a push to a remote whose push URL differs from
    /// its fetch URL, since these can publish private work.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub(super) fn take_published(
        &self,
        git: &GitEnv,
        draft: &mut Draft,
        scan_unpublished: impl FnOnce(Vec<String>) -> Result<Draft>,
    ) -> Result<Vec<Leak>> {
        let is_gone = |leak: &Leak| {
            !leak.removed.is_empty()
                && !leak.introduced.is_empty()
                && leak.findings.iter().all(|finding| finding.origin.surface == Surface::Blob)
                && !leak.reachability.refs_at_tip.iter().any(|name| {
                    name.starts_with("refs/remotes/")
                        || self.refs.iter().any(|pushed_ref| pushed_ref.name == *name)
                })
        };
        let may_contribute = self.known_commits.destination == Destination::Remote
            && !self.known_commits.in_other_repositories.is_empty();
        if !may_contribute || !draft.open_leaks().any(is_gone) || !self.every_ref_adds_commits(git)? {
            return Ok(Vec::new());
        }
        let other_tips = self.known_commits.in_other_repositories.iter().map(|(_, id)| id.to_string());
        let unpublished = scan_unpublished(range_arguments(
            self.tips(),
            self.excluded_revisions().chain(other_tips).collect(),
        ))?;
        let is_unpublished = |leak: &Leak| {
            unpublished
                .leaks
                .iter()
                .any(|other| other.detected_key.fingerprint == leak.detected_key.fingerprint)
        };
        let (published, kept) = std::mem::take(&mut draft.leaks)
            .into_iter()
            .partition(|leak| !leak.is_suppressed() && is_gone(leak) && !is_unpublished(leak));
        draft.leaks = kept;
        Ok(published)
    }

    /// Whether each pushed ref has commits that no remote has. For a ref that is not a local branch or tag, the
    /// contents of its newest commit are unknown.
    fn every_ref_adds_commits(&self, git: &GitEnv) -> Result<bool> {
        let other_tips: Vec<ObjectId> =
            self.known_commits.in_other_repositories.iter().map(|(_, id)| *id).collect();
        for pushed_ref in &self.refs {
            let Ok(tip) = ObjectId::from_hex(pushed_ref.tip.as_bytes()) else { return Ok(false) };
            if !pushed_ref.name.starts_with("refs/") || !adds_commits(&git.repo, tip, &other_tips)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Messages about the leaks that [`Push::take_published`] let pass.
    pub(super) fn published_messages(&self, published: &[Leak]) -> Vec<String> {
        let remotes: BTreeSet<&str> = self
            .known_commits
            .in_other_repositories
            .iter()
            .filter_map(|(name, _)| remote_name(name))
            .collect();
        let other = remotes.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        let message = |leak: &Leak| {
            let (rule, redacted) = (&leak.detected_key.rule, leak.detected_key.secret.redacted());
            let commit = leak.introduced.first().map_or("", |change| &change.commit[..]);
            format!(
                "friskey: not blocked: {rule} {redacted} in commit {}: {other} has that commit already, and the key \
                 is gone from what you push. If {} is open to more people than that, revoke the key now.",
                commit.get(..10).unwrap_or(commit),
                self.remote
            )
        };
        published.iter().map(message).collect()
    }
}

/// The first component of a remote-tracking ref below `refs/remotes/`, by convention the name of the remote.
fn remote_name(name: &str) -> Option<&str> {
    name.strip_prefix("refs/remotes/")?.split('/').next()
}
