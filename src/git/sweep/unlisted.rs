//! Bytes of packs that belong to no entry that an index lists: between entries, before the first, after the last. And
//! bytes behind a loose object.
//!
//! Git never leaves such bytes, and does not look at them either; whoever wants to hide something can.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;

use gix::hash;

use super::Searcher;
use super::plan::Sweep;
use crate::git::inflate::InflateStream;
use crate::git::loose;
use crate::git::pack::entry;

/// Bytes of a pack that no entry has, or of the file of a loose object that the object does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnlistedBytes {
    /// The pack, or the file.
    pub path: PathBuf,
    /// Whether it is the file of a loose object.
    pub is_loose: bool,
    /// Where they begin, in bytes from its start.
    pub start: u64,
    /// Where they end.
    pub end: u64,
}

/// The gaps of all packs, in order, where the sweep has seen that there is one, and before the first entries.
pub(super) fn list<S: Searcher>(sweep: &Sweep<'_, S>) -> Vec<UnlistedBytes> {
    if !sweep.options.find_unlisted {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    for pack in &sweep.store.packs {
        let lead = pack.bytes_before_first();
        if !lead.is_empty() {
            gaps.push(UnlistedBytes {
                path: pack.path().to_owned(),
                is_loose: false,
                start: lead.start,
                end: lead.end,
            });
        }
    }
    for &(number, entry) in &sweep.collected.gap_candidates {
        let pack = &sweep.store.packs[number];
        let Ok((header, deflated)) = pack.header(entry) else { continue };
        let mut stream = InflateStream::new(deflated);
        // It could be read a moment ago.
        let _ = io::copy(&mut stream, &mut io::sink());
        let start = pack.offset(entry) + header.len as u64 + stream.taken();
        let end = pack.entry_end(entry);
        if start < end {
            gaps.push(UnlistedBytes { path: pack.path().to_owned(), is_loose: false, start, end });
        }
    }
    for path in &sweep.collected.loose_tails {
        // It could be read a moment ago.
        let Ok(Range { start, end }) = loose::tail(path) else { continue };
        if start < end {
            gaps.push(UnlistedBytes { path: path.clone(), is_loose: true, start, end });
        }
    }
    gaps.sort();
    gaps.dedup();
    gaps
}

/// The most bytes of one stream that are looked at.
const MAX_STREAM_BYTES: u64 = 64 << 20;
/// The most bytes of all streams in one gap that are looked at.
const MAX_GAP_BYTES: u64 = 1 << 30;
/// Places at which no stream begins after all, before it is given up to look for more.
const MAX_FAILED_STARTS: u32 = 1 << 16;

/// Hands over what the streams in `bytes` inflate to, with the place of each: entries that no index lists, with their
/// headers, or streams alone. Tells whether some were too large, or too many, to be looked at whole.
pub fn unlisted_streams(bytes: &[u8], ids: hash::Kind, found: &mut dyn FnMut(usize, &[u8])) -> bool {
    let (mut at, mut left, mut futile, mut crosses_edge) = (0, MAX_GAP_BYTES, MAX_FAILED_STARTS, false);
    while at < bytes.len() {
        let header = entry::parse(&bytes[at..], ids).map_or(0, |header| header.len);
        let start = [header, 0].into_iter().map(|skip| at + skip).find(|&start| is_zlib(&bytes[start..]));
        let Some(start) = start else {
            at += 1;
            continue;
        };
        let mut stream = InflateStream::new(&bytes[start..]);
        let mut plain = Vec::new();
        let limit = MAX_STREAM_BYTES.min(left);
        let read = stream.by_ref().take(limit).read_to_end(&mut plain);
        left -= plain.len() as u64;
        if !plain.is_empty() {
            found(start, &plain);
        }
        crosses_edge |= plain.len() as u64 == limit;
        match read {
            Ok(_) => at = start + usize::try_from(stream.taken()).unwrap_or(usize::MAX).max(1),
            Err(_) => {
                at += 1;
                futile -= 1;
            }
        }
        if left == 0 || futile == 0 {
            return true;
        }
    }
    crosses_edge
}

/// Whether a stream may begin here, of the ways in which git and others begin one.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first @ (0x08 | 0x18 | 0x28 | 0x38 | 0x48 | 0x58 | 0x68 | 0x78), second, ..]
        if u16::from_be_bytes([*first, *second]) % 31 == 0 && second & 0x20 == 0)
}
