//! Builds the decoders for the blocks of a 7z.

use std::io::{self, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::Decompress;
use lzma_rust2::filter::{bcj::BcjReader, bcj2::Bcj2Reader, delta::DeltaReader};
use lzma_rust2::{Lzma2Reader, LzmaReader};
use ppmd_rust::Ppmd7Decoder;

use super::header::{Coder, SevenZipBlock, Streams, invalid_header_error};
use crate::container::inflate::{Inflate64, InflateStream};
use crate::container::limits::size_text;
use crate::container::readers::{SmallReads, pad_with_zeros};
use crate::container::seek_window::SharedInput;

/// Offset of the first packed stream: after the signature header.
pub(super) const PACKED_START: u64 = 32;

type CoderOutput<'a> = Box<dyn Read + 'a>;

/// Creates the decoders of blocks.
pub(super) struct DecoderFactory<'a, 's> {
    pub(super) shared: &'a SharedInput<'s>,
    pub(super) streams: &'a Streams<'a>,
    /// Bytes of memory that all decoders of a block may use together.
    pub(super) max_memory: u64,
}

impl<'a> DecoderFactory<'a, '_> {
    /// A reader of the content of `block`, and the number of bytes of memory that it uses. `first_stream` is the index of the
    /// first packed stream of the block.
    ///
    /// # Errors
    /// If the block is encrypted, uses an unknown method or needs too much memory, or the header is invalid.
    pub(super) fn decoder(
        &self,
        block: &'a SevenZipBlock<'a>,
        first_stream: usize,
    ) -> io::Result<(CoderOutput<'a>, u64)> {
        let mut chain = DecoderChain {
            factory: self,
            block,
            first_stream,
            is_used: vec![false; block.coders.len()],
            memory: 0,
        };
        let main = block.main_coder().ok_or_else(invalid_header_error)?;
        let decoder = chain.coder_output(main)?;
        Ok((decoder, chain.memory))
    }

    /// The start and end of a packed stream in the archive.
    ///
    /// # Errors
    /// If there is no such stream.
    pub(super) fn stream_range(&self, stream: usize) -> io::Result<(u64, u64)> {
        let ends = &self.streams.ends;
        let first = self.streams.offset.saturating_add(PACKED_START);
        let start = stream.checked_sub(1).map_or(Some(0), |previous| ends.get(previous).copied());
        let (start, end) = start.zip(ends.get(stream).copied()).ok_or_else(invalid_header_error)?;
        Ok((first.saturating_add(start), first.saturating_add(end)))
    }
}

/// The coders of a block while their readers are put together.
struct DecoderChain<'a, 'm, 's> {
    factory: &'m DecoderFactory<'a, 's>,
    block: &'a SevenZipBlock<'a>,
    first_stream: usize,
    /// Coders that are already part of the chain: a block may claim that a coder feeds itself.
    is_used: Vec<bool>,
    memory: u64,
}

impl<'a> DecoderChain<'a, '_, '_> {
    /// A reader of the output of the coder with that index.
    fn coder_output(&mut self, index: usize) -> io::Result<CoderOutput<'a>> {
        let coder = self.block.coders.get(index).ok_or_else(invalid_header_error)?;
        if std::mem::replace(&mut self.is_used[index], true) {
            return Err(invalid_header_error());
        }
        let inputs_before: u64 = self.block.coders[..index].iter().map(|coder| coder.inputs).sum();
        let mut inputs = Vec::new();
        for input in inputs_before..inputs_before + coder.inputs {
            inputs.push(self.coder_input(input)?);
        }
        // BCJ2
        if coder.method == [3, 3, 1, 0x1b] {
            return Ok(Box::new(Bcj2Reader::try_new(inputs, coder.size)?));
        }
        match (inputs.pop(), inputs.pop()) {
            (Some(input), None) => self.coder_reader(coder, input),
            _ => Err(invalid_header_error()),
        }
    }

    /// A reader of the input with that number, counted over all coders of the block: the output of another coder, or a packed
    /// stream.
    fn coder_input(&mut self, number: u64) -> io::Result<CoderOutput<'a>> {
        if let Some((_, output)) = self.block.bindings.iter().find(|(input, _)| *input == number) {
            return self.coder_output(usize::try_from(*output).map_err(|_| invalid_header_error())?);
        }
        let stream_index = self
            .block
            .packed_streams
            .iter()
            .position(|input| *input == number)
            .ok_or_else(invalid_header_error)?;
        let (start, end) = self.factory.stream_range(self.first_stream + stream_index)?;
        let mut window = self.factory.shared.window();
        window.seek(start, end);
        Ok(Box::new(window))
    }

    /// A reader of what `coder` makes of `input`.
    fn coder_reader(&mut self, coder: &Coder<'_>, input: CoderOutput<'a>) -> io::Result<CoderOutput<'a>> {
        let properties = coder.properties;
        let u32_at = |index: usize| {
            let four =
                properties.get(index..).and_then(<[u8]>::first_chunk).ok_or_else(invalid_header_error)?;
            Ok::<u32, io::Error>(u32::from_le_bytes(*four))
        };
        // The ids are those in `Methods.txt` of 7-Zip's source.
        Ok(match coder.method {
            // Copy
            [0] => input,
            // LZMA
            [3, 1, 1] => {
                let (first, dictionary) =
                    (properties.first().copied().ok_or_else(invalid_header_error)?, u32_at(1)?);
                let needed = lzma_rust2::lzma_get_memory_usage_by_props(dictionary, first)?;
                self.reserve_memory(u64::from(needed) << 10)?;
                let mut decoder = LzmaReader::new_with_props(input, coder.size, first, dictionary, None)?;
                decoder.set_defer_errors(true);
                Box::new(decoder)
            }
            // LZMA2
            [0x21] => {
                let dictionary =
                    lzma2_dictionary_size(properties.first().copied().ok_or_else(invalid_header_error)?)?;
                self.reserve_memory(u64::from(dictionary) + (1 << 18))?;
                Box::new(SmallReads(Lzma2Reader::new(pad_with_zeros(input), dictionary, None)))
            }
            // PPMd
            [3, 4, 1] => {
                let (order, memory) =
                    (properties.first().copied().ok_or_else(invalid_header_error)?, u32_at(1)?);
                self.reserve_memory(memory.into())?;
                let decoder = Ppmd7Decoder::new(input, order.into(), memory);
                // It has no end marker.
                Box::new(SmallReads(decoder.map_err(|_| invalid_header_error())?).take(coder.size))
            }
            // Deflate
            [4, 1, 8] => {
                let input = BufReader::new(input);
                Box::new(InflateReader { input, state: Decompress::new(false) })
            }
            // Deflate64
            [4, 1, 9] => Box::new(Inflate64::new(BufReader::new(input))),
            // bzip2
            [4, 2, 2] => {
                // The most that a bzip2 decoder needs.
                self.reserve_memory(4 << 20)?;
                Box::new(BzDecoder::new(BufReader::new(input)))
            }
            // Zstandard
            [4, 0xf7, 0x11, 1] => {
                let log = (self.factory.max_memory / 2).max(1024).ilog2().min(27);
                self.reserve_memory(1 << log)?;
                let mut decoder = zstd::Decoder::new(input)?;
                decoder.window_log_max(log)?;
                Box::new(decoder)
            }
            // Delta
            [3] => {
                Box::new(DeltaReader::new(input, properties.first().map_or(1, |&byte| usize::from(byte) + 1)))
            }
            // Filters for machine code
            [3, 3, 1, 3] | [4] => Box::new(BcjReader::new_x86(input, 0)),
            [3, 3, 2, 5] | [5] => Box::new(BcjReader::new_ppc(input, 0)),
            [3, 3, 4, 1] | [6] => Box::new(BcjReader::new_ia64(input, 0)),
            [3, 3, 5, 1] | [7] => Box::new(BcjReader::new_arm(input, 0)),
            [3, 3, 7, 1] | [8] => Box::new(BcjReader::new_arm_thumb(input, 0)),
            [3, 3, 8, 5] | [9] => Box::new(BcjReader::new_sparc(input, 0)),
            [10] => Box::new(BcjReader::new_arm64(input, 0)),
            [11] => Box::new(BcjReader::new_riscv(input, 0)),
            // AES-256
            [6, 0xf1, 7, 1] => return Err(unsupported_error("encrypted".to_owned())),
            method => {
                let digits: String = method.iter().map(|byte| format!("{byte:02x}")).collect();
                return Err(unsupported_error(format!("unsupported compression method {digits}")));
            }
        })
    }

    /// Counts memory of a decoder.
    ///
    /// # Errors
    /// If the decoders of the block need more than [`DecoderFactory::max_memory`].
    fn reserve_memory(&mut self, bytes: u64) -> io::Result<()> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.factory.max_memory {
            let needed = size_text(self.memory);
            return Err(unsupported_error(format!(
                "unpacking it requires {needed} of memory, not opened (`--max-memory`)"
            )));
        }
        Ok(())
    }
}

/// Bytes of an LZMA2 dictionary, from its one property byte: 2^n or 3 * 2^n.
fn lzma2_dictionary_size(property: u8) -> io::Result<u32> {
    match property {
        40 => Ok(u32::MAX - 15),
        ..40 => Ok((2 | u32::from(property & 1)) << (property / 2 + 11)),
        _ => Err(invalid_header_error()),
    }
}

/// Inflates raw deflate data. Unlike [`InflateStream`], it owns its state.
struct InflateReader<R> {
    input: R,
    state: Decompress,
}

impl<R: io::BufRead> Read for InflateReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        InflateStream::with_decompressor(&mut self.input, &mut self.state).read(buffer)
    }
}

fn unsupported_error(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}
