//! The location of a finding in SARIF. Every finding gets one, since code scanning rejects an upload with a result that has
//! none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Finding, Origin, Report};
use crate::report::{escape, labels};

use super::MessageText;

/// The name of the directory that relative URIs refer to.
pub(super) const ROOT: &str = "%SRCROOT%";

pub(super) type UriBases = BTreeMap<&'static str, UriBase>;

#[derive(Serialize)]
pub(super) struct UriBase {
    description: MessageText,
}

/// The description of [`ROOT`].
pub(super) fn uri_bases() -> UriBases {
    let description = MessageText::new("The root of the repository or directory that was scanned.");
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
    /// The location of a finding. A message can link to it by `id`.
    pub(super) fn new(report: &Report, finding: &Finding, id: Option<usize>) -> Self {
        let origin = &finding.origin;
        let entry_path = labels::entry_path(origin);
        let name = if entry_path.is_empty() { labels::place_name(origin) } else { entry_path };
        let is_plain_file = labels::has_positions(origin) && labels::file_path(origin).is_some();
        let logical_locations =
            if is_plain_file { Vec::new() } else { vec![LogicalLocation { fully_qualified_name: name }] };
        let file = labels::file_path(origin).map(|path| report.path_in_repository(path));
        Self {
            id,
            physical_location: PhysicalLocation {
                artifact_location: artifact_location(origin, file),
                region: region(finding),
            },
            logical_locations,
        }
    }
}

/// The file, given by its path, or a pseudo path for an origin that is not a file.
fn artifact_location(origin: &Origin, file: Option<&[u8]>) -> ArtifactLocation {
    let relative = |uri: String| ArtifactLocation { uri, uri_base_id: Some(ROOT) };
    match file {
        Some(path) => match absolute_uri(path) {
            Some(uri) => ArtifactLocation { uri, uri_base_id: None },
            None => relative(escape::uri(path.strip_prefix(b"./").unwrap_or(path))),
        },
        None => relative(escape::uri(labels::pseudo_path(origin).as_bytes())),
    }
}

/// The URI of a path that is absolute on Unix or Windows; `None` for a relative one.
fn absolute_uri(path: &[u8]) -> Option<String> {
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

/// The span of a finding. Lines and columns count from 1, the end is after the last character, and the region covers at least
/// one character.
fn region(finding: &Finding) -> RegionObject {
    if !labels::has_positions(&finding.origin) {
        return RegionObject { start_line: 1, start_column: 1, end_line: 1, end_column: 2 };
    }
    let (start, end) = (finding.span.start, finding.span.end);
    let (start_line, start_column) = (start.line.max(1), start.column.max(1));
    let end_line = end.line.max(start_line);
    let min_end_column = if end_line == start_line { start_column.saturating_add(1) } else { 1 };
    RegionObject { start_line, start_column, end_line, end_column: end.column.max(min_end_column) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Surface;

    fn uri(surface: Surface, path: &[u8]) -> (String, bool) {
        let origin = Origin::at_path(surface, path);
        let artifact = artifact_location(&origin, labels::file_path(&origin));
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
        assert_eq!(artifact_location(&origin, None).uri, ".git/ref-name/refs/heads/a%20b");
        origin = Origin { path: None, ..Origin::at_path(Surface::CommitMessage, "") };
        assert_eq!(artifact_location(&origin, None).uri, ".git/commit-message");
        origin.commit = Some("abc".to_owned());
        assert_eq!(artifact_location(&origin, None).uri, ".git/commit-message/abc");
    }
}
