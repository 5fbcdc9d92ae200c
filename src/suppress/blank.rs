//! Recognizes texts in which nothing can be seen, so that they say nothing.

/// Whether no character of `text` is visible.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether a character is a space, a control character, one that Unicode says to ignore in display
/// (`Default_Ignorable_Code_Point`), or a pattern of braille without dots.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_shows_nothing_is_blank() {
        for text in [
            "",
            " \t\u{a0}",
            "\u{200b}\u{200d}",
            "\u{3164}",
            "\u{feff} \u{2060}",
            "\u{2800}",
            "\u{e0041}\u{fe0f}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["x", " \u{200b}ü", "!", "テスト", "👩\u{200d}💻"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
