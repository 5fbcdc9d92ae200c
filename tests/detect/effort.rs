//! Tests that hostile text cannot make a search take too many steps per byte, and that ordinary text is not passed over.

use friskey::detect::{PassedOver, Stream, steps};
use friskey::rules::{MARKER, expand_template};

use super::{detector, find_all, floods};

/// Size of a flood, in bytes.
const FLOOD_SIZE: usize = 1 << 16;

/// One of so many floods of the sample is searched, because each takes seconds in a build without optimization. The bench
/// searches thousands.
const SAMPLE_INTERVAL: usize = 6;

/// Upper bounds of the steps for each byte, and of those that any text may take in addition. `src/detect/effort.rs` allows
/// searching for plain keys for two steps per byte and 2 << 20 more, and checks that before each keyword only.
const MAX_STEPS_PER_BYTE: u64 = 3;
const MAX_BASE_STEPS: u64 = 3 << 20;

/// Searches `text`. Returns how many steps that took, and what was passed over.
fn search(text: &[u8]) -> (u64, PassedOver) {
    let mut passed_over = PassedOver::default();
    let step_count = steps(|| passed_over = detector().find_with_keywords(text, |_| true, |_| {}));
    (step_count, passed_over)
}

#[test]
fn the_steps_per_byte_of_a_flood_are_bounded() {
    let sample = floods::sample().into_iter().step_by(SAMPLE_INTERVAL);
    let texts = sample.map(|flood| (flood.name(), flood.text(FLOOD_SIZE)));
    // Without a limit, the first halves take forty million steps.
    for (name, text) in texts.chain([("first halves".to_owned(), first_halves(FLOOD_SIZE / FIRST_HALF_LEN))])
    {
        let (step_count, _) = search(&text);
        let limit = MAX_BASE_STEPS + MAX_STEPS_PER_BYTE * text.len() as u64;
        assert!(step_count <= limit, "{name}: {step_count} steps, more than {limit}");
    }
}

/// The first halves of `count` keys, separated by quotes as in a split literal.
fn first_halves(count: usize) -> Vec<u8> {
    (0..count as u64).flat_map(|seed| expand_template("sk-{base62:20}{marker}\\\" \\\"", seed).text).collect()
}

/// Bytes of each of [`first_halves`]: prefix, random characters, marker and separator.
const FIRST_HALF_LEN: usize = 3 + 20 + MARKER.len() + 5;

#[test]
fn a_flood_is_passed_over_and_the_plain_key_behind_it_is_found() {
    let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let text = [&first_halves(400)[..], b"\n\n  key: ", &key, b"\n"].concat();
    let (_, passed_over) = search(&text);
    assert!(!passed_over.is_empty(), "the flood is too small");
    let matches = find_all(detector(), &text);
    assert!(matches.iter().any(|one| one.detected_key.secret.reveal() == key), "{matches:?}");
    let mut stream = Stream::default();
    stream.search(detector(), &mut &text[..], |_, _| {}).unwrap();
    assert!(stream.passed_over().reason().is_some());
    stream.search(detector(), &mut &key[..], |_, _| {}).unwrap();
    assert_eq!(
        stream.passed_over().reason(),
        None,
        "a new search starts without what the last one passed over"
    );
}

#[test]
fn dozens_of_keys_in_any_spelling_are_not_passed_over() {
    const COUNT: usize = 40;
    for spelling in 0..floods::SPELLINGS.len() {
        let (name, text) = floods::keys(spelling, COUNT);
        let (step_count, passed_over) = search(&text);
        assert!(passed_over.is_empty(), "{name}: passed over after {step_count} steps");
    }
}

#[test]
fn a_list_of_a_thousand_plain_keys_is_searched_to_its_end() {
    let (_, text) = floods::keys(0, 1000);
    assert!(search(&text).1.is_empty());
    assert_eq!(find_all(detector(), &text).len(), 1000);
}
