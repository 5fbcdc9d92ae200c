//! The program that `friskey revoke --to` passes a new key to, as the user names it.

/// A program and its arguments, such as `gh secret set OPENAI_API_KEY`.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    text: String,
    program: String,
    arguments: Vec<String>,
}

impl std::str::FromStr for Receiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = shlex::split(text).ok_or("a quotation mark is not closed")?.into_iter();
        let program = words.next().filter(|word| !word.is_empty()).ok_or("expected a program")?;
        Ok(Self { text: text.to_owned(), program, arguments: words.collect() })
    }
}

impl Receiver {
    /// The whole command, as given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The name of the program, for messages, since arguments may contain secrets.
    pub(super) fn name(&self) -> &str {
        &self.program
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }
}
