//! Counts the objects of a known pack that no earlier pack contains.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use gix::object::Kind;

use super::facts::PackFacts;
use crate::git::inflate::InflateStream;
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::git::sweep::outcome::ObjectCounts;

/// Counts the objects of a known pack that are not searched again and are not `duplicates`. `None` if an entry is malformed,
/// which no entry of a pack with facts is.
pub(super) fn first_copies(pack: &Pack, facts: &PackFacts, duplicates: &[bool]) -> Option<ObjectCounts> {
    let mut counts = facts.object_counts;
    if duplicates.is_empty() {
        return Some(counts);
    }
    let searched_again: HashSet<Entry> = DeltaTree::with_bases(pack, &facts.matched).into_iter().collect();
    let mut kinds = HashMap::new();
    for (entry, _) in (0..).zip(duplicates).filter(|(_, is_duplicate)| **is_duplicate) {
        if !searched_again.contains(&entry) {
            counts.remove(kind(pack, entry, &mut kinds)?, size(pack, entry)?);
        }
    }
    Some(counts)
}

/// The kind of an entry: that of the object at the end of its delta chain. `known` caches the kinds of entries.
fn kind(pack: &Pack, entry: Entry, known: &mut HashMap<Entry, Kind>) -> Option<Kind> {
    let (mut chain, mut next) = (Vec::new(), entry);
    let kind = loop {
        if let Some(kind) = known.get(&next) {
            break *kind;
        }
        if chain.len() == pack.len() {
            return None;
        }
        chain.push(next);
        next = match pack.header(next).ok()?.0.content {
            EntryContent::Whole(kind) => break kind,
            EntryContent::OffsetDelta(distance) => pack.entry_at(pack.offset(next).checked_sub(distance)?)?,
            EntryContent::IdDelta(id) => pack.find(&id)?,
        };
    };
    known.extend(chain.into_iter().map(|entry| (entry, kind)));
    Some(kind)
}

/// The size of the object in an entry, in bytes.
fn size(pack: &Pack, entry: Entry) -> Option<u64> {
    /// Maximum length of the sizes of base and result at the start of a delta, in bytes.
    const MAX_SIZES: u64 = 20;
    let (header, deflated) = pack.header(entry).ok()?;
    if matches!(header.content, EntryContent::Whole(_)) {
        return Some(header.size);
    }
    let mut start = Vec::new();
    InflateStream::new(deflated).take(MAX_SIZES).read_to_end(&mut start).ok()?;
    let mut bytes = start.into_iter();
    let mut number = || -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    };
    number()?;
    number()
}
