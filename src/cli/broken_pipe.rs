//! Output to a reader that may close the pipe.

use std::io;

/// Treats it as success if the reader of the output has closed the pipe, like `head`.
pub(super) fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
