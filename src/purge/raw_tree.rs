//! Reads and writes trees as raw entries, so that modes and names that are not rewritten keep their bytes.

use std::cmp::Ordering;

use crate::git::{HashKind, ObjectId};

/// An entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawTreeEntry {
    /// The octal digits, as stored.
    pub(super) mode: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
}

impl RawTreeEntry {
    pub(super) fn is_tree(&self) -> bool {
        matches!(&self.mode[..], b"40000" | b"040000")
    }

    /// Whether the entry is a submodule: a commit of another repository.
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == b"160000"
    }

    /// Compares names in git's order: as if that of a directory ended in a slash.
    fn cmp_name(&self, other: &Self) -> Ordering {
        let with_slash = |entry: &Self| {
            let slash: &[u8] = if entry.is_tree() { b"/" } else { b"" };
            [&entry.name, slash].concat()
        };
        with_slash(self).cmp(&with_slash(other))
    }
}

/// The entries of a tree; `None` if it is malformed.
pub(super) fn parse(mut bytes: &[u8], hash: HashKind) -> Option<Vec<RawTreeEntry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = memchr::memchr(b' ', bytes)?;
        let zero = space + memchr::memchr(0, &bytes[space..])?;
        let end = zero + 1 + hash.len_in_bytes();
        let id = ObjectId::try_from(bytes.get(zero + 1..end)?).ok()?;
        entries.push(RawTreeEntry {
            mode: bytes[..space].to_vec(),
            name: bytes[space + 1..zero].to_vec(),
            id,
        });
        bytes = &bytes[end..];
    }
    Some(entries)
}

/// The bytes of a tree with these entries, in this order.
pub(super) fn write(entries: &[RawTreeEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&entry.mode);
        bytes.push(b' ');
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

/// Sorts entries as git does.
pub(super) fn sort(entries: &mut [RawTreeEntry]) {
    entries.sort_by(RawTreeEntry::cmp_name);
}
