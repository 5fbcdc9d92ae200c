//! Paths as bytes, the same on every platform.

use std::path::Path;

/// A path as bytes, with `/` between components and without a leading `./`.
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    let path = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        path.to_string_lossy().replace('\\', "/").into_bytes()
    }
}
