//! What SARIF says about the tool: its version, rules and kinds of notifications.

use serde::Serialize;

use crate::model::{Report, RuleInfo, Severity};
use crate::report::escape;

use super::MessageText;

/// Maximum number of characters of a description; GitHub cuts off the rest.
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
    short_description: MessageText,
}

impl NotificationDescriptor {
    fn new(id: &'static str, text: &str) -> Self {
        Self { id, short_description: MessageText::new(text) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDescriptor {
    id: String,
    name: String,
    short_description: MessageText,
    full_description: MessageText,
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
        let message = |text: &str| MessageText::new(escape::truncated(text, MAX_CHARS));
        Self {
            id: rule.id.clone(),
            name: pascal_case(&rule.id),
            short_description: message(&rule.name),
            full_description: message(&rule.description),
            help_uri: rule.revoke_url.as_deref().filter(|url| escape::is_link(url)).map(str::to_owned),
            help: help(rule),
            default_configuration: Configuration { level: level(rule.severity) },
            properties: RuleProperties {
                tags: ["security", "external/cwe/cwe-798"],
                precision: "high",
                security_severity: security_severity(rule.severity),
            },
        }
    }
}

/// `openai-project-key` as `OpenaiProjectKey`, the style that SARIF recommends for names of rules.
fn pascal_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric());
    words.fold(String::with_capacity(id.len()), |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
        name
    })
}

fn help(rule: &RuleInfo) -> Help {
    let mut text = rule.description.clone();
    let mut markdown = escape::markdown(&rule.description);
    for (number, step) in (1..).zip(&rule.advice) {
        text.push_str(&format!("\n{number}. {step}"));
        // Markdown needs a blank line before a list.
        let separator = if number == 1 { "\n\n" } else { "\n" };
        markdown.push_str(&format!("{separator}{number}. {}", escape::markdown(step)));
    }
    if let Some(url) = rule.revoke_url.as_deref().filter(|url| escape::is_link(url)) {
        text.push_str(&format!("\nRevoke at {url}"));
        markdown.push_str(&format!("\n\n[Revoke the key]({url})"));
    }
    Help { text, markdown }
}

/// The SARIF level for a severity.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// The score that GitHub turns into the same severity: above 9.0 is critical, from 7.0 high, from 4.0 medium.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
