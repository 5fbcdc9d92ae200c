//! Handles output to a reader that may close the pipe.

use std::io;

/// Turns the error that the reader of the output has closed the pipe, as `head` does, into success.
pub(super) fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
