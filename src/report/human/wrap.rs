//! Wraps text to the width of the terminal.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Style;

/// Writes `first` and then `text` on as many lines as it takes, each later one indented by `indent` columns. A word that
/// is longer than a line stays whole, so that it can be copied. Colors take no room.
pub(super) fn write(
    first: &str,
    text: &str,
    indent: usize,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{first}")?;
    let mut used = visible_width(first);
    let mut is_first_word = true;
    for word in text.split(' ') {
        let width = visible_width(word);
        let space = usize::from(!is_first_word);
        let fits = style.width.is_none_or(|columns| used + space + width <= columns);
        if !fits && (!is_first_word || used > indent) {
            write!(out, "\n{}{word}", " ".repeat(indent))?;
            used = indent + width;
        } else {
            write!(out, "{}{word}", " ".repeat(space))?;
            used += space + width;
        }
        is_first_word = false;
    }
    writeln!(out)
}

/// The columns of text that may have color codes in it.
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
        assert_eq!(wrapped("", "\u{1b}[1mab\u{1b}[0m cd", 0, Some(5)), "\u{1b}[1mab\u{1b}[0m cd\n");
    }
}
