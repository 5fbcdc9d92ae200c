//! Parses a baseline, and rejects an invalid one with file, line and reason.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::BaselineError;
use super::entry::BaselineEntry;
use crate::globs::Glob;
use crate::model::Fingerprint;
use crate::suppress::Date;
use crate::suppress::blank::is_blank;

/// Maximum number of entries for one key. Each finding of the key is compared with all of them.
const MAX_ENTRIES_OF_KEY: usize = 1_000;

/// The version of the format.
pub(super) const VERSION: i64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: Spanned<i64>,
    #[serde(default)]
    accepted: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    fingerprint: Spanned<String>,
    rule: Spanned<String>,
    reason: Spanned<String>,
    path: Option<Spanned<String>>,
    owner: Option<String>,
    expires: Option<Spanned<toml::Value>>,
}

/// Parses the entries in `text`; `path` is for messages.
pub(super) fn parse(text: &str, path: &str) -> Result<Vec<BaselineEntry>, BaselineError> {
    let parser = BaselineParser { text, path };
    let file: RawFile = toml::from_str(text).map_err(|error| {
        parser.error_at_offset(error.span().map_or(0, |span| span.start), error.message().to_owned())
    })?;
    if *file.version.get_ref() != VERSION {
        let reason = format!(
            "unknown version {}; this version of friskey reads version {VERSION}",
            file.version.get_ref()
        );
        return Err(parser.error_at_offset(file.version.span().start, reason));
    }
    let mut counts: HashMap<Fingerprint, usize> = HashMap::new();
    let entries = file.accepted.iter().map(|raw| {
        let entry = parser.parse_entry(raw)?;
        let count = counts.entry(entry.fingerprint).or_default();
        *count += 1;
        if *count > MAX_ENTRIES_OF_KEY {
            let reason = format!("more than {MAX_ENTRIES_OF_KEY} entries for one key; use wider globs");
            return Err(parser.error_at(raw, reason));
        }
        Ok(entry)
    });
    entries.collect()
}

/// Parses the entries of a file.
struct BaselineParser<'a> {
    text: &'a str,
    path: &'a str,
}

impl BaselineParser<'_> {
    fn parse_entry(&self, spanned: &Spanned<RawEntry>) -> Result<BaselineEntry, BaselineError> {
        let raw = spanned.get_ref();
        let fingerprint = Fingerprint::from_hex(raw.fingerprint.get_ref()).ok_or_else(|| {
            self.error_at(
                &raw.fingerprint,
                "invalid fingerprint; expected 64 hex digits, as shown in reports".to_owned(),
            )
        })?;
        for (name, value) in [("rule", &raw.rule), ("reason", &raw.reason)] {
            if is_blank(value.get_ref()) {
                return Err(self.error_at(value, format!("`{name}` must not be empty")));
            }
        }
        let path = raw.path.as_ref();
        let path = path
            .map(|path| Glob::new(path.get_ref()).map_err(|reason| self.error_at(path, reason)))
            .transpose()?;
        Ok(BaselineEntry {
            fingerprint,
            rule: raw.rule.get_ref().clone(),
            reason: raw.reason.get_ref().clone(),
            path,
            owner: raw.owner.clone(),
            expires: raw.expires.as_ref().map(|date| self.parse_date(date)).transpose()?,
            comments: self.comments_above(spanned.span().start),
        })
    }

    /// Parses the field `expires`.
    fn parse_date(&self, raw: &Spanned<toml::Value>) -> Result<Date, BaselineError> {
        let text = match raw.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(date) => date.to_string(),
            _ => String::new(),
        };
        Date::parse(&text)
            .ok_or_else(|| self.error_at(raw, "`expires` must be a day, written YYYY-MM-DD".to_owned()))
    }

    /// The comment lines directly above the line of `offset`.
    fn comments_above(&self, offset: usize) -> Vec<String> {
        let above = self.text.get(..offset).unwrap_or_default();
        let mut lines: Vec<_> = above
            .lines()
            .rev()
            // Skips the text before the entry on the same line, which `above` ends with.
            .skip(usize::from(!above.ends_with('\n')))
            .map(str::trim)
            .take_while(|line| line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        lines.reverse();
        lines
    }

    fn error_at<T>(&self, value: &Spanned<T>, reason: String) -> BaselineError {
        self.error_at_offset(value.span().start, reason)
    }

    fn error_at_offset(&self, offset: usize, reason: String) -> BaselineError {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + bytecount::count(before, b'\n');
        BaselineError::Invalid { path: self.path.to_owned(), line, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(entry: &str) -> String {
        parse(&format!("version = 1\naccepted = [\n{entry}\n]\n"), "b.toml").unwrap_err().to_string()
    }

    fn entry(more: &str) -> String {
        format!("{{ fingerprint = \"{}\", rule = \"r\", reason = \"why\"{more} }},", "0f".repeat(32))
    }

    #[test]
    fn reads_entries_with_their_comments() {
        let text = format!(
            "# head\nversion = 1\naccepted = [\n  # one\n  # two\n  {}\n  {}\n]\n",
            entry(", path = \"docs/**\", owner = \"ann\", expires = 2030-01-31"),
            entry(", expires = \"2030-01-31\"")
        );
        let entries = parse(&text, "b.toml").unwrap();
        assert_eq!(entries[0].comments, ["# one", "# two"]);
        assert_eq!(entries[0].path.as_ref().unwrap().as_str(), "docs/**");
        assert_eq!(entries[0].expires, entries[1].expires);
        assert!(entries[1].comments.is_empty());
        assert!(parse("version = 1\n", "b.toml").unwrap().is_empty());
    }

    #[test]
    fn errors_name_file_line_and_reason() {
        assert!(error(&entry(", extra = 1")).starts_with("b.toml:3: unknown field `extra`"));
        assert!(error(&entry(", expires = 2030")).starts_with("b.toml:3: `expires` must be a day"));
        assert!(error(&entry(", expires = \"2030-02-30\"")).starts_with("b.toml:3: `expires` must be a day"));
        assert!(error(&entry(", path = \"[a\"")).starts_with("b.toml:3: invalid glob"));
        let nested = format!(", path = \"{}\"", "{".repeat(100_000));
        assert!(error(&entry(&nested)).starts_with("b.toml:3: the glob `{{{"));
        let many = format!("{}\n", entry("")).repeat(MAX_ENTRIES_OF_KEY + 1);
        assert!(error(&many).starts_with("b.toml:1003: more than 1000 entries for one key"));
        assert!(error(&entry("").replace("why", "\u{200b} \u{3164}")).contains("`reason` must not be empty"));
        assert!(error(&entry("").replace("why", " ")).starts_with("b.toml:3: `reason` must not be empty"));
        assert!(error(&entry("").replace("0f0f", "0f")).contains("64 hex digits"));
        assert!(error("{ rule = \"r\" },").contains("b.toml:3: missing field"));
        assert!(error("nonsense").starts_with("b.toml:3: "));
        let error = parse("# x\nversion = 2\n", "b.toml").unwrap_err().to_string();
        assert!(error.starts_with("b.toml:2: unknown version 2"));
    }
}
