//! Extracts the key to trace from what the user pasted.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::detect::Detector;
use crate::model::{Identified, Secret};
use crate::rules::{MAX_MATCH_LEN, MIN_EXACT_KEY_LEN};

/// A key and what the rules know of it.
pub(super) struct TracedKey {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Leading bytes that may be shown.
    pub(super) prefix: usize,
    /// The rule that recognizes such keys.
    pub(super) rule: Option<String>,
}

impl TracedKey {
    /// Extracts the only key from `input`: as it is, quoted, or assigned to a variable as in a `.env` file.
    ///
    /// # Errors
    /// When there is no key, more than one, or a text that could be more than a key.
    pub(super) fn extract(input: &[u8], detector: &Detector) -> Result<Self> {
        let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input).trim_ascii();
        if input.is_empty() {
            bail!("no key: pipe it into friskey, or name a variable with --env");
        }
        let known = recognized(input, detector);
        if known.is_empty() {
            refuse_redacted(input)?;
        }
        match known.as_slice() {
            [] => Self::unrecognized(input),
            [one] => Ok(Self {
                bytes: Zeroizing::new(one.secret.reveal().to_vec()),
                prefix: one.secret.prefix_len(),
                rule: Some(one.rule.to_string()),
            }),
            several => {
                let shown: Vec<_> = several.iter().map(|one| one.secret.redacted()).collect();
                bail!("{} keys were given ({}): trace them one at a time", several.len(), shown.join(", "))
            }
        }
    }

    /// A text that no rule recognizes: all of it is the key, but for quotes and the name of a variable.
    fn unrecognized(input: &[u8]) -> Result<Self> {
        let lines = input.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        if lines > 1 {
            bail!("{lines} lines were given, and no rule recognizes a key in them: give only the key");
        }
        let text = unquoted(value(input)?);
        if text.iter().any(u8::is_ascii_whitespace) {
            bail!("the text contains blanks, and no rule recognizes a key in it: give only the key");
        }
        if text.len() < MIN_EXACT_KEY_LEN {
            bail!("key too short ({} bytes, minimum {MIN_EXACT_KEY_LEN})", text.len());
        }
        if text.len() > MAX_MATCH_LEN {
            bail!("key too long ({} bytes, maximum {MAX_MATCH_LEN})", text.len());
        }
        Ok(Self { bytes: Zeroizing::new(text.to_vec()), prefix: 0, rule: None })
    }

    /// The key as a secret.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(self.bytes.to_vec(), self.prefix)
    }
}

/// Refuses what shows only the ends of a key, as reports and OpenAI's pages do.
///
/// # Errors
/// If `input` is such a text; the message says how to trace it.
fn refuse_redacted(input: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(input);
    let signs = ["…", "...", "***", "•••", "●●●", "xxxx", "XXXX"];
    let Some(end) = signs.iter().filter_map(|sign| text.rfind(sign).map(|at| at + sign.len())).max() else {
        return Ok(());
    };
    // More of the sign, then the last characters of the key.
    let rest = text[end..].trim_start_matches(['.', '*', '•', '●', '…']);
    let shown: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    if shown.len() > 8 {
        return Ok(());
    }
    let four = if shown.len() < 4 { "XXXX".to_owned() } else { shown[shown.len() - 4..].to_owned() };
    bail!(
        "the key is redacted, so it cannot be traced as it is: give the whole key, or select it with --last-four {four} \
         or with --fingerprint and the digits that a report shows"
    )
}

/// The different keys that the rules find in `input`.
fn recognized(input: &[u8], detector: &Detector) -> Vec<Identified> {
    let mut known: Vec<Identified> = Vec::new();
    detector.find(input, |found| {
        if known.iter().all(|one| one.fingerprint != found.identified.fingerprint) {
            known.push((*found.identified).clone());
        }
    });
    known
}

/// What is assigned in `NAME=value`, `export NAME=value` and `name: value`; the text itself if it is nothing of
/// the kind. A key may hold such signs itself, so the name has to be that of a secret, or the value quoted.
///
/// # Errors
/// When nothing is assigned: the name of a variable is not a key.
fn value(text: &[u8]) -> Result<&[u8]> {
    const SECRET_NAMES: [&str; 6] = ["key", "token", "secret", "password", "passwd", "auth"];
    let without_export = text.strip_prefix(b"export ").unwrap_or(text).trim_ascii_start();
    let Some(at) = without_export.iter().position(|byte| b"=:".contains(byte)) else { return Ok(text) };
    let (name, value) = (unquoted(without_export[..at].trim_ascii()), without_export[at + 1..].trim_ascii());
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let is_secret = SECRET_NAMES.iter().any(|word| name.contains(word));
    let is_quoted = unquoted(value).len() < value.len();
    if is_name && is_secret && unquoted(value).is_empty() {
        bail!("the variable has no value: give the key itself");
    }
    Ok(if is_name && !value.is_empty() && (is_secret || is_quoted) { value } else { text })
}

/// `text` without one pair of quotes around it, and without what ends a statement or a list item.
fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b";").or_else(|| text.strip_suffix(b",")).unwrap_or(text).trim_ascii_end();
    match text {
        [first @ (b'"' | b'\'' | b'`'), inner @ .., last] if first == last => inner,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, expand};

    fn extract(input: &str) -> Result<String> {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let key = TracedKey::extract(input.as_bytes(), &detector)?;
        Ok(String::from_utf8(key.bytes.to_vec()).unwrap())
    }

    fn key(number: u64) -> String {
        let text = expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_known_key_is_taken_out_of_what_surrounds_it() {
        let key = key(1);
        for around in [
            "{}",
            "{}\r\n",
            "OPENAI_API_KEY={}",
            "export OPENAI_API_KEY=\"{}\"\n",
            "'{}',",
            "\u{feff}{}",
            "# from .env\nNAME=x\nOPENAI_API_KEY={}\n",
            "{} {}",
        ] {
            assert_eq!(extract(&around.replace("{}", &key)).unwrap(), key, "{around}");
        }
    }

    #[test]
    fn an_unknown_key_loses_quotes_and_a_variable_name() {
        for input in [
            "hunter2-word",
            "\"hunter2-word\"",
            "API_KEY=hunter2-word",
            "export X='hunter2-word'",
            "\"token\": \"hunter2-word\",",
            "password: hunter2-word",
        ] {
            assert_eq!(extract(input).unwrap(), "hunter2-word", "{input}");
        }
        // Base64 ends in signs that are no assignment.
        for whole in ["Zm9vYmFyYmF6cXV4==", "user:hunter2-word"] {
            assert_eq!(extract(whole).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_not_one_key_is_refused_without_showing_it() {
        let (one, two) = (key(1), key(2));
        let several = extract(&format!("{one}\n{two}\n")).unwrap_err().to_string();
        assert!(several.starts_with("2 keys were given (sk-proj-…"), "{several}");
        assert!(!several.contains(&one[8..20]) && !several.contains(&two[8..20]));
        for (input, part) in [
            ("", "no key"),
            ("  \n", "no key"),
            ("short", "key too short (5 bytes, minimum 8)"),
            ("hunter2-word\nhunter3-word", "2 lines were given"),
            ("hunter2 word", "contains blanks"),
            ("sk-proj-…M8rA", "--last-four M8rA"),
            ("sk-proj-...M8rA", "--last-four M8rA"),
            ("sk-...M8rA", "--last-four M8rA"),
            ("OPENAI_API_KEY=\"sk-proj-****************M8rA\"", "--last-four M8rA"),
            ("sk-pr••••••••M8rA", "--last-four M8rA"),
            ("sk-proj-…", "--last-four XXXX"),
            ("OPENAI_API_KEY=", "has no value"),
            ("export OPENAI_API_KEY=\"\"", "has no value"),
        ] {
            let error = extract(input).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hunter"), "{input}: {error}");
        }
    }
}
