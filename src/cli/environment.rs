//! Environment variables.

use std::ffi::OsString;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};

/// The value of an environment variable; `None` if it is unset or empty, since CI systems define the variables that they
/// do not use as empty.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The value of an environment variable, parsed as `T`; `None` if it is unset or empty.
///
/// # Errors
/// If the value is not UTF-8, or not a `T`.
pub(super) fn parsed_variable<T: FromStr<Err: ToString>>(name: &str) -> Result<Option<T>> {
    let Some(value) = variable(name) else { return Ok(None) };
    let text = value.to_str().with_context(|| format!("{name} is not UTF-8"))?;
    text.parse().map(Some).map_err(|error: T::Err| anyhow!("{name}: {}", error.to_string()))
}
