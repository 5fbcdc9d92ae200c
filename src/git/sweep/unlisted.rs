//! Finds unlisted bytes: those in a pack that belong to no indexed entry (between entries, before the first, after the last),
//! and those after the object in the file of a loose object.
//!
//! Git neither writes nor reads such bytes, so something may be hidden there.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;

use gix::hash;

use super::Searcher;
use super::plan::Sweep;
use crate::git::inflate::InflateStream;
use crate::git::loose;
use crate::git::pack::entry;
use crate::git::stream_end::is_zlib_header;

/// A range of bytes in a pack, or in the file of a loose object, that belongs to no object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnlistedBytes {
    /// The pack, or the file of a loose object.
    pub path: PathBuf,
    /// Whether `path` is the file of a loose object.
    pub is_loose: bool,
    /// The offset of the range in the file.
    pub start: u64,
    /// The offset after the range. After the last entry of a pack, the range includes the trailer.
    pub end: u64,
}

/// The unlisted bytes of all packs and loose objects, in order: those before the first entry of each pack, and those after
/// entries and loose objects for which the sweep recorded that there may be some.
pub(super) fn list<S: Searcher>(sweep: &Sweep<'_, S>) -> Vec<UnlistedBytes> {
    if !sweep.options.find_unlisted {
        return Vec::new();
    }
    let mut unlisted = Vec::new();
    // The cache keeps facts only about packs without unlisted bytes.
    let searched = sweep.store.packs.iter().zip(&sweep.plans).filter(|(_, plan)| !plan.is_known);
    for (pack, _) in searched {
        let lead = pack.bytes_before_first();
        if !lead.is_empty() {
            unlisted.push(UnlistedBytes {
                path: pack.path().to_owned(),
                is_loose: false,
                start: lead.start,
                end: pack.unlisted_end(lead.end),
            });
        }
    }
    for &(number, entry) in &sweep.collected.packed_tails {
        let pack = &sweep.store.packs[number];
        let Ok((header, deflated)) = pack.header(entry) else { continue };
        let mut stream = InflateStream::new(deflated);
        // The entry was readable during the sweep. If it no longer is, `consumed` stops early.
        let _ = io::copy(&mut stream, &mut io::sink());
        let start = pack.offset(entry) + header.len as u64 + stream.consumed();
        let end = pack.entry_end(entry);
        if start < end {
            let end = pack.unlisted_end(end);
            unlisted.push(UnlistedBytes { path: pack.path().to_owned(), is_loose: false, start, end });
        }
    }
    for path in &sweep.collected.loose_tails {
        // The file was readable during the sweep.
        let Ok(Range { start, end }) = loose::range_after_stream(path) else { continue };
        if start < end {
            unlisted.push(UnlistedBytes { path: path.clone(), is_loose: true, start, end });
        }
    }
    unlisted.sort();
    unlisted.dedup();
    unlisted
}

/// Maximum number of bytes that are inflated from one stream.
const MAX_STREAM_BYTES: u64 = 64 << 20;
/// Maximum number of bytes that are inflated from all streams in one range.
const MAX_INFLATED_BYTES: u64 = 1 << 30;
/// Maximum number of offsets at which a stream appears to begin and does not. With more, the search ends.
const MAX_FAILED_STARTS: u32 = 1 << 16;

/// Inflates every zlib stream in `bytes`, with or without the header of an entry before it, and calls `found` with its
/// offset and content. Returns whether a limit on size or number was reached.
pub fn unlisted_streams(bytes: &[u8], hash_kind: hash::Kind, found: &mut dyn FnMut(usize, &[u8])) -> bool {
    let (mut at, mut bytes_left, mut starts_left, mut has_cut) =
        (0, MAX_INFLATED_BYTES, MAX_FAILED_STARTS, false);
    while at < bytes.len() {
        let header = entry::parse(&bytes[at..], hash_kind).map_or(0, |header| header.len);
        let begins_at = |start: &usize| bytes[*start..].first_chunk().is_some_and(|two| is_zlib_header(*two));
        let start = [header, 0].into_iter().map(|skip| at + skip).find(begins_at);
        let Some(start) = start else {
            at += 1;
            continue;
        };
        let mut stream = InflateStream::new(&bytes[start..]);
        let mut plain = Vec::new();
        let limit = MAX_STREAM_BYTES.min(bytes_left);
        let read = stream.by_ref().take(limit).read_to_end(&mut plain);
        bytes_left -= plain.len() as u64;
        if !plain.is_empty() {
            found(start, &plain);
        }
        has_cut |= plain.len() as u64 == limit;
        match read {
            Ok(_) => at = start + usize::try_from(stream.consumed()).unwrap_or(usize::MAX).max(1),
            Err(_) => {
                at += 1;
                starts_left -= 1;
            }
        }
        if bytes_left == 0 || starts_left == 0 {
            return true;
        }
    }
    has_cut
}
