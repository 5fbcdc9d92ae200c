//! Keeps lines from starting a CI runner command: for GitHub, `::` and a name such as `error`, after any white space; for
//! Buildkite `---`, `+++`, `~~~` and `^^^`, which open and close groups. No line that friskey writes for people may start
//! like that, even in untrusted text.

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
    /// After an ESC at the start of a line.
    Escape,
    /// In a color code at the start of a line.
    ColorCode,
    /// After `count` times the same byte at the start of a line, not written yet, since a command may start with them.
    Pending { byte: u8, count: u8 },
    /// After the start of a line; no command can start any more.
    InLine,
}

/// How many times a byte must be repeated to start a command; `None` if it starts none.
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

    /// Writes the pending bytes and flushes the output. To be called at the end.
    pub(in crate::report) fn finish(mut self) -> io::Result<()> {
        self.write_pending()?;
        self.out.flush()
    }

    /// Writes the pending bytes as they are.
    fn write_pending(&mut self) -> io::Result<()> {
        if let LineState::Pending { byte, count } = self.state {
            self.out.write_all(&vec![byte; usize::from(count)])?;
        }
        Ok(())
    }

    fn write_byte(&mut self, byte: u8) -> io::Result<()> {
        self.state = match (self.state, byte) {
            (LineState::Pending { byte: pending, count }, _) if pending == byte => {
                let count = count + 1;
                if command_len(byte).is_some_and(|len| count < len) {
                    self.state = LineState::Pending { byte, count };
                    return Ok(());
                }
                write!(self.out, "\\u{{{byte:x}}}")?;
                self.out.write_all(&vec![byte; usize::from(count - 2)])?;
                LineState::InLine
            }
            (LineState::Pending { .. }, _) => {
                self.write_pending()?;
                LineState::InLine
            }
            (LineState::Start, _) if command_len(byte).is_some() => {
                self.state = LineState::Pending { byte, count: 1 };
                return Ok(());
            }
            (LineState::Start, 0x1b) => LineState::Escape,
            (LineState::Escape, b'[') => LineState::ColorCode,
            (LineState::ColorCode, b'0'..=b'?') => LineState::ColorCode,
            (LineState::ColorCode, _) => LineState::Start,
            (LineState::Start, 0..=b' ' | 0x7f..) => LineState::Start,
            _ => LineState::InLine,
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
            if self.state == LineState::InLine {
                // The rest of a line, which is most of all text, is written at once.
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
                self.out.write_all(&rest[..end])?;
                if rest[end - 1] == b'\n' {
                    self.state = LineState::Start;
                }
                rest = &rest[end..];
            } else {
                self.write_byte(*first)?;
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

    fn write_all(parts: &[&str]) -> String {
        let mut out = Vec::new();
        let mut guard = LineStarts::new(&mut out);
        parts.iter().for_each(|part| guard.write_all(part.as_bytes()).unwrap());
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
                assert_eq!(write_all(&[&text]), expected);
                for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                    assert_eq!(write_all(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn no_line_opens_or_closes_a_group() {
        for command in ["---", "+++", "~~~", "^^^"] {
            let escaped = format!("\\u{{{:x}}}{}", command.as_bytes()[0], &command[1..]);
            for (before, after) in [("", " a"), ("a\n  ", ""), ("\x1b[1m", "\n"), ("\n", command)] {
                let text = format!("{before}{command}{after}");
                let expected = format!("{before}{escaped}{after}");
                for cut in 0..=text.len() {
                    assert_eq!(write_all(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
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
            assert_eq!(write_all(&[text]), text);
        }
    }
}
