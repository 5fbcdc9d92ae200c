//! Where rewritten objects go: into the pack of the new repository, or nowhere in a dry run.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::git::{EntryCompressor, HashKind, ObjectId, ObjectKind, PackWriter, object_id};
use crate::threads;

/// How many objects may wait to be compressed.
const MAX_WAITING: usize = 64;
/// Larger objects do not wait, so that those that do take little memory, in bytes.
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
    /// Those that are not in use.
    compressors: Mutex<Vec<EntryCompressor>>,
    /// Leads to the helper, while there is one.
    waiting: Mutex<Option<SyncSender<NewObject>>>,
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
        let helper = lock(&pack.waiting).clone().filter(|_| bytes.len() <= MAX_WAITING_BYTES);
        let object = NewObject { id, kind, bytes };
        let left = match helper {
            // A helper that failed takes nothing any more, and says why in the end.
            Some(helper) => helper.send(object).err().map(|unsent| unsent.0),
            None => Some(object),
        };
        if let Some(NewObject { id, kind, bytes }) = left {
            pack.store(id, kind, &bytes)?;
        }
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

    /// Does `work` while another thread compresses what it adds, if `threads` allow for one.
    ///
    /// # Errors
    /// When that thread could not write.
    pub(super) fn with_helper<T>(&self, threads: usize, work: impl FnOnce() -> T) -> io::Result<T> {
        let Self::Pack(pack) = self else { return Ok(work()) };
        if threads < 2 {
            return Ok(work());
        }
        let (send, receive) = sync_channel::<NewObject>(MAX_WAITING);
        std::thread::scope(|scope| {
            let mut objects = receive.into_iter();
            let compress = move || objects.try_for_each(|one| pack.store(one.id, one.kind, &one.bytes));
            let Some(helper) = threads::start(scope, compress) else { return Ok(work()) };
            let outcome = {
                let _end = pack.lead_to(send);
                work()
            };
            threads::join(helper)?;
            Ok(outcome)
        })
    }

    /// Does something with the pack; `None` in a dry run.
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

    /// Lets objects wait for a helper until the result is dropped.
    fn lead_to(&self, helper: SyncSender<NewObject>) -> WaitingEnd<'_> {
        *lock(&self.waiting) = Some(helper);
        WaitingEnd(self)
    }
}

/// Tells the helper that nothing follows, also after a panic, since it would wait for ever.
struct WaitingEnd<'a>(&'a PackSink);

impl Drop for WaitingEnd<'_> {
    fn drop(&mut self) {
        *lock(&self.0.waiting) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
