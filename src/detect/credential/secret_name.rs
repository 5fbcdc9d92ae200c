//! Finds names that indicate a secret value: `DB_PASSWORD`, `clientSecret`, `api-key`.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Maximum length of a name, in bytes.
const MAX_NAME_LEN: usize = 64;

/// Every name of a secret contains one of these, in any case.
const STEMS: &[&str] = &[
    "pass",
    "pwd",
    "pw",
    "psw",
    "psk",
    "kennwort",
    "contrase",
    "senha",
    "wachtwoord",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "bearer",
    "cookie",
    "sig",
    "jwt",
    "sess",
    "mnemonic",
    "webhook",
    "connection",
    "connstr",
    "dsn",
    "otp",
    "pin",
    "sid",
    "salt",
    "seed",
    "pat",
    "sas",
    "login",
    "securestring",
    "identified by",
];

/// Built when text is first displayed. The NFA is quick to build, and fast enough for short texts.
static STEM_SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::ContiguousNFA)).build(STEMS).ok()
});

/// Parts of password names, in lower case and without `_` and `-`.
const PASSWORD_PARTS: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "pswd",
    "kennwort",
    "contrase",
    "motdepasse",
    "securestring",
    "senha",
    "wachtwoord",
];

/// Whole words that mean a password.
const PASSWORD_WORDS: &[&str] = &["pass", "pw", "psw", "psk", "pin", "identified by"];

/// Parts of names of other secrets.
const TOKEN_PARTS: &[&str] = &[
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "accountkey",
    "sharedkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "authkey",
    "sessionkey",
    "credential",
    "connectionstring",
    "connstr",
    "bearer",
    "cookie",
    "mnemonic",
    "webhook",
    "jwt",
    "signature",
    "authorization",
    "sessionid",
];

/// Whole words that mean another secret.
const TOKEN_WORDS: &[&str] = &[
    "auth", "creds", "cred", "sig", "otp", "totp", "sid", "salt", "seed", "dsn", "pat", "sas", "login",
    "session",
];

/// Names that contain one of the above without being secret.
const OTHER_PARTS: &[&str] = &["tokeniz", "tokenis", "keyboard", "secretary", "passwordless"];
/// Ends of names that are not secret although they contain one of the above.
const OTHER_ENDINGS: &[&str] = &[
    "tokens", "author", "authors", "url", "uri", "endpoint", "path", "file", "dir", "type", "length", "len",
    "count", "size", "limit", "bypass", "compass", "monkey", "turkey", "hockey",
];

/// Last components of a dotted name that refer to the component before: `password.value`.
const ACCESSORS: &[&str] = &["value", "text", "default", "val"];

/// How strongly a name indicates a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameStrength {
    /// Some key: of an API, or of a map.
    Key,
    /// A token or another generated secret.
    Token,
    /// A password, which may look like anything.
    Password,
}

/// A name in a text.
#[derive(Clone, Debug)]
pub(super) struct SecretName {
    pub(super) span: Range<usize>,
    pub(super) strength: NameStrength,
}

/// The names in `text`, in order.
pub(super) fn find(text: &[u8]) -> Vec<SecretName> {
    let Some(stems) = &*STEM_SEARCH else { return Vec::new() };
    let mut names: Vec<SecretName> = Vec::new();
    let mut searched_until = 0;
    for hit in stems.find_iter(text) {
        if hit.start() < searched_until {
            continue;
        }
        let before = text[searched_until..hit.start()].iter().rev().take(MAX_NAME_LEN);
        let start = hit.start() - before.take_while(|byte| is_name(**byte)).count();
        let start = start + escape_len(text, start);
        let behind = text[hit.end()..].iter().take(MAX_NAME_LEN).take_while(|byte| is_name(**byte)).count();
        let mut end = hit.end() + behind;
        searched_until = end;
        end -= text[start..end].iter().rev().take_while(|byte| b".-".contains(byte)).count();
        if start <= hit.start()
            && start < end
            && let Some(strength) = strength(text, start..end)
        {
            names.push(SecretName { span: start..end, strength });
        }
    }
    names
}

/// Length of the rest of an escape such as `\u0022` at the start of a run of letters.
fn escape_len(text: &[u8], start: usize) -> usize {
    let escapes = ["u0022", "u0027", "u003c", "u003C", "x22", "x27", "x3c"].iter();
    let is_escape = text[..start].ends_with(b"\\");
    let length = escapes
        .filter(|escape| text[start..].starts_with(escape.as_bytes()))
        .map(|escape| escape.len())
        .max();
    length.filter(|_| is_escape).unwrap_or(0)
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Strength of the name at `span`; `None` if it does not name a secret.
fn strength(text: &[u8], span: Range<usize>) -> Option<NameStrength> {
    let name = &text[span.clone()];
    let strength = classify(name);
    if strength.is_none_or(|strength| strength == NameStrength::Key)
        && ["key", "phrase", "word", "code"].iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
        && text[..span.start].ends_with(b" ")
    {
        const FIRST_WORDS: &[&str] = &[
            "secret",
            "private",
            "access",
            "api",
            "account",
            "shared",
            "signing",
            "encryption",
            "master",
            "pass",
        ];
        let before = &text[..span.start - 1];
        let length = before.iter().rev().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let first = before[before.len() - length..].to_ascii_lowercase();
        if FIRST_WORDS.iter().any(|word| first == word.as_bytes()) {
            return Some(NameStrength::Token);
        }
    }
    strength
}

/// Strength of a name; `None` if it does not name a secret.
pub(super) fn classify(name: &[u8]) -> Option<NameStrength> {
    let mut parts = name.rsplit(|byte| *byte == b'.');
    let last = parts.next()?;
    let is_accessor = ACCESSORS.iter().any(|word| last.eq_ignore_ascii_case(word.as_bytes()));
    let component = if is_accessor { parts.next().unwrap_or(last) } else { last };
    let plain: String =
        component.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').map(lower).collect();
    let is_other = OTHER_PARTS.iter().any(|part| plain.contains(part))
        || OTHER_ENDINGS.iter().any(|ending| plain.ends_with(ending)) && !plain.contains("webhook");
    if is_other {
        return None;
    }
    if PASSWORD_PARTS.iter().any(|part| plain.contains(part)) || plain.ends_with("pass") {
        return Some(NameStrength::Password);
    }
    let words = words(component);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&&**word));
    if has(PASSWORD_WORDS) || PASSWORD_WORDS.contains(&&*plain) {
        Some(NameStrength::Password)
    } else if TOKEN_PARTS.iter().any(|part| plain.contains(part))
        || plain.ends_with("auth")
        || has(TOKEN_WORDS)
    {
        Some(NameStrength::Token)
    } else if plain.ends_with("key") || has(&["key"]) {
        Some(NameStrength::Key)
    } else {
        None
    }
}

fn lower(byte: &u8) -> char {
    char::from(byte.to_ascii_lowercase())
}

/// The words of `snake_case`, `kebab-case`, `camelCase` and `HTTPServer2`, in lower case.
pub(super) fn words(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, byte) in name.iter().enumerate() {
        let is_start = byte.is_ascii_uppercase()
            && at > 0
            && (!name[at - 1].is_ascii_uppercase() || name.get(at + 1).is_some_and(u8::is_ascii_lowercase));
        if (is_start || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if byte.is_ascii_alphanumeric() {
            word.push(lower(byte));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_classified_by_the_secret_that_they_indicate() {
        for (name, strength) in [
            ("DB_PASSWORD", Some(NameStrength::Password)),
            ("spring.datasource.password", Some(NameStrength::Password)),
            ("txtPass.Text", Some(NameStrength::Password)),
            ("clientSecret", Some(NameStrength::Token)),
            ("X-Api-Key", Some(NameStrength::Token)),
            ("basicAuth", Some(NameStrength::Token)),
            ("review_app_key", Some(NameStrength::Key)),
            ("max_tokens", None),
            ("author", None),
            ("tokenizer", None),
            ("password.length", None),
            ("compass", None),
            ("design", None),
        ] {
            assert_eq!(classify(name.as_bytes()), strength, "{name}");
        }
        assert_eq!(words(b"HTTPServer_keyId-x"), ["http", "server", "key", "id", "x"]);
    }
}
