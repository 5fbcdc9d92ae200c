//! The hook script. It only starts friskey, and before it the hook that was there.

use std::path::Path;

use super::Hook;

/// Stands in every script of ours, and in no other.
pub(super) const SIGN: &str = "# friskey hook: `friskey hook uninstall` takes it out again";

/// Behind the name of a hook that was there before.
pub(super) const BEFORE: &str = ".before-friskey";

/// The script for `hook`. Git runs hooks with a POSIX shell on every system.
pub(super) fn script(hook: Hook, program: &Path) -> String {
    let name = hook.name();
    let program = quoted(&program.to_string_lossy().replace('\\', "/"));
    let (keep, before, own) = match hook.reads_stdin() {
        // Both of them want to read it. The dot keeps the last line end, which `$(…)` would drop.
        true => {
            ("input=$(cat; printf .)\n", "printf '%s' \"${input%.}\" | ", "printf '%s' \"${input%.}\" | ")
        }
        false => ("", "", ""),
    };
    format!(
        r#"#!/bin/sh
{SIGN}
# No program is looked up in the repository: in no folder of PATH that is relative, or lies there.
all=$PATH
rest=$PATH:
PATH=
while [ -n "$rest" ]; do
	case ${{rest%%:*}}/ in
	"$PWD"/*) ;;
	/*) PATH=${{PATH:+$PATH:}}${{rest%%:*}} ;;
	esac
	rest=${{rest#*:}}
done
{keep}before="$(dirname "$0")/{name}{BEFORE}"
if [ -x "$before" ]; then
	{before}PATH=$all "$before" "$@" || exit $?
fi
friskey={program}
if [ ! -x "$friskey" ]; then
	friskey=$(command -v friskey) || friskey=
fi
if [ -z "$friskey" ]; then
	echo "friskey: not found, so nothing was checked: install it and run \`friskey hook install\`, or remove the hook $0" >&2
	exit 1
fi
{own}"$friskey" hook run {name} -- "$@"
"#
    )
}

/// The program that a script of ours starts first.
pub(super) fn program(script: &str) -> Option<String> {
    let text = script.lines().find_map(|line| line.strip_prefix("friskey='"))?;
    Some(text.strip_suffix('\'')?.replace(r"'\''", "'"))
}

/// In single quotes, for the shell.
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
