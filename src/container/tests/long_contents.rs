//! Tests of entries that are not read into memory before they are classified.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::kit::{extract, extract_within, gzip, noise, tar};
use super::zip_entries::{Entry, zip};
use crate::container::Limits;

/// Longer than what is read into memory before it is classified.
const LONG: usize = 5 << 19;

fn text(length: usize) -> Vec<u8> {
    b"a line of a log that holds nothing\n".iter().copied().cycle().take(length).collect()
}

fn encoded_archive(data: &[u8]) -> Vec<u8> {
    BASE64_STANDARD.encode(gzip(data)).into_bytes()
}

#[test]
fn encoded_archives_are_opened_wherever_they_begin() {
    let data = noise(3, 9000);
    let run = encoded_archive(&data);
    // Around the end of what is read first, around the ends of windows, and at the end.
    let starts =
        [70_000, (1 << 20) - 9, 1 << 20, (1 << 17) * 9 - 5, (1 << 17) * 10 - (1 << 14), 2_000_000, LONG];
    for start in starts {
        let content = [&text(start)[..], b" ", &run, b"\n", &text(LONG - start)].concat();
        let extraction = extract("logs.tar", &tar(&[("app.log", &content)]));
        let name = format!("app.log > base64 at byte {} > content", start + 1);
        assert_eq!(extraction.content(&name), data);
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
        let (_, delegated) = extraction.delegated.iter().find(|(name, _)| name == "app.log").unwrap();
        // The padding of the base64 may or may not belong to it.
        let [range] = &delegated[..] else { panic!("{delegated:?}") };
        assert_eq!(range.start, (start + 1) as u64);
        assert!((start + 1 + run.len()) as u64 - range.end <= 2, "{range:?}");
    }
}

#[test]
fn several_encoded_archives_are_opened() {
    let contents: Vec<Vec<u8>> = (0..3).map(|seed| noise(seed, 500)).collect();
    let runs: Vec<u8> = contents
        .iter()
        .flat_map(|data| [&encoded_archive(data)[..], b"\n", &text(700_000)].concat())
        .collect();
    let extraction = extract("logs.tar", &tar(&[("app.log", &[&text(1 << 20)[..], &runs].concat())]));
    for data in &contents {
        assert!(extraction.contents.iter().any(|(_, content)| content == data), "{}", extraction.reasons());
    }
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn what_does_not_fit_in_memory_is_skipped() {
    let limits = Limits { memory: 2 << 20, ..Limits::default() };
    let archive = gzip(&noise(4, 1000));
    let run = encoded_archive(&noise(4, 1000));
    let zip = zip(&[Entry::new("in.zip", 8, b"a few words")]);
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0".to_vec();
    let cases = [
        ("an archive at the start of a program", [&elf[..], &archive, &text(LONG)].concat()),
        ("an archive at the end of a program", [&elf[..], &text(LONG), &archive].concat()),
        ("a zip at the end of a program", [&elf[..], &text(LONG), &zip].concat()),
        ("a run in a program", [&elf[..], &text(LONG), &run].concat()),
        ("a run at the start of a text", [&run[..], b"\n", &text(LONG)].concat()),
        ("a run early in the rest of a text", [&text(1 << 20)[..], &run, b"\n", &text(LONG)].concat()),
    ];
    for (case, content) in cases {
        let extraction = extract_within("tool.tar", &tar(&[("tool", &content)]), limits);
        assert_eq!(extraction.content("tool").len(), content.len(), "{case}");
        assert!(extraction.skipped.iter().any(|(path, _)| path == "tool"), "{case}: nothing was skipped");
        assert!(!extraction.reasons().contains("inconsistent"), "{case}: {}", extraction.reasons());
    }
    for content in [[&elf[..], &text(LONG)].concat(), text(LONG)] {
        let extraction = extract_within("tool.tar", &tar(&[("tool", &content)]), limits);
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
    }
    // What follows the run fits.
    let content = [&text(LONG)[..], &run].concat();
    let extraction = extract_within("tool.tar", &tar(&[("tool", &content)]), limits);
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}
