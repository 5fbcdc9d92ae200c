//! Finds the end of a value that begins at an offset, and masks it unless it may be shown.

use super::public_value::{is_code, is_plain_word, is_reference};
use super::quote::{MAX_VALUE_LEN, OpeningQuote, is_quote, opening_quote};
use super::secret_name::{NameStrength, is_name};
use super::{Credential, TextKind};

/// Minimum length of a value that is masked, in bytes.
const MIN_VALUE_LEN: usize = 4;

/// What is known about a value before it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueSite<'t> {
    pub(super) text: &'t [u8],
    pub(super) kind: TextKind,
    pub(super) strength: NameStrength,
    /// In the syntax of an environment file: `NAME=value`.
    pub(super) is_env: bool,
    /// The name is at the start of its line.
    pub(super) is_line_start: bool,
    /// A parameter of a URL or form, which ends at `&`.
    pub(super) is_query: bool,
}

impl ValueSite<'_> {
    /// Masks the text after an opening quote, and literals that are concatenated to it. Returns the end of the last one.
    pub(super) fn mask_quoted(&self, quote: &OpeningQuote, credentials: &mut Vec<Credential>) -> usize {
        let text = self.text;
        let mut quoted = quote.quoted_text(text);
        loop {
            self.mask_content(quoted.content.clone(), credentials);
            let end = quoted.end;
            if end == quoted.content.end {
                return end;
            }
            // A shell concatenates adjacent words.
            if text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'$') {
                let until = self.run_end(end);
                credentials.push(Credential { span: end..until, prefix_len: 0 });
                return until;
            }
            match concatenated_literal(text, end) {
                Some(next) => quoted = next.quoted_text(text),
                None => return end,
            }
        }
    }

    /// Masks the content of a quoted value, except the scheme of an `Authorization` header.
    fn mask_content(&self, content: std::ops::Range<usize>, credentials: &mut Vec<Credential>) {
        let value = &self.text[content.clone()];
        let start = content.start + scheme_len(value);
        let value = &self.text[start..content.end];
        let is_shown = value.len() < MIN_VALUE_LEN
            || is_reference(value)
            || self.strength == NameStrength::Key && !is_unlike_word(value)
            || self.strength != NameStrength::Password
                && value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if !is_shown {
            credentials.push(Credential { span: start..content.end, prefix_len: 0 });
        }
    }

    /// Masks the unquoted value at `start`. Returns its end, or `None` if it is shown because it is code, whose
    /// literals may contain the secret.
    pub(super) fn mask_unquoted(&self, start: usize, credentials: &mut Vec<Credential>) -> Option<usize> {
        let text = self.text;
        let scheme = scheme_len(&text[start..]);
        if scheme > 0 {
            let site = Self { strength: self.strength.max(NameStrength::Token), ..*self };
            let end = site.run_end(start + scheme);
            if !is_plain_word(&text[start + scheme..end]) {
                site.push(start + scheme, end, credentials);
            }
            return Some(end);
        }
        let end = self.run_end(start);
        let value = &text[start..end];
        if value.is_empty() {
            return Some(end);
        }
        if is_reference(value)
            || is_code(value) && (!self.is_env || !value.contains(&b'(') || value.ends_with(b")"))
        {
            return None;
        }
        let is_number = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        let is_shown = match self.strength {
            NameStrength::Password => self.kind == TextKind::Name && is_letters(value),
            NameStrength::Token if self.is_env => is_number,
            NameStrength::Token => {
                is_number || is_plain_word(value) || self.kind == TextKind::Name && is_letters(value)
            }
            NameStrength::Key => !is_unlike_word(value),
        };
        if is_shown {
            return Some(end);
        }
        let end = self.line_end(end);
        self.push(start, end, credentials);
        Some(end)
    }

    fn push(&self, start: usize, end: usize, credentials: &mut Vec<Credential>) {
        if end >= start + MIN_VALUE_LEN {
            credentials.push(Credential { span: start..end, prefix_len: 0 });
        }
    }

    /// The end of an unquoted run.
    pub(super) fn run_end(&self, start: usize) -> usize {
        let text = self.text;
        let limit = text.len().min(start + MAX_VALUE_LEN);
        let mut at = start;
        while at < limit {
            let rest = &text[at + 1..];
            match text[at] {
                byte if byte.is_ascii_whitespace() => break,
                b'&' if self.is_query && begins_assignment(rest) => break,
                b'&' if rest.starts_with(b"quot;") || rest.starts_with(b"lt;") || rest.starts_with(b"#3") => {
                    break;
                }
                b';' | b',' if ends_line(rest) => break,
                b';' | b',' if !self.is_env && (begins_assignment(rest) || begins_literal(rest)) => break,
                b')' | b']' | b'}'
                    if (ends_line(rest) || begins_literal(rest))
                        && !is_balanced(&text[start..at], text[at]) =>
                {
                    break;
                }
                b'>' if ends_line(rest) || begins_literal(rest) => break,
                b'>' if !self.is_env && rest.starts_with(b"<") => break,
                b'<' if rest.starts_with(b"/") && rest.get(1).is_some_and(u8::is_ascii_alphabetic) => break,
                b'<' if rest.starts_with(b"br>") || rest.starts_with(b"br/>") => break,
                b'\\' if rest.first().is_some_and(|byte| is_quote(*byte)) && ends_value(&rest[1..]) => break,
                b'\\' if matches!(rest.first(), Some(b'n' | b'r')) && begins_assignment(&rest[1..]) => break,
                b'\\' if rest.starts_with(b"u0022") || rest.starts_with(b"u003c") => break,
                byte if is_quote(byte) => {
                    // `user=a,password="b c"`
                    let is_nested = at > start && matches!(text[at - 1], b'=' | b':');
                    match is_nested.then(|| opening_quote(text, at)).flatten() {
                        Some(quote) => at = quote.quoted_text(text).end.max(at + 1) - 1,
                        None if ends_value(rest) => break,
                        None => {}
                    }
                }
                0xE2 if rest.starts_with(&[0x80, 0xA6]) => break,
                _ => {}
            }
            at += 1;
        }
        at.min(limit)
    }

    /// The end of a value that may contain blanks and whose first word ends at `end`.
    fn line_end(&self, end: usize) -> usize {
        let takes_words = self.kind == TextKind::SourceLine
            && (self.strength == NameStrength::Password
                || self.strength == NameStrength::Token && self.is_env)
            && (self.is_env || self.is_line_start);
        if !takes_words || self.is_query {
            return end;
        }
        let takes_all = self.strength == NameStrength::Password && self.is_line_start;
        let (mut last, mut at) = (end, end);
        loop {
            let blanks = self.text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let start = at + blanks;
            let rest = &self.text[start..];
            if blanks == 0 || start > end + MAX_VALUE_LEN || begins_other(rest) {
                return last;
            }
            at = self.run_end(start).max(start + 1);
            let word = &self.text[start..at];
            let is_secret = match self.strength {
                NameStrength::Password => is_unlike_word(word),
                _ => is_unlike_word(word) && word.iter().any(|byte| b"!@#$%^&*+?~".contains(byte)),
            };
            if takes_all || is_secret {
                last = at;
            }
        }
    }
}

/// Whether the next word on the line is unrelated: a comment, an option, another variable.
fn begins_other(rest: &[u8]) -> bool {
    let first = rest.first().copied().unwrap_or(b'\n');
    let is_comment = rest.starts_with(b"# ") || rest.starts_with(b"//") || rest.starts_with(b"/*");
    let is_operator =
        [&b"&&"[..], b"||", b"| ", b"> ", b"; ", b"\\\n"].iter().any(|one| rest.starts_with(one));
    first.is_ascii_control()
        || first == b'-'
        || is_quote(first)
        || is_comment
        || is_operator
        || begins_variable(rest)
}

/// Whether the next word on the line is the name of another variable: `name=`, or `name:` and a blank.
fn begins_variable(rest: &[u8]) -> bool {
    let name = rest.iter().take(48).take_while(|byte| is_name(**byte)).count();
    let is_assigned = rest.get(name) == Some(&b'=') || rest[name..].starts_with(b": ");
    is_assigned && rest[..name].iter().any(u8::is_ascii_alphabetic)
}

/// Whether what follows begins with `name=` or `name:`.
fn begins_assignment(rest: &[u8]) -> bool {
    /// First words of names in connection strings that contain a blank.
    const FIRST_WORDS: &[&[u8]] =
        &[b"user ", b"initial ", b"data ", b"integrated ", b"persist ", b"application "];
    let blank = FIRST_WORDS
        .iter()
        .find(|word| rest.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word)));
    let from = blank.map_or(0, |word| word.len());
    let name = from + rest[from..].iter().take(48).take_while(|byte| is_name(**byte)).count();
    let has_name = rest[..name].iter().any(u8::is_ascii_alphabetic);
    has_name && matches!(rest.get(name), Some(b'=' | b':'))
}

/// Whether `closing` closes a bracket opened within `value`.
fn is_balanced(value: &[u8], closing: u8) -> bool {
    let opening = match closing {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    };
    let count = |bracket: u8| value.iter().filter(|byte| **byte == bracket).count();
    count(opening) > count(closing)
}

/// Whether only closing characters follow, up to a blank or the end.
fn ends_line(rest: &[u8]) -> bool {
    let closers = rest.iter().take(16).take_while(|byte| b")]}>;,:\\\"'`".contains(byte)).count();
    rest.get(closers).is_none_or(u8::is_ascii_whitespace)
}

/// Whether a quote follows: that of the enclosing text, or of what comes next.
fn begins_literal(rest: &[u8]) -> bool {
    rest.first().is_some_and(|byte| is_quote(*byte)) || rest.starts_with(b"\\\"")
}

/// Whether the quote before `rest` closes the text that contains the value.
fn ends_value(rest: &[u8]) -> bool {
    ends_line(rest) || rest.first().is_some_and(|byte| is_quote(*byte) || b",;:)]}>\\".contains(byte))
}

/// The opening quote of a literal concatenated to the one that ends at `end`.
fn concatenated_literal(text: &[u8], end: usize) -> Option<OpeningQuote> {
    let mut at = end;
    while at < text.len().min(end + 64) {
        match text[at] {
            b'+' | b'.' | b'&' | b'~' => at += 1,
            byte if byte.is_ascii_whitespace() => at += 1,
            b'\\' if text.get(at + 1) == Some(&b'\n') => at += 2,
            _ => return opening_quote(text, at).filter(|quote| quote.is_closed(text)),
        }
    }
    None
}

/// Length of the scheme and blank at the start of credentials: `Bearer `.
fn scheme_len(value: &[u8]) -> usize {
    const SCHEMES: &[&str] =
        &["bearer", "basic", "token", "digest", "apikey", "negotiate", "ntlm", "ssws", "oauth", "bot"];
    let length = value.iter().take(12).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let is_scheme = value.get(length) == Some(&b' ')
        && SCHEMES.iter().any(|scheme| value[..length].eq_ignore_ascii_case(scheme.as_bytes()));
    if is_scheme { length + 1 } else { 0 }
}

fn is_letters(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:?!,;)".contains(byte))
}

/// Whether a value looks unlike a word, name, path or number: letters mixed with digits or punctuation.
pub(super) fn is_unlike_word(value: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = value.iter().any(|byte| b"!@#$%^&*+?~|".contains(byte));
    let is_plain = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-~".contains(byte));
    let is_path = is_plain && value.contains(&b'/') && digits < 4;
    let is_file = is_plain && value.contains(&b'.') && digits < 3;
    has(u8::is_ascii_alphabetic) && (digits > 0 || signs) && value.len() >= 6 && !is_path && !is_file
}
