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
    let mut used_columns = visible_width(first);
    let mut is_first_segment = true;
    for (segment, follows_space) in segments(text) {
        let width = visible_width(segment);
        let space = usize::from(follows_space);
        let fits = style.width.is_none_or(|columns| used_columns + space + width <= columns);
        if !fits && segment.is_empty() {
            // A second space, which is dropped at the start of a line.
            continue;
        }
        if !fits && (!is_first_segment || used_columns > indent) {
            writeln!(out, "{}", line.trim_end_matches(' '))?;
            line = format!("{}{segment}", " ".repeat(indent));
            used_columns = indent + width;
        } else {
            line.push_str(&" ".repeat(space));
            line.push_str(segment);
            used_columns += space + width;
        }
        is_first_segment = false;
    }
    writeln!(out, "{line}")
}

/// The segments between which a line may break, and for each whether a space precedes it.
fn segments(text: &str) -> Vec<(&str, bool)> {
    let is_wide = |c: char| c.width() == Some(2);
    let mut segments = Vec::new();
    for (word_index, word) in text.split(' ').enumerate() {
        let mut start = 0;
        let mut previous = None;
        for (offset, c) in word.char_indices() {
            // A combining mark stays with its character.
            if previous.is_some_and(|previous| is_wide(previous) || is_wide(c)) && c.width() != Some(0) {
                segments.push((&word[start..offset], word_index > 0 && start == 0));
                start = offset;
            }
            previous = Some(c);
        }
        segments.push((&word[start..], word_index > 0 && start == 0));
    }
    segments
}

/// The width in columns of text that may contain color codes.
fn visible_width(text: &str) -> usize {
    let mut width = 0;
    for (index, part) in text.split("\u{1b}[").enumerate() {
        let visible = if index == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) };
        width += visible.width();
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap_to_string(first: &str, text: &str, indent: usize, width: Option<usize>) -> String {
        let mut out = Vec::new();
        write(first, text, indent, &Style { width, ..Style::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_move_to_the_next_line() {
        assert_eq!(wrap_to_string("  ", "one two three", 4, Some(9)), "  one two\n    three\n");
        assert_eq!(wrap_to_string("", "one two", 2, None), "one two\n");
        assert_eq!(wrap_to_string("", "a verylongword b", 2, Some(6)), "a\n  verylongword\n  b\n");
        assert_eq!(wrap_to_string("", "鍵 鍵 鍵", 0, Some(5)), "鍵 鍵\n鍵\n");
        assert_eq!(wrap_to_string("", "鍵鍵鍵鍵 a", 1, Some(5)), "鍵鍵\n 鍵鍵\n a\n");
        assert_eq!(wrap_to_string("  ", "one  two", 2, Some(6)), "  one\n  two\n");
        assert_eq!(wrap_to_string("  ", "one  two", 2, Some(5)), "  one\n  two\n");
        assert_eq!(wrap_to_string("", "key鍵", 1, Some(4)), "key\n 鍵\n");
        assert_eq!(wrap_to_string("", "\u{1b}[1mab\u{1b}[0m cd", 0, Some(5)), "\u{1b}[1mab\u{1b}[0m cd\n");
    }
}
