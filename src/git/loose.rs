//! Loose objects: one deflated file each, with a header for kind and size.

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

/// The outcome of [`read`].
pub(super) enum Loose {
    /// An object; its content is in the buffer from `start` on.
    Whole { kind: Kind, start: usize, size: usize },
    /// An object larger than the limit, to be opened as a [`LooseStream`].
    Large,
}

/// The longest header: `commit`, a space, twenty digits, a NUL.
const MAX_HEADER_LEN: usize = 28;

/// Compression ratio that few files exceed.
const TYPICAL_RATIO: usize = 6;

/// Reads the object in the file `path` into `out`, through the buffer `file`, unless it is larger than `large` bytes.
pub(super) fn read(
    path: &Path,
    large: u64,
    inflater: &mut Inflater,
    file: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<Loose, LooseError> {
    let (mut opened, len) = open_regular(path)?;
    if len > large {
        return Ok(Loose::Large);
    }
    file.clear();
    opened.by_ref().take(large).read_to_end(file).map_err(LooseError::Unreadable)?;
    // The size is in the inflated header. Most objects fit the guess; for others, the header was inflated by then.
    let most = usize::try_from(large).unwrap_or(usize::MAX).saturating_add(MAX_HEADER_LEN);
    grow(out, file.len().saturating_mul(TYPICAL_RATIO).min(most).max(1 << 16));
    let Some(written) = inflater.prefix(file, out)? else {
        let (_, size, used) = parse_header(&out[..MAX_HEADER_LEN]).ok_or(LooseError::Header)?;
        if size > large {
            return Ok(Loose::Large);
        }
        let size = usize::try_from(size).map_err(|_| InflateError::TooLarge(size))?;
        inflater.whole(file, file.len() as u64, used + size, out)?;
        let (kind, ..) = parse_header(&out[..used]).ok_or(LooseError::Header)?;
        return Ok(Loose::Whole { kind, start: used, size });
    };
    let (kind, size, start) = parse_header(&out[..written.min(MAX_HEADER_LEN)]).ok_or(LooseError::Header)?;
    if (written - start) as u64 != size {
        return Err(LooseError::WrongSize(size));
    }
    Ok(Loose::Whole { kind, start, size: written - start })
}

/// A loose object read in pieces.
pub(super) struct LooseStream {
    pub(super) kind: Kind,
    pub(super) size: u64,
    stream: InflateStream<BufReader<File>>,
    /// Content that was read together with the header.
    ahead: Vec<u8>,
    /// The length of the file.
    len: u64,
}

impl LooseStream {
    /// Opens the object in the file `path` and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, LooseError> {
        let (file, len) = open_regular(path)?;
        let mut stream = InflateStream::new(BufReader::with_capacity(1 << 16, file));
        let mut ahead = vec![0; MAX_HEADER_LEN];
        let mut filled = 0;
        while filled < ahead.len() {
            match stream.read(&mut ahead[filled..]).map_err(LooseError::Unreadable)? {
                0 => break,
                read => filled += read,
            }
        }
        ahead.truncate(filled);
        let (kind, size, used) = parse_header(&ahead).ok_or(LooseError::Header)?;
        ahead.drain(..used);
        Ok(Self { kind, size, stream, ahead, len })
    }

    /// Whether the stream consumed the whole file.
    pub(super) fn is_file_consumed(&self) -> bool {
        self.stream.taken() == self.len
    }
}

/// The bytes of the file `path` after the end of its stream.
pub(super) fn tail(path: &Path) -> Result<Range<u64>, LooseError> {
    let (file, len) = open_regular(path)?;
    let mut stream = InflateStream::new(BufReader::with_capacity(1 << 16, file));
    io::copy(&mut stream, &mut io::sink()).map_err(LooseError::Unreadable)?;
    Ok(stream.taken()..len)
}

impl Read for LooseStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return self.stream.read(out);
        }
        let count = self.ahead.len().min(out.len());
        out[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

/// Opens a file and returns its length. Anything else is refused: a pipe in its place would block forever.
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

/// Parses the header of an inflated loose object: kind, size, and length of the header. Accepts any bytes.
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
