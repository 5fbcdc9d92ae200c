//! Wraps text to the width of the terminal.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;

/// Writes `first` and then `text`, wrapped, with each further line indented by `indent` columns. A word that is
/// longer than a line is not broken, so that it can be copied, but lines may break next to wide characters, since
/// their scripts have no spaces. Color codes have no width.
pub(super) fn write(
    first: &str,
    text: &str,
    indent: usize,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = first.to_owned();
    let mut used = visible_width(first);
    let mut is_first_piece = true;
    for (piece, follows_space) in pieces(text) {
        let width = visible_width(piece);
        let space = usize::from(follows_space);
        let fits = style.width.is_none_or(|columns| used + space + width <= columns);
        if !fits && piece.is_empty() {
            // A second space, which is dropped at the start of a line.
            continue;
        }
        if !fits && (!is_first_piece || used > indent) {
            writeln!(out, "{}", line.trim_end_matches(' '))?;
            line = format!("{}{piece}", " ".repeat(indent));
            used = indent + width;
        } else {
            line.push_str(&" ".repeat(space));
            line.push_str(piece);
            used += space + width;
        }
        is_first_piece = false;
    }
    writeln!(out, "{line}")
}

/// The pieces between which a line may break, and whether a space comes before each.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let is_wide = |c: char| c.width() == Some(2);
    let mut pieces = Vec::new();
    for (nth, word) in text.split(' ').enumerate() {
        let mut start = 0;
        let mut before = None;
        for (at, c) in word.char_indices() {
            // A combining mark stays with its character.
            if before.is_some_and(|before| is_wide(before) || is_wide(c)) && c.width() != Some(0) {
                pieces.push((&word[start..at], nth > 0 && start == 0));
                start = at;
            }
            before = Some(c);
        }
        pieces.push((&word[start..], nth > 0 && start == 0));
    }
    pieces
}

/// The width in columns of text that may contain color codes.
fn visible_width(text: &str) -> usize {
    let mut width = 0;
    for (nth, part) in text.split("\u{1b}[").enumerate() {
        let shown = if nth == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) };
        width += shown.width();
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(first: &str, text: &str, indent: usize, width: Option<usize>) -> String {
        let mut out = Vec::new();
        write(first, text, indent, &Style { width, ..Style::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_move_to_the_next_line() {
        assert_eq!(wrapped("  ", "one two three", 4, Some(9)), "  one two\n    three\n");
        assert_eq!(wrapped("", "one two", 2, None), "one two\n");
        assert_eq!(wrapped("", "a verylongword b", 2, Some(6)), "a\n  verylongword\n  b\n");
        assert_eq!(wrapped("", "鍵 鍵 鍵", 0, Some(5)), "鍵 鍵\n鍵\n");
        assert_eq!(wrapped("", "鍵鍵鍵鍵 a", 1, Some(5)), "鍵鍵\n 鍵鍵\n a\n");
        assert_eq!(wrapped("  ", "one  two", 2, Some(6)), "  one\n  two\n");
        assert_eq!(wrapped("  ", "one  two", 2, Some(5)), "  one\n  two\n");
        assert_eq!(wrapped("", "key鍵", 1, Some(4)), "key\n 鍵\n");
        assert_eq!(wrapped("", "\u{1b}[1mab\u{1b}[0m cd", 0, Some(5)), "\u{1b}[1mab\u{1b}[0m cd\n");
    }
}
