//! `--to`: passes a new key to a program that the user names. The only place where friskey starts a program.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::interruption::Interruption;
use crate::cli::receiver::Receiver;
use crate::provider::ApiKey;
use crate::report::human_duration;

/// Interval at which to check whether the program has exited.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl Receiver {
    /// Runs the program without a shell, with the key and nothing else on its standard input. What the program prints is
    /// not shown, since it might be the key. It must read the key and exit within `limit`; Ctrl-C terminates it.
    ///
    /// # Errors
    /// Why it is not certain that the program received the key.
    pub(super) fn give(
        &self,
        key: &ApiKey,
        limit: Duration,
        interruption: &Interruption,
    ) -> Result<(), String> {
        let name = self.name();
        if interruption.is_set() {
            return Err(format!("interrupted before {name} was started"));
        }
        let pipe_error = |error: io::Error| format!("no pipe to {name} could be created: {error}");
        let (input, mut output) = io::pipe().map_err(pipe_error)?;
        // Whatever is left in the pipe was not read by the program.
        let mut leftover = input.try_clone().map_err(pipe_error)?;
        // A pipe holds more than the longest key, so this never waits for a reader.
        output.write_all(key.reveal()).map_err(pipe_error)?;
        drop(output);
        let mut command = Command::new(name);
        command.args(self.arguments()).env_remove("OPENAI_ADMIN_KEY");
        command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        let status = self.wait(&mut child, limit, interruption)?;
        if !status.success() {
            return Err(format!("{name} failed ({status})"));
        }
        let mut unread = Zeroizing::new(Vec::new());
        match leftover.read_to_end(&mut unread) {
            Ok(0) => Ok(()),
            _ => Err(format!("{name} did not read the key from its standard input")),
        }
    }

    /// Waits until the program exits, or terminates it.
    fn wait(
        &self,
        child: &mut Child,
        limit: Duration,
        interruption: &Interruption,
    ) -> Result<ExitStatus, String> {
        let name = self.name();
        let started = Instant::now();
        loop {
            let ended = child.try_wait().map_err(|error| format!("{name} cannot be waited for: {error}"))?;
            if let Some(status) = ended {
                return Ok(status);
            }
            let why = if interruption.is_set() {
                "was interrupted".to_owned()
            } else if started.elapsed() >= limit {
                format!("did not exit within {}", human_duration(limit.as_secs_f64()))
            } else {
                interruption.sleep(POLL_INTERVAL);
                continue;
            };
            // It may have just exited.
            let _ = child.kill();
            child.wait().map_err(|error| format!("{name} {why}, and cannot be terminated: {error}"))?;
            return Err(format!("{name} {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_a_shell_but_none_runs() {
        let receiver: Receiver = "gh secret set 'MY KEY' $(id)".parse().unwrap();
        assert_eq!((receiver.name(), receiver.arguments().len()), ("gh", 4));
        assert_eq!(receiver.arguments()[2..], ["MY KEY".to_owned(), "$(id)".to_owned()]);
        for invalid in ["", "  ", "gh 'x"] {
            assert!(invalid.parse::<Receiver>().is_err());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_has_to_read_the_whole_key_and_to_end() {
        let key = ApiKey::new(b"a-key-of-no-kind").unwrap();
        let give = |text: &str, limit: Duration, interruption: &Interruption| {
            text.parse::<Receiver>().unwrap().give(&key, limit, interruption)
        };
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(200));
        let no_interruption = Interruption::default();
        assert_eq!(give("sh -c 'test \"$(cat)\" = a-key-of-no-kind'", long, &no_interruption), Ok(()));
        for program in ["true", "head -c 3"] {
            let reason = give(program, long, &no_interruption).unwrap_err();
            assert!(reason.contains("did not read the key"), "{program}: {reason}");
        }
        assert!(give("sleep 1000", short, &no_interruption).unwrap_err().contains("did not exit within"));
        let interrupted = Interruption::default();
        interrupted.interrupt();
        assert!(give("sleep 1000", long, &interrupted).unwrap_err().contains("interrupted before sleep"));
    }
}
