//! Environment variables.

use std::ffi::OsString;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};

/// An environment variable; an empty one is treated as unset, since CI systems set such variables.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable's value, parsed as `T`.
pub(super) fn parsed_variable<T: FromStr<Err: ToString>>(name: &str) -> Result<Option<T>> {
    let Some(value) = variable(name) else { return Ok(None) };
    let text = value.to_str().with_context(|| format!("{name} is not UTF-8"))?;
    text.parse().map(Some).map_err(|error: T::Err| anyhow!("{name}: {}", error.to_string()))
}
