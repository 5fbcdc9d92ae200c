//! Finds the first local header of a zip while content is read, so that data before a zip is not read once more to look for
//! unlisted entries.

use memchr::memmem;

use super::header::HEADER_SIGNATURE;

const MAX_SEAM_LEN: usize = HEADER_SIGNATURE.len() - 1;

/// Looks for the first local header in content that is passed to it in parts.
#[derive(Default)]
pub(in crate::container) struct FirstHeader {
    offset: Option<u64>,
    /// Number of bytes so far.
    length: u64,
    /// The last bytes so far, where a header may begin.
    seam: Vec<u8>,
}

impl FirstHeader {
    /// Examines the next bytes.
    pub(in crate::container) fn push(&mut self, bytes: &[u8]) {
        if self.offset.is_some() {
            return;
        }
        let seam_offset = self.length - self.seam.len() as u64;
        self.seam.extend_from_slice(&bytes[..bytes.len().min(MAX_SEAM_LEN)]);
        let in_seam = memmem::find(&self.seam, HEADER_SIGNATURE).map(|start| seam_offset + start as u64);
        let in_bytes = || memmem::find(bytes, HEADER_SIGNATURE).map(|start| self.length + start as u64);
        self.offset = in_seam.or_else(in_bytes);
        if bytes.len() > MAX_SEAM_LEN {
            self.seam = bytes[bytes.len() - MAX_SEAM_LEN..].to_vec();
        } else {
            self.seam.drain(..self.seam.len().saturating_sub(MAX_SEAM_LEN));
        }
        self.length += bytes.len() as u64;
    }

    /// The offset of the first local header; the length of the content if there is none.
    pub(in crate::container) fn offset(&self) -> u64 {
        self.offset.unwrap_or(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_header_is_found_across_parts() {
        let content = [&b"P PK PK\x03 text "[..], HEADER_SIGNATURE, b"more", HEADER_SIGNATURE].concat();
        let expected = 14;
        assert_eq!(&content[expected..expected + 4], HEADER_SIGNATURE);
        for length in 1..content.len() {
            let mut header = FirstHeader::default();
            content.chunks(length).for_each(|part| header.push(part));
            assert_eq!(header.offset(), expected as u64, "parts of {length} bytes");
            let mut header = FirstHeader::default();
            content[..expected + 3].chunks(length).for_each(|part| header.push(part));
            assert_eq!(header.offset(), expected as u64 + 3, "no header, parts of {length} bytes");
        }
    }
}
