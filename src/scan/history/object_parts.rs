//! The parts of a commit or tag object: which surface an offset belongs to, and where the message starts.

use crate::git::ObjectKind;
use crate::model::Surface;

/// The surface of the byte at `offset` in a raw commit or tag.
pub(super) fn surface_at(kind: ObjectKind, object: &[u8], offset: usize) -> Surface {
    let blank_line =
        memchr::memmem::find(object, b"\n\n").map_or(object.len(), |headers_end| headers_end + 1);
    if offset > blank_line {
        return match kind {
            ObjectKind::Tag => Surface::TagMessage,
            _ => Surface::CommitMessage,
        };
    }
    let line_start = memchr::memrchr(b'\n', &object[..offset.min(object.len())]).map_or(0, |end| end + 1);
    let header_name = object[line_start..].split(|&byte| byte == b' ').next().unwrap_or_default();
    match header_name {
        b"author" | b"committer" | b"tagger" => Surface::Identity,
        // The name of a tag is the name of a ref, too.
        b"tag" => Surface::RefName,
        _ => Surface::CommitHeader,
    }
}

/// The offset of the message in a raw commit or tag; the length of the object if it has none.
pub(super) fn message_start(object: &[u8]) -> usize {
    memchr::memmem::find(object, b"\n\n").map_or(object.len(), |headers_end| headers_end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_commit_has_its_own_surface() {
        let commit = b"tree 0\nauthor A <a@b> 0 +0\ncommitter C <c@d> 0 +0\nx-key K\n more\n\nmessage\n\nx";
        let offset = |text: &[u8]| memchr::memmem::find(commit, text).unwrap();
        let surface = |text: &[u8]| surface_at(ObjectKind::Commit, commit, offset(text));
        assert_eq!(surface(b"a@b"), Surface::Identity);
        assert_eq!(surface(b"c@d"), Surface::Identity);
        assert_eq!(surface(b"K\n"), Surface::CommitHeader);
        assert_eq!(surface(b"more"), Surface::CommitHeader);
        assert_eq!(surface(b"message"), Surface::CommitMessage);
    }

    #[test]
    fn an_object_without_a_message_has_only_headers() {
        assert_eq!(surface_at(ObjectKind::Tag, b"tagger x", 7), Surface::Identity);
        assert_eq!(surface_at(ObjectKind::Commit, b"", 0), Surface::CommitHeader);
    }
}
