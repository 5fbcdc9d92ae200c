//! Shared by the commands that talk to the provider: host, admin key, and text that is safe to display.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::OnlineArgs;
use super::masking;
use super::message::say;
use super::proxy::proxy;
use crate::detect::{Detector, Redactor};
use crate::model::{ListedKey, Secret};
use crate::provider::{ApiKey, Client, ClientOptions, Host, ProviderError, RunLimits};
use crate::untrusted;

/// Default time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum length of an admin key, in bytes.
const MAX_KEY: u64 = 4096;
const ADMIN_KEY: &str = "OPENAI_ADMIN_KEY";

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
            timeout: self.timeout.map_or(TIMEOUT, |seconds| seconds.0),
            limits: RunLimits {
                requests: self.max_requests.map_or(default.requests, |count| count.0),
                time: self.max_time.map_or(default.time, |seconds| seconds.0),
            },
        }))
    }

    /// The options to repeat in the next command, each with a space before it.
    pub(super) fn repeated(&self) -> String {
        self.repeated_at(self.host.as_ref().map(Host::name))
    }

    /// Like [`Self::repeated`], with another host.
    pub(super) fn repeated_at(&self, host: Option<&str>) -> String {
        let mut options = String::new();
        if let Some(file) = &self.admin_key_file {
            options.push_str(&format!(" --admin-key-file {}", shell_word(&file.to_string_lossy())));
        }
        if let Some(host) = host {
            options.push_str(&format!(" --host {host}"));
        }
        options
    }

    /// The admin key; `None` if none is given. It is masked in messages from now on.
    ///
    /// # Errors
    /// When the file cannot be read or others can read it, or when it contains no key.
    pub(super) fn admin_key(&self) -> Result<Option<ApiKey>> {
        let bytes = match &self.admin_key_file {
            Some(path) => {
                check_mode(path)?;
                let read = untrusted::read(path, untrusted::Symlinks::Follow, MAX_KEY);
                Zeroizing::new(
                    read.with_context(|| format!("cannot read the admin key from {}", path.display()))?,
                )
            }
            None => match std::env::var_os(ADMIN_KEY).filter(|value| !value.is_empty()) {
                Some(value) => Zeroizing::new(value.into_encoded_bytes()),
                None => return Ok(None),
            },
        };
        let bytes = bytes.trim_ascii();
        masking::mask_key(bytes);
        match ApiKey::new(bytes) {
            Some(_) if !self.may_be_admin_key(bytes) => bail!(
                "the key in {} is no admin key: these begin with sk-admin-, without quotation marks. An organization owner \
                 creates one at https://platform.openai.com/settings/organization/admin-keys",
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
        let others = ["sk-proj-", "sk-svcac", "\"", "'", ADMIN_KEY];
        let is_other = others.iter().any(|prefix| key.starts_with(prefix.as_bytes()));
        !is_other && (key.starts_with(b"sk-admin-") || !is_openai)
    }

    /// Where the admin key comes from, for messages.
    fn admin_key_source(&self) -> String {
        self.admin_key_file.as_ref().map_or_else(|| ADMIN_KEY.to_owned(), |path| path.display().to_string())
    }

    /// Why the organization's keys could not be listed, and what to do.
    pub(super) fn not_listed(&self, error: &ProviderError) -> String {
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
                "no admin key: set {ADMIN_KEY} or give --admin-key-file FILE. An organization owner creates one at \
                 https://platform.openai.com/settings/organization/admin-keys, with the permissions \
                 api.management.read and api.usage.read"
            )
        })
    }
}

/// A key that everybody on the machine can read has leaked, too.
#[cfg(unix)]
fn check_mode(path: &std::path::Path) -> Result<()> {
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
fn check_mode(_: &std::path::Path) -> Result<()> {
    Ok(())
}

/// Minimum number of consecutive characters of a known key that are masked in an id.
const SHOWN_PIECE: usize = 12;

/// Makes text from the provider or a report safe to display: masks known keys, and whatever looks like one.
pub(super) struct Cleaner<'d> {
    redactor: Redactor<'d>,
    known: Vec<Secret>,
}

impl<'d> Cleaner<'d> {
    /// Masks `known` keys in addition to what `detector` recognizes.
    pub(super) fn new(detector: &'d Detector, known: Vec<Secret>) -> Self {
        Self { redactor: Redactor::new(detector).with_known(&known), known }
    }

    /// Free text, such as a name.
    pub(super) fn text(&self, text: &mut String) {
        if let Some(redacted) = self.redactor.redact_if_secret(text.as_bytes()) {
            *text = redacted;
        }
    }

    /// All text about a key that comes from elsewhere.
    pub(super) fn key(&self, key: &mut ListedKey) {
        self.id(&mut key.id);
        self.text(&mut key.name);
        if let Some(project) = &mut key.project {
            self.id(&mut project.id);
            self.text(&mut project.name);
        }
        if let Some(owner) = &mut key.owner {
            owner.id.iter_mut().for_each(|id| self.id(id));
            let texts = [&mut owner.name, &mut owner.email, &mut owner.role];
            texts.into_iter().flatten().for_each(|text| self.text(text));
        }
        for other in &mut key.account_keys {
            self.id(&mut other.id);
            self.text(&mut other.name);
        }
    }

    /// An id. Since ids look random, only known keys in it are masked.
    pub(super) fn id(&self, id: &mut String) {
        let is_key = |secret: &Secret| {
            secret
                .reveal()
                .windows(SHOWN_PIECE)
                .any(|piece| memchr::memmem::find(id.as_bytes(), piece).is_some())
        };
        if self.redactor.contains_secret(id.as_bytes()) || self.known.iter().any(is_key) {
            *id = ListedKey::UNUSABLE_ID.to_owned();
        }
    }
}
