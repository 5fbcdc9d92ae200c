//! Text that a git delta inserts, for a delta whose base is not available.
//!
//! Text next to copied bytes may be part of a word that continues in the base, and half a key would be taken
//! for a different key. The word at such a gap is therefore dropped, and the text on both sides is kept apart.

use std::io::{self, BufRead, Read};

/// What stands for missing bytes of the base in the output.
const GAP: &[u8] = b"\n\x1c\n";

/// Longest word at a gap, in bytes. Anything longer is not a word.
const MAX_WORD_LEN: usize = 1 << 14;

/// Reads the text that a delta inserts.
pub(super) struct DeltaText<R> {
    delta: R,
    state: DeltaState,
    /// Text that was not read yet; from `complete` on, it may be part of a word that continues in the base.
    text: Vec<u8>,
    at: usize,
    complete: usize,
    /// Whether the current word began in the base.
    in_word: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DeltaState {
    /// The sizes of base and result come first.
    Sizes(u8),
    Instruction,
    Insert(u8),
    Copy(u32),
    End,
}

impl<R: BufRead> DeltaText<R> {
    /// `delta` is the decompressed data of a pack entry.
    pub(super) fn new(delta: R) -> Self {
        Self { delta, state: DeltaState::Sizes(2), text: Vec::new(), at: 0, complete: 0, in_word: false }
    }

    /// Processes the next part of the delta.
    fn advance(&mut self) -> io::Result<()> {
        let input = self.delta.fill_buf()?;
        let Some(&first) = input.first() else {
            // A truncated word may continue, too.
            match self.state {
                DeltaState::Instruction => self.complete = self.text.len(),
                _ => self.text.truncate(self.complete),
            }
            self.state = DeltaState::End;
            return Ok(());
        };
        let mut count = 1;
        self.state = match self.state {
            DeltaState::Sizes(left) if first & 0x80 != 0 => DeltaState::Sizes(left),
            DeltaState::Sizes(2..) => DeltaState::Sizes(1),
            DeltaState::Sizes(_) => DeltaState::Instruction,
            DeltaState::Instruction if first & 0x80 != 0 => DeltaState::Copy((first & 0x7f).count_ones()),
            // Unknown instruction.
            DeltaState::Instruction if first == 0 => DeltaState::End,
            DeltaState::Instruction => DeltaState::Insert(first),
            DeltaState::Insert(left) => {
                count = input.len().min(left.into());
                let (text, in_word) = (&mut self.text, &mut self.in_word);
                take(&input[..count], text, &mut self.complete, in_word);
                match left - count as u8 {
                    0 => DeltaState::Instruction,
                    left => DeltaState::Insert(left),
                }
            }
            DeltaState::Copy(left @ 1..) => DeltaState::Copy(left - 1),
            DeltaState::Copy(0) | DeltaState::End => {
                count = 0;
                DeltaState::Instruction
            }
        };
        self.delta.consume(count);
        if let DeltaState::Copy(0) = self.state {
            self.state = DeltaState::Instruction;
            self.gap();
        }
        Ok(())
    }

    /// Bytes of the base are missing here.
    fn gap(&mut self) {
        self.text.truncate(self.complete);
        self.text.extend_from_slice(GAP);
        self.complete = self.text.len();
        self.in_word = true;
    }
}

/// Appends inserted text to `text`, of which everything before `complete` is complete.
fn take(inserted: &[u8], text: &mut Vec<u8>, complete: &mut usize, in_word: &mut bool) {
    let mut inserted = inserted;
    if *in_word {
        let end = inserted.iter().position(|byte| !is_word(*byte));
        inserted = &inserted[end.unwrap_or(inserted.len())..];
        *in_word = end.is_none();
    }
    text.extend_from_slice(inserted);
    let word = text[*complete..].iter().rev().take_while(|byte| is_word(**byte)).count();
    *complete = text.len() - word.min(MAX_WORD_LEN);
}

/// Whether a key, encoded in any way, may continue after `byte`. UTF-16 has zeros in between.
fn is_word(byte: u8) -> bool {
    !matches!(
        byte,
        b'\t' | b'\n' | b'\r' | b' ' | b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'>' | b'(' | b')'
    )
}

impl<R: BufRead> Read for DeltaText<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.complete && self.state != DeltaState::End {
            self.text.drain(..self.at);
            (self.at, self.complete) = (0, self.complete - self.at);
            self.advance()?;
        }
        let count = (&self.text[self.at..self.complete]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inserted(delta: &[u8]) -> String {
        let mut text = Vec::new();
        // Regardless of how the input is split into reads.
        for capacity in [1, 2, 7, 1000] {
            let mut once = Vec::new();
            DeltaText::new(io::BufReader::with_capacity(capacity, delta)).read_to_end(&mut once).unwrap();
            assert!(capacity == 1 || once == text, "{capacity}");
            text = once;
        }
        String::from_utf8(text).unwrap()
    }

    fn insert(text: &str) -> Vec<u8> {
        text.as_bytes().chunks(127).flat_map(|part| [&[part.len() as u8][..], part].concat()).collect()
    }

    #[test]
    fn words_that_may_continue_in_the_base_are_dropped() {
        let sizes = [0x80, 0x01, 0x05];
        let copy = [0x91, 0x10, 0x20];
        let long = "a word that goes on in the same place".replace(' ', "_").repeat(9);
        for (parts, text) in [
            (vec![insert("one 'two' three")], "one 'two' three"),
            (vec![insert("one "), insert("two")], "one two"),
            (vec![insert(&long)], long.as_str()),
            (vec![copy.to_vec(), insert("one two three"), copy.to_vec()], "\n\x1c\n two \n\x1c\n"),
            (vec![insert("one two"), copy.to_vec(), insert("three four")], "one \n\x1c\n four"),
            (vec![insert("one two"), copy.to_vec()], "one \n\x1c\n"),
            (vec![copy.to_vec(), insert("one"), insert("two three")], "\n\x1c\n three"),
            (vec![vec![0x80], insert("a b")], "\n\x1c\n b"),
            // Truncated within inserted text, and an invalid instruction.
            (vec![insert("one "), vec![9, b't', b'w']], "one "),
            (vec![insert("one "), vec![0, 1, b'x']], "one "),
        ] {
            assert_eq!(inserted(&[&sizes[..], &parts.concat()].concat()), text);
        }
        assert_eq!(inserted(b""), "");
    }
}
