//! Whether the files of a pack changed while they were searched.
//!
//! A pack is hashed first and searched afterwards, both from the file. Without this, whoever can write to the file could
//! show the search other bytes than the digest, and what is kept would be wrong as long as the pack exists.

use std::fs::Metadata;
use std::path::Path;

use crate::git::pack::Pack;

/// What the system knows about a pack and its index. The time of the last status change cannot be set by whoever writes
/// to a file, so that it also differs after the former bytes and times were restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileState([Vec<u64>; 2]);

impl FileState {
    /// The state of the files of `pack` now; `None` if it cannot be told.
    pub(super) fn of(pack: &Pack) -> Option<Self> {
        Self::at(pack.path())
    }

    fn at(pack: &Path) -> Option<Self> {
        let state = |path: &Path| path.symlink_metadata().ok().map(|metadata| numbers(&metadata));
        Some(Self([state(pack)?, state(&pack.with_extension("idx"))?]))
    }
}

#[cfg(unix)]
fn numbers(metadata: &Metadata) -> Vec<u64> {
    crate::untrusted::file_state(metadata).to_vec()
}

#[cfg(not(unix))]
fn numbers(metadata: &Metadata) -> Vec<u64> {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let changed = changed.map(|since| [since.as_secs(), u64::from(since.subsec_nanos())]);
    [metadata.len()].into_iter().chain(changed.into_iter().flatten()).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, FileTimes};
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn bytes_that_were_replaced_and_restored_show() {
        let dir = tempfile::tempdir().unwrap();
        let pack = dir.path().join("p.pack");
        fs::write(&pack, "pack").unwrap();
        assert_eq!(FileState::at(&pack), None);
        fs::write(pack.with_extension("idx"), "index").unwrap();
        let before = FileState::at(&pack).unwrap();
        assert_eq!(FileState::at(&pack).unwrap(), before);
        for path in [&pack, &pack.with_extension("idx")] {
            let before = FileState::at(&pack).unwrap();
            let (bytes, modified) = (fs::read(path).unwrap(), path.metadata().unwrap().modified().unwrap());
            // Longer than the clock of any file system takes for a tick.
            sleep(Duration::from_millis(50));
            fs::write(path, "other").unwrap();
            fs::write(path, bytes).unwrap();
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_times(FileTimes::new().set_modified(modified)).unwrap();
            assert_ne!(FileState::at(&pack).unwrap(), before);
        }
    }
}
