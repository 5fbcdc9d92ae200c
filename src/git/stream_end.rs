//! Checks that a zlib stream ends where its bytes end, so that nothing is hidden behind it.
//!
//! libdeflate is the fastest decompressor, but its bindings do not say how much of the input it consumed.

use libdeflater::{Decompressor, adler32};

use super::buffer::grow;

/// Whether the zlib stream at the start of `deflated`, which was inflated to `plain`, certainly ends at the end of `deflated`.
///
/// A stream ends with the checksum of `plain`. If `deflated` ends with that checksum and contains it nowhere else, the
/// stream ends there.
pub(super) fn ends_with_stream(deflated: &[u8], plain: &[u8]) -> bool {
    let sum = adler32(plain).to_be_bytes();
    let Some(rest) = deflated.strip_suffix(&sum) else { return false };
    // An earlier occurrence may overlap the last one.
    !contains(&deflated[..rest.len() + sum.len() - 1], sum)
}

/// Whether `bytes` contain `sum`.
fn contains(bytes: &[u8], sum: [u8; 4]) -> bool {
    if bytes.len() > MIN_PREPARED_LEN {
        return memchr::memmem::find(bytes, &sum).is_some();
    }
    memchr::memchr_iter(sum[0], bytes).any(|at| bytes[at..].starts_with(&sum))
}

/// Minimum length for which preparing a search pays off, in bytes.
const MIN_PREPARED_LEN: usize = 1 << 12;

/// Zlib's header and checksum, in bytes.
const HEADER: usize = 2;
const CHECKSUM: usize = 4;

/// Minimum inflated size that is probed, in bytes. For less, a search for the checksum is faster.
const MIN_PROBED_SIZE: usize = 512;

/// Maximum length of deflated data that is probed, in bytes. Compressors rarely put more into one block.
const MAX_PROBED: usize = 1 << 15;

/// Finds the end of streams of a single block, which nearly all of git's are, in the same pass that inflates them.
///
/// The first bit of a stream says whether its first block is the last one. With that bit cleared, the decompressor
/// continues after the end of the block. The [`CONTINUATION`] placed there decompresses to a distinctive number of
/// bytes: if the output is longer by exactly that number, the block ended there, or is followed only by blocks
/// without content. git reports such a stream as corrupt, and they have no room for text.
#[derive(Default)]
pub(super) struct StreamEndProbe {
    /// Room for deflated data, directly followed by the continuation. Empty until first used.
    input: Vec<u8>,
}

impl StreamEndProbe {
    /// Inflates `deflated` into the first `size` bytes of `out`, as [`super::inflate::Inflater::whole`] does, if it is
    /// certain that it is a valid zlib stream of a single block and nothing else. Otherwise returns `false`, and the
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
        let Some((deflated, sum)) = split(deflated) else { return false };
        if deflated.len() > MAX_PROBED || deflated.first().is_none_or(|first| first & 1 == 0) {
            return false;
        }
        if self.input.is_empty() {
            self.input.resize(MAX_PROBED, 0);
            self.input.extend_from_slice(&CONTINUATION);
        }
        let start = MAX_PROBED - deflated.len();
        self.input[start..MAX_PROBED].copy_from_slice(deflated);
        self.input[start] &= !1;
        grow(out, size + SLACK);
        let written = decompressor.deflate_decompress(&self.input[start..], &mut out[..size + SLACK]);
        let ends_at_end = match written.map(|written| written.checked_sub(size)) {
            // A byte of text behind the block could also be the start of an aligned continuation.
            Ok(Some(ALIGNED)) => deflated.last().is_some_and(|last| last >> 5 == 0),
            Ok(more) => more == Some(UNALIGNED),
            Err(_) => false,
        };
        ends_at_end && adler32(&out[..size]).to_be_bytes() == sum
    }
}

/// The deflated data and the checksum of a zlib stream with a valid header and no preset dictionary.
fn split(deflated: &[u8]) -> Option<(&[u8], [u8; CHECKSUM])> {
    const DEFLATE: u8 = 8;
    const MAX_WINDOW: u8 = 7;
    const PRESET_DICTIONARY: u8 = 0x20;
    let (header, rest) = deflated.split_first_chunk::<HEADER>()?;
    let (deflated, sum) = rest.split_last_chunk::<CHECKSUM>()?;
    let is_valid = header[0] & 0xf == DEFLATE
        && header[0] >> 4 <= MAX_WINDOW
        && header[1] & PRESET_DICTIONARY == 0
        && u16::from_be_bytes(*header).is_multiple_of(31);
    is_valid.then_some((deflated, *sum))
}

/// Bytes that the continuation yields if the three bits of its header are padding of the block's last byte, and if at
/// least one of them is the continuation's deflated.
const ALIGNED: usize = 0x00f8;
const UNALIGNED: usize = 0x0700;

/// More room than the continuation needs keeps libdeflate in its fast loop to the end of the block.
const SLACK: usize = UNALIGNED + 512;

/// Deflated data that can follow a block whatever bit of a byte it ends at: stored blocks of zeros.
///
/// The three zero bits of a stored block's header are either all in the last byte of the block before it, and the
/// length follows at once; or some are in the byte `f8`, and the length follows that. The bytes are a length and its
/// complement in both cases: `f8 00 07 ff` and `00 07 ff f8`. In each case, an empty last block follows the zeros.
const CONTINUATION: [u8; 5 + UNALIGNED + 5] = {
    let mut bytes = [0; 5 + UNALIGNED + 5];
    let mut at = 0;
    while at < 5 {
        bytes[at] = [0xf8, 0x00, 0x07, 0xff, 0xf8][at];
        bytes[4 + ALIGNED + at] = LAST_BLOCK[at];
        bytes[5 + UNALIGNED + at] = LAST_BLOCK[at];
        at += 1;
    }
    bytes
};

/// A stored block without content that is the last one.
const LAST_BLOCK: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];

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
        if inflater.exactly(deflated, size, out) {
            return Ok(true);
        }
        inflater.whole(deflated, deflated.len() as u64, size, out)?;
        Ok(ends_with_stream(deflated, &out[..size]))
    }

    /// Short and long enough to be probed, compressible and not.
    fn plain() -> impl Strategy<Value = Vec<u8>> {
        (any::<Vec<u8>>(), 0..2 * MIN_PROBED_SIZE).prop_map(|(mut bytes, filling)| {
            bytes.resize(bytes.len() + filling, b'x');
            bytes
        })
    }

    fn probe(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        StreamEndProbe::default()
            .inflates_exactly(&mut Decompressor::new(), deflated, size, &mut out)
            .then(|| out[..size].to_vec())
    }

    #[test]
    fn blocks_that_end_at_every_bit_of_a_byte_are_probed() {
        // Whether the probe applies depends on the bits of padding, so that many lengths cover all eight.
        for len in MIN_PROBED_SIZE..MIN_PROBED_SIZE + 600 {
            let plain: Vec<u8> = (0..len).map(|at| (at * at % 91) as u8 + 32).collect();
            // At level 1, the stream has a further block.
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
    fn a_block_without_content_behind_a_stream_is_not_its_end() {
        let mut deflated = compress(&[b'x'; MIN_PROBED_SIZE], 6);
        let sum = deflated.split_off(deflated.len() - CHECKSUM);
        deflated.extend_from_slice(&LAST_BLOCK);
        deflated.extend_from_slice(&sum);
        assert_eq!(probe(&deflated, MIN_PROBED_SIZE), None);
    }

    proptest! {
        #[test]
        fn a_checksum_is_found_wherever_it_is(
            mut bytes in proptest::collection::vec(prop_oneof![Just(1_u8), Just(2), any::<u8>()], 0..1200),
            sum in any::<[u8; 4]>(),
            place in proptest::option::of(any::<proptest::sample::Index>()),
        ) {
            if let Some(place) = place && bytes.len() >= sum.len() {
                let at = place.index(bytes.len() - sum.len() + 1);
                bytes[at..at + sum.len()].copy_from_slice(&sum);
            }
            prop_assert_eq!(contains(&bytes, sum), bytes.windows(sum.len()).any(|four| four == sum));
            prop_assert_eq!(contains(&bytes, [1, 2, 1, 2]), bytes.windows(4).any(|four| four == [1, 2, 1, 2]));
        }

        #[test]
        fn a_stream_ends_where_nothing_follows_it(
            plain in plain(),
            level in 0_u32..10,
            behind in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut deflated = compress(&plain, level);
            let mut out = Vec::new();
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(true));
            prop_assert_eq!(&out[..plain.len()], &plain[..]);
            prop_assert!(ends_with_stream(&deflated, &plain));
            let sum = deflated[deflated.len() - CHECKSUM..].to_vec();
            deflated.extend_from_slice(&behind);
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(false));
            deflated.extend_from_slice(&sum);
            prop_assert_eq!(inflate(&deflated, plain.len(), &mut out), Ok(false));
            prop_assert!(!ends_with_stream(&deflated, &plain));
        }

        #[test]
        fn text_between_the_data_and_its_checksum_is_an_error(
            plain in plain(),
            between in "[\n -~]{2,40}",
        ) {
            let mut deflated = compress(&plain, 6);
            let end = deflated.len() - CHECKSUM;
            deflated.splice(end..end, between.into_bytes());
            let outcome = inflate(&deflated, plain.len(), &mut Vec::new());
            prop_assert!(matches!(outcome, Err(InflateError::Corrupt) | Ok(false)), "{:?}", outcome);
        }

        #[test]
        fn a_damaged_stream_is_judged_as_without_the_probe(
            plain in plain(),
            place in any::<proptest::sample::Index>(),
            bit in 0..8_u8,
            size in -3_isize..4,
        ) {
            let mut deflated = compress(&plain, 6);
            let at = place.index(deflated.len());
            deflated[at] ^= 1_u8 << bit;
            let size = plain.len().saturating_add_signed(size);
            let (mut probed, mut whole) = (Vec::new(), Vec::new());
            let with_end = inflate(&deflated, size, &mut probed);
            let without = Inflater::new().whole(&deflated, deflated.len() as u64, size, &mut whole);
            prop_assert_eq!(with_end.map(|_| ()), without);
            if without.is_ok() {
                prop_assert_eq!(&probed[..size], &whole[..size]);
            }
        }
    }
}
