//! The tool description in SARIF: rules and notification types.

use serde::Serialize;

use crate::model::{Report, RuleInfo, Severity};
use crate::report::escape;

use super::Text;

/// The most characters that GitHub keeps of a description.
const MAX_CHARS: usize = 1024;

#[derive(Serialize)]
pub(super) struct Tool {
    driver: Driver,
}

impl Tool {
    pub(super) fn new(report: &Report) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            driver: Driver {
                name: "friskey",
                semantic_version: version,
                version,
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules: report.rules().iter().map(RuleDescriptor::new).collect(),
                notifications: [
                    NotificationDescriptor::new("not-scanned", "Something could not be scanned."),
                    NotificationDescriptor::new("ignored", "Something was left out on purpose."),
                    NotificationDescriptor::new(
                        "left-out",
                        "Some results were left out because there are too many.",
                    ),
                    NotificationDescriptor::new("note", "A remark about the scan."),
                ],
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<RuleDescriptor>,
    notifications: [NotificationDescriptor; 4],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotificationDescriptor {
    id: &'static str,
    short_description: Text,
}

impl NotificationDescriptor {
    fn new(id: &'static str, text: &str) -> Self {
        Self { id, short_description: Text::new(text) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDescriptor {
    id: String,
    name: String,
    short_description: Text,
    full_description: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 2],
    precision: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

impl RuleDescriptor {
    fn new(rule: &RuleInfo) -> Self {
        let text = |text: &str| Text::new(escape::truncated(text, MAX_CHARS));
        Self {
            id: rule.id.clone(),
            name: pascal_case(&rule.id),
            short_description: text(&rule.name),
            full_description: text(&rule.description),
            help_uri: rule.revoke_url.as_deref().filter(|url| escape::is_link(url)).map(str::to_owned),
            help: help(rule),
            default_configuration: Configuration { level: level(rule.severity) },
            properties: RuleProperties {
                tags: ["security", "external/cwe/cwe-798"],
                precision: "high",
                security_severity: score(rule.severity),
            },
        }
    }
}

/// `openai-project-key` becomes `OpenaiProjectKey`, as SARIF wants names.
fn pascal_case(id: &str) -> String {
    let parts = id.split(|c: char| !c.is_alphanumeric());
    parts.fold(String::with_capacity(id.len()), |mut name, part| {
        let mut rest = part.chars();
        name.extend(rest.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(rest.as_str());
        name
    })
}

fn help(rule: &RuleInfo) -> Help {
    let mut text = rule.description.clone();
    let mut markdown = escape::markdown(&rule.description);
    for (number, step) in (1..).zip(&rule.advice) {
        text.push_str(&format!("\n{number}. {step}"));
        // Markdown needs a blank line before a list.
        let gap = if number == 1 { "\n\n" } else { "\n" };
        markdown.push_str(&format!("{gap}{number}. {}", escape::markdown(step)));
    }
    if let Some(url) = rule.revoke_url.as_deref().filter(|url| escape::is_link(url)) {
        text.push_str(&format!("\nRevoke at {url}"));
        markdown.push_str(&format!("\n\n[Revoke the key]({url})"));
    }
    Help { text, markdown }
}

/// The level of a result without doubt about the match.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// GitHub's scale: above 9.0 is critical, from 7.0 high, from 4.0 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
