//! Reads secrets from standard input or at a hidden prompt.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, Result};
use zeroize::Zeroizing;

/// Reads hidden input after `prompt`, or standard input if that is not a terminal; `None` for input longer than
/// `limit` bytes.
///
/// # Errors
/// The terminal or standard input cannot be read.
pub(super) fn read_secret(prompt: &str, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>> {
    if io::stdin().is_terminal() {
        let text = rpassword::prompt_password(prompt).context("cannot read from the terminal")?;
        return Ok(Some(Zeroizing::new(text.into_bytes())));
    }
    let mut input = Zeroizing::new(Vec::new());
    io::stdin().lock().take(limit + 1).read_to_end(&mut input).context("cannot read standard input")?;
    Ok((input.len() as u64 <= limit).then_some(input))
}
