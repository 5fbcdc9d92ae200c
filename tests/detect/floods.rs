//! Tests that the work per byte is bounded on text that was made to slow a scan down, and that ordinary text is not passed over.

use friskey::detect::{PassedOver, Stream, steps};
use friskey::rules::expand;

use super::{detector, floods, found};

/// Bytes of a flood.
const SIZE: usize = 1 << 16;

/// A build without optimisation takes seconds for one, so that only some are searched; the bench searches thousands.
const EVERY: usize = 6;

/// Steps for each byte, and those that any text may take: what `effort.rs` allows plain keys, and what the last keyword
/// takes that was looked at. They are a few nanoseconds each.
const MOST_STEPS_PER_BYTE: u64 = 3;
const MOST_STEPS: u64 = 3 << 20;

fn search(text: &[u8]) -> (u64, PassedOver) {
    let mut passed_over = PassedOver::default();
    let taken = steps(|| passed_over = detector().find_with_keywords(text, |_| true, |_| {}));
    (taken, passed_over)
}

#[test]
fn no_flood_takes_more_than_so_many_steps_a_byte() {
    let some = floods::some().into_iter().step_by(EVERY).map(|flood| (flood.name(), flood.text(SIZE)));
    // Without a bound this takes forty million.
    for (name, text) in some.chain([("halves".to_owned(), halves(SIZE / 37))]) {
        let (taken, _) = search(&text);
        let most = MOST_STEPS + MOST_STEPS_PER_BYTE * text.len() as u64;
        assert!(taken <= most, "{name}: {taken} steps");
    }
}

/// First halves of keys, and between them what may occur within one.
fn halves(count: usize) -> Vec<u8> {
    (0..count as u64).flat_map(|seed| expand("sk-{base62:20}{marker}\\\" \\\"", seed).text).collect()
}

#[test]
fn a_flood_is_passed_over_and_the_plain_key_behind_it_is_found() {
    let key = expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let text = [&halves(400)[..], b"\n\n  key: ", &key, b"\n"].concat();
    assert!(!search(&text).1.is_empty());
    let all = found(detector(), &text);
    assert!(all.iter().any(|one| one.detected_key.secret.reveal() == key));
    let mut stream = Stream::default();
    stream.search(detector(), &mut &text[..], |_, _| {}).unwrap();
    assert!(stream.passed_over().reason().is_some());
    stream.search(detector(), &mut &key[..], |_, _| {}).unwrap();
    assert_eq!(stream.passed_over().reason(), None, "the next stream is another");
}

#[test]
fn dozens_of_keys_in_any_spelling_are_not_passed_over() {
    const COUNT: usize = 40;
    for spelling in 0..floods::SPELLINGS.len() {
        let (name, text) = floods::keys(spelling, COUNT);
        let (taken, passed_over) = search(&text);
        assert!(passed_over.is_empty(), "{name}: {taken} steps");
    }
}

#[test]
fn a_list_of_a_thousand_plain_keys_is_searched_to_its_end() {
    let (_, text) = floods::keys(0, 1000);
    assert!(search(&text).1.is_empty());
    assert_eq!(found(detector(), &text).len(), 1000);
}
