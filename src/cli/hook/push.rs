//! The commits of a push, from the input of git's pre-push hook, or from what pre-commit and prek pass to
//! theirs.
//!
//! Only commits that the destination is known to have are excluded: those of the pushed refs there, as reported by
//! git, and of the remote-tracking refs of the destination ([`known_there`]). Those of other remotes are not
//! excluded, since fewer people may have access to them. One exception is reported but not blocked: see
//! [`Push::published`].

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
    /// Its local name, or the revision that the user wrote.
    name: String,
    /// Its object id.
    tip: String,
    /// Its full name at the destination.
    becomes: String,
}

/// A push, before it is sent.
#[derive(Debug)]
pub(super) struct Push {
    refs: Vec<PushedRef>,
    /// The destination's values of the pushed refs.
    there: Vec<String>,
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
        let Lines { refs, there, actual } = Lines::read(&lines)?;
        if refs.is_empty() {
            return Ok(None);
        }
        let known = known_there(&git.repo, name.unwrap_or_default(), url, &actual)?;
        Ok(Some(Self::to(known, name.unwrap_or_default(), refs, there)))
    }

    /// The push for which pre-commit or prek runs its pre-push stage; `None` in any other stage.
    ///
    /// They pass only one ref, the first that is neither deleted nor up to date. When they push its whole
    /// history, pre-commit also omits `PRE_COMMIT_TO_REF`.
    ///
    /// # Errors
    /// No repository.
    pub(super) fn of_framework(git: &GitEnv) -> Result<Option<Self>> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let Some(remote) = variable("PRE_COMMIT_REMOTE_NAME") else { return Ok(None) };
        let branch = variable("PRE_COMMIT_LOCAL_BRANCH").unwrap_or_else(|| "HEAD".to_owned());
        let tip = variable("PRE_COMMIT_TO_REF").unwrap_or_else(|| branch.clone());
        let url = variable("PRE_COMMIT_REMOTE_URL");
        let becomes = variable("PRE_COMMIT_REMOTE_BRANCH").unwrap_or_default();
        let refs = vec![PushedRef { name: branch, tip, becomes }];
        let known = known_there(&git.repo, &remote, url.as_deref(), &[])?;
        let mut push = Self::to(known, &remote, refs, Vec::new());
        // Either the remote's value of the branch, or what the frameworks derive from the remote-tracking refs.
        if push.known.destination != Destination::PushesElsewhere {
            push.there.extend(variable("PRE_COMMIT_FROM_REF"));
        }
        Ok(Some(push))
    }

    fn to(known: KnownThere, name: &str, refs: Vec<PushedRef>, there: Vec<String>) -> Self {
        // A URL may contain a password.
        let remote = match known.destination {
            Destination::Url => "that URL".to_owned(),
            Destination::Remote | Destination::PushesElsewhere => format!("`{name}`"),
        };
        Self { refs, there, known, remote }
    }

    /// The names of the pushed refs at the destination.
    pub(super) fn names(&self) -> Vec<String> {
        self.refs.iter().map(|pushed| pushed.becomes.clone()).filter(|name| !name.is_empty()).collect()
    }

    /// The pushed commits that the destination is not known to have, as arguments of a range.
    pub(super) fn range(&self) -> Vec<String> {
        arguments(self.tips(), self.left_out().collect())
    }

    /// All branches and tags that the destination is not known to have, except those in [`Push::range`].
    pub(super) fn other_refs(&self) -> Vec<String> {
        let others = ["--branches", "--tags", "HEAD"].map(str::to_owned).to_vec();
        arguments(others, self.left_out().chain(self.tips()).collect())
    }

    /// The pushed refs, for advice.
    pub(super) fn ref_tips(&self) -> Vec<RefTip> {
        let refs = self.refs.iter();
        refs.map(|pushed| RefTip { name: pushed.name.clone(), tip: pushed.tip.clone() }).collect()
    }

    fn tips(&self) -> Vec<String> {
        self.refs.iter().map(|pushed| pushed.tip.clone()).collect()
    }

    fn left_out(&self) -> impl Iterator<Item = String> {
        self.there.iter().cloned().chain(self.known.there.iter().map(ToString::to_string))
    }

    /// Why more than the new commits was scanned, if nothing is known about the destination.
    pub(super) fn why_all(&self) -> Option<String> {
        if !self.there.is_empty() || !self.known.there.is_empty() {
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

    /// Removes from `draft` and returns the leaks that another remote already has and that have been removed
    /// there and from the pushed refs, if `in_own` finds none of them in the commits that no remote has.
    ///
    /// This is the case for the first push of a topic branch to a fork, whose history contains the old key. The
    /// exception does not apply to a push that only copies what another remote has, to a URL, or to a remote
    /// whose push URL differs from its fetch URL, since these can publish private work.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub(super) fn published(
        &self,
        git: &GitEnv,
        draft: &mut Draft,
        in_own: impl FnOnce(Vec<String>) -> Result<Draft>,
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
        if !contributes || !draft.open_leaks().any(is_gone) || !self.adds_to_each(git)? {
            return Ok(Vec::new());
        }
        let elsewhere = self.known.elsewhere.iter().map(|(_, id)| id.to_string());
        let own = in_own(arguments(self.tips(), self.left_out().chain(elsewhere).collect()))?;
        let is_own = |leak: &Leak| {
            own.leaks.iter().any(|own| own.identified.fingerprint == leak.identified.fingerprint)
        };
        let (published, kept) = std::mem::take(&mut draft.leaks)
            .into_iter()
            .partition(|leak| !leak.is_suppressed() && is_gone(leak) && !is_own(leak));
        draft.leaks = kept;
        Ok(published)
    }

    /// Whether each pushed ref has commits that no remote has. For a ref that is not a local branch or tag, the
    /// contents of its newest commit are unknown.
    fn adds_to_each(&self, git: &GitEnv) -> Result<bool> {
        let elsewhere: Vec<ObjectId> = self.known.elsewhere.iter().map(|(_, id)| *id).collect();
        for pushed in &self.refs {
            let Ok(tip) = ObjectId::from_hex(pushed.tip.as_bytes()) else { return Ok(false) };
            if !pushed.name.starts_with("refs/") || !adds_commits(&git.repo, tip, &elsewhere)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The message about the leaks that [`Push::published`] let pass.
    pub(super) fn messages(&self, published: &[Leak]) -> Vec<String> {
        let remotes: BTreeSet<&str> =
            self.known.elsewhere.iter().filter_map(|(name, _)| remote_of(name)).collect();
        let other = remotes.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        let tell = |leak: &Leak| {
            let (rule, redacted) = (&leak.identified.rule, leak.identified.secret.redacted());
            let commit = leak.introduced.first().map_or("", |change| &change.commit[..]);
            format!(
                "friskey: not blocked: {rule} {redacted} in commit {}: {other} has that commit already, and the key \
                 is gone from what you push. If {} is open to more people than that, revoke the key now.",
                commit.get(..10).unwrap_or(commit),
                self.remote
            )
        };
        published.iter().map(tell).collect()
    }
}

/// The first component of a remote-tracking ref below `refs/remotes/`, by convention the name of the remote.
fn remote_of(name: &str) -> Option<&str> {
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

/// Parses the `local_ref local_oid remote_ref remote_oid` lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    /// The pushed objects; a deletion pushes none.
    refs: Vec<PushedRef>,
    /// The current values at the destination.
    there: Vec<String>,
    /// The refs that the push updates, by their names at the destination, and their current values there.
    actual: Vec<(String, Option<ObjectId>)>,
}

impl Lines {
    fn read(lines: &[String]) -> Result<Self> {
        let mut read = Self::default();
        for line in lines {
            // The local revision may contain blanks: `HEAD@{1 day ago}`.
            let words: Vec<&str> = line.rsplitn(4, ' ').collect();
            let [old, becomes, tip, name] = words[..] else {
                bail!("pre-push: `{line}` is not a line that git writes")
            };
            if !is_id(tip) || !is_id(old) {
                bail!("pre-push: `{line}` is not a line that git writes");
            }
            if !is_zero(tip) {
                let (name, tip, becomes) = (name.to_owned(), tip.to_owned(), becomes.to_owned());
                read.refs.push(PushedRef { name, tip, becomes });
            }
            let id = ObjectId::from_hex(old.as_bytes()).ok().filter(|_| !is_zero(old));
            read.there.extend(id.map(|_| old.to_owned()));
            read.actual.push((becomes.to_owned(), id));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_deletions_add_nothing() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let line = |local: &str, there: &str| format!("refs/heads/x {local} refs/heads/x {there}");
        let read = Lines::read(&[line(&a, &zero), line(&zero, &a), line(&b, &a)]).unwrap();
        let tips: Vec<&String> = read.refs.iter().map(|pushed| &pushed.tip).collect();
        assert_eq!((tips, read.there), (vec![&a, &b], vec![a.clone(), a.clone()]));
        let known: Vec<bool> = read.actual.iter().map(|(_, id)| id.is_some()).collect();
        assert_eq!(known, [false, true, true]);
        assert_eq!(Lines::read(&[line(&zero, &a)]).unwrap().refs, []);
        let odd = format!("HEAD@{{1 day ago}} {a} refs/heads/x {zero}");
        assert_eq!(Lines::read(&[odd]).unwrap().refs[0].name, "HEAD@{1 day ago}");
        assert!(Lines::read(&["junk".to_owned()]).is_err());
    }

    #[test]
    fn names_of_refs_need_not_be_unicode() {
        let lines = input_lines(&mut &b"refs/heads/\xff a b c\n\n"[..]).unwrap();
        assert_eq!(lines.len(), 1);
    }
}
