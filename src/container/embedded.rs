//! Archives in programs and scripts, e.g. self-extracting ones. (A zip is recognized by its end, if that is
//! present.)

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::compressed;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::proof::CompressionProof;
use super::readers::PeekReader;
use super::signatures::{MAX_SIGNATURE_LEN, PROBE_LEN, READ_LEN, first_in};

/// Streams that end within this many bytes contain no key: they are signatures without an archive.
const SHORT_STREAM: u64 = 64;

/// Maximum number of such streams opened per content. Each costs a decoder, and a flood of signatures would
/// take minutes.
const MAX_SHORT_STREAMS: usize = 1000;

/// Hands over every archive in the rest of `input`, which is part of the current content and begins at byte
/// `base` of it. Returns their ranges.
///
/// # Errors
/// Those of `input`, and if a limit is hit.
pub(super) fn walk(
    sink: &dyn EntrySink,
    input: &mut PeekReader<'_>,
    base: u64,
) -> io::Result<Vec<Range<u64>>> {
    let mut delegated = Vec::new();
    let mut short_streams = 0;
    loop {
        sink.budget().left()?;
        if short_streams > MAX_SHORT_STREAMS {
            sink.skip(
                None,
                format!(
                    "more than {MAX_SHORT_STREAMS} signatures without an archive; the rest was not searched for archives"
                ),
            );
            return Ok(delegated);
        }
        let piece = input.peek(READ_LEN + PROBE_LEN)?;
        let is_last = piece.len() < READ_LEN + PROBE_LEN;
        let piece = &piece[..piece.len().min(READ_LEN + PROBE_LEN)];
        let end = if is_last { piece.len() } else { READ_LEN };
        let Some((format, at)) = first_in(piece, end) else {
            input.consume(end);
            if is_last {
                return Ok(delegated);
            }
            continue;
        };
        input.consume(at);
        let start = base + input.offset;
        if !sink.may_open(format, start) {
            // It was reported, and other archives would be reported in the same way.
            if format.is_supported() {
                return Ok(delegated);
            }
            input.consume(MAX_SIGNATURE_LEN);
            continue;
        }
        if archive(sink, format, input, start)? {
            let end = base + input.offset;
            delegated.push(start..end);
            short_streams += usize::from(end - start < SHORT_STREAM);
        }
    }
}

/// Hands over the archive at the start of `input`. Returns whether it was one that extends to where `input` is
/// left.
fn archive(sink: &dyn EntrySink, format: Format, input: &mut PeekReader<'_>, start: u64) -> io::Result<bool> {
    let name = name(format, start);
    match format {
        Format::SevenZip => {
            let size = seven_zip_size(input.peek(32)?);
            let mut archive = (&mut *input).take(size);
            Ok(sink.entry(&name, &mut archive))
        }
        // The directory knows its end, and the zip reader itself searches what follows.
        Format::Zip => Ok(sink.entry(&name, input)),
        _ => {
            let before = input.offset;
            sink.within(&name, || compressed::open(sink, format, input, b"", CompressionProof::MARK));
            // Whatever the result, it is not opened again.
            if input.offset == before {
                input.consume(1);
            }
            Ok(true)
        }
    }
}

/// The name of an archive without a name of its own.
pub(super) fn name(format: Format, place: u64) -> Vec<u8> {
    format!("{} at byte {place}", format.name()).into_bytes()
}

/// Length of a 7z archive according to its header; the rest of the input for an unfinished one.
fn seven_zip_size(head: &[u8]) -> u64 {
    let eight =
        |at: usize| head.get(at..).and_then(<[u8]>::first_chunk).map(|eight| u64::from_le_bytes(*eight));
    match (eight(12), eight(20)) {
        (Some(offset), Some(size @ 1..)) => offset.saturating_add(size).saturating_add(32),
        _ => u64::MAX,
    }
}
