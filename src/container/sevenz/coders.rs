//! Decoders for the blocks of a 7z.

use std::io::{self, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::Decompress;
use lzma_rust2::filter::{bcj::BcjReader, bcj2::Bcj2Reader, delta::DeltaReader};
use lzma_rust2::{Lzma2Reader, LzmaReader};
use ppmd_rust::Ppmd7Decoder;

use super::header::{Coder, SevenZipBlock, Streams, damaged};
use crate::container::inflate::{Inflate64, InflateStream};
use crate::container::limits::size;
use crate::container::readers::{SmallReads, zero_padded};
use crate::container::seek_window::Shared;

/// Offset of the first packed stream: after the signature header.
pub(super) const PACKED_START: u64 = 32;

type CoderOutput<'a> = Box<dyn Read + 'a>;

/// Creates the decoders of blocks.
pub(super) struct DecoderFactory<'a, 's> {
    pub(super) shared: &'a Shared<'s>,
    pub(super) streams: &'a Streams<'a>,
    /// Bytes of memory that all decoders of a block may use together.
    pub(super) room: u64,
}

impl<'a> DecoderFactory<'a, '_> {
    /// A reader of `block`, whose first packed stream has the given number, and the bytes of memory that it
    /// uses.
    ///
    /// # Errors
    /// A reason, if the block cannot be decoded.
    pub(super) fn decoder(
        &self,
        block: &'a SevenZipBlock<'a>,
        first: usize,
    ) -> io::Result<(CoderOutput<'a>, u64)> {
        let mut chain =
            DecoderChain { factory: self, block, first, used: vec![false; block.coders.len()], held: 0 };
        let last = block.last().ok_or_else(damaged)?;
        let decoder = chain.output(last)?;
        Ok((decoder, chain.held))
    }

    /// The range of the packed stream with that number.
    pub(super) fn place(&self, number: usize) -> io::Result<(u64, u64)> {
        let ends = &self.streams.ends;
        let first = self.streams.offset.saturating_add(PACKED_START);
        let start = number.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied());
        let (start, end) = start.zip(ends.get(number).copied()).ok_or_else(damaged)?;
        Ok((first.saturating_add(start), first.saturating_add(end)))
    }
}

struct DecoderChain<'a, 'm, 's> {
    factory: &'m DecoderFactory<'a, 's>,
    block: &'a SevenZipBlock<'a>,
    first: usize,
    /// Coders that are already part of the chain: a block may claim that a coder feeds itself.
    used: Vec<bool>,
    held: u64,
}

impl<'a> DecoderChain<'a, '_, '_> {
    /// The output of coder `at`.
    fn output(&mut self, at: usize) -> io::Result<CoderOutput<'a>> {
        let coder = self.block.coders.get(at).ok_or_else(damaged)?;
        if std::mem::replace(&mut self.used[at], true) {
            return Err(damaged());
        }
        let before: u64 = self.block.coders[..at].iter().map(|coder| coder.inputs).sum();
        let mut inputs = Vec::new();
        for input in before..before + coder.inputs {
            inputs.push(self.input(input)?);
        }
        if coder.method == [3, 3, 1, 0x1b] {
            return Ok(Box::new(Bcj2Reader::try_new(inputs, coder.size)?));
        }
        match (inputs.pop(), inputs.pop()) {
            (Some(input), None) => self.coder(coder, input),
            _ => Err(damaged()),
        }
    }

    fn input(&mut self, number: u64) -> io::Result<CoderOutput<'a>> {
        if let Some((_, output)) = self.block.binds.iter().find(|(input, _)| *input == number) {
            return self.output(usize::try_from(*output).map_err(|_| damaged())?);
        }
        let at = self.block.packed.iter().position(|input| *input == number).ok_or_else(damaged)?;
        let (start, end) = self.factory.place(self.first + at)?;
        let mut window = self.factory.shared.window();
        window.go(start, end);
        Ok(Box::new(window))
    }

    fn coder(&mut self, coder: &Coder<'_>, input: CoderOutput<'a>) -> io::Result<CoderOutput<'a>> {
        let properties = coder.properties;
        let four = |at: usize| {
            let four = properties.get(at..).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
            Ok::<u32, io::Error>(u32::from_le_bytes(*four))
        };
        Ok(match coder.method {
            [0] => input,
            [3, 1, 1] => {
                let (first, dictionary) = (properties.first().copied().ok_or_else(damaged)?, four(1)?);
                let needed = lzma_rust2::lzma_get_memory_usage_by_props(dictionary, first)?;
                self.hold(u64::from(needed) << 10)?;
                let mut decoder = LzmaReader::new_with_props(input, coder.size, first, dictionary, None)?;
                decoder.set_defer_errors(true);
                Box::new(decoder)
            }
            [0x21] => {
                let dictionary = dictionary(properties.first().copied().ok_or_else(damaged)?)?;
                self.hold(u64::from(dictionary) + (1 << 18))?;
                Box::new(SmallReads(Lzma2Reader::new(zero_padded(input), dictionary, None)))
            }
            [3, 4, 1] => {
                let (order, memory) = (properties.first().copied().ok_or_else(damaged)?, four(1)?);
                self.hold(memory.into())?;
                let decoder = Ppmd7Decoder::new(input, order.into(), memory);
                // It has no end marker.
                Box::new(SmallReads(decoder.map_err(|_| damaged())?).take(coder.size))
            }
            [4, 1, 8] => {
                let input = BufReader::new(input);
                Box::new(Deflated { input, state: Decompress::new(false) })
            }
            [4, 1, 9] => Box::new(Inflate64::new(BufReader::new(input))),
            [4, 2, 2] => {
                self.hold(4 << 20)?;
                Box::new(BzDecoder::new(BufReader::new(input)))
            }
            [4, 0xf7, 0x11, 1] => {
                let log = (self.factory.room / 2).max(1024).ilog2().min(27);
                self.hold(1 << log)?;
                let mut decoder = zstd::Decoder::new(input)?;
                decoder.window_log_max(log)?;
                Box::new(decoder)
            }
            [3] => {
                Box::new(DeltaReader::new(input, properties.first().map_or(1, |&byte| usize::from(byte) + 1)))
            }
            [3, 3, 1, 3] | [4] => Box::new(BcjReader::new_x86(input, 0)),
            [3, 3, 2, 5] | [5] => Box::new(BcjReader::new_ppc(input, 0)),
            [3, 3, 4, 1] | [6] => Box::new(BcjReader::new_ia64(input, 0)),
            [3, 3, 5, 1] | [7] => Box::new(BcjReader::new_arm(input, 0)),
            [3, 3, 7, 1] | [8] => Box::new(BcjReader::new_arm_thumb(input, 0)),
            [3, 3, 8, 5] | [9] => Box::new(BcjReader::new_sparc(input, 0)),
            [10] => Box::new(BcjReader::new_arm64(input, 0)),
            [11] => Box::new(BcjReader::new_riscv(input, 0)),
            [6, 0xf1, 7, 1] => return Err(unsupported("encrypted".to_owned())),
            method => {
                let digits: String = method.iter().map(|byte| format!("{byte:02x}")).collect();
                return Err(unsupported(format!("unsupported compression method {digits}")));
            }
        })
    }

    fn hold(&mut self, bytes: u64) -> io::Result<()> {
        self.held = self.held.saturating_add(bytes);
        if self.held > self.factory.room {
            let needed = size(self.held);
            return Err(unsupported(format!(
                "unpacking it requires {needed} of memory, not opened (`--max-memory`)"
            )));
        }
        Ok(())
    }
}

/// Bytes of an LZMA2 dictionary, from its one property byte: 2^n or 3 * 2^n.
fn dictionary(property: u8) -> io::Result<u32> {
    match property {
        40 => Ok(u32::MAX - 15),
        ..40 => Ok((2 | u32::from(property & 1)) << (property / 2 + 11)),
        _ => Err(damaged()),
    }
}

/// Deflate that owns its state.
struct Deflated<R> {
    input: R,
    state: Decompress,
}

impl<R: io::BufRead> Read for Deflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        InflateStream::with_decompressor(&mut self.input, &mut self.state).read(buffer)
    }
}

fn unsupported(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}
