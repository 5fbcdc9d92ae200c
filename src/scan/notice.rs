//! Noticing on the way through a content that something packed is written in it as text.

use std::io::{self, Read};

use crate::container::{SIGHT, is_encoded_in};

/// Bytes that are looked at together.
const PIECE: usize = 1 << 18;

/// What was seen of a content so far.
pub(super) struct Seen {
    /// What was read last and not looked at, behind a little of what was.
    piece: Vec<u8>,
    is_new: bool,
    encoded: bool,
}

impl Seen {
    /// `head` is what a content begins with, or all of it.
    pub(super) fn of(head: &[u8]) -> Self {
        let piece = head[head.len().saturating_sub(SIGHT)..].to_vec();
        Self { piece, is_new: false, encoded: is_encoded_in(head) }
    }

    /// Whether something packed is written in it as text.
    pub(super) fn is_encoded(&mut self) -> bool {
        if self.is_new && !self.encoded {
            self.encoded = is_encoded_in(&self.piece);
            let old = self.piece.len().saturating_sub(SIGHT);
            self.piece.drain(..old);
            self.is_new = false;
        }
        self.encoded
    }
}

/// Reads on in a content.
pub(super) struct Notice<'c> {
    pub(super) content: &'c mut dyn Read,
    pub(super) seen: &'c mut Seen,
}

impl Read for Notice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        if !self.seen.encoded {
            self.seen.piece.extend_from_slice(&buffer[..count]);
            self.seen.is_new |= count != 0;
            if self.seen.piece.len() >= PIECE {
                self.seen.is_encoded();
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn base64(bytes: &[u8]) -> String {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> =
            bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
        let digit = |six: &[u8]| {
            digits[(0..6).fold(0, |all, at| all * 2 + six.get(at).map_or(0, |bit| usize::from(*bit)))]
        };
        bits.chunks(6).map(|six| char::from(digit(six))).collect()
    }

    #[test]
    fn wherever_reads_end() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        (0..900u32).for_each(|n| gzip.write_all(&(n * n).to_be_bytes()).unwrap());
        let run = base64(&gzip.finish().unwrap());
        for before in [0, 5, PIECE - 20_000, PIECE - 9, PIECE - 3, PIECE, PIECE + 100] {
            let words = "word ".repeat(before / 5 + 1);
            let text = [words.as_bytes(), run.as_bytes(), b" word"].concat();
            for head in [0, 3, words.len(), words.len() + 7] {
                let noticed = |text: &[u8]| {
                    let mut seen = Seen::of(&text[..head]);
                    io::copy(&mut Notice { content: &mut &text[head..], seen: &mut seen }, &mut io::sink())
                        .unwrap();
                    seen.is_encoded()
                };
                assert!(noticed(&text), "{before} {head}");
                assert!(!noticed(&text[..words.len() + 7]), "{before} {head}");
            }
        }
    }
}
