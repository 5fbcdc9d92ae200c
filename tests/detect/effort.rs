//! Tests that hostile text cannot make a search take too many steps per byte, and that ordinary text is not passed over.

use friskey::detect::{Chunk, EffortReserve, PassedOver, Stream, StreamMatch, steps};
use friskey::rules::{MARKER, expand_template};

use super::{detector, find_all, floods};

/// Size of a flood, in bytes.
const FLOOD_SIZE: usize = 1 << 16;

/// One of so many floods of the sample is searched, because each takes seconds in a build without optimization. The bench
/// searches thousands. Has no factor in common with the numbers of spellings and sizes of groups, so that each of these occurs.
const SAMPLE_INTERVAL: usize = 7;

/// Upper bounds of the steps for each byte, and of those that any text may take in addition. `src/detect/effort.rs` allows
/// two steps per byte and 2 << 20 more before plain keys are no longer searched for, and checks that only before each keyword.
const MAX_STEPS_PER_BYTE: u64 = 3;
const MAX_BASE_STEPS: u64 = 3 << 20;

/// The steps of the reserve that many short texts share, and an upper bound of the additional steps for each of their bytes.
const RESERVE_STEPS: u64 = 16 << 20;
const MAX_STEPS_PER_SHORT_BYTE: u64 = 8;

/// The steps, besides one for each of its bytes, that a text with a key may take without touching the reserve.
const STEPS_PER_TEXT_WITH_KEY: u64 = 10 << 10;

/// The position in [`floods::SPELLINGS`] of `base64 +1`, which takes many steps.
const COSTLY_SPELLING: usize = 2;

/// Searches `text`. Returns how many steps that took, and what was passed over.
fn search(text: &[u8]) -> (u64, PassedOver) {
    let mut passed_over = PassedOver::default();
    let step_count = steps(|| {
        passed_over = detector().find_with_keywords(text, &mut EffortReserve::default(), |_| true, |_| {})
    });
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
fn the_steps_per_byte_of_many_short_floods_are_bounded_and_no_key_in_one_is_missed_silently() {
    const LEN: usize = 1300;
    const ROUNDS: usize = 24;
    let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let sample: Vec<_> =
        floods::sample().into_iter().step_by(SAMPLE_INTERVAL).map(|flood| flood.text(LEN)).collect();
    let texts: Vec<Vec<u8>> = [sample, vec![first_halves(LEN / FIRST_HALF_LEN)]].concat();
    let mut reserve = EffortReserve::default();
    let (mut len, mut passed_over_count) = (0, 0);
    let step_count = steps(|| {
        for text in (0..ROUNDS).flat_map(|_| &texts) {
            let text = [text, &b"\n\n  key: "[..], &key, b"\n"].concat();
            let mut is_found = false;
            let passed_over = detector().find_with_keywords(
                &text,
                &mut reserve,
                |_| true,
                |one| is_found |= one.detected_key.secret.reveal() == key,
            );
            assert!(is_found || !passed_over.is_empty());
            len += text.len() as u64;
            passed_over_count += usize::from(!passed_over.is_empty());
        }
    });
    assert!(passed_over_count > 0, "the floods are too few to use up the reserve");
    let limit = RESERVE_STEPS + MAX_STEPS_PER_SHORT_BYTE * len;
    assert!(step_count <= limit, "{step_count} steps for {len} bytes, more than {limit}");
}

#[test]
fn ordinary_text_refills_the_reserve_that_hostile_text_used_up() {
    let mut reserve = EffortReserve::default();
    let mut search = |text: &[u8]| {
        let mut count = 0;
        let passed_over = detector().find_with_keywords(text, &mut reserve, |_| true, |_| count += 1);
        (count, passed_over.is_empty())
    };
    let flood = first_halves(4000 / FIRST_HALF_LEN);
    for _ in 0..40 {
        let _ = search(&flood);
    }
    let (_, keys) = floods::keys(COSTLY_SPELLING, 3);
    assert!(!search(&keys).1, "the reserve is used up");
    assert_eq!(search(&b"ordinary text\n".repeat(1 << 13)), (0, true));
    assert_eq!(search(&keys), (3, true));
}

#[test]
fn the_parts_of_a_stream_take_nothing_from_the_reserve_of_each_other() {
    const CHUNK_LEN: usize = 60;
    let (_, key) = floods::keys(COSTLY_SPELLING, 1);
    let padding = |lines| b"ordinary text\n".repeat(lines);
    let text = [&padding(300)[..], &first_halves(16), &padding(200), &key].concat();
    let (step_count, passed_over) = search(&text);
    assert!(passed_over.is_empty(), "the flood is too large");
    // If each of the more than 40 chunks took that many from the reserve, it would be used up.
    assert!(40 * step_count > RESERVE_STEPS, "the flood is too small: {step_count}");
    let mut stream = Stream::default();
    let mut in_chunks = Vec::new();
    let found = |_: Chunk<'_>, one: StreamMatch| in_chunks.push(one.matched.detected_key);
    stream.search_in_chunks(detector(), &mut &text[..], CHUNK_LEN, found).unwrap();
    assert!(stream.passed_over().is_empty());
    let whole: Vec<_> = find_all(detector(), &text).into_iter().map(|one| one.detected_key).collect();
    assert_eq!(in_chunks, whole);
    assert_eq!(whole.last().map(|key| key.kind.as_ref()), Some("project"));
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
fn texts_with_a_key_in_any_spelling_do_not_use_up_the_reserve() {
    let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text;
    let pieces: Vec<&[u8]> = key.chunks(10).collect();
    let concatenated = ("concatenated", [b"\"", &pieces.join(&b"\" + \""[..])[..], b"\""].concat());
    let texts = (0..floods::SPELLINGS.len()).map(|spelling| floods::keys(spelling, 1));
    for (name, text) in texts.chain([concatenated]) {
        let (step_count, _) = search(&text);
        let free_steps = STEPS_PER_TEXT_WITH_KEY + text.len() as u64;
        assert!(step_count <= free_steps, "{name}: {step_count} steps, more than {free_steps}");
    }
}

#[test]
fn a_list_of_a_thousand_plain_keys_is_searched_to_its_end() {
    let (_, text) = floods::keys(0, 1000);
    assert!(search(&text).1.is_empty());
    assert_eq!(find_all(detector(), &text).len(), 1000);
}
