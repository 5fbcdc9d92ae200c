//! Opens archives in programs and scripts, such as self-extracting archives. (A zip at the end is opened by its end record
//! instead.)

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::compressed;
use super::entry_sink::EntrySink;
use super::error_threshold::ErrorThreshold;
use super::format::Format;
use super::readers::PeekReader;
use super::signatures::{MAX_SIGNATURE_LEN, PROBE_LEN, READ_LEN, find_first_archive};

/// Compressed streams shorter than this, in bytes, contain no key: they are signatures without an archive.
const SHORT_STREAM: u64 = 64;

/// Maximum number of such streams opened per content. Each costs a decoder, and a flood of signatures would
/// take minutes.
const MAX_SHORT_STREAMS: usize = 1000;

/// Hands over every archive in the rest of `input`, whose first byte is byte `base_offset` of the current content. Returns
/// the ranges of the archives.
///
/// # Errors
/// Those of `input`, and if a limit is hit.
pub(super) fn open_archives(
    sink: &dyn EntrySink,
    input: &mut PeekReader<'_>,
    base_offset: u64,
) -> io::Result<Vec<Range<u64>>> {
    let mut delegated = Vec::new();
    let mut short_stream_count = 0;
    loop {
        sink.budget().check()?;
        if short_stream_count > MAX_SHORT_STREAMS {
            sink.skip(
                None,
                format!(
                    "more than {MAX_SHORT_STREAMS} signatures without an archive; the rest was not searched for archives"
                ),
            );
            return Ok(delegated);
        }
        let chunk = input.peek(READ_LEN + PROBE_LEN)?;
        let is_last = chunk.len() < READ_LEN + PROBE_LEN;
        let chunk = &chunk[..chunk.len().min(READ_LEN + PROBE_LEN)];
        let end = if is_last { chunk.len() } else { READ_LEN };
        let Some((format, offset)) = find_first_archive(chunk, end) else {
            input.consume(end);
            if is_last {
                return Ok(delegated);
            }
            continue;
        };
        input.consume(offset);
        let start = base_offset + input.offset;
        if !sink.may_open(format, start) {
            // A skip was recorded. Other archives that cannot be opened here would add the same skip again.
            if format.is_supported() {
                return Ok(delegated);
            }
            input.consume(MAX_SIGNATURE_LEN);
            continue;
        }
        if open_archive(sink, format, input, start)? {
            let end = base_offset + input.offset;
            delegated.push(start..end);
            short_stream_count += usize::from(end - start < SHORT_STREAM);
        }
    }
}

/// Hands over the archive at the start of `input`. Returns whether it extends to the new position of `input`.
fn open_archive(
    sink: &dyn EntrySink,
    format: Format,
    input: &mut PeekReader<'_>,
    start: u64,
) -> io::Result<bool> {
    let name = archive_name(format, start);
    match format {
        Format::SevenZip => {
            let size = seven_zip_size(input.peek(32)?);
            let mut archive = (&mut *input).take(size);
            Ok(sink.hand_over(&name, &mut archive))
        }
        // Its directory is at its end, and the zip reader itself searches what follows.
        Format::Zip => Ok(sink.hand_over(&name, input)),
        _ => {
            let offset_before = input.offset;
            sink.below_name(&name, || {
                compressed::open(sink, format, input, b"", ErrorThreshold::AFTER_SIGNATURE)
            });
            // At least one byte is consumed, or the same signature would be opened forever.
            if input.offset == offset_before {
                input.consume(1);
            }
            Ok(true)
        }
    }
}

/// The name of an archive without a name of its own.
pub(super) fn archive_name(format: Format, offset: u64) -> Vec<u8> {
    format!("{} at byte {offset}", format.name()).into_bytes()
}

/// Length of a 7z archive in bytes, according to its header. An archive whose creation was interrupted extends to the end of
/// the input.
fn seven_zip_size(head: &[u8]) -> u64 {
    let u64_at = |offset: usize| {
        head.get(offset..).and_then(<[u8]>::first_chunk).map(|eight| u64::from_le_bytes(*eight))
    };
    match (u64_at(12), u64_at(20)) {
        (Some(offset), Some(size @ 1..)) => offset.saturating_add(size).saturating_add(32),
        _ => u64::MAX,
    }
}
