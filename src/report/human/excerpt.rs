//! The source line of a finding, with carets under the redacted key.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Style;
use super::palette::{ALARM, GUTTER, paint};
use crate::model::Excerpt;
use crate::report::escape;

/// Columns that are kept before the key when the terminal is too narrow for the whole line.
const MIN_COLUMNS_BEFORE: usize = 20;

pub(super) fn write(excerpt: &Excerpt, line: u64, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let number = line.to_string();
    let blank = " ".repeat(number.len());
    let bar = paint(style.color, GUTTER, "|");
    let (before, key, after) =
        split_at_key(excerpt, style.width.map(|width| width.saturating_sub(number.len() + 3)));
    writeln!(out, "{blank} {bar}")?;
    let painted = if key.is_empty() { String::new() } else { paint(style.color, ALARM, &key) };
    writeln!(out, "{} {bar} {before}{painted}{after}", paint(style.color, GUTTER, &number))?;
    if key.is_empty() {
        return Ok(());
    }
    let indent = " ".repeat(before.width());
    let carets = paint(style.color, ALARM, "^".repeat(key.width().max(1)));
    writeln!(out, "{blank} {bar} {indent}{carets}")
}

/// The text before the key, the key, and the text after it, safe to print and cut to `width` columns.
fn split_at_key(excerpt: &Excerpt, width: Option<usize>) -> (String, String, String) {
    let text = &excerpt.text;
    let split = (text.get(..excerpt.start), text.get(excerpt.start..excerpt.end), text.get(excerpt.end..));
    let (before, key, after) = match split {
        (Some(before), Some(key), Some(after)) => (before, key, after),
        // If the positions do not fit the text, nothing is marked.
        _ => (text.as_str(), "", ""),
    };
    let (before, key, after) = (printable(before), printable(key), printable(after));
    let Some(width) = width else {
        return (before, key, after);
    };
    if before.width() + key.width() + after.width() <= width {
        return (before, key, after);
    }
    let columns = width.saturating_sub(key.width());
    let before =
        last_columns(&before, columns.min(MIN_COLUMNS_BEFORE.max(columns.saturating_sub(after.width()))));
    let after = first_columns(&after, columns.saturating_sub(before.width()));
    (before, key, after)
}

/// Expands tabs to four columns and escapes everything else.
fn printable(text: &str) -> String {
    escape::line(&text.replace('\t', "    ")).into_owned()
}

/// The start of the text in at most `columns` columns, with `…` for the rest.
fn first_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut end = 0;
    for (offset, c) in text.char_indices() {
        let next = offset + c.len_utf8();
        if text[..next].width() >= columns {
            break;
        }
        end = next;
    }
    format!("{}…", &text[..end])
}

/// The end of the text in at most `columns` columns, with `…` for the rest.
fn last_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let start =
        text.char_indices().map(|(offset, _)| offset).find(|&offset| text[offset..].width() < columns);
    format!("…{}", &text[start.unwrap_or(text.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_to_string(text: &str, key: &str, width: Option<usize>) -> String {
        let start = text.find(key).unwrap();
        let excerpt = Excerpt { text: text.to_owned(), start, end: start + key.len() };
        let mut out = Vec::new();
        write(&excerpt, 12, &Style { width, ..Style::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn carets_are_under_the_key() {
        assert_eq!(
            write_to_string("a = sk-…wxyz;", "sk-…wxyz", None),
            "   |\n12 | a = sk-…wxyz;\n   |     ^^^^^^^^\n"
        );
    }

    #[test]
    fn wide_characters_and_tabs_keep_the_carets_in_place() {
        assert_eq!(write_to_string("\t鍵=sk-…", "sk-…", None), "   |\n12 |     鍵=sk-…\n   |        ^^^^\n");
    }

    #[test]
    fn a_narrow_terminal_truncates_around_the_key() {
        let text = format!("{}sk-…wxyz{}", "b".repeat(100), "a".repeat(100));
        for width in 0..200 {
            let lines = write_to_string(&text, "sk-…wxyz", Some(width));
            assert!(lines.contains("sk-…wxyz"));
            assert!(width < 20 || lines.lines().all(|line| line.width() <= width), "{width}: {lines}");
        }
    }

    #[test]
    fn positions_outside_the_text_mark_nothing() {
        let excerpt = Excerpt { text: "é".to_owned(), start: 1, end: 9 };
        let mut out = Vec::new();
        write(&excerpt, 1, &Style::default(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  |\n1 | é\n");
    }
}
