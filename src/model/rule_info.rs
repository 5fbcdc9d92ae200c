//! What a report says about a rule.

/// A rule as reports describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// `openai-project-key`
    pub id: String,
    /// A title.
    pub name: String,
    /// What the rule finds, in a sentence or two.
    pub description: String,
    /// How bad a leak of such a key is.
    pub severity: Severity,
    /// What to do about a leak, step by step, most urgent first.
    pub advice: Vec<String>,
    /// Where to revoke such a key.
    pub revoke_url: Option<String>,
    /// Whether the rule ships with friskey.
    pub built_in: bool,
}

/// How bad a leak of a kind of key is.
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
