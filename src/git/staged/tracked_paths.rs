//! Determines which paths git tracks, for scans of a work tree.

use std::path::Path;

use super::index::{Index, IndexError};

/// Maximum size of an index that is read for tracked paths, in bytes: some million paths.
const MAX_FILE_SIZE: u64 = 512 << 20;

/// The paths in an index, ordered for searching.
pub struct TrackedPaths {
    index: Index,
    /// Positions of the rows in the order of paths, if the index itself is not in that order.
    order: Option<Vec<u32>>,
}

impl TrackedPaths {
    /// Reads the index in the git directory `git_dir`; a missing one tracks nothing.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn read(git_dir: &Path) -> Result<Self, IndexError> {
        let path = git_dir.join("index");
        // An index does not say which hash it uses.
        let index =
            Index::read_limited(&path, gix::hash::Kind::Sha1, MAX_FILE_SIZE).or_else(
                |error| match error {
                    IndexError::Broken { .. } => {
                        Index::read_limited(&path, gix::hash::Kind::Sha256, MAX_FILE_SIZE).map_err(|_| error)
                    }
                    IndexError::Unreadable { .. } => Err(error),
                },
            )?;
        let mut tracked = Self { index, order: None };
        if !(1..tracked.len()).all(|position| tracked.path(position - 1) <= tracked.path(position)) {
            let mut order: Vec<u32> = (0..u32::try_from(tracked.len()).unwrap_or(u32::MAX)).collect();
            order.sort_by(|&a, &b| tracked.path(a as usize).cmp(tracked.path(b as usize)));
            tracked.order = Some(order);
        }
        Ok(tracked)
    }

    fn len(&self) -> usize {
        self.index.rows.len()
    }

    /// The path at this position in the order of paths.
    fn path(&self, position: usize) -> &[u8] {
        let row = self.order.as_ref().map_or(position, |order| order[position] as usize);
        self.index.path(&self.index.rows[row])
    }

    /// The first path that is not less than `path`.
    fn first_at_or_after(&self, path: &[u8]) -> Option<&[u8]> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.path(middle) < path { low = middle + 1 } else { high = middle }
        }
        (low < self.len()).then(|| self.path(low))
    }

    /// Whether git tracks `path`, from the top of the work tree and with `/`: a file, a link or a submodule.
    pub fn contains(&self, path: &[u8]) -> bool {
        self.first_at_or_after(path) == Some(path) || self.is_in_sparse_dir(path)
    }

    /// Whether git tracks anything below the directory `path`.
    pub fn has_paths_in(&self, path: &[u8]) -> bool {
        let dir = [path, b"/"].concat();
        self.first_at_or_after(&dir).is_some_and(|next| next.starts_with(&dir)) || self.is_in_sparse_dir(path)
    }

    /// Whether `path` is in a directory outside a sparse checkout, for which the index has a single path that ends with a
    /// slash.
    fn is_in_sparse_dir(&self, path: &[u8]) -> bool {
        let mut dirs = memchr::memchr_iter(b'/', path).map(|slash| &path[..=slash]);
        dirs.any(|dir| self.first_at_or_after(dir) == Some(dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of version 2 with these paths, in this order.
    fn index(paths: &[&str], hash_len: usize) -> Vec<u8> {
        let mut bytes = b"DIRC\0\0\0\x02".to_vec();
        bytes.extend((paths.len() as u32).to_be_bytes());
        for path in paths {
            let start = bytes.len();
            bytes.extend([0; 24]);
            bytes.extend(0o100_644_u32.to_be_bytes());
            bytes.extend([0; 12]);
            bytes.extend(vec![7; hash_len]);
            bytes.extend((path.len() as u16).to_be_bytes());
            bytes.extend(path.as_bytes());
            let length = (bytes.len() - start + 8) / 8 * 8;
            bytes.resize(start + length, 0);
        }
        bytes.extend(vec![0; hash_len]);
        bytes
    }

    #[test]
    fn files_and_directories_are_distinguished() {
        let dir = tempfile::tempdir().unwrap();
        let sorted = ["a.b", "a/b", "a/c/d", "e"];
        let unsorted = ["e", "a/c/d", "a.b", "a/b"];
        for (paths, hash_len) in [(sorted, 20), (unsorted, 20), (sorted, 32)] {
            std::fs::write(dir.path().join("index"), index(&paths, hash_len)).unwrap();
            let tracked = TrackedPaths::read(dir.path()).unwrap();
            assert!(paths.iter().all(|path| tracked.contains(path.as_bytes())));
            assert!(!tracked.contains(b"a") && !tracked.contains(b"a/c") && !tracked.contains(b"f"));
            assert!(tracked.has_paths_in(b"a") && tracked.has_paths_in(b"a/c"));
            assert!(!tracked.has_paths_in(b"e") && !tracked.has_paths_in(b"a/b"));
        }
    }

    #[test]
    fn a_directory_outside_a_sparse_checkout_covers_everything_below() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("index"), index(&["a", "b/c/", "d"], 20)).unwrap();
        let tracked = TrackedPaths::read(dir.path()).unwrap();
        assert!(tracked.contains(b"b/c/x") && tracked.has_paths_in(b"b") && tracked.has_paths_in(b"b/c/x"));
        assert!(!tracked.contains(b"b/x") && !tracked.has_paths_in(b"b/x"));
    }

    #[test]
    fn an_unreadable_index_is_an_error_and_a_missing_one_tracks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!TrackedPaths::read(dir.path()).unwrap().contains(b"a"));
        std::fs::write(dir.path().join("index"), "nonsense").unwrap();
        assert!(TrackedPaths::read(dir.path()).is_err());
        std::fs::remove_file(dir.path().join("index")).unwrap();
        std::fs::create_dir(dir.path().join("index")).unwrap();
        assert!(TrackedPaths::read(dir.path()).is_err());
    }
}
