//! SARIF locations. Code scanning rejects an upload if any result lacks one, so every finding has one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Finding, Origin, Report};
use crate::report::{escape, labels};

use super::Text;

/// The base that relative URIs are relative to.
pub(super) const ROOT: &str = "%SRCROOT%";

pub(super) type UriBases = BTreeMap<&'static str, UriBase>;

#[derive(Serialize)]
pub(super) struct UriBase {
    description: Text,
}

pub(super) fn base() -> UriBases {
    let description = Text::new("The root of the repository or directory that was scanned.");
    BTreeMap::from([(ROOT, UriBase { description })])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: RegionObject,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionObject {
    start_line: u64,
    start_column: u64,
    end_line: u64,
    end_column: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

impl Location {
    /// The location of a finding; messages link to it by `id`.
    pub(super) fn new(report: &Report, finding: &Finding, id: Option<usize>) -> Self {
        let origin = &finding.origin;
        let inside = labels::inside(origin);
        let name = if inside.is_empty() { labels::name(origin) } else { inside };
        let is_plain_file = labels::has_positions(origin) && labels::file(origin).is_some();
        let logical =
            if is_plain_file { Vec::new() } else { vec![LogicalLocation { fully_qualified_name: name }] };
        let file = labels::file(origin).map(|path| report.repository_path(path));
        Self {
            id,
            physical_location: PhysicalLocation {
                artifact_location: artifact(origin, file),
                region: region(finding),
            },
            logical_locations: logical,
        }
    }
}

/// `file` is the path of the origin, if it is a file.
fn artifact(origin: &Origin, file: Option<&[u8]>) -> ArtifactLocation {
    let relative = |uri: String| ArtifactLocation { uri, uri_base_id: Some(ROOT) };
    match file {
        Some(path) => match absolute(path) {
            Some(uri) => ArtifactLocation { uri, uri_base_id: None },
            None => relative(escape::uri(path.strip_prefix(b"./").unwrap_or(path))),
        },
        // Not a file, so it gets a made-up path within `.git`.
        None => relative(escape::uri(labels::pseudo_path(origin).as_bytes())),
    }
}

/// The URI of an absolute path, on Unix or Windows.
fn absolute(path: &[u8]) -> Option<String> {
    if path.starts_with(b"/") {
        return Some(format!("file://{}", escape::uri(path)));
    }
    match path {
        [drive, b':', b'/', rest @ ..] if drive.is_ascii_alphabetic() => {
            Some(format!("file:///{}:/{}", char::from(*drive), escape::uri(rest)))
        }
        _ => None,
    }
}

/// Lines and columns count from 1, and the end is after the last character; at least one character wide.
fn region(finding: &Finding) -> RegionObject {
    if !labels::has_positions(&finding.origin) {
        return RegionObject { start_line: 1, start_column: 1, end_line: 1, end_column: 2 };
    }
    let (start, end) = (finding.span.start, finding.span.end);
    let (start_line, start_column) = (start.line.max(1), start.column.max(1));
    let end_line = end.line.max(start_line);
    let least = if end_line == start_line { start_column.saturating_add(1) } else { 1 };
    RegionObject { start_line, start_column, end_line, end_column: end.column.max(least) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Surface;

    fn uri(surface: Surface, path: &[u8]) -> (String, bool) {
        let origin = Origin::at_path(surface, path);
        let artifact = artifact(&origin, labels::file(&origin));
        (artifact.uri, artifact.uri_base_id.is_some())
    }

    #[test]
    fn uris_are_relative_if_the_path_is() {
        assert_eq!(uri(Surface::Worktree, b"./src/a b.py"), ("src/a%20b.py".to_owned(), true));
        assert_eq!(uri(Surface::Blob, b"c:d/e"), ("c%3Ad/e".to_owned(), true));
        assert_eq!(uri(Surface::Stdin, b"-"), ("stdin".to_owned(), true));
        assert_eq!(uri(Surface::Worktree, b"/srv/a"), ("file:///srv/a".to_owned(), false));
        assert_eq!(uri(Surface::Worktree, b"C:/srv/a"), ("file:///C:/srv/a".to_owned(), false));
    }

    #[test]
    fn without_a_path_the_uri_names_the_object() {
        let mut origin = Origin::at_path(Surface::RefName, "refs/heads/a b");
        assert_eq!(artifact(&origin, None).uri, ".git/ref-name/refs/heads/a%20b");
        origin = Origin { path: None, ..Origin::at_path(Surface::CommitMessage, "") };
        assert_eq!(artifact(&origin, None).uri, ".git/commit-message");
        origin.commit = Some("abc".to_owned());
        assert_eq!(artifact(&origin, None).uri, ".git/commit-message/abc");
    }
}
