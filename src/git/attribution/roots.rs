//! Collects refs, a detached HEAD, pseudorefs and reflog entries, with the objects that they point to.

use std::collections::HashMap;

use gix::ObjectId;
use gix::objs::Kind;

use super::SecretHistory;
use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::reached_by::ReachedBy;
use super::set_interner::SetId;
use crate::git::refs::{LogEntry, Refs, TipKind};
use crate::model::{Reachability, RemoteSighting, StashEntry, TagDate};

/// The object that a root points to after peeling tags, by number.
#[derive(Clone, Copy)]
enum RootObject {
    Commit(u32),
    Tree(u32),
    /// A blob with a secret, by its number among the queried objects: those in [`Query::objects`](super::Query::objects).
    Queried(u32),
    /// A blob without a secret.
    Other,
}

/// A ref, detached HEAD, pseudoref or reflog entry, from which objects are reachable.
pub(super) struct GraphRoot {
    /// The name in reports.
    pub(super) name: String,
    /// The kind of root.
    pub(super) kind: ReachedBy,
    object: RootObject,
    /// For an entry in the reflog of a remote-tracking ref: that ref, and the time.
    sighting: Option<RemoteSighting>,
    /// For an entry of the stash.
    stash: Option<StashEntry>,
}

impl GraphRoot {
    /// The commit that the root points to.
    pub(super) fn commit(&self) -> Option<u32> {
        if let RootObject::Commit(number) = self.object { Some(number) } else { None }
    }

    /// Adds what this root shows about anything that it reaches: when a remote had it, and which stash entry or tag
    /// contains it. `seconds` is the date of the root's commit.
    pub(super) fn add_evidence(&self, seconds: Option<i64>, reachability: &mut Reachability) {
        if let Some(sighting) = &self.sighting {
            reachability.add_remote_sighting(sighting.clone());
        }
        if let Some(stash) = self.stash.as_ref().filter(|stash| !reachability.stashes.contains(stash)) {
            reachability.stashes.push(stash.clone());
        }
        // Reflog entries of tags have names that begin like theirs.
        let is_tag = self.kind == ReachedBy::Ref && self.name.starts_with("refs/tags/");
        if let Some(seconds) = seconds.filter(|_| is_tag) {
            reachability.tags.push(TagDate { seconds, name: self.name.clone() });
        }
    }

    /// The secrets in the tree or blob that the root points to.
    fn secrets(&self, graph: &ObjectGraph<'_>) -> SetId {
        match self.object {
            RootObject::Tree(tree) => graph.known_secrets(tree),
            RootObject::Queried(object) => graph.queried_secrets[object as usize],
            RootObject::Commit(_) | RootObject::Other => SetId::EMPTY,
        }
    }
}

/// All roots of a repository.
pub(super) struct GraphRoots(pub(super) Vec<GraphRoot>);

impl GraphRoots {
    /// Collects the roots from `refs`, and peels their tags. Roots whose target cannot be read are omitted.
    pub(super) fn new(repo: &gix::Repository, graph: &mut ObjectGraph<'_>, refs: &Refs) -> Self {
        let mut roots = Vec::new();
        let mut objects = HashMap::new();
        let mut add = |name: String, kind: ReachedBy, id: ObjectId, sighting| {
            if !id.is_null() {
                let object = *objects.entry(id).or_insert_with(|| peel(graph, id));
                let stash = stash_entry(&name, id);
                roots.extend(object.map(|object| GraphRoot { name, kind, object, sighting, stash }));
            }
        };
        for tip in &refs.tips {
            let is_pseudoref = tip.kind == TipKind::Pseudo;
            // Pseudorefs keep nothing alive: the target of `ORIG_HEAD` may have been pruned long ago. They count as little as
            // reflogs.
            if !is_pseudoref || repo.has_object(tip.id) {
                let kind = if is_pseudoref { ReachedBy::Reflog } else { ReachedBy::Ref };
                add(tip.name.clone(), kind, tip.id, None);
            }
        }
        for entry in &refs.logs {
            add(entry.name(), ReachedBy::Reflog, entry.new, sighting(entry));
            if let Some(name) = entry.name_before() {
                add(name, ReachedBy::Reflog, entry.old, None);
            }
        }
        Self(roots)
    }

    /// The commits that roots point to, each with the kind of root.
    pub(super) fn commits(&self) -> Vec<(u32, ReachedBy)> {
        self.0.iter().filter_map(|root| Some((root.commit()?, root.kind))).collect()
    }

    /// The trees that roots point to.
    pub(super) fn trees(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .filter_map(|root| if let RootObject::Tree(tree) = root.object { Some(tree) } else { None })
    }

    /// The queried blobs that roots point to, by their numbers among the queried objects.
    pub(super) fn blobs(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .filter_map(|root| if let RootObject::Queried(blob) = root.object { Some(blob) } else { None })
    }

    /// The strongest kind of root that reaches each of `secret_count` secrets.
    pub(super) fn strongest_by_secret(
        &self,
        graph: &ObjectGraph<'_>,
        commit_graph: &CommitGraph,
        secret_count: usize,
    ) -> Vec<Option<ReachedBy>> {
        let mut strongest: Vec<Option<ReachedBy>> = vec![None; secret_count];
        let mut sets: Vec<_> =
            commit_graph.nodes.iter().map(|node| (node.secrets, node.reached_by)).collect();
        sets.extend(self.0.iter().map(|root| (root.secrets(graph), root.kind)));
        sets.sort_unstable();
        sets.dedup();
        for (set, reached_by) in sets {
            for secret in graph.sets.members(set) {
                let strongest = &mut strongest[secret as usize];
                *strongest = Some(strongest.map_or(reached_by, |known| known.min(reached_by)));
            }
        }
        strongest
    }

    /// Adds to the history of each secret the refs that reach it or, if there are none, the reflog entries and pseudorefs; and in
    /// either case what [`GraphRoot::add_evidence`] adds.
    pub(super) fn add_reachability(
        &self,
        graph: &ObjectGraph<'_>,
        commit_graph: &CommitGraph,
        histories: &mut [SecretHistory],
    ) {
        for root in &self.0 {
            let node = root.commit().and_then(|commit| commit_graph.node(commit));
            let (at_tip, in_history) = match node {
                Some(node) => (node.secrets, node.secrets_in_history),
                None => (root.secrets(graph), root.secrets(graph)),
            };
            for secret in graph.sets.members(in_history) {
                let SecretHistory { reached_by, reachability, .. } = &mut histories[secret as usize];
                root.add_evidence(node.map(|node| node.time), reachability);
                match root.kind {
                    ReachedBy::Ref => {
                        reachability.refs_in_history.push(root.name.clone());
                        if graph.sets.contains(at_tip, secret) {
                            reachability.refs_at_tip.push(root.name.clone());
                        }
                    }
                    _ if *reached_by != Some(ReachedBy::Ref) => reachability.held_by.push(root.name.clone()),
                    _ => {}
                }
            }
        }
        for history in histories {
            let Reachability { refs_at_tip, refs_in_history, tags, .. } = &mut history.reachability;
            refs_at_tip.sort();
            refs_in_history.sort();
            tags.sort();
            tags.truncate(Reachability::MAX_TAGS);
        }
    }
}

/// The stash entry that a root is, judging by its name. `git stash` renumbers its entries, so `id` is kept to identify the
/// entry later.
fn stash_entry(name: &str, id: ObjectId) -> Option<StashEntry> {
    let number = match name.strip_prefix("refs/stash")? {
        "" => "@{0}",
        number if number.starts_with("@{") => number,
        _ => return None,
    };
    Some(StashEntry { name: format!("stash{number}"), commit: id.to_string() })
}

/// When a remote had a commit, according to an entry in the reflog of a remote-tracking ref.
fn sighting(entry: &LogEntry) -> Option<RemoteSighting> {
    if !entry.log.starts_with("refs/remotes/") {
        return None;
    }
    let seconds = entry.when.split(|&byte| byte == b' ').next()?;
    let seconds = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    let by_push = entry.message.starts_with(b"update by push");
    Some(RemoteSighting { seconds, name: entry.log.clone(), by_push })
}

/// The object that `id` leads to through tags; `None` if an object on the way cannot be read.
fn peel(graph: &mut ObjectGraph<'_>, id: ObjectId) -> Option<RootObject> {
    let number = graph.ids.number(&id);
    if graph.knows_commit(number) {
        return Some(RootObject::Commit(number));
    }
    let (kind, id) = graph.peel(id)?;
    Some(match kind {
        Kind::Commit => RootObject::Commit(graph.ids.number(&id)),
        Kind::Tree => RootObject::Tree(graph.ids.number(&id)),
        // A peeled object is never a tag.
        Kind::Blob | Kind::Tag => graph.queried.find(&id).map_or(RootObject::Other, RootObject::Queried),
    })
}
