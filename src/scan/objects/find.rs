//! Searches single objects by id on several threads: those that a range or a staged change introduces.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::SharedKey;
use crate::cache::{CacheDigest, CleanContents, MIN_CONTENT_LEN, SearchedContent};
use crate::container::{Input, depends_on_time};
use crate::detect::PassedOver;
use crate::git::{
    Gaps, LfsError, LfsStore, MatchedObject, ObjectId, ObjectKind, ObjectReader, Pointer, Repository,
};
use crate::model::{Skip, Span};
use crate::scan::Settings;
use crate::scan::contents::{Contents, may_be_container};
use crate::scan::searched::{SearchResult, skips};
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
    /// Objects in which nothing was found, and of which nothing was skipped that the cache cannot name, with the digest of each
    /// one's content. Only with [`SearchOptions::clean`].
    pub(in crate::scan) clean: Vec<(ObjectId, CacheDigest, SearchedContent)>,
}

impl ObjectMatches {
    /// Everything that was not scanned.
    pub(in crate::scan) fn into_skips(self) -> impl Iterator<Item = Skip> {
        self.gaps.into_skips().into_iter().chain(self.skipped.into_iter().map(|(_, skip)| skip))
    }
}

/// Looks up the path of an object, which skips then name; `None` if it is unknown.
pub(in crate::scan) type PathLookup<'a> = &'a (dyn Fn(&ObjectId) -> Option<Vec<u8>> + Sync);

/// The name of a blob whose path is unknown.
pub(in crate::scan) fn blob_name(id: &ObjectId) -> String {
    format!("blob {id}")
}

/// What skips call the object: its path, if one is known.
fn display_name(id: &ObjectId, path_of: PathLookup<'_>) -> String {
    path_of(id).map_or_else(|| blob_name(id), |path| String::from_utf8_lossy(&path).into_owned())
}

/// How objects are searched.
#[derive(Clone, Copy)]
pub(in crate::scan) struct SearchOptions<'a> {
    /// Maximum number of threads.
    pub(in crate::scan) threads: usize,
    /// The store of Git LFS files. If set, the files are searched, and findings in them are attributed to their pointers.
    pub(in crate::scan) lfs: Option<&'a LfsStore>,
    /// The path by which skips name an object.
    pub(in crate::scan) path_of: PathLookup<'a>,
    /// Content in which an earlier audit found nothing, so that it need not be searched. Must not be combined with `lfs`, since
    /// the files of pointers may change, or with `path_of`, since paths are not kept.
    pub(in crate::scan) clean: Option<&'a CleanContents<'a>>,
}

impl<'a> SearchOptions<'a> {
    /// Options with which everything is searched, and pointers are treated as text.
    pub(in crate::scan) fn new(threads: usize, path_of: PathLookup<'a>) -> Self {
        Self { threads, lfs: None, path_of, clean: None }
    }
}

/// Searches the objects `ids` as a whole, including containers.
pub(in crate::scan) fn search(
    settings: &Settings<'_>,
    repo: &Repository,
    ids: &[ObjectId],
    options: &SearchOptions<'_>,
) -> ObjectMatches {
    let next = AtomicUsize::new(0);
    let threads = options.threads.clamp(1, ids.len().div_ceil(BATCH_OBJECTS).max(1));
    let shared = repo.clone().into_sync();
    let mut all = ObjectMatches::default();
    let part = || work(settings, &shared.to_thread_local(), ids, &next, options);
    for matches in threads::run(threads, part) {
        all.found.extend(matches.found);
        all.bytes += matches.bytes;
        all.gaps.merge(matches.gaps);
        all.skipped.extend(matches.skipped);
        all.clean.extend(matches.clean);
    }
    all.found.sort_by_key(|object| object.id);
    all
}

fn work(
    settings: &Settings<'_>,
    repo: &Repository,
    ids: &[ObjectId],
    next: &AtomicUsize,
    options: &SearchOptions<'_>,
) -> ObjectMatches {
    let mut objects = ObjectReader::new(repo);
    let mut contents = Contents::new(settings);
    let mut matches = ObjectMatches::default();
    loop {
        let start = next.fetch_add(BATCH_OBJECTS, Ordering::Relaxed);
        if start >= ids.len() || settings.stop.is_set() {
            matches.gaps = objects.into_gaps();
            return matches;
        }
        for id in &ids[start..ids.len().min(start + BATCH_OBJECTS)] {
            let Some((kind, bytes)) = objects.read(id, "object") else { continue };
            let clean = options.clean.filter(|_| kind == ObjectKind::Blob);
            let clean = clean.map(|clean| (clean, CleanContents::digest(bytes)));
            if let Some((clean, digest)) = clean
                && let Some(searched) = clean.known(&CleanContents::object_digest(&digest, id.as_bytes()))
            {
                matches.bytes += searched.bytes;
                let reasons = searched.skip_reasons.iter();
                matches.skipped.extend(reasons.map(|reason| (*id, Skip::new(blob_name(id), &**reason))));
                matches.clean.push((*id, digest, searched.clone()));
                continue;
            }
            let (bytes_before, skips_before) = (matches.bytes, matches.skipped.len());
            let found = matches.search(settings, &mut contents, (id, kind, bytes), options);
            let searched = matches.bytes - bytes_before;
            if !found.is_empty() {
                matches.found.push(MatchedObject { id: *id, kind, size: bytes.len() as u64, matches: found });
            } else if let Some((clean, digest)) = clean
                && let Some(skip_reasons) =
                    lasting_reasons(&matches.skipped[skips_before..], searched, settings)
                && !settings.stop.is_set()
            {
                let searched = SearchedContent { bytes: searched, skip_reasons };
                if bytes.len() >= MIN_CONTENT_LEN {
                    clean.add(CleanContents::object_digest(&digest, id.as_bytes()), searched.clone());
                }
                matches.clean.push((*id, digest, searched));
            }
        }
    }
}

/// Number of bytes that must have been searched in an object for each byte of the reasons of its skips. With fewer, to search it
/// again takes hardly any time.
const SEARCHED_PER_REASON: u64 = 1000;

/// The reasons of `skips` of an object in which that many bytes were `searched`, if they follow from the content alone and the
/// cache may keep them: no skip names an entry of the object, whose name is text of the repository, and no reason contains a key.
fn lasting_reasons(
    skips: &[(ObjectId, Skip)],
    searched: u64,
    settings: &Settings<'_>,
) -> Option<Vec<String>> {
    let reasons_len: usize = skips.iter().map(|(_, skip)| skip.reason.len()).sum();
    if reasons_len as u64 > searched / SEARCHED_PER_REASON {
        return None;
    }
    let reason = |(id, Skip { what, reason }): &(ObjectId, Skip)| {
        let mut has_key = false;
        settings.detector.find(reason.as_bytes(), |_| has_key = true);
        // How much is passed over also depends on what was searched before.
        let is_fixed = reason != PassedOver::REASON && !depends_on_time(reason);
        (*what == blob_name(id) && is_fixed && !has_key).then(|| reason.clone())
    };
    skips.iter().map(reason).collect()
}

/// The reason for skipping the rest of an object with too many keys.
const TOO_MANY_KEYS: &str = "contains more keys than a report lists, 10,000; the others were not examined";

/// Matches with their ranges; for matches in containers, the range within the entry.
type KeyMatches = Vec<(std::ops::Range<u64>, SharedKey)>;

impl ObjectMatches {
    fn search(
        &mut self,
        settings: &Settings<'_>,
        contents: &mut Contents<'_>,
        (id, kind, bytes): (&ObjectId, ObjectKind, &[u8]),
        options: &SearchOptions<'_>,
    ) -> KeyMatches {
        if kind == ObjectKind::Blob && may_be_container(bytes) {
            return self.unpack(contents, bytes, id, options.path_of);
        }
        let mut found = Vec::new();
        self.bytes += bytes.len() as u64;
        let go_on = |_| !settings.stop.is_set();
        let passed_over = settings.detector.find_with_keywords(bytes, contents.reserve(), go_on, |matched| {
            found.push((matched.span.start as u64..matched.span.end as u64, matched.detected_key));
        });
        self.add_passed_over(&passed_over, id, options.path_of);
        let lfs = options.lfs.filter(|_| kind == ObjectKind::Blob);
        if let Some((lfs, pointer)) = lfs.zip(Pointer::parse(bytes)) {
            found.extend(self.search_lfs_file(contents, lfs, &pointer, id, options.path_of));
        }
        found
    }

    fn unpack(
        &mut self,
        contents: &mut Contents<'_>,
        bytes: &[u8],
        id: &ObjectId,
        path_of: PathLookup<'_>,
    ) -> KeyMatches {
        let mut searched = SearchResult::default();
        // Reading from memory cannot fail.
        let _ = contents.search(Input::Bytes(bytes), Vec::new, &mut searched);
        self.add_result(searched, id, path_of)
    }

    /// Searches the file of the Git LFS pointer in blob `id`.
    fn search_lfs_file(
        &mut self,
        contents: &mut Contents<'_>,
        lfs: &LfsStore,
        pointer: &Pointer,
        id: &ObjectId,
        path_of: PathLookup<'_>,
    ) -> KeyMatches {
        let mut searched = SearchResult::default();
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
        self.add_result(searched, id, path_of)
    }

    fn add_passed_over(&mut self, passed_over: &PassedOver, id: &ObjectId, path_of: PathLookup<'_>) {
        let skip = passed_over.reason().map(|reason| (*id, Skip::new(display_name(id, path_of), reason)));
        self.skipped.extend(skip);
    }

    /// Adds the findings in blob `id`, and what was not scanned in it.
    fn add_result(
        &mut self,
        mut searched: SearchResult,
        id: &ObjectId,
        path_of: PathLookup<'_>,
    ) -> KeyMatches {
        self.bytes += searched.bytes;
        if searched.secrets.has_dropped_open() {
            searched.skipped.push((Vec::new(), TOO_MANY_KEYS.to_owned()));
        }
        if !searched.skipped.is_empty() {
            let name = display_name(id, path_of);
            self.skipped.extend(skips(&name, searched.skipped).map(|skip| (*id, skip)));
        }
        let place = |span: Span| span.start.offset..span.end.offset;
        let (secrets, _) = searched.secrets.into_parts();
        secrets.into_iter().map(|secret| (place(secret.span), secret.detected_key)).collect()
    }
}
