//! `entropy`: random text has almost as many distinct characters as possible.

use super::{Candidate, Check, CheckSettings, Rejection};

/// Rejects a body that is too regular to be random.
#[derive(Debug)]
pub(super) struct Entropy;

impl Check for Entropy {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let body = candidate.body();
        let Some(bits) = random_bits(&body) else {
            return Err("too few different characters to be random".into());
        };
        candidate.note(format!("{bits:.1} bits per character"));
        Ok(())
    }
}

/// Text length, and the minimum entropy of 200,000 random base62 texts of that length.
const MIN_ENTROPY_BY_LENGTH: [(usize, f64); 11] = [
    (0, 0.0),
    (8, 1.5),
    (16, 2.7),
    (24, 3.3),
    (32, 3.75),
    (40, 4.0),
    (48, 4.2),
    (64, 4.5),
    (84, 4.75),
    (116, 5.0),
    (148, 5.2),
];

/// Bits per character of random base62 text and of random hex.
const BASE62_BITS: f64 = 5.954;
const HEX_BITS: f64 = 4.0;

/// Whether `body` has fewer distinct characters than random text of its length ever has.
pub(super) fn is_poor(body: &[u8]) -> bool {
    random_bits(body).is_none()
}

/// The entropy of `body` in bits per byte, unless [it is poor](is_poor).
pub(super) fn random_bits(body: &[u8]) -> Option<f64> {
    let is_hex = body.iter().all(u8::is_ascii_hexdigit);
    let scale = if is_hex { HEX_BITS / BASE62_BITS } else { 1.0 };
    let bits = shannon(body);
    (bits >= min_entropy(body.len()) * scale).then_some(bits)
}

fn min_entropy(length: usize) -> f64 {
    let next = MIN_ENTROPY_BY_LENGTH.partition_point(|&(row_length, _)| row_length <= length);
    let (low, low_bits) = MIN_ENTROPY_BY_LENGTH[next - 1];
    let Some(&(high, high_bits)) = MIN_ENTROPY_BY_LENGTH.get(next) else { return low_bits };
    #[expect(clippy::cast_precision_loss, reason = "lengths of keys")]
    let fraction = (length - low) as f64 / (high - low) as f64;
    low_bits + fraction * (high_bits - low_bits)
}

/// Shannon entropy in bits per byte.
fn shannon(body: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in body {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths of keys")]
    let length = body.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / length;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expand_template;

    #[test]
    fn random_text_is_never_poor() {
        for template in
            ["{base62:16}", "{base62:20}", "{base62:40}", "{base62:64}", "{base64url:148}", "{hex:32}"]
        {
            for seed in 0..2000 {
                assert!(!is_poor(&expand_template(template, seed).text), "{template} with seed {seed}");
            }
        }
    }

    #[test]
    fn repetition_is_poor() {
        assert!(is_poor(b"abcabcabcabcabcabcabcabcabcabcabcabcabca"));
        assert!(is_poor(b"this-is-not-a-real-key-this-is-not-a-key"));
    }
}
