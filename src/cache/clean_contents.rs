//! Remembers the content of a repository in which nothing was found, so that the next audit need not search it again. This
//! includes containers and what is in them, and the indexes of packs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Cache, CacheDigest, CacheReader, put_number};

/// Minimum length of content that is recorded, in bytes. Searching shorter content takes hardly longer than looking it up,
/// and the cache is to stay within 2% of the size of the packs.
pub const MIN_CONTENT_LEN: usize = 4 << 10;

/// All facts of earlier audits are kept if there are at most this many times as many as the audit used; otherwise, only those
/// that it used.
const MAX_KNOWN_PER_USED: usize = 3;

/// What an audit determined about content in which it found nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchedContent {
    /// The number of bytes that were searched in it.
    pub bytes: u64,
    /// Why it could not be searched completely; empty if it was.
    pub skip_reasons: Vec<String>,
}

impl SearchedContent {
    /// Content that was searched completely.
    pub fn complete(bytes: u64) -> Self {
        Self { bytes, skip_reasons: Vec::new() }
    }
}

/// What is known about contents, by their [object digest](CleanContents::object_digest) or [place
/// digest](CleanContents::place_digest).
type ByDigest = BTreeMap<CacheDigest, SearchedContent>;

/// Content in which nothing was found.
#[derive(Debug)]
pub struct CleanContents<'c> {
    cache: &'c Cache,
    subject: CacheDigest,
    /// The name of the repository in notes.
    repository: String,
    /// The content that earlier audits searched.
    known: ByDigest,
    /// The content that this audit searched or looked up.
    used: Mutex<ByDigest>,
    /// How often this audit looked content up instead of searching it.
    lookups: AtomicU64,
}

impl<'c> CleanContents<'c> {
    /// Reads the entry about `subject`, if there is a valid one. `repository` is its name in notes.
    pub fn load(cache: &'c Cache, subject: CacheDigest, repository: String) -> Self {
        let known = cache.load(&subject).and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Self { cache, subject, repository, known, used: Mutex::default(), lookups: AtomicU64::new(0) }
    }

    /// The digest of `content`.
    pub fn digest(content: &[u8]) -> CacheDigest {
        blake3::hash(content).into()
    }

    /// A digest that identifies the content of an object by its place, for an object whose only copy is in `pack`: of the
    /// digest of the pack, and the bytes of the id.
    pub fn place_digest(pack: &CacheDigest, id: &[u8]) -> CacheDigest {
        let mut digest = blake3::Hasher::new();
        digest.update(pack).update(id);
        digest.finalize().into()
    }

    /// A digest that says that content with this [digest](Self::digest) is the object with this id: only content that was read
    /// by its id, and checked against it, is recorded under it.
    pub fn object_digest(content: &CacheDigest, id: &[u8]) -> CacheDigest {
        let mut digest = blake3::Hasher::new();
        digest.update(b"object").update(content).update(id);
        digest.finalize().into()
    }

    /// A digest that identifies the index of `pack`, whose digest includes that of the index.
    pub fn index_digest(pack: &CacheDigest) -> CacheDigest {
        Self::place_digest(pack, b"index")
    }

    /// Whether nothing was found in the content with that digest.
    pub fn has(&self, digest: &CacheDigest) -> bool {
        self.known.contains_key(digest)
    }

    /// What is known about the content with that digest, if nothing was found in it.
    pub fn known(&self, digest: &CacheDigest) -> Option<&SearchedContent> {
        let searched = self.look_up(digest)?;
        self.lookups.fetch_add(1, Ordering::Relaxed);
        Some(searched)
    }

    /// The number of bytes that were searched in the index of a pack, if it has that digest. It is not counted as a container.
    pub fn known_index(&self, digest: &CacheDigest) -> Option<u64> {
        Some(self.look_up(digest)?.bytes)
    }

    fn look_up(&self, digest: &CacheDigest) -> Option<&SearchedContent> {
        let searched = self.known.get(digest)?;
        self.add(*digest, searched.clone());
        Some(searched)
    }

    /// Records that nothing was found in the content with that digest.
    pub fn add(&self, digest: CacheDigest, searched: SearchedContent) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, searched);
    }

    /// Stores the facts that this audit used, and for some time those that only earlier ones used.
    pub fn store(self) {
        let lookups = self.lookups.into_inner();
        if lookups > 0 {
            self.cache.note(format!(
                "cache: {}: containers that an earlier audit opened and found nothing in: {lookups}",
                self.repository
            ));
        }
        let mut used = self.used.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Content that was looked up by its place was not read, so the fact under the digest of its bytes counts as unused,
        // although it may be needed after a repack.
        if self.known.len() <= MAX_KNOWN_PER_USED * used.len() {
            for (digest, searched) in &self.known {
                used.entry(*digest).or_insert_with(|| searched.clone());
            }
        }
        if used != self.known {
            self.cache.store(&self.subject, &encode(&used));
        }
    }
}

fn encode(contents: &ByDigest) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, contents.len() as u64);
    for (digest, searched) in contents {
        out.extend_from_slice(digest);
        put_number(&mut out, searched.bytes);
        put_number(&mut out, searched.skip_reasons.len() as u64);
        for reason in &searched.skip_reasons {
            put_number(&mut out, reason.len() as u64);
            out.extend_from_slice(reason.as_bytes());
        }
    }
    out
}

fn decode(bytes: &[u8]) -> Option<ByDigest> {
    let mut reader = CacheReader::new(bytes);
    let count = reader.count(size_of::<CacheDigest>() + 2)?;
    let contents = (0..count).map(|_| Some((reader.array()?, decode_content(&mut reader)?)));
    let contents = contents.collect::<Option<_>>()?;
    reader.is_at_end().then_some(contents)
}

fn decode_content(reader: &mut CacheReader<'_>) -> Option<SearchedContent> {
    let bytes = reader.number()?;
    let reasons = (0..reader.count(1)?).map(|_| {
        let len = reader.count(1)?;
        String::from_utf8(reader.bytes(len)?.to_vec()).ok()
    });
    Some(SearchedContent { bytes, skip_reasons: reasons.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_that_are_no_longer_used_are_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::new(scratch.path(), &[]).unwrap();
        cache.prepare().unwrap();
        let load = |subject| CleanContents::load(&cache, subject, "repository".to_owned());
        let [first, second] = [b'a', b'b'].map(|byte| CleanContents::digest(&[byte; MIN_CONTENT_LEN]));
        let contents = load([1; 32]);
        let (complete, reasons) = (SearchedContent::complete(u64::MAX), vec!["cut".to_owned()]);
        assert_eq!(contents.known(&first), None);
        contents.add(first, SearchedContent { bytes: 5, skip_reasons: reasons });
        contents.add(second, complete.clone());
        for number in 0..9u8 {
            contents.add(CleanContents::place_digest(&[number; 32], &[1]), SearchedContent::complete(1));
        }
        contents.store();
        let contents = load([1; 32]);
        assert_eq!((contents.known(&second), load([2; 32]).known(&second)), (Some(&complete), None));
        contents.store();
        let contents = load([1; 32]);
        assert_eq!((contents.known(&first), contents.known(&second)), (None, Some(&complete)));
    }

    #[test]
    fn truncated_and_overlong_entries_are_rejected() {
        let skip_reasons = vec!["cut off".to_owned(), String::new()];
        let incomplete = SearchedContent { bytes: 9, skip_reasons };
        let complete = SearchedContent::complete;
        let contents =
            ByDigest::from([([3; 32], complete(300)), ([4; 32], incomplete), ([7; 32], complete(0))]);
        let bytes = encode(&contents);
        assert_eq!(decode(&bytes), Some(contents));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None);
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), None);
    }
}
