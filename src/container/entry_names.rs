//! Entry names. They are only displayed; nothing is written under them.

/// A name without `..`, root and drive, so that it cannot refer to another place. Characters that affect a
/// terminal are left to the reporters.
pub(super) fn sanitize_path(name: &[u8]) -> Vec<u8> {
    const MAX_NAME_LEN: usize = 4096;
    let name = &name[..name.len().min(MAX_NAME_LEN)];
    let parts = name.split(|&byte| matches!(byte, b'/' | b'\\')).filter(|part| !matches!(*part, b"" | b"."));
    let mut shown: Vec<u8> = Vec::with_capacity(name.len());
    for part in parts {
        if !shown.is_empty() {
            shown.push(b'/');
        }
        match part {
            b".." => shown.extend(b"__"),
            [drive, b':', rest @ ..] if shown.is_empty() => shown.extend([&[*drive, b'_'], rest].concat()),
            part => shown.extend(part),
        }
    }
    if shown.is_empty() { b"(no name)".to_vec() } else { shown }
}

/// The name of the decompressed content of a file called `packed`.
pub(super) fn unpacked(packed: &[u8]) -> Vec<u8> {
    const ENDINGS: &[(&[u8], &[u8])] = &[
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
    let start = memchr::memrchr(b'/', packed).map_or(0, |at| at + 1);
    let name = &packed[start..];
    let ending = ENDINGS.iter().find(|(ending, _)| {
        name.len() > ending.len() && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
    });
    match ending {
        Some((ending, instead)) => [&name[..name.len() - ending.len()], *instead].concat(),
        None => b"content".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_container() {
        for (name, shown) in [
            (&b"../../etc/passwd"[..], &b"__/__/etc/passwd"[..]),
            (b"/etc/passwd", b"etc/passwd"),
            (b"C:\\Users\\me", b"C_/Users/me"),
            (b"\\\\server\\share", b"server/share"),
            (b"a/./b//c", b"a/b/c"),
            (b"", b"(no name)"),
        ] {
            assert_eq!(sanitize_path(name), shown, "{}", name.escape_ascii());
        }
        assert_eq!(unpacked(b"a/app.tar.gz"), b"app.tar");
        assert_eq!(unpacked(b"app.TGZ"), b"app.tar");
        assert_eq!(unpacked(b".gz"), b"content");
    }
}
