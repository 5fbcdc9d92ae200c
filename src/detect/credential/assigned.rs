//! Values that are named as secrets: `password = …`, `--token …`, `Bearer …`, and passwords in addresses.

use std::ops::Range;

use super::Credential;

/// The longest value that is hidden, in bytes.
const LONGEST: usize = 4096;

/// The longest name that is looked at, in bytes.
const LONGEST_NAME: usize = 64;

/// What a name holds that says so, in lower case and without `_` and `-`.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "accountkey",
    "credential",
    "sharedaccesskey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "authkey",
    "auth",
    "sessionkey",
    "connectionstring",
    "bearer",
    "cookie",
];

pub(super) fn find(text: &[u8], found: &mut Vec<Credential>) {
    for at in memchr::memchr2_iter(b'=', b':', text) {
        if text[at] == b':' && text[at..].starts_with(b"://") {
            user_info(text, at + 3, found);
        } else if let Some(name) = name_before(text, at) {
            let start = at + 1 + text[at + 1..].iter().take_while(|b| matches!(b, b'=' | b'>')).count();
            value(text, start, is_password(name), found);
        }
    }
    for option in memchr::memmem::find_iter(text, b"--") {
        let name = option + 2..option + 2 + run(&text[option + 2..], is_name);
        if text.get(name.end) == Some(&b' ') && is_secret(&text[name.clone()]) {
            value(text, name.end, is_password(&text[name]), found);
        }
    }
    for scheme in [&b"Bearer "[..], b"bearer ", b"Basic "] {
        for at in memchr::memmem::find_iter(text, scheme) {
            value(text, at + scheme.len(), true, found);
        }
    }
}

fn run(text: &[u8], is_in: fn(u8) -> bool) -> usize {
    text.iter().take(LONGEST_NAME).take_while(|byte| is_in(**byte)).count()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The name that is assigned to at `at`, if it is one of a secret.
fn name_before(text: &[u8], at: usize) -> Option<&[u8]> {
    let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b']' | b':' | b'?');
    let between = text[..at].iter().rev().take(8).take_while(|byte| is_between(byte)).count();
    let end = at - between;
    let length = text[..end].iter().rev().take(LONGEST_NAME).take_while(|byte| is_name(**byte)).count();
    let name = &text[end - length..end];
    is_secret(name).then_some(name)
}

fn plain(name: &[u8]) -> String {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

fn is_secret(name: &[u8]) -> bool {
    let name = plain(name);
    NAMES.iter().any(|word| name.contains(word)) && !name.ends_with("tokens") && !name.ends_with("author")
}

fn is_password(name: &[u8]) -> bool {
    let name = plain(name);
    ["pass", "pwd"].iter().any(|word| name.contains(word))
}

/// Hides the value that begins at `start`, behind blanks, unless it is code or says nothing.
fn value(text: &[u8], start: usize, is_password: bool, found: &mut Vec<Credential>) {
    let blanks = text[start..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut start = start + blanks;
    // `\"` of text within text.
    start += usize::from(text[start..].starts_with(b"\\\""));
    let rest = &text[start..];
    for scheme in [&b"Bearer "[..], b"Basic ", b"Token "] {
        if rest.starts_with(scheme) {
            return value(text, start + scheme.len(), true, found);
        }
    }
    let quote = rest.first().copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let span = match quote {
        Some(quote) => {
            let from = start + 1;
            let end = text[from..].iter().take(LONGEST).take_while(|b| ![quote, b'\n'].contains(*b)).count();
            from..from + end
        }
        None => {
            let ends = |byte: &&u8| !(byte.is_ascii_whitespace() || b",;)]}>&|\"'`<\\".contains(*byte));
            start..start + rest.iter().take(LONGEST).take_while(ends).count()
        }
    };
    if is_worth_hiding(text, &span, quote.is_some(), is_password) {
        found.push(Credential { span, shown: 0 });
    }
}

fn is_worth_hiding(text: &[u8], span: &Range<usize>, is_quoted: bool, is_password: bool) -> bool {
    let value = &text[span.clone()];
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    // Put in when it runs, or hidden already.
    let is_filled_in =
        value.first().is_some_and(|byte| b"$<{%*".contains(byte)) || value.starts_with("…".as_bytes());
    if value.len() < 4 || is_filled_in || (is_number && !is_password) {
        return false;
    }
    if is_quoted {
        return !value.contains(&b' ') || is_password;
    }
    let is_code = value.iter().any(|byte| b"([".contains(byte))
        || (value.contains(&b'.') && !value.iter().any(u8::is_ascii_digit));
    let is_word = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:?!".contains(byte));
    !is_code && !is_word
}

/// The password in an address whose authority begins at `start`, or what stands there instead of one.
fn user_info(text: &[u8], start: usize, found: &mut Vec<Credential>) {
    let ends = |byte: &&u8| !(byte.is_ascii_whitespace() || b"\"'`<>\\".contains(*byte));
    let address = &text[start..start + text[start..].iter().take(LONGEST).take_while(ends).count()];
    let authority = address.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(address.len());
    let colon = address[..authority].iter().position(|byte| *byte == b':');
    let at = match (memchr::memrchr(b'@', &address[..authority]), colon) {
        (Some(at), _) => at,
        // A slash within a password; behind a port there is a path.
        (None, Some(colon)) if !address[colon + 1..authority].iter().all(u8::is_ascii_digit) => {
            match memchr::memchr(b'@', address) {
                Some(at) => at,
                None => return,
            }
        }
        _ => return,
    };
    let from = colon.filter(|colon| *colon < at).map_or(0, |colon| colon + 1);
    let is_user = from == 0 && at < 8;
    if from < at && !is_user && !address[from..at].starts_with(b"$") {
        found.push(Credential { span: start + from..start + at, shown: 0 });
    }
}
