//! The report: what every reporter is given, and what the exit status follows from.

use std::collections::BTreeMap;

use super::{Confidence, Coverage, Leak};

/// The outcome of a scan, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was found, and nothing failed.
    Clean,
    /// Something was found, whether or not everything was scanned.
    Findings,
    /// Nothing was found, but not everything was scanned.
    Incomplete,
}

impl Status {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Incomplete => "incomplete",
        }
    }
}

/// All there is to say about one scan. Holds no text that a secret could stand in: paths, names and
/// reasons have been redacted by the time it is built.
#[derive(Clone, Debug)]
pub struct Report {
    /// The command that scanned: `scan`, `history`, ….
    pub command: &'static str,
    /// What it is an answer about, where the command alone does not tell: readers that keep results let a
    /// report replace the earlier ones of its category.
    pub category: Option<&'static str>,
    /// Digest of the rules in force.
    pub rules_digest: String,
    /// The rules in force, for formats that list them and for advice.
    pub rules: Vec<RuleInfo>,
    /// Leaks at or above the threshold, suppressed ones included, in a fixed order.
    pub leaks: Vec<Leak>,
    /// Findings at or above the threshold, not suppressed, that were counted and not kept: a report has room for
    /// so many.
    pub unlisted_findings: u64,
    /// Findings at or above the threshold that were suppressed.
    pub suppressed_findings: u64,
    /// Leaks below the threshold, which are not listed.
    pub below_threshold: u64,
    /// The threshold.
    pub min_confidence: Confidence,
    /// What was and was not looked at.
    pub coverage: Coverage,
    /// Things worth saying that change no status: which range was chosen, a stale baseline entry.
    pub notes: Vec<String>,
    /// Wall time of the scan.
    pub elapsed_seconds: f64,
    /// When the scan began, in seconds since 1970.
    pub started: i64,
    /// The repository that was scanned, where it is known.
    pub version_control: Option<VersionControl>,
    /// Paths of files as their repository knows them, by the path in the report, where the two differ. For formats
    /// whose readers look the file up there.
    pub repository_paths: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Report {
    /// The path of a file from the root of its repository; as it is where no repository is known.
    pub fn repository_path<'r>(&'r self, path: &'r [u8]) -> &'r [u8] {
        self.repository_paths.get(path).map_or(path, Vec::as_slice)
    }

    /// Leaks with at least one place that is not suppressed.
    pub fn open_leaks(&self) -> impl Iterator<Item = &Leak> {
        self.leaks.iter().filter(|leak| !leak.is_suppressed())
    }

    /// The outcome. Findings outweigh gaps in coverage; gaps outweigh a clean result.
    pub fn status(&self) -> Status {
        if self.unlisted_findings > 0 || self.open_leaks().next().is_some() {
            Status::Findings
        } else if self.coverage.is_complete() {
            Status::Clean
        } else {
            Status::Incomplete
        }
    }
}

/// Which repository was scanned, and which state of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionControl {
    /// URI of the repository, without user name or password; see [`VersionControl::public_uri`].
    pub repository_uri: String,
    /// Object id of the commit at HEAD, in hex.
    pub revision: Option<String>,
    /// Short name of the branch at HEAD.
    pub branch: Option<String>,
}

impl VersionControl {
    /// A remote's address as a URI that may be shown: `git@host:path` becomes `ssh://host/path`, user
    /// names and passwords go. `None` for what is no remote address, a path on disk for one.
    pub fn public_uri(remote: &str) -> Option<String> {
        let remote = remote.trim();
        let shown = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let (scheme, rest) = match remote.split_once("://") {
            Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("file") => {
                (scheme.to_ascii_lowercase(), rest.to_owned())
            }
            Some(_) => return None,
            None => {
                let (host, path) = remote.split_once(':')?;
                // A slash before the colon makes it a path, and one letter is a drive.
                if host.contains('/') || host.len() < 2 {
                    return None;
                }
                ("ssh".to_owned(), format!("{host}/{}", path.trim_start_matches('/')))
            }
        };
        let is_scheme = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
        let host = host.rsplit('@').next().unwrap_or_default();
        // Queries may carry tokens, too.
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let uri = format!("{scheme}://{host}/{path}");
        (is_scheme(&scheme) && shown(host) && shown(&uri)).then_some(uri)
    }
}

/// What a report says about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// `openai-project-key`
    pub id: String,
    /// A title.
    pub name: String,
    /// What the rule finds, in a sentence or two.
    pub description: String,
    /// `critical`, `high`, `medium` or `low`.
    pub severity: Severity,
    /// What to do on a leak, step by step, most urgent first.
    pub advice: Vec<String>,
    /// Where to revoke such a key.
    pub revoke_url: Option<String>,
    /// Whether it is one of friskey's own.
    pub built_in: bool,
}

/// How bad a leak of this kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hardly any harm.
    Low,
    /// Some harm.
    Medium,
    /// Costs money, or discloses data.
    High,
    /// Costs money within minutes.
    Critical,
}

impl Severity {
    /// The name used in rules and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_addresses_lose_what_is_private() {
        let token = ["user", "token"].join(":");
        let cases = [
            (format!("https://{token}@host.example/a/b.git?x=1"), Some("https://host.example/a/b.git")),
            ("git@host.example:a/b.git".to_owned(), Some("ssh://host.example/a/b.git")),
            ("ssh://git@host.example:22/a".to_owned(), Some("ssh://host.example:22/a")),
            ("/srv/a:b".to_owned(), None),
            ("C:\\a".to_owned(), None),
            ("file:///srv/a".to_owned(), None),
            ("https:///a".to_owned(), None),
            ("two words:a".to_owned(), None),
        ];
        for (remote, uri) in cases {
            assert_eq!(VersionControl::public_uri(&remote).as_deref(), uri, "{remote}");
        }
    }
}
