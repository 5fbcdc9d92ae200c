//! Control sequences of terminals, such as color codes.

use super::token::{Token, TokenKind};

/// Maximum length of the parameters of a control sequence, in bytes.
const MAX_PARAMETER_BYTES: usize = 20;

/// The control sequence at the start of `rest`, whose escape character is `escape_len` bytes long. Selecting a character
/// set is part of resetting colors, so such a sequence is one as well.
pub(super) fn control_sequence(rest: &[u8], escape_len: usize) -> Option<Token> {
    color_code_len(rest.get(escape_len..)?).map(|len| Token::zero_width(escape_len + len, TokenKind::Ansi))
}

/// The length of the rest of a control sequence, which begins after the escape character.
pub(super) fn color_code_len(rest: &[u8]) -> Option<usize> {
    if let [b'(', set, ..] = rest {
        return b"AB0".contains(set).then_some(2);
    }
    let parameters = rest.strip_prefix(b"[")?;
    let len = parameters
        .iter()
        .take(MAX_PARAMETER_BYTES)
        .take_while(|b| b.is_ascii_digit() || b";:?".contains(b))
        .count();
    parameters.get(len)?.is_ascii_alphabetic().then_some(len + 2)
}
