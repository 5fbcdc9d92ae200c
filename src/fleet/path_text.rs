//! Converts paths of repositories to text and back.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::model::{PlannedRepository, hex, native_path};

/// A path as text, and its bytes in hex if the text alone does not identify it.
pub(super) fn path_text(path: &Path) -> (String, Option<String>) {
    match path.to_str() {
        Some(text) => (text.to_owned(), None),
        None => (path.to_string_lossy().into_owned(), Some(hex(path.as_os_str().as_encoded_bytes()))),
    }
}

/// The path of a planned repository; `None` if its hex bytes are invalid.
pub fn planned_path(repository: &PlannedRepository) -> Option<PathBuf> {
    let Some(digits) = &repository.path_bytes else { return Some(PathBuf::from(&repository.path)) };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()).collect();
    let bytes = bytes.filter(|_| rest.is_empty())?;
    let path: Cow<'_, Path> = native_path(&bytes);
    Some(path.into_owned())
}
