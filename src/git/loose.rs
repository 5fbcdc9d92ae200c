//! Reads the files of loose objects: a deflated header with kind and size, and the content.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use gix::object::Kind;

use super::buffer::grow;
use super::inflate::{InflateError, InflateStream, Inflater};

/// Why a loose object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LooseError {
    #[error("it disappeared while the repository was being scanned")]
    Vanished,
    #[error("the file cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("it is not a file")]
    NotAFile,
    #[error("the object has no valid header")]
    Header,
    #[error("the content is not the {0} bytes that the header declares")]
    WrongSize(u64),
    #[error("{0}")]
    Stream(String),
    #[error(transparent)]
    Inflate(#[from] InflateError),
}

/// What [`read`] found.
pub(super) enum LooseObject {
    /// An object. Its content is in the buffer from `start` on, after the header, and `size` bytes long.
    Whole { kind: Kind, start: usize, size: usize },
    /// An object larger than the limit, to be opened as a [`LooseStream`].
    Large,
}

/// The longest header: `commit`, a space, twenty digits, a NUL.
const MAX_HEADER_LEN: usize = 28;

/// A compression ratio that few loose objects exceed.
const TYPICAL_RATIO: usize = 6;

/// Reads the object in the file `path` into `out`, unless it is larger than `max_size` bytes. `file_bytes` is a reused buffer
/// for the compressed file.
pub(super) fn read(
    path: &Path,
    max_size: u64,
    inflater: &mut Inflater,
    file_bytes: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<LooseObject, LooseError> {
    let (mut file, len) = open_regular(path)?;
    if len > max_size {
        return Ok(LooseObject::Large);
    }
    file_bytes.clear();
    file.by_ref().take(max_size).read_to_end(file_bytes).map_err(LooseError::Unreadable)?;
    // The size is in the inflated header, so the first attempt guesses it. Most objects fit; of the others, at least the
    // header is inflated.
    let max_len = usize::try_from(max_size).unwrap_or(usize::MAX).saturating_add(MAX_HEADER_LEN);
    grow(out, file_bytes.len().saturating_mul(TYPICAL_RATIO).min(max_len).max(1 << 16));
    let Some(written) = inflater.inflate_prefix(file_bytes, out)? else {
        let (_, size, start) = parse_header(&out[..MAX_HEADER_LEN]).ok_or(LooseError::Header)?;
        if size > max_size {
            return Ok(LooseObject::Large);
        }
        let size = usize::try_from(size).map_err(|_| InflateError::TooLarge(size))?;
        inflater.inflate(file_bytes, file_bytes.len() as u64, start + size, out)?;
        let (kind, ..) = parse_header(&out[..start]).ok_or(LooseError::Header)?;
        return Ok(LooseObject::Whole { kind, start, size });
    };
    let (kind, size, start) = parse_header(&out[..written.min(MAX_HEADER_LEN)]).ok_or(LooseError::Header)?;
    if (written - start) as u64 != size {
        return Err(LooseError::WrongSize(size));
    }
    Ok(LooseObject::Whole { kind, start, size: written - start })
}

/// A loose object that is read in pieces: after [`LooseStream::open`], its content.
pub(super) struct LooseStream {
    pub(super) kind: Kind,
    pub(super) size: u64,
    stream: InflateStream<BufReader<File>>,
    /// The part of the content that was inflated together with the header.
    prefix: Vec<u8>,
    /// The length of the file, in bytes.
    file_len: u64,
}

impl LooseStream {
    /// Opens the object in the file `path` and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, LooseError> {
        let (file, file_len) = open_regular(path)?;
        let mut stream = InflateStream::new(BufReader::with_capacity(1 << 16, file));
        let mut prefix = vec![0; MAX_HEADER_LEN];
        let mut filled = 0;
        while filled < prefix.len() {
            match stream.read(&mut prefix[filled..]).map_err(LooseError::Unreadable)? {
                0 => break,
                read => filled += read,
            }
        }
        prefix.truncate(filled);
        let (kind, size, header_len) = parse_header(&prefix).ok_or(LooseError::Header)?;
        prefix.drain(..header_len);
        Ok(Self { kind, size, stream, prefix, file_len })
    }

    /// Whether the stream consumed the whole file.
    pub(super) fn is_file_consumed(&self) -> bool {
        self.stream.consumed() == self.file_len
    }
}

/// The range of bytes in the file `path` after the end of its deflated stream.
pub(super) fn range_after_stream(path: &Path) -> Result<Range<u64>, LooseError> {
    let (file, len) = open_regular(path)?;
    let mut stream = InflateStream::new(BufReader::with_capacity(1 << 16, file));
    io::copy(&mut stream, &mut io::sink()).map_err(LooseError::Unreadable)?;
    Ok(stream.consumed()..len)
}

impl Read for LooseStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.prefix.is_empty() {
            return self.stream.read(out);
        }
        let count = self.prefix.len().min(out.len());
        out[..count].copy_from_slice(&self.prefix[..count]);
        self.prefix.drain(..count);
        Ok(count)
    }
}

/// Opens a regular file and returns its length in bytes. Anything else is refused: a pipe would block forever.
fn open_regular(path: &Path) -> Result<(File, u64), LooseError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LooseError::Vanished,
        _ => LooseError::Unreadable(error),
    })?;
    let metadata = file.metadata().map_err(LooseError::Unreadable)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(LooseError::NotAFile) }
}

/// Parses the header at the start of an inflated loose object: kind, size of the content, and length of the header. `bytes`
/// may be anything.
pub(super) fn parse_header(bytes: &[u8]) -> Option<(Kind, u64, usize)> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let space = bytes[..end].iter().position(|byte| *byte == b' ')?;
    let kind = Kind::from_bytes(&bytes[..space]).ok()?;
    let digits = &bytes[space + 1..end];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((kind, size, end + 1))
}
