//! Limits of container extraction: options, and the table `[containers]` of the configuration.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use crate::container::Limits;

/// Maximum time limit of a container, in seconds.
const MAX_SECONDS: f64 = 86_400.0;

/// The heading of the options in help texts. Set for each of them, since `next_help_heading` would also apply to those that
/// follow.
const HEADING: &str = "Archives and compressed files";

/// Limits of one archive or compressed file, including everything nested in it; what exceeds them is skipped.
#[derive(Clone, Debug, Default, PartialEq, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct ContainerArgs {
    /// Open nested containers up to N levels deep, at most 64; 0 opens none [default: 10]
    #[arg(long, help_heading = HEADING, value_name = "N")]
    max_depth: Option<Depth>,

    /// Unpack at most SIZE of one container, e.g. 500MB or 2GiB [default: 8GiB]
    #[arg(long, help_heading = HEADING, value_name = "SIZE")]
    max_unpacked: Option<Size>,

    /// Read at most N entries of one container [default: 1000000]
    #[arg(long, help_heading = HEADING, value_name = "N")]
    max_entries: Option<Count>,

    /// Unpack at most N times a container's own size, once that is more than 256 MiB [default: 2000]
    #[arg(long, help_heading = HEADING, value_name = "N")]
    max_ratio: Option<Count>,

    /// Spend at most SECONDS on one container [default: 60]
    #[arg(long = "max-container-time", help_heading = HEADING, id = "max_container_time", value_name = "SECONDS")]
    max_time: Option<Seconds>,

    /// Keep at most SIZE of one container in memory, for formats that cannot be streamed [default: 256MiB]
    #[arg(long, help_heading = HEADING, value_name = "SIZE")]
    max_memory: Option<Size>,
}

/// The limits in force: an option on the command line overrides the configuration.
pub(super) fn limits(cli: &ContainerArgs, config: &ContainerArgs) -> Limits {
    let default = Limits::default();
    let size = |cli: Option<Size>, config: Option<Size>| cli.or(config).map(|size| size.0);
    let count = |cli: Option<Count>, config: Option<Count>| cli.or(config).map(|count| count.0);
    let time = cli.max_time.or(config.max_time).map(|time| time.0);
    Limits {
        depth: cli.max_depth.or(config.max_depth).map_or(default.depth, |depth| depth.0),
        bytes: size(cli.max_unpacked, config.max_unpacked).unwrap_or(default.bytes),
        entries: count(cli.max_entries, config.max_entries).unwrap_or(default.entries),
        ratio: count(cli.max_ratio, config.max_ratio).unwrap_or(default.ratio),
        time: time.unwrap_or(default.time),
        memory: size(cli.max_memory, config.max_memory).unwrap_or(default.memory),
    }
}

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Count(pub(super) u64);

impl std::str::FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().map_err(|_| format!("`{text}` is not a whole number, e.g. 4"))?;
        Ok(Self(number))
    }
}

/// A number of levels.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "usize")]
struct Depth(usize);

impl TryFrom<usize> for Depth {
    type Error = String;

    fn try_from(levels: usize) -> Result<Self, String> {
        match levels {
            0..=Limits::MAX_DEPTH => Ok(Self(levels)),
            _ => Err(format!("expected 0 to {} levels", Limits::MAX_DEPTH)),
        }
    }
}

impl std::str::FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(
            text.parse::<usize>().map_err(|_| format!("`{text}` is not a whole number of levels, e.g. 3"))?,
        )
    }
}

/// A number of bytes with an optional unit.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawSize")]
pub(super) struct Size(pub(super) u64);

/// A time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Seconds(pub(super) Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum RawSize {
    Bytes(u64),
    Text(String),
}

impl TryFrom<RawSize> for Size {
    type Error = String;

    fn try_from(raw: RawSize) -> Result<Self, String> {
        match raw {
            RawSize::Bytes(bytes) => Ok(Self(bytes)),
            RawSize::Text(text) => text.parse(),
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a valid size, e.g. 1000000, 500MB or 2GiB");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| invalid())?;
        let unit = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            _ => return Err(invalid()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(invalid)
    }
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        match seconds {
            0.0..=MAX_SECONDS => Ok(Self(Duration::from_secs_f64(seconds))),
            _ => Err(format!("expected 0 to {MAX_SECONDS} seconds")),
        }
    }
}

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds =
            text.parse::<f64>().map_err(|_| format!("`{text}` is not a valid number of seconds, e.g. 90"))?;
        Self::try_from(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_have_units() {
        for (text, bytes) in [("0", 0), ("10", 10), ("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1k", 1024)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "MB", "1.5GB", "-1", "1TBx", "99999999999GiB"] {
            assert!(text.parse::<Size>().unwrap_err().contains("is not a valid size"), "{text}");
        }
        assert!("-1".parse::<Seconds>().is_err() && "NaN".parse::<Seconds>().is_err());
    }

    #[test]
    fn the_command_line_takes_precedence_over_the_configuration() {
        let config = "max-depth = 3\nmax-unpacked = '1GiB'\nmax-time = 2.5\nmax-memory = 4096\n";
        let config = toml::from_str(config).unwrap();
        let cli = ContainerArgs { max_depth: Some(Depth(0)), ..ContainerArgs::default() };
        let expected = Limits {
            depth: 0,
            bytes: 1 << 30,
            time: Duration::from_millis(2500),
            memory: 4096,
            ..Limits::default()
        };
        assert_eq!(limits(&cli, &config), expected);
    }
}
