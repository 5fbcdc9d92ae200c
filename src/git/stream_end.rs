//! Checks that a zlib stream extends to the end of the bytes given for it, so that nothing is hidden after the stream.
//!
//! libdeflate is the fastest decompressor, but its bindings do not say how much of the input it consumed.

use libdeflater::{Decompressor, adler32};

use super::buffer::grow;

/// Whether the zlib stream at the start of `deflated`, which was inflated to `plain`, certainly extends to the end of
/// `deflated`.
///
/// A stream ends with the checksum of `plain`. If `deflated` ends with that checksum and contains it nowhere else, the
/// stream ends there.
pub(super) fn ends_with_stream(deflated: &[u8], plain: &[u8]) -> bool {
    let sum = adler32(plain).to_be_bytes();
    let Some(rest) = deflated.strip_suffix(&sum) else { return false };
    // All bytes but the last one are searched, since an earlier occurrence may overlap the checksum at the end.
    !contains_checksum(&deflated[..rest.len() + sum.len() - 1], sum)
}

/// Whether `bytes` contain the checksum `sum`.
fn contains_checksum(bytes: &[u8], sum: [u8; 4]) -> bool {
    if bytes.len() > MIN_PREPARED_LEN {
        return memchr::memmem::find(bytes, &sum).is_some();
    }
    memchr::memchr_iter(sum[0], bytes).any(|start| bytes[start..].starts_with(&sum))
}

/// Minimum length of bytes for which `memmem` is faster, as it prepares each search.
const MIN_PREPARED_LEN: usize = 1 << 12;

/// Length of zlib's header, in bytes.
const HEADER_LEN: usize = 2;
/// Length of zlib's checksum, in bytes.
const CHECKSUM_LEN: usize = 4;

/// Minimum inflated size that is probed, in bytes. For less, searching for the checksum is faster.
const MIN_PROBED_SIZE: usize = 512;

/// Maximum length of deflated data that is probed, in bytes. Compressors rarely put more into one block.
const MAX_PROBED_LEN: usize = 1 << 15;

/// Finds the end of a stream that has a single block, as nearly all of git's do, while inflating it.
///
/// The first bit of a stream says whether its first block is the last one. With that bit cleared, the decompressor
/// continues after the block with whatever follows, here the [`CONTINUATION`], which inflates to a distinctive number of
/// bytes. If the output is longer by exactly that number, the block ends where the continuation starts, or is followed
/// only by blocks without content. These have no room for text, and git reports such a stream as corrupt.
#[derive(Default)]
pub(super) struct StreamEndProbe {
    /// Room for deflated data, which is copied to its end, and the continuation. Empty until first used.
    input: Vec<u8>,
}

impl StreamEndProbe {
    /// Inflates `deflated` into the first `size` bytes of `out`, as [`super::inflate::Inflater::inflate`] does, if
    /// it certainly consists of a valid zlib stream with a single block and nothing else. Otherwise returns `false`, and the
    /// content of `out` is undefined.
    pub(super) fn inflates_exactly(
        &mut self,
        decompressor: &mut Decompressor,
        deflated: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        if size < MIN_PROBED_SIZE {
            return false;
        }
        let Some((deflated, sum)) = split_zlib(deflated) else { return false };
        if deflated.len() > MAX_PROBED_LEN || deflated.first().is_none_or(|first| first & LAST_BLOCK_BIT == 0)
        {
            return false;
        }
        if self.input.is_empty() {
            self.input.resize(MAX_PROBED_LEN, 0);
            self.input.extend_from_slice(&CONTINUATION);
        }
        let start = MAX_PROBED_LEN - deflated.len();
        self.input[start..MAX_PROBED_LEN].copy_from_slice(deflated);
        self.input[start] &= !LAST_BLOCK_BIT;
        grow(out, size + SLACK);
        let written = decompressor.deflate_decompress(&self.input[start..], &mut out[..size + SLACK]);
        let is_block_all = match written.map(|written| written.checked_sub(size)) {
            // A byte of text after the block could also contain the header of the continuation. Then its upper bits are not
            // zero.
            Ok(Some(ALIGNED_LEN)) => deflated.last().is_some_and(|last| last >> 5 == 0),
            Ok(excess) => excess == Some(UNALIGNED_LEN),
            Err(_) => false,
        };
        is_block_all && adler32(&out[..size]).to_be_bytes() == sum
    }
}

/// Whether `header` begins a zlib stream as every tool writes it: with a window that deflate has, and without a preset
/// dictionary.
pub(super) fn is_zlib_header(header: [u8; HEADER_LEN]) -> bool {
    const DEFLATE: u8 = 8;
    const MAX_WINDOW: u8 = 7;
    const PRESET_DICTIONARY: u8 = 0x20;
    header[0] & 0xf == DEFLATE
        && header[0] >> 4 <= MAX_WINDOW
        && header[1] & PRESET_DICTIONARY == 0
        && u16::from_be_bytes(header).is_multiple_of(31)
}

/// The deflated data and the checksum of a zlib stream with a valid header and no preset dictionary.
fn split_zlib(deflated: &[u8]) -> Option<(&[u8], [u8; CHECKSUM_LEN])> {
    let (header, rest) = deflated.split_first_chunk::<HEADER_LEN>()?;
    let (deflated, sum) = rest.split_last_chunk::<CHECKSUM_LEN>()?;
    is_zlib_header(*header).then_some((deflated, *sum))
}

/// Number of bytes to which the continuation inflates if the three bits of its header are all in the last byte of the block
/// before it, as padding.
const ALIGNED_LEN: usize = 0x00f8;
/// Number of bytes to which the continuation inflates if at least one of the three bits is in its own first byte.
const UNALIGNED_LEN: usize = 0x0700;

/// Room in the output after the block, in bytes: more than the continuation needs, which keeps libdeflate in its fast loop to
/// the end of the block.
const SLACK: usize = UNALIGNED_LEN + 512;

/// The first bit of a block, which says whether it is the last one.
const LAST_BLOCK_BIT: u8 = 1;

/// Deflated data that can follow a block at whichever bit of a byte the block ends: a stored block of zeros.
///
/// The header of a stored block is three zero bits, padding to the end of the byte, a length, and the complement of the
/// length. If the three bits are all in the last byte of the block before it, the length is `f8 00` and its complement
/// `07 ff`. If some are in the byte `f8`, the length is `00 07` and its complement `ff f8`. In either case, the zeros are
/// followed by an empty last block.
const CONTINUATION: [u8; 5 + UNALIGNED_LEN + 5] = {
    let mut bytes = [0; 5 + UNALIGNED_LEN + 5];
    let mut index = 0;
    while index < 5 {
        bytes[index] = [0xf8, 0x00, 0x07, 0xff, 0xf8][index];
        bytes[4 + ALIGNED_LEN + index] = EMPTY_LAST_BLOCK[index];
        bytes[5 + UNALIGNED_LEN + index] = EMPTY_LAST_BLOCK[index];
        index += 1;
    }
    bytes
};

/// A stored block without content that is the last one.
const EMPTY_LAST_BLOCK: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::git::inflate::{InflateError, Inflater};

    fn compress(plain: &[u8], level: u32) -> Vec<u8> {
        let mut deflated = Vec::new();
        let mut encoder = flate2::write::ZlibEncoder::new(&mut deflated, flate2::Compression::new(level));
        std::io::Write::write_all(&mut encoder, plain).unwrap();
        encoder.finish().unwrap();
        deflated
    }

    /// Inflates as the sweep does. Returns whether the stream certainly ends at the end of `deflated`.
    fn inflate(deflated: &[u8], size: usize, out: &mut Vec<u8>) -> Result<bool, InflateError> {
        let mut inflater = Inflater::new();
        if inflater.inflate_exactly(deflated, size, out) {
            return Ok(true);
        }
        inflater.inflate(deflated, deflated.len() as u64, size, out)?;
        Ok(ends_with_stream(deflated, &out[..size]))
    }

    /// Contents that are too short and long enough to be probed, compressible and not.
    fn any_content() -> impl Strategy<Value = Vec<u8>> {
        (any::<Vec<u8>>(), 0..2 * MIN_PROBED_SIZE).prop_map(|(mut bytes, filling)| {
            bytes.resize(bytes.len() + filling, b'x');
            bytes
        })
    }

    /// Inflates with the probe alone; `None` if it does not find the end.
    fn probe(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        StreamEndProbe::default()
            .inflates_exactly(&mut Decompressor::new(), deflated, size, &mut out)
            .then(|| out[..size].to_vec())
    }

    #[test]
    fn the_probe_finds_ends_at_every_bit_of_a_byte() {
        // So many lengths end at all eight bits of a byte.
        for len in MIN_PROBED_SIZE..MIN_PROBED_SIZE + 600 {
            let plain: Vec<u8> = (0..len).map(|index| (index * index % 91) as u8 + 32).collect();
            // At level 1, the encoder writes a second block.
            for level in (0..=9).filter(|level| *level != 1) {
                assert_eq!(
                    probe(&compress(&plain, level), len),
                    Some(plain.clone()),
                    "{len} at level {level}"
                );
            }
        }
    }

    #[test]
    fn an_empty_block_after_the_last_one_is_not_accepted() {
        let mut deflated = compress(&[b'x'; MIN_PROBED_SIZE], 6);
        let sum = deflated.split_off(deflated.len() - CHECKSUM_LEN);
        deflated.extend_from_slice(&EMPTY_LAST_BLOCK);
        deflated.extend_from_slice(&sum);
        assert_eq!(probe(&deflated, MIN_PROBED_SIZE), None);
    }

    proptest! {
        #[test]
        fn contains_finds_a_checksum_at_every_offset(
            mut bytes in proptest::collection::vec(prop_oneof![Just(1_u8), Just(2), any::<u8>()], 0..1200),
            sum in any::<[u8; 4]>(),
            place in proptest::option::of(any::<proptest::sample::Index>()),
        ) {
            if let Some(place) = place && bytes.len() >= sum.len() {
                let start = place.index(bytes.len() - sum.len() + 1);
                bytes[start..start + sum.len()].copy_from_slice(&sum);
            }
            prop_assert_eq!(contains_checksum(&bytes, sum), bytes.windows(sum.len()).any(|four| four == sum));
            prop_assert_eq!(contains_checksum(&bytes, [1, 2, 1, 2]), bytes.windows(4).any(|four| four == [1, 2, 1, 2]));
        }

        #[test]
        fn bytes_after_a_stream_are_noticed(
            plain in any_content(),
            level in 0_u32..10,
            trailing in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut deflated = compress(&plain, level);
            let mut out = Vec::new();
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(true));
            prop_assert_eq!(&out[..plain.len()], &plain[..]);
            prop_assert!(ends_with_stream(&deflated, &plain));
            let sum = deflated[deflated.len() - CHECKSUM_LEN..].to_vec();
            deflated.extend_from_slice(&trailing);
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(false));
            deflated.extend_from_slice(&sum);
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(false));
            prop_assert!(!ends_with_stream(&deflated, &plain));
        }

        #[test]
        fn text_between_the_data_and_its_checksum_is_an_error(
            plain in any_content(),
            between in "[\n -~]{2,40}",
        ) {
            let mut deflated = compress(&plain, 6);
            let end = deflated.len() - CHECKSUM_LEN;
            deflated.splice(end..end, between.into_bytes());
            let outcome = inflate(&deflated, plain.len(), &mut Vec::new());
            prop_assert!(matches!(outcome, Err(InflateError::Corrupt) | Ok(false)), "{:?}", outcome);
        }

        #[test]
        fn a_damaged_stream_gives_the_same_result_with_and_without_the_probe(
            plain in any_content(),
            place in any::<proptest::sample::Index>(),
            bit in 0..8_u8,
            size in -3_isize..4,
        ) {
            let mut deflated = compress(&plain, 6);
            let damaged = place.index(deflated.len());
            deflated[damaged] ^= 1_u8 << bit;
            let size = plain.len().saturating_add_signed(size);
            let (mut probed, mut whole) = (Vec::new(), Vec::new());
            let with_end = inflate(&deflated, size, &mut probed);
            let without = Inflater::new().inflate(&deflated, deflated.len() as u64, size, &mut whole);
            prop_assert_eq!(with_end.map(|_| ()), without);
            if without.is_ok() {
                prop_assert_eq!(&probed[..size], &whole[..size]);
            }
        }
    }
}
