//! Reads the text that a git delta inserts, for a delta whose base is not available.
//!
//! A delta alternates between inserted text and bytes copied from the base, which are missing here. An inserted word next to
//! them may continue in the base, and half a key would be taken for a different key. So such words are left out, and a
//! separator takes the place of the copied bytes.

use std::io::{self, BufRead, Read};

/// Output in place of copied bytes: a separator that no key contains.
const MISSING_BYTES: &[u8] = b"\n\x1c\n";

/// Length of the longest word that is left out, in bytes. Of a longer one, only the end is left out.
const MAX_WORD_LEN: usize = 1 << 14;

/// Length of the shortest word that counts as left out, in bytes. Nearly every delta has shorter ones, of which a key would have
/// to begin or end in the base.
const MIN_WORD_LEN: usize = 4;

/// Reads the text that a delta inserts.
pub(super) struct DeltaText<R> {
    delta: R,
    state: DeltaState,
    text: Vec<u8>,
    /// Bytes of `text` that were read.
    consumed_len: usize,
    /// Bytes of `text` that may be read. After them, there is a word that may continue in the base.
    complete_len: usize,
    /// Whether the current word may have begun in the base.
    is_in_word: bool,
    /// Bytes left out of the current word, which may have begun in the base.
    left_out_len: usize,
    is_word_left_out: bool,
    is_malformed: bool,
}

/// The position in a delta.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeltaState {
    /// Before the sizes of base and result, with the number of sizes left.
    Sizes(u8),
    /// Before an instruction.
    Instruction,
    /// In inserted text, with the number of bytes left.
    Insert(u8),
    /// In the arguments of a copy instruction, with the number of bytes left.
    Copy(u32),
    End,
}

impl<R: BufRead> DeltaText<R> {
    /// `delta` is the decompressed data of a pack entry.
    pub(super) fn new(delta: R) -> Self {
        Self {
            delta,
            state: DeltaState::Sizes(2),
            text: Vec::new(),
            consumed_len: 0,
            complete_len: 0,
            is_in_word: false,
            left_out_len: 0,
            is_word_left_out: false,
            is_malformed: false,
        }
    }

    /// Why the text read so far is not all that the delta inserts; `None` if it is.
    pub(super) fn omission(&self) -> Option<&'static str> {
        match (self.is_malformed, self.is_word_left_out) {
            (true, _) => {
                Some("the delta is malformed or truncated; the text it inserts before that was scanned")
            }
            (_, true) => Some(
                "the base of the delta is missing; the text it inserts was scanned without words that may continue in the base",
            ),
            _ => None,
        }
    }

    /// Processes the next part of the delta.
    fn advance(&mut self) -> io::Result<()> {
        let input = self.delta.fill_buf()?;
        let Some(&first) = input.first() else {
            // A truncated word may continue, too.
            match self.state {
                DeltaState::Instruction => self.complete_len = self.text.len(),
                _ => {
                    self.text.truncate(self.complete_len);
                    self.is_malformed = true;
                }
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
            DeltaState::Instruction if first == 0 => {
                self.is_malformed = true;
                DeltaState::End
            }
            DeltaState::Instruction => DeltaState::Insert(first),
            DeltaState::Insert(left) => {
                count = input.len().min(left.into());
                let (text, is_in_word) = (&mut self.text, &mut self.is_in_word);
                if *is_in_word {
                    let word = input[..count].iter().take_while(|byte| is_word_byte(**byte)).count();
                    self.left_out_len += word;
                    self.is_word_left_out |= self.left_out_len >= MIN_WORD_LEN;
                }
                append_inserted(&input[..count], text, &mut self.complete_len, is_in_word);
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
            self.replace_copied_bytes();
        }
        Ok(())
    }

    /// Ends a word before copied bytes and appends a separator.
    fn replace_copied_bytes(&mut self) {
        self.is_word_left_out |= self.text.len() - self.complete_len >= MIN_WORD_LEN;
        self.left_out_len = 0;
        self.text.truncate(self.complete_len);
        self.text.extend_from_slice(MISSING_BYTES);
        self.complete_len = self.text.len();
        self.is_in_word = true;
    }
}

/// Appends `inserted` to `text`, and moves `complete_len` to the start of its last word. If `is_in_word`, the text begins
/// in a word that is left out.
fn append_inserted(inserted: &[u8], text: &mut Vec<u8>, complete_len: &mut usize, is_in_word: &mut bool) {
    let mut inserted = inserted;
    if *is_in_word {
        let end = inserted.iter().position(|byte| !is_word_byte(*byte));
        inserted = &inserted[end.unwrap_or(inserted.len())..];
        *is_in_word = end.is_none();
    }
    text.extend_from_slice(inserted);
    let word = text[*complete_len..].iter().rev().take_while(|byte| is_word_byte(**byte)).count();
    *complete_len = text.len() - word.min(MAX_WORD_LEN);
}

/// Whether a key, encoded in any way, may continue after `byte`. UTF-16 has zeros in between.
fn is_word_byte(byte: u8) -> bool {
    !matches!(
        byte,
        b'\t' | b'\n' | b'\r' | b' ' | b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'>' | b'(' | b')'
    )
}

impl<R: BufRead> Read for DeltaText<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.consumed_len == self.complete_len && self.state != DeltaState::End {
            self.text.drain(..self.consumed_len);
            (self.consumed_len, self.complete_len) = (0, self.complete_len - self.consumed_len);
            self.advance()?;
        }
        let count = (&self.text[self.consumed_len..self.complete_len]).read(buffer)?;
        self.consumed_len += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(delta: &[u8]) -> String {
        let mut text = Vec::new();
        for capacity in [1, 2, 7, 1000] {
            let mut output = Vec::new();
            DeltaText::new(io::BufReader::with_capacity(capacity, delta)).read_to_end(&mut output).unwrap();
            assert!(capacity == 1 || output == text, "the text depends on the buffer's capacity, {capacity}");
            text = output;
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
            assert_eq!(read_text(&[&sizes[..], &parts.concat()].concat()), text);
        }
        assert_eq!(read_text(b""), "");
    }

    #[test]
    fn what_is_left_out_is_known() {
        let omission = |parts: &[&[u8]]| {
            let delta = parts.concat();
            let mut text = DeltaText::new(&delta[..]);
            text.read_to_end(&mut Vec::new()).unwrap();
            text.omission()
        };
        let (sizes, copy, words) = (&[5, 5][..], &[0x91, 0x10, 0x20][..], insert("some words"));
        for complete in
            [&[sizes][..], &[sizes, copy], &[sizes, copy, &insert("one a word two"), copy], &[sizes, &words]]
        {
            assert_eq!(omission(complete), None, "{complete:?}");
        }
        for edge in [&[copy, &words][..], &[&words, copy], &[copy, &insert("word"), copy]] {
            let reason = omission(&[&[sizes], edge].concat()).unwrap();
            assert!(reason.contains("may continue in the base"), "{reason}");
        }
        for malformed in [&[][..], &[sizes, &[9, b'a']], &[sizes, &copy[..2]], &[sizes, &[0], &words]] {
            let reason = omission(malformed).unwrap();
            assert!(reason.contains("malformed or truncated"), "{reason}");
        }
    }
}
