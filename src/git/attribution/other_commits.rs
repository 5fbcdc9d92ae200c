//! Reads commits that the pack walk does not visit: loose ones, and packed ones whose delta chain it cannot follow.
//!
//! This is done only to find unreachable commits. Reachable ones are looked up when a child names them.

use std::sync::atomic::{AtomicUsize, Ordering};

use gix::objs::Kind;

use super::graph_builder::{BuildContext, GraphBuilder};
use super::object_graph::ObjectGraph;
use crate::git::lookup::Lookup;
use crate::threads;

/// Number of loose objects that a thread takes at a time.
const BATCH_LEN: usize = 64;

impl ObjectGraph<'_> {
    /// Reads all commits that no pack walk visited.
    pub(super) fn read_other_commits(&mut self, repo: &gix::Repository, threads: usize) {
        self.read_loose_commits(repo, threads);
        let unread: Vec<u32> =
            self.builders.iter_mut().flat_map(|builder| builder.unread.drain(..)).collect();
        for number in unread {
            let id = self.ids.id(number);
            if !self.is_stopped() && self.lookup.kind(&id) == Some(Kind::Commit) {
                self.commit(self.ids.number(&id));
            }
        }
    }

    /// Reads all commits that are loose objects.
    fn read_loose_commits(&mut self, repo: &gix::Repository, threads: usize) {
        let (loose, stop) = (&self.ids.loose, self.stop);
        let context = BuildContext {
            ids: &self.ids,
            queried: &self.queried,
            names: &self.names,
            hash_kind: self.lookup.hash_kind(),
            blobs: None,
            max_commit_bytes: 0,
        };
        let next = AtomicUsize::new(0);
        let shared = repo.clone().into_sync();
        let work = || {
            let mut lookup = Lookup::new(&shared.to_thread_local());
            let mut builder = GraphBuilder::default();
            loop {
                let start = next.fetch_add(BATCH_LEN, Ordering::Relaxed);
                let Some(rest) = loose.get(start..).filter(|rest| !rest.is_empty()) else { break };
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                for id in &rest[..BATCH_LEN.min(rest.len())] {
                    if lookup.kind(id) == Some(Kind::Commit)
                        && let Some(bytes) = lookup.read_as(id, Kind::Commit)
                    {
                        builder.add_commit(&context, context.ids.number(id), bytes);
                    }
                }
            }
            (builder, lookup.gaps)
        };
        let threads = threads.clamp(1, loose.len().div_ceil(BATCH_LEN).max(1));
        for (builder, gaps) in threads::run(threads, work) {
            self.lookup.gaps.merge(gaps);
            self.add_builder(builder);
        }
    }
}
