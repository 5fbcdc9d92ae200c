//! Masks: what the provider shows of a key, namely its beginning and end.

/// The beginning and end of a key, and its length if the mask has it: `sk-proj-****…****x9KA`, `sk-abc...def`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMask {
    /// The characters before the hidden part.
    pub head: String,
    /// The characters after it.
    pub tail: String,
    /// The length of the whole key in bytes, if the hidden part has its true length.
    pub len: Option<usize>,
}

/// The length of the shortest key, in bytes. A mask that is shorter does not have the length of its key.
const MIN_KEY_LEN: usize = 40;
/// Maximum length of a mask, in bytes.
const MAX_MASK_BYTES: usize = 1024;

impl KeyMask {
    /// Parses a mask; `None` if `text` hides nothing or shows no end.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_MASK_BYTES {
            return None;
        }
        let start = text.find('*').or_else(|| text.find("...")).or_else(|| text.find('…'))?;
        let end = text.rfind(['*', '.', '…'])?;
        let end = end + text[end..].chars().next()?.len_utf8();
        let (head, tail) = (text.get(..start)?, text.get(end..)?);
        let is_key_text =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if tail.is_empty() || !is_key_text(head) || !is_key_text(tail) {
            return None;
        }
        let has_key_len = text[start..end].bytes().all(|byte| byte == b'*') && text.len() >= MIN_KEY_LEN;
        Some(Self { head: head.to_owned(), tail: tail.to_owned(), len: has_key_len.then_some(text.len()) })
    }

    /// The first mask in a sentence such as "Incorrect API key provided: sk-proj-****x9KA. You can find…".
    pub fn find_in(text: &str) -> Option<Self> {
        text.split_whitespace().filter_map(|word| Self::parse(word.trim_end_matches(['.', ',', ')']))).next()
    }

    /// Whether this is a mask of `key`.
    pub fn fits(&self, key: &[u8]) -> bool {
        key.starts_with(self.head.as_bytes())
            && key.ends_with(self.tail.as_bytes())
            && self.head.len() + self.tail.len() < key.len()
            && self.len.is_none_or(|len| len == key.len())
    }

    /// Whether the mask in an error message shows enough that it is unlikely to fit another key: a beginning, and four
    /// characters at the end. Such a mask may lack the length.
    pub fn is_distinctive(&self) -> bool {
        self.head.len() >= 3 && self.tail.len() >= 4
    }

    /// Whether the mask of a listed key shows all that masks can show: the length and four characters at the end.
    pub fn is_full(&self) -> bool {
        self.len.is_some() && self.tail.len() >= 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_real_and_documented_forms_are_parsed() {
        let full = format!("sk-proj-{}x9KA", "*".repeat(152));
        let mask = KeyMask::parse(&full).unwrap();
        assert_eq!((&*mask.head, &*mask.tail, mask.len), ("sk-proj-", "x9KA", Some(164)));
        let short = KeyMask::parse("sk-abc...def").unwrap();
        assert_eq!((&*short.head, &*short.tail, short.len), ("sk-abc", "def", None));
        assert_eq!(KeyMask::parse("sk-…wxyz").unwrap().tail, "wxyz");
        assert_eq!(KeyMask::parse("sk-proj-****wxyz").unwrap().len, None);
        for invalid in ["", "sk-abc", "****", "sk-***", "sk-a b***cdef", "sk-\u{202e}***cdef"] {
            assert_eq!(KeyMask::parse(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn a_mask_in_a_sentence_fits_its_key_only() {
        let key = format!("sk-proj-{}x9KA", "b".repeat(152));
        let message = format!("Incorrect API key provided: sk-proj-{}x9KA. You can find it", "*".repeat(152));
        let mask = KeyMask::find_in(&message).unwrap();
        assert!(mask.fits(key.as_bytes()));
        assert!(!mask.fits(key.replace("x9KA", "x9KB").as_bytes()));
        assert!(!mask.fits(format!("sk-proj-b{}x9KA", "b".repeat(152)).as_bytes()));
    }
}
