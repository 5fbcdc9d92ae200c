//! Output to a reader that may go away.

use std::io;

/// Treats it as success if the reader of our output has gone away, e.g. `head`.
pub(super) fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
