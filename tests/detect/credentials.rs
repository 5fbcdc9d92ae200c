//! Tests that the excerpt around a key displays no part of another credential on the same line, whatever its form.

use friskey::detect::Redactor;
use friskey::model::Secret;
use friskey::rules::expand_template;

use crate::credential_templates::credentials;
use crate::detector;

/// How often every template is filled with other random secrets.
const ROUNDS: u64 = 40;

#[test]
fn no_form_of_a_credential_is_displayed_beside_a_key() {
    let redactor = Redactor::new(detector());
    let mut displayed = Vec::new();
    for seed in 1..=ROUNDS {
        let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", seed).text;
        let secret = Secret::new(key.clone(), 8);
        for credential in credentials(seed, &String::from_utf8_lossy(&key)) {
            let start = memchr::memmem::find(credential.text.as_bytes(), &key).unwrap_or_default();
            let excerpt = redactor.excerpt(credential.text.as_bytes(), start..start + key.len(), &secret);
            if credential.part_in(&excerpt.text).is_some() {
                let (template, secrets) = (credential.template, credential.secrets);
                displayed.push(format!("{seed}: {template}\n    {secrets:?}\n    {}", excerpt.text));
            }
        }
    }
    assert!(
        displayed.is_empty(),
        "parts of {} secrets are displayed:\n{}",
        displayed.len(),
        displayed.join("\n")
    );
}

#[test]
fn names_punctuation_and_plain_words_beside_a_key_are_displayed() {
    let key = String::from_utf8_lossy(
        &expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text,
    )
    .into_owned();
    let secret = Secret::new(key.clone().into_bytes(), 8);
    for line in [
        "OPENAI_API_KEY={k} python3 main.py --port 8080",
        "client = OpenAI(api_key=\"{k}\", timeout=30, max_tokens=4096)",
        "const openai = new OpenAI({ apiKey: \"{k}\" }); // for the chat",
        "docker run -p 8080:80 -u 1000:1000 -e OPENAI_API_KEY={k} image:1.2",
        "{\"model\": \"gpt-4o\", \"key\": \"{k}\", \"temperature\": 0.7}",
        "password = os.environ[\"DB_PASSWORD\"]; key = \"{k}\"",
        "token = getToken(request) # {k}",
        "def f(token: str, password: str | None = None): # {k}",
        "DB_PASSWORD=${DB_PASSWORD} KEY={k}",
        "curl https://api.openai.com/v1/models -H \"Authorization: Bearer {k}\" -o out.json",
        "<option name=\"model\" value=\"gpt\"/><option name=\"key\" value=\"{k}\"/>",
        "commit 0a9f3c1b0a9f3c1b0a9f3c1b0a9f3c1b0a9f3c1b adds {k}",
    ] {
        let text = line.replace("{k}", &key);
        let start = text.find(&key).unwrap_or_default();
        let excerpt = Redactor::new(detector()).excerpt(text.as_bytes(), start..start + key.len(), &secret);
        assert_eq!(excerpt.text, line.replace("{k}", &secret.redacted()));
    }
}
