//! Content of a repository that was searched, including what is packed in it, and in which nothing was found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Cache, CacheDigest, CacheReader, put_number};

/// Minimum length of content whose digest is recorded, in bytes: shorter content is searched almost as fast as it is looked
/// up, and an entry may take at most 2% of the size of what it describes.
pub const MIN_LEN: usize = 4 << 10;

/// Facts that an audit did not meet are kept until there are this many times as many facts as it met.
const MAX_UNMET: usize = 3;

/// For each content, by the digest of its bytes or of its place, the number of bytes that were searched in it.
type ByDigest = BTreeMap<CacheDigest, u64>;

/// Content in which nothing was found and nothing was skipped.
#[derive(Debug)]
pub struct CleanContents<'c> {
    cache: &'c Cache,
    subject: CacheDigest,
    /// What notes call the repository.
    repository: String,
    known: ByDigest,
    /// Those that this audit met.
    met: Mutex<ByDigest>,
    /// How many were not searched.
    left_out: AtomicU64,
}

impl<'c> CleanContents<'c> {
    /// Reads the entry about `subject`, if there is a valid one. `repository` is its name in notes.
    pub fn load(cache: &'c Cache, subject: CacheDigest, repository: String) -> Self {
        let known = cache.load(&subject).and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Self { cache, subject, repository, known, met: Mutex::default(), left_out: AtomicU64::new(0) }
    }

    /// The digest of `content`.
    pub fn digest(content: &[u8]) -> CacheDigest {
        blake3::hash(content).into()
    }

    /// The digest of what leads to the content of an object that is known to be in a pack, and only there: what identifies the
    /// pack, and the bytes of the id.
    pub fn place(pack: &CacheDigest, id: &[u8]) -> CacheDigest {
        let mut digest = blake3::Hasher::new();
        digest.update(pack).update(id);
        digest.finalize().into()
    }

    /// Whether the content of that digest is known to be clean.
    pub fn has(&self, digest: &CacheDigest) -> bool {
        self.known.contains_key(digest)
    }

    /// The number of bytes that were searched in the content with that digest, if it is known to be clean.
    pub fn known(&self, digest: &CacheDigest) -> Option<u64> {
        let searched = *self.known.get(digest)?;
        self.add(*digest, searched);
        self.left_out.fetch_add(1, Ordering::Relaxed);
        Some(searched)
    }

    /// Records that nothing was found and nothing skipped in the content with that digest.
    pub fn add(&self, digest: CacheDigest, searched: u64) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, searched);
    }

    /// Stores the facts that this audit met, and for some time those that only earlier ones met.
    pub fn keep(self) {
        let left_out = self.left_out.into_inner();
        if left_out > 0 {
            self.cache.note(format!(
                "cache: {}: containers that an earlier audit opened and found nothing in: {left_out}",
                self.repository
            ));
        }
        let mut met = self.met.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Content that was looked up by its place was not read, so the digest of its bytes was not met.
        if self.known.len() <= MAX_UNMET * met.len() {
            for (digest, searched) in &self.known {
                met.entry(*digest).or_insert(*searched);
            }
        }
        if met != self.known {
            self.cache.store(&self.subject, &encode(&met));
        }
    }
}

fn encode(contents: &ByDigest) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, contents.len() as u64);
    for (digest, searched) in contents {
        out.extend_from_slice(digest);
        put_number(&mut out, *searched);
    }
    out
}

fn decode(bytes: &[u8]) -> Option<ByDigest> {
    let mut reader = CacheReader::new(bytes);
    let count = reader.count(size_of::<CacheDigest>() + 1)?;
    let contents = (0..count).map(|_| Some((reader.array()?, reader.number()?)));
    let contents = contents.collect::<Option<_>>()?;
    reader.is_at_end().then_some(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_met_any_more_is_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::new(scratch.path(), &[]).unwrap();
        cache.prepare().unwrap();
        let load = |subject| CleanContents::load(&cache, subject, "repository".to_owned());
        let [first, second] = [b'a', b'b'].map(|byte| CleanContents::digest(&[byte; MIN_LEN]));
        let contents = load([1; 32]);
        assert_eq!(contents.known(&first), None);
        contents.add(first, 5);
        contents.add(second, u64::MAX);
        for number in 0..9u8 {
            contents.add(CleanContents::place(&[number; 32], &[1]), 1);
        }
        contents.keep();
        let contents = load([1; 32]);
        assert_eq!((contents.known(&second), load([2; 32]).known(&second)), (Some(u64::MAX), None));
        contents.keep();
        let contents = load([1; 32]);
        assert_eq!((contents.known(&first), contents.known(&second)), (None, Some(u64::MAX)));
    }

    #[test]
    fn what_makes_no_sense_is_not_read() {
        let contents = ByDigest::from([([3; 32], 300), ([7; 32], 0)]);
        let bytes = encode(&contents);
        assert_eq!(decode(&bytes), Some(contents));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None);
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), None);
    }
}
