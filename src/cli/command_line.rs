//! The command line as reports show it.

use crate::model::VersionControl;

/// The most words that a report repeats: hooks name every file.
const MAX_WORDS: usize = 100;

/// The words of the command line, the name of the program first. Addresses lose their credentials; keys in it, if there
/// are any, are redacted with the rest of the report.
pub(super) fn words() -> Vec<String> {
    let mut words: Vec<String> = vec!["friskey".to_owned()];
    let mut rest = std::env::args_os().skip(1).map(|word| shown(&word.to_string_lossy()));
    words.extend(rest.by_ref().take(MAX_WORDS));
    match rest.count() {
        0 => {}
        more => words.push(format!("… and {more} more")),
    }
    words
}

fn shown(word: &str) -> String {
    let (option, value) = match word.split_once('=') {
        Some((option, value)) if option.starts_with('-') => (format!("{option}="), value),
        _ => (String::new(), word),
    };
    let public = value.contains("://").then(|| VersionControl::public_uri(value)).flatten();
    let word = format!("{option}{}", public.as_deref().unwrap_or(value));
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,~^".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_lose_credentials() {
        let token = ["ann", "token"].join(":");
        assert_eq!(shown("--range"), "--range");
        assert_eq!(shown("main..HEAD~2"), "main..HEAD~2");
        assert_eq!(shown("my repo's"), "'my repo'\\''s'");
        assert_eq!(shown(&format!("https://{token}@host.example/a?x=1")), "https://host.example/a");
        assert_eq!(shown(&format!("--host=https://{token}@host.example/a")), "--host=https://host.example/a");
        assert_eq!(shown(""), "''");
    }
}
