//! Adds rewritten objects to the pack of the new repository; in a dry run, only computes their ids.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::git::{EntryCompressor, HashKind, ObjectId, ObjectKind, PackWriter, object_id};
use crate::threads;

/// How many batches of objects may be in the channel to the helper thread.
const MAX_QUEUED_BATCHES: usize = 8;
/// The helper thread gets objects in batches of about this size, in bytes, since waking it takes longer than compressing a
/// commit.
const BATCH_BYTES: usize = 1 << 15;
/// Larger objects, in bytes, are compressed at once by the thread that adds them, so that the queue takes little memory.
const MAX_QUEUED_BYTES: usize = 1 << 16;

/// Accepts rewritten objects from any thread.
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
    /// The helper thread, while there is one.
    helper: Mutex<Option<Helper>>,
}

/// The channel to a thread that compresses objects.
struct Helper {
    sender: SyncSender<Vec<NewObject>>,
    /// The objects to send next.
    batch: Vec<NewObject>,
    /// The size of their content in bytes.
    batch_bytes: usize,
}

/// An object to compress.
struct NewObject {
    id: ObjectId,
    kind: ObjectKind,
    bytes: Vec<u8>,
}

impl ObjectSink {
    /// A sink that adds the objects to a pack.
    pub(super) fn for_pack(writer: PackWriter, hash: HashKind) -> Self {
        Self::Pack(Box::new(PackSink {
            writer: Mutex::new(writer),
            hash,
            compressors: Mutex::default(),
            helper: Mutex::default(),
        }))
    }

    /// Adds an object, unless it was added before, and returns its id.
    pub(super) fn add(&self, kind: ObjectKind, bytes: &[u8]) -> io::Result<ObjectId> {
        let id = self.id(kind, bytes)?;
        if let Self::Pack(pack) = self
            && lock(&pack.writer).reserve(id)
        {
            pack.store(id, kind, bytes)?;
        }
        Ok(id)
    }

    /// Like [`Self::add`], but lets the helper thread compress the object, if there is one.
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
        let returned_objects = pack.queue(NewObject { id, kind, bytes });
        returned_objects.iter().try_for_each(|object| pack.store(object.id, object.kind, &object.bytes))?;
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

    /// Runs `work` while a helper thread compresses what it adds, if `threads` allows for one.
    ///
    /// # Errors
    /// If an object that was queued cannot be written.
    pub(super) fn with_compressing_thread<T>(
        &self,
        threads: usize,
        work: impl FnOnce() -> T,
    ) -> io::Result<T> {
        let Self::Pack(pack) = self else { return Ok(work()) };
        if threads < 2 {
            return Ok(work());
        }
        let (send, receive) = sync_channel::<Vec<NewObject>>(MAX_QUEUED_BATCHES);
        std::thread::scope(|scope| {
            let mut objects = receive.into_iter().flatten();
            let compress =
                move || objects.try_for_each(|object| pack.store(object.id, object.kind, &object.bytes));
            let Some(helper) = threads::start(scope, compress) else { return Ok(work()) };
            let (outcome, returned_objects) = {
                let _guard = pack.attach_helper(send);
                (work(), pack.send_batch())
            };
            threads::join(helper)?;
            returned_objects
                .iter()
                .try_for_each(|object| pack.store(object.id, object.kind, &object.bytes))?;
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
    /// Compresses an object outside of the lock on the pack, and appends it.
    fn store(&self, id: ObjectId, kind: ObjectKind, bytes: &[u8]) -> io::Result<()> {
        let mut compressor = lock(&self.compressors).pop().unwrap_or_default();
        let result = compressor.compress(kind, bytes).and_then(|entry| lock(&self.writer).append(id, &entry));
        lock(&self.compressors).push(compressor);
        result
    }

    /// Queues an object for the helper thread. Returns the objects that the caller has to store instead: this one if it is
    /// large or there is no helper, or a whole batch if the helper failed.
    fn queue(&self, object: NewObject) -> Vec<NewObject> {
        let mut helper = lock(&self.helper);
        let Some(helper) = helper.as_mut().filter(|_| object.bytes.len() <= MAX_QUEUED_BYTES) else {
            return vec![object];
        };
        helper.batch_bytes += object.bytes.len();
        helper.batch.push(object);
        if helper.batch_bytes < BATCH_BYTES { Vec::new() } else { helper.send_batch() }
    }

    /// Sends the last batch. Returns the objects that the caller has to store instead.
    fn send_batch(&self) -> Vec<NewObject> {
        lock(&self.helper).as_mut().map_or_else(Vec::new, Helper::send_batch)
    }

    /// Queues objects for the helper thread until the guard is dropped.
    fn attach_helper(&self, sender: SyncSender<Vec<NewObject>>) -> HelperGuard<'_> {
        *lock(&self.helper) = Some(Helper { sender, batch: Vec::new(), batch_bytes: 0 });
        HelperGuard(self)
    }
}

impl Helper {
    /// Sends the batch. Returns it if the thread has failed; joining the thread returns its error.
    fn send_batch(&mut self) -> Vec<NewObject> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.sender.send(batch).err().map_or_else(Vec::new, |unsent| unsent.0)
    }
}

/// Closes the channel when dropped, even after a panic, since the helper thread would wait forever.
struct HelperGuard<'a>(&'a PackSink);

impl Drop for HelperGuard<'_> {
    fn drop(&mut self) {
        *lock(&self.0.helper) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
