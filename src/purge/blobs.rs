//! Rewrites blobs: replaces keys by fillers, and containers by stubs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ContainerTreatment;
use super::cleanse::{CleansedBytes, StillFound, cleanse, merge_spans};
use super::error::PurgeError;
use super::fill::Treatment;
use super::rewriter::{HistoryRewriter, PurgedPlace};
use crate::container::Format;
use crate::git::{ObjectId, ObjectKind, ObjectReader, Pointer};
use crate::model::{Fingerprint, Surface};
use crate::scan::ObjectKeys;
use crate::threads;

/// The outcome for one blob.
enum RewrittenBlob {
    /// It was rewritten. `spans` were overwritten; there are none in a stub.
    New { id: ObjectId, spans: Vec<Range<usize>>, treatments: BTreeMap<Fingerprint, Treatment> },
    /// It is the pointer of a Git LFS file that contains the keys, and stays as it is.
    Pointer(Pointer),
    /// It contains none of the keys.
    Same,
}

impl HistoryRewriter<'_> {
    /// Rewrites all blobs with purged keys that refs lead to, on several threads.
    pub(super) fn rewrite_blobs(&mut self) -> Result<(), PurgeError> {
        let is_wanted =
            |(id, kind): &(&ObjectId, &ObjectKind)| **kind == ObjectKind::Blob && self.graph.is_reachable(id);
        let mut ids: Vec<ObjectId> =
            self.objects_with_keys.iter().filter(is_wanted).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        let threads = self.options.threads.clamp(1, ids.len().max(1));
        let next = AtomicUsize::new(0);
        let shared = self.repo.clone().into_sync();
        let blobs = BlobRewriter {
            settings: self.settings,
            keys: self.keys,
            paths: self.paths,
            sink: self.sink,
            containers: self.options.containers,
        };
        let work = || {
            let mut objects = ObjectReader::new(&shared.to_thread_local());
            let mut object_keys = ObjectKeys::new(self.settings);
            let mut rewritten = Vec::new();
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.settings.stop.is_set() {
                    return Err(BlobError::Purge(PurgeError::Stopped));
                }
                rewritten.push((*id, blobs.rewrite(*id, &mut objects, &mut object_keys)?));
            }
            Ok(rewritten)
        };
        let mut rewritten_blobs = Vec::with_capacity(ids.len());
        for part in threads::run(threads, work) {
            match part {
                Ok(part) => rewritten_blobs.extend(part),
                Err(BlobError::Purge(error)) => return Err(error),
                Err(BlobError::Write(error)) => return Err(self.unwritable(error)),
            }
        }
        for (id, blob) in rewritten_blobs {
            self.record_blob(id, blob);
        }
        Ok(())
    }

    /// Records the outcome for the blob `id`.
    fn record_blob(&mut self, id: ObjectId, blob: RewrittenBlob) {
        match blob {
            RewrittenBlob::Same => {}
            RewrittenBlob::Pointer(pointer) => {
                let keys_by_object = self.keys_by_object;
                let key_numbers = keys_by_object.objects.get(&id).map_or(&[][..], |(_, numbers)| numbers);
                let keys = key_numbers.iter().filter_map(|number| keys_by_object.keys.get(*number as usize));
                let keys = keys.map(|key| key.fingerprint).filter(|key| self.keys.contains(key)).collect();
                self.rewrites.lfs_files.insert(pointer, keys);
            }
            RewrittenBlob::New { id: new, spans, treatments } => {
                self.record(ObjectKind::Blob, id, new);
                self.rewrites.overwritten_spans.insert(id, spans);
                self.rewrites.places.extend(treatments.into_iter().map(|(fingerprint, treatment)| {
                    PurgedPlace { surface: Surface::Blob, object: Some(id), fingerprint, treatment }
                }));
            }
        }
    }
}

/// Why a blob cannot be rewritten. An error of writing gets its path from the caller.
enum BlobError {
    Purge(PurgeError),
    Write(std::io::Error),
}

impl From<PurgeError> for BlobError {
    fn from(error: PurgeError) -> Self {
        Self::Purge(error)
    }
}

/// Rewrites single blobs. All threads share it.
pub(super) struct BlobRewriter<'a> {
    settings: &'a crate::scan::Settings<'a>,
    keys: &'a super::purged_keys::PurgedKeys,
    paths: &'a std::collections::HashMap<ObjectId, Vec<u8>>,
    sink: &'a super::sink::ObjectSink,
    containers: ContainerTreatment,
}

impl BlobRewriter<'_> {
    fn rewrite(
        &self,
        id: ObjectId,
        objects: &mut ObjectReader,
        object_keys: &mut ObjectKeys<'_>,
    ) -> Result<RewrittenBlob, BlobError> {
        let Some((ObjectKind::Blob, bytes)) = objects.read(&id, "blob") else {
            return Err(PurgeError::Malformed(id).into());
        };
        let cleansed =
            cleanse(bytes, self.keys, self.settings.detector).map_err(|StillFound(fingerprint)| {
                PurgeError::StillFound { what: format!("blob {id}"), fingerprint }
            })?;
        let (new, mut treatments) = match &cleansed {
            Some(CleansedBytes { bytes, treatments, .. }) => (&bytes[..], treatments.clone()),
            None => (bytes, BTreeMap::new()),
        };
        // Search the old bytes first: a filler in an entry that is stored uncompressed breaks the entry's checksum, so the
        // container can no longer be opened.
        let mut container_keys: Vec<Fingerprint> = self.keys_in_containers(object_keys, bytes);
        if container_keys.is_empty() && cleansed.is_some() {
            container_keys = self.keys_in_containers(object_keys, new);
        }
        let (id, spans) = if container_keys.is_empty() {
            let Some(CleansedBytes { bytes: new, spans, .. }) = cleansed else {
                return Ok(Pointer::parse(bytes).map_or(RewrittenBlob::Same, RewrittenBlob::Pointer));
            };
            // Keeps a large blob from being in memory three times, as old bytes, new bytes and compressed.
            objects.release();
            (self.add(&new)?, spans)
        } else if let Some((new, container_spans)) = self.overwrite_encoded_containers(object_keys, new) {
            let mut spans = cleansed.as_ref().map(|cleansed| cleansed.spans.clone()).unwrap_or_default();
            spans.extend(container_spans);
            merge_spans(&mut spans);
            treatments
                .extend(container_keys.iter().map(|fingerprint| (*fingerprint, Treatment::Overwritten)));
            (self.add(&new)?, spans)
        } else {
            if self.containers == ContainerTreatment::Refuse {
                return Err(PurgeError::Container(self.name(&id)).into());
            }
            treatments.extend(container_keys.iter().map(|fingerprint| (*fingerprint, Treatment::Stub)));
            (self.add(&self.stub(&id, bytes, &treatments))?, Vec::new())
        };
        Ok(RewrittenBlob::New { id, spans, treatments })
    }

    /// The purged keys in the containers in `bytes`: in `bytes` itself if it is a container, and in those encoded in it.
    pub(super) fn keys_in_containers(
        &self,
        object_keys: &mut ObjectKeys<'_>,
        bytes: &[u8],
    ) -> Vec<Fingerprint> {
        let keys = object_keys.find_in_containers(bytes).into_iter().filter(|key| key.is_in_container);
        keys.map(|key| key.detected_key.fingerprint).filter(|key| self.keys.contains(key)).collect()
    }

    fn add(&self, bytes: &[u8]) -> Result<ObjectId, BlobError> {
        self.sink.add(ObjectKind::Blob, bytes).map_err(BlobError::Write)
    }

    /// The name of a blob in messages. It contains the path as it is, so it may contain a key.
    fn name(&self, id: &ObjectId) -> String {
        match self.paths.get(id) {
            Some(path) => format!("{} (blob {id})", String::from_utf8_lossy(path)),
            None => format!("blob {id}"),
        }
    }

    /// The text in place of a container.
    fn stub(&self, id: &ObjectId, bytes: &[u8], keys: &BTreeMap<Fingerprint, Treatment>) -> Vec<u8> {
        let format = Format::recognize(bytes).map_or("file with something packed in it", Format::name);
        let name = match self.paths.get(id) {
            Some(path) => {
                let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
                let cleansed_name = cleanse(&path[start..], self.keys, self.settings.detector).ok().flatten();
                let name = cleansed_name.map_or_else(|| path[start..].to_vec(), |cleansed| cleansed.bytes);
                format!(" {}", String::from_utf8_lossy(&name))
            }
            None => String::new(),
        };
        let keys: Vec<_> = keys.keys().map(|key| format!("key {key}\n")).collect();
        format!(
            "Removed by friskey, since a leaked OpenAI key was packed in it:{name}\nformat {format}\nsize {} bytes\n{}",
            bytes.len(),
            keys.concat()
        )
        .into_bytes()
    }
}
