//! Where rewritten objects go: into the pack of the new repository, or nowhere in a dry run.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::git::{EntryCompressor, HashKind, ObjectId, ObjectKind, PackWriter, object_id};
use crate::threads;

/// How many batches of objects may wait to be compressed.
const MAX_WAITING: usize = 8;
/// The helper gets objects in batches of about this size, in bytes, since waking it takes longer than compressing a commit.
const BATCH_BYTES: usize = 1 << 15;
/// Objects larger than this are compressed at once, in bytes, so that the waiting ones take little memory.
const MAX_WAITING_BYTES: usize = 1 << 16;

/// Takes rewritten objects from any thread.
pub(super) enum ObjectSink {
    Pack(Box<PackSink>),
    DryRun(HashKind),
}

/// Compresses objects outside of the lock on the pack.
pub(super) struct PackSink {
    writer: Mutex<PackWriter>,
    hash: HashKind,
    /// Idle compressors.
    compressors: Mutex<Vec<EntryCompressor>>,
    /// The channel to the helper thread, while there is one.
    waiting: Mutex<Option<Helper>>,
}

/// The way to a thread that compresses objects.
struct Helper {
    sender: SyncSender<Vec<NewObject>>,
    /// What is to be sent next, and its size in bytes.
    batch: (Vec<NewObject>, usize),
}

/// An object that waits to be compressed.
struct NewObject {
    id: ObjectId,
    kind: ObjectKind,
    bytes: Vec<u8>,
}

impl ObjectSink {
    pub(super) fn pack(writer: PackWriter, hash: HashKind) -> Self {
        Self::Pack(Box::new(PackSink {
            writer: Mutex::new(writer),
            hash,
            compressors: Mutex::default(),
            waiting: Mutex::default(),
        }))
    }

    /// Takes an object and returns its id.
    pub(super) fn add(&self, kind: ObjectKind, bytes: &[u8]) -> io::Result<ObjectId> {
        let id = self.id(kind, bytes)?;
        if let Self::Pack(pack) = self
            && lock(&pack.writer).reserve(id)
        {
            pack.store(id, kind, bytes)?;
        }
        Ok(id)
    }

    /// Like [`Self::add`], but lets the helper compress the object, if there is one.
    pub(super) fn add_later(&self, kind: ObjectKind, bytes: Vec<u8>) -> io::Result<ObjectId> {
        let id = self.id(kind, &bytes)?;
        let Self::Pack(pack) = self else { return Ok(id) };
        if !lock(&pack.writer).reserve(id) {
            return Ok(id);
        }
        if EntryCompressor::is_quick(bytes.len()) {
            pack.store(id, kind, &bytes)?;
            return Ok(id);
        }
        let left = pack.wait(NewObject { id, kind, bytes });
        left.iter().try_for_each(|one| pack.store(one.id, one.kind, &one.bytes))?;
        Ok(id)
    }

    fn id(&self, kind: ObjectKind, bytes: &[u8]) -> io::Result<ObjectId> {
        let hash = match self {
            Self::Pack(pack) => pack.hash,
            Self::DryRun(hash) => *hash,
        };
        object_id(kind, bytes, hash)
            .ok_or_else(|| io::Error::other("objects with this kind of id cannot be written"))
    }

    /// Runs `work` while another thread compresses what it adds, if `threads` allows for one.
    ///
    /// # Errors
    /// If that thread could not write.
    pub(super) fn with_helper<T>(&self, threads: usize, work: impl FnOnce() -> T) -> io::Result<T> {
        let Self::Pack(pack) = self else { return Ok(work()) };
        if threads < 2 {
            return Ok(work());
        }
        let (send, receive) = sync_channel::<Vec<NewObject>>(MAX_WAITING);
        std::thread::scope(|scope| {
            let mut objects = receive.into_iter().flatten();
            let compress = move || objects.try_for_each(|one| pack.store(one.id, one.kind, &one.bytes));
            let Some(helper) = threads::start(scope, compress) else { return Ok(work()) };
            let (outcome, left) = {
                let _end = pack.lead_to(send);
                (work(), pack.send_batch())
            };
            threads::join(helper)?;
            left.iter().try_for_each(|one| pack.store(one.id, one.kind, &one.bytes))?;
            Ok(outcome)
        })
    }

    /// Runs `work` on the pack; `None` in a dry run.
    pub(super) fn with_writer<T>(&self, work: impl FnOnce(&mut PackWriter) -> T) -> Option<T> {
        match self {
            Self::Pack(pack) => Some(work(&mut lock(&pack.writer))),
            Self::DryRun(_) => None,
        }
    }

    /// The pack, unless this is a dry run.
    pub(super) fn into_writer(self) -> Option<PackWriter> {
        match self {
            Self::Pack(pack) => Some(pack.writer.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Self::DryRun(_) => None,
        }
    }
}

impl PackSink {
    fn store(&self, id: ObjectId, kind: ObjectKind, bytes: &[u8]) -> io::Result<()> {
        let mut compressor = lock(&self.compressors).pop().unwrap_or_default();
        let stored = compressor.compress(kind, bytes).and_then(|entry| lock(&self.writer).append(id, &entry));
        lock(&self.compressors).push(compressor);
        stored
    }

    /// Queues an object for the helper. Returns it if the helper does not accept it.
    fn wait(&self, object: NewObject) -> Vec<NewObject> {
        let mut waiting = lock(&self.waiting);
        let Some(helper) = waiting.as_mut().filter(|_| object.bytes.len() <= MAX_WAITING_BYTES) else {
            return vec![object];
        };
        helper.batch.1 += object.bytes.len();
        helper.batch.0.push(object);
        if helper.batch.1 < BATCH_BYTES { Vec::new() } else { helper.send() }
    }

    /// Sends the helper what is waiting. Returns what it does not take.
    fn send_batch(&self) -> Vec<NewObject> {
        lock(&self.waiting).as_mut().map_or_else(Vec::new, Helper::send)
    }

    /// Passes objects to the helper until the result is dropped.
    fn lead_to(&self, sender: SyncSender<Vec<NewObject>>) -> WaitingEnd<'_> {
        *lock(&self.waiting) = Some(Helper { sender, batch: (Vec::new(), 0) });
        WaitingEnd(self)
    }
}

impl Helper {
    /// Sends the batch. A helper that failed takes nothing any more, and says why in the end.
    fn send(&mut self) -> Vec<NewObject> {
        let (batch, _) = std::mem::take(&mut self.batch);
        self.sender.send(batch).err().map_or_else(Vec::new, |unsent| unsent.0)
    }
}

/// Tells the helper that nothing follows, even after a panic, since it would wait forever.
struct WaitingEnd<'a>(&'a PackSink);

impl Drop for WaitingEnd<'_> {
    fn drop(&mut self) {
        *lock(&self.0.waiting) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
