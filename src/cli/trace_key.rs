//! Extracts the key to trace from what the user pasted.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::detect::Detector;
use crate::model::{DetectedKey, Secret};
use crate::rules::{MAX_MATCH_LEN, MIN_EXACT_KEY_LEN};

/// Maximum number of characters after an ellipsis that are taken for the visible end of a redacted key.
const MAX_VISIBLE_END: usize = 8;

/// The key to trace, and what the rules say about it.
pub(super) struct TracedKey {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The number of leading bytes that may be shown.
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
        let keys = keys_found_by_rules(input, detector);
        if keys.is_empty() {
            refuse_redacted(input)?;
        }
        match keys.as_slice() {
            [] => Self::from_unrecognized_text(input),
            [key] => Ok(Self {
                bytes: Zeroizing::new(key.secret.reveal().to_vec()),
                prefix: key.secret.prefix_len(),
                rule: Some(key.rule.to_string()),
            }),
            several => {
                let redacted_keys: Vec<_> = several.iter().map(|key| key.secret.redacted()).collect();
                bail!(
                    "{} keys were given ({}): trace them one at a time",
                    several.len(),
                    redacted_keys.join(", ")
                )
            }
        }
    }

    /// The key in a text in which no rule finds one: all of the text, except for quotes and the name of a variable.
    fn from_unrecognized_text(input: &[u8]) -> Result<Self> {
        let lines = input.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        if lines > 1 {
            bail!("{lines} lines were given, and no rule recognizes a key in them: give only the key");
        }
        let text = without_quotes(assigned_value(input)?);
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

/// Refuses a redacted key, of which reports and OpenAI's pages show only the ends.
///
/// # Errors
/// If `input` is such a text; the message says how to trace it.
fn refuse_redacted(input: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(input);
    let ellipses = ["…", "...", "***", "•••", "●●●", "xxxx", "XXXX"];
    let Some(end) =
        ellipses.iter().filter_map(|ellipsis| text.rfind(ellipsis).map(|start| start + ellipsis.len())).max()
    else {
        return Ok(());
    };
    // More of the same characters, then the last characters of the key.
    let rest = text[end..].trim_start_matches(['.', '*', '•', '●', '…']);
    let visible_end: String =
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    if visible_end.len() > MAX_VISIBLE_END {
        return Ok(());
    }
    let four = if visible_end.len() < 4 {
        "XXXX".to_owned()
    } else {
        visible_end[visible_end.len() - 4..].to_owned()
    };
    bail!(
        "the key is redacted, so it cannot be traced as it is: give the whole key, or select it with --last-four {four} \
         or with --fingerprint and the digits that a report shows"
    )
}

/// The different keys that the rules find in `input`.
fn keys_found_by_rules(input: &[u8], detector: &Detector) -> Vec<DetectedKey> {
    let mut keys: Vec<DetectedKey> = Vec::new();
    detector.find(input, |key_match| {
        if keys.iter().all(|key| key.fingerprint != key_match.detected_key.fingerprint) {
            keys.push((*key_match.detected_key).clone());
        }
    });
    keys
}

/// The value in `NAME=value`, `export NAME=value` and `name: value`; all of the text if it has none of these forms. Since a
/// key may itself contain `:`, the name before one must be that of a secret, or the value must be quoted. Text with `=` in it
/// is found wherever what follows the `=` is found.
///
/// # Errors
/// When the value is empty: the name of a variable is not a key.
fn assigned_value(text: &[u8]) -> Result<&[u8]> {
    const SECRET_NAMES: [&str; 6] = ["key", "token", "secret", "password", "passwd", "auth"];
    let without_export = text.strip_prefix(b"export ").unwrap_or(text).trim_ascii_start();
    let Some(separator) = without_export.iter().position(|byte| b"=:".contains(byte)) else {
        return Ok(text);
    };
    let (name, assigned_value) = (
        without_quotes(without_export[..separator].trim_ascii()),
        without_export[separator + 1..].trim_ascii(),
    );
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let is_secret = SECRET_NAMES.iter().any(|word| name.contains(word));
    let is_variable = without_export[separator] == b'='
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.contains(['.', '-'])
        && assigned_value.len() >= MIN_EXACT_KEY_LEN
        && !assigned_value.starts_with(b"=");
    let is_quoted = without_quotes(assigned_value).len() < assigned_value.len();
    if is_name && is_secret && without_quotes(assigned_value).is_empty() {
        bail!("the variable has no value: give the key itself");
    }
    Ok(if is_name && !assigned_value.is_empty() && (is_secret || is_variable || is_quoted) {
        assigned_value
    } else {
        text
    })
}

/// `text` without one pair of quotes around it, and without a semicolon or comma after it.
fn without_quotes(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b";").or_else(|| text.strip_suffix(b",")).unwrap_or(text).trim_ascii_end();
    match text {
        [first @ (b'"' | b'\'' | b'`'), inner @ .., last] if first == last => inner,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, expand_template};

    fn extract(input: &str) -> Result<String> {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let key = TracedKey::extract(input.as_bytes(), &detector)?;
        Ok(String::from_utf8(key.bytes.to_vec()).unwrap())
    }

    fn key(number: u64) -> String {
        let text = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_key_that_a_rule_finds_is_extracted_from_the_surrounding_text() {
        let key = key(1);
        for template in [
            "{}",
            "{}\r\n",
            "OPENAI_API_KEY={}",
            "export OPENAI_API_KEY=\"{}\"\n",
            "'{}',",
            "\u{feff}{}",
            "# from .env\nNAME=x\nOPENAI_API_KEY={}\n",
            "{} {}",
        ] {
            assert_eq!(extract(&template.replace("{}", &key)).unwrap(), key, "{template}");
        }
    }

    #[test]
    fn quotes_and_a_variable_name_are_removed_from_an_unrecognized_key() {
        for input in [
            "hunter2-word",
            "\"hunter2-word\"",
            "API_KEY=hunter2-word",
            "export X='hunter2-word'",
            "\"token\": \"hunter2-word\",",
            "password: hunter2-word",
            "FOO=hunter2-word",
            "export pw=hunter2-word",
        ] {
            assert_eq!(extract(input).unwrap(), "hunter2-word", "{input}");
        }
        // The padding of base64 is not an assignment.
        for text in ["Zm9vYmFyYmF6cXV4==", "Zm9vYmFyYmF6cXV4=", "user:hunter2-word", "1x=hunter2-word"] {
            assert_eq!(extract(text).unwrap(), text);
        }
    }

    #[test]
    fn input_without_exactly_one_key_is_refused_without_being_shown() {
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
