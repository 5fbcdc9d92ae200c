//! Prepares the command line for reports.

use std::borrow::Cow;

use crate::model::VersionControl;

/// Maximum number of arguments in a report. Hooks pass every staged file as an argument.
const MAX_ARGUMENTS: usize = 100;

/// The arguments of the command line, the name of the program first. Credentials are removed from URLs; keys in arguments
/// are redacted with the rest of the report.
pub(super) fn arguments() -> Vec<String> {
    let mut arguments: Vec<String> = vec!["friskey".to_owned()];
    let mut rest =
        std::env::args_os().skip(1).map(|argument| displayed_argument(&argument.to_string_lossy()));
    arguments.extend(rest.by_ref().take(MAX_ARGUMENTS));
    match rest.count() {
        0 => {}
        more => arguments.push(format!("… and {more} more")),
    }
    arguments
}

fn displayed_argument(argument: &str) -> String {
    let (option, value) = match argument.split_once('=') {
        Some((option, value)) if option.starts_with('-') => (format!("{option}="), value),
        _ => (String::new(), argument),
    };
    format!("{option}{}", without_credentials(value))
}

fn without_credentials(value: &str) -> Cow<'_, str> {
    let is_file = |scheme: &str| scheme.eq_ignore_ascii_case("file");
    match (value.split_once("://"), value.split_once('@')) {
        (Some((scheme, _)), _) if is_file(scheme) => value.into(),
        (Some((scheme, _)), _) => {
            VersionControl::public_uri(value).unwrap_or_else(|| format!("{scheme}://…")).into()
        }
        (None, Some((user, rest))) if user.contains(':') && !user.contains('/') => format!("…@{rest}").into(),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_removed_from_displayed_arguments() {
        let token = ["ann", "token"].join(":");
        assert_eq!(displayed_argument("--range"), "--range");
        assert_eq!(displayed_argument("main..HEAD~2"), "main..HEAD~2");
        assert_eq!(displayed_argument("my repo's"), "my repo's");
        assert_eq!(
            displayed_argument(&format!("https://{token}@host.example/a?x=1")),
            "https://host.example/a"
        );
        assert_eq!(displayed_argument(&format!("{token}@host.example:a")), "…@host.example:a");
        assert_eq!(displayed_argument(&format!("https://{token}%40host.example/a")), "https://…");
        assert_eq!(displayed_argument("file:///srv/a"), "file:///srv/a");
        assert_eq!(
            displayed_argument(&format!("--host=https://{token}@host.example/a")),
            "--host=https://host.example/a"
        );
    }
}
