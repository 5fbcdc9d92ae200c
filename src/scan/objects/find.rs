//! Searches single objects by id on several threads: those that a range or a staged change introduces.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::SharedKey;
use crate::cache::{CacheDigest, CleanContents, MIN_LEN};
use crate::container::Input;
use crate::detect::PassedOver;
use crate::git::{
    Gaps, LfsError, LfsStore, MatchedObject, ObjectId, ObjectKind, ObjectReader, Pointer, Repository,
};
use crate::model::{Skip, Span};
use crate::scan::Settings;
use crate::scan::contents::{Contents, may_be_container};
use crate::scan::searched::{Searched, skips};
use crate::threads;

/// The number of objects that a thread takes at a time.
const BATCH_OBJECTS: usize = 16;

/// The result of searching objects.
#[derive(Default)]
pub(in crate::scan) struct ObjectMatches {
    /// Objects with matches, sorted by id.
    pub(in crate::scan) found: Vec<MatchedObject<SharedKey>>,
    /// The size of all objects, after decompression.
    pub(in crate::scan) bytes: u64,
    /// What could not be read.
    pub(in crate::scan) gaps: Gaps,
    /// What could not be opened, by object.
    pub(in crate::scan) skipped: Vec<(ObjectId, Skip)>,
    /// Objects in which nothing was found and of which nothing was skipped, with the digest of each one's content and the bytes
    /// that were searched in it. Only with [`SearchOptions::clean`].
    pub(in crate::scan) clean: Vec<(ObjectId, CacheDigest, u64)>,
}

impl ObjectMatches {
    /// Everything that was not scanned.
    pub(in crate::scan) fn into_skips(self) -> impl Iterator<Item = Skip> {
        self.gaps.into_skips().into_iter().chain(self.skipped.into_iter().map(|(_, skip)| skip))
    }
}

/// Returns the path of an object for skips, if one is known.
pub(in crate::scan) type Naming<'a> = &'a (dyn Fn(&ObjectId) -> Option<Vec<u8>> + Sync);

/// The name of a blob whose path is unknown.
pub(in crate::scan) fn nameless(id: &ObjectId) -> String {
    format!("blob {id}")
}

/// What skips call the object: its path, if one is known.
fn shown(id: &ObjectId, naming: Naming<'_>) -> String {
    naming(id).map_or_else(|| nameless(id), |path| String::from_utf8_lossy(&path).into_owned())
}

/// How objects are searched.
#[derive(Clone, Copy)]
pub(in crate::scan) struct SearchOptions<'a> {
    /// Maximum number of threads.
    pub(in crate::scan) threads: usize,
    /// If set, findings in Git LFS files are attributed to their pointers.
    pub(in crate::scan) lfs: Option<&'a LfsStore>,
    /// What skips call an object.
    pub(in crate::scan) naming: Naming<'a>,
    /// Content that need not be searched. Not for pointers, whose files may change.
    pub(in crate::scan) clean: Option<&'a CleanContents<'a>>,
}

impl<'a> SearchOptions<'a> {
    /// Everything is searched, and pointers are just text.
    pub(in crate::scan) fn new(threads: usize, naming: Naming<'a>) -> Self {
        Self { threads, lfs: None, naming, clean: None }
    }
}

/// Searches the objects `ids` as a whole, including containers.
pub(in crate::scan) fn search(
    settings: &Settings<'_>,
    repo: &Repository,
    ids: &[ObjectId],
    how: &SearchOptions<'_>,
) -> ObjectMatches {
    let next = AtomicUsize::new(0);
    let threads = how.threads.clamp(1, ids.len().div_ceil(BATCH_OBJECTS).max(1));
    let shared = repo.clone().into_sync();
    let mut all = ObjectMatches::default();
    let part = || work(settings, &shared.to_thread_local(), ids, &next, how);
    for own in threads::run(threads, part) {
        all.found.extend(own.found);
        all.bytes += own.bytes;
        all.gaps.merge(own.gaps);
        all.skipped.extend(own.skipped);
        all.clean.extend(own.clean);
    }
    all.found.sort_by_key(|found| found.id);
    all
}

fn work(
    settings: &Settings<'_>,
    repo: &Repository,
    ids: &[ObjectId],
    next: &AtomicUsize,
    how: &SearchOptions<'_>,
) -> ObjectMatches {
    let mut objects = ObjectReader::new(repo);
    let mut contents = Contents::new(settings);
    let mut own = ObjectMatches::default();
    loop {
        let from = next.fetch_add(BATCH_OBJECTS, Ordering::Relaxed);
        if from >= ids.len() || settings.stop.is_set() {
            own.gaps = objects.into_gaps();
            return own;
        }
        for id in &ids[from..ids.len().min(from + BATCH_OBJECTS)] {
            let Some((kind, bytes)) = objects.read(id, "object") else { continue };
            let clean = how.clean.filter(|_| kind == ObjectKind::Blob);
            let clean = clean.map(|clean| (clean, CleanContents::digest(bytes)));
            if let Some(searched) = clean.and_then(|(clean, digest)| clean.known(&digest)) {
                own.bytes += searched;
                own.clean.extend(clean.map(|(_, digest)| (*id, digest, searched)));
                continue;
            }
            let (before, skipped) = (own.bytes, own.skipped.len());
            let hits = own.search(settings, &mut contents, (id, kind, bytes), how);
            if !hits.is_empty() {
                own.found.push(MatchedObject { id: *id, kind, size: bytes.len() as u64, hits });
            } else if let Some((clean, digest)) = clean
                && own.skipped.len() == skipped
                && !settings.stop.is_set()
            {
                if bytes.len() >= MIN_LEN {
                    clean.add(digest, own.bytes - before);
                }
                own.clean.push((*id, digest, own.bytes - before));
            }
        }
    }
}

/// The reason for skipping the rest of an object with too many keys.
const TOO_MANY_KEYS: &str = "holds more keys than a report lists, 10,000; the others were not examined";

/// Matches with their ranges; for matches in containers, the range within the entry.
type KeyMatches = Vec<(std::ops::Range<u64>, SharedKey)>;

impl ObjectMatches {
    fn search(
        &mut self,
        settings: &Settings<'_>,
        contents: &mut Contents<'_>,
        (id, kind, bytes): (&ObjectId, ObjectKind, &[u8]),
        how: &SearchOptions<'_>,
    ) -> KeyMatches {
        if kind == ObjectKind::Blob && may_be_container(bytes) {
            return self.unpack(contents, bytes, id, how.naming);
        }
        let mut hits = Vec::new();
        self.bytes += bytes.len() as u64;
        let go_on = |_| !settings.stop.is_set();
        let passed_over = settings.detector.find_with_keywords(bytes, go_on, |matched| {
            hits.push((matched.span.start as u64..matched.span.end as u64, matched.identified));
        });
        self.passed_over(&passed_over, id, how.naming);
        let lfs = how.lfs.filter(|_| kind == ObjectKind::Blob);
        if let Some((lfs, pointer)) = lfs.zip(Pointer::parse(bytes)) {
            hits.extend(self.pointed_at(contents, lfs, &pointer, id, how.naming));
        }
        hits
    }

    fn unpack(
        &mut self,
        contents: &mut Contents<'_>,
        bytes: &[u8],
        id: &ObjectId,
        naming: Naming<'_>,
    ) -> KeyMatches {
        let mut searched = Searched::default();
        // Reading from memory cannot fail.
        let _ = contents.search(Input::Bytes(bytes), Vec::new, &mut searched);
        self.take(searched, id, naming)
    }

    /// Searches the file of the Git LFS pointer in blob `id`.
    fn pointed_at(
        &mut self,
        contents: &mut Contents<'_>,
        lfs: &LfsStore,
        pointer: &Pointer,
        id: &ObjectId,
        naming: Naming<'_>,
    ) -> KeyMatches {
        let mut searched = Searched::default();
        let failed = match lfs.open(pointer) {
            Ok(mut file) => {
                // The file is searched even if it does not match the pointer.
                let verified = pointer.verify(&mut file, contents.stop());
                let outcome = contents.search(Input::File(&mut file), Vec::new, &mut searched);
                outcome.map_err(LfsError::Unreadable).and(verified).err().map(|error| error.to_string())
            }
            Err(error) => Some(error.to_string()),
        };
        searched.skipped.extend(failed.map(|reason| (Vec::new(), reason)));
        self.take(searched, id, naming)
    }

    fn passed_over(&mut self, passed_over: &PassedOver, id: &ObjectId, naming: Naming<'_>) {
        let skip = passed_over.reason().map(|reason| (*id, Skip::new(shown(id, naming), reason)));
        self.skipped.extend(skip);
    }

    /// Adds the findings in blob `id`, and what was not scanned in it.
    fn take(&mut self, mut searched: Searched, id: &ObjectId, naming: Naming<'_>) -> KeyMatches {
        self.bytes += searched.bytes;
        if searched.found.is_cut() {
            searched.skipped.push((Vec::new(), TOO_MANY_KEYS.to_owned()));
        }
        if !searched.skipped.is_empty() {
            let shown = shown(id, naming);
            self.skipped.extend(skips(&shown, searched.skipped).map(|skip| (*id, skip)));
        }
        let place = |span: Span| span.start.offset..span.end.offset;
        searched.found.into_parts().0.into_iter().map(|one| (place(one.span), one.identified)).collect()
    }
}
