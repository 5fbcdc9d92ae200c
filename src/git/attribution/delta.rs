//! Applies a pack's delta to its base.

/// Why a delta cannot be applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum DeltaError {
    /// It ends in the middle of an instruction.
    #[error("the delta is cut off")]
    Cut,
    /// It was made for another base, or its result is not as long as it says.
    #[error("the delta's sizes do not fit")]
    Sizes,
    /// It copies from beyond the base, or has an instruction that does not exist.
    #[error("the delta has an invalid instruction")]
    Instruction,
    /// Its result is longer than `limit`.
    #[error("the delta's result is too large")]
    TooLarge,
}

/// A stretch of a delta's result that it copies from its base. Positions in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it starts in the result.
    pub(super) at: usize,
    /// Where it starts in the base.
    pub(super) from: usize,
    pub(super) length: usize,
}

/// Writes into `out` what `delta` makes of `base`, if that is at most `limit` bytes, and into `runs`,
/// in order, which parts of it are the base's.
pub(super) fn apply(
    base: &[u8],
    delta: &[u8],
    out: &mut Vec<u8>,
    runs: &mut Vec<Run>,
    limit: usize,
) -> Result<(), DeltaError> {
    let mut rest = delta;
    runs.clear();
    if size(&mut rest)? != base.len() as u64 {
        return Err(DeltaError::Sizes);
    }
    let length = usize::try_from(size(&mut rest)?).map_err(|_| DeltaError::TooLarge)?;
    if length > limit {
        return Err(DeltaError::TooLarge);
    }
    out.clear();
    out.reserve(length);
    while let Some((&command, after)) = rest.split_first() {
        rest = after;
        let piece = if command & 0x80 != 0 {
            let offset = operand(&mut rest, command, 4)?;
            let length = match operand(&mut rest, command >> 4, 3)? {
                0 => 0x10000,
                length => length,
            };
            copied(runs, Run { at: out.len(), from: offset, length });
            base.get(offset..offset + length).ok_or(DeltaError::Instruction)?
        } else if command != 0 {
            let (piece, after) = rest.split_at_checked(usize::from(command)).ok_or(DeltaError::Cut)?;
            rest = after;
            piece
        } else {
            return Err(DeltaError::Instruction);
        };
        if out.len() + piece.len() > length {
            return Err(DeltaError::Sizes);
        }
        out.extend_from_slice(piece);
    }
    if out.len() == length { Ok(()) } else { Err(DeltaError::Sizes) }
}

/// Adds a run, to the last one if it goes on where that ends.
fn copied(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.at + last.length == run.at && last.from + last.length == run.from => {
            last.length += run.length;
        }
        _ => runs.push(run),
    }
}

/// A size as delta headers have it: seven bits a byte, lowest first.
fn size(rest: &mut &[u8]) -> Result<u64, DeltaError> {
    let mut size = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(DeltaError::Cut)?;
        *rest = after;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(DeltaError::Sizes)
}

/// A little-endian number of which only the bytes that `present` has a bit for are there.
fn operand(rest: &mut &[u8], present: u8, bytes: u32) -> Result<usize, DeltaError> {
    let mut value = 0;
    for nth in 0..bytes {
        if present >> nth & 1 == 1 {
            let (&byte, after) = rest.split_first().ok_or(DeltaError::Cut)?;
            *rest = after;
            value |= usize::from(byte) << (8 * nth);
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn copies_and_inserts() {
        let (mut out, mut runs) = (Vec::new(), Vec::new());
        let delta = [5, 7, 0x91, 1, 3, 2, b'X', b'Y', 0x90, 2];
        assert_eq!(apply(b"abcde", &delta, &mut out, &mut runs, 100), Ok(()));
        assert_eq!(out, b"bcdXYab");
        assert_eq!(runs, [Run { at: 0, from: 1, length: 3 }, Run { at: 5, from: 0, length: 2 }]);
        assert_eq!(apply(b"abcd", &delta, &mut out, &mut runs, 100), Err(DeltaError::Sizes));
        assert_eq!(apply(b"abcde", &delta, &mut out, &mut runs, 6), Err(DeltaError::TooLarge));
        assert_eq!(apply(b"abcde", &delta[..9], &mut out, &mut runs, 100), Err(DeltaError::Cut));
    }

    proptest! {
        #[test]
        fn survives_any_bytes(base in prop::collection::vec(any::<u8>(), 0..64), mut delta in prop::collection::vec(any::<u8>(), 0..64)) {
            let (mut out, mut runs) = (Vec::new(), Vec::new());
            let _ = apply(&base, &delta, &mut out, &mut runs, 1 << 20);
            if let Some(first) = delta.first_mut() {
                *first = base.len() as u8;
            }
            let _ = apply(&base, &delta, &mut out, &mut runs, 1 << 20);
        }
    }
}
