//! Sparse files in tars: only their data is stored, with a map of where it belongs. A reader puts the holes back, since a
//! container without them cannot be opened.

use std::io::{self, Read};

use super::limits::Budget;

/// Bytes of a map that is stored before the data. A real file has few holes.
const MAX_MAP_LEN: usize = 1 << 20;

/// Bytes of a block of a tar.
const BLOCK_LEN: usize = 512;

/// What the attributes of an entry say about a sparse file, in the formats of GNU tar for POSIX archives.
#[derive(Debug, Default)]
pub(super) struct SparseAttributes {
    /// The major version of the format. From 1 on, the map is stored before the data.
    major: u64,
    size: Option<u64>,
    /// Offset and length of each piece of data, one after the other: a map in the attributes.
    numbers: Vec<u64>,
    is_damaged: bool,
}

impl SparseAttributes {
    /// Applies an attribute whose key begins with `GNU.sparse.`.
    pub(super) fn apply(&mut self, key: &[u8], value: &[u8]) {
        let number = parse_number(value);
        match key {
            b"GNU.sparse.major" => self.major = number.unwrap_or(0),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.size = number,
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.numbers.extend(number),
            b"GNU.sparse.map" => {
                self.numbers = value.split(|&byte| byte == b',').filter_map(parse_number).collect();
            }
            _ => return,
        }
        self.is_damaged |= number.is_none() && key != b"GNU.sparse.map";
    }

    /// The map of the data that `input` reads. Reads the map that precedes the data, if there is one. Without a map, `read`
    /// is what was read of the data.
    pub(super) fn into_map(self, input: &mut dyn Read, read: &mut Vec<u8>) -> StoredMap {
        let numbers = match self.major {
            0 if self.numbers.is_empty() && !self.is_damaged => return StoredMap::None,
            0 => Some(self.numbers),
            _ => read_numbers(input, read),
        };
        let map = numbers.filter(|_| !self.is_damaged);
        map.and_then(|numbers| SparseMap::new(&numbers, self.size)).map_or(StoredMap::Damaged, StoredMap::Map)
    }
}

/// What an entry has of a map.
pub(super) enum StoredMap {
    /// The file is not sparse.
    None,
    /// The map cannot be read, or contradicts itself.
    Damaged,
    Map(SparseMap),
}

/// Where the pieces of data of a sparse file belong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SparseMap {
    /// Offset and length of each piece, in bytes: in order, and without overlap.
    pieces: Vec<(u64, u64)>,
    /// Size of the file, in bytes.
    size: u64,
}

impl SparseMap {
    /// A map from offsets and lengths, which alternate. If the file has no `size`, it ends with the last piece. `None` if the
    /// map contradicts itself.
    pub(super) fn new(numbers: &[u64], size: Option<u64>) -> Option<Self> {
        let (pairs, rest) = numbers.as_chunks::<2>();
        let mut end = 0u64;
        for &[offset, length] in pairs {
            if offset < end {
                return None;
            }
            end = offset.checked_add(length)?;
        }
        let size = size.unwrap_or(end);
        let pieces = pairs.iter().map(|&[offset, length]| (offset, length)).collect();
        (rest.is_empty() && end <= size).then_some(Self { pieces, size })
    }

    /// The length of all data, in bytes.
    pub(super) fn data_len(&self) -> u64 {
        self.pieces.iter().map(|(_, length)| length).sum()
    }

    /// The length of all holes, in bytes.
    pub(super) fn hole_len(&self) -> u64 {
        self.size - self.data_len()
    }

    /// Reads the file, whose data is `data`. The bytes of holes count as unpacked.
    pub(super) fn reader<'r>(&'r self, data: &'r mut dyn Read, budget: &'r Budget) -> SparseReader<'r> {
        SparseReader { map: self, data, budget, position: 0, next: 0 }
    }
}

/// Reads a sparse file with its holes.
pub(super) struct SparseReader<'r> {
    map: &'r SparseMap,
    data: &'r mut dyn Read,
    budget: &'r Budget,
    position: u64,
    /// The number of the next piece that does not end before the position.
    next: usize,
}

impl Read for SparseReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.map.pieces.get(self.next);
        while let Some((offset, length)) = piece
            && offset + length <= self.position
        {
            self.next += 1;
            piece = self.map.pieces.get(self.next);
        }
        let room = |left: u64| buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = match piece {
            Some((offset, length)) if *offset <= self.position => {
                let room = room(offset + length - self.position);
                self.data.read(&mut buffer[..room])?
            }
            _ => {
                let hole_end = piece.map_or(self.map.size, |(offset, _)| *offset);
                let room = room(hole_end - self.position);
                buffer[..room].fill(0);
                self.budget.add_unpacked(room)?;
                room
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}

/// Reads the numbers of a map before the data: their count, and offsets and lengths, each with a line of its own. The map
/// fills blocks. `None` if there is none, or if it is too long; `read` is what was read then.
fn read_numbers(input: &mut dyn Read, read: &mut Vec<u8>) -> Option<Vec<u64>> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut parsed = 0;
    while read.len() < MAX_MAP_LEN {
        let (block, start) = (BLOCK_LEN as u64, read.len());
        let count = (&mut *input).take(block).read_to_end(read).ok()?;
        while let Some(length) = memchr::memchr(b'\n', &read[parsed..]) {
            numbers.push(parse_number(&read[parsed..parsed + length])?);
            parsed += length + 1;
            if numbers[0].checked_mul(2)? == numbers.len() as u64 - 1 {
                numbers.remove(0);
                return (read.len() - start == BLOCK_LEN).then_some(numbers);
            }
        }
        if count < BLOCK_LEN {
            return None;
        }
    }
    None
}

/// Decimal digits.
fn parse_number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()
}
