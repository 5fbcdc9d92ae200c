//! Scans files that the caller has listed.

use std::path::PathBuf;

use super::Sink;
use super::files::FileScanner;
use crate::model::Origin;

/// Scans each file with its origin. A file that no longer exists is skipped silently, since git may be at work
/// on it.
pub fn scan_file_list(files: impl IntoIterator<Item = (PathBuf, Origin)>, sink: &dyn Sink) {
    let mut scanner = FileScanner { worker: sink.worker(), sink };
    for (path, origin) in files {
        if sink.is_stopped() {
            return;
        }
        if path.exists() {
            scanner.file(&path, &origin, false);
        }
    }
}
