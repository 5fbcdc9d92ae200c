//! What a push brings, from what git tells its pre-push hook, or pre-commit and prek tell theirs.
//!
//! Left out is what the destination is known to have: what git says that the pushed refs are there, and the
//! remote-tracking refs of that very place ([`known_there`]). What other remotes have is no excuse, since they may
//! be open to fewer people. One exception is told and not blocked: see [`Push::published`].

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use anyhow::{Context, Result, bail};

use super::range::words;
use super::rewrite::RefTip;
use crate::cli::git_env::GitEnv;
use crate::git::{Destination, KnownThere, ObjectId, adds_commits, is_id, is_zero, known_there};
use crate::model::{Draft, Leak, Surface};

/// Bytes of standard input read at most: a million refs.
const MAX_INPUT: u64 = 1 << 28;

/// A ref that is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PushedRef {
    /// Its name here, or whatever was written for it.
    name: String,
    /// What it is.
    tip: String,
    /// Its full name at the destination.
    becomes: String,
}

/// A push, before it happens.
#[derive(Debug)]
pub(super) struct Push {
    refs: Vec<PushedRef>,
    /// What the destination has of the refs that are pushed.
    there: Vec<String>,
    known: KnownThere,
    /// What the destination is called in messages.
    remote: String,
}

impl Push {
    /// Reads what git gives to pre-push; nothing when the push brings nothing.
    ///
    /// # Errors
    /// When a line is not one that git writes, or there is no repository.
    pub(super) fn read(git: &GitEnv, name: Option<&str>, url: Option<&str>) -> Result<Option<Self>> {
        let lines = input_lines(&mut io::stdin().lock())?;
        let Lines { refs, there, actual } = Lines::read(&lines)?;
        if refs.is_empty() {
            return Ok(None);
        }
        let known = known_there(&git.repo, name.unwrap_or_default(), url, &actual)?;
        Ok(Some(Self::to(known, name.unwrap_or_default(), refs, there)))
    }

    /// The push that pre-commit or prek runs its pre-push stage for; nothing at any other stage.
    ///
    /// They tell of one ref, the first that is neither deleted nor up to date, and where they push its whole
    /// history, pre-commit leaves out `PRE_COMMIT_TO_REF`, too.
    ///
    /// # Errors
    /// When there is no repository.
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
        // Either what the remote has of the branch, or the frameworks' own conclusion from the remote-tracking refs.
        if push.known.destination != Destination::PushesElsewhere {
            push.there.extend(variable("PRE_COMMIT_FROM_REF"));
        }
        Ok(Some(push))
    }

    fn to(known: KnownThere, name: &str, refs: Vec<PushedRef>, there: Vec<String>) -> Self {
        // A URL may have a password in it.
        let remote = match known.destination {
            Destination::Url => "that URL".to_owned(),
            Destination::Remote | Destination::PushesElsewhere => format!("`{name}`"),
        };
        Self { refs, there, known, remote }
    }

    /// The names that the pushed refs get at the destination.
    pub(super) fn names(&self) -> Vec<String> {
        self.refs.iter().map(|pushed| pushed.becomes.clone()).filter(|name| !name.is_empty()).collect()
    }

    /// What is pushed and the destination is not known to have, in words of a range.
    pub(super) fn range(&self) -> Vec<String> {
        words(self.tips(), self.left_out().collect())
    }

    /// All branches and tags that the destination is not known to have, but for what [`Push::range`] has.
    pub(super) fn other_refs(&self) -> Vec<String> {
        let others = ["--branches", "--tags", "HEAD"].map(str::to_owned).to_vec();
        words(others, self.left_out().chain(self.tips()).collect())
    }

    /// The pushed refs, for advice on them.
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

    /// Why more was scanned than what is new, if nothing is known of the destination.
    pub(super) fn why_all(&self) -> Option<String> {
        if !self.there.is_empty() || !self.known.there.is_empty() {
            return None;
        }
        let remote = &self.remote;
        Some(match self.known.destination {
            Destination::Remote => {
                format!(
                    "Nothing is known of what {remote} has, so everything pushed was scanned; `git fetch` from it first to leave out what it has."
                )
            }
            Destination::PushesElsewhere => format!(
                "{remote} pushes to another place than it fetches from, and nothing is known of what that place has, so everything pushed was scanned."
            ),
            Destination::Url => format!(
                "Nothing is known of what {remote} has, so everything pushed was scanned, also what other remotes have."
            ),
        })
    }

    /// Takes out of `draft` the leaks that another remote already has and that are gone there and from what is pushed, and
    /// returns them, if `in_own` finds none of them in the commits that no remote has.
    ///
    /// That is the first push of a topic branch to a fork: the old key is in the history it starts from. A push
    /// that only copies what another remote has gets no such exception, nor does one to a URL or to a remote that
    /// pushes elsewhere than it fetches from, since that is how private work gets published.
    ///
    /// # Errors
    /// When the repository cannot be read.
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
        let own = in_own(words(self.tips(), self.left_out().chain(elsewhere).collect()))?;
        let is_own = |leak: &Leak| {
            own.leaks.iter().any(|own| own.identified.fingerprint == leak.identified.fingerprint)
        };
        let (published, kept) = std::mem::take(&mut draft.leaks)
            .into_iter()
            .partition(|leak| !leak.is_suppressed() && is_gone(leak) && !is_own(leak));
        draft.leaks = kept;
        Ok(published)
    }

    /// Whether each pushed ref has commits that no remote has. Of one that is no branch or tag here it is not known
    /// what its newest commit contains.
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

    /// What to say of the leaks that [`Push::published`] let pass.
    pub(super) fn told(&self, published: &[Leak]) -> Vec<String> {
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

/// The first part of what a remote-tracking ref is called below `refs/remotes/`, by convention the remote.
fn remote_of(name: &str) -> Option<&str> {
    name.strip_prefix("refs/remotes/")?.split('/').next()
}

/// Every line of `input`, none left out. Names of refs need not be UTF-8.
pub(super) fn input_lines(input: &mut dyn BufRead) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT).read_to_end(&mut bytes).context("cannot read standard input")?;
    if bytes.len() as u64 == MAX_INPUT {
        bail!("standard input has more than {MAX_INPUT} bytes; push fewer refs at a time");
    }
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    Ok(lines.filter(|line| !line.trim().is_empty()).collect())
}

/// What the `local_ref local_oid remote_ref remote_oid` lines say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    /// What is pushed; a deletion pushes nothing.
    refs: Vec<PushedRef>,
    /// What the destination has there now.
    there: Vec<String>,
    /// The refs that the push updates, by their names at the destination, and what they are there now.
    actual: Vec<(String, Option<ObjectId>)>,
}

impl Lines {
    fn read(lines: &[String]) -> Result<Self> {
        let mut read = Self::default();
        for line in lines {
            // What was written for a ref may have blanks in it: `HEAD@{1 day ago}`.
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
    fn every_line_counts_and_deletions_bring_nothing() {
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
