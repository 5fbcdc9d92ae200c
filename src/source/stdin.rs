//! Standard input.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use super::{Sink, reason};
use crate::container::Input;
use crate::model::{Origin, Skip, Surface};

/// The size of a read, and the most chunks that wait to be scanned.
const CHUNK_BYTES: usize = 1 << 18;
const MAX_WAITING_CHUNKS: usize = 4;

/// How long a stop request may go unnoticed while no input arrives.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Scans standard input to its end.
pub fn scan_stdin(sink: &dyn Sink) {
    let mut worker = sink.worker();
    let origin = Origin::at_path(Surface::Stdin, "-");
    let outcome = match spawn_reader() {
        Some(incoming) => {
            let mut content = StdinReader { incoming, piece: Vec::new(), at: 0, sink };
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
            let mut piece = vec![0; CHUNK_BYTES];
            let outcome = match input.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
                Ok(count) => {
                    piece.truncate(count);
                    Ok(piece)
                }
            };
            let is_last = !matches!(&outcome, Ok(piece) if !piece.is_empty());
            if sender.send(outcome).is_err() || is_last {
                return;
            }
        }
    });
    started.is_ok().then_some(receiver)
}

struct StdinReader<'s> {
    incoming: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    sink: &'s dyn Sink,
}

impl Read for StdinReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.sink.is_stopped() {
                return Err(io::Error::other("interrupted before its end"));
            }
            match self.incoming.recv_timeout(STOP_CHECK_INTERVAL) {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.piece.is_empty() {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
