//! Keeps lines from starting a CI runner command: `::error` and the like after any white space (GitHub), or one of
//! the markers `---`, `+++`, `~~~` and `^^^`, which open and close groups (Buildkite). No line that friskey writes
//! for people may start that way, even in untrusted text.

use std::io::{self, Write};

/// Passes text through, but escapes the first character of a command at the start of a line: `::` becomes `\u{3a}:`.
pub(in crate::report) struct LineStarts<W> {
    out: W,
    state: LineState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineState {
    /// Only white space since the line started. Any non-ASCII character may be white space.
    Start,
    /// After ESC.
    Escape,
    /// Inside a color code.
    Code,
    /// After so many of the same character, which are not written yet: a command may start with them.
    Held {
        byte: u8,
        count: u8,
    },
    Within,
}

/// How many of this character in a row start a command.
fn command_len(byte: u8) -> Option<u8> {
    match byte {
        b':' => Some(2),
        b'-' | b'+' | b'~' | b'^' => Some(3),
        _ => None,
    }
}

impl<W: Write> LineStarts<W> {
    pub(in crate::report) fn new(out: W) -> Self {
        Self { out, state: LineState::Start }
    }

    /// Writes the characters that are still held back. To be called at the end.
    pub(in crate::report) fn finish(mut self) -> io::Result<()> {
        self.release()?;
        self.out.flush()
    }

    /// Writes the characters that were held back as they are.
    fn release(&mut self) -> io::Result<()> {
        if let LineState::Held { byte, count } = self.state {
            self.out.write_all(&vec![byte; usize::from(count)])?;
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.state = match (self.state, byte) {
            (LineState::Held { byte: held, count }, _) if held == byte => {
                let count = count + 1;
                if command_len(byte).is_some_and(|len| count < len) {
                    self.state = LineState::Held { byte, count };
                    return Ok(());
                }
                write!(self.out, "\\u{{{byte:x}}}")?;
                self.out.write_all(&vec![byte; usize::from(count - 2)])?;
                LineState::Within
            }
            (LineState::Held { .. }, _) => {
                self.release()?;
                LineState::Within
            }
            (LineState::Start, _) if command_len(byte).is_some() => {
                self.state = LineState::Held { byte, count: 1 };
                return Ok(());
            }
            (LineState::Start, 0x1b) => LineState::Escape,
            (LineState::Escape, b'[') => LineState::Code,
            (LineState::Code, b'0'..=b'?') => LineState::Code,
            (LineState::Code, _) => LineState::Start,
            (LineState::Start, 0..=b' ' | 0x7f..) => LineState::Start,
            _ => LineState::Within,
        };
        if byte == b'\n' {
            self.state = LineState::Start;
        }
        self.out.write_all(&[byte])
    }
}

impl<W: Write> Write for LineStarts<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let [first, ..] = rest {
            if self.state == LineState::Within {
                // The bulk of all text: skip to the next line.
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                self.out.write_all(&rest[..end])?;
                if rest[end - 1] == b'\n' {
                    self.state = LineState::Start;
                }
                rest = &rest[end..];
            } else {
                self.byte(*first)?;
                rest = &rest[1..];
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pieces: &[&str]) -> String {
        let mut out = Vec::new();
        let mut guard = LineStarts::new(&mut out);
        pieces.iter().for_each(|piece| guard.write_all(piece.as_bytes()).unwrap());
        guard.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_line_starts_a_command() {
        for before in
            ["", " ", "\t \u{a0}", "\u{feff}", "\u{200b}", "\x1b[1;31m", "\r", "\x0b\x0c", "\x1b[0m \x1b[2m"]
        {
            for text in [format!("{before}::error::x"), format!("a\n{before}::error::x")] {
                let expected = text.replace("::error", "\\u{3a}:error");
                assert_eq!(passed(&[&text]), expected);
                for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                    assert_eq!(passed(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn no_line_opens_or_closes_a_group() {
        for marker in ["---", "+++", "~~~", "^^^"] {
            let escaped = format!("\\u{{{:x}}}{}", marker.as_bytes()[0], &marker[1..]);
            for (before, after) in [("", " a"), ("a\n  ", ""), ("\x1b[1m", "\n"), ("\n", marker)] {
                let text = format!("{before}{marker}{after}");
                let expected = format!("{before}{escaped}{after}");
                for cut in 0..=text.len() {
                    assert_eq!(passed(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in [
            "",
            ":",
            "a::b\n:c\n: :\n",
            "x \x1b[1m::error",
            "\n\n  a: b\n:",
            "--",
            "-- a\n- b\n--\n+-+",
            "a --- b",
        ] {
            assert_eq!(passed(&[text]), text);
        }
    }
}
