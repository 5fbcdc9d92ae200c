//! Parses and applies deltas: instructions that derive one object from another.
//!
//! A delta is parsed once into runs, and adjacent copies are merged. Assembling the result, searching only what is new, and
//! inheriting matches use these runs.

/// Where the bytes of a run come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunSource {
    /// The base, at this offset.
    Base(u32),
    /// The delta itself, at this offset.
    Delta(u32),
}

/// A contiguous part of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The offset of the run in the result.
    pub(crate) at: u32,
    /// Length in bytes; never 0.
    pub(crate) len: u32,
    /// Where the bytes come from.
    pub(crate) source: RunSource,
}

impl Run {
    /// The offset in the result after the run.
    #[inline]
    pub(crate) fn end(&self) -> u32 {
        self.at + self.len
    }

    /// Whether the run copies all bytes between two offsets in the result from the base.
    #[inline]
    pub(crate) fn copies(&self, start: usize, end: usize) -> bool {
        matches!(self.source, RunSource::Base(_)) && self.at as usize <= start && end <= self.end() as usize
    }

    /// The bytes to copy from, and the offset to start at.
    #[inline]
    fn bytes<'a>(&self, base: &'a [u8], delta: &'a [u8]) -> (&'a [u8], usize) {
        match self.source {
            RunSource::Base(from) => (base, from as usize),
            RunSource::Delta(from) => (delta, from as usize),
        }
    }

    /// Appends the run's bytes between the result offsets `start` and `end` to `out`.
    #[inline]
    pub(crate) fn append(&self, start: u32, end: u32, (base, delta): (&[u8], &[u8]), out: &mut Vec<u8>) {
        let (bytes, from) = self.bytes(base, delta);
        let (from, len) = (from + (start - self.at) as usize, (end - start) as usize);
        // Most runs are short. Copying a fixed number of bytes needs no call to `memcpy`.
        if len <= FIXED_COPY_LEN
            && let Some(copied) = bytes.get(from..).and_then(<[u8]>::first_chunk::<FIXED_COPY_LEN>)
        {
            let before = out.len();
            out.extend_from_slice(copied);
            out.truncate(before + len);
        } else {
            out.extend_from_slice(&bytes[from..from + len]);
        }
    }
}

/// Why a delta cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// The delta ends within an instruction or a number.
    #[error("the delta is truncated")]
    Truncated,
    /// A number does not fit into 64 bits.
    #[error("a number in the delta is too large")]
    Overflow,
    /// The delta was made for a different base.
    #[error("the delta is for a base of {declared} bytes, not {actual}")]
    WrongBase {
        /// Size of the base for which it was made, in bytes.
        declared: u64,
        /// Size of the base to which it is applied, in bytes.
        actual: u64,
    },
    /// The result, or the base, exceeds the limit.
    #[error("too large: the delta produces an object of {0} bytes")]
    TooLarge(u64),
    /// The delta has more instructions than any real one.
    #[error("too large: the delta has more than {MAX_RUNS} instructions")]
    TooMany,
    /// The delta copies bytes that the base does not have.
    #[error("the delta copies from beyond the end of its base")]
    BeyondBase,
    /// The delta produces more or fewer bytes than it declares.
    #[error("the delta does not produce the {0} bytes it declares")]
    WrongResult(u64),
    /// The delta contains the instruction 0, which is reserved.
    #[error("the delta contains the reserved instruction 0")]
    Reserved,
}

/// Runs of at most this many bytes are copied with this fixed length.
const FIXED_COPY_LEN: usize = 32;

/// Maximum number of runs of a delta, which limits its memory: a run takes 16 bytes.
const MAX_RUNS: usize = 1 << 22;

/// The sizes that a delta declares at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Size of the base in bytes.
    pub(crate) base: u64,
    /// Size of the result in bytes.
    pub(crate) result: u64,
    /// Offset of the first instruction.
    pub(crate) start: usize,
}

/// Parses the two sizes at the start of a delta.
///
/// # Errors
/// When they are truncated or too large.
#[inline]
pub(crate) fn sizes(delta: &[u8]) -> Result<Sizes, DeltaError> {
    let (base, used) = parse_number(delta)?;
    let (result, more) = parse_number(&delta[used..])?;
    Ok(Sizes { base, result, start: used + more })
}

/// Parses `delta`, which may be anything, into `runs`, which is cleared first, and returns the size of the result in bytes.
///
/// The runs cover the result completely and without overlap, and none reaches beyond `base_len` or the end of
/// the delta. Adjacent runs that are also adjacent in the base are merged.
///
/// # Errors
/// When the delta is not valid, or its result is larger than `limit` bytes.
pub(crate) fn parse(
    delta: &[u8],
    base_len: usize,
    limit: u64,
    runs: &mut Vec<Run>,
) -> Result<usize, DeltaError> {
    runs.clear();
    let sizes = sizes(delta)?;
    if sizes.base != base_len as u64 {
        return Err(DeltaError::WrongBase { declared: sizes.base, actual: base_len as u64 });
    }
    let limit = limit.min(u64::from(u32::MAX));
    if sizes.result > limit || sizes.base > u64::from(u32::MAX) || delta.len() > u32::MAX as usize {
        return Err(DeltaError::TooLarge(sizes.result.max(sizes.base)));
    }
    // The offsets of the next run in the result and of the next instruction in the delta.
    let (mut at, mut next) = (0u64, sizes.start);
    // The offset in the base after the bytes that the last instruction copied, if it was a copy.
    let mut copied_to = NOT_COPIED;
    while let Some(&code) = delta.get(next) {
        next += 1;
        let (len, source);
        if code & 0x80 != 0 {
            let from;
            (from, len) = parse_copy(code, delta, &mut next)?;
            if from + len > sizes.base {
                return Err(DeltaError::BeyondBase);
            }
            source = RunSource::Base(from as u32);
            let continues = copied_to == from;
            copied_to = from + len;
            if continues {
                at += len;
                extend_last(runs, len);
                continue;
            }
        } else {
            source = RunSource::Delta(next as u32);
            len = u64::from(code);
            next += usize::from(code);
            copied_to = NOT_COPIED;
            if code == 0 {
                return Err(DeltaError::Reserved);
            }
            if next > delta.len() {
                return Err(DeltaError::Truncated);
            }
        }
        // Checked before the offset is narrowed to 32 bits. If this run extends beyond the result, the next instruction ends
        // here.
        if at > sizes.result {
            break;
        }
        if runs.len() == MAX_RUNS {
            return Err(DeltaError::TooMany);
        }
        runs.push(Run { at: at as u32, len: len as u32, source });
        at += len;
    }
    if at == sizes.result { Ok(at as usize) } else { Err(DeltaError::WrongResult(sizes.result)) }
}

/// Adds `len` bytes to the last run, which the next instruction continues. This is rare, since git makes no such deltas.
#[cold]
fn extend_last(runs: &mut [Run], len: u64) {
    if let Some(last) = runs.last_mut() {
        last.len = last.len.wrapping_add(len as u32);
    }
}

/// The value in place of an offset in the base after an instruction that does not copy.
const NOT_COPIED: u64 = u64::MAX;

/// How the bytes after the code of a copy instruction encode its offset and its length: as masks for a number of eight bytes.
#[derive(Clone, Copy)]
struct CopyLayout {
    /// The mask for the offset, in the lowest bits.
    offset: u32,
    /// The mask for the length, after shifting by `shift`.
    len: u32,
    /// The number of bits of the offset.
    shift: u8,
    /// The number of bytes of both, or [`HAS_HOLES`].
    count: u8,
}

/// The value in place of a number of bytes for a code that omits a byte below one that is present, which masks cannot
/// express.
const HAS_HOLES: u8 = u8::MAX;

/// The layout for each of the lower seven bits of a code.
const COPY_LAYOUTS: [CopyLayout; 128] = {
    let mut all = [CopyLayout { offset: 0, len: 0, shift: 0, count: HAS_HOLES }; 128];
    let mut code = 0;
    while code < all.len() {
        let (offset, len) = (code as u32 & 0x0f, code as u32 >> 4);
        if offset & (offset + 1) == 0 && len & (len + 1) == 0 {
            let (low, high) = (offset.count_ones(), len.count_ones());
            all[code] = CopyLayout {
                offset: ((1u64 << (8 * low)) - 1) as u32,
                len: ((1u64 << (8 * high)) - 1) as u32,
                shift: 8 * low as u8,
                count: (low + high) as u8,
            };
        }
        code += 1;
    }
    all
};

/// Parses the offset and length of a copy instruction. The lower seven bits of `code` say which of their bytes are present;
/// the others are 0.
#[inline]
fn parse_copy(code: u8, delta: &[u8], next: &mut usize) -> Result<(u64, u64), DeltaError> {
    let rest = &delta[*next..];
    let layout = &COPY_LAYOUTS[usize::from(code & 0x7f)];
    let (from, len) = match rest.first_chunk() {
        Some(bytes) if layout.count != HAS_HOLES => {
            let value = u64::from_le_bytes(*bytes);
            *next += usize::from(layout.count);
            (value & u64::from(layout.offset), value >> layout.shift & u64::from(layout.len))
        }
        _ => parse_copy_by_bytes(code, rest, next)?,
    };
    Ok((from, if len == 0 { 0x10000 } else { len }))
}

/// Like [`parse_copy`], for any combination of omitted bytes and at the end of a delta.
#[cold]
fn parse_copy_by_bytes(code: u8, rest: &[u8], next: &mut usize) -> Result<(u64, u64), DeltaError> {
    let (mut value, mut used) = (0u64, 0);
    for bit in (0..7).filter(|bit| code >> bit & 1 != 0) {
        let byte = rest.get(used).ok_or(DeltaError::Truncated)?;
        value |= u64::from(*byte) << (8 * bit);
        used += 1;
    }
    *next += used;
    Ok((value & 0xffff_ffff, value >> 32))
}

/// Parses a number of seven bits per byte, lowest first, and returns it with the length of its encoding in bytes.
#[inline]
fn parse_number(bytes: &[u8]) -> Result<(u64, usize), DeltaError> {
    let mut value = 0u64;
    for (used, &byte) in bytes.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * used as u32;
        if shift > 63 || (bits << shift) >> shift != bits {
            return Err(DeltaError::Overflow);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok((value, used + 1));
        }
    }
    Err(DeltaError::Truncated)
}

/// Writes the whole result of `runs` to `out`, which must have the size of the result.
pub(crate) fn assemble(runs: &[Run], base: &[u8], delta: &[u8], out: &mut [u8]) {
    for run in runs {
        let (bytes, from) = run.bytes(base, delta);
        let (at, len) = (run.at as usize, run.len as usize);
        match (
            bytes.get(from..).and_then(<[u8]>::first_chunk::<FIXED_COPY_LEN>),
            out.get_mut(at..at + FIXED_COPY_LEN),
        ) {
            // The next run overwrites the excess bytes.
            (Some(copied), Some(room)) if len <= FIXED_COPY_LEN => room.copy_from_slice(copied),
            _ => out[at..at + len].copy_from_slice(&bytes[from..from + len]),
        }
    }
}

/// Applies `delta`, which may be anything, to `base`, and returns the result of at most `limit` bytes.
///
/// # Errors
/// When the delta is not valid, was made for a different base, or its result is too large.
pub fn apply(delta: &[u8], base: &[u8], limit: u64) -> Result<Vec<u8>, DeltaError> {
    let mut runs = Vec::new();
    let mut out = vec![0; parse(delta, base.len(), limit, &mut runs)?];
    assemble(&runs, base, delta, &mut out);
    Ok(out)
}

/// Appends the bytes `start..end` of the result to `out`. `first` is the position in `runs` of the first run that overlaps
/// the range, or of an earlier one. Returns the position of the first run that overlaps the range.
pub(crate) fn append_range(
    runs: &[Run],
    (start, end): (u32, u32),
    mut first: usize,
    (base, delta): (&[u8], &[u8]),
    out: &mut Vec<u8>,
) -> usize {
    while runs.get(first).is_some_and(|run| run.end() <= start) {
        first += 1;
    }
    for run in &runs[first..] {
        if run.at >= end {
            break;
        }
        run.append(run.at.max(start), run.end().min(end), (base, delta), out);
    }
    first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_runs(delta: &[u8], base_len: usize) -> Result<Vec<Run>, DeltaError> {
        let mut runs = Vec::new();
        parse(delta, base_len, 1 << 20, &mut runs).map(|_| runs)
    }

    fn base_run(at: u32, len: u32, from: u32) -> Run {
        Run { at, len, source: RunSource::Base(from) }
    }

    #[test]
    fn adjacent_copies_are_merged() {
        let delta = [10, 10, 0x90, 4, 0x91, 4, 4, 0x91, 8, 2];
        assert_eq!(parse_runs(&delta, 10), Ok(vec![base_run(0, 10, 0)]));
        let delta = [10, 8, 0x91, 4, 4, 0x90, 4];
        assert_eq!(parse_runs(&delta, 10), Ok(vec![base_run(0, 4, 4), base_run(4, 4, 0)]));
    }

    #[test]
    fn a_copy_of_length_zero_copies_64_kib() {
        let sizes = [0x80, 0x80, 0x04];
        let delta = [&sizes[..], &sizes, &[0x80]].concat();
        assert_eq!(parse_runs(&delta, 0x10000), Ok(vec![base_run(0, 0x10000, 0)]));
    }

    #[test]
    fn invalid_deltas_are_rejected() {
        use DeltaError as E;
        assert_eq!(parse_runs(&[], 0), Err(E::Truncated));
        assert_eq!(parse_runs(&[10], 10), Err(E::Truncated));
        assert_eq!(parse_runs(&[10, 4, 0x90, 4], 9), Err(E::WrongBase { declared: 10, actual: 9 }));
        assert_eq!(parse_runs(&[10, 4, 0x91, 7, 4], 10), Err(E::BeyondBase));
        assert_eq!(parse_runs(&[10, 4, 0x90, 5], 10), Err(E::WrongResult(4)));
        assert_eq!(parse_runs(&[10, 4, 0x90, 3], 10), Err(E::WrongResult(4)));
        assert_eq!(parse_runs(&[10, 4, 4, 1, 2, 3], 10), Err(E::Truncated));
        assert_eq!(parse_runs(&[10, 4, 0x91], 10), Err(E::Truncated));
        assert_eq!(parse_runs(&[10, 4, 0], 10), Err(E::Reserved));
        assert_eq!(
            parse_runs(&[10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x90, 4], 10),
            Err(E::TooLarge(u64::from(u32::MAX)))
        );
        assert_eq!(parse_runs(&[0xff; 12], 10), Err(E::Overflow));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_parsed_without_a_panic(
            mut delta in prop::collection::vec(any::<u8>(), 0..80),
            base in prop::collection::vec(any::<u8>(), 0..70),
            has_sizes in any::<bool>(),
        ) {
            // Without valid sizes, hardly any input would reach the instructions.
            if has_sizes {
                delta.splice(0..0, [base.len() as u8, 40]);
            }
            let mut runs = Vec::new();
            if let Ok(len) = parse(&delta, base.len(), 1 << 16, &mut runs) {
                let mut out = vec![0; len];
                assemble(&runs, &base, &delta, &mut out);
                let mut gathered = Vec::new();
                let (start, end) = (len as u32 / 3, len as u32 / 2);
                append_range(&runs, (start, end), 0, (&base, &delta), &mut gathered);
                prop_assert_eq!(&gathered[..], &out[start as usize..end as usize]);
            }
        }
    }
}
