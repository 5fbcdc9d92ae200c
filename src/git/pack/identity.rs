//! Identifies a pack and its index by their bytes, for the cache, which keeps facts about them.
//!
//! The pack is mapped into memory: it is first hashed and then searched, each time from the file. Someone who can write to the
//! file could let it have other bytes when it is searched than when it is hashed, and the cache would keep wrong facts as long
//! as the pack exists. So the state of the mapped file is recorded, and facts are kept only if the file has not
//! [changed](PackIdentity::is_unchanged) in the meantime. The index is hashed and used from the same copy in memory.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

use gix::hash;
use gix::odb::pack;
use memmap2::{Mmap, MmapOptions};

use crate::cache::CacheDigest;
use crate::threads;
use crate::untrusted;

/// Maximum size of an index that is read into memory, in bytes: enough for about 37 million objects.
const MAX_INDEX_SIZE: u64 = 1 << 30;
/// Number of bytes that a thread hashes at a time.
const CHUNK_LEN: usize = 1 << 20;

/// What identifies a pack, apart from the bytes of the pack itself.
#[derive(Clone, Debug)]
pub(crate) struct PackIdentity {
    /// The digest of all bytes of the index.
    pub(crate) index: CacheDigest,
    /// The state of the pack's file just before it was mapped.
    state: FileState,
}

impl PackIdentity {
    /// Whether the file at `path` is the one that was mapped, and has not changed since.
    pub(crate) fn is_unchanged(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| FileState::new(&metadata) == self.state)
    }
}

/// Opens an index and its pack; `None` if either cannot be opened.
pub(super) fn open(
    index: &Path,
    pack: &Path,
    hash_kind: hash::Kind,
    threads: usize,
) -> Option<((pack::index::File, pack::data::File), PackIdentity)> {
    let (file, metadata) = untrusted::open(pack, true).ok().filter(|(_, metadata)| metadata.is_file())?;
    let state = FileState::new(&metadata);
    let data = map(&file, pack, hash_kind)?;
    let bytes = read_whole(index)?;
    let digest = digest(&bytes, threads);
    let index = pack::index::File::from_data(bytes, index.to_owned(), hash_kind).ok()?;
    Some(((index, data), PackIdentity { index: digest, state }))
}

/// The digest of `bytes`: the digest of their length and of the digests of their chunks, which up to `threads` threads
/// compute.
pub(crate) fn digest(bytes: &[u8], threads: usize) -> CacheDigest {
    let chunks = threads::map(threads, bytes.chunks(CHUNK_LEN), blake3::hash);
    let mut digest = blake3::Hasher::new();
    digest.update(&(bytes.len() as u64).to_le_bytes());
    for chunk in chunks {
        digest.update(chunk.as_bytes());
    }
    digest.finalize().into()
}

/// Maps an opened pack. Its path may lead to another file by now, so it is opened again by its descriptor.
#[cfg(unix)]
fn map(file: &File, _: &Path, hash_kind: hash::Kind) -> Option<pack::data::File> {
    use std::os::fd::AsRawFd;
    let descriptors = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    pack::data::File::at(format!("{descriptors}/{}", file.as_raw_fd()), hash_kind).ok()
}

#[cfg(not(unix))]
fn map(_: &File, path: &Path, hash_kind: hash::Kind) -> Option<pack::data::File> {
    pack::data::File::at(path, hash_kind).ok()
}

/// Reads a regular file into anonymous memory, in which later changes of the file do not show.
fn read_whole(path: &Path) -> Option<Mmap> {
    let (mut file, metadata) = untrusted::open(path, true).ok()?;
    let len = metadata.len();
    if !metadata.is_file() || len == 0 || len > MAX_INDEX_SIZE {
        return None;
    }
    let mut bytes = MmapOptions::new().len(usize::try_from(len).ok()?).populate().map_anon().ok()?;
    file.read_exact(&mut bytes).ok()?;
    // A file that is growing is not identified.
    (file.read(&mut [0]).ok()? == 0).then(|| bytes.make_read_only().ok()).flatten()
}

/// What the system knows about a file. It includes the time of the last status change. A program cannot set that time, so it
/// differs even after someone restored the former bytes and times.
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
    fn an_index_is_identified_by_all_of_its_bytes() {
        let (_scratch, index) = repository_with_pack();
        let index_digest = |index: &Path| {
            let pack = Pack::open_with_identity(index, hash::Kind::Sha1, 2).unwrap();
            pack.identity().map(|identity| identity.index)
        };
        let first = index_digest(&index);
        assert!(first.is_some());
        let mut bytes = fs::read(&index).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(&index).unwrap();
        fs::write(&index, &bytes).unwrap();
        assert_ne!(index_digest(&index), first);
        // An index that is longer than its table requires cannot be opened.
        bytes.extend_from_slice(&[0; 100_000]);
        fs::write(&index, &bytes).unwrap();
        assert!(Pack::open_with_identity(&index, hash::Kind::Sha1, 1).is_err());
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
