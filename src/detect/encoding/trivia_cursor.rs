//! Skips trivia between two literals: blanks, line breaks (literal or escaped), and comments.

use super::line_continuation::{indent, line_break, repeated_prefix_len};
use super::token::MAX_BACKSLASHES;
use crate::detect::effort::spend;

/// Maximum number of line breaks between two literals.
const MAX_LINES: usize = 4;

/// Maximum length of a comment, in bytes.
const MAX_COMMENT_LEN: usize = 80;

/// Reads the text after a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct TriviaCursor<'a> {
    text: &'a [u8],
    /// The current offset.
    pub(super) offset: usize,
    /// The end of the text that may be read.
    end: usize,
    /// Line breaks read so far.
    pub(super) lines: usize,
}

impl<'a> TriviaCursor<'a> {
    pub(super) fn new(text: &'a [u8], offset: usize, end: usize) -> Self {
        Self { text, offset, end, lines: 0 }
    }

    /// The remaining text.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text[self.offset.min(self.end)..self.end]
    }

    /// Skips `token` if it is next. Returns whether it was.
    pub(super) fn skip(&mut self, token: &[u8]) -> bool {
        let is_next = self.rest().starts_with(token);
        self.offset += if is_next { token.len() } else { 0 };
        is_next
    }

    /// Skips all trivia. `None` if there are more than [`MAX_LINES`] line breaks.
    pub(super) fn skip_trivia(&mut self) -> Option<()> {
        loop {
            spend(4);
            self.offset += indent(self.rest());
            if let Some((len, is_escaped)) = self.line_end() {
                self.lines += 1;
                if self.lines > MAX_LINES {
                    return None;
                }
                let line = self.offset;
                self.offset += len;
                self.offset += repeated_prefix_len(&self.text[..self.end], line, self.offset, is_escaped);
                if is_escaped {
                    self.skip_notebook_line_end();
                }
            } else if let Some(len) = comment(self.rest()) {
                self.offset += len;
            } else {
                return Some(());
            }
        }
    }

    /// The length of the next line break, and whether it is escaped.
    fn line_end(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        line_break(rest).map(|len| (len, false)).or_else(|| escaped_line_break(rest).map(|len| (len, true)))
    }

    /// Skips what separates two lines of a cell in a notebook, where each is a string that ends with an escaped line
    /// break: `",`, a line break, and `"`.
    fn skip_notebook_line_end(&mut self) {
        let mut ahead = *self;
        if !ahead.skip(b"\"") {
            return;
        }
        ahead.skip(b",");
        ahead.offset += indent(ahead.rest());
        let Some(len) = line_break(ahead.rest()) else { return };
        let line = ahead.offset;
        ahead.offset += len;
        ahead.offset += repeated_prefix_len(&self.text[..self.end], line, ahead.offset, false);
        ahead.offset += indent(ahead.rest());
        if ahead.skip(b"\"") {
            *self = ahead;
        }
    }
}

/// `\n` or `\r\n`, at any depth of nested literals.
fn escaped_line_break(rest: &[u8]) -> Option<usize> {
    let slashes = rest.iter().take(MAX_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    match rest.get(slashes).filter(|_| slashes > 0)? {
        b'n' => Some(slashes + 1),
        b'r' => escaped_line_break(&rest[slashes + 1..]).filter(|&len| len == slashes + 1).map(|len| 2 * len),
        _ => None,
    }
}

/// The length of a comment, without the line break at its end. `None` for a comment that contains quotes or `&`.
fn comment(rest: &[u8]) -> Option<usize> {
    let near = &rest[..rest.len().min(MAX_COMMENT_LEN)];
    let is_line_comment = [&b"//"[..], b"#", b"--"].iter().any(|sign| near.starts_with(sign));
    spend(if is_line_comment { near.len() } else { 0 });
    let len = if near.starts_with(b"/*") {
        memchr::memmem::find(near, b"*/")? + 2
    } else if is_line_comment {
        (0..near.len()).find(|&at| near[at] == b'\n' || escaped_line_break(&near[at..]).is_some())?
    } else {
        return None;
    };
    let len = if near[..len].ends_with(b"\r") { len - 1 } else { len };
    (!near[..len].iter().any(|byte| b"\"'`&".contains(byte))).then_some(len)
}
