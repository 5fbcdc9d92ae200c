//! What `verify` learned from the provider about one leaked key.

use serde::{Serialize, Serializer};

/// Whether a leaked key still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// It works.
    Live,
    /// It works, but not for everything.
    LiveRestricted,
    /// The provider accepts it, but its account has no credit.
    LiveWithoutCredit,
    /// It works only on another host of the provider.
    LiveElsewhere,
    /// The provider knows it, but does not accept it from this address.
    BlockedHere,
    /// Its account is deactivated; the key itself was not revoked.
    Deactivated,
    /// It was revoked, or it has expired.
    Dead,
    /// The provider gave no reliable answer.
    Unknown,
}

impl KeyVerdict {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::LiveRestricted => "live, but restricted",
            Self::LiveWithoutCredit => "live, without credit",
            Self::LiveElsewhere => "live, in another region",
            Self::BlockedHere => "blocked here",
            Self::Deactivated => "deactivated",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }

    /// Whether somebody can use the key. A key that is blocked here works from other addresses.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Live
                | Self::LiveRestricted
                | Self::LiveWithoutCredit
                | Self::LiveElsewhere
                | Self::BlockedHere
        )
    }
}

impl Serialize for KeyVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How many keys of the organization have a mask that fits the leaked key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskMatchCount {
    /// The organization's keys were not listed.
    #[default]
    NotAsked,
    /// Exactly one.
    One,
    /// More than one.
    Several,
    /// None of those that could be listed.
    None,
}

/// A key of the organization, as its administration API lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedKey {
    /// The id to revoke it by.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// The project that it belongs to; `None` for admin keys.
    pub project: Option<ListedProject>,
    /// Who it belongs to, if the API says.
    pub owner: Option<KeyOwner>,
    /// When it was created, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// When it expires, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether it was created after the commit that leaked the key, so that it is probably another one.
    pub created_after_leak: bool,
    /// Whether its mask shows too little to be certain that it is the leaked key.
    pub short_mask: bool,
    /// The other keys of the service account that owns it, which deleting the account would delete as well.
    pub account_keys: Vec<AccountKey>,
}

impl ListedKey {
    /// Replaces an id that cannot be part of a URL or of a report.
    pub const UNUSABLE_ID: &str = "?";
}

/// Another key of the same service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountKey {
    /// Its id.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
}

/// A project of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedProject {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is archived.
    pub archived: bool,
}

/// The owner of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyOwner {
    /// `user` or `service-account`.
    pub kind: &'static str,
    /// The id of the user or service account.
    pub id: Option<String>,
    /// The name of the user or service account.
    pub name: Option<String>,
    /// The e-mail address of a user.
    pub email: Option<String>,
    /// The role in the project or, for the owner of an admin key, in the organization: `owner` or `member`.
    pub role: Option<String>,
    /// When the user or service account was created, in seconds since 1970.
    pub created_at: Option<i64>,
}

impl KeyOwner {
    /// Whether it is a service account and not a person.
    pub fn is_service_account(&self) -> bool {
        self.kind == "service-account"
    }
}

/// What a key cost, day by day.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spending {
    /// The currency, in lower case: `usd`.
    pub currency: String,
    /// The total since the day of the leaking commit, that day included.
    pub since_leak: f64,
    /// The average cost per day in the `days_before`.
    pub per_day_before: f64,
    /// The number of days before the leak over which the average was taken.
    pub days_before: u32,
    /// Each day, oldest first.
    pub days: Vec<SpendingDay>,
    /// The services that the key was used for.
    pub services: Vec<ServiceUse>,
}

/// How often a key used one of the provider's services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceUse {
    /// As the API calls it: `completions`, `images`, ….
    pub service: &'static str,
    /// Requests since the day of the leaking commit, that day included.
    pub since_leak: u64,
    /// Requests in the [`Spending::days_before`].
    pub before: u64,
}

/// What a key cost on one day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpendingDay {
    /// The day in UTC: `2026-11-27`.
    pub date: String,
    /// The cost, in the currency of the [`Spending`].
    pub amount: f64,
    /// Requests to models that day, where the API counts them.
    pub requests: u64,
    /// Whether it is the day of the leak or a later one.
    pub since_leak: bool,
}

/// An entry of the organization's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// The kind of event: `api_key.created`, ….
    pub event: String,
    /// When it took effect, in seconds since 1970.
    pub at: i64,
    /// Who caused it.
    pub actor: Option<String>,
    /// The address that the actor came from.
    pub ip_address: Option<String>,
}

/// Everything that `verify` learned from the provider about one leaked key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Whether it works.
    pub verdict: KeyVerdict,
    /// The reason for the verdict, for people.
    pub reason: String,
    /// The host that accepts the key, if it is not the one that was asked.
    pub works_at: Option<&'static str>,
    /// Whether the leaked key itself was sent to the provider.
    pub key_sent: bool,
    /// How many listed keys have a mask that fits it.
    pub matching: MaskMatchCount,
    /// The matching keys.
    pub keys: Vec<ListedKey>,
    /// What the only matching key cost.
    pub spending: Option<Spending>,
    /// Entries of the audit log about the only matching key.
    pub audit_events: Vec<AuditEvent>,
    /// The owner of the key in lines to display, if the key was sent to ask for its owner.
    pub whoami: Vec<String>,
    /// What could not be found out, and why.
    pub notes: Vec<String>,
    /// What to do next, with the command to run.
    pub next_steps: Vec<String>,
    /// When the provider was asked, in seconds since 1970.
    pub checked_at: i64,
}
