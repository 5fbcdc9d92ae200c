//! Resolves the paths of files to write, so that nothing in a scanned repository, such as a link or pipe, can redirect the
//! output.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::untrusted::describe;

/// Resolves `path` to the absolute path at which a file may be created or replaced.
///
/// # Errors
/// The directory does not exist, something that is not a regular file is at the path, or part of the path is a link in the
/// current directory or in a repository, whose author may have created it.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = match path.is_absolute() {
        true => PathBuf::new(),
        false => fs::canonicalize(".")?,
    };
    let Some(name) = path.file_name() else { return Err(io::Error::other("it is a directory")) };
    let dir = path.parent().unwrap_or(Path::new(""));
    for component in dir.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(resolved.pop()),
            Component::Prefix(_) | Component::RootDir => resolved.push(component),
            Component::Normal(name) => {
                let next = resolved.join(name);
                let metadata = next.symlink_metadata().map_err(|error| missing_dir_error(path, error))?;
                resolved = match metadata.is_symlink() {
                    true if !path.is_absolute() || is_in_repository(&resolved) => {
                        return Err(link_error(&next));
                    }
                    true => fs::canonicalize(&next)?,
                    false => next,
                };
            }
        }
    }
    let file = resolved.join(name);
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => Err(link_error(&file)),
        Ok(metadata) if !metadata.is_file() => {
            Err(io::Error::other(format!("it is {}", describe(&metadata))))
        }
        Ok(_) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(file),
        Err(error) => Err(error),
    }
}

/// Names the first missing directory in `path`, if that is the reason for `error`.
fn missing_dir_error(path: &Path, error: io::Error) -> io::Error {
    let is_there = |dir: &&Path| dir.as_os_str().is_empty() || dir.symlink_metadata().is_ok();
    let first = path.ancestors().skip(1).take_while(|dir| !is_there(dir)).last();
    match (error.kind(), first) {
        (io::ErrorKind::NotFound, Some(dir)) => io::Error::other(format!(
            "the directory {} does not exist; create it, or write elsewhere",
            dir.display()
        )),
        _ => error,
    }
}

fn link_error(path: &Path) -> io::Error {
    let destination = fs::read_link(path).map(|to| format!(" to {}", to.display())).unwrap_or_default();
    io::Error::other(format!(
        "{} is a symbolic link{destination}; reports are not written through links: name the place itself",
        path.display()
    ))
}

fn is_in_repository(dir: &Path) -> bool {
    dir.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
}

/// Opens the file to append to it, or creates it.
///
/// # Errors
/// When it is a link, has another name as well (a hard link), or is not a regular file.
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(link_error(path));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| missing_dir_error(path, error))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other(format!("it is {}", describe(&metadata))));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
        return Err(io::Error::other("it is a file with several names"));
    }
    Ok(file)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_a_repository_are_refused_and_those_of_the_system_followed() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("repo/.git")).unwrap();
        fs::create_dir_all(top.join("out")).unwrap();
        symlink("../out", top.join("repo/link")).unwrap();
        symlink("out", top.join("link")).unwrap();
        symlink("../victim", top.join("repo/r.json")).unwrap();
        assert_eq!(resolve(&top.join("link/r.json")).unwrap(), top.join("out/r.json"));
        assert_eq!(resolve(&top.join("repo/../out/r.json")).unwrap(), top.join("out/r.json"));
        for refused in ["repo/link/r.json", "repo/r.json", "out", "none/r.json", "repo/.."] {
            assert!(resolve(&top.join(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn only_a_file_of_one_name_is_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        assert!(open_to_append(&file).is_ok());
        symlink(&file, dir.path().join("link")).unwrap();
        assert!(open_to_append(&dir.path().join("link")).unwrap_err().to_string().contains("symbolic link"));
        assert!(open_to_append(dir.path()).is_err());
        fs::hard_link(&file, dir.path().join("other")).unwrap();
        assert!(open_to_append(&file).unwrap_err().to_string().contains("several names"));
    }
}
