//! `named`: many values near a service's address are hexadecimal. The name before a value distinguishes a
//! credential from a hash, and from the credential of another service.

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::rules::Owners;

/// Bytes before the secret that may contain its name.
const NAME_REACH: usize = 96;

/// Parts of names that do not name credentials, in lower case and without `_`, `-` and blanks.
const NOT_CREDENTIALS: &[&str] = &[
    "cache",
    "partition",
    "idempoten",
    "sortkey",
    "rowkey",
    "publickey",
    "hash",
    "digest",
    "md5",
    "checksum",
    "etag",
    "sha1",
    "thumbprint",
    "fingerprint",
    "foreignkey",
    "correlation",
    "requestid",
    "traceid",
    "spanid",
    "deployment",
    "resourceid",
    "tenant",
    "subscriptionid",
    "clientid",
    "objectid",
    "userid",
    "keyid",
    "tokenid",
    "secretid",
    "keyname",
    "secretname",
    "continuation",
    "nexttoken",
    "pagetoken",
    "keyversion",
];

/// Names of credentials. A word may end with one of these, as `apikey` does.
const CREDENTIALS: &[&str] = &[
    "key",
    "keys",
    "secret",
    "token",
    "credential",
    "credentials",
    "password",
    "passwd",
    "passw",
    "auth",
    "bearer",
];

/// Words at the start of a credential's name.
const AUTHORIZATION: &[&str] = &["authorization", "authentication", "authvalue", "authheader"];

/// Names of fields with a value whose own name is before the field.
const FIELDS: &[&str] = &["value", "default", "defaultvalue", "string"];

/// Rejects values whose name shows that they are something else.
#[derive(Debug)]
pub(super) struct Named;

impl Check for Named {
    fn name(&self) -> &'static str {
        "named"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        let text_before =
            &candidate.bytes[candidate.secret.start.saturating_sub(NAME_REACH)..candidate.secret.start];
        let (mut name, rest) = last_name(text_before);
        if FIELDS.contains(&&*words(name).concat()) {
            (name, _) = last_name(rest);
        }
        match contrary_word(name, settings.owners()) {
            Some(other) => Err(format!("its name says `{other}`").into()),
            None => Ok(()),
        }
    }
}

/// The last name in `text`, and the text before it.
fn last_name(text: &[u8]) -> (&[u8], &[u8]) {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let separator_len = text.iter().rev().take_while(|byte| !is_name(byte)).count();
    let end = text.len() - separator_len;
    let len = text[..end].iter().rev().take_while(is_name).count();
    (&text[end - len..end], &text[..end - len])
}

/// The part of `name` that shows that its value is not a credential, or is the credential of another service.
fn contrary_word(name: &[u8], owners: Option<&Owners>) -> Option<String> {
    let words = words(name);
    let joined = words.concat();
    if let Some(other) = NOT_CREDENTIALS.iter().find(|other| joined.contains(*other)) {
        return Some((*other).to_owned());
    }
    if let Some(owners) = owners
        && !owners.own.iter().any(|own| joined.contains(own.as_str()))
        && let Some(other) = words.iter().find(|word| owners.others.contains(word))
    {
        return Some(other.clone());
    }
    // `author` and `tokenizer` only contain the word.
    let contains = CREDENTIALS.iter().any(|word| joined.contains(word));
    (contains && !words.iter().any(|word| is_credential(word))).then_some(joined)
}

fn is_credential(word: &str) -> bool {
    let word = word.trim_end_matches(|digit: char| digit.is_ascii_digit());
    CREDENTIALS.iter().any(|ending| word.ends_with(ending))
        || AUTHORIZATION.iter().any(|start| word.starts_with(start))
}

/// The words of a name, in lower case, separated by punctuation or by a capital after a lower-case letter.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = b'_';
    for &byte in name {
        let is_word_end =
            !byte.is_ascii_alphanumeric() || (byte.is_ascii_uppercase() && last.is_ascii_lowercase());
        if is_word_end {
            words.push(String::new());
        }
        if let (true, Some(word)) = (byte.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        last = byte;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners() -> Owners {
        let list = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Owners { own: list(&["azure", "openai"]), others: list(&["db", "redis", "s3", "stripe"]) }
    }

    #[test]
    fn names_of_credentials_are_distinguished_from_others() {
        for name in [
            "AZURE_OPENAI_API_KEY",
            "api-key",
            "Key",
            "apikey",
            "azureOpenAIKey",
            "key1",
            "authValue",
            "Authorization",
            "x",
            "acme.openai.azure.com",
            "openai_db_key",
            "subscription-key",
            "OAUTH",
            "secretKey2",
        ] {
            assert_eq!(contrary_word(name.as_bytes(), Some(&owners())), None, "{name}");
        }
        for name in [
            "author",
            "authors",
            "Tokenizer",
            "token_id",
            "tokenId",
            "REDIS_KEY",
            "stripeKey",
            "DB_PASSWORD",
            "cache_key",
            "etag",
            "max_tokens",
            "keyboard",
            "monkeys.s3.key",
            "key_name",
        ] {
            assert!(contrary_word(name.as_bytes(), Some(&owners())).is_some(), "{name}");
        }
        assert_eq!(
            contrary_word(b"REDIS_KEY", None),
            None,
            "without a list of owners, any credential counts"
        );
    }
}
