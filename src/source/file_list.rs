//! Files that somebody else has listed.

use std::path::PathBuf;

use super::Sink;
use super::files::FileScanner;
use crate::model::Origin;

/// Scans the files, each reported as its origin. One that is gone meanwhile is no loss to those who list
/// what others are at work on.
pub fn scan_file_list(files: impl IntoIterator<Item = (PathBuf, Origin)>, sink: &dyn Sink) {
    let mut visit = FileScanner { worker: sink.worker(), sink };
    for (path, origin) in files {
        if sink.is_stopped() {
            return;
        }
        if path.exists() {
            visit.file(&path, &origin, false);
        }
    }
}
