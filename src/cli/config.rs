//! Reads `friskey.toml`, the settings of a repository. They only determine what is scanned and reported; friskey runs
//! nothing that they name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use toml::Spanned;

use super::limits::{ContainerArgs, Seconds};
use super::redaction;
use super::root::Root;
use crate::globs::{self, GlobCost};
use crate::model::{Confidence, Surface};
use crate::scan::HISTORY_SURFACES;
use crate::untrusted::{self, Symlinks, read_text};

/// The file name of the configuration.
pub(super) const FILE_NAME: &str = "friskey.toml";

/// Maximum size of the file, in bytes.
const MAX_FILE_SIZE: u64 = 1 << 20;

/// Maximum number of lines of a `rules` list that is read from an otherwise invalid file.
const MAX_RULES_LINES: usize = 100;

/// Maximum number of threads; a larger number is taken for a mistake.
pub(super) const MAX_THREADS: usize = 1024;

/// The settings of a file, or the defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    /// The path of the file, if there is one.
    pub(super) path: Option<PathBuf>,
    /// The directory that globs are relative to, and the default location of the baseline.
    pub(super) root: Root,
    /// Whether the scanned repository is not the one that contains the current directory. Then only files that the user
    /// names apply.
    pub(super) scans_other_repository: bool,
    /// Rules files.
    pub(super) rules: Vec<PathBuf>,
    pub(super) min_confidence: Option<Confidence>,
    /// Globs as in a `.gitignore` at the root.
    pub(super) exclude: Vec<String>,
    pub(super) baseline: Option<PathBuf>,
    /// Names of surfaces, or `-` followed by a name.
    pub(super) surfaces: Vec<String>,
    /// Whether only markers with a reason are accepted.
    pub(super) strict: bool,
    pub(super) threads: Option<usize>,
    /// Time limit for the whole run.
    pub(super) max_time: Option<Seconds>,
    /// Whether files that ignore files exclude are scanned, too.
    pub(super) no_ignore: bool,
    /// Limits for containers.
    pub(super) containers: ContainerArgs,
}

impl Config {
    /// Whether the targets of Git LFS pointers are excluded.
    pub(super) fn excludes_lfs(&self) -> bool {
        self.surfaces.iter().any(|name| name == "-lfs")
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawConfig {
    rules: Vec<Spanned<PathBuf>>,
    min_confidence: Option<Spanned<String>>,
    exclude: Vec<Spanned<String>>,
    baseline: Option<Spanned<PathBuf>>,
    surfaces: Vec<Spanned<String>>,
    strict: bool,
    threads: Option<Spanned<usize>>,
    max_time: Option<Seconds>,
    no_ignore: bool,
    containers: ContainerArgs,
}

/// The configuration for a command that runs in the directory `start`: the file `explicit` if given, otherwise `friskey.toml` in the
/// root of the repository that contains `start`, or in `start` itself. The defaults if there is no such file, or with `no_config`.
///
/// # Errors
/// A file that cannot be read or is invalid.
pub(super) fn load(explicit: Option<&Path>, no_config: bool, start: &Path) -> Result<Config> {
    let root = Root::find(start).with_context(|| format!("cannot access {}", start.display()))?;
    let path = match explicit {
        _ if no_config => None,
        Some(path) => Some(path.to_owned()),
        None => root.file(FILE_NAME)?,
    };
    let Some(path) = path else { return Ok(Config { root, ..Config::default() }) };
    let display_path = path.display().to_string();
    let text = read_text(&path, Symlinks::Follow, MAX_FILE_SIZE)
        .with_context(|| format!("cannot read the configuration {display_path}"))?;
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    // From here on, messages are masked by the rules that the file names.
    redaction::redact_by_config(&path);
    let config = parse(&text, &display_path, &dir)?;
    Ok(Config { path: Some(path), root, ..config })
}

/// The rules files that the configuration `path` names, as far as they can be determined in an invalid file. An error
/// message about the file must not contain anything that these rules match.
pub(super) fn rules_files_in(path: &Path) -> Vec<PathBuf> {
    let Ok(text) = read_text(path, Symlinks::Follow, MAX_FILE_SIZE) else { return Vec::new() };
    // If the file as a whole is invalid, the `rules` list is tried alone: more and more lines from its start, until they
    // can be parsed.
    let table = text.parse::<toml::Table>().or_else(|_| {
        let start = text.lines().position(|line| line.trim_start().starts_with("rules"));
        let lines: Vec<&str> = text.lines().skip(start.unwrap_or(usize::MAX)).collect();
        let tables =
            (1..=lines.len().min(MAX_RULES_LINES)).map(|end| lines[..end].join("\n").parse::<toml::Table>());
        tables.into_iter().find_map(Result::ok).ok_or(())
    });
    let dir = path.parent().unwrap_or(Path::new(""));
    let Ok(table) = table else { return Vec::new() };
    let rules = table.get("rules").and_then(|rules| rules.as_array());
    rules.into_iter().flatten().filter_map(|file| Some(dir.join(file.as_str()?))).collect()
}

/// Parses the settings in `text`, the contents of the file called `display_path` in messages; paths in it are relative to
/// `dir`.
///
/// # Errors
/// Any invalid setting, with its line.
pub(super) fn parse(text: &str, display_path: &str, dir: &Path) -> Result<Config> {
    let location = |offset: usize| {
        let before = &text.as_bytes()[..offset.min(text.len())];
        format!("{display_path}:{}", 1 + bytecount::count(before, b'\n'))
    };
    let raw: RawConfig = toml::from_str(text).map_err(|error| {
        anyhow!("{}: {}", location(error.span().map_or(0, |span| span.start)), error.message())
    })?;
    let error_at = |offset: usize, reason: String| anyhow!("{}: {reason}", location(offset));
    // A pipe or device is rejected here, with its line in the configuration. A missing file is reported by whatever reads
    // it: with `--policy-from`, the files of the policy base are copied later.
    let file = |path: &Spanned<PathBuf>| {
        let joined = dir.join(path.get_ref());
        match joined.metadata() {
            Ok(metadata) if !metadata.is_file() => {
                let kind = untrusted::describe(&metadata);
                Err(error_at(
                    path.span().start,
                    format!("{} is {kind}, expected a regular file", joined.display()),
                ))
            }
            _ => Ok(joined),
        }
    };
    let mut cost = GlobCost::default();
    for glob in &raw.exclude {
        globs::check(glob.get_ref())
            .map_err(|reason| error_at(glob.span().start, format!("`exclude`: {reason}")))?;
        cost.add(glob.get_ref().as_bytes())
            .map_err(|error| error_at(glob.span().start, format!("`exclude` {error}")))?;
    }
    for name in &raw.surfaces {
        let plain = name.get_ref().strip_prefix('-').unwrap_or(name.get_ref());
        if Surface::from_name(plain).is_none_or(|surface| !HISTORY_SURFACES.contains(&surface)) {
            let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
            let reason = format!("unknown surface `{plain}`; expected one of {}", names.join(", "));
            return Err(error_at(name.span().start, reason));
        }
    }
    let confidence = |level: &Spanned<String>| {
        level.get_ref().parse::<Confidence>().map_err(|reason| error_at(level.span().start, reason))
    };
    let threads = |count: &Spanned<usize>| match *count.get_ref() {
        count if count <= MAX_THREADS => Ok(count),
        _ => Err(error_at(count.span().start, format!("`threads` is at most {MAX_THREADS}"))),
    };
    Ok(Config {
        path: None,
        root: Root::default(),
        scans_other_repository: false,
        rules: raw.rules.iter().map(file).collect::<Result<_>>()?,
        min_confidence: raw.min_confidence.as_ref().map(confidence).transpose()?,
        exclude: raw.exclude.into_iter().map(Spanned::into_inner).collect(),
        baseline: raw.baseline.as_ref().map(file).transpose()?,
        surfaces: raw.surfaces.into_iter().map(Spanned::into_inner).collect(),
        strict: raw.strict,
        threads: raw.threads.as_ref().map(threads).transpose()?,
        max_time: raw.max_time,
        no_ignore: raw.no_ignore,
        containers: raw.containers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Config> {
        parse(text, "friskey.toml", Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    #[test]
    fn reads_every_setting() {
        let config = parse_text(
            "rules = ['Cargo.toml']\nmin-confidence = 'low'\nexclude = ['vendor/', '*.min.js']\n\
             baseline = 'Cargo.lock'\nsurfaces = ['blob', '-reflog']\nstrict = true\nthreads = 3\n\
             no-ignore = true\nmax-time = 5\ncontainers.max-depth = 3\n",
        )
        .unwrap();
        assert!(config.rules[0].is_absolute());
        assert_eq!(config.min_confidence, Some(Confidence::Low));
        assert_eq!(config.exclude, ["vendor/", "*.min.js"]);
        assert!(config.baseline.unwrap().ends_with("Cargo.lock"));
        assert_eq!(config.surfaces, ["blob", "-reflog"]);
        assert!(config.strict && config.no_ignore);
        assert_eq!(config.threads, Some(3));
        assert_eq!(config.max_time.map(|seconds| seconds.0.as_secs()), Some(5));
        let limits = crate::cli::limits::limits(&ContainerArgs::default(), &config.containers);
        assert_eq!(limits.depth, 3);
        let defaults = parse_text("").unwrap();
        assert!(defaults.rules.is_empty() && defaults.min_confidence.is_none() && !defaults.strict);
    }

    #[test]
    fn errors_name_file_line_and_reason() {
        // An empty reason: the wording is that of the TOML parser.
        for (line, reason) in [
            ("excludes = []", "unknown field `excludes`"),
            ("min-confidence = 'sure'", "`sure` is not a confidence"),
            ("exclude = ['[a']", "invalid glob"),
            (&format!("exclude = ['{}']", "{".repeat(100_000)), "`exclude`: the glob `{{{"),
            (&format!("exclude = [{}]", "'[ab]',".repeat(1_001)), "`exclude` has more than"),
            ("exclude = ['!a']", "names no path"),
            ("surfaces = ['blobs']", "unknown surface `blobs`"),
            ("threads = 5000", "at most 1024"),
            ("threads = -1", ""),
            ("strict = 'yes'", "invalid type"),
            ("rules = ['src']", "expected a regular file"),
            ("baseline = 'src'", "expected a regular file"),
            ("containers.max-unpacked = 'much'", "is not a valid size"),
            ("containers.depth = 1", "unknown field `depth`"),
            ("run", ""),
        ] {
            let message = format!("{:#}", parse_text(&format!("# first\n{line}\n")).unwrap_err());
            assert!(message.starts_with("friskey.toml:2: "), "{line}: {message}");
            assert!(message.contains(reason), "{line}: {message}");
        }
    }
}
