//! The frame of every page: head, style, script, and the content security policy that keeps the page from loading or running
//! anything else.

use std::io::{self, Write};
use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};

use crate::report::escape;

const STYLE: &str = include_str!("style.css");
/// Sorts and filters tables and copies commands. The page has the same content without it.
const SCRIPT: &str = include_str!("script.js");

/// Even if escaping failed, the page could load nothing and run nothing but this style and this script.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        csp_source(STYLE),
        csp_source(SCRIPT)
    )
});

/// The texts at the beginning of a page.
pub(in crate::report) struct PageHead<'a> {
    /// The title of the window. Not escaped.
    pub(in crate::report) title: &'a str,
    /// The line above the heading. Not escaped.
    pub(in crate::report) eyebrow: &'a str,
    /// The heading. Not escaped.
    pub(in crate::report) heading: &'a str,
}

/// Writes everything up to the heading, and opens `main`.
pub(in crate::report) fn open(head: &PageHead<'_>, out: &mut dyn Write) -> io::Result<()> {
    let [title, eyebrow, heading] = [head.title, head.eyebrow, head.heading].map(escape::xml);
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", *CONTENT_SECURITY_POLICY)?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<a class=\"skip\" href=\"#main\">Skip to the content</a>")?;
    writeln!(out, "<header><p class=\"eyebrow\">{eyebrow}</p>\n<h1><bdi>{heading}</bdi></h1></header>")?;
    writeln!(out, "<main id=\"main\">")
}

/// Closes `main` and the page; `footer` is a sentence, not escaped.
pub(in crate::report) fn close(footer: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "</main>\n<footer><p>{}</p></footer>", escape::xml(footer))?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// How a content security policy names an inline style or script: `'sha256-…'`.
fn csp_source(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_style_or_script_ends_its_element() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
