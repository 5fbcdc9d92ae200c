//! Control sequences of terminals, such as color codes.

use super::token::{Token, TokenKind};

/// A control sequence after the escape character at the start of `rest`, which is `lead` bytes long; also the
/// selection of a character set, which is part of resetting colors.
pub(super) fn control(rest: &[u8], lead: usize) -> Option<Token> {
    color_code(rest.get(lead..)?).map(|len| Token::zero_width(lead + len, TokenKind::Ansi))
}

/// The length of a control sequence after its escape character.
pub(super) fn color_code(rest: &[u8]) -> Option<usize> {
    if let [b'(', set, ..] = rest {
        return b"AB0".contains(set).then_some(2);
    }
    let parameters = rest.strip_prefix(b"[")?;
    let len = parameters.iter().take(20).take_while(|b| b.is_ascii_digit() || b";:?".contains(b)).count();
    parameters.get(len)?.is_ascii_alphabetic().then_some(len + 2)
}
