//! Resolves the paths of files to write, so that nothing in a scanned repository, such as a link or pipe, redirects
//! them.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::untrusted::describe;

/// The absolute path behind `path`, for a file that may be replaced there.
///
/// # Errors
/// The directory does not exist; a link is part of its path, in the current directory or in a repository, whose
/// author may have put it there; what is at the path is not a regular file.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut at = match path.is_absolute() {
        true => PathBuf::new(),
        false => fs::canonicalize(".")?,
    };
    let Some(name) = path.file_name() else { return Err(io::Error::other("it is a directory")) };
    let dir = path.parent().unwrap_or(Path::new(""));
    for component in dir.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(at.pop()),
            Component::Prefix(_) | Component::RootDir => at.push(component),
            Component::Normal(name) => {
                let next = at.join(name);
                let metadata = next.symlink_metadata().map_err(|error| missing(path, error))?;
                at = match metadata.is_symlink() {
                    true if !path.is_absolute() || is_in_repository(&at) => return Err(link(&next)),
                    true => fs::canonicalize(&next)?,
                    false => next,
                };
            }
        }
    }
    let file = at.join(name);
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => Err(link(&file)),
        Ok(metadata) if !metadata.is_file() => {
            Err(io::Error::other(format!("it is {}", describe(&metadata))))
        }
        Ok(_) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(file),
        Err(error) => Err(error),
    }
}

/// `error`, or which directory on the way to `path` is missing.
fn missing(path: &Path, error: io::Error) -> io::Error {
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

fn link(path: &Path) -> io::Error {
    let leads = fs::read_link(path).map(|to| format!(" to {}", to.display())).unwrap_or_default();
    io::Error::other(format!(
        "{} is a symbolic link{leads}; reports are not written through links: name the place itself",
        path.display()
    ))
}

fn is_in_repository(dir: &Path) -> bool {
    dir.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
}

/// Opens the file to add to it, or makes it.
///
/// # Errors
/// When it is a link, has another name, or is not a regular file.
pub(super) fn append(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(link(path));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| missing(path, error))?;
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
        assert!(append(&file).is_ok());
        symlink(&file, dir.path().join("link")).unwrap();
        assert!(append(&dir.path().join("link")).unwrap_err().to_string().contains("symbolic link"));
        assert!(append(dir.path()).is_err());
        fs::hard_link(&file, dir.path().join("other")).unwrap();
        assert!(append(&file).unwrap_err().to_string().contains("several names"));
    }
}
