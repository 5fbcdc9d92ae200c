//! `random`: without the marker, a body must at least look machine-generated from the whole alphabet: not a
//! hash, a UUID or words.

use super::{Candidate, Check, CheckSettings, Rejection, entropy};

/// Maximum share of adjacent characters of the same class (lower, upper, digit, other). Random base62 has 0.38, with a
/// standard deviation of 0.08 at 40 characters; words have 0.75 and more.
const MAX_ALIKE_SHARE: f64 = 0.70;

/// The same for a body with fewer than two digits: a camel-case identifier has a short word for each capital, and hardly
/// any digits.
const MAX_ALIKE_SHARE_WITHOUT_DIGITS: f64 = 0.55;

/// Rejects a body that is not random.
#[derive(Debug)]
pub(super) struct Random;

impl Check for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, _: &CheckSettings) -> Result<(), Rejection> {
        let body = candidate.body();
        if body.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
            return Err("a hash or a UUID, not a key".into());
        }
        let has = |class: fn(&u8) -> bool| body.iter().any(class);
        if !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(|b| !b.is_ascii_alphabetic()))
        {
            return Err("not drawn from upper case, lower case and digits".into());
        }
        let alike = alike_share(&body);
        let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
        if alike > MAX_ALIKE_SHARE || (alike > MAX_ALIKE_SHARE_WITHOUT_DIGITS && digits < 2) {
            return Err("words, not random characters".into());
        }
        if has_alternating_uuid(&body) {
            return Err("a gateway's key: it ends in a UUID".into());
        }
        let Some(bits) = entropy::random_bits(&body) else {
            return Err("too few different characters to be random".into());
        };
        candidate.note(format!("looks random, {bits:.1} bits per character"));
        Ok(())
    }
}

/// Share of adjacent characters that are of the same class.
fn alike_share(body: &[u8]) -> f64 {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let same = body.windows(2).filter(|two| class(two[0]) == class(two[1])).count();
    #[expect(clippy::cast_precision_loss, reason = "lengths of keys")]
    let share = same as f64 / body.len().max(2) as f64;
    share
}

/// The gateway one-api issues keys of `sk-` and 48 characters, the last 32 of which are a version 4 UUID.
fn has_alternating_uuid(body: &[u8]) -> bool {
    let Some(uuid) = body.len().checked_sub(32).map(|start| &body[start..]) else { return false };
    uuid.iter().all(u8::is_ascii_hexdigit) && uuid[12] == b'4' && b"89abAB".contains(&uuid[16])
}
