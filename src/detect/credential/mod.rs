//! Finds credentials of any vendor in text that is about to be displayed, to mask them.
//!
//! The rules cover OpenAI keys, but a line that contains one often contains other credentials. What is found here is masked
//! and never reported: a false positive hides a word from the reader, and a miss reveals a secret.

mod address;
mod assigned;
mod command_line;
mod element;
mod escaped;
mod header;
mod hex_digest;
mod nul_stripped;
mod pair;
mod pem;
mod prefixed;
mod public_value;
mod quote;
mod random_token;
mod secret_name;
mod value;

use std::ops::Range;

use nul_stripped::NulStripped;

/// How aggressively text is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// A source line or a person's name: everything that looks random is masked.
    SourceLine,
    /// Paths, refs, reasons and messages, in which object ids and fingerprints are common.
    Name,
}

/// A span to mask, except for the public prefix at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) span: Range<usize>,
    /// Length of the public prefix, in bytes.
    pub(super) prefix_len: usize,
}

/// Credentials in `bytes`, which may be UTF-8, UTF-16 or UTF-32. Sorted and without overlaps.
pub(super) fn credentials(bytes: &[u8], kind: TextKind) -> Vec<Credential> {
    let stripped = NulStripped::new(bytes);
    let text = stripped.text();
    let mut credentials = Vec::new();
    let names = secret_name::find(text);
    prefixed::find(text, &mut credentials);
    pem::find(text, &mut credentials);
    address::find(text, &mut credentials);
    header::find(text, &mut credentials);
    assigned::find(text, &names, kind, &mut credentials);
    pair::find(text, &names, kind, &mut credentials);
    element::find(text, &names, kind, &mut credentials);
    command_line::find(text, &mut credentials);
    random_token::find(text, kind, &mut credentials);
    escaped::find(text, &mut credentials);
    credentials.sort_by_key(|credential| (credential.span.start, credential.span.end));
    let mut merged: Vec<Credential> = Vec::with_capacity(credentials.len());
    for credential in credentials {
        match merged.last_mut() {
            Some(last) if credential.span.start < last.span.end => {
                if last.span.start == credential.span.start {
                    last.prefix_len = last.prefix_len.max(credential.prefix_len);
                }
                last.span.end = last.span.end.max(credential.span.end);
            }
            _ => merged.push(credential),
        }
    }
    for credential in &mut merged {
        stripped.restore(credential);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four characters of each class in turn, which no person would write.
    pub(super) fn random(length: usize) -> String {
        let alphabet = b"q7Wz3KtR9bXv2HmPf8LsD4gYc6NjT1aQ5eUxB0";
        (0..length).map(|n| char::from(alphabet[(n * 11 + n / 7 * 5) % alphabet.len()])).collect()
    }

    /// `text` with each credential replaced by its prefix and an ellipsis.
    fn mask(text: &str, kind: TextKind) -> String {
        let mut out = String::new();
        let mut at = 0;
        for Credential { span, prefix_len } in credentials(text.as_bytes(), kind) {
            out.push_str(&text[at..span.start + prefix_len]);
            out.push('…');
            at = span.end;
        }
        out + &text[at..]
    }

    #[test]
    fn keys_with_prefixes_of_other_vendors_are_masked() {
        let body = random(36);
        for prefix in
            ["sk-ant-api03-", "ghp_", "github_pat_", "glpat-", "xoxb-", "npm_", "hf_", "AIza", "gsk_"]
        {
            for kind in [TextKind::SourceLine, TextKind::Name] {
                let text = mask(&format!("a: {prefix}{body}; b"), kind);
                assert!(text.starts_with("a: ") && text.ends_with("; b"), "{text}");
                assert!(!text.contains(&body[..8]) && !text.contains(&body[28..]), "{text}");
            }
        }
        let short = ["AKIA", "Q7W2ZK3TR9BX4VHM"].concat();
        assert_eq!(mask(&format!("id {short} x"), TextKind::Name), "id AKIA… x");
        let jwt = ["eyJ", "hbGciOiJIUzI1NiJ9", ".eyJ", "zdWIiOiIxIn0", ".", &random(43)].concat();
        assert_eq!(mask(&format!("({jwt})"), TextKind::SourceLine), "(eyJ…)");
    }

    #[test]
    fn passwords_are_masked_and_code_is_not() {
        let pass = ["hunt", "er2!x"].concat();
        for (before, after) in [
            ("password = \"", "\""),
            ("DB_PASSWORD=", ""),
            ("{\"client_secret\": \"", "\"}"),
            ("https://user:", "@host.example/a"),
            ("--token ", " next"),
            ("Authorization: Bearer ", ""),
            ("AccountKey=", ";Endpoint=x"),
        ] {
            let text = mask(&format!("{before}{pass}{after}"), TextKind::SourceLine);
            assert_eq!(text, format!("{before}…{after}"));
        }
        for plain in [
            "password = os.environ[\"PASSWORD\"]",
            "token: string",
            "token = getToken(request)",
            "secret = ${{ secrets.KEY }}",
            "max_tokens: 4096",
            "https://host.example:8080/@scope/name",
            "git@host.example:team/app.git",
        ] {
            assert_eq!(mask(plain, TextKind::SourceLine), plain);
        }
    }

    #[test]
    fn random_tokens_are_masked_and_names_are_not() {
        let token = random(40);
        assert_eq!(mask(&format!("x('{token}')"), TextKind::SourceLine), "x('…')");
        let lower = token.to_lowercase();
        assert_eq!(mask(&format!("x('{lower}')"), TextKind::SourceLine), "x('…')");
        let hex = "0a9f3c".repeat(6)[..32].to_owned();
        assert_eq!(mask(&format!("k {hex}"), TextKind::SourceLine), "k …");
        for plain in [
            "getUserNameFromTheDatabaseConnection",
            "src/components/UserProfile2/AccountSettingsPanel.test.tsx",
            "THE_LONGEST_CONSTANT_NAME_OF_ALL_2",
            "openai-chat-completion-2024-05-13-preview-v2",
            "b5e2f7c0-1d1a-4f52-9a33-1f4f7dbb0c11",
            "Pneumonoultramicroscopicsilicovolcanoconiosis",
            "========================================",
        ] {
            assert_eq!(mask(plain, TextKind::SourceLine), plain);
        }
        for id in ["commit 0a9f3c17", "sha256:0a9f3c17"] {
            let text = format!("{id}{}", "5d8e2b4c".repeat(4));
            assert_eq!(mask(&text, TextKind::SourceLine), text);
        }
        let object = format!("object {}", "5d8e2b4c".repeat(5));
        assert_eq!(mask(&object, TextKind::Name), object);
    }

    #[test]
    fn escaped_tokens_are_masked() {
        let body = random(24);
        let escape = |each: fn(u8) -> String| body.bytes().map(each).collect::<String>();
        let texts = [
            escape(|byte| format!("%{byte:02x}")),
            escape(|byte| format!("\\u{byte:04x}")),
            escape(|byte| format!("\\x{byte:02X}")),
            escape(|byte| format!("&#{byte};")),
            escape(|byte| format!("{byte:02x}")),
        ];
        for text in &texts {
            assert_eq!(mask(&format!("a {text} b"), TextKind::SourceLine), "a … b", "{text}");
        }
    }

    #[test]
    fn credentials_in_utf_16_are_found() {
        let text = format!("a {} b", random(40));
        let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
        let credentials = credentials(&wide, TextKind::SourceLine);
        assert_eq!(credentials.len(), 1);
        assert!(credentials[0].span.start <= 4 && credentials[0].span.end >= 2 * 42, "{credentials:?}");
    }
}
