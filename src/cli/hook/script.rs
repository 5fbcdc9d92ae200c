//! The hook script. It only starts the previous hook, if any, and then friskey.

use std::path::{Path, PathBuf};

use crate::cli::args::Hook;

/// Marks every script written by friskey.
pub(super) const SIGN: &str = "# friskey hook: `friskey hook uninstall` takes it out again";

/// Suffix of the name of the previous hook.
const BEFORE: &str = ".before-friskey";

/// The common part of all scripts.
const TEMPLATE: &str = include_str!("script.sh");

/// Runs the previous hook with the user's own PATH.
const RUN_BEFORE: &str = r#"if [ -x "$before" ]; then
	PATH=$all "$before" "$@" || exit $?
fi"#;
/// Like [`RUN_BEFORE`], if both read standard input. The dot preserves the last line end, which `$(…)` would remove.
const FEED_BEFORE: &str = r#"input=
if [ -x "$before" ]; then
	outside
	input=$(cat && printf .) || exit 1
	printf '%s' "${input%.}" | PATH=$all "$before" "$@" || exit $?
fi"#;
const RUN: &str = r#""$friskey" hook run @HOOK@ -- "$@""#;
const FEED: &str = r#"if [ -n "$input" ]; then
	printf '%s' "${input%.}" | "$friskey" hook run @HOOK@ -- "$@"
else
	"$friskey" hook run @HOOK@ -- "$@"
fi"#;

/// Whether the text of a hook is a script of friskey.
pub(super) fn is_ours(text: &[u8]) -> bool {
    memchr::memmem::find(text, SIGN.as_bytes()).is_some()
}

/// The path to which the hook at `path` is moved.
pub(super) fn kept_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BEFORE);
    PathBuf::from(name)
}

/// The script for `hook`. Git runs hooks with a POSIX shell on every system.
pub(super) fn script(hook: Hook, program: &Path) -> String {
    let (before, run) = if hook.reads_stdin() { (FEED_BEFORE, FEED) } else { (RUN_BEFORE, RUN) };
    TEMPLATE
        .replace("@SIGN@", SIGN)
        .replace("@RUN_BEFORE@", before)
        .replace("@RUN@", run)
        .replace("@HOOK@", hook.name())
        .replace("@BEFORE@", BEFORE)
        .replace("@PROGRAM@", &quoted(&program.to_string_lossy().replace('\\', "/")))
}

/// The program that a friskey script starts first.
pub(super) fn program(script: &str) -> Option<String> {
    let text = script.lines().find_map(|line| line.strip_prefix("friskey='"))?;
    Some(text.strip_suffix('\'')?.replace(r"'\''", "'"))
}

/// Quoted with single quotes for the shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_quoted() {
        let script = script(Hook::PreCommit, Path::new("/opt/it's here/$x/friskey"));
        assert!(script.contains(r"friskey='/opt/it'\''s here/$x/friskey'"));
        assert!(script.contains(SIGN));
        assert_eq!(program(&script).as_deref(), Some("/opt/it's here/$x/friskey"));
    }
}
