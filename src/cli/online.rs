//! Shared by the commands that talk to the provider: host, admin key, and text that is safe to display.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::OnlineArgs;
use super::message::say;
use super::proxy::proxy;
use super::redaction;
use crate::detect::{Detector, Redactor};
use crate::model::{ListedKey, Secret};
use crate::provider::{ApiKey, Client, ClientOptions, Host, ProviderError, RunLimits};
use crate::untrusted;

/// Default time limit of a request.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum length of an admin key, in bytes.
const MAX_KEY_SIZE: u64 = 4096;
/// The environment variable with the admin key.
const ADMIN_KEY_VARIABLE: &str = "OPENAI_ADMIN_KEY";

/// Number of fingerprint digits that printed commands and messages name a key by.
pub(super) const PRINTED_DIGITS: usize = 12;

/// Text quoted as one argument for a shell.
pub(super) fn shell_word(text: &str) -> String {
    // Only a NUL cannot be quoted, and no argument contains one.
    shlex::try_quote(text).map_or_else(|_| "?".to_owned(), std::borrow::Cow::into_owned)
}

impl OnlineArgs {
    /// A client for the host, after a warning if it is not one of OpenAI's.
    ///
    /// # Errors
    /// When the environment names a proxy that cannot be used.
    pub(super) fn client(&self) -> Result<Client> {
        let host = self.host.clone().unwrap_or_default();
        if !host.is_known() {
            say(&format!(
                "warning: {} is not one of OpenAI's hosts; whoever runs it sees the keys that are sent to it",
                host.name()
            ));
        }
        let default = RunLimits::default();
        Ok(Client::new(ClientOptions {
            proxy: proxy(&host)?,
            host,
            timeout: self.timeout.map_or(DEFAULT_TIMEOUT, |seconds| seconds.0),
            limits: RunLimits {
                requests: self.max_requests.map_or(default.requests, |count| count.0),
                time: self.max_time.map_or(default.time, |seconds| seconds.0),
            },
        }))
    }

    /// The options to repeat in the next command, each with a space before it.
    pub(super) fn options_to_repeat(&self) -> String {
        self.options_to_repeat_for_host(self.host.as_ref().map(Host::name))
    }

    /// Like [`Self::options_to_repeat`], with another host.
    pub(super) fn options_to_repeat_for_host(&self, host: Option<&str>) -> String {
        let mut options = String::new();
        if let Some(file) = &self.admin_key_file {
            options.push_str(&format!(" --admin-key-file {}", shell_word(&file.to_string_lossy())));
        }
        if let Some(host) = host {
            options.push_str(&format!(" --host {host}"));
        }
        options
    }

    /// The admin key; `None` if none is given. It is redacted in messages from now on.
    ///
    /// # Errors
    /// When the file cannot be read or others can read it, or when it contains no key.
    pub(super) fn admin_key(&self) -> Result<Option<ApiKey>> {
        let bytes = match &self.admin_key_file {
            Some(path) => {
                refuse_readable_by_others(path)?;
                let contents = untrusted::read(path, untrusted::Symlinks::Follow, MAX_KEY_SIZE);
                Zeroizing::new(
                    contents.with_context(|| format!("cannot read the admin key from {}", path.display()))?,
                )
            }
            None => match std::env::var_os(ADMIN_KEY_VARIABLE).filter(|value| !value.is_empty()) {
                Some(value) => Zeroizing::new(value.into_encoded_bytes()),
                None => return Ok(None),
            },
        };
        let bytes = bytes.trim_ascii();
        redaction::redact_key(bytes);
        match ApiKey::new(bytes) {
            Some(_) if !self.may_be_admin_key(bytes) => bail!(
                "the key in {} is not an admin key; admin keys begin with sk-admin-, without quotation marks. An organization \
                 owner creates one at https://platform.openai.com/settings/organization/admin-keys",
                self.admin_key_source()
            ),
            Some(key) => Ok(Some(key)),
            None => bail!(
                "the admin key is empty, or contains characters that are invalid in a key, such as blanks: \
                 give only the key"
            ),
        }
    }

    /// Whether this can be sent as an admin key: a gateway may have keys of its own, but a project key is never an admin key.
    fn may_be_admin_key(&self, key: &[u8]) -> bool {
        let is_openai = self.host.as_ref().is_none_or(Host::is_known);
        let other_prefixes = ["sk-proj-", "sk-svcac", "\"", "'", ADMIN_KEY_VARIABLE];
        let is_other = other_prefixes.iter().any(|prefix| key.starts_with(prefix.as_bytes()));
        !is_other && (key.starts_with(b"sk-admin-") || !is_openai)
    }

    /// Where the admin key comes from, for messages.
    fn admin_key_source(&self) -> String {
        self.admin_key_file
            .as_ref()
            .map_or_else(|| ADMIN_KEY_VARIABLE.to_owned(), |path| path.display().to_string())
    }

    /// Why the organization's keys could not be listed, and what to do.
    pub(super) fn listing_failure(&self, error: &ProviderError) -> String {
        let hint = if error.is_rejected_key() {
            format!(
                "; the admin key in {} is wrong or was revoked, or is that of another region (--host)",
                self.admin_key_source()
            )
        } else {
            String::new()
        };
        format!("the organization's keys could not be listed: {error}{hint}")
    }

    /// The admin key, without which the command has nothing to do.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn required_admin_key(&self) -> Result<ApiKey> {
        self.admin_key()?.with_context(|| {
            format!(
                "no admin key: set {ADMIN_KEY_VARIABLE} or give --admin-key-file FILE. An organization owner creates one at \
                 https://platform.openai.com/settings/organization/admin-keys, with the permissions \
                 api.management.read and api.usage.read; `friskey revoke` also needs api.management.write"
            )
        })
    }
}

/// Refuses a file that other users can read, since a key in it has leaked, too.
#[cfg(unix)]
fn refuse_readable_by_others(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path)
        .with_context(|| format!("cannot read the admin key from {}", path.display()))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!(
            "other users can read {}: run `chmod 600` on it, and replace the key if it was readable for any length of time",
            path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &std::path::Path) -> Result<()> {
    Ok(())
}

/// Number of consecutive characters of a known key that make an id unusable: it must not be displayed.
const KEY_PIECE_LEN: usize = 12;

/// Makes text from the provider or a report safe to display: redacts known keys, and whatever looks like one.
pub(super) struct TextRedactor<'d> {
    redactor: Redactor<'d>,
    known_keys: Vec<Secret>,
}

impl<'d> TextRedactor<'d> {
    /// Redacts the keys in `known_keys` in addition to what `detector` recognizes.
    pub(super) fn new(detector: &'d Detector, known_keys: Vec<Secret>) -> Self {
        Self { redactor: Redactor::new(detector).with_known_secrets(&known_keys), known_keys }
    }

    /// Redacts free text, such as a name.
    pub(super) fn redact(&self, text: &mut String) {
        if let Some(redacted) = self.redactor.redact_if_secret(text.as_bytes()) {
            *text = redacted;
        }
    }

    /// Redacts all text of the provider about a key.
    pub(super) fn redact_listed_key(&self, key: &mut ListedKey) {
        self.redact_id(&mut key.id);
        self.redact(&mut key.name);
        if let Some(project) = &mut key.project {
            self.redact_id(&mut project.id);
            self.redact(&mut project.name);
        }
        if let Some(owner) = &mut key.owner {
            owner.id.iter_mut().for_each(|id| self.redact_id(id));
            let texts = [&mut owner.name, &mut owner.email, &mut owner.role];
            texts.into_iter().flatten().for_each(|text| self.redact(text));
        }
        for other in &mut key.account_keys {
            self.redact_id(&mut other.id);
            self.redact(&mut other.name);
        }
    }

    /// Replaces an id that contains a key. Since ids look random, they are not redacted for looking like a key of another
    /// vendor.
    pub(super) fn redact_id(&self, id: &mut String) {
        let has_piece_of = |secret: &Secret| {
            secret
                .reveal()
                .windows(KEY_PIECE_LEN)
                .any(|piece| memchr::memmem::find(id.as_bytes(), piece).is_some())
        };
        if self.redactor.contains_secret(id.as_bytes()) || self.known_keys.iter().any(has_piece_of) {
            *id = ListedKey::UNUSABLE_ID.to_owned();
        }
    }
}
