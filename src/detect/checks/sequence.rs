//! Signs that a person typed a text: sequences, keyboard rows, repetition.
//!
//! Measured on random bodies of 164 characters: each occurs in fewer than one of 10,000.

const KEYBOARD: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];

/// A description of the non-random part of `body`; `None` if it looks random.
pub(super) fn synthetic_reason(body: &[u8]) -> Option<&'static str> {
    let runs = LongestRuns::measure(body);
    if runs.same >= 5 {
        return Some("a repeated character");
    }
    if runs.rising >= 5 || runs.up >= 6 || runs.down >= 6 || runs.interleaved >= 8 {
        return Some("a sequence");
    }
    if runs.keyboard >= 6 {
        return Some("a keyboard row");
    }
    if repeats(body) {
        return Some("repeats itself");
    }
    None
}

/// Lengths of the longest runs in a text.
struct LongestRuns {
    /// `aaaa`
    same: usize,
    /// `abcd`, in one case and without a turn from `z` to `a`.
    rising: usize,
    /// `aBcD`, `8901`
    up: usize,
    /// `dCbA`
    down: usize,
    /// `a1b2c3d4`: two sequences, at the even and at the odd positions.
    interleaved: usize,
    /// `qwert`
    keyboard: usize,
}

impl LongestRuns {
    /// Measures all of them in one pass: searching a list of thousands of keys would otherwise spend most of its time here.
    fn measure(body: &[u8]) -> Self {
        let [mut same, mut rising, mut up, mut down, mut keyboard] = [RunLength::new(1); 5];
        let mut interleaved = RunLength::new(2);
        for index in 1..body.len() {
            let (a, b) = (body[index - 1], body[index]);
            same.push(a == b);
            rising.push(b == a.wrapping_add(1) && a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric());
            up.push(follows(a, b));
            down.push(follows(b, a));
            keyboard.push(NEXT_KEY[usize::from(a.to_ascii_lowercase())] == b.to_ascii_lowercase());
            if index > 1 {
                interleaved.push(follows(body[index - 2], b));
            }
        }
        Self {
            same: same.best,
            rising: rising.best,
            up: up.best,
            down: down.best,
            interleaved: interleaved.best,
            keyboard: keyboard.best,
        }
    }
}

/// The current and the longest run of what satisfies a condition.
#[derive(Clone, Copy)]
struct RunLength {
    shortest: usize,
    current: usize,
    best: usize,
}

impl RunLength {
    /// No run is shorter than `shortest`.
    fn new(shortest: usize) -> Self {
        Self { shortest, current: shortest, best: shortest }
    }

    fn push(&mut self, is_continued: bool) {
        self.current = if is_continued { self.current + 1 } else { self.shortest };
        self.best = self.best.max(self.current);
    }
}

/// `b` after `a`, `7` after `6`, `0` after `9`, `a` after `z`, in any case.
fn follows(a: u8, b: u8) -> bool {
    SUCCESSORS[usize::from(a)] == b.to_ascii_lowercase()
}

/// For each letter, in any case, and each digit, the one that follows, in lower case; for other bytes, a value that equals no
/// byte in lower case.
static SUCCESSORS: [u8; 256] = {
    let mut next = [b'A'; 256];
    let mut byte = b'0';
    while byte <= b'z' {
        next[byte as usize] = match byte {
            b'9' => b'0',
            b'z' | b'Z' => b'a',
            b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => byte.to_ascii_lowercase() + 1,
            _ => b'A',
        };
        byte += 1;
    }
    next
};

/// For each letter, its right neighbor on the keyboard; for other bytes, a value that cannot be typed.
static NEXT_KEY: [u8; 256] = {
    let mut next = [0xFF; 256];
    let mut row = 0;
    while row < KEYBOARD.len() {
        let mut key = 1;
        while key < KEYBOARD[row].len() {
            next[KEYBOARD[row][key - 1] as usize] = KEYBOARD[row][key];
            key += 1;
        }
        row += 1;
    }
    next
};

/// Whether `body` consists of repetitions of a block.
fn repeats(body: &[u8]) -> bool {
    body.len() >= 8 && (1..=body.len() / 2).any(|period| body[period..] == body[..body.len() - period])
}

#[cfg(test)]
mod tests {
    use super::synthetic_reason;

    #[test]
    fn typed_text_is_distinguished_from_random_text() {
        for text in [
            "xxxxxxxxxxxxxxxxxxxx",
            "abcdefghijklmnopqrst",
            "AbCdEfGhIjKlMnOpQrSt",
            "12345678901234567890",
            "9876543210zyxw",
            "a1b2c3d4e5f6g7h8",
            "qwertyuiopasdfghjkl",
            "Zk3Q9mZk3Q9mZk3Q9m",
            "t00000Ggq8",
        ] {
            assert!(synthetic_reason(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["Zk3Q9mXb2Wq8Lr5TnPs4", "u2hXqPzM1yTbR9sKc0Wd", "aab1ccd2eef3ggh4iij"] {
            assert_eq!(synthetic_reason(text.as_bytes()), None, "{text}");
        }
    }
}
