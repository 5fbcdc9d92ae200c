//! Writes a baseline: one entry per line, sorted, so that a change of one entry changes one line.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::entry::BaselineEntry;
use super::read::VERSION;
use crate::globs::Glob;

const FILE_HEADER: &str = "\
# Keys that friskey finds and that are accepted, each with its reason. One entry per line, sorted by
# fingerprint (the SHA-256 of the key). Fields: fingerprint, rule, reason; path, owner, expires.
";

/// The text of a baseline with these entries.
pub(super) fn render(entries: &[BaselineEntry]) -> String {
    let mut sorted: Vec<&BaselineEntry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let mut text = format!("{FILE_HEADER}version = {VERSION}\naccepted = [\n");
    let mut last_line = None;
    for entry in sorted {
        let line = entry_line(entry);
        // Two people may have added the same entry.
        if last_line.as_ref() != Some(&line) {
            entry.comments.iter().for_each(|comment| text.push_str(&format!("  {comment}\n")));
            text.push_str(&line);
        }
        last_line = Some(line);
    }
    text.push_str("]\n");
    text
}

fn entry_line(entry: &BaselineEntry) -> String {
    let mut fields = vec![
        format!("fingerprint = \"{}\"", entry.fingerprint),
        format!("rule = {}", toml_string(&entry.rule)),
        format!("reason = {}", toml_string(&entry.reason)),
    ];
    fields.extend(entry.path.as_ref().map(|glob| format!("path = {}", toml_string(Glob::as_str(glob)))));
    fields.extend(entry.owner.as_ref().map(|owner| format!("owner = {}", toml_string(owner))));
    fields.extend(entry.expires.map(|day| format!("expires = {day}")));
    format!("  {{ {} }},\n", fields.join(", "))
}

/// A TOML string on a single line.
fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Some editors break lines at Unicode line separators.
            c if c.is_control() || "\u{2028}\u{2029}".contains(c) => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes a new file.
pub(super) fn create(path: &Path, entries: &[BaselineEntry]) -> io::Result<()> {
    write_temporary(path, entries, None)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Replaces a file atomically, keeping its mode. A symbolic link stays, and its target is replaced.
pub(super) fn replace(path: &Path, entries: &[BaselineEntry]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mode = fs::metadata(&path)?.permissions();
    write_temporary(&path, entries, Some(mode))?.persist(&path).map(drop).map_err(|error| error.error)
}

/// Writes the baseline to a temporary file in the directory of `path`, which the caller renames to `path`.
fn write_temporary(
    path: &Path,
    entries: &[BaselineEntry],
    mode: Option<fs::Permissions>,
) -> io::Result<NamedTempFile> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".friskey-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(render(entries).as_bytes())?;
    file.as_file().sync_all()?;
    if let Some(mode) = mode {
        file.as_file().set_permissions(mode)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;
    use crate::suppress::baseline::read::parse;

    fn entry(byte: u8, reason: &str) -> BaselineEntry {
        BaselineEntry {
            fingerprint: Fingerprint([byte; 32]),
            rule: "r".to_owned(),
            reason: reason.to_owned(),
            path: None,
            owner: None,
            expires: None,
            comments: Vec::new(),
        }
    }

    #[test]
    fn entries_are_sorted_and_parse_to_the_same_entries() {
        let mut full = entry(1, "why \"so\" \\ \n\u{7f}\u{2028} ü");
        full.path = Some(Glob::new("docs/[ab]*.md").unwrap());
        full.owner = Some("ann".to_owned());
        full.expires = crate::suppress::Date::parse("2030-01-31");
        full.comments = vec!["# seen".to_owned()];
        let text = render(&[entry(2, "b"), full, entry(0, "a"), entry(2, "b")]);
        assert_eq!(text.lines().count(), 2 + 2 + 4 + 1, "{text}");
        let parsed = parse(&text, "x").unwrap();
        assert_eq!(parsed.iter().map(|entry| entry.fingerprint.0[0]).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(parsed[1].reason, "why \"so\" \\ \n\u{7f}\u{2028} ü");
        assert_eq!(render(&parsed), text);
    }
}
