//! Which bytes a pack and its index have, for a cache that keeps facts about them.
//!
//! The pack is mapped into memory: it is hashed first and searched afterwards, both from the file. Whoever can write to the
//! file could show the search other bytes than the digest, and what is kept would be wrong as long as the pack exists. So it
//! is known which file was mapped, and facts are kept only if that file has not [changed](PackIdentity::is_unchanged)
//! meanwhile. The index is hashed and used from the same copy in memory.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

use gix::hash;
use gix::odb::pack;
use memmap2::{Mmap, MmapOptions};

use crate::cache::CacheDigest;
use crate::threads;
use crate::untrusted;

/// A larger index is not read into memory, in bytes. This one lists about 37 million objects.
const MAX_INDEX: u64 = 1 << 30;
/// What one thread hashes at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// What identifies a pack, apart from the bytes of the pack itself.
#[derive(Debug)]
pub(crate) struct PackIdentity {
    /// The digest of all bytes of the index.
    pub(crate) index: CacheDigest,
    /// The state of the file that is mapped, before it was.
    state: FileState,
}

impl PackIdentity {
    /// Whether the file at `path` is the one that was mapped, and has not changed since.
    pub(crate) fn is_unchanged(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|found| FileState::of(&found) == self.state)
    }
}

/// Opens an index and its pack. `None` if either cannot be opened, or it is not certain which file is mapped.
pub(super) fn open(
    index: &Path,
    pack: &Path,
    ids: hash::Kind,
    threads: usize,
) -> Option<((pack::index::File, pack::data::File), PackIdentity)> {
    let (file, found) = untrusted::open(pack, true).ok().filter(|(_, found)| found.is_file())?;
    let state = FileState::of(&found);
    let data = map(&file, pack, ids)?;
    let bytes = read_whole(index)?;
    let digest = digest(&bytes, threads);
    let index = pack::index::File::from_data(bytes, index.to_owned(), ids).ok()?;
    Some(((index, data), PackIdentity { index: digest, state }))
}

/// The digest of `bytes`: that of the digests of its chunks, which several threads compute.
pub(crate) fn digest(bytes: &[u8], threads: usize) -> CacheDigest {
    let chunks = threads::map(threads, bytes.chunks(CHUNK), blake3::hash);
    let mut digest = blake3::Hasher::new();
    digest.update(&(bytes.len() as u64).to_le_bytes());
    for chunk in chunks {
        digest.update(chunk.as_bytes());
    }
    digest.finalize().into()
}

/// Maps an opened pack. A path could lead to another file by now, so it is opened by its descriptor.
#[cfg(unix)]
fn map(file: &File, _: &Path, ids: hash::Kind) -> Option<pack::data::File> {
    use std::os::fd::AsRawFd;
    let own = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    pack::data::File::at(format!("{own}/{}", file.as_raw_fd()), ids).ok()
}

#[cfg(not(unix))]
fn map(_: &File, path: &Path, ids: hash::Kind) -> Option<pack::data::File> {
    pack::data::File::at(path, ids).ok()
}

/// Reads a regular file into memory of its own.
fn read_whole(path: &Path) -> Option<Mmap> {
    let (mut file, found) = untrusted::open(path, true).ok()?;
    if !found.is_file() || found.len() == 0 || found.len() > MAX_INDEX {
        return None;
    }
    let mut bytes = MmapOptions::new().len(usize::try_from(found.len()).ok()?).populate().map_anon().ok()?;
    file.read_exact(&mut bytes).ok()?;
    // A file that has grown is read by the next audit.
    (file.read(&mut [0]).ok()? == 0).then(|| bytes.make_read_only().ok()).flatten()
}

/// What the system knows about a file. The time of the last status change cannot be set by whoever writes to the file, so that
/// it also differs after the former bytes and times were restored.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState(Vec<u64>);

impl FileState {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        Self(untrusted::file_state(metadata).to_vec())
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
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
    fn packed() -> (Scratch, PathBuf) {
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
    fn bytes_that_were_replaced_and_restored_show() {
        let (_scratch, index) = packed();
        let path = index.with_extension("pack");
        let pack = Pack::open_identified(&index, hash::Kind::Sha1, 1).unwrap();
        let identity = pack.identity().unwrap();
        assert!(identity.is_unchanged(&path));
        let (bytes, modified) = (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        // Longer than the clock of any file system takes for a tick.
        sleep(Duration::from_millis(50));
        fs::write(&path, "other").unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
        let file = File::open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        assert!(!identity.is_unchanged(&path));
    }

    /// The directory of a pack is exchanged for another one while the pack is opened, and restored. The path leads to a file
    /// that never changed, but not to the one that was searched.
    #[test]
    fn a_directory_that_was_exchanged_shows() {
        let ((_one, index), (_two, other)) = (packed(), packed());
        let pack = Pack::open_identified(&index, hash::Kind::Sha1, 1).unwrap();
        assert!(!pack.identity().unwrap().is_unchanged(&other.with_extension("pack")));
    }

    #[test]
    fn an_index_is_known_by_all_of_its_bytes() {
        let (_scratch, index) = packed();
        let identity = |index: &Path| {
            let pack = Pack::open_identified(index, hash::Kind::Sha1, 2).unwrap();
            pack.identity().map(|identity| identity.index)
        };
        let first = identity(&index);
        assert!(first.is_some());
        let mut bytes = fs::read(&index).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(&index).unwrap();
        fs::write(&index, &bytes).unwrap();
        assert_ne!(identity(&index), first);
        // One that is longer than its table says is opened as before, or not at all.
        bytes.extend_from_slice(&[0; 100_000]);
        fs::write(&index, &bytes).unwrap();
        assert!(Pack::open_identified(&index, hash::Kind::Sha1, 1).is_err());
    }

    #[test]
    fn chunks_are_hashed_in_order() {
        let bytes: Vec<u8> = (0..CHUNK * 2 + 9).map(|n| (n % 251) as u8).collect();
        assert_eq!(digest(&bytes, 1), digest(&bytes, 4));
        let swapped = [&bytes[CHUNK..2 * CHUNK], &bytes[..CHUNK], &bytes[2 * CHUNK..]].concat();
        assert_ne!(digest(&bytes, 1), digest(&swapped, 1));
    }
}
