//! Compares every format of every sample with a snapshot in `tests/report/snapshots`.
//!
//! A failing test prints the difference. `INSTA_UPDATE=always cargo test --test report` accepts all changes;
//! review them before you commit.

use friskey::model::{Draft, Report};
use friskey::report::{REPORTERS, Style};

use super::{output, sample};

/// Compares `text`, a report of `draft`, with the snapshot `name`, apart from friskey's version. It must contain no key.
fn compare(name: &str, text: &str, draft: &Draft) {
    for leak in &draft.leaks {
        let key = String::from_utf8_lossy(leak.detected_key.secret.reveal());
        assert!(!text.contains(&*key), "{name} contains a key");
    }
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let text = text.replace(&version, "\"VERSION\"");
    let text = text.replace(&format!("friskey {} with", env!("CARGO_PKG_VERSION")), "friskey VERSION with");
    let text = without_style(&text);
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A page without its style, its script and their digests, which are the same for every page.
fn without_style(text: &str) -> String {
    let mut text = text.to_owned();
    for (opening, closing) in
        [("<style>", "</style>"), ("<script>", "</script>"), ("'sha256-", ";"), ("'sha256-", ";")]
    {
        if let Some((before, rest)) = text.split_once(opening)
            && let Some((_, after)) = rest.split_once(closing)
        {
            text = format!("{before}…{closing}{after}");
        }
    }
    text
}

fn compare_all_formats(name: &str, draft: &Draft) {
    let report: Report = sample::redacted(draft.clone());
    for reporter in REPORTERS {
        let text = output::render(reporter.name, &report, &Style::default());
        compare(&format!("{name}.{}", reporter.name), &text, draft);
    }
    compare(&format!("{name}.summary"), &output::step_summary(&report), draft);
}

#[test]
fn clean_matches_its_snapshots() {
    compare_all_formats("clean", &sample::clean());
}

#[test]
fn incomplete_matches_its_snapshots() {
    compare_all_formats("incomplete", &sample::incomplete());
}

#[test]
fn narrowed_matches_its_snapshots() {
    compare_all_formats("narrowed", &sample::narrowed());
}

#[test]
fn tree_matches_its_snapshots() {
    compare_all_formats("tree", &sample::tree());
}

#[test]
fn history_matches_its_snapshots() {
    compare_all_formats("history", &sample::history());
}

#[test]
fn stdin_matches_its_snapshots() {
    compare_all_formats("stdin", &sample::stdin());
}

#[test]
fn hostile_matches_its_snapshots() {
    compare_all_formats("hostile", &sample::hostile());
}

#[test]
fn human_with_color_in_60_columns_matches_its_snapshot() {
    let draft = sample::history();
    let style = Style { color: true, width: Some(60), ..Style::default() };
    let text = output::render("human", &sample::redacted(draft.clone()), &style);
    compare("history-color-60.human", &text, &draft);
}

#[test]
fn human_in_40_80_and_120_columns_matches_its_snapshots() {
    let draft = sample::history();
    for width in [40, 80, 120] {
        let style = Style { width: Some(width), ..Style::default() };
        let text = output::render("human", &sample::redacted(draft.clone()), &style);
        compare(&format!("history-{width}.human"), &text, &draft);
    }
}

#[test]
fn human_breaks_lines_at_the_width_of_the_terminal() {
    for width in [40, 80, 120] {
        for (name, report) in sample::all() {
            let text = output::render("human", &report, &Style { width: Some(width), ..Style::default() });
            for line in text.lines().filter(|line| line.chars().count() > width) {
                // A line break would make these useless to copy or click.
                let words = line.split_whitespace().count();
                let is_command_or_url =
                    ["friskey ", "git ", "cat -- ", "https://"].iter().any(|start| line.contains(start));
                let is_location = !line.starts_with(' ') && line.contains(':');
                assert!(words == 1 || is_command_or_url || is_location, "{name} in {width} columns: {line}");
            }
        }
    }
}
