//! Finds values that follow the name of a secret: `password = …`, `"token": …`, `setPassword("…")`, `define('SECRET',
//! '…')`.

use super::public_value::{is_code, is_plain_word};
use super::quote::{is_quote, opening_quote};
use super::secret_name::{NameStrength, SecretName, is_name};
use super::value::{ValueSite, is_unlike_word};
use super::{Credential, TextKind};

/// Maximum length of a list, call or statement whose literals are masked, in bytes.
const MAX_STATEMENT_LEN: usize = 2048;

/// Maximum length of a type between a name and `=`, in bytes.
const MAX_TYPE_LEN: usize = 48;

/// Labels of values in a pair or tag: `{"name": …, "value": …}`.
pub(super) const VALUE_LABELS: &[&str] = &[
    "value",
    "val",
    "default",
    "defaultvalue",
    "content",
    "text",
    "data",
    "stringvalue",
    "plaintext",
    "secretstring",
];

pub(super) fn find(text: &[u8], names: &[SecretName], kind: TextKind, credentials: &mut Vec<Credential>) {
    let mut masked_until = 0;
    for name in names {
        if name.span.start < masked_until {
            continue;
        }
        let before = credentials.len();
        AssignedValue { text, kind, name }.mask(credentials);
        masked_until =
            credentials[before..].iter().map(|credential| credential.span.end).fold(masked_until, usize::max);
    }
}

/// The text after a name.
struct AssignedValue<'t> {
    text: &'t [u8],
    kind: TextKind,
    name: &'t SecretName,
}

/// The separator between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    /// `=`, `:`, `=>` and similar.
    Assignment,
    /// The next argument or element.
    Comma,
}

impl AssignedValue<'_> {
    /// Skips everything between the name and its value, and masks the value.
    fn mask(&self, credentials: &mut Vec<Credential>) {
        let text = self.text;
        let end = self.name.span.end;
        let mut at = skip_closing_quotes(text, end);
        let is_literal = at > end;
        let mut separator = None;
        let mut brackets = false;
        // Each iteration skips one token between the name and its value.
        for _ in 0..16 {
            at += blanks_len(&text[at..]);
            let Some(&byte) = text.get(at) else { return };
            match byte {
                b'=' | b':' | b'|' | b'?' | b'>' | b'~' | b'+' if self.is_assignment(at, separator) => {
                    separator = Some(Separator::Assignment);
                    at += 1;
                }
                b'-' if text[at..].starts_with(b"->") => at += 1,
                b'o' if brackets && text[at..].starts_with(b"or ") => {
                    (separator, at) = (Some(Separator::Assignment), at + 2)
                }
                b'!' if separator.is_some() && text[at..].starts_with(b"!!") => {
                    at += text[at..].iter().take(24).take_while(|byte| !byte.is_ascii_whitespace()).count();
                }
                b']' | b')' if separator.is_none() => (brackets, at) = (true, at + 1),
                b'.' if brackets && separator.is_none() => {
                    at += 1;
                    at += text[at..].iter().take(24).take_while(|byte| byte.is_ascii_alphanumeric()).count();
                }
                b',' if separator.is_none() && (is_literal || brackets) => {
                    (separator, at) = (Some(Separator::Comma), at + 1)
                }
                // `password[32]`
                b'[' if separator.is_none() && text[at..].iter().take(8).any(|byte| *byte == b']') => {
                    at += text[at..].iter().take_while(|byte| **byte != b']').count();
                }
                b'(' | b'[' | b'{' if byte == b'(' || separator.is_some() => {
                    if byte != b'{' || self.name.strength > NameStrength::Key {
                        self.mask_literals(at, true, credentials);
                    }
                    return;
                }
                _ => return self.mask_value(at, separator, is_literal || brackets, credentials),
            }
        }
    }

    /// Whether the byte at `at` is an assignment operator or continues one.
    fn is_assignment(&self, at: usize, separator: Option<Separator>) -> bool {
        match self.text[at] {
            b'=' | b':' => true,
            b'>' => self.text[at - 1] == b'=' || self.text[at - 1] == b'-',
            b'|' | b'?' | b'+' | b'~' if separator.is_none() => {
                let rest = &self.text[at + 1..];
                rest.first().is_some_and(|byte| matches!(byte, b'=' | b'|' | b'?' | b':'))
            }
            b'|' | b'?' => self.text[at - 1] == self.text[at],
            _ => false,
        }
    }

    /// Masks the value at `at`. `is_closed`: a closing quote or bracket is between the name and the separator.
    fn mask_value(
        &self,
        at: usize,
        separator: Option<Separator>,
        is_closed: bool,
        credentials: &mut Vec<Credential>,
    ) {
        let text = self.text;
        let prefix = text[at..].iter().take(2).take_while(|byte| b"bBrRuUfFLN@$".contains(byte)).count();
        let quote =
            opening_quote(text, at).or_else(|| opening_quote(text, at + prefix).filter(|_| prefix > 0));
        let site = self.site(at);
        match (quote, separator) {
            (Some(quote), Some(_)) => {
                let quoted = quote.quoted_text(text);
                let is_key =
                    text[quoted.end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if is_key && separator == Some(Separator::Comma) {
                    // The other half of a pair is found by its label.
                    return;
                }
                site.mask_quoted(&quote, credentials);
            }
            (Some(quote), None) if at > self.name.span.end && !is_closed => {
                site.mask_quoted(&quote, credentials);
            }
            (None, Some(Separator::Assignment)) => self.mask_unquoted(&site, at, credentials),
            (None, None) if at > self.name.span.end => self.mask_after_blank(at, credentials),
            _ => {}
        }
    }

    /// Masks an unquoted value, or the literals in the code that yields it.
    fn mask_unquoted(&self, site: &ValueSite<'_>, at: usize, credentials: &mut Vec<Credential>) {
        let is_code = site.mask_unquoted(at, credentials).is_none();
        if is_code && self.kind == TextKind::SourceLine {
            self.mask_literals(at, false, credentials);
        }
    }

    /// What is known about the value at `at`.
    fn site(&self, at: usize) -> ValueSite<'_> {
        let (text, span) = (self.text, &self.name.span);
        let line = memchr::memrchr(b'\n', &text[..span.start]).map_or(0, |at| at + 1);
        let before = &text[line.max(span.start.saturating_sub(24))..span.start];
        let words = String::from_utf8_lossy(before);
        let is_line_start = words.split_ascii_whitespace().all(|word| {
            ["-", "export", "set", "setenv", "ENV", "ARG", "setx", "#", ";", "+", ">", "//"].contains(&word)
        });
        let is_compact = at == span.end + 1 && text[span.end] == b'=';
        let is_upper = !text[span.clone()].iter().any(u8::is_ascii_lowercase);
        let is_lower = !text[span.clone()].iter().any(u8::is_ascii_uppercase);
        ValueSite {
            text,
            kind: self.kind,
            strength: self.name.strength,
            // Mixed-case names are those of connection strings.
            is_env: is_compact && (is_upper || is_line_start && is_lower),
            is_line_start,
            is_query: is_compact && matches!(text[..span.start].last(), Some(b'?' | b'&' | b';' | b'#')),
        }
    }

    /// Masks a value after a blank: of an option, in `.netrc`, in a statement, or after a type.
    fn mask_after_blank(&self, at: usize, credentials: &mut Vec<Credential>) {
        let text = self.text;
        if let Some(value) = typed_value(text, at) {
            return self.mask_value(value, Some(Separator::Assignment), false, credentials);
        }
        let fillers = ["is ", "was ", "to ", "as ", "= "].iter();
        let filler =
            fillers.filter(|word| text[at..].starts_with(word.as_bytes())).map(|word| word.len()).max();
        let at = at + filler.unwrap_or(0);
        if filler.is_some()
            && let Some(quote) = opening_quote(text, at)
        {
            self.site(at).mask_quoted(&quote, credentials);
            return;
        }
        let site = ValueSite { is_env: true, ..self.site(at) };
        let value = at..site.run_end(at);
        let name = &text[self.name.span.clone()];
        let is_option = name.starts_with(b"-");
        let line = memchr::memrchr(b'\n', &text[..at]).map_or(0, |at| at + 1).max(at.saturating_sub(256));
        let is_netrc = [&b"login "[..], b"machine "]
            .iter()
            .any(|word| memchr::memmem::find(&text[line..at], word).is_some());
        let bytes = &text[value.clone()];
        let is_secret = self.name.strength > NameStrength::Key
            && match is_option
                || is_netrc
                || site.is_line_start && is_command(text, self.name.span.start)
                || name.eq_ignore_ascii_case(b"identified by")
            {
                true => !is_code(bytes) && !bytes.starts_with(b"-"),
                false => (is_unlike_word(bytes) || filler.is_some()) && !is_plain_word(bytes),
            };
        if is_secret && !super::public_value::is_reference(bytes) && value.len() >= 4 {
            credentials.push(Credential { span: value, prefix_len: 0 });
        }
    }

    /// Masks the literals of the list or call that begins at `from`, or of the rest of the statement.
    fn mask_literals(&self, from: usize, is_enclosed: bool, credentials: &mut Vec<Credential>) {
        let text = self.text;
        let limit = text.len().min(from + MAX_STATEMENT_LEN);
        let site = self.site(from);
        let (mut at, mut depth) = (from, 0_usize);
        while at < limit {
            match text[at] {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0
                        && (is_enclosed || text.get(at + 1).is_none_or(|next| b");,".contains(next)))
                    {
                        return;
                    }
                }
                b';' | b',' if depth == 0 => return,
                b'\n' if depth == 0 || self.kind == TextKind::Name => return,
                b'\\' | b'"' | b'\'' | b'`' => {
                    if let Some(quote) = opening_quote(text, at).filter(|quote| quote.is_closed(text)) {
                        let quoted = quote.quoted_text(text);
                        let next = text[quoted.end..].iter().find(|byte| !byte.is_ascii_whitespace());
                        let is_shown = next == Some(&b':') || is_name_literal(&text[quoted.content.clone()]);
                        at = if is_shown { quoted.end } else { site.mask_quoted(&quote, credentials) }
                            .max(at + 1);
                        continue;
                    }
                }
                byte if is_enclosed && text[from] == b'[' && is_name(byte) && is_word_start(text, at) => {
                    let end = site.run_end(at).max(at + 1);
                    if end >= at + 4
                        && !is_code(&text[at..end])
                        && (is_unlike_word(&text[at..end]) || site.strength > NameStrength::Key)
                    {
                        credentials.push(Credential { span: at..end, prefix_len: 0 });
                    }
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// Whether a command that sets a variable precedes its name: `ENV NAME value`.
fn is_command(text: &[u8], start: usize) -> bool {
    ["ENV ", "ARG ", "set ", "setx ", "export ", "setenv "]
        .iter()
        .any(|word| text[..start].ends_with(word.as_bytes()))
}

fn is_word_start(text: &[u8], at: usize) -> bool {
    at > 0 && matches!(text[at - 1], b'[' | b',' | b' ')
}

/// Whether the content of a literal is a name, as in `env["NAME"]`.
fn is_name_literal(content: &[u8]) -> bool {
    content.contains(&b'_') && content.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        || super::secret_name::classify(content).is_some()
            && content.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.".contains(byte))
}

/// Skips closing quotes, in any spelling, around a name that ends at `at`.
fn skip_closing_quotes(text: &[u8], mut at: usize) -> usize {
    while let Some(quote) = text
        .get(at)
        .filter(|byte| is_quote(**byte) || b"\\&%".contains(byte))
        .and_then(|_| opening_quote(text, at))
    {
        let backslashes = text[at..].iter().take_while(|byte| **byte == b'\\').count();
        let is_plain = text.get(at + backslashes).is_some_and(|byte| is_quote(*byte));
        at = if is_plain { at + backslashes + 1 } else { quote.end };
    }
    at
}

/// Length of the blanks at the start of `rest`.
fn blanks_len(rest: &[u8]) -> usize {
    rest.iter().take(64).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The start of the value in `String = "…"`, where the type is at `at`.
fn typed_value(text: &[u8], at: usize) -> Option<usize> {
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_ .<>?*&[]:'|".contains(byte);
    let length = text[at..].iter().take(MAX_TYPE_LEN).take_while(|byte| is_type(byte)).count();
    let is_assigned = text[at..at + length].ends_with(b" ")
        && text.get(at + length) == Some(&b'=')
        && text.get(at + length + 1) != Some(&b'=');
    let words = text[at..at + length].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    let is_assigned =
        is_assigned || text[at..at + length].ends_with(b" :") && text.get(at + length) == Some(&b'=');
    (is_assigned && words <= 3).then(|| at + length + 1 + blanks_len(&text[at + length + 1..]))
}
