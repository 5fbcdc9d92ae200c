//! Finds passwords in addresses: `https://user:…@host`, `user:…@tcp(host)`, `thin:user/…@host`.

use super::Credential;
use super::public_value::is_reference;
use super::quote::MAX_VALUE_LEN;

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    for at in memchr::memmem::find_iter(text, b"://") {
        mask_user_info(text, at + 3, credentials);
    }
    // JSON may escape slashes, and URLs in parameters are percent-encoded.
    for at in memchr::memmem::find_iter(text, b":\\/\\/") {
        mask_user_info(text, at + 5, credentials);
    }
    for at in memchr::memmem::find_iter(text, b"@") {
        mask_without_scheme(text, at, credentials);
    }
}

/// Masks the password in an address whose authority begins at `start` or, without a password, the whole user name.
fn mask_user_info(text: &[u8], start: usize, credentials: &mut Vec<Credential>) {
    let is_in_address = |byte: &&u8| !(byte.is_ascii_whitespace() || b"\"`<>".contains(*byte));
    let address =
        &text[start..start + text[start..].iter().take(MAX_VALUE_LEN).take_while(is_in_address).count()];
    let authority = address.iter().position(|byte| b"/?#'\\".contains(byte)).unwrap_or(address.len());
    let colon = address[..authority].iter().position(|byte| *byte == b':');
    let at = match (memchr::memrchr(b'@', &address[..authority]), colon) {
        // A password may contain characters such as a slash; but after a port, a slash begins the path.
        (first_at, Some(colon)) if !address[colon + 1..authority].iter().all(u8::is_ascii_digit) => {
            let whole = memchr::memrchr(b'@', until_host_end(address, first_at));
            match whole.or(first_at) {
                Some(at) => at,
                None => return,
            }
        }
        (Some(at), _) => at,
        _ => return,
    };
    let from = colon.filter(|colon| *colon < at).map_or(0, |colon| colon + 1);
    let is_user = from == 0 && at < 8;
    if from < at && !is_user && !is_reference(&address[from..at]) {
        credentials.push(Credential { span: start + from..start + at, prefix_len: 0 });
    }
}

/// The part of an address that contains the `@` before the host: all of it, unless a complete host follows the
/// first `@`.
fn until_host_end(address: &[u8], first_at: Option<usize>) -> &[u8] {
    let Some(first_at) = first_at else { return address };
    let host = address[first_at + 1..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(byte))
        .count();
    let end = first_at + 1 + host;
    let is_host = host > 0 && address.get(end).is_none_or(|byte| b"/?#'\\,;)".contains(byte));
    if is_host { &address[..end] } else { address }
}

/// Masks the password before the `@` at `at` in an address without a scheme: data sources of Go and Oracle, proxies.
fn mask_without_scheme(text: &[u8], at: usize, credentials: &mut Vec<Credential>) {
    let host = &text[at + 1..text.len().min(at + 65)];
    let name = host.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
    let is_host = host.starts_with(b"//")
        || host[..name].eq_ignore_ascii_case(b"localhost")
        || name > 0 && matches!(host.get(name), Some(b'(' | b':'))
        || host[..name].iter().rev().skip(2).any(|byte| *byte == b'.');
    if !is_host {
        return;
    }
    let is_word_byte = |byte: &&u8| !byte.is_ascii_whitespace() && !b"\"'`<>".contains(*byte);
    let length = text[..at].iter().rev().take(128).take_while(is_word_byte).count();
    let word = &text[at - length..at];
    let start = memchr::memrchr(b'@', word).map_or(0, |at| at + 1);
    let word = &word[start..];
    let separator =
        word.iter().position(|byte| *byte == b':').or_else(|| word.iter().position(|byte| *byte == b'/'));
    let Some(separator) = separator else { return };
    // `thin:user/password`
    let separator = match memchr::memchr(b'/', &word[separator + 1..]) {
        Some(slash) if word.starts_with(b"thin:") || word.starts_with(b"jdbc:") => separator + 1 + slash,
        _ => separator,
    };
    let password = &word[separator + 1..];
    let is_shown = separator == 0
        || password.len() < 4
        || password.starts_with(b"/")
        || password.iter().all(u8::is_ascii_digit)
        || is_reference(password);
    if !is_shown {
        credentials.push(Credential { span: at - password.len()..at, prefix_len: 0 });
    }
}
