//! Parses the records of a block: prefix-compressed keys, and their values.

use std::ops::ControlFlow;

use gix::ObjectId;

/// What is wrong with a table, in words that follow the table's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::git) struct TableError(pub(super) &'static str);

const TRUNCATED: TableError = TableError("has a truncated record");

/// Reads bytes from the front of a slice, never beyond its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'b>(pub(super) &'b [u8]);

impl<'b> Cursor<'b> {
    /// Takes the next `length` bytes.
    pub(super) fn take(&mut self, length: u64) -> Result<&'b [u8], TableError> {
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, TableError> {
        let (&byte, rest) = self.0.split_first().ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(byte)
    }

    /// Parses a number of seven bits per byte, most significant first. Each continuation adds one, so that
    /// every number has exactly one encoding.
    pub(super) fn varint(&mut self) -> Result<u64, TableError> {
        let mut byte = self.byte()?;
        let mut value = u64::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.byte()?;
            let more = value.checked_add(1).and_then(|value| value.checked_mul(1 << 7));
            value = more.ok_or(TableError("has a number that is too large"))? | u64::from(byte & 0x7f);
        }
        Ok(value)
    }

    /// Parses a length and the bytes that follow it.
    pub(super) fn length_prefixed(&mut self) -> Result<&'b [u8], TableError> {
        let length = self.varint()?;
        self.take(length)
    }

    /// Parses an object id.
    pub(super) fn id(&mut self, hash_kind: gix::hash::Kind) -> Result<ObjectId, TableError> {
        ObjectId::try_from(self.take(hash_kind.len_in_bytes() as u64)?).map_err(|_| TRUNCATED)
    }

    /// Takes the next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TableError> {
        self.take(N as u64)?.try_into().map_err(|_| TRUNCATED)
    }
}

/// A ref in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefRecord<'b> {
    pub(super) name: &'b [u8],
    pub(super) value: RefValue<'b>,
}

/// The value of a ref. The peeled id of a tag is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefValue<'b> {
    /// The ref is deleted, whatever older tables contain.
    Deleted,
    Id(ObjectId),
    Symbolic(&'b [u8]),
}

/// A reflog entry in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogRecord<'b> {
    /// The name of the ref.
    pub(super) name: &'b [u8],
    /// The number of the transaction, which increases over time.
    pub(super) update_index: u64,
    /// `None` if the entry is deleted, whatever older tables contain.
    pub(super) change: Option<RefChange<'b>>,
}

/// A change of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefChange<'b> {
    pub(super) old: ObjectId,
    pub(super) new: ObjectId,
    pub(super) name: &'b [u8],
    pub(super) email: &'b [u8],
    /// Since 1970.
    pub(super) seconds: u64,
    /// The offset from UTC as git writes it: hours times 100 plus minutes.
    pub(super) offset: i16,
    pub(super) message: &'b [u8],
}

/// Calls `each` for every record in `block` until it breaks. The records begin at `start`, and restart points
/// follow them. `each` gets the key, the three bits of the record's kind, and a cursor from which it must take
/// the value.
pub(super) fn for_each_record(
    block: &[u8],
    start: usize,
    mut each: impl FnMut(&[u8], u8, &mut Cursor<'_>) -> Result<ControlFlow<()>, TableError>,
) -> Result<ControlFlow<()>, TableError> {
    const SHORT: TableError = TableError("has a block that is shorter than its content");
    let (rest, count) = block.split_last_chunk::<2>().ok_or(SHORT)?;
    // Restart points, of three bytes each, are only for searching within a block.
    let restarts_len = usize::from(u16::from_be_bytes(*count)) * 3;
    let end = rest.len().checked_sub(restarts_len).ok_or(SHORT)?;
    let mut cursor = Cursor(block.get(start..end).ok_or(SHORT)?);
    let mut key: Vec<u8> = Vec::new();
    while !cursor.0.is_empty() {
        let shared = usize::try_from(cursor.varint()?).ok().filter(|&shared| shared <= key.len());
        key.truncate(shared.ok_or(TableError("has a name whose shared prefix does not exist"))?);
        let length = cursor.varint()?;
        key.extend_from_slice(cursor.take(length >> 3)?);
        if each(&key, (length & 7) as u8, &mut cursor)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Parses the value of a ref.
pub(super) fn ref_value<'b>(
    kind: u8,
    cursor: &mut Cursor<'b>,
    hash_kind: gix::hash::Kind,
) -> Result<RefValue<'b>, TableError> {
    let _update_index = cursor.varint()?;
    Ok(match kind {
        0 => RefValue::Deleted,
        1 => RefValue::Id(cursor.id(hash_kind)?),
        2 => {
            let id = cursor.id(hash_kind)?;
            let _peeled = cursor.id(hash_kind)?;
            RefValue::Id(id)
        }
        3 => RefValue::Symbolic(cursor.length_prefixed()?),
        _ => return Err(TableError("has a ref of an unknown kind")),
    })
}

/// Parses a reflog entry. The key is the name of the ref, a NUL, and the bitwise complement of the update
/// index, so that the newest entry sorts first.
pub(super) fn log_record<'r, 'b: 'r>(
    key: &'r [u8],
    kind: u8,
    cursor: &mut Cursor<'b>,
    hash_kind: gix::hash::Kind,
) -> Result<LogRecord<'r>, TableError> {
    const KEY: TableError = TableError("has a reflog entry without a ref");
    let (name, complement) = key.split_last_chunk::<8>().ok_or(KEY)?;
    let name = name.strip_suffix(b"\0").ok_or(KEY)?;
    let change = match kind {
        0 => None,
        1 => Some(RefChange {
            old: cursor.id(hash_kind)?,
            new: cursor.id(hash_kind)?,
            name: cursor.length_prefixed()?,
            email: cursor.length_prefixed()?,
            seconds: cursor.varint()?,
            offset: i16::from_be_bytes(cursor.array()?),
            message: cursor.length_prefixed()?,
        }),
        _ => return Err(TableError("has a reflog entry of an unknown kind")),
    };
    Ok(LogRecord { name, update_index: !u64::from_be_bytes(*complement), change })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_length_numbers_are_parsed() {
        for (bytes, value) in [
            (&[0][..], 0),
            (&[0x7f], 127),
            (&[0x80, 0], 128),
            (&[0xff, 0x7f], 16511),
            (&[0x80, 0x80, 0], 16512),
        ] {
            let mut cursor = Cursor(bytes);
            assert_eq!((cursor.varint(), cursor.0.len()), (Ok(value), 0));
        }
        assert!(Cursor(&[0x80]).varint().is_err());
        assert!(Cursor(&[0xff; 12]).varint().is_err());
    }
}
