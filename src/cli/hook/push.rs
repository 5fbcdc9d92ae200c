//! The commits of a push, from the input of git's pre-push hook, or from what pre-commit and prek pass to their hooks.
//!
//! Only commits that the destination is known to have are excluded: those of the pushed refs there, as reported by
//! git, and of the remote-tracking refs of the destination ([`known_there`]). Commits of other remotes are not
//! excluded, since fewer people may have access to those remotes. One kind of leak is reported without blocking the
//! push: see [`Push::take_published`].

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use anyhow::{Context, Result, bail};

use super::range::arguments;
use super::rewrite::RefTip;
use crate::cli::git_env::GitEnv;
use crate::git::{Destination, KnownThere, ObjectId, adds_commits, is_id, is_zero, known_there};
use crate::model::{Draft, Leak, Surface};

/// Maximum size of standard input in bytes: enough for a million refs.
const MAX_INPUT: u64 = 1 << 28;

/// A pushed ref.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PushedRef {
    /// The local name of the ref, or the revision that the user wrote.
    name: String,
    /// The id of the object that is pushed.
    tip: String,
    /// The full name of the ref at the destination.
    destination_name: String,
}

/// A push, before it is sent.
#[derive(Debug)]
pub(super) struct Push {
    refs: Vec<PushedRef>,
    /// The destination's values of the pushed refs.
    destination_values: Vec<String>,
    known: KnownThere,
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
        let known = known_there(&git.repo, name.unwrap_or_default(), url, &updates)?;
        Ok(Some(Self::new(known, name.unwrap_or_default(), refs, destination_values)))
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
        let known = known_there(&git.repo, &remote, url.as_deref(), &[])?;
        let mut push = Self::new(known, &remote, refs, Vec::new());
        // This is either the remote's value of the branch, or what the frameworks derive from the remote-tracking refs.
        if push.known.destination != Destination::PushesElsewhere {
            push.destination_values.extend(variable("PRE_COMMIT_FROM_REF"));
        }
        Ok(Some(push))
    }

    fn new(known: KnownThere, name: &str, refs: Vec<PushedRef>, destination_values: Vec<String>) -> Self {
        // A URL may contain a password.
        let remote = match known.destination {
            Destination::Url => "that URL".to_owned(),
            Destination::Remote | Destination::PushesElsewhere => format!("`{name}`"),
        };
        Self { refs, destination_values, known, remote }
    }

    /// The names of the pushed refs at the destination.
    pub(super) fn names(&self) -> Vec<String> {
        self.refs
            .iter()
            .map(|pushed| pushed.destination_name.clone())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The pushed commits that the destination is not known to have, as arguments of a range.
    pub(super) fn range(&self) -> Vec<String> {
        arguments(self.tips(), self.excluded_revisions().collect())
    }

    /// All branches and tags that the destination is not known to have, except those in [`Push::range`].
    pub(super) fn other_refs(&self) -> Vec<String> {
        let others = ["--branches", "--tags", "HEAD"].map(str::to_owned).to_vec();
        arguments(others, self.excluded_revisions().chain(self.tips()).collect())
    }

    /// The pushed refs, for advice.
    pub(super) fn ref_tips(&self) -> Vec<RefTip> {
        let refs = self.refs.iter();
        refs.map(|pushed| RefTip { name: pushed.name.clone(), tip: pushed.tip.clone() }).collect()
    }

    fn tips(&self) -> Vec<String> {
        self.refs.iter().map(|pushed| pushed.tip.clone()).collect()
    }

    fn excluded_revisions(&self) -> impl Iterator<Item = String> {
        self.destination_values.iter().cloned().chain(self.known.there.iter().map(ToString::to_string))
    }

    /// Why more than the new commits was scanned, if nothing is known about the destination.
    pub(super) fn unknown_destination_note(&self) -> Option<String> {
        if !self.destination_values.is_empty() || !self.known.there.is_empty() {
            return None;
        }
        let remote = &self.remote;
        Some(match self.known.destination {
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
    /// and from the pushed refs, and `scan_own`, which scans a range, does not find it in the commits that no remote has.
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
        scan_own: impl FnOnce(Vec<String>) -> Result<Draft>,
    ) -> Result<Vec<Leak>> {
        let is_gone = |leak: &Leak| {
            !leak.removed.is_empty()
                && !leak.introduced.is_empty()
                && leak.findings.iter().all(|finding| finding.origin.surface == Surface::Blob)
                && !leak.reachability.refs_at_tip.iter().any(|at| {
                    at.starts_with("refs/remotes/") || self.refs.iter().any(|pushed| pushed.name == *at)
                })
        };
        let contributes = self.known.destination == Destination::Remote && !self.known.elsewhere.is_empty();
        if !contributes || !draft.open_leaks().any(is_gone) || !self.every_ref_adds_commits(git)? {
            return Ok(Vec::new());
        }
        let elsewhere = self.known.elsewhere.iter().map(|(_, id)| id.to_string());
        let own = scan_own(arguments(self.tips(), self.excluded_revisions().chain(elsewhere).collect()))?;
        let is_own = |leak: &Leak| {
            own.leaks.iter().any(|own| own.detected_key.fingerprint == leak.detected_key.fingerprint)
        };
        let (published, kept) = std::mem::take(&mut draft.leaks)
            .into_iter()
            .partition(|leak| !leak.is_suppressed() && is_gone(leak) && !is_own(leak));
        draft.leaks = kept;
        Ok(published)
    }

    /// Whether each pushed ref has commits that no remote has. For a ref that is not a local branch or tag, the
    /// contents of its newest commit are unknown.
    fn every_ref_adds_commits(&self, git: &GitEnv) -> Result<bool> {
        let elsewhere: Vec<ObjectId> = self.known.elsewhere.iter().map(|(_, id)| *id).collect();
        for pushed in &self.refs {
            let Ok(tip) = ObjectId::from_hex(pushed.tip.as_bytes()) else { return Ok(false) };
            if !pushed.name.starts_with("refs/") || !adds_commits(&git.repo, tip, &elsewhere)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Messages about the leaks that [`Push::take_published`] let pass.
    pub(super) fn published_messages(&self, published: &[Leak]) -> Vec<String> {
        let remotes: BTreeSet<&str> =
            self.known.elsewhere.iter().filter_map(|(name, _)| remote_name(name)).collect();
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

/// All lines of `input`. Ref names need not be UTF-8.
pub(super) fn input_lines(input: &mut dyn BufRead) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT).read_to_end(&mut bytes).context("cannot read standard input")?;
    if bytes.len() as u64 == MAX_INPUT {
        bail!("standard input has more than {MAX_INPUT} bytes; push fewer refs at a time");
    }
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    Ok(lines.filter(|line| !line.trim().is_empty()).collect())
}

/// The input of pre-push: lines with `local_ref local_oid remote_ref remote_oid`.
#[derive(Debug, Default, PartialEq, Eq)]
struct PrePushInput {
    /// The pushed refs, without those that are deleted.
    refs: Vec<PushedRef>,
    /// The current object ids of these refs at the destination.
    destination_values: Vec<String>,
    /// The refs that the push updates or deletes: the name at the destination, and the current object id there.
    updates: Vec<(String, Option<ObjectId>)>,
}

impl PrePushInput {
    fn parse(lines: &[String]) -> Result<Self> {
        let mut input = Self::default();
        for line in lines {
            // The local revision may contain blanks: `HEAD@{1 day ago}`.
            let words: Vec<&str> = line.rsplitn(4, ' ').collect();
            let [old, destination_name, tip, name] = words[..] else {
                bail!("pre-push: `{line}` is not a line that git writes")
            };
            if !is_id(tip) || !is_id(old) {
                bail!("pre-push: `{line}` is not a line that git writes");
            }
            if !is_zero(tip) {
                let (name, tip, destination_name) =
                    (name.to_owned(), tip.to_owned(), destination_name.to_owned());
                input.refs.push(PushedRef { name, tip, destination_name });
            }
            let id = ObjectId::from_hex(old.as_bytes()).ok().filter(|_| !is_zero(old));
            input.destination_values.extend(id.map(|_| old.to_owned()));
            input.updates.push((destination_name.to_owned(), id));
        }
        Ok(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_parsed_and_deletions_push_no_ref() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let line = |local: &str, there: &str| format!("refs/heads/x {local} refs/heads/x {there}");
        let input = PrePushInput::parse(&[line(&a, &zero), line(&zero, &a), line(&b, &a)]).unwrap();
        let tips: Vec<&String> = input.refs.iter().map(|pushed| &pushed.tip).collect();
        assert_eq!((tips, input.destination_values), (vec![&a, &b], vec![a.clone(), a.clone()]));
        let known: Vec<bool> = input.updates.iter().map(|(_, id)| id.is_some()).collect();
        assert_eq!(known, [false, true, true]);
        assert_eq!(PrePushInput::parse(&[line(&zero, &a)]).unwrap().refs, []);
        let odd = format!("HEAD@{{1 day ago}} {a} refs/heads/x {zero}");
        assert_eq!(PrePushInput::parse(&[odd]).unwrap().refs[0].name, "HEAD@{1 day ago}");
        assert!(PrePushInput::parse(&["junk".to_owned()]).is_err());
    }

    #[test]
    fn ref_names_that_are_not_utf8_are_read() {
        let lines = input_lines(&mut &b"refs/heads/\xff a b c\n\n"[..]).unwrap();
        assert_eq!(lines.len(), 1);
    }
}
