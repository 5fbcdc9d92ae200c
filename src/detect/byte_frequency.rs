//! Estimated frequency of three adjacent bytes in the contents of repositories, from the frequency of each byte
//! and of adjacent byte classes. It affects only speed.

/// Bytes of a window: the number that the vectorized search examines.
pub(super) const TRIGRAM_LEN: usize = 3;

/// Byte classes: lower case, upper case, digits, blanks, other ASCII, and the rest.
pub(super) const CLASS_COUNT: usize = 6;

/// How much more often than by chance a byte of the column's class follows one of the row's class; measured on
/// sources in several languages and on git objects.
const TRANSITION_LIFT: [[f64; CLASS_COUNT]; CLASS_COUNT] = [
    [1.7, 0.3, 0.3, 0.3, 0.8, 0.3],
    [0.5, 10.3, 0.8, 0.1, 0.7, 2.0],
    [0.2, 0.7, 9.3, 0.3, 0.8, 0.5],
    [0.4, 0.5, 0.3, 2.8, 1.0, 0.1],
    [0.7, 0.9, 0.5, 1.3, 1.8, 0.7],
    [0.2, 2.1, 0.8, 0.2, 0.7, 8.2],
];

/// For each byte of a window, the probability of each class.
pub(super) type ClassProbabilities = [[f64; CLASS_COUNT]; TRIGRAM_LEN];

/// Frequency of each byte in a text.
pub(super) struct ByteFrequencies([f64; 256]);

impl ByteFrequencies {
    /// Frequencies in source code, averaged over languages.
    pub(super) fn new() -> Self {
        const COMMON: &[(&[u8], f64)] = &[
            (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0.0015),
            (b"\0<>[]\\'\t", 0.004),
            (b"23456789", 0.006),
            (b"1", 0.009),
            (b"0", 0.012),
            (b"bygkwx-\",;=*{}", 0.007),
            (b"v&#!+@%$|", 0.002),
            (b"qjz", 0.001),
            (b"pmfh_:.()/", 0.013),
            (b"lcud", 0.020),
            (b"saorin\n", 0.031),
            (b"t", 0.044),
            (b"e", 0.055),
            (b" ", 0.150),
        ];
        let mut share = [0.0003; 256];
        for (bytes, value) in COMMON {
            bytes.iter().for_each(|&byte| share[usize::from(byte)] = *value);
        }
        Self(share)
    }

    /// Adds a byte that may occur at a position of a window.
    pub(super) fn add(&self, byte: u8, probabilities: &mut [f64; CLASS_COUNT]) {
        probabilities[class(byte)] += self.0[usize::from(byte)];
    }

    /// Expected occurrences of `window` per byte of text.
    pub(super) fn window_frequency(&self, window: &[u8]) -> f64 {
        let mut probabilities = ClassProbabilities::default();
        for (position, &byte) in probabilities.iter_mut().zip(window) {
            self.add(byte, position);
        }
        probabilities[window.len().min(TRIGRAM_LEN)..]
            .iter_mut()
            .for_each(|position| *position = [1.0 / CLASS_COUNT as f64; CLASS_COUNT]);
        joint_probability(&probabilities)
    }
}

/// Expected occurrences, per byte of text, of any combination of the bytes allowed at each position.
pub(super) fn joint_probability(probabilities: &ClassProbabilities) -> f64 {
    let mut before = probabilities[0];
    for place in &probabilities[1..] {
        let mut next = [0.0; CLASS_COUNT];
        for (class, next) in next.iter_mut().enumerate() {
            let preceded: f64 = before
                .iter()
                .zip(&TRANSITION_LIFT)
                .map(|(probabilities, after)| probabilities * after[class])
                .sum();
            *next = preceded * place[class];
        }
        before = next;
    }
    before.iter().sum()
}

/// The index of the class of `byte`.
fn class(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b' ' | b'\t' | b'\r' | b'\n' => 3,
        b'!'..=b'~' => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_more_likely_than_random_characters() {
        let frequencies = ByteFrequencies::new();
        assert!(frequencies.window_frequency(b"the") > 100.0 * frequencies.window_frequency(b"QzQ"));
        assert!(frequencies.window_frequency(b"\n  ") > frequencies.window_frequency(b"sk-"));
    }
}
