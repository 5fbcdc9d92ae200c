//! Tests that nothing is found in random text, however long: every encoded keyword occurs in it now and then.

use std::fmt::Write as _;

use super::{detector, found};

/// Bytes of noise of each kind in the slow test.
const MUCH: usize = 128 << 20;

/// And in the quick one.
const LITTLE: usize = 1 << 17;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(&mut self, alphabet: &[u8]) -> u8 {
        alphabet[(self.next() >> 33) as usize % alphabet.len()]
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Noise, some bytes at a time.
type Kind = (&'static str, fn(&mut Random, &mut Vec<u8>));

const KINDS: &[Kind] = &[
    ("base64", |random, out| out.push(random.of(BASE64))),
    ("base64, wrapped", |random, out| {
        out.extend((0..76).map(|_| random.of(BASE64)));
        out.push(b'\n');
    }),
    ("base64url", |random, out| out.push(random.of(URL))),
    ("hex", |random, out| out.push(random.of(b"0123456789abcdef"))),
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
    ("UTF-16", |random, out| out.extend([random.of(URL), 0])),
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

fn search(amount: usize) {
    for (seed, (name, more)) in (1..).zip(KINDS) {
        let mut random = Random(seed);
        let mut text = Vec::new();
        for _ in 0..amount.div_ceil(LITTLE) {
            text.clear();
            while text.len() < LITTLE {
                more(&mut random, &mut text);
            }
            let wrong: Vec<_> = found(detector(), &text).into_iter().map(|m| (m.span, m.encoding)).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
        }
    }
}

#[test]
fn nothing_is_found_in_noise() {
    search(LITTLE);
}

#[test]
#[ignore = "a gigabyte: run it with --release"]
fn nothing_is_found_in_a_gigabyte_of_noise() {
    search(MUCH);
}
