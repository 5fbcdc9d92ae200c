//! Rewrites commits: those with a key, those whose tree contains one, and all their descendants.

use std::collections::HashSet;

use super::cleanse::cleanse;
use super::error::PurgeError;
use super::headers::{RawHeader, split};
use super::message_ids::CommitIds;
use super::rewriter::HistoryRewriter;
use crate::git::{CommitLinks, ObjectId, ObjectKind};

/// The progress of rewriting commits.
#[derive(Default)]
struct CommitOrder {
    /// Those whose mentioned commits were queued.
    met: HashSet<ObjectId>,
    finished: HashSet<ObjectId>,
}

/// Headers that a rewritten commit lost.
#[derive(Default)]
struct DroppedHeaders {
    /// 1 if it was signed, even several times.
    signatures: u64,
    merge_tags: u64,
}

impl HistoryRewriter<'_> {
    /// Rewrites the affected commits, except for those of notes, parents first.
    pub(super) fn commits(&mut self) -> Result<(), PurgeError> {
        let early = self.graph.early_commit_count();
        let mut ids = Vec::new();
        for position in 0..self.graph.commit_count() {
            let Some(links) = self.graph.commit(position) else { continue };
            if !self.options.keep_message_ids {
                ids.push(links.id);
            }
            let follows = links.parents.iter().any(|parent| self.affected.contains(parent));
            let is_flagged = self.flagged.contains_key(&links.id) || self.graph.contains_wanted(&links.tree);
            if position < early && (follows || is_flagged) {
                self.affected.insert(links.id);
            }
        }
        self.commit_ids = (!self.options.keep_message_ids).then(|| CommitIds::new(ids));
        let mut order = CommitOrder::default();
        for position in 0..early {
            let Some(links) = self.graph.commit(position) else { continue };
            if self.affected.contains(&links.id) {
                self.commit_after_mentioned(links.id, &mut order)?;
            }
        }
        Ok(())
    }

    /// Rewrites a commit after its parents, and after those that its message names, unless that is circular: an
    /// abbreviated id may happen to match a later commit.
    fn commit_after_mentioned(&mut self, id: ObjectId, order: &mut CommitOrder) -> Result<(), PurgeError> {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            self.check_stop()?;
            if order.finished.contains(&id) {
                continue;
            }
            let bytes = self.read(&id, ObjectKind::Commit)?;
            let (headers, message) = split(&bytes);
            let named = |name: &'static [u8]| {
                headers.iter().filter(move |header| header.name == name).filter_map(RawHeader::id)
            };
            let parents: Vec<ObjectId> = named(b"parent").collect();
            let is_waiting = |id: &ObjectId| self.affected.contains(id) && !order.finished.contains(id);
            let before: Vec<ObjectId> = parents.iter().copied().filter(is_waiting).collect();
            if !before.is_empty() {
                stack.push(id);
                stack.extend(before);
                continue;
            }
            if !order.met.contains(&id) {
                let mentioned = self.commit_ids.iter().flat_map(|ids| ids.mentioned(message));
                let mentioned = mentioned.map(|(_, id)| id).filter(is_waiting);
                let first: Vec<ObjectId> = mentioned.filter(|id| !order.met.contains(id)).collect();
                order.met.insert(id);
                if !first.is_empty() {
                    stack.push(id);
                    stack.extend(first);
                    continue;
                }
            }
            let tree = named(b"tree").next().ok_or(PurgeError::Malformed(id))?;
            let links = CommitLinks { id, tree, parents };
            let tree = self.tree(tree)?;
            self.one_commit(&links, tree, &bytes)?;
            order.finished.insert(id);
        }
        Ok(())
    }

    /// Rewrites one commit with its new tree.
    pub(super) fn one_commit(
        &mut self,
        links: &CommitLinks,
        tree: ObjectId,
        old: &[u8],
    ) -> Result<ObjectId, PurgeError> {
        let id = links.id;
        let is_flagged = self.flagged.contains_key(&id);
        let (headers, message) = split(old);
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
                new.extend_from_slice(format!("parent {}\n", self.done.id(&parent)).as_bytes());
            } else if header.name == b"mergetag" && self.is_stale_merge_tag(&header) {
                dropped.merge_tags += 1;
            } else {
                new.extend_from_slice(header.lines);
            }
        }
        let (new, replaced) = self.with_message(id, ObjectKind::Commit, new, message)?;
        let is_same = tree == links.tree
            && !is_flagged
            && !links.parents.iter().any(|parent| self.done.new.contains_key(parent));
        if is_same || new == old {
            return Ok(id);
        }
        self.done.commit_signatures += dropped.signatures;
        self.done.merge_tags += dropped.merge_tags;
        self.done.message_ids += replaced;
        if !links.parents.iter().any(|parent| self.done.new.contains_key(parent)) {
            self.done.first_commits.push(id);
        }
        let new = self.add(ObjectKind::Commit, new)?;
        Ok(self.record(ObjectKind::Commit, id, new))
    }

    /// Whether a merged tag names a commit that is rewritten, or contains a key.
    fn is_stale_merge_tag(&self, header: &RawHeader<'_>) -> bool {
        let is_rewritten = header.merged_tag_target().is_none_or(|id| self.done.new.contains_key(&id));
        is_rewritten || !matches!(cleanse(header.lines, self.keys, self.settings.detector), Ok(None))
    }
}
