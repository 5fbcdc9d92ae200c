//! Every format of every sample, compared with a snapshot in `tests/report/snapshots`.
//!
//! A failing test prints the difference. `INSTA_UPDATE=always cargo test --test report` accepts all changes;
//! review them before you commit.

use friskey::model::{Draft, Report};
use friskey::report::{REPORTERS, Style};

use super::{output, sample};

/// Compares `text`, which was made from `draft`, with the snapshot of that name.
fn compare(name: &str, text: &str, draft: &Draft) {
    for leak in &draft.leaks {
        let key = String::from_utf8_lossy(leak.identified.secret.reveal());
        assert!(!text.contains(&*key), "{name} contains a key");
    }
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let text = text.replace(&version, "\"VERSION\"");
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn compare_all_formats(name: &str, draft: &Draft) {
    let report: Report = sample::redacted(draft.clone());
    for reporter in REPORTERS {
        let text = output::formatted(reporter.name, &report, &Style::default());
        compare(&format!("{name}.{}", reporter.name), &text, draft);
    }
    compare(&format!("{name}.summary"), &output::step_summary(&report), draft);
}

#[test]
fn clean() {
    compare_all_formats("clean", &sample::clean());
}

#[test]
fn incomplete() {
    compare_all_formats("incomplete", &sample::incomplete());
}

#[test]
fn narrowed() {
    compare_all_formats("narrowed", &sample::narrowed());
}

#[test]
fn tree() {
    compare_all_formats("tree", &sample::tree());
}

#[test]
fn history() {
    compare_all_formats("history", &sample::history());
}

#[test]
fn stdin() {
    compare_all_formats("stdin", &sample::stdin());
}

#[test]
fn hostile() {
    compare_all_formats("hostile", &sample::hostile());
}

#[test]
fn human_with_color_in_60_columns() {
    let draft = sample::history();
    let style = Style { color: true, width: Some(60), ..Style::default() };
    let text = output::formatted("human", &sample::redacted(draft.clone()), &style);
    compare("history-color-60.human", &text, &draft);
}
