//! Rewrites commits: those with a key, those whose tree contains one, and all their descendants.

use std::collections::HashSet;

use super::cleanse::cleanse;
use super::error::PurgeError;
use super::headers::{RawHeader, split_headers};
use super::message_ids::CommitIds;
use super::rewriter::HistoryRewriter;
use crate::git::{CommitLinks, ObjectId, ObjectKind};

/// Which commits were visited, to rewrite each after the commits that it depends on.
#[derive(Default)]
struct CommitOrder {
    /// Commits whose message was searched for ids of other commits, which were then queued.
    searched: HashSet<ObjectId>,
    /// Commits that need no further work.
    finished: HashSet<ObjectId>,
}

/// Headers that a rewritten commit lost.
#[derive(Default)]
struct DroppedHeaders {
    /// 1 if the commit was signed, even with several signatures.
    signatures: u64,
    /// How many `mergetag` headers were dropped.
    merge_tags: u64,
}

impl HistoryRewriter<'_> {
    /// Rewrites the affected commits, except for those of notes, parents first.
    pub(super) fn rewrite_commits(&mut self) -> Result<(), PurgeError> {
        // The commits from this position on are those that only refs of notes reach; `rewrite_notes` rewrites them.
        let early = self.graph.early_commit_count();
        let mut ids = Vec::new();
        for position in 0..self.graph.commit_count() {
            let Some(links) = self.graph.commit(position) else { continue };
            if !self.options.keep_message_ids {
                ids.push(links.id);
            }
            let has_affected_parent = links.parents.iter().any(|parent| self.affected.contains(parent));
            let has_key =
                self.objects_with_keys.contains_key(&links.id) || self.graph.leads_to_wanted(&links.tree);
            if position < early && (has_affected_parent || has_key) {
                self.affected.insert(links.id);
            }
        }
        self.commit_ids = (!self.options.keep_message_ids).then(|| CommitIds::new(ids));
        let mut order = CommitOrder::default();
        for position in 0..early {
            let Some(links) = self.graph.commit(position) else { continue };
            if self.affected.contains(&links.id) {
                self.rewrite_commit_after_mentions(links.id, &mut order)?;
            }
        }
        Ok(())
    }

    /// Rewrites a commit after its parents and after the commits that its message mentions, so that their new ids are known.
    /// A mention may be circular, since an abbreviated id may happen to match a later commit; such an id is not replaced.
    fn rewrite_commit_after_mentions(
        &mut self,
        id: ObjectId,
        order: &mut CommitOrder,
    ) -> Result<(), PurgeError> {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            self.check_stop()?;
            if order.finished.contains(&id) {
                continue;
            }
            let bytes = self.read(&id, ObjectKind::Commit)?;
            let (headers, message) = split_headers(&bytes);
            let header_ids = |name: &'static [u8]| {
                headers.iter().filter(move |header| header.name == name).filter_map(RawHeader::id)
            };
            let parents: Vec<ObjectId> = header_ids(b"parent").collect();
            let is_waiting = |id: &ObjectId| self.affected.contains(id) && !order.finished.contains(id);
            let waiting_parents: Vec<ObjectId> = parents.iter().copied().filter(is_waiting).collect();
            if !waiting_parents.is_empty() {
                stack.push(id);
                stack.extend(waiting_parents);
                continue;
            }
            if !order.searched.contains(&id) {
                let mentioned_ids = self.commit_ids.iter().flat_map(|ids| ids.find_mentions(message));
                let mentioned_ids = mentioned_ids.map(|(_, id)| id).filter(is_waiting);
                let waiting_mentions: Vec<ObjectId> =
                    mentioned_ids.filter(|id| !order.searched.contains(id)).collect();
                order.searched.insert(id);
                if !waiting_mentions.is_empty() {
                    stack.push(id);
                    stack.extend(waiting_mentions);
                    continue;
                }
            }
            let tree = header_ids(b"tree").next().ok_or(PurgeError::Malformed(id))?;
            let links = CommitLinks { id, tree, parents };
            let tree = self.rewrite_tree(tree)?;
            self.rewrite_commit(&links, tree, &bytes)?;
            order.finished.insert(id);
        }
        Ok(())
    }

    /// Rewrites one commit with its new tree.
    pub(super) fn rewrite_commit(
        &mut self,
        links: &CommitLinks,
        tree: ObjectId,
        old: &[u8],
    ) -> Result<ObjectId, PurgeError> {
        let id = links.id;
        let has_key = self.objects_with_keys.contains_key(&id);
        let (headers, message) = split_headers(old);
        let mut dropped = DroppedHeaders::default();
        let mut new = Vec::with_capacity(old.len());
        for header in headers {
            if header.is_signature() {
                dropped.signatures = 1;
            } else if header.name == b"tree" {
                new.extend_from_slice(format!("tree {tree}\n").as_bytes());
            } else if header.name == b"parent"
                && let Some(parent) = header.id()
            {
                new.extend_from_slice(format!("parent {}\n", self.rewrites.new_id(&parent)).as_bytes());
            } else if header.name == b"mergetag" && self.is_stale_merge_tag(&header) {
                dropped.merge_tags += 1;
            } else {
                new.extend_from_slice(header.lines);
            }
        }
        let (new, replaced_count) = self.append_message(id, ObjectKind::Commit, new, message)?;
        let is_same = tree == links.tree
            && !has_key
            && !links.parents.iter().any(|parent| self.rewrites.new_ids.contains_key(parent));
        if is_same || new == old {
            return Ok(id);
        }
        self.rewrites.dropped_commit_signatures += dropped.signatures;
        self.rewrites.dropped_merge_tags += dropped.merge_tags;
        self.rewrites.replaced_message_ids += replaced_count;
        if !links.parents.iter().any(|parent| self.rewrites.new_ids.contains_key(parent)) {
            self.rewrites.first_commits.push(id);
        }
        let new = self.add(ObjectKind::Commit, new)?;
        Ok(self.record(ObjectKind::Commit, id, new))
    }

    /// Whether a `mergetag` header names a commit that is rewritten, or contains a key. Its signature would be invalid.
    fn is_stale_merge_tag(&self, header: &RawHeader<'_>) -> bool {
        let is_rewritten =
            header.merged_tag_target().is_none_or(|id| self.rewrites.new_ids.contains_key(&id));
        is_rewritten || !matches!(cleanse(header.lines, self.keys, self.settings.detector), Ok(None))
    }
}
