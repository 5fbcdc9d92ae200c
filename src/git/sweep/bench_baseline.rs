//! Inflates every entry once, which takes the least time that a sweep can take. For benchmarks.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::git::ObjectDatabase;
use crate::git::inflate::Inflater;
use crate::git::pack::{Entry, Pack};
use crate::threads;

/// Inflates every pack entry once on `threads` threads, without applying deltas, and returns the number of inflated bytes.
/// Skips entries that cannot be read.
pub fn inflate_all_entries(database: &ObjectDatabase, threads: usize) -> u64 {
    let listing = database.list();
    let packs: Vec<Pack> =
        listing.packs.iter().filter_map(|path| Pack::open(path, database.hash_kind()).ok()).collect();
    packs.iter().map(|pack| inflate_pack(pack, threads)).sum()
}

fn inflate_pack(pack: &Pack, threads: usize) -> u64 {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut inflater, mut out, mut bytes) = (Inflater::new(), Vec::new(), 0);
        loop {
            let first = next.fetch_add(256, Ordering::Relaxed);
            if first >= pack.len() {
                return bytes;
            }
            for entry in first..pack.len().min(first + 256) {
                let Ok((header, deflated)) = pack.header(entry as Entry) else { continue };
                let extent = pack.extent(entry as Entry);
                if inflater.inflate(deflated, extent, header.size as usize, &mut out).is_ok() {
                    bytes += header.size;
                }
            }
        }
    };
    threads::run(threads, work).into_iter().sum()
}
