//! Finds moves: commits after which a secret is at other paths than before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::commit_graph::{CommitGraph, CommitNode};
use super::layouts::{LayoutContent, LayoutEntry, LayoutId};
use super::object_graph::ObjectGraph;
use super::secret_paths::{MAX_DEPTH, MAX_DIRECTORY_LEN};
use super::set_interner::SetId;

/// Maximum number of paths that may differ between two trees, and of pairs of such a path and a secret. If there are more, the commit is
/// listed without moves.
const MAX_PATHS: usize = 10_000;
/// Maximum number of paths, and of such pairs, that are compared in one history, in case every commit moves everything. Later commits are listed
/// without moves. No report mentions that: moves are an addition, and no finding depends on them.
pub(super) const MAX_COMPARED: usize = 4_000_000;

/// The path before a move, and the path after it.
type PathPair = (Vec<u8>, Vec<u8>);

/// The old and new paths of one secret in a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PathChanges {
    old: BTreeSet<Vec<u8>>,
    new: BTreeSet<Vec<u8>>,
}

/// The paths from which and to which a commit moves each secret that both the commit and its parents have.
/// `comparisons_left` is the number of paths that may still be compared.
pub(super) fn find_moves(
    graph: &ObjectGraph<'_>,
    commit_graph: &CommitGraph,
    node: &CommitNode,
    comparisons_left: &mut usize,
) -> BTreeMap<u32, Vec<PathPair>> {
    let after = graph.layouts.layout(node.tree);
    let before: Vec<_> = commit_graph.parents(node).map(|parent| graph.layouts.layout(parent.tree)).collect();
    // A merge whose result equals one of its parents moves nothing itself: the moves are in the commits it merges.
    if after.is_none() || before.is_empty() || before.contains(&after) {
        return BTreeMap::new();
    }
    let mut changes: Option<BTreeMap<u32, PathChanges>> = None;
    for parent in before {
        let Some(compared) = compare(graph, parent, after, comparisons_left) else { return BTreeMap::new() };
        changes = Some(match changes {
            None => compared,
            Some(others) => intersection(others, compared),
        });
    }
    let moved = changes.unwrap_or_default().into_iter();
    moved.map(|(secret, changes)| (secret, pairs(changes))).filter(|(_, pairs)| !pairs.is_empty()).collect()
}

/// The changes that are in both `one` and `other`.
fn intersection(
    one: BTreeMap<u32, PathChanges>,
    mut other: BTreeMap<u32, PathChanges>,
) -> BTreeMap<u32, PathChanges> {
    let shared = one.into_iter().filter_map(|(secret, one)| {
        let other = other.remove(&secret)?;
        let old = one.old.intersection(&other.old).cloned().collect();
        let new = one.new.intersection(&other.new).cloned().collect();
        Some((secret, PathChanges { old, new }))
    });
    shared.collect()
}

/// The paths of each secret that differ between two layouts; `None` if there are too many.
fn compare(
    graph: &ObjectGraph<'_>,
    before: Option<LayoutId>,
    after: Option<LayoutId>,
    comparisons_left: &mut usize,
) -> Option<BTreeMap<u32, PathChanges>> {
    let mut changes: BTreeMap<u32, PathChanges> = BTreeMap::new();
    let mut stack = vec![(Vec::new(), before, after, 0)];
    let (mut paths, mut places) = (0, 0);
    while let Some((path, before, after, depth)) = stack.pop() {
        let (old, new) = (graph.layouts.entries(before), graph.layouts.entries(after));
        for (name, old, new) in differences(&old, &new) {
            paths += 1;
            *comparisons_left = comparisons_left.checked_sub(1)?;
            if paths > MAX_PATHS || places > MAX_PATHS || depth > MAX_DEPTH || path.len() > MAX_DIRECTORY_LEN
            {
                return None;
            }
            let mut path = path.clone();
            graph.name(name, |name| path.extend_from_slice(name));
            let (old_set, new_set) = (secrets(old), secrets(new));
            for secret in graph.sets.difference(old_set, new_set) {
                places += 1;
                *comparisons_left = comparisons_left.checked_sub(1)?;
                changes.entry(secret).or_default().old.insert(path.clone());
            }
            for secret in graph.sets.difference(new_set, old_set) {
                places += 1;
                *comparisons_left = comparisons_left.checked_sub(1)?;
                changes.entry(secret).or_default().new.insert(path.clone());
            }
            let (old, new) = (layout(old), layout(new));
            if old != new {
                path.push(b'/');
                stack.push((path, old, new, depth + 1));
            }
        }
    }
    Some(changes)
}

/// The names at which two layouts differ, with the content in each.
fn differences(
    old: &[LayoutEntry],
    new: &[LayoutEntry],
) -> Vec<(u32, Option<LayoutContent>, Option<LayoutContent>)> {
    let mut both: BTreeMap<u32, (Option<LayoutContent>, Option<LayoutContent>)> = BTreeMap::new();
    old.iter().for_each(|entry| both.entry(entry.name).or_default().0 = Some(entry.content));
    new.iter().for_each(|entry| both.entry(entry.name).or_default().1 = Some(entry.content));
    let differ = both.into_iter().filter(|(_, (old, new))| old != new);
    differ.map(|(name, (old, new))| (name, old, new)).collect()
}

/// The secrets in a blob; none for a tree.
fn secrets(content: Option<LayoutContent>) -> SetId {
    if let Some(LayoutContent::Secrets(set)) = content { set } else { SetId::EMPTY }
}

/// The layout of a tree; `None` for a blob.
fn layout(content: Option<LayoutContent>) -> Option<LayoutId> {
    if let Some(LayoutContent::Layout(layout)) = content { Some(layout) } else { None }
}

/// Pairs each old path with a new one: with one of the same file name if there is any, otherwise in order.
fn pairs(PathChanges { old, mut new }: PathChanges) -> Vec<PathPair> {
    let mut pairs = Vec::new();
    let mut others = Vec::new();
    let mut new_by_name: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    // The last first, so that the first is popped first.
    for path in new.iter().rev() {
        new_by_name.entry(file_name(path).to_vec()).or_default().push(path.clone());
    }
    for from in old {
        match new_by_name.get_mut(file_name(&from)).and_then(Vec::pop) {
            Some(to) => {
                new.remove(&to);
                pairs.push((from, to));
            }
            None => others.push(from),
        }
    }
    pairs.extend(others.into_iter().zip(new));
    pairs
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_paired_by_file_name_first() {
        let set = |paths: &[&str]| paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let paired = |old: &[&str], new: &[&str]| -> Vec<(String, String)> {
            let text = |path: Vec<u8>| String::from_utf8(path).unwrap();
            let changes = PathChanges { old: set(old), new: set(new) };
            pairs(changes).into_iter().map(|(from, to)| (text(from), text(to))).collect()
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(paired(&["a/x", "a/y"], &["b/y", "c"]), [pair("a/y", "b/y"), pair("a/x", "c")]);
        assert_eq!(paired(&["a"], &["b", "c"]), [pair("a", "b")]);
        assert_eq!(paired(&["a"], &[]), []);
        assert_eq!(paired(&[], &["a"]), []);
    }
}
