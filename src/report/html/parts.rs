//! Small pieces of HTML that several parts of a page share. Each function escapes its arguments, except those called HTML.

use crate::model::{LeakStatus, Severity};
use crate::report::escape;
use crate::report::labels;
use crate::report::next_steps::NextStep;

use crate::report::permalink::Permalinks;

/// Maximum length, in characters, of a key that is never wrapped.
const MAX_NOWRAP_CHARS: usize = 40;

/// A word in a colored frame.
pub(in crate::report) fn badge(class: &str, word: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape::xml(word))
}

pub(super) fn status_badge(status: LeakStatus) -> String {
    let class = match status {
        LeakStatus::Present => "bad",
        LeakStatus::Removed | LeakStatus::Unknown => "warn",
        LeakStatus::Unreachable => "",
    };
    badge(class, status.name())
}

/// The badge for the name of a status, as it is in the JSON of another report.
pub(in crate::report) fn status_badge_by_name(name: &str) -> String {
    let statuses = [LeakStatus::Present, LeakStatus::Removed, LeakStatus::Unreachable, LeakStatus::Unknown];
    match statuses.into_iter().find(|status| status.name() == name) {
        Some(status) => status_badge(status),
        None => escape::xml(name),
    }
}

pub(super) fn severity_badge(severity: Severity) -> String {
    let class = match severity {
        Severity::Critical | Severity::High => "bad",
        Severity::Medium => "warn",
        Severity::Low => "",
    };
    badge(class, severity.name())
}

/// A link to another site if the URL is safe, otherwise only the text. `html` is HTML.
pub(in crate::report) fn link(url: Option<&str>, html: &str) -> String {
    match url.filter(|url| escape::is_link(url)) {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer noopener\">{html}</a>", escape::xml(url)),
        None => html.to_owned(),
    }
}

/// A commit by its short id, with a link if the hosting service shows it.
pub(super) fn commit(links: Option<&Permalinks>, id: &str) -> String {
    let url = links.and_then(|links| links.commit(id));
    link(url.as_deref(), &format!("<code>{}</code>", escape::xml(&labels::short_id(id))))
}

/// Text as HTML, with its URLs as links.
pub(in crate::report) fn link_urls(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let url = word.trim_end_matches(['.', ',', ';', ')']);
        match url.starts_with("https://") {
            true => format!("{}{}", link(Some(url), &escape::xml(url)), escape::xml(&word[url.len()..])),
            false => escape::xml(word),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Numbered steps, each with its command.
pub(in crate::report) fn steps(steps: &[NextStep]) -> String {
    let items = steps.iter().map(|step| {
        let command = step.command.as_deref().map(command).unwrap_or_default();
        format!("<li><p>{}</p>{command}</li>\n", link_urls(&step.text))
    });
    format!("<ol class=\"steps\">\n{}</ol>\n", items.collect::<String>())
}

/// A redacted key or short id, which is not wrapped unless it is unusually long.
pub(in crate::report) fn key(text: &str) -> String {
    let class = if text.chars().count() <= MAX_NOWRAP_CHARS { " class=\"nowrap\"" } else { "" };
    format!("<code{class}>{}</code>", escape::xml(text))
}

/// A command, with a button to copy it.
pub(in crate::report) fn command(command: &str) -> String {
    format!("<div class=\"command\"><pre><code>{}</code></pre></div>", escape::xml(command))
}

/// A row of a list of facts. `value` is HTML; if it is empty, so is the row.
pub(in crate::report) fn fact(name: &str, value: &str) -> String {
    match value.is_empty() {
        true => String::new(),
        false => format!("<dt>{}</dt><dd>{value}</dd>\n", escape::xml(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_urls_become_links() {
        let html = link_urls("see https://a.example/b, <b> (https://c.example) javascript:x https://\"x");
        assert!(html.starts_with("see <a href=\"https://a.example/b\" rel=\"noreferrer noopener\">https://a.example/b</a>, &lt;b&gt;"));
        assert!(html.ends_with("javascript:x https://&quot;x"), "{html}");
        assert!(!html.contains("href=\"https://c"));
    }
}
