//! Examples as templates. A literal that a rule would match is never stored; it is expanded when needed.
//!
//! `{base62:20}`, `{base64url:74}`, `{base64:10}`, `{hex:32}`, `{HEX:8}`, `{lower:5}`, `{upper:5}` and
//! `{digit:3}` expand to that many random characters, `{repeat:x:12}` to twelve times `x`, `{marker}` to the
//! marker, `{zero}` to the end of a genuine long key, and `{nl}` to a line feed. Other text in braces is
//! literal, and `«` and `»` enclose the secret.

/// The literal in the middle of OpenAI keys: base64 of `OpenAI`. In two parts, so that this file does not
/// contain the keyword.
pub const MARKER: &str = concat!("T3Blbk", "FJ");

/// Maximum expansion of one placeholder, in characters: a rules file must not fill the memory.
const MAX_EXPANSION: usize = 1 << 16;

/// An expanded template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandedTemplate {
    /// The text.
    pub text: Vec<u8>,
    /// The range of the secret in the text, if the template has one.
    pub secret: Option<std::ops::Range<usize>>,
}

/// Expands `template`, with random characters that depend only on `seed`.
pub fn expand_template(template: &str, seed: u64) -> ExpandedTemplate {
    let mut random = TemplateRandom::new(seed ^ fnv1a(template));
    let mut text = Vec::new();
    let (mut start, mut end) = (None, None);
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        match c {
            '«' => start = Some(text.len()),
            '»' => end = Some(text.len()),
            '{' => {
                if let Some((name, after)) = rest[1..].split_once('}')
                    && expand_placeholder(name, &mut random, &mut text)
                {
                    rest = after;
                    continue;
                }
                text.push(b'{');
            }
            _ => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = &rest[c.len_utf8()..];
    }
    ExpandedTemplate { text, secret: start.zip(end).map(|(start, end)| start..end) }
}

/// Appends the expansion of the placeholder `name` to `text`. Returns false if there is no such placeholder.
fn expand_placeholder(name: &str, random: &mut TemplateRandom, text: &mut Vec<u8>) -> bool {
    let mut parts = name.split(':');
    let (class, first, second) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let alphabet: &[u8] = match class {
        "marker" => {
            text.extend_from_slice(MARKER.as_bytes());
            return true;
        }
        "zero" => {
            text.push(b"AEIMQUYcgkosw048"[random.number_below(16)]);
            text.push(b'A');
            return true;
        }
        "nl" => {
            text.push(b'\n');
            return true;
        }
        "repeat" => {
            let (Some(repeated), Some(Ok(times))) = (first, second.map(str::parse::<usize>)) else {
                return false;
            };
            if times.saturating_mul(repeated.len()) > MAX_EXPANSION {
                return false;
            }
            text.extend(repeated.as_bytes().repeat(times));
            return true;
        }
        "base62" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "base64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "base64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "hex" => b"0123456789abcdef",
        "HEX" => b"0123456789ABCDEF",
        "lower" => b"abcdefghijklmnopqrstuvwxyz",
        "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "digit" => b"0123456789",
        _ => return false,
    };
    let Some(Ok(length)) = first.map(str::parse::<usize>) else { return false };
    if length > MAX_EXPANSION {
        return false;
    }
    text.extend((0..length).map(|_| alphabet[random.number_below(alphabet.len())]));
    true
}

/// The FNV-1a hash of `text`.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64: small and portable. Only for examples; it generates no real keys.
struct TemplateRandom(u64);

impl TemplateRandom {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A random number less than `bound`.
    fn number_below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The ranges are small, so the bias of the remainder does not matter here.
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_expanded_and_the_secret_is_located() {
        let expanded = expand_template("key = «ab-{hex:8}»;{nl}${HOME}", 1);
        assert_eq!(expanded.secret, Some(6..17));
        assert!(expanded.text.starts_with(b"key = ab-"));
        assert!(expanded.text.ends_with(b";\n${HOME}"));
        assert_eq!(expanded, expand_template("key = «ab-{hex:8}»;{nl}${HOME}", 1));
        assert_ne!(expanded, expand_template("key = «ab-{hex:8}»;{nl}${HOME}", 2));
    }

    #[test]
    fn unknown_and_malformed_placeholders_are_literal() {
        assert_eq!(expand_template("{{ x }} {hex:y} {", 1).text, b"{{ x }} {hex:y} {");
        assert_eq!(expand_template("{repeat:ab:3}", 1).text, b"ababab");
    }

    #[test]
    fn oversized_placeholders_are_literal() {
        for text in ["{repeat:ab:18446744073709551615}", "{repeat:ab:9999999}", "{hex:9999999999}"] {
            assert_eq!(expand_template(text, 1).text, text.as_bytes());
        }
    }
}
