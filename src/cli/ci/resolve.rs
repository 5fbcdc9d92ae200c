//! A plan, with what this repository has: the words of the range, and how it is told.

use std::collections::HashSet;

use super::plan::{Plan, Push, Scope};
use crate::git::Repository;
use crate::git::range::{Care, RangeError, parse, select};
use crate::git::refs;

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
    let why = match before {
        Some(before) => format!("{event}: {before} was forced away or is not fetched"),
        None => format!("{event}: new"),
    };
    beside_default(push, &why, repo)
}

/// What a ref has that neither the default branch has nor a branch from which it goes on. Others are not left out: of
/// two that are pushed together, each would leave their common commits to the other, and nothing here tells which were
/// there before.
fn beside_default(push: &Push, why: &str, repo: &Repository) -> Resolved {
    let after = push.after.as_str();
    let Some((name, id)) = default_tip(push, repo) else {
        return Resolved {
            work: Work::Range(vec![after.to_owned()]),
            range: after.to_owned(),
            why: format!("{why}, and there is no default branch beside it: all that it has"),
            base: Base::Unknown,
        };
    };
    let mut words = [after, "--not", &id].map(str::to_owned).to_vec();
    let below = branches_below(&words, repo);
    let mut why = format!("{why}: what the default branch, {name}, has not");
    if let [first, more @ ..] = &below[..] {
        let others = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        why = format!("{why}, nor {}{others}, from which it goes on", first.0);
    }
    words.extend(below.into_iter().map(|(_, id)| id));
    Resolved { work: Work::Range(words), range: format!("{id}..{after}"), why, base: Base::Rev(id) }
}

/// The remote's branches that end within the range, and not where it does. Each has a run of its own.
fn branches_below(words: &[String], repo: &Repository) -> Vec<(String, String)> {
    let Ok(range) = parse(repo, words).and_then(|revisions| select(repo, &revisions, Care::Quick)) else {
        return Vec::new();
    };
    // Whatever it ends with is nobody's parent.
    let inside: HashSet<_> = range.commits.iter().flat_map(|commit| &commit.parents).collect();
    let known: HashSet<_> = range.commits.iter().map(|commit| &commit.id).collect();
    let refs = refs::read(repo);
    let branches =
        refs.tips.iter().filter_map(|tip| Some((tip.name.strip_prefix("refs/remotes/origin/")?, tip.id)));
    branches
        .filter(|(name, id)| *name != "HEAD" && inside.contains(id) && known.contains(id))
        .map(|(name, id)| (name.to_owned(), id.to_string()))
        .collect()
}

/// Whether a revision is a commit of this repository.
fn is_here(repo: &Repository, revision: &str) -> bool {
    !matches!(parse(repo, &[revision]), Err(RangeError::Missing { .. } | RangeError::Unknown { .. }))
}

/// Name and commit of the remote's default branch, unless it is what was pushed, or may be.
fn default_tip(push: &Push, repo: &Repository) -> Option<(String, String)> {
    let pushed = push.name.as_deref()?;
    let refs = refs::read(repo);
    let names = match &push.default_branch {
        Some(name) => vec![name.as_str()],
        // Where the event does not tell, a clone of the usual kind has one of these two.
        None => vec!["main", "master"],
    };
    let tip = |name: &str| {
        let full = format!("refs/remotes/origin/{name}");
        refs.tips.iter().find(|tip| tip.name == full).map(|tip| (name.to_owned(), tip.id.to_string()))
    };
    names.into_iter().find_map(tip).filter(|(name, _)| pushed.strip_prefix("refs/heads/") != Some(name))
}
