//! Tests that nothing is found in random text, although every encoded keyword occurs in it by chance.

use std::fmt::Write as _;

use super::{detector, find_all};

/// Bytes of each kind of noise in the slow test.
const SLOW_TEST_BYTES: usize = 128 << 20;

/// Bytes of each kind of noise in the quick test, and of each text that is searched.
const TEXT_BYTES: usize = 1 << 17;

/// The pseudorandom number generator SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn pick(&mut self, alphabet: &[u8]) -> u8 {
        alphabet[(self.next() >> 33) as usize % alphabet.len()]
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A kind of noise: its name, and a function that appends some bytes of it.
type Noise = (&'static str, fn(&mut Random, &mut Vec<u8>));

const NOISES: &[Noise] = &[
    ("base64", |random, out| out.push(random.pick(BASE64))),
    ("base64, wrapped", |random, out| {
        out.extend((0..76).map(|_| random.pick(BASE64)));
        out.push(b'\n');
    }),
    ("base64url", |random, out| out.push(random.pick(BASE64URL))),
    ("hex", |random, out| out.push(random.pick(b"0123456789abcdef"))),
    ("hex dump", |random, out| {
        let mut line = String::new();
        for _ in 0..16 {
            let _ = write!(line, "{:02X} ", random.next() & 255);
        }
        out.extend(line.trim_end().bytes());
        out.push(b'\n');
    }),
    ("array", |random, out| out.extend(format!("0x{:02x}, ", random.next() & 255).bytes())),
    ("bytes", |random, out| out.extend(random.next().to_le_bytes())),
    ("escapes", |random, out| out.extend(format!("\\x{:02x}", random.next() & 127).bytes())),
    ("UTF-16", |random, out| out.extend([random.pick(BASE64URL), 0])),
    ("minified", |random, out| {
        let words: [&[u8]; 16] = [
            b"sk-",
            b"\"+\"",
            b"'+'",
            b"\\x73",
            b"%73",
            b"task-",
            b"\\u0073",
            b"function(",
            b"\",\"",
            b"});",
            b"=>",
            b"c2st",
            b"-",
            b"a",
            b"Zx9",
            b"\n",
        ];
        out.extend(words[(random.next() >> 40) as usize % words.len()]);
    }),
];

/// Searches `size` bytes of each kind of noise.
fn assert_nothing_found(size: usize) {
    for (seed, (name, append)) in (1..).zip(NOISES) {
        let mut random = Random(seed);
        let mut text = Vec::new();
        for _ in 0..size.div_ceil(TEXT_BYTES) {
            text.clear();
            while text.len() < TEXT_BYTES {
                append(&mut random, &mut text);
            }
            let matches: Vec<_> =
                find_all(detector(), &text).into_iter().map(|m| (m.span, m.encoding)).collect();
            assert!(matches.is_empty(), "{name}: {matches:?}");
        }
    }
}

#[test]
fn nothing_is_found_in_noise() {
    assert_nothing_found(TEXT_BYTES);
}

#[test]
#[ignore = "a gigabyte: run it with --release"]
fn nothing_is_found_in_a_gigabyte_of_noise() {
    assert_nothing_found(SLOW_TEST_BYTES);
}
