//! Decides whether a key may begin at an offset, judging by the bytes before it.

/// Whether a key could begin at `at`: at the start of the input, after a byte that continues no word, path or
/// base64 text, or after an escape of such a byte.
pub(super) fn has_boundary(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    match before.last() {
        None => true,
        Some(byte) if !(byte.is_ascii_alphanumeric() || b"_+/-".contains(byte)) => true,
        Some(_) => ends_in_escape(before) || ends_in_patch_sign(before),
    }
}

/// Whether `before` ends with the sign that a patch puts before each line.
fn ends_in_patch_sign(before: &[u8]) -> bool {
    matches!(before, [b'+' | b'-'] | [.., b'\n', b'+' | b'-'])
}

/// The end of a word in quoted-printable text, and the end of a color code that resets the character set.
const ESCAPE_ENDS: &[&[u8]] = &[b"=3D", b"=0A", b"=0D", b"=09", b"=20", b"=22", b"=27", b"\x1b(B"];

/// `\n`, `\x22`, `\u0022`, `\012`, `%3D`, `=3D`, and the end of an ANSI color code.
fn ends_in_escape(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(16)..];
    let hex =
        |count: usize| tail.len() >= count && tail[tail.len() - count..].iter().all(u8::is_ascii_hexdigit);
    let lead = |count: usize| &tail[..tail.len() - count];
    if lead(1).ends_with(b"\\") && b"ntrbfvae0".contains(&tail[tail.len() - 1]) {
        return true;
    }
    (hex(2) && (lead(2).ends_with(b"%") || lead(2).ends_with(b"\\x") || lead(2).ends_with(b"\\X")))
        || (hex(4) && lead(4).ends_with(b"\\u"))
        || (hex(8) && lead(8).ends_with(b"\\U"))
        || ESCAPE_ENDS.iter().any(|end| tail.ends_with(end))
        || (tail.len() >= 4
            && tail[tail.len() - 4] == b'\\'
            && tail[tail.len() - 3..].iter().all(|digit| (b'0'..=b'7').contains(digit)))
        || ends_in_color_code(tail)
}

/// `ESC[1;31m`, even if ESC is escaped (`\033[0m`, `\x1b[0m`, `\e[0m`).
fn ends_in_color_code(tail: &[u8]) -> bool {
    let Some(rest) = tail.strip_suffix(b"m").or_else(|| tail.strip_suffix(b"K")) else { return false };
    let parameters = rest.iter().rev().take_while(|&&b| b.is_ascii_digit() || b == b';').count();
    rest[..rest.len() - parameters].ends_with(b"[")
}

/// Whether a key without its prefix, or with only a tail of it, can begin at `at`. `prefix_tails` are what may
/// be left of the prefix.
pub(super) fn begins_without_prefix(bytes: &[u8], at: usize, prefix_tails: &[Vec<u8>]) -> bool {
    has_boundary(bytes, at)
        || prefix_tails.iter().any(|tail| {
            // Text can be full of places to try, and few of them end like any tail.
            bytes[..at].last() == tail.last()
                && bytes[..at].ends_with(tail)
                && has_boundary(bytes, at - tail.len())
        })
}

#[cfg(test)]
mod tests {
    use super::has_boundary;

    #[test]
    fn there_is_no_boundary_in_words_paths_and_base64() {
        for text in ["ta", "di", "x_", "a/", "b+", "mask-", "\\\\q", "5", "[x1m", "%4", "%G1", "\\u00g2"] {
            assert!(!has_boundary(text.as_bytes(), text.len()), "{text}");
        }
    }

    #[test]
    fn starts_quotes_and_escapes_are_boundaries() {
        for text in [
            "",
            " ",
            "\"",
            "=",
            ":",
            "\n",
            "\\n",
            "\\t",
            "\\r",
            "\\\"",
            "\\x22",
            "\\u0022",
            "\\U00000022",
            "%3D",
            "%22",
            "&quot;",
            "&#34;",
            "\x1b[31m",
            "\x1b[1;31m",
            "\x1b[K",
            "\\033[0m",
            "=3D",
            "=0A",
            "\n+",
            "\n-",
            "\\012",
            "é",
            "\0",
        ] {
            assert!(has_boundary(text.as_bytes(), text.len()), "{text}");
        }
    }
}
