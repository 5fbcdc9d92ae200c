//! Every format of every sample against a file in `tests/golden`.
//!
//! `FRISKEY_UPDATE_GOLDEN=1 cargo test --test report` writes them anew; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use friskey::report::{REPORTERS, Style, write_step_summary};

use super::sample;

fn check(name: &str, bytes: &[u8]) -> Option<String> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let text = String::from_utf8(bytes.to_vec()).expect("reports are UTF-8").replace(&version, "\"VERSION\"");
    if std::env::var_os("FRISKEY_UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).expect("cannot write the golden file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if text == expected {
        return None;
    }
    let differs = |(a, b): &(&str, &str)| a != b;
    let (line, (got, want)) = (1..)
        .zip(text.lines().zip(expected.lines()))
        .find(|(_, pair)| differs(pair))
        .unwrap_or((0, ("(length)", "(length)")));
    Some(format!("{name}:{line}\n  want {want}\n  got  {got}"))
}

#[test]
fn every_format_is_as_it_was() {
    let mut wrong = Vec::new();
    for (sample, report) in sample::all() {
        for reporter in REPORTERS {
            let mut out = Vec::new();
            reporter.write(&report, &Style::default(), &mut out).unwrap();
            wrong.extend(check(&format!("{sample}.{}", reporter.name), &out));
        }
    }
    for (sample, report) in sample::all() {
        let mut out = Vec::new();
        write_step_summary(&report, &mut out).unwrap();
        wrong.extend(check(&format!("{sample}.summary.md"), &out));
    }
    let color = Style { color: true, width: Some(60), ..Style::default() };
    let mut out = Vec::new();
    REPORTERS[0].write(&sample::history(), &color, &mut out).unwrap();
    wrong.extend(check("history-color-60.human", &out));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
