//! Reads standard input.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use super::{Sink, reason};
use crate::container::Input;
use crate::model::{Origin, Skip, Surface};

/// Size of a read, in bytes.
const CHUNK_BYTES: usize = 1 << 18;
/// Maximum number of chunks that wait to be scanned.
const MAX_WAITING_CHUNKS: usize = 4;

/// How long a stop request may go unnoticed while no input arrives.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Scans standard input to its end.
pub fn scan_stdin(sink: &dyn Sink) {
    let mut worker = sink.worker();
    let origin = Origin::at_path(Surface::Stdin, "-");
    let outcome = match spawn_reader() {
        Some(chunks) => {
            let mut content = StdinReader { chunks, chunk: Vec::new(), position: 0, sink };
            worker.blob(&origin, Input::Stream(&mut content))
        }
        // Without a second thread a blocked read cannot be cancelled, but everything is read.
        None => worker.blob(&origin, Input::Stream(&mut io::stdin().lock())),
    };
    if let Err(error) = outcome {
        worker.skip(Skip::new("standard input", reason(&error)));
    }
}

/// Reads on a thread of its own, since a blocked read cannot be cancelled. The thread ends with the process.
/// `None` if it cannot be started.
fn spawn_reader() -> Option<Receiver<io::Result<Vec<u8>>>> {
    let (sender, receiver) = sync_channel(MAX_WAITING_CHUNKS);
    let started = Builder::new().spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let outcome = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
                Ok(count) => {
                    chunk.truncate(count);
                    Ok(chunk)
                }
            };
            let is_last = !matches!(&outcome, Ok(chunk) if !chunk.is_empty());
            if sender.send(outcome).is_err() || is_last {
                return;
            }
        }
    });
    started.is_ok().then_some(receiver)
}

struct StdinReader<'s> {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    position: usize,
    sink: &'s dyn Sink,
}

impl Read for StdinReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.chunk.len() {
            if self.sink.is_stopped() {
                return Err(io::Error::other("interrupted before its end"));
            }
            match self.chunks.recv_timeout(STOP_CHECK_INTERVAL) {
                Ok(chunk) => (self.chunk, self.position) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.chunk.is_empty() {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.position);
        buffer[..count].copy_from_slice(&self.chunk[self.position..self.position + count]);
        self.position += count;
        Ok(count)
    }
}
