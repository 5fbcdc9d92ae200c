//! Where rewritten objects go: into the pack of the new repository, or nowhere in a dry run.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::git::{HashKind, ObjectId, ObjectKind, PackWriter, object_id};

/// Takes rewritten objects from any thread.
pub(super) enum ObjectSink {
    Pack(Box<Mutex<PackWriter>>),
    DryRun(HashKind),
}

impl ObjectSink {
    pub(super) fn pack(writer: PackWriter) -> Self {
        Self::Pack(Box::new(Mutex::new(writer)))
    }

    /// Takes an object and returns its id.
    pub(super) fn add(&self, kind: ObjectKind, bytes: &[u8]) -> io::Result<ObjectId> {
        match self {
            Self::Pack(writer) => writer.lock().unwrap_or_else(PoisonError::into_inner).add(kind, bytes),
            Self::DryRun(hash) => object_id(kind, bytes, *hash)
                .ok_or_else(|| io::Error::other("objects with this kind of id cannot be written")),
        }
    }

    /// The pack, if this is none of a dry run.
    pub(super) fn into_writer(self) -> Option<PackWriter> {
        match self {
            Self::Pack(writer) => Some(writer.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Self::DryRun(_) => None,
        }
    }
}
