//! Makes untrusted text safe to display: the author of a repository chooses its paths, names and messages.
//!
//! The rules of every format are in this module. A hidden character (control, bidirectional, zero-width) is
//! never passed on, since it could move the cursor, reorder the text, or end a line.

mod line_start;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

pub(super) use line_start::LineStarts;

/// Whether a character affects the terminal or the reader without being visible.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// What follows `##` in a CI runner command of Azure Pipelines or TeamCity, which may be anywhere in a line.
const RUNNER_COMMANDS: [&str; 3] = ["[", "vso[", "teamcity["];

/// The words with which GitLab and Travis open and close a collapsible section.
const SECTION_WORDS: [&str; 3] = ["section_start", "section_end", "travis_fold"];

/// Whether the `:` at byte `offset` follows one of [`SECTION_WORDS`].
fn ends_section_word(text: &str, offset: usize) -> bool {
    SECTION_WORDS.iter().any(|word| text[..offset].ends_with(word))
}

/// Whether the `#` at byte `offset` is the second one of a runner command.
fn opens_command(text: &str, offset: usize) -> bool {
    text[..offset].ends_with('#') && RUNNER_COMMANDS.iter().any(|word| text[offset + 1..].starts_with(word))
}

/// Whether the text, like most text, certainly needs no escaping: it is ASCII without the characters that all commands
/// contain.
fn is_plain_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'#' && byte != b'_')
}

/// Replaces characters of `text`. `replace` gets the offset of a character, the character and the output. It either pushes a
/// replacement and returns true, or returns false to keep the character.
fn rewrite<'a>(text: &'a str, mut replace: impl FnMut(usize, char, &mut String) -> bool) -> Cow<'a, str> {
    if is_plain_ascii(text)
        || !text.contains(is_hidden)
            && !text.contains("##")
            && !SECTION_WORDS.iter().any(|word| text.contains(word))
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for (offset, c) in text.char_indices() {
        if !replace(offset, c, &mut safe) {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// One line of text that is safe to print: hidden characters become `\u{202e}`, line ends become `\n`, and the
/// openings of CI runner commands are broken up.
pub fn line(text: &str) -> Cow<'_, str> {
    rewrite(text, |offset, c, safe| {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            // Writing to a String cannot fail.
            c if is_hidden(c) => _ = write!(safe, "\\u{{{:x}}}", u32::from(c)),
            '#' if opens_command(text, offset) => safe.push_str("\\u{23}"),
            ':' if ends_section_word(text, offset) => safe.push_str("\\u{3a}"),
            _ => return false,
        }
        true
    })
}

/// Makes text with several lines safe to print: each line is escaped like [`line()`], and none starts with a CI runner
/// command. Line ends are kept.
pub fn lines(text: &str) -> String {
    let safe: Vec<_> = text.split('\n').map(line).collect();
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut guard = LineStarts::new(&mut out);
    // Writing to memory cannot fail.
    _ = guard.write_all(safe.join("\n").as_bytes());
    _ = guard.finish();
    String::from_utf8_lossy(&out).into_owned()
}

/// A path as one line of safe text; bytes that are not UTF-8 become U+FFFD.
pub(super) fn path(bytes: &[u8]) -> String {
    line(&String::from_utf8_lossy(bytes)).into_owned()
}

/// The name of an archive entry, as one line of safe text. Its `.` and `..` are escaped, so that a reader who
/// takes the line for a path, such as a browser, cannot be led out of the directory.
pub(super) fn entry_name(bytes: &[u8]) -> String {
    let parts = String::from_utf8_lossy(bytes);
    let parts: Vec<_> = parts.split(['/', '\\']).collect();
    if !parts.iter().any(|part| [".", ".."].contains(part)) {
        return path(bytes);
    }
    let is_dots = |part: &&str| [".", ".."].contains(part);
    let escaped =
        parts.iter().map(|part| if is_dots(part) { part.replace('.', "\\u{2e}") } else { line(part).into() });
    escaped.collect::<Vec<_>>().join("/")
}

/// Part of a JSON string, safe to print: characters that `serde_json` keeps but that a terminal or CI runner would act on
/// become `\u` escapes. The value of the string stays the same.
pub(super) fn json_fragment(text: &str) -> Cow<'_, str> {
    rewrite(text, |offset, c, safe| {
        let escaped = is_hidden(c) || (c == '#' && opens_command(text, offset));
        if escaped {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(safe, "\\u{unit:04x}");
            }
        }
        escaped
    })
}

/// A path as the path of a relative URI. Every byte that is not an unreserved character is percent-encoded, including
/// colons: one in the first segment would make it a scheme.
pub(super) fn uri(path: &[u8]) -> String {
    let mut safe = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

/// Text for a SARIF message, in which it cannot start a link.
pub(super) fn sarif_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        if matches!(c, '[' | ']' | '\\') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// One line of Markdown that renders as plain text, also in a table cell: punctuation becomes character
/// references, which Markdown never reads as markup, and automatic links are broken.
pub(super) fn markdown(text: &str) -> String {
    let text = line(text);
    let mut safe = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        let is_plain = match c {
            '-' | ',' | ';' | '?' | '%' | '(' | ')' | '/' | '"' | '\'' => true,
            ':' => matches!(text[offset + 1..].chars().next(), None | Some(' ')),
            '.' => !text[..offset].ends_with("www"),
            c => !c.is_ascii_punctuation(),
        };
        if is_plain {
            safe.push(c);
        } else {
            _ = write!(safe, "&#{};", u32::from(c));
        }
    }
    safe
}

/// One line for a reader that may take it for Markdown or for plain text: no link and no markup results, and shell commands
/// stay readable, since only brackets, `<` and backticks are escaped.
pub(super) fn text_or_markdown(text: &str) -> String {
    let text = line(text);
    let mut safe = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        let is_markup = matches!(c, '[' | ']' | '<' | '`') || (c == '.' && text[..offset].ends_with("www"));
        if is_markup {
            _ = write!(safe, "&#{};", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The message of a GitHub workflow command.
pub(super) fn workflow_message(text: &str) -> String {
    line(text).replace('%', "%25")
}

/// The value of a property of a GitHub workflow command.
pub(super) fn workflow_property(text: &str) -> String {
    workflow_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// One line of XML or HTML text, or an attribute value.
pub(super) fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Whether a URL may become a link: https, and no character that could end an attribute or a Markdown link.
pub(super) fn is_link(url: &str) -> bool {
    url.starts_with("https://")
        && url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'()[]`\\^{|}".contains(&b))
}

/// The first `limit` characters, the last of them `…` if the text is longer.
pub(super) fn truncated(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_unchanged() {
        for text in ["src/app.py", "grüße/日本語.txt", "C#/a##b", ""] {
            assert_eq!(line(text), text);
            assert_eq!(json_fragment(text), text);
        }
    }

    #[test]
    fn hidden_characters_become_escapes() {
        assert_eq!(line("a\u{202e}b\u{1b}[31m\u{200b}"), "a\\u{202e}b\\u{1b}[31m\\u{200b}");
        assert_eq!(line("one\ntwo\r\tthree\u{9b}"), "one\\ntwo\\r\\tthree\\u{9b}");
        assert_eq!(path(b"a\xff\x07"), "a\u{fffd}\\u{7}");
    }

    #[test]
    fn archive_entries_cannot_leave_their_directory() {
        assert_eq!(entry_name(b"config/.env..x/..."), "config/.env..x/...");
        assert_eq!(entry_name(b"../a/./b"), "\\u{2e}\\u{2e}/a/\\u{2e}/b");
        assert_eq!(entry_name(b"a\\..\\b\x07"), "a/\\u{2e}\\u{2e}/b\\u{7}");
    }

    #[test]
    fn runner_commands_are_broken_up() {
        assert_eq!(line("a ##[error]b"), "a #\\u{23}[error]b");
        assert_eq!(line("##vso[task.setvariable]"), "#\\u{23}vso[task.setvariable]");
        assert_eq!(line("###[x"), "##\\u{23}[x");
    }

    #[test]
    fn lines_are_kept_and_start_no_command() {
        assert_eq!(lines("a\n  ::error::x\n\x1b[2J::b\n"), "a\n  \\u{3a}:error::x\n\\u{1b}[2J::b\n");
        assert_eq!(lines("\u{feff}::add-mask::x"), "\\u{feff}::add-mask::x");
        assert_eq!(lines("\u{2003}::add-mask::x"), "\u{2003}\\u{3a}:add-mask::x");
        assert_eq!(line("section_start:1:x"), "section_start\\u{3a}1:x");
        assert_eq!(line("travis_fold:start:x"), "travis_fold\\u{3a}start:x");
    }

    #[test]
    fn json_escapes_keep_the_value() {
        let text = "a\u{202e}b\u{e0001}\u{7f}##vso[x]";
        let quoted = format!("\"{}\"", json_fragment(text));
        assert!(quoted.is_ascii() && !quoted.contains("##"));
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }

    #[test]
    fn uris_keep_every_byte() {
        assert_eq!(uri(b"src/my app.py"), "src/my%20app.py");
        assert_eq!(uri("a:b/ü%#?".as_bytes()), "a%3Ab/%C3%BC%25%23%3F");
        assert_eq!(uri(b"\xff\n"), "%FF%0A");
    }

    #[test]
    fn links_and_markup_become_text() {
        assert_eq!(sarif_text("[a](1)\\"), "\\[a\\](1)\\\\");
        assert_eq!(markdown("so: www.a https://b @c"), "so: www&#46;a https&#58;//b &#64;c");
        assert_eq!(markdown("a|b <i> `x` [y](z)"), "a&#124;b &#60;i&#62; &#96;x&#96; &#91;y&#93;(z)");
    }

    #[test]
    fn workflow_command_values_are_one_line() {
        assert_eq!(workflow_message("100%\n::x"), "100%25\\n::x");
        assert_eq!(workflow_property("a,b:c%0A"), "a%2Cb%3Ac%250A");
    }

    #[test]
    fn xml_escapes_markup_and_forbidden_characters() {
        assert_eq!(xml("<a b='\"'>&\u{1}\u{ffff}"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;\\u{1}\\u{ffff}");
    }

    #[test]
    fn only_plain_https_urls_become_links() {
        assert!(is_link("https://platform.openai.com/api-keys"));
        assert!(
            !is_link("javascript:alert(1)") && !is_link("https://a/)[x](y") && !is_link("https://a\u{202e}")
        );
    }

    #[test]
    fn truncates_at_characters() {
        assert_eq!(truncated("äöü", 3), "äöü");
        assert_eq!(truncated("äöüß", 3), "äö…");
    }
}
