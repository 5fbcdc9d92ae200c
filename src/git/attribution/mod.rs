//! Finds the commits, paths and refs that lead to objects with secrets.
//!
//! A commit *has* a secret if its tree contains, at any path, a blob with that secret. It *introduces* the secret if it
//! has it and none of its parents does; it *removes* the secret if it does not have it and a parent does. These
//! definitions are exact for merges, renames, reverts and several roots, and need no diff: each tree is read once,
//! the set of secrets below it is computed once, and sets are compared along the commit graph. Replace refs and
//! grafts are ignored, since what they hide still exists.
//!
//! One `ObjectGraph` of trees and commits answers all queries about a repository. It is built only if a secret was
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
mod reached_by;
mod roots;
mod roots_of_commits;
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
pub use reached_by::ReachedBy;
use roots::GraphRoots;
pub(super) use secret_paths::MAX_DIRECTORY_LEN;
use secret_paths::PathSearch;
pub use secret_paths::SecretPath;

#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod unusual_tests;

/// The objects in which secrets were found.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Blobs with secrets, and trees with an entry whose name is a secret, each with the numbers of its secrets.
    pub objects: HashMap<ObjectId, Vec<u32>>,
    /// Commits that contain a secret themselves, for example in the message.
    pub commits: Vec<ObjectId>,
    /// The number of secrets, which are numbered from 0.
    pub secret_count: usize,
}

impl Query {
    /// Whether the query can be answered without reading any object.
    fn is_empty(&self) -> bool {
        (self.objects.is_empty() || self.secret_count == 0) && self.commits.is_empty()
    }
}

/// How to answer a query.
#[derive(Clone, Copy, Debug)]
pub struct Options<'s> {
    /// Maximum number of threads that read packs.
    pub threads: usize,
    /// Stops the run early when set. The answer is then empty.
    pub stop: &'s AtomicBool,
    /// Whether to include commits that no ref or reflog entry reaches.
    pub include_unreachable: bool,
}

/// The answer to a query.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// One history for each secret, by number.
    pub secrets: Vec<SecretHistory>,
    /// What reaches each of [`Query::commits`], in the same order.
    pub commits: Vec<Reachability>,
    /// Objects that could not be read. The rest of the answer may be incomplete because of them.
    pub gaps: Gaps,
}

impl Attribution {
    /// An answer without information.
    fn empty(query: &Query) -> Self {
        Self {
            secrets: vec![SecretHistory::default(); query.secret_count],
            commits: vec![Reachability::default(); query.commits.len()],
            gaps: Gaps::default(),
        }
    }
}

/// The history of one secret in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretHistory {
    /// The strongest kind of root that reaches the secret; `None` if no commit, ref or reflog entry leads to the objects that
    /// contain it.
    pub reached_by: Option<ReachedBy>,
    /// The refs and reflog entries that reach the secret.
    pub reachability: Reachability,
    /// Commits that introduce the secret, oldest first, each with the first path that contains it. Only commits that a root
    /// as strong as [`Self::reached_by`] reaches are listed.
    pub introduced: Vec<Change>,
    /// Commits that remove the secret, in the same way, each with the first path that contained it before.
    pub removed: Vec<Change>,
    /// Commits that move the secret, in the same way.
    pub moves: Vec<Move>,
    /// Every path that contains the secret in any commit, sorted.
    pub paths: Vec<SecretPath>,
    /// Queried objects with the secret that are in no commit's tree and that no ref or reflog entry points to, sorted.
    pub unnamed_objects: Vec<ObjectId>,
}

impl SecretHistory {
    /// Seconds from the first introduction of the secret to its last removal, or to `now` (seconds since 1970) if
    /// `is_present`. `None` if no commit introduced the secret, or if it is not present and no commit removed it.
    pub fn exposed_seconds(&self, is_present: bool, now: i64) -> Option<u64> {
        let first = self.introduced.iter().map(|change| change.seconds).min()?;
        let last = self.removed.iter().map(|change| change.seconds).max();
        let end = if is_present { now } else { last? };
        Some(u64::try_from(end.saturating_sub(first)).unwrap_or(0))
    }
}

/// Answers `query` about the whole history of `repo`, whose refs and reflogs are `refs`.
pub fn attribute(repo: &gix::Repository, refs: &Refs, query: &Query, options: &Options<'_>) -> Attribution {
    let Some(mut graph) = read_graph(repo, query, options) else { return Attribution::empty(query) };
    let answer = attribute_history(&mut graph, repo, refs, query, options.include_unreachable);
    unless_stopped(answer, query, options)
}

/// Answers `query` twice: about the commits of `range` alone, and about the whole history.
///
/// The first answer has only changes and paths, and describes the range: it includes a key that was introduced and removed
/// within the range, but not an old key in a file that the range changes. For that, `query` must list every object with one
/// of the secrets among the [`candidates`](super::range::candidates) of the range and the
/// [`blobs_outside`](super::range::blobs_outside) of it. An old key in an object that is not listed appears to be new.
pub fn attribute_range(
    repo: &gix::Repository,
    refs: &Refs,
    range: &Range,
    query: &Query,
    options: &Options<'_>,
) -> (Vec<SecretHistory>, Attribution) {
    let empty = || (vec![SecretHistory::default(); query.secret_count], Attribution::empty(query));
    let Some(mut graph) = read_graph(repo, query, options) else { return empty() };
    let range_histories = attribute_range_only(&mut graph, range, query);
    let answer = attribute_history(&mut graph, repo, refs, query, options.include_unreachable);
    (range_histories, unless_stopped(answer, query, options))
}

/// Reads the graph that answers `query`; `None` if the query needs none, or if the run was stopped.
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

/// `answer`, or an empty one if the run was stopped, since `answer` may then be incomplete.
fn unless_stopped(answer: Attribution, query: &Query, options: &Options<'_>) -> Attribution {
    if options.stop.load(Ordering::Relaxed) { Attribution::empty(query) } else { answer }
}

/// Answers a query about the whole history from a graph whose packs have been read.
fn attribute_history(
    graph: &mut ObjectGraph<'_>,
    repo: &gix::Repository,
    refs: &Refs,
    query: &Query,
    include_unreachable: bool,
) -> Attribution {
    let gaps_of_packs = graph.gaps().clone();
    let roots = GraphRoots::new(repo, graph, refs);
    let commit_graph = CommitGraph::walk(graph, &roots.commits(), include_unreachable);
    let commits = roots_of_commits::reachability_of(graph, &commit_graph, &roots, &query.commits);
    if query.objects.is_empty() {
        // All secrets are in commits, which have been read. What the walk could not read, for example a missing parent,
        // hides no finding, so only earlier gaps are reported.
        let secrets = vec![SecretHistory::default(); query.secret_count];
        return Attribution { secrets, commits, gaps: gaps_of_packs };
    }
    // The graph remembers the secrets of these trees, which the rest needs.
    for tree in roots.trees() {
        graph.secrets_in(tree);
    }
    let reached_by = roots.strongest_by_secret(graph, &commit_graph, query.secret_count);
    let changes = changes::find(graph, &commit_graph, &reached_by);
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
    roots.add_reachability(graph, &commit_graph, &mut secrets);
    let mut search = PathSearch::new(graph, &commit_graph, roots.trees(), ReachedBy::Nothing);
    search.add_pathless(graph, roots.blobs());
    let unnamed_objects = search.unnamed_objects(graph);
    for (secret, paths) in secrets.iter_mut().zip(search.finish(graph, query.secret_count)) {
        secret.paths = paths;
    }
    for (id, secret_numbers) in unnamed_objects.into_iter().map(|object| graph.queried.get(object)) {
        for &secret in secret_numbers.iter().collect::<BTreeSet<_>>() {
            if let Some(history) = secrets.get_mut(secret as usize) {
                history.unnamed_objects.push(*id);
            }
        }
    }
    Attribution { secrets, commits, gaps: std::mem::take(graph.gaps()) }
}

/// Answers a query about the commits of `range` alone.
fn attribute_range_only(graph: &mut ObjectGraph<'_>, range: &Range, query: &Query) -> Vec<SecretHistory> {
    let commits: Vec<u32> = range.commits.iter().map(|commit| graph.ids.number(&commit.id)).collect();
    let commit_graph = CommitGraph::from_commits(graph, &commits);
    // Every commit of the range is included, whatever reaches it.
    let reached_by = vec![Some(ReachedBy::Ref); query.secret_count];
    let changes = changes::find(graph, &commit_graph, &reached_by);
    let search = PathSearch::new(graph, &commit_graph, std::iter::empty(), ReachedBy::Ref);
    let paths = search.finish(graph, query.secret_count);
    let histories = changes.into_iter().zip(paths).map(|(changes, paths)| SecretHistory {
        introduced: changes.introduced,
        removed: changes.removed,
        moves: changes.moves,
        paths,
        ..SecretHistory::default()
    });
    histories.collect()
}

/// What a report says about the commit `id`, whose bytes are `object`, if the commit itself contains a secret.
pub fn change_in_commit(id: &ObjectId, object: &[u8]) -> Change {
    super::commit::Header::new(object).change(id, None)
}
