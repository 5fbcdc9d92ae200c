//! What may stand between two literals besides an operator: blanks, ends of lines, real ones or spelt out, and comments.

use super::escapes::MOST_BACKSLASHES;
use super::line_continuation::{indent, line_break, repeated};

/// The most line breaks in one seam.
const MOST_LINES: usize = 4;

/// The longest comment.
const MOST_COMMENT: usize = 80;

/// Reads on behind a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct TriviaCursor<'a> {
    text: &'a [u8],
    /// Where reading stands, and where it must end.
    pub(super) at: usize,
    end: usize,
    /// Line breaks that were passed.
    pub(super) lines: usize,
}

impl<'a> TriviaCursor<'a> {
    pub(super) fn new(text: &'a [u8], at: usize, end: usize) -> Self {
        Self { text, at, end, lines: 0 }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text[self.at.min(self.end)..self.end]
    }

    /// Goes on behind `token`, if it comes next.
    pub(super) fn skip(&mut self, token: &[u8]) -> bool {
        let comes = self.rest().starts_with(token);
        self.at += if comes { token.len() } else { 0 };
        comes
    }

    /// Goes on behind all that says nothing.
    pub(super) fn blank(&mut self) -> Option<()> {
        loop {
            self.at += indent(self.rest());
            if let Some((len, spelt)) = self.line_end() {
                self.lines += 1;
                if self.lines > MOST_LINES {
                    return None;
                }
                let line = self.at;
                self.at += len;
                self.at += repeated(&self.text[..self.end], line, self.at, spelt);
                if spelt {
                    self.next_string();
                }
            } else if let Some(len) = comment(self.rest()) {
                self.at += len;
            } else {
                return Some(());
            }
        }
    }

    /// The length of the line break that comes next, and whether it is spelt out.
    fn line_end(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        line_break(rest).map(|len| (len, false)).or_else(|| spelt_break(rest).map(|len| (len, true)))
    }

    /// In a notebook each line is a string of its own, with its end spelt out: `\n",` and `"` in the next line.
    fn next_string(&mut self) {
        let mut ahead = *self;
        if !ahead.skip(b"\"") {
            return;
        }
        ahead.skip(b",");
        ahead.at += indent(ahead.rest());
        let Some(len) = line_break(ahead.rest()) else { return };
        let line = ahead.at;
        ahead.at += len;
        ahead.at += repeated(&self.text[..self.end], line, ahead.at, false);
        ahead.at += indent(ahead.rest());
        if ahead.skip(b"\"") {
            *self = ahead;
        }
    }
}

/// `\n`, `\r\n`, however often it was put into another literal.
fn spelt_break(rest: &[u8]) -> Option<usize> {
    let slashes = rest.iter().take(MOST_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    match rest.get(slashes).filter(|_| slashes > 0)? {
        b'n' => Some(slashes + 1),
        b'r' => spelt_break(&rest[slashes + 1..]).filter(|&len| len == slashes + 1).map(|len| 2 * len),
        _ => None,
    }
}

/// The length of a comment, without the line break at its end. One with quotes in it may be anything.
fn comment(rest: &[u8]) -> Option<usize> {
    let near = &rest[..rest.len().min(MOST_COMMENT)];
    let len = if near.starts_with(b"/*") {
        memchr::memmem::find(near, b"*/")? + 2
    } else if [&b"//"[..], b"#", b"--"].iter().any(|mark| near.starts_with(mark)) {
        (0..near.len()).find(|&at| near[at] == b'\n' || spelt_break(&near[at..]).is_some())?
    } else {
        return None;
    };
    let len = if near[..len].ends_with(b"\r") { len - 1 } else { len };
    (!near[..len].iter().any(|byte| b"\"'`&".contains(byte))).then_some(len)
}
