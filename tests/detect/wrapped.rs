//! Encoded text that is broken into lines: where a line ends must not matter, not even when the same break goes
//! through what a key begins with and, a line later, through the marker.

use friskey::model::Secret;
use friskey::rules::expand;

use super::cases::shapes;
use super::disguise::{bytes, marked, span, through};
use super::{detector, reported};

/// Where tools break lines, and where the first halves of keys are as long as one or two.
const COLUMNS: &[usize] = &[52, 56, 57, 60, 64, 70, 72, 76, 80, 100, 109, 112, 120];

#[test]
fn base64_is_found_wherever_lines_break() {
    let mut missed = Vec::new();
    for shape in shapes() {
        for &column in COLUMNS {
            let steps = ["base64".to_owned(), format!("wrap:{column}:\n  ")];
            for before in 0..column * 3 / 4 {
                let key = expand(&shape.template, before as u64).text;
                let inner =
                    [marked(" ".repeat(before).as_bytes(), false), marked(&key, true), marked(b"\n", false)]
                        .concat();
                let text =
                    [marked(b"data: |\n  ", false), through(inner, &steps), marked(b"\n", false)].concat();
                let found = reported(detector(), &bytes(&text));
                let fingerprint = Secret::new(key, 0).fingerprint();
                let is_it = matches!(&found[..], [m] if m.span == span(&text) && m.identified.fingerprint == fingerprint);
                if !is_it {
                    missed.push(format!("{} at {before} in lines of {column}", shape.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}
