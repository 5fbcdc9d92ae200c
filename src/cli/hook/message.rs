//! Reads the commit message that commit-msg checks, as git will store it.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::git_env::GitEnv;
use crate::git::{MessageCut, message_cut};
use crate::untrusted::{self, Symlinks};

/// Maximum size of a message, in bytes: with `git commit -v`, it includes the whole diff.
const MAX_MESSAGE_SIZE: u64 = 1 << 30;
/// The text after the comment character on git's scissors line.
const SCISSORS: &str = " ------------------------ >8 ------------------------\n";
/// The text after the comment character below that line.
const EXPLANATION: &str = " Do not modify or remove the line above.\n";

/// Reads the file that git passes to commit-msg, without the part that git will cut off.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read(path: &Path, git: &GitEnv) -> Result<Vec<u8>> {
    let mut text = untrusted::read(path, Symlinks::Follow, MAX_MESSAGE_SIZE)
        .with_context(|| format!("cannot read the message in {}", path.display()))?;
    if memchr::memmem::find(&text, SCISSORS.trim_end().as_bytes()).is_some() {
        // Git sets this for its hooks if no editor is opened.
        let is_edited = std::env::var_os("GIT_EDITOR").is_none_or(|editor| editor != ":");
        let cut = message_cut(&git.repo).unwrap_or_default();
        text.truncate(cut_offset(&text, &cut, is_edited));
    }
    Ok(text)
}

/// The author and committer, which git passes to its hooks, one line each.
pub(super) fn identity() -> Vec<u8> {
    let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let values = names.into_iter().filter_map(std::env::var_os);
    values.flat_map(|value| [value.as_encoded_bytes(), b"\n"].concat()).collect()
}

/// The offset at which git cuts the message: that of the scissors line that git itself wrote into the file for the editor.
/// The length of `text` if git does not cut it.
///
/// Git writes that line for `git commit -v` and for `commit.cleanup=scissors`, with an explanation below it, and
/// for `-v` the diff. The configuration alone proves nothing: `git merge` ignores `commit.verbose`, and options that
/// a hook does not see override it. Anything else below such a line may stay in the message, so it is scanned.
fn cut_offset(text: &[u8], cut: &MessageCut, is_edited: bool) -> usize {
    let scissors = cut.comment_prefixes.iter().filter_map(|comment| {
        let (start, end) = scissors_line(text, comment)?;
        let below = text[end..].strip_prefix(comment.as_bytes())?;
        let below = below.strip_prefix(EXPLANATION.as_bytes())?;
        let has_diff = || memchr::memmem::find(below, b"\ndiff --").is_some();
        (cut.is_scissors_mode || has_diff()).then_some(start)
    });
    match is_edited {
        true => scissors.min().unwrap_or(text.len()),
        false => text.len(),
    }
}

/// The offsets at which the first scissors line starts and ends.
fn scissors_line(text: &[u8], comment: &str) -> Option<(usize, usize)> {
    let line = format!("{comment}{SCISSORS}");
    let start = memchr::memmem::find_iter(text, line.as_bytes())
        .find(|&offset| offset == 0 || text.get(offset - 1) == Some(&b'\n'))?;
    Some((start, start + line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCISSORS_LINE: &str = "# ------------------------ >8 ------------------------\n";

    fn default_cut() -> MessageCut {
        MessageCut { comment_prefixes: vec!["#".to_owned()], ..MessageCut::default() }
    }

    fn is_uncut(text: &str, cut: &MessageCut, is_edited: bool) -> bool {
        cut_offset(text.as_bytes(), cut, is_edited) == text.len()
    }

    #[test]
    fn the_diff_of_a_verbose_commit_is_cut_off() {
        let below = "# Do not modify or remove the line above.\n# Everything below it will be ignored.\ndiff --git a/a b/a\n";
        let text = format!("message\n{SCISSORS_LINE}{below}-old\n");
        assert_eq!(cut_offset(text.as_bytes(), &default_cut(), true), "message\n".len());
        assert!(is_uncut(&text, &default_cut(), false), "git does not cut a message given with -F");
    }

    #[test]
    fn a_scissors_line_that_git_did_not_write_does_not_cut_the_message() {
        let text = format!("message\n{SCISSORS_LINE}below\n");
        let scissors = MessageCut { is_scissors_mode: true, ..default_cut() };
        for cut in [default_cut(), scissors.clone()] {
            assert!(is_uncut(&text, &cut, true) && is_uncut(&text, &cut, false));
        }
        let with_explanation =
            format!("message\n{SCISSORS_LINE}# Do not modify or remove the line above.\nbelow\n");
        assert!(
            !is_uncut(&with_explanation, &scissors, true) && is_uncut(&with_explanation, &scissors, false)
        );
        assert!(is_uncut(&with_explanation, &default_cut(), true));
        for almost in [
            with_explanation.replace("# -", "; -"),
            with_explanation.replace("# -", "x# -"),
            with_explanation.replace("8 -", "8  -"),
        ] {
            assert!(is_uncut(&almost, &scissors, true), "{almost}");
        }
    }

    #[test]
    fn the_comment_character_is_that_of_the_configuration() {
        let below = "# Do not modify or remove the line above.\n";
        let text = format!("message\n{SCISSORS_LINE}{below}").replace('#', ";");
        let cut = MessageCut { comment_prefixes: vec![";".to_owned()], is_scissors_mode: true };
        assert_eq!(cut_offset(text.as_bytes(), &cut, true), "message\n".len());
    }
}
