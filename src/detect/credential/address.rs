//! Finds passwords in addresses: `https://user:…@host`, `user:…@tcp(host)`, `thin:user/…@host`.

use super::Credential;
use super::public_value::is_reference;
use super::quote::MAX_VALUE_LEN;

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    for colon in memchr::memmem::find_iter(text, b"://") {
        mask_user_info(text, colon + 3, credentials);
    }
    // JSON may escape slashes, and URLs in parameters are percent-encoded.
    for colon in memchr::memmem::find_iter(text, b":\\/\\/") {
        mask_user_info(text, colon + 5, credentials);
    }
    for at_sign in memchr::memmem::find_iter(text, b"@") {
        mask_without_scheme(text, at_sign, credentials);
    }
}

/// Masks the password in an address whose authority begins at `start` or, without a password, the whole user name.
fn mask_user_info(text: &[u8], start: usize, credentials: &mut Vec<Credential>) {
    let is_in_address = |byte: &&u8| !(byte.is_ascii_whitespace() || b"\"`<>".contains(*byte));
    let address =
        &text[start..start + text[start..].iter().take(MAX_VALUE_LEN).take_while(is_in_address).count()];
    let authority = address.iter().position(|byte| b"/?#'\\".contains(byte)).unwrap_or(address.len());
    let colon = address[..authority].iter().position(|byte| *byte == b':');
    let at_sign = match (memchr::memrchr(b'@', &address[..authority]), colon) {
        // A password may contain characters such as a slash; but after a port, a slash begins the path.
        (at_sign, Some(colon)) if !address[colon + 1..authority].iter().all(u8::is_ascii_digit) => {
            let last_at_sign = memchr::memrchr(b'@', until_host_end(address, at_sign));
            match last_at_sign.or(at_sign) {
                Some(at_sign) => at_sign,
                None => return,
            }
        }
        (Some(at_sign), _) => at_sign,
        _ => return,
    };
    let password = colon.filter(|colon| *colon < at_sign).map_or(0, |colon| colon + 1);
    let is_user = password == 0 && at_sign < 8;
    if password < at_sign && !is_user && !is_reference(&address[password..at_sign]) {
        credentials.push(Credential { span: start + password..start + at_sign, prefix_len: 0 });
    }
}

/// The part of an address that contains the `@` before the host: all of it, unless a complete host follows `at_sign`.
fn until_host_end(address: &[u8], at_sign: Option<usize>) -> &[u8] {
    let Some(at_sign) = at_sign else { return address };
    let host = address[at_sign + 1..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(byte))
        .count();
    let end = at_sign + 1 + host;
    let is_host = host > 0 && address.get(end).is_none_or(|byte| b"/?#'\\,;)".contains(byte));
    if is_host { &address[..end] } else { address }
}

/// Masks the password before the `@` at `at_sign` in an address without a scheme: data sources of Go and Oracle, proxies.
fn mask_without_scheme(text: &[u8], at_sign: usize, credentials: &mut Vec<Credential>) {
    let host = &text[at_sign + 1..text.len().min(at_sign + 65)];
    let name = host.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
    let is_host = host.starts_with(b"//")
        || host[..name].eq_ignore_ascii_case(b"localhost")
        || name > 0 && matches!(host.get(name), Some(b'(' | b':'))
        || host[..name].iter().rev().skip(2).any(|byte| *byte == b'.');
    if !is_host {
        return;
    }
    let is_word_byte = |byte: &&u8| !byte.is_ascii_whitespace() && !b"\"'`<>".contains(*byte);
    let length = text[..at_sign].iter().rev().take(128).take_while(is_word_byte).count();
    let word = &text[at_sign - length..at_sign];
    let start = memchr::memrchr(b'@', word).map_or(0, |earlier| earlier + 1);
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
        credentials.push(Credential { span: at_sign - password.len()..at_sign, prefix_len: 0 });
    }
}
