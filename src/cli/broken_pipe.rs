//! Output to a reader that may close the pipe.

use std::io;

/// Ignores that the reader of the output has closed the pipe, as `head` does.
pub(super) fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
