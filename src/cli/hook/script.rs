//! The script that is installed as a hook. It only starts the previous hook, if any, and then friskey.

use std::path::{Path, PathBuf};

use crate::cli::args::Hook;

/// The line by which a script of friskey is recognized. Installed scripts contain it, so it must not change.
pub(super) const SIGNATURE: &str = "# friskey hook: `friskey hook uninstall` takes it out again";

/// The previous hook is kept under its name with this suffix.
const BACKUP_SUFFIX: &str = ".before-friskey";

/// The common part of all scripts.
const TEMPLATE: &str = include_str!("script.sh");

/// Runs the previous hook with the user's own PATH.
const RUN_PREVIOUS: &str = r#"if [ -x "$previous" ]; then
	PATH=$original_path "$previous" "$@" || exit $?
fi"#;
/// Like [`RUN_PREVIOUS`], if both read standard input. The dot preserves the last line end, which `$(…)` would remove.
const FEED_PREVIOUS: &str = r#"input=
if [ -x "$previous" ]; then
	restrict_path
	input=$(cat && printf .) || exit 1
	printf '%s' "${input%.}" | PATH=$original_path "$previous" "$@" || exit $?
fi"#;
/// Runs friskey with standard input as it is.
const RUN_FRISKEY: &str = r#""$friskey" hook run @HOOK@ -- "$@""#;
/// Runs friskey with the input that [`FEED_PREVIOUS`] has read, if it has read any.
const FEED_FRISKEY: &str = r#"if [ -n "$input" ]; then
	printf '%s' "${input%.}" | "$friskey" hook run @HOOK@ -- "$@"
else
	"$friskey" hook run @HOOK@ -- "$@"
fi"#;

/// Whether the text of a hook is a script of friskey.
pub(super) fn is_friskey_script(text: &[u8]) -> bool {
    memchr::memmem::find(text, SIGNATURE.as_bytes()).is_some()
}

/// The path to which the hook at `path` is moved.
pub(super) fn backup_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BACKUP_SUFFIX);
    PathBuf::from(name)
}

/// The script for `hook`. Git runs hooks with a POSIX shell on every system.
pub(super) fn script(hook: Hook, program: &Path) -> String {
    let (run_previous, run_friskey) =
        if hook.reads_stdin() { (FEED_PREVIOUS, FEED_FRISKEY) } else { (RUN_PREVIOUS, RUN_FRISKEY) };
    TEMPLATE
        .replace("@SIGNATURE@", SIGNATURE)
        .replace("@RUN_PREVIOUS@", run_previous)
        .replace("@RUN_FRISKEY@", run_friskey)
        .replace("@HOOK@", hook.name())
        .replace("@BACKUP_SUFFIX@", BACKUP_SUFFIX)
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
    fn the_path_of_the_program_is_quoted_for_the_shell() {
        let script = script(Hook::PreCommit, Path::new("/opt/it's here/$x/friskey"));
        assert!(script.contains(r"friskey='/opt/it'\''s here/$x/friskey'"));
        assert!(script.contains(SIGNATURE));
        assert_eq!(program(&script).as_deref(), Some("/opt/it's here/$x/friskey"));
    }
}
