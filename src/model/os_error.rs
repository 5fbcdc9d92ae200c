//! Descriptions of operating system errors for people, without error numbers.

use std::borrow::Cow;
use std::io::{self, ErrorKind};

/// The text that the standard library puts before the number of an error.
const BEFORE_NUMBER: &str = " (os error ";

/// The cause of `error`, without its number.
pub fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => describe(error),
        None => without_os_errors(&error.to_string()).into_owned(),
    }
}

/// `text` with every operating system error described as by [`cause`].
pub fn without_os_errors(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    let mut offset = 0;
    while let Some(suffix_start) = plain[offset..].find(BEFORE_NUMBER).map(|start| offset + start) {
        let number_start = suffix_start + BEFORE_NUMBER.len();
        offset = number_start;
        let Some((number, _)) = plain[number_start..].split_once(')') else { break };
        let Ok(code) = number.parse() else { continue };
        let end = number_start + number.len() + 1;
        let error = io::Error::from_raw_os_error(code);
        // The system's description before the number is replaced as well, unless it is in other words than here.
        let system_text = error.to_string();
        let start = match plain[..end].ends_with(&system_text) {
            true => end - system_text.len(),
            false => suffix_start,
        };
        let description = if start == suffix_start { String::new() } else { describe(&error) };
        offset = start + description.len();
        plain.to_mut().replace_range(start..end, &description);
    }
    plain
}

fn describe(error: &io::Error) -> String {
    let description = match error.kind() {
        ErrorKind::NotFound => "no such file or directory",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::IsADirectory => "it is a directory",
        ErrorKind::NotADirectory => "a part of the path is not a directory",
        ErrorKind::AlreadyExists => "a file or directory of that name exists",
        ErrorKind::StorageFull => "no space is left on the device",
        ErrorKind::QuotaExceeded => "the disk quota is exceeded",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::InvalidFilename => "the name is too long, or not a valid file name",
        ErrorKind::FileTooLarge => "the file would be too large",
        ErrorKind::OutOfMemory => "there is not enough memory",
        _ => return decapitalize(error.to_string().split(BEFORE_NUMBER).next().unwrap_or_default()),
    };
    description.to_owned()
}

fn decapitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_are_removed_anywhere_in_a_message() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(cause(&error), "no such file or directory");
        assert_eq!(
            cause(&io::Error::other(format!("cannot read x: {error}; y"))),
            "cannot read x: no such file or directory; y"
        );
        let twice = format!("{error}, then {}", io::Error::from_raw_os_error(13));
        assert_eq!(without_os_errors(&twice), "no such file or directory, then permission denied");
        assert_eq!(without_os_errors("in other words (os error 2)."), "in other words.");
        for text in ["nothing of it", "a (os error x) b", "cut off (os error 2"] {
            assert_eq!(without_os_errors(text), text);
        }
        for code in 1..130 {
            let description = cause(&io::Error::from_raw_os_error(code));
            assert!(!description.is_empty() && !description.contains("os error"), "{description}");
        }
    }
}
