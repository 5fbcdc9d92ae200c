//! Creates and checks the directory of a cache, and the temporary files in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The prefix and suffix of the names of temporary files.
const TEMPORARY_AFFIXES: (&str, &str) = (".friskey-", ".tmp");
/// Writing an entry takes seconds at most, so a temporary file of this age is that of an audit that was killed.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The path without symbolic links. If it does not exist yet, only the part that exists is resolved.
///
/// # Errors
/// If a part of the path is not a directory, or may not be read.
pub fn resolve(dir: &Path) -> io::Result<PathBuf> {
    match dir.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else { return Err(error) };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(resolve(parent)?.join(name))
        }
        resolved => resolved,
    }
}

/// Creates `dir` if it does not exist, checks it, and returns the id of the user who owns it and new files in it.
///
/// # Errors
/// If it cannot be created or written to, or others may write to it.
pub(super) fn prepare(dir: &Path) -> io::Result<u32> {
    match fs::symlink_metadata(dir) {
        Ok(found) if found.is_symlink() => {
            return Err(io::Error::other("it is a symbolic link whose target does not exist"));
        }
        Ok(found) if !found.is_dir() => return Err(io::Error::other("it is not a directory")),
        _ => {}
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    // Only the kind of the error, since the whole error names the temporary file.
    let probe = temporary(dir).map_err(|error| io::Error::from(error.kind()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (user, metadata) = (probe.as_file().metadata()?.uid(), fs::symlink_metadata(dir)?);
        if metadata.uid() != user || metadata.mode() & 0o022 != 0 || !metadata.is_dir() {
            return Err(io::Error::other("it belongs to another user, or others may write to it"));
        }
        Ok(user)
    }
    #[cfg(not(unix))]
    {
        drop(probe);
        Ok(0)
    }
}

/// A new file for its owner alone, to be written and then renamed.
pub(super) fn temporary(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    let (prefix, suffix) = TEMPORARY_AFFIXES;
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    builder.tempfile_in(dir)
}

/// Removes temporary files of audits that were killed: those in `dir` that belong to `user` and are older than a day. One
/// that cannot be removed only takes up space, so the error is ignored.
pub(super) fn remove_abandoned(dir: &Path, user: Option<u32>) {
    let Ok(files) = fs::read_dir(dir) else { return };
    for file in files.flatten() {
        let (prefix, suffix) = TEMPORARY_AFFIXES;
        let name = file.file_name();
        let is_temporary =
            name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix));
        if is_temporary && file.metadata().is_ok_and(|metadata| is_abandoned(&metadata, user)) {
            let _ = fs::remove_file(file.path());
        }
    }
}

fn is_abandoned(metadata: &fs::Metadata, user: Option<u32>) -> bool {
    #[cfg(unix)]
    let is_own = Some(std::os::unix::fs::MetadataExt::uid(metadata)) == user;
    #[cfg(not(unix))]
    let is_own = user.is_some();
    let age = metadata.modified().ok().and_then(|written| written.elapsed().ok());
    metadata.is_file() && is_own && age.is_some_and(|age| age > ABANDONED_AFTER)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{File, FileTimes, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        let refused = |name: &str| prepare(&path(name)).unwrap_err().to_string();
        assert!(prepare(&path("new/directory")).is_ok());
        fs::write(path("file"), "").unwrap();
        assert_eq!(refused("file"), "it is not a directory");
        symlink("nowhere", path("link")).unwrap();
        assert_eq!(refused("link"), "it is a symbolic link whose target does not exist");
        fs::set_permissions(path("new"), Permissions::from_mode(0o777)).unwrap();
        assert!(refused("new").contains("others may write to it"));
    }

    #[test]
    fn temporary_files_of_killed_audits_are_removed_after_a_day() {
        let scratch = tempfile::tempdir().unwrap();
        let user = Some(prepare(scratch.path()).unwrap());
        let old = SystemTime::now() - ABANDONED_AFTER - Duration::from_secs(60);
        let file = |name: &str, written: SystemTime| {
            let path = scratch.path().join(name);
            let times = FileTimes::new().set_modified(written);
            File::create(&path).unwrap().set_times(times).unwrap();
            path
        };
        let abandoned = file(".friskey-a1b2c3.tmp", old);
        let kept = [
            file(".friskey-d4e5f6.tmp", SystemTime::now()),
            file("friskey-a1b2c3.tmp", old),
            file(".friskey-a1b2c3.entry", old),
            file("0123.entry", old),
        ];
        let (target, link) = (file("target", old), scratch.path().join(".friskey-link.tmp"));
        symlink(&target, &link).unwrap();
        let directory = scratch.path().join(".friskey-directory.tmp");
        fs::create_dir(&directory).unwrap();
        remove_abandoned(scratch.path(), user.map(|user| user + 1));
        assert!(abandoned.exists(), "it belongs to another user");
        remove_abandoned(scratch.path(), user);
        assert!(!abandoned.exists());
        assert!(kept.iter().chain([&target, &link, &directory]).all(|path| path.exists()));
    }
}
