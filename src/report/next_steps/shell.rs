//! Quotes arguments for a POSIX shell.

use crate::report::escape;

/// Replaces the middle of a key in a redacted name, so that it does not name an existing file or ref.
const REDACTED: char = '…';

/// `word`, quoted as one argument; `None` if it contains hidden characters or a redacted key.
pub(super) fn quote(word: &str) -> Option<String> {
    if word.chars().any(|c| escape::is_hidden(c) || c == '\u{fffd}' || c == REDACTED)
        || escape::line(word) != word
    {
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Some(word.to_owned());
    }
    Some(format!("'{}'", word.replace('\'', "'\\''")))
}

/// A pathspec for git that means exactly this path, relative to the top of the work tree, in any current directory.
pub(super) fn pathspec(path: &str) -> Option<String> {
    // Characters that git would take for a pattern.
    let has_special = path.starts_with([':', '!', '^', '(', '/']) || path.contains(['*', '?', '[', '\\']);
    quote(&if has_special { format!(":(top,literal){path}") } else { format!(":/{path}") })
}

/// Pathspecs for git, after `--`; `None` if there is none or one cannot be quoted.
pub(super) fn pathspecs(paths: &[String]) -> Option<String> {
    let pathspecs: Option<Vec<_>> = paths.iter().map(|path| pathspec(path)).collect();
    pathspecs.filter(|pathspecs| !pathspecs.is_empty()).map(|pathspecs| format!("-- {}", pathspecs.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_one_argument() {
        let cases = [
            ("src/app.py", Some("src/app.py")),
            ("my app.py", Some("'my app.py'")),
            ("it's", Some("'it'\\''s'")),
            ("$(touch x)", Some("'$(touch x)'")),
            ("`id`;rm -rf ~", Some("'`id`;rm -rf ~'")),
            ("stash@{0}", Some("'stash@{0}'")),
            ("", Some("''")),
            ("a\nb", None),
            ("sk-proj-…x9KA.py", None),
            ("a\u{202e}b", None),
        ];
        for (word, expected) in cases {
            assert_eq!(quote(word).as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn paths_are_not_patterns() {
        assert_eq!(pathspec("a[1].py").as_deref(), Some("':(top,literal)a[1].py'"));
        assert_eq!(pathspec(":/x").as_deref(), Some("':(top,literal):/x'"));
        assert_eq!(pathspecs(&["-x".to_owned(), "y z".to_owned()]).as_deref(), Some("-- :/-x ':/y z'"));
        assert_eq!(pathspecs(&["\u{7}".to_owned()]), None);
        assert_eq!(pathspecs(&[]), None);
    }
}
