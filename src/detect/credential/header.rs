//! Finds credentials in `Authorization` headers of any scheme, and cookies.

use super::Credential;
use super::public_value::{is_plain_word, is_reference};
use super::quote::{MAX_VALUE_LEN, is_quote};

/// Headers whose whole value is secret.
const HEADERS: &[&str] = &["authorization", "cookie"];

/// Schemes that a credential follows wherever they occur.
const SCHEMES: &[&str] = &["Bearer ", "bearer ", "Basic ", "Digest ", "SharedAccessSignature "];

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    for colon in memchr::memchr_iter(b':', text) {
        if is_header(&text[..colon]) {
            mask_header(text, colon + 1, credentials);
        }
    }
    for scheme in SCHEMES {
        for at in memchr::memmem::find_iter(text, scheme.as_bytes()) {
            let start = at + scheme.len();
            let end = start
                + text[start..]
                    .iter()
                    .take(MAX_VALUE_LEN)
                    .take_while(|byte| is_credential_byte(**byte))
                    .count();
            let value = &text[start..end];
            if value.len() >= 4 && !is_plain_word(value) && !is_reference(value) {
                credentials.push(Credential { span: start..end, prefix_len: 0 });
            }
        }
    }
}

fn is_credential_byte(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !is_quote(byte) && !b",;)]}>\\<".contains(&byte)
}

/// Whether `before` ends with the name of such a header.
fn is_header(before: &[u8]) -> bool {
    HEADERS.iter().any(|name| {
        let start = before.len().saturating_sub(name.len());
        before[start..].eq_ignore_ascii_case(name.as_bytes())
    })
}

/// Masks a header's value from `from` on, except the scheme at its start.
fn mask_header(text: &[u8], from: usize, credentials: &mut Vec<Credential>) {
    let blanks = text[from..].iter().take(8).take_while(|byte| **byte == b' ').count();
    let mut start = from + blanks;
    let limit = text.len().min(start + MAX_VALUE_LEN);
    // A quote before the name is closed after the value.
    let name = text[..from]
        .iter()
        .rev()
        .skip(1)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-')
        .count();
    let quote = text[..from - 1 - name].last().copied().filter(|byte| is_quote(*byte));
    let mut end = start;
    while end < limit && !matches!(text[end], b'\n' | b'\r') && Some(text[end]) != quote {
        let is_other =
            [" # ", "\\n", "\\r", " -"].iter().any(|other| text[end..].starts_with(other.as_bytes()));
        let closes = is_quote(text[end]) && text.get(end + 1).is_none_or(u8::is_ascii_whitespace);
        if is_other || closes && !text[start..end].contains(&text[end]) {
            break;
        }
        end += 1;
    }
    end -= text[start..end].iter().rev().take_while(|byte| **byte == b'\\').count();
    let scheme = text[start..end]
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    if text.get(start + scheme) == Some(&b' ')
        && text[start..start + scheme].iter().filter(|byte| byte.is_ascii_digit()).count() < 4
    {
        start += scheme + 1;
    }
    let value = &text[start..end];
    let is_shown =
        value.len() < 4 || value.iter().all(|byte| is_quote(*byte)) || is_reference(value) || is_code(value);
    if !is_shown {
        credentials.push(Credential { span: start..end, prefix_len: 0 });
    }
}

/// Whether the value is computed at run time, from values that the other masks cover.
fn is_code(value: &[u8]) -> bool {
    is_quote(value[0]) || value.contains(&b'(')
}
