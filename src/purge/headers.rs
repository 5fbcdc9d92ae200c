//! The headers of commits and tags.

use crate::git::ObjectId;

/// A header with its continuation lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawHeader<'a> {
    /// The first word, for example `parent`.
    pub(super) name: &'a [u8],
    /// All lines of the header including its name, with the final newline.
    pub(super) lines: &'a [u8],
}

impl RawHeader<'_> {
    /// The value, if that is an object id.
    pub(super) fn id(&self) -> Option<ObjectId> {
        let value = self.lines.get(self.name.len() + 1..)?.trim_ascii_end();
        ObjectId::from_hex(value).ok()
    }

    /// Whether this header is a signature.
    pub(super) fn is_signature(&self) -> bool {
        matches!(self.name, b"gpgsig" | b"gpgsig-sha256")
    }

    /// The commit that the tag in a `mergetag` header points to.
    pub(super) fn merged_tag_target(&self) -> Option<ObjectId> {
        let value = self.lines.strip_prefix(b"mergetag object ")?;
        let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
        ObjectId::from_hex(&value[..end]).ok()
    }
}

/// Splits a commit or tag into its headers, and the rest: an empty line and the message.
pub(super) fn split_headers(object: &[u8]) -> (Vec<RawHeader<'_>>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = object;
    while !rest.is_empty() && rest[0] != b'\n' {
        let mut end = line_end(rest);
        while rest.get(end) == Some(&b' ') {
            end += line_end(&rest[end..]);
        }
        let (lines, after) = rest.split_at(end);
        let name = lines.iter().position(|byte| *byte == b' ' || *byte == b'\n').unwrap_or(lines.len());
        headers.push(RawHeader { name: &lines[..name], lines });
        rest = after;
    }
    (headers, rest)
}

/// The length of the first line of `bytes`, with its newline.
fn line_end(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1)
}

/// First lines of the signatures that git appends to a tag's message.
const SIGNATURES: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
];

/// The offset in bytes of the signature at the end of a tag; the length of the tag if it has none.
pub(super) fn signature_start(tag: &[u8]) -> usize {
    let mut line_start = 0;
    let mut signature_start = tag.len();
    while line_start < tag.len() {
        if SIGNATURES.iter().any(|signature| tag[line_start..].starts_with(signature)) {
            // Like git, takes the last one.
            signature_start = line_start;
        }
        line_start += line_end(&tag[line_start..]);
    }
    signature_start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_continuation_lines() {
        let commit = b"tree 1\ngpgsig a\n b\n c\nauthor x\n\nmessage\n";
        let (headers, rest) = split_headers(commit);
        let names: Vec<_> = headers.iter().map(|header| header.name).collect();
        assert_eq!(names, [&b"tree"[..], b"gpgsig", b"author"]);
        assert_eq!(headers[1].lines, b"gpgsig a\n b\n c\n");
        assert_eq!(rest, b"\nmessage\n");
    }

    #[test]
    fn the_signature_at_the_end_of_a_tag_is_recognized() {
        let tag = b"object 1\n\nmessage\n-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n";
        assert_eq!(&tag[..signature_start(tag)], b"object 1\n\nmessage\n");
        assert_eq!(signature_start(b"object 1\n\nmessage\n"), 18);
    }
}
