//! Names of entries. They are only displayed: no file is ever created under such a name.

/// Maximum length of a name, in bytes.
const MAX_NAME_LEN: usize = 4096;

/// Rewrites `name` as a relative path without `..`, root or drive letter, so that it cannot refer to anything outside the
/// container, and cuts it to [`MAX_NAME_LEN`]. Reporters escape the characters that affect a terminal.
pub(super) fn sanitize_path(name: &[u8]) -> Vec<u8> {
    let name = &name[..name.len().min(MAX_NAME_LEN)];
    let parts = name.split(|&byte| matches!(byte, b'/' | b'\\')).filter(|part| !matches!(*part, b"" | b"."));
    let mut sanitized: Vec<u8> = Vec::with_capacity(name.len());
    for part in parts {
        if !sanitized.is_empty() {
            sanitized.push(b'/');
        }
        match part {
            b".." => sanitized.extend(b"__"),
            [drive, b':', rest @ ..] if sanitized.is_empty() => {
                sanitized.extend([&[*drive, b'_'], rest].concat())
            }
            part => sanitized.extend(part),
        }
    }
    if sanitized.is_empty() { b"(no name)".to_vec() } else { sanitized }
}

/// A name for the decompressed content of a file: its file name without the suffix of the compression (`x.gz` becomes `x`, `x.tgz`
/// becomes `x.tar`), or `content` if it has no such suffix.
pub(super) fn decompressed_name(compressed_name: &[u8]) -> Vec<u8> {
    const REPLACED_SUFFIXES: &[(&[u8], &[u8])] = &[
        (b".tgz", b".tar"),
        (b".tbz2", b".tar"),
        (b".tbz", b".tar"),
        (b".txz", b".tar"),
        (b".tzst", b".tar"),
        (b".svgz", b".svg"),
        (b".gz", b""),
        (b".bz2", b""),
        (b".xz", b""),
        (b".lzma", b""),
        (b".tlz", b".tar"),
        (b".lz", b""),
        (b".zst", b""),
    ];
    let start = memchr::memrchr(b'/', compressed_name).map_or(0, |slash| slash + 1);
    let name = &compressed_name[start..];
    let suffix = REPLACED_SUFFIXES.iter().find(|(suffix, _)| {
        name.len() > suffix.len() && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
    });
    match suffix {
        Some((suffix, replacement)) => [&name[..name.len() - suffix.len()], *replacement].concat(),
        None => b"content".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_container() {
        for (name, sanitized) in [
            (&b"../../etc/passwd"[..], &b"__/__/etc/passwd"[..]),
            (b"/etc/passwd", b"etc/passwd"),
            (b"C:\\Users\\me", b"C_/Users/me"),
            (b"\\\\server\\share", b"server/share"),
            (b"a/./b//c", b"a/b/c"),
            (b"", b"(no name)"),
        ] {
            assert_eq!(sanitize_path(name), sanitized, "{}", name.escape_ascii());
        }
        assert_eq!(decompressed_name(b"a/app.tar.gz"), b"app.tar");
        assert_eq!(decompressed_name(b"app.TGZ"), b"app.tar");
        assert_eq!(decompressed_name(b".gz"), b"content");
    }
}
