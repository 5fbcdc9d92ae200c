//! Recognizes values that may be shown although their name indicates a secret: variables, placeholders, types, code.

use super::secret_name::{classify, words};

/// Words of code and of forms that may be in the place of a value.
const CODE_WORDS: &[&str] = &[
    "any",
    "args",
    "argv",
    "array",
    "auto",
    "bearer",
    "bool",
    "boolean",
    "byte",
    "bytes",
    "bytea",
    "char",
    "conf",
    "config",
    "configuration",
    "const",
    "context",
    "ctx",
    "data",
    "default",
    "deno",
    "empty",
    "enabled",
    "disabled",
    "env",
    "environ",
    "environment",
    "event",
    "expired",
    "false",
    "field",
    "final",
    "form",
    "getenv",
    "hidden",
    "import",
    "incorrect",
    "input",
    "int",
    "integer",
    "invalid",
    "let",
    "local",
    "missing",
    "never",
    "nil",
    "no",
    "none",
    "null",
    "nullptr",
    "number",
    "object",
    "opaque",
    "optional",
    "option",
    "options",
    "opts",
    "os",
    "output",
    "param",
    "params",
    "process",
    "props",
    "req",
    "request",
    "required",
    "res",
    "response",
    "self",
    "settings",
    "some",
    "state",
    "static",
    "std",
    "str",
    "string",
    "system",
    "text",
    "the",
    "this",
    "true",
    "undefined",
    "unset",
    "user",
    "value",
    "val",
    "var",
    "varchar",
    "vault",
    "void",
    "window",
    "wrong",
    "yes",
    "example",
    "placeholder",
    "redacted",
    "changeme",
    "new",
    "await",
    "return",
    "function",
    "lambda",
    "async",
];

/// Whether the value is substituted when the text is used, or has been redacted.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let text_between = |open: &str, close: &str| {
        value.strip_prefix(open).and_then(|rest| rest.find(close).map(|at| &rest[..at]))
    };
    let is_filler = |c: char| matches!(c, '*' | '.' | '•' | '_' | '-' | '#' | '…');
    if value.starts_with('…') || value.chars().all(is_filler) || value.chars().all(|c| c == 'x' || c == 'X')
    {
        return true;
    }
    if let Some(name) = text_between("${", "}") {
        // A default after the name may be the secret.
        return !name.contains([':', '-', '?']) || name.trim_start_matches(is_variable_char).len() < 3;
    }
    if value.starts_with("$(") || text_between("{{", "}}").is_some() || text_between("#{", "}").is_some() {
        return true;
    }
    if let Some(rest) = value.strip_prefix('$') {
        let name = rest.trim_start_matches(['$', '(']);
        return is_variable(name.split(['-', '.', '[', '(', ';', ',', ')']).next().unwrap_or_default());
    }
    if let Some(name) = text_between("%(", ")").or_else(|| text_between("%", "%")) {
        return is_variable(name);
    }
    if let Some(name) = text_between("<", ">") {
        return name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '-'));
    }
    if let Some(name) = value.strip_prefix(['*', '&', '!', '@']) {
        return is_known(name.trim_matches(['*', '&', '!', '@']));
    }
    false
}

/// Whether `c` may be part of a variable's name.
fn is_variable_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Whether the text after `$` is the name of a variable rather than part of a password.
fn is_variable(name: &str) -> bool {
    let is_name =
        name.chars().all(is_variable_char) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_upper = !name.contains(|c: char| c.is_ascii_lowercase());
    let has_digit = name.contains(|c: char| c.is_ascii_digit());
    name.len() < 2 || is_name && (is_upper && (!has_digit || name.contains('_')) || is_known(name))
}

/// Whether a word is the name of a secret or occurs in code.
fn is_known(name: &str) -> bool {
    let parts = words(name.as_bytes());
    let is_word = |word: &String| CODE_WORDS.contains(&&**word);
    // Random letters contain many short words.
    let has_long = parts.iter().any(|word| word.len() >= 5 && is_word(word));
    !has_digits(name, 1)
        && (classify(name.as_bytes()).is_some() || has_long || !parts.is_empty() && parts.iter().all(is_word))
}

/// Whether the value is an expression that yields the secret, or its type.
pub(super) fn is_code(value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let value = value
        .trim_start_matches(['&', '*', '!', '(', '\\'])
        .trim_end_matches([';', ',', ')', '?', '!', ':', '.', '}']);
    if value.is_empty() {
        return true;
    }
    let is_path = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '$' | '<' | '>' | '?' | '\'' | '&' | '-')
    };
    let path = &value[..value.find(|c: char| !is_path(c)).unwrap_or(value.len())];
    let starts_as_name = path.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match value[path.len()..].chars().next() {
        None if value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') => is_known(value),
        None => starts_as_name && value.contains(['.', ':', '<', '-']) && is_dotted_code(value),
        Some('(' | '[') => {
            let arguments = &value[path.len()..];
            let is_word =
                path.len() >= 5 && path.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            let is_call = is_word && is_plain_word(path.as_bytes()) && !has_digits(arguments, 0);
            let is_named = is_call || path.split(['.', ':']).any(is_known);
            starts_as_name && path.len() >= 2 && is_named && is_argument_list(arguments)
        }
        _ => false,
    }
}

/// Whether there are more than `max` digits.
fn has_digits(text: &str, max: usize) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() > max
}

/// `config.password`, `Option<String>`, `self.x`: at least one part is a word of code or the name of a secret.
fn is_dotted_code(value: &str) -> bool {
    let parts =
        value.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|part| !part.is_empty());
    let mut parts = parts.peekable();
    parts.peek().is_some() && !has_digits(value, 1) && value.split(['.', ':', '<', '>', '-']).any(is_known)
}

/// The text between the brackets of a call, as far as it is available.
fn is_argument_list(rest: &str) -> bool {
    rest.chars().all(|c| c.is_ascii_alphanumeric() || " _.,\"'`=:[](){}&*-/<>|?;+\\$".contains(c))
}

/// Whether a value looks like an ordinary word, judging by its letters.
pub(super) fn is_plain_word(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let is_letters = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:?!,".contains(byte));
    if !is_letters {
        return false;
    }
    let parts = words(value);
    // Random letters of both cases split into many short words.
    let is_long_enough = parts.len() < 3 || parts.iter().map(String::len).sum::<usize>() >= 4 * parts.len();
    !parts.is_empty() && is_long_enough && parts.iter().all(|word| is_pronounceable(word.as_bytes()))
}

/// Whether a word has vowels and consonants in the proportion and order of ordinary words.
fn is_pronounceable(word: &[u8]) -> bool {
    let is_vowel = |byte: &u8| b"aeiouy".contains(byte);
    let vowels = word.iter().filter(|byte| is_vowel(byte)).count();
    let longest = word.split(is_vowel).map(<[u8]>::len).max().unwrap_or(0);
    word.len() <= 3 || (longest <= 4 && vowels * 5 >= word.len() && vowels * 3 <= word.len() * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_distinguished_from_passwords() {
        for value in [
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$password",
            "$(cat file)",
            "{{ vault.x }}",
            "%PASS%",
            "<password>",
            "<your key>",
            "****",
            "xxxx",
            "$1",
            "…abc",
        ] {
            assert!(is_reference(value.as_bytes()), "{value}");
        }
        for value in ["$1ahunter", "*a1hunter", "<a1b2hunter", "%a1b2hun", "$hunXq2z", "${X:-hunter2}"] {
            assert!(!is_reference(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn code_is_distinguished_from_passwords() {
        for value in [
            "os.environ[\"PASSWORD\"]",
            "string",
            "getToken(request)",
            "config.password",
            "Option<String>",
            "null,",
            "self.x",
            "dbPassword",
        ] {
            assert!(is_code(value.as_bytes()), "{value}");
        }
        for value in ["hunterxq", "a1b2(hunter2!xQz", "a1b2)hunter2", "qwe.rtz", "a1b2'hun"] {
            assert!(!is_code(value.as_bytes()), "{value}");
        }
    }
}
