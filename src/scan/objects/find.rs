//! Searching single objects by id, on all threads: what a range or a staged change brings.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Hit;
use crate::git::{Found, Gaps, ObjectId, Objects, Repository};
use crate::scan::Settings;

/// Objects a thread takes at a time.
const BATCH: usize = 16;

/// What a search of objects brings.
#[derive(Default)]
pub(in crate::scan) struct Searched {
    /// Objects with matches, sorted by id.
    pub(in crate::scan) found: Vec<Found<Hit>>,
    /// Bytes of all objects, as they stand unpacked.
    pub(in crate::scan) bytes: u64,
    /// What could not be read.
    pub(in crate::scan) gaps: Gaps,
}

/// Searches the objects `ids`, each whole.
pub(in crate::scan) fn search(
    settings: &Settings<'_>,
    repo: &Repository,
    ids: &[ObjectId],
    threads: usize,
) -> Searched {
    let next = AtomicUsize::new(0);
    let threads = threads.clamp(1, ids.len().div_ceil(BATCH).max(1));
    let shared = repo.clone().into_sync();
    let mut all = Searched::default();
    if threads == 1 {
        all = work(settings, repo, ids, &next);
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| work(settings, &shared.to_thread_local(), ids, &next)))
                .collect();
            for worker in workers {
                match worker.join() {
                    Ok(own) => {
                        all.found.extend(own.found);
                        all.bytes += own.bytes;
                        all.gaps.merge(own.gaps);
                    }
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }
    all.found.sort_by_key(|found| found.id);
    all
}

fn work(settings: &Settings<'_>, repo: &Repository, ids: &[ObjectId], next: &AtomicUsize) -> Searched {
    let mut objects = Objects::of(repo);
    let mut own = Searched::default();
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= ids.len() || settings.stop.load(Ordering::Relaxed) {
            own.gaps = objects.into_gaps();
            return own;
        }
        for id in &ids[from..ids.len().min(from + BATCH)] {
            let Some((kind, bytes)) = objects.read(id, "object") else { continue };
            own.bytes += bytes.len() as u64;
            let mut hits = Vec::new();
            settings.detector.find(bytes, |matched| {
                hits.push((matched.span.start as u64..matched.span.end as u64, matched.identified));
            });
            if !hits.is_empty() {
                own.found.push(Found { id: *id, kind, size: bytes.len() as u64, hits });
            }
        }
    }
}
