//! A plan, with what this repository has: the words of the range, and how it is told.

use std::collections::BTreeSet;

use super::plan::{Plan, Push, Scope};
use crate::git::range::{RangeError, parse};
use crate::git::refs::{self, Refs};
use crate::git::{ObjectId, Repository};

/// What will be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Nothing,
    Whole,
    /// The words of a range.
    Range(Vec<String>),
}

/// That, in words, and whom to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) work: Work,
    /// The range, short enough for one line.
    pub(super) range: String,
    /// Why that one.
    pub(super) why: String,
    /// Where configuration and baseline come from.
    pub(super) base: Base,
}

/// The side that may say what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// What was there before the change.
    Rev(String),
    /// What is checked out: no change is under review.
    Checkout,
    /// There is none, or it is not here.
    Unknown,
}

pub(super) fn resolve(plan: &Plan, repo: &Repository) -> Resolved {
    let event = &plan.event;
    match &plan.scope {
        Scope::Nothing => Resolved {
            work: Work::Nothing,
            range: "nothing".to_owned(),
            why: format!("{event}: the branch or tag was deleted, and brings nothing"),
            base: Base::Checkout,
        },
        Scope::Whole => Resolved {
            work: Work::Whole,
            range: "whole history".to_owned(),
            why: format!("{event}: it is about no range of commits"),
            base: Base::Checkout,
        },
        Scope::Between { base, head } => between(
            repo,
            &base.word(),
            &head.word(),
            // All that both can reach is left out, which is what the merge base can reach.
            format!("{event}: what the head has and the base has not"),
        ),
        Scope::Push(push) => resolve_push(push, event, repo),
    }
}

fn between(repo: &Repository, base: &str, head: &str, why: String) -> Resolved {
    let words = [head, "--not", base].map(str::to_owned).to_vec();
    let range = format!("{base}..{head}");
    let base = if is_here(repo, base) { Base::Rev(base.to_owned()) } else { Base::Unknown };
    Resolved { work: Work::Range(words), range, why, base }
}

fn resolve_push(push: &Push, event: &str, repo: &Repository) -> Resolved {
    let after = push.after.as_str();
    let before = push.before.as_deref();
    if let Some(before) = before
        && is_here(repo, before)
    {
        return between(repo, before, after, format!("{event}: what was pushed"));
    }
    let known = Known::of(push, repo);
    match before {
        // Nothing to compare with: the range fails, and says what to fetch.
        Some(before) if known.others.is_empty() => between(
            repo,
            before,
            after,
            format!(
                "{event}: what was there before was forced away or is not fetched, and no other branch is known"
            ),
        ),
        Some(before) => known.range(after, &format!("{event}: {before} was forced away or is not fetched")),
        None => known.range(after, &format!("{event}: new")),
    }
}

/// Whether a revision is a commit of this repository.
fn is_here(repo: &Repository, revision: &str) -> bool {
    !matches!(parse(repo, &[revision]), Err(RangeError::Missing { .. } | RangeError::Unknown { .. }))
}

/// What the remote's other branches have.
struct Known {
    others: BTreeSet<ObjectId>,
    default: Option<ObjectId>,
}

impl Known {
    fn of(push: &Push, repo: &Repository) -> Self {
        let mut known = Self { others: BTreeSet::new(), default: None };
        if push.name.is_none() {
            // Any branch may be the one that was pushed, and would hide it.
            return known;
        }
        let after = ObjectId::from_hex(push.after.as_bytes()).ok();
        let refs = refs::read(repo);
        let own = push.name.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
        let default = default_branch(push, &refs).filter(|default| Some(default.as_str()) != own);
        for tip in &refs.tips {
            let Some(branch) = remote_branch(&tip.name) else { continue };
            if own == Some(branch) || branch == "HEAD" {
                continue;
            }
            if default.as_deref() == Some(branch) {
                known.default = Some(tip.id);
            } else if Some(tip.id) == after {
                // Pushed together with this one: each would leave the commits to the other.
                continue;
            }
            known.others.insert(tip.id);
        }
        known
    }

    fn range(&self, after: &str, why: &str) -> Resolved {
        let mut words = vec![after.to_owned()];
        if !self.others.is_empty() {
            words.extend(["--ignore-missing".to_owned(), "--not".to_owned()]);
            words.extend(self.others.iter().map(ToString::to_string));
        }
        let (range, why) = match self.others.len() {
            0 => (after.to_owned(), format!("{why}, and no other branch is known: all that it has")),
            count => (
                format!("{after} --not {count} remote {}", if count == 1 { "tip" } else { "tips" }),
                format!("{why}: what no other remote branch has"),
            ),
        };
        let base = self.default.map_or(Base::Unknown, |id| Base::Rev(id.to_string()));
        Resolved { work: Work::Range(words), range, why, base }
    }
}

/// The branch of a remote that a ref stands for: `refs/remotes/origin/a/b` for `a/b`.
fn remote_branch(name: &str) -> Option<&str> {
    name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, branch)| branch)
}

fn default_branch(push: &Push, refs: &Refs) -> Option<String> {
    // Where the event does not tell, a clone of the usual kind has one of these two.
    let usual = || {
        let names = ["main", "master"];
        let found = names.iter().find(|name| {
            let full = format!("refs/remotes/origin/{name}");
            refs.tips.iter().any(|tip| tip.name == full)
        });
        found.map(|name| (*name).to_owned())
    };
    push.default_branch.clone().or_else(usual)
}
