//! Reads text files of limited size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The text of the file at `path`, which may have at most `limit` bytes.
///
/// # Errors
/// If the file cannot be read, is longer than `limit`, or is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is longer than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}
