//! Identifies a pack and its index by their bytes, for the cache, which keeps facts about them.
//!
//! Both files are first hashed and then used, each time from the file: what is hashed is read into a small buffer, what is
//! used is mapped into memory. Someone who can write to a file could let it have other bytes when it is used than when it is
//! hashed, and the cache would keep wrong facts as long as the pack exists. So the state of both files is recorded, and facts
//! are kept only if neither has [changed](PackIdentity::is_unchanged) in the meantime. The index of a pack that the cache does
//! not know is used from a [copy in memory](copy_index) of the bytes that were hashed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use gix::hash;
use gix::odb::pack;
use memmap2::{Mmap, MmapOptions};

use crate::alignment::AlignedBuffer;
use crate::cache::CacheDigest;
use crate::threads;
use crate::untrusted;

/// Maximum size of the index of a pack that is identified, in bytes: enough for about 37 million objects.
const MAX_INDEX_LEN: u64 = 1 << 30;
/// Number of bytes that a thread hashes at a time.
const CHUNK_LEN: usize = 1 << 20;
/// Number of bytes of a file that are read at a time. They should fit into the processor's cache. Mapping a pack that is only
/// hashed takes longer than reading it.
const READ_LEN: usize = 1 << 16;

/// What identifies a pack.
#[derive(Clone, Debug)]
pub(crate) struct PackIdentity {
    /// The digest of all bytes of the pack and of its index.
    pub(crate) digest: CacheDigest,
    /// The digest of the index alone.
    index_digest: CacheDigest,
    /// The state of the pack's file just before it was hashed and mapped.
    state: FileState,
    /// The state of the file of the index at that time.
    index_state: FileState,
}

impl PackIdentity {
    /// Whether the file at `path` and its index are those that were identified, and have not changed since.
    pub(crate) fn is_unchanged(&self, path: &Path) -> bool {
        let is_in_state = |path: &Path, state: &FileState| {
            fs::metadata(path).is_ok_and(|metadata| FileState::new(&metadata) == *state)
        };
        is_in_state(path, &self.state) && is_in_state(&path.with_extension("idx"), &self.index_state)
    }
}

/// A regular file that is being identified.
struct OpenedFile {
    file: File,
    /// The length in bytes.
    len: u64,
    state: FileState,
}

impl OpenedFile {
    /// Opens `path`. As git does, packs and indexes are read through links.
    fn open(path: &Path) -> Option<Self> {
        let (file, metadata) = untrusted::open_through_link(path).ok()?;
        let state = FileState::new(&metadata);
        metadata.is_file().then_some(Self { file, len: metadata.len(), state })
    }

    /// A path from which the file can be opened again. `path` may lead to another file by now.
    #[cfg(unix)]
    fn path(&self, _: &Path) -> PathBuf {
        use std::os::fd::AsRawFd;
        let descriptors = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
        Path::new(descriptors).join(self.file.as_raw_fd().to_string())
    }

    #[cfg(not(unix))]
    fn path(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// The [`digest`] of the bytes of the file.
    ///
    /// # Errors
    /// If the file has become shorter, or cannot be read.
    fn digest(&self, threads: usize) -> io::Result<CacheDigest> {
        let chunks = (0..self.len).step_by(CHUNK_LEN);
        let chunks = chunks.map(|start| start..self.len.min(start + CHUNK_LEN as u64));
        let buffer = || AlignedBuffer::zeroed(READ_LEN);
        let hashed = threads::map_with(threads, chunks, buffer, |buffer, chunk| self.hash(chunk, buffer));
        Ok(join(self.len, &hashed.into_iter().collect::<io::Result<Vec<_>>>()?))
    }

    /// The digest of a part of the file, which is read into `buffer`.
    fn hash(&self, mut part: Range<u64>, buffer: &mut [u8]) -> io::Result<blake3::Hash> {
        let mut digest = blake3::Hasher::new();
        while !part.is_empty() {
            let len = (part.end - part.start).min(buffer.len() as u64);
            let bytes = &mut buffer[..len as usize];
            read_exact_at(&self.file, bytes, part.start)?;
            digest.update(bytes);
            part.start += len;
        }
        Ok(digest.finalize())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => (bytes, offset) = (&mut bytes[count..], offset + count as u64),
        }
    }
    Ok(())
}

/// Opens an index and its pack; `None` if either cannot be opened.
pub(super) fn open(
    index: &Path,
    pack: &Path,
    hash_kind: hash::Kind,
    threads: usize,
) -> Option<((pack::index::File, pack::data::File), PackIdentity)> {
    let (pack_file, index_file) = (OpenedFile::open(pack)?, OpenedFile::open(index)?);
    let pack_data = pack::data::File::at(pack_file.path(pack), hash_kind).ok()?;
    if pack_data.data_len() as u64 != pack_file.len || index_file.len > MAX_INDEX_LEN {
        return None;
    }
    let index_data = pack::index::File::at(index_file.path(index), hash_kind).ok()?;
    let index_digest = index_file.digest(threads).ok()?;
    let mut both = blake3::Hasher::new();
    both.update(&pack_file.digest(threads).ok()?);
    both.update(&index_digest);
    let identity = PackIdentity {
        digest: both.finalize().into(),
        index_digest,
        state: pack_file.state,
        index_state: index_file.state,
    };
    Some(((index_data, pack_data), identity))
}

/// Reads the index at `path` into memory, where later changes of the file do not show. `None` if it does not have the bytes
/// that were identified.
pub(super) fn copy_index(
    path: &Path,
    identity: &PackIdentity,
    hash_kind: hash::Kind,
    threads: usize,
) -> Option<pack::index::File> {
    let bytes = read_whole(path)?;
    let is_same = digest(&bytes, threads) == identity.index_digest;
    is_same.then(|| pack::index::File::from_data(bytes, path.to_owned(), hash_kind).ok()).flatten()
}

/// The digest of `bytes`: the digest of their length and of the digests of their chunks, which up to `threads` threads
/// compute.
fn digest(bytes: &[u8], threads: usize) -> CacheDigest {
    join(bytes.len() as u64, &threads::map(threads, bytes.chunks(CHUNK_LEN), blake3::hash))
}

/// The digest of `len` bytes with these digests of chunks.
fn join(len: u64, chunks: &[blake3::Hash]) -> CacheDigest {
    let mut digest = blake3::Hasher::new();
    digest.update(&len.to_le_bytes());
    for chunk in chunks {
        digest.update(chunk.as_bytes());
    }
    digest.finalize().into()
}

/// Reads a regular file, also through a link, into anonymous memory, in which later changes of the file do not show.
fn read_whole(path: &Path) -> Option<Mmap> {
    let (mut file, metadata) = untrusted::open_through_link(path).ok()?;
    let len = metadata.len();
    if !metadata.is_file() || len == 0 || len > MAX_INDEX_LEN {
        return None;
    }
    let mut bytes = MmapOptions::new().len(usize::try_from(len).ok()?).populate().map_anon().ok()?;
    file.read_exact(&mut bytes).ok()?;
    // A file that is growing is not identified.
    (file.read(&mut [0]).ok()? == 0).then(|| bytes.make_read_only().ok()).flatten()
}

/// What the system knows about a file. On Unix, this includes the time of the last status change. A program cannot set that
/// time, so it differs even after someone restored the former bytes and times. Elsewhere, there are only the length and the
/// time of the last change of the content, which a program can set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState(Vec<u64>);

impl FileState {
    #[cfg(unix)]
    fn new(metadata: &Metadata) -> Self {
        Self(untrusted::file_state(metadata).to_vec())
    }

    #[cfg(not(unix))]
    fn new(metadata: &Metadata) -> Self {
        let changed = metadata.modified().ok();
        let changed = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let changed = changed.map(|since| [since.as_secs(), u64::from(since.subsec_nanos())]);
        Self([metadata.len()].into_iter().chain(changed.into_iter().flatten()).collect())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::path::PathBuf;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;
    use crate::git::pack::Pack;
    use crate::git::scratch::Scratch;

    /// A repository with one pack, and the path of its index.
    fn repository_with_pack() -> (Scratch, PathBuf) {
        let scratch = Scratch::new(&[]);
        scratch.write("file", "content");
        scratch.commit("first");
        scratch.git(&["repack", "-qad"]);
        let files = fs::read_dir(scratch.path().join(".git/objects/pack")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let index = files.find(|path| path.extension().unwrap() == "idx").unwrap();
        (scratch, index)
    }

    #[test]
    fn a_pack_is_changed_if_its_bytes_were_replaced_and_restored() {
        let (_scratch, index) = repository_with_pack();
        let path = index.with_extension("pack");
        let pack = Pack::open_with_identity(&index, hash::Kind::Sha1, 1).unwrap();
        let identity = pack.identity().unwrap();
        assert!(identity.is_unchanged(&path));
        let (bytes, modified) = (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        // Longer than one tick of the clock of any file system.
        sleep(Duration::from_millis(50));
        fs::write(&path, "other").unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
        let file = File::open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        assert!(!identity.is_unchanged(&path));
    }

    /// The directory of a pack was another one while the pack was opened. The file at the path has not changed, but is
    /// not the one that was searched.
    #[test]
    fn a_pack_is_changed_if_its_path_leads_to_another_file() {
        let ((_one, index), (_two, other)) = (repository_with_pack(), repository_with_pack());
        let pack = Pack::open_with_identity(&index, hash::Kind::Sha1, 1).unwrap();
        assert!(!pack.identity().unwrap().is_unchanged(&other.with_extension("pack")));
    }

    #[test]
    fn an_index_that_changed_after_it_was_identified_is_noticed() {
        let (_scratch, index) = repository_with_pack();
        let path = index.with_extension("pack");
        let open = || Pack::open_with_identity(&index, hash::Kind::Sha1, 1).unwrap();
        let (mut pack, mut other) = (open(), open());
        let digest = pack.identity().unwrap().digest;
        pack.copy_index(1);
        assert_eq!(pack.identity().unwrap().digest, digest);
        let (id, entry) = (pack.id_at(0).to_owned(), pack.entry_at_position(0));
        let mut bytes = fs::read(&index).unwrap();
        let ids_start = 8 + 256 * 4;
        bytes[ids_start + 19] ^= 1;
        fs::set_permissions(&index, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        sleep(Duration::from_millis(50));
        fs::write(&index, &bytes).unwrap();
        assert_eq!((pack.id_at(0), pack.entry_at_position(0)), (&*id, entry), "the copy does not change");
        assert!(!pack.identity().unwrap().is_unchanged(&path));
        other.copy_index(1);
        assert!(other.identity().is_none(), "other bytes were identified");
    }

    #[test]
    fn the_last_byte_of_an_index_is_part_of_its_identity() {
        let (_scratch, index) = repository_with_pack();
        let digest_with = |index: &Path| {
            let pack = Pack::open_with_identity(index, hash::Kind::Sha1, 2).unwrap();
            pack.identity().map(|identity| identity.digest)
        };
        let first = digest_with(&index);
        assert!(first.is_some());
        let mut bytes = fs::read(&index).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(&index).unwrap();
        fs::write(&index, &bytes).unwrap();
        assert_ne!(digest_with(&index), first);
        // An index that is longer than its table requires cannot be opened.
        bytes.extend_from_slice(&[0; 100_000]);
        fs::write(&index, &bytes).unwrap();
        assert!(Pack::open_with_identity(&index, hash::Kind::Sha1, 1).is_err());
    }

    #[test]
    fn a_pack_is_identified_by_all_of_its_bytes() {
        let scratch = Scratch::new(&[]);
        // Git compresses this text only a little, so the pack has several chunks.
        let mut state = 1u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            char::from(b' ' + (state >> 8) as u8 % 64)
        };
        scratch.write("file", &(0..CHUNK_LEN * 3).map(|_| next()).collect::<String>());
        scratch.commit("first");
        scratch.git(&["repack", "-qad"]);
        let files = fs::read_dir(scratch.path().join(".git/objects/pack")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let index = files.find(|path| path.extension().unwrap() == "idx").unwrap();
        let pack = index.with_extension("pack");
        let bytes = fs::read(&pack).unwrap();
        assert!(bytes.len() > 2 * CHUNK_LEN);
        let hashed = |bytes: &[u8], threads| {
            fs::remove_file(&pack).unwrap();
            fs::write(&pack, bytes).unwrap();
            let mut file = OpenedFile::open(&pack).unwrap();
            let hashed = file.digest(threads).unwrap();
            file.len += 1;
            assert!(file.digest(threads).is_err(), "the file has become shorter");
            hashed
        };
        assert_eq!(hashed(&bytes, 1), digest(&bytes, 1));
        assert_eq!(hashed(&bytes, 3), digest(&bytes, 1));
        for at in [0, READ_LEN - 1, READ_LEN, CHUNK_LEN, 2 * CHUNK_LEN + READ_LEN + 7, bytes.len() - 1] {
            let mut other = bytes.clone();
            // Not the first bytes, without which a file is no pack.
            other[at.max(12)] ^= 1;
            assert_eq!(hashed(&other, 2), digest(&other, 1), "{at}");
            assert_ne!(hashed(&other, 2), digest(&bytes, 1), "{at}");
        }
    }

    #[test]
    fn chunks_are_hashed_in_order() {
        let bytes: Vec<u8> = (0..CHUNK_LEN * 2 + 9).map(|n| (n % 251) as u8).collect();
        assert_eq!(digest(&bytes, 1), digest(&bytes, 4));
        let swapped =
            [&bytes[CHUNK_LEN..2 * CHUNK_LEN], &bytes[..CHUNK_LEN], &bytes[2 * CHUNK_LEN..]].concat();
        assert_ne!(digest(&bytes, 1), digest(&swapped, 1));
    }
}
