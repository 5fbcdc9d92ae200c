//! Finds the bodies of PEM blocks, except those of public kinds.

use super::Credential;

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";
const END: &[u8] = b"-----END";

/// Kinds of blocks that contain no secret.
const PUBLIC_KINDS: &[&[u8]] = &[b"CERTIFICATE", b"PUBLIC KEY", b"X509 CRL"];

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&text[from..], BEGIN) {
        let kind = from + at + BEGIN.len();
        let Some(length) = memchr::memmem::find(&text[kind..text.len().min(kind + 64)], DASHES) else {
            from = kind;
            continue;
        };
        let start = kind + length + DASHES.len();
        let end = memchr::memmem::find(&text[start..], END).map_or(text.len(), |at| start + at);
        let name = &text[kind..kind + length];
        let is_public = PUBLIC_KINDS.iter().any(|public| memchr::memmem::find(name, public).is_some());
        if start < end && !is_public {
            credentials.push(Credential { span: start..end, prefix_len: 0 });
        }
        from = if is_public { start } else { end };
    }
}
