//! From objects that hold secrets to the commits, paths and refs that hold them.
//!
//! A commit *has* a secret if its tree contains, at any path, a blob that holds it. It *introduces* the secret if it
//! has it and none of its parents does; it *removes* the secret if it lacks it and a parent has it. These
//! definitions are exact for merges, renames, reverts and several roots, and need no diff: each tree is read once,
//! the set of secrets below it is computed once, and the rest is comparing sets along the commit graph. Replace refs and
//! grafts are ignored, since what they hide still exists.
//!
//! One `ObjectGraph` of trees and commits answers all queries about a repository. It is built only if something was
//! found.

mod changes;
mod commit_graph;
pub(super) mod dense_ids;
pub(super) mod graph_builder;
mod layouts;
mod moves;
mod name_interner;
pub(super) mod object_graph;
mod other_commits;
pub(super) mod pack_walk;
mod queried;
mod reached;
mod roots;
mod secret_paths;
pub(super) mod set_interner;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::lookup::Gaps;
use super::range::Range;
use super::refs::Refs;
use crate::model::{Change, Move, Reachability};
use commit_graph::CommitGraph;
use object_graph::ObjectGraph;
pub use reached::ReachedBy;
use roots::GraphRoots;
use secret_paths::PathSearch;
pub use secret_paths::SecretPath;

#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod unusual_tests;

/// The objects in which secrets were found.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Blobs, and trees with an entry whose name is a secret; with the numbers of the secrets in each.
    pub objects: HashMap<ObjectId, Vec<u32>>,
    /// Commits that hold a secret themselves, in the message for example.
    pub commits: Vec<ObjectId>,
    /// How many secrets there are; they are numbered from 0.
    pub secrets: usize,
}

impl Query {
    /// Whether it can be answered without reading any object.
    fn is_empty(&self) -> bool {
        (self.objects.is_empty() || self.secrets == 0) && self.commits.is_empty()
    }
}

/// How to answer a query.
#[derive(Clone, Copy, Debug)]
pub struct Options<'s> {
    /// Threads to read packs with.
    pub threads: usize,
    /// Set to give up early. The answer is then empty.
    pub stop: &'s AtomicBool,
    /// Whether to include commits that no ref or reflog entry reaches.
    pub include_unreachable: bool,
}

/// The answer to a query.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// One history for each secret, by number.
    pub secrets: Vec<SecretHistory>,
    /// What each of [`Query::commits`] is reachable from, in their order.
    pub commits: Vec<Reachability>,
    /// Objects that could not be read; the rest may be incomplete because of them.
    pub gaps: Gaps,
}

impl Attribution {
    fn unknown(query: &Query) -> Self {
        Self {
            secrets: vec![SecretHistory::default(); query.secrets],
            commits: vec![Reachability::default(); query.commits.len()],
            gaps: Gaps::default(),
        }
    }
}

/// The history of one secret in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretHistory {
    /// The strongest kind of root that leads to it; `None` if no commit, ref or reflog entry leads to the objects that
    /// hold it.
    pub reached_by: Option<ReachedBy>,
    /// The refs and reflog entries that lead to it.
    pub reachability: Reachability,
    /// Commits that introduce it, oldest first, each with the first path that held it. Only commits reached by
    /// something as strong as [`Self::reached_by`] are listed.
    pub introduced: Vec<Change>,
    /// Commits that remove it, likewise, with the first path that held it before.
    pub removed: Vec<Change>,
    /// Commits that move it, likewise.
    pub moves: Vec<Move>,
    /// Every path that holds or held it in any commit, sorted.
    pub paths: Vec<SecretPath>,
    /// Queried objects that hold it and that no commit's tree, ref or reflog names, sorted.
    pub unnamed: Vec<ObjectId>,
}

impl SecretHistory {
    /// Seconds from its first introduction to its last removal, or to `now` (seconds since 1970) while it is
    /// `present`. `None` if no commit introduced it, or if it only became unreachable.
    pub fn exposed_seconds(&self, present: bool, now: i64) -> Option<u64> {
        let first = self.introduced.iter().map(|change| change.seconds).min()?;
        let last = self.removed.iter().map(|change| change.seconds).max();
        let end = if present { now } else { last? };
        Some(u64::try_from(end.saturating_sub(first)).unwrap_or(0))
    }
}

/// Answers `query` about the whole history of `repo`, whose refs and reflogs are `refs`.
pub fn attribute(repo: &gix::Repository, refs: &Refs, query: &Query, options: &Options<'_>) -> Attribution {
    let Some(mut graph) = read_graph(repo, query, options) else { return Attribution::unknown(query) };
    let answer = trace(&mut graph, repo, refs, query, options.include_unreachable);
    unless_stopped(answer, query, options)
}

/// Answers `query` twice: about the commits of `range` alone, and about the whole history.
///
/// The first answer has `introduced`, `removed` and `paths` only, and describes the range: it includes a key that was
/// introduced and removed within it, but not an old one in a file that it touched. For that, `query` must list every
/// object that holds one of the secrets among the range's [`candidates`](super::range::candidates) and what is
/// [`outside`](super::range::outside) of it; an old key that is not listed looks like a new one.
pub fn attribute_range(
    repo: &gix::Repository,
    refs: &Refs,
    range: &Range,
    query: &Query,
    options: &Options<'_>,
) -> (Vec<SecretHistory>, Attribution) {
    let unknown = || (vec![SecretHistory::default(); query.secrets], Attribution::unknown(query));
    let Some(mut graph) = read_graph(repo, query, options) else { return unknown() };
    let within = trace_range(&mut graph, range, query);
    let whole = trace(&mut graph, repo, refs, query, options.include_unreachable);
    (within, unless_stopped(whole, query, options))
}

/// Reads the graph that answers `query`; `None` if no answer needs it, or if the run was stopped.
fn read_graph<'s>(repo: &gix::Repository, query: &Query, options: &Options<'s>) -> Option<ObjectGraph<'s>> {
    if query.is_empty() {
        return None;
    }
    let mut graph = ObjectGraph::new(repo, query, options.stop);
    graph.read_packs(!query.objects.is_empty(), options.threads);
    if options.include_unreachable {
        graph.read_other_commits(repo, options.threads);
    }
    (!options.stop.load(Ordering::Relaxed)).then_some(graph)
}

fn unless_stopped(answer: Attribution, query: &Query, options: &Options<'_>) -> Attribution {
    if options.stop.load(Ordering::Relaxed) { Attribution::unknown(query) } else { answer }
}

fn trace(
    graph: &mut ObjectGraph<'_>,
    repo: &gix::Repository,
    refs: &Refs,
    query: &Query,
    include_unreachable: bool,
) -> Attribution {
    let unread = graph.gaps().clone();
    let roots = GraphRoots::new(repo, graph, refs);
    let history = CommitGraph::walk(graph, &roots.commits(), include_unreachable);
    let commits = reached::commits(graph, &history, &roots, &query.commits);
    if query.objects.is_empty() {
        // All secrets are in messages, which have been read. What the walk could not read, e.g. a missing parent,
        // hides no finding, so only what was unreadable before is reported as a gap.
        let secrets = vec![SecretHistory::default(); query.secrets];
        return Attribution { secrets, commits, gaps: unread };
    }
    // Fills the memo of the graph, from which the rest is answered.
    for tree in roots.trees() {
        graph.secrets_in(tree);
    }
    let reached_by = roots.strongest(graph, &history, query.secrets);
    let changes = changes::find(graph, &history, &reached_by);
    let mut secrets: Vec<SecretHistory> = reached_by
        .into_iter()
        .zip(changes)
        .map(|(reached_by, changes)| SecretHistory {
            reached_by,
            introduced: changes.introduced,
            removed: changes.removed,
            moves: changes.moves,
            ..SecretHistory::default()
        })
        .collect();
    roots.name_refs(graph, &history, &mut secrets);
    let mut search = PathSearch::run(graph, &history, roots.trees(), ReachedBy::Nothing);
    search.add_pathless(graph, roots.blobs());
    let unnamed = search.unnamed(graph);
    for (secret, paths) in secrets.iter_mut().zip(search.finish(graph, query.secrets)) {
        secret.paths = paths;
    }
    for (id, held) in unnamed.into_iter().map(|object| graph.queried.get(object)) {
        for &secret in held.iter().collect::<BTreeSet<_>>() {
            if let Some(history) = secrets.get_mut(secret as usize) {
                history.unnamed.push(*id);
            }
        }
    }
    Attribution { secrets, commits, gaps: std::mem::take(graph.gaps()) }
}

fn trace_range(graph: &mut ObjectGraph<'_>, range: &Range, query: &Query) -> Vec<SecretHistory> {
    let commits: Vec<u32> = range.commits.iter().map(|commit| graph.ids.number(&commit.id)).collect();
    let history = CommitGraph::within(graph, &commits);
    // Every commit of the range is included, whatever leads to it.
    let inside = vec![Some(ReachedBy::Ref); query.secrets];
    let changes = changes::find(graph, &history, &inside);
    let search = PathSearch::run(graph, &history, std::iter::empty(), ReachedBy::Ref);
    let paths = search.finish(graph, query.secrets);
    let secrets = changes.into_iter().zip(paths).map(|(changes, paths)| SecretHistory {
        introduced: changes.introduced,
        removed: changes.removed,
        moves: changes.moves,
        paths,
        ..SecretHistory::default()
    });
    secrets.collect()
}

/// What a report says about the commit `id`, whose bytes are `object`, if it holds a secret itself.
pub fn change_of(id: &ObjectId, object: &[u8]) -> Change {
    super::commit::Header::new(object).change(id, None)
}
