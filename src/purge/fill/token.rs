//! Rewrites the text that encodes one character of a key: the character itself, an escape, a number, a wide character.

/// Characters to use if the encoding of the intended filler is longer than the token.
const SUBSTITUTES: &[u8] = b"x0Aa7_-.";

/// Rewrites `token`, which encodes the character `from`, so that it encodes `to` or another filler. Returns false if
/// its kind is unknown.
pub(super) fn fill(token: &mut [u8], from: u8, to: u8) -> bool {
    match token {
        [] => false,
        [byte] => {
            *byte = to;
            true
        }
        _ => {
            fill_number(token, from, to)
                || fill_among_zeros(token, from, to)
                || fill_wide(token)
                || fill_escaped(token, from)
                || fill_first_or_last(token, from, to)
                || may_stay(from)
        }
    }
}

/// Rewrites a number in hexadecimal, decimal or octal digits: `73`, `0x73`, `\x73`, `&#115;`, `\163`, `%73`, `\u{73}`.
fn fill_number(token: &mut [u8], from: u8, to: u8) -> bool {
    let mut start = 0;
    while start < token.len() {
        let length = token[start..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length == 0 {
            start += 1;
            continue;
        }
        // A `d` or `b` before digits may belong to a prefix or be a hex digit.
        for skipped in 0..length {
            let digits = start + skipped..start + length;
            let Ok(text) = std::str::from_utf8(&token[digits.clone()]) else { break };
            let base =
                [16, 10, 8].into_iter().find(|&base| u32::from_str_radix(text, base) == Ok(from.into()));
            let Some(base) = base.filter(|_| text.len() >= 2) else { continue };
            let is_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
            if let Some(number) = filler_number(to, from, base, digits.len(), is_upper) {
                token[digits].copy_from_slice(number.as_bytes());
                return true;
            }
        }
        start += length;
    }
    false
}

/// The character code of the first filler, of `to` and the substitutes, that has `width` digits.
fn filler_number(to: u8, from: u8, base: u32, width: usize, is_upper: bool) -> Option<String> {
    let fillers = std::iter::once(to).chain(SUBSTITUTES.iter().copied()).filter(|&byte| byte != from);
    let mut numbers = fillers.map(|byte| match base {
        16 if is_upper => format!("{byte:0width$X}"),
        16 => format!("{byte:0width$x}"),
        10 => format!("{byte:0width$}"),
        _ => format!("{byte:0width$o}"),
    });
    numbers.find(|text| text.len() == width)
}

/// Rewrites a character among zero bytes, as in UTF-16 and UTF-32.
fn fill_among_zeros(token: &mut [u8], from: u8, to: u8) -> bool {
    let mut others = token.iter_mut().filter(|byte| **byte != 0);
    match (others.next(), others.next()) {
        (Some(byte), None) if *byte == from => {
            *byte = to;
            true
        }
        _ => false,
    }
}

/// Rewrites a non-ASCII character that represents an ASCII one: fullwidth, mathematical.
fn fill_wide(token: &mut [u8]) -> bool {
    let is_one = std::str::from_utf8(token).is_ok_and(|text| text.chars().count() == 1 && !text.is_ascii());
    let filler = match token.len() {
        2 => "×",
        3 => "ｘ",
        4 => "𝗑",
        _ => return false,
    };
    if is_one {
        token.copy_from_slice(filler.as_bytes());
    }
    is_one
}

/// Rewrites a character after an unnecessary backslash, with one that has no special meaning after a backslash.
fn fill_escaped(token: &mut [u8], from: u8) -> bool {
    match token {
        [before @ .., last] if *last == from && before.iter().all(|byte| *byte == b'\\') => {
            *last = b'_';
            true
        }
        _ => false,
    }
}

/// Rewrites a character that is preceded or followed by something invisible, such as a color code.
fn fill_first_or_last(token: &mut [u8], from: u8, to: u8) -> bool {
    let last = token.len() - 1;
    for index in [last, 0] {
        if token[index] == from {
            token[index] = to;
            return true;
        }
    }
    false
}

/// Whether `from` may stay: a named dash or underscore, since no filler has a name of the same length.
fn may_stay(from: u8) -> bool {
    !from.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill_token(token: &str, from: u8) -> String {
        let mut bytes = token.as_bytes().to_vec();
        assert!(fill(&mut bytes, from, b'x'), "{token}");
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_filled_token_keeps_its_kind_and_length() {
        for (token, filler) in [
            ("s", "x"),
            ("73", "78"),
            ("0x73", "0x78"),
            ("\\x73", "\\x78"),
            ("\\u0073", "\\u0078"),
            ("\\u{73}", "\\u{78}"),
            ("U+0073", "U+0078"),
            ("&#115;", "&#120;"),
            ("&#x73;", "&#x78;"),
            ("\\163", "\\170"),
            ("%73", "%78"),
            ("=73", "=78"),
            ("115", "120"),
            ("ｓ", "ｘ"),
            ("𝗌", "𝗑"),
            ("\\s", "\\_"),
            ("\u{1b}[31ms", "\u{1b}[31mx"),
            ("s\0", "x\0"),
            ("\0\0\0s", "\0\0\0x"),
        ] {
            assert_eq!(fill_token(token, b's'), filler);
        }
        assert_eq!(fill_token("&#75;", b'K'), "&#48;", "120 has too many digits");
        assert_eq!(fill_token("\\x4B", b'K'), "\\x78");
        assert_eq!(fill_token("0x4B", b'K'), "0x78");
    }
}
