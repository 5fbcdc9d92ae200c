//! `--to`: hands a new key to the program that the user names. The only place where friskey starts a program.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::provider::ApiKey;

/// A program and its arguments, such as `gh secret set OPENAI_API_KEY`.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    text: String,
    program: String,
    arguments: Vec<String>,
}

impl std::str::FromStr for Receiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = shlex::split(text).ok_or("a quotation mark is not closed")?.into_iter();
        let program = words.next().filter(|word| !word.is_empty()).ok_or("expected a program")?;
        Ok(Self { text: text.to_owned(), program, arguments: words.collect() })
    }
}

impl Receiver {
    /// All of it, as it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The name of the program, for messages: arguments may hold anything.
    pub(super) fn name(&self) -> &str {
        &self.program
    }

    /// Runs the program without a shell and writes the key, and nothing else, to its standard input. What the program
    /// prints is not shown, since it might be the key.
    ///
    /// # Errors
    /// Why the program cannot be said to have the key.
    pub(super) fn give(&self, key: &ApiKey) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_remove("OPENAI_ADMIN_KEY");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let name = &self.program;
        let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        // Dropped after writing, so that the program sees the end.
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(key.reveal()));
        let status = child.wait().map_err(|error| format!("{name} cannot be waited for: {error}"))?;
        match written {
            _ if !status.success() => Err(format!("{name} failed ({status})")),
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{name} did not read the key from its standard input")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_a_shell_but_none_runs() {
        let receiver: Receiver = "gh secret set 'MY KEY' $(id)".parse().unwrap();
        assert_eq!((receiver.name(), receiver.arguments.len()), ("gh", 4));
        assert_eq!(receiver.arguments[2..], ["MY KEY".to_owned(), "$(id)".to_owned()]);
        for bad in ["", "  ", "gh 'x"] {
            assert!(bad.parse::<Receiver>().is_err());
        }
    }
}
