//! Distinguishes hex that may be a key from hashes, by the name before it.

use std::ops::Range;

use super::TextKind;
use super::secret_name::{classify, is_name, words};

/// Minimum number of hex digits of a possible key: 128 bits.
const MIN_HEX_LEN: usize = 32;

/// Maximum distance between hex digits and the start of their name, in bytes.
const NAME_REACH: usize = 48;

/// Words in names of hashes and git objects.
const DIGEST_WORDS: &[&str] = &[
    "sha",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "md5",
    "commit",
    "rev",
    "revision",
    "hash",
    "digest",
    "checksum",
    "integrity",
    "object",
    "fingerprint",
    "oid",
    "tree",
    "blob",
    "parent",
    "sha256sum",
    "md5sum",
];

/// Words in names of keys, even if the name also contains one of the [`DIGEST_WORDS`].
const KEY_WORDS: &[&str] = &["hmac", "mac", "key", "secret", "token", "password", "pass"];

/// Whether `word` is hex and long enough to be a key.
pub(super) fn is_hex(word: &[u8]) -> bool {
    word.len() >= MIN_HEX_LEN
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
}

/// Whether the hex at `span` is masked. In paths, names and messages, hex of a hash's length is an object id.
pub(super) fn is_masked(text: &[u8], span: &Range<usize>, kind: TextKind) -> bool {
    if !matches!(span.len(), 32 | 40 | 56 | 64 | 96 | 128) {
        return true;
    }
    kind == TextKind::SourceLine && !is_named_digest(&text[span.start.saturating_sub(NAME_REACH)..span.start])
}

/// Whether the text before a run of hex digits ends with the name of a hash.
fn is_named_digest(before: &[u8]) -> bool {
    let is_between = |byte: &u8| !is_name(*byte) || *byte == b'-' || *byte == b'.';
    let between = before.iter().rev().take(12).take_while(|byte| is_between(byte)).count();
    let before = &before[..before.len() - between];
    let length = before.iter().rev().take_while(|byte| is_name(**byte)).count();
    let name = &before[before.len() - length..];
    let words = words(name);
    words.iter().any(|word| DIGEST_WORDS.contains(&&**word))
        && classify(name).is_none()
        && !words.iter().any(|word| KEY_WORDS.contains(&&**word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_name_a_digest() {
        let hex = "0a9f3c1b".repeat(4);
        let is_masked = |before: &str| {
            let text = format!("{before}{hex}");
            is_masked(text.as_bytes(), &(before.len()..text.len()), TextKind::SourceLine)
        };
        for digest in
            ["commit ", "sha256:", "\"md5\": \"", "rev = '", "object ", "fileHash: ", "sha256sum=", "sha1-"]
        {
            assert!(!is_masked(digest), "{digest}");
        }
        for key in [
            "shared_key=",
            "previous: ",
            "HMAC_SHA256_KEY=",
            "hash_key: \"",
            "review_app_key=",
            "object_store_key=",
            "hashKey = '",
            "sha_secret: ",
            "commitToken=",
            "x ",
            "HMAC-SHA256=",
            "shade: ",
            "trees=",
            "hashkey=",
        ] {
            assert!(is_masked(key), "{key}");
        }
    }
}
