//! Finds the quotes around a value, at any depth of nested quoting: `"`, `\"`, `\\\"`, `""`, `"""`, `&quot;`, `%22`.

use std::ops::Range;

/// Maximum length of a value that is masked, in bytes.
pub(super) const MAX_VALUE_LEN: usize = 4096;

/// Escaped quotes, which are closed by the same text.
const ESCAPED_QUOTES: &[&str] = &[
    "&quot;", "&#34;", "&#x22;", "&apos;", "&#39;", "&#x27;", "%22", "%27", "\\u0022", "\\u0027", "\\x22",
    "\\x27",
];

/// Typographic quotes and their closing counterparts.
const TYPOGRAPHIC: &[(&str, &str)] = &[("“", "”"), ("‘", "’"), ("„", "“"), ("«", "»"), ("”", "”")];

/// An opening quote.
#[derive(Clone, Debug)]
pub(super) struct OpeningQuote {
    closing: Closing,
    /// Start of the quoted text.
    pub(super) end: usize,
}

/// The quote that closes an opening one.
#[derive(Clone, Debug)]
enum Closing {
    /// The same character after the same number of backslashes.
    Escaped { quote: u8, backslashes: usize },
    /// The same text.
    Literal(Vec<u8>),
}

/// The range of a quoted text, and the end of its closing quote.
#[derive(Clone, Debug)]
pub(super) struct Quoted {
    pub(super) content: Range<usize>,
    pub(super) end: usize,
}

/// The opening quote at `at`, with the backslashes before it.
pub(super) fn opening_quote(text: &[u8], at: usize) -> Option<OpeningQuote> {
    let rest = &text[at..];
    let first = *rest.first()?;
    if first == b'&' || first == b'%' || first == b'\\' {
        let escaped = ESCAPED_QUOTES.iter().find(|escaped| rest.starts_with(escaped.as_bytes()));
        if let Some(escaped) = escaped {
            let closing = Closing::Literal(escaped.as_bytes().to_vec());
            return Some(OpeningQuote { closing, end: at + escaped.len() });
        }
    }
    if first >= 0x80 {
        let (open, close) = TYPOGRAPHIC.iter().find(|(open, _)| rest.starts_with(open.as_bytes()))?;
        return Some(OpeningQuote {
            closing: Closing::Literal(close.as_bytes().to_vec()),
            end: at + open.len(),
        });
    }
    let backslashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    let quote = *rest.get(backslashes).filter(|byte| is_quote(**byte))?;
    let end = at + backslashes + 1;
    let same = text[end..].iter().take(3).take_while(|byte| **byte == quote).count();
    if backslashes == 0 && same >= 2 {
        return Some(OpeningQuote { closing: Closing::Literal(vec![quote; 3]), end: end + 2 });
    }
    // `""password""` within text that doubles its quotes; but `""` alone is an empty string.
    let is_doubled = same == 1
        && text
            .get(end + 1)
            .is_some_and(|next| !next.is_ascii_whitespace() && !b",;:)]}>+.|&".contains(next));
    if backslashes == 0 && is_doubled {
        return Some(OpeningQuote { closing: Closing::Literal(vec![quote; 2]), end: end + 1 });
    }
    Some(OpeningQuote { closing: Closing::Escaped { quote, backslashes }, end })
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

impl OpeningQuote {
    /// Whether a quote on the same line closes it. If not, it may be an apostrophe.
    pub(super) fn is_closed(&self, text: &[u8]) -> bool {
        let quoted = self.quoted_text(text);
        quoted.end > quoted.content.end
    }

    /// The quoted text: up to the closing quote, or the end of the line.
    pub(super) fn quoted_text(&self, text: &[u8]) -> Quoted {
        let limit = text.len().min(self.end + MAX_VALUE_LEN);
        let is_multiline = matches!(&self.closing, Closing::Literal(closing) if closing.len() == 3);
        let line_end = if is_multiline { None } else { memchr::memchr(b'\n', &text[self.end..limit]) };
        let limit = line_end.map_or(limit, |length| self.end + length);
        let span = match &self.closing {
            Closing::Literal(closing) => {
                let length = memchr::memmem::find(&text[self.end..limit], closing);
                length.map(|length| (self.end + length, self.end + length + closing.len()))
            }
            Closing::Escaped { quote, backslashes } => {
                closing_quote(text, self.end..limit, *quote, *backslashes)
            }
        };
        let (until, end) = span.unwrap_or((limit, limit));
        Quoted { content: self.end..until, end }
    }
}

/// Start of the closing quote, including its backslashes, and its end.
///
/// At depth `d` of nesting, a quote has `2^d - 1` backslashes, plus `2^(d+1)` for each backslash at the end of the quoted
/// text.
fn closing_quote(text: &[u8], range: Range<usize>, quote: u8, backslashes: usize) -> Option<(usize, usize)> {
    let mut from = range.start;
    while let Some(next) = memchr::memchr(quote, &text[from..range.end]) {
        let at = from + next;
        let count = text[range.start..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        let is_doubled =
            backslashes == 0 && count == 0 && at > range.start && text.get(at + 1) == Some(&quote);
        if is_doubled && at + 1 < range.end {
            from = at + 2;
            continue;
        }
        let period = 2 * (backslashes + 1);
        if count < backslashes || count % period == backslashes {
            return Some((at - count.min(backslashes), at + 1));
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_quote_is_of_the_same_depth() {
        for (text, content) in [
            (r#""abc" x"#, "abc"),
            (r#""a\"b" x"#, r#"a\"b"#),
            (r#""ab\\" "x""#, r#"ab\\"#),
            (r#"\"a\\\"b\" \"x\""#, r#"a\\\"b"#),
            (r#"\\\"ab\\\" \\\"x"#, "ab"),
            (r#"\"ab" x"#, "ab"),
            ("'it''s' x", "it''s"),
            (r#"""ab"",""c"""#, "ab"),
            (r#""""ab"c""" x"#, r#"ab"c"#),
            (r#""", "x""#, ""),
            ("&quot;ab'c&quot; x", "ab'c"),
            ("“ab” x", "ab"),
            ("\"abc\nd\"", "abc"),
        ] {
            let quote = opening_quote(text.as_bytes(), 0).unwrap();
            let quoted = quote.quoted_text(text.as_bytes());
            assert_eq!(&text[quoted.content], content, "{text}");
        }
    }
}
