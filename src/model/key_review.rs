//! A review of the keys of an organization: which are old, unused, unrestricted or owned by a person.

use serde::Serialize;

use super::{KeyOwner, ListedKey, ListedProject};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Number of days that a new key may remain unused.
const FIRST_USE_DAYS: i64 = 7;

/// A reason to replace, restrict or delete a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyConcern {
    /// It is older than the maximum age.
    Old,
    /// It was not used for longer than the maximum age, or never within seven days of its creation.
    Unused,
    /// It is unrestricted.
    Unrestricted,
    /// It is a project key that belongs to a person, so it is valid only as long as that person's access, and has
    /// their permissions.
    UserOwned,
}

/// A key of the organization, and its concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewedKey {
    /// Its id.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// Whether it is an admin key.
    pub admin: bool,
    /// The project that it belongs to, if it is not an admin key and the API says.
    pub project: Option<ListedProject>,
    /// Who it belongs to, if the API says.
    pub owner: Option<KeyOwner>,
    /// When it was created, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// When it expires, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Its age in whole days.
    pub age_days: Option<i64>,
    /// Whole days since its last use; `None` if the API reports none.
    pub unused_days: Option<i64>,
    /// Whether it is unrestricted, if the API reports it.
    pub unrestricted: Option<bool>,
    /// Whether it can be used: it has not expired, and its project is not archived. Other keys have no concerns.
    pub usable: bool,
    /// Why something is due about the key.
    #[serde(rename = "due")]
    pub concerns: Vec<KeyConcern>,
}

impl ReviewedKey {
    /// Reviews a key at the time `now`, in seconds since 1970, with a maximum age in days. `admin` and `unrestricted` are
    /// as in the fields.
    pub fn new(
        key: ListedKey,
        (admin, unrestricted): (bool, Option<bool>),
        (now, max_age_days): (i64, u64),
    ) -> Self {
        let days_since = |time: i64| now.saturating_sub(time).max(0) / DAY;
        let usable = key.expires_at.is_none_or(|time| time > now)
            && !key.project.as_ref().is_some_and(|project| project.archived);
        let mut reviewed = Self {
            age_days: key.created_at.map(days_since),
            unused_days: key.last_used_at.map(days_since),
            admin,
            unrestricted,
            usable,
            concerns: Vec::new(),
            id: key.id,
            name: key.name,
            project: key.project,
            owner: key.owner,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
        };
        if usable {
            reviewed.concerns = reviewed.find_concerns(max_age_days);
        }
        reviewed
    }

    fn find_concerns(&self, max_age_days: u64) -> Vec<KeyConcern> {
        let is_over_max = |days: i64| u64::try_from(days).is_ok_and(|days| days > max_age_days);
        let is_unused = match self.unused_days {
            Some(days) => is_over_max(days),
            None => self.age_days.is_some_and(|days| days > FIRST_USE_DAYS),
        };
        let is_user_owned = self.owner.as_ref().is_some_and(|owner| owner.kind == "user");
        [
            (self.age_days.is_some_and(is_over_max), KeyConcern::Old),
            (is_unused, KeyConcern::Unused),
            (self.unrestricted == Some(true), KeyConcern::Unrestricted),
            (!self.admin && is_user_owned, KeyConcern::UserOwned),
        ]
        .into_iter()
        .filter_map(|(is_due, concern)| is_due.then_some(concern))
        .collect()
    }
}

/// What a review of all keys found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyReview {
    /// `friskey/keys/v1`
    pub schema: &'static str,
    /// When the keys were listed, in seconds since 1970.
    pub checked_at: i64,
    /// The maximum age, in days.
    pub max_age_days: u64,
    /// Number of projects, including archived ones.
    pub projects: usize,
    /// Number of keys with a concern.
    #[serde(rename = "due")]
    pub due_keys: usize,
    /// The keys, oldest first; among keys of the same age, the one unused for longest comes first.
    pub keys: Vec<ReviewedKey>,
    /// What could not be listed or judged, and why.
    pub not_read: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000 * DAY;

    fn key(age: i64, unused: Option<i64>) -> ListedKey {
        ListedKey {
            id: "key_1".to_owned(),
            name: String::new(),
            project: Some(ListedProject { id: "p".to_owned(), name: String::new(), archived: false }),
            owner: None,
            created_at: Some(NOW - age * DAY),
            last_used_at: unused.map(|days| NOW - days * DAY),
            expires_at: None,
            created_after_leak: false,
            account_keys: Vec::new(),
            short_mask: false,
        }
    }

    fn concerns(key: ListedKey) -> Vec<KeyConcern> {
        ReviewedKey::new(key, (false, None), (NOW, 90)).concerns
    }

    #[test]
    fn age_and_use_are_counted_in_whole_days() {
        use KeyConcern::{Old, Unused};
        assert_eq!(concerns(key(90, Some(0))), []);
        assert_eq!(concerns(key(91, Some(90))), [Old]);
        assert_eq!(concerns(key(91, Some(91))), [Old, Unused]);
        assert_eq!(concerns(key(7, None)), []);
        assert_eq!(concerns(key(8, None)), [Unused]);
        // A clock that is behind makes no key old.
        assert_eq!(concerns(key(-5, Some(-5))), []);
    }

    #[test]
    fn a_key_that_cannot_be_used_has_no_concerns() {
        let expired = ListedKey { expires_at: Some(NOW), ..key(500, None) };
        assert_eq!(concerns(expired), []);
        let mut archived = key(500, None);
        archived.project.iter_mut().for_each(|project| project.archived = true);
        assert_eq!(concerns(archived), []);
    }

    #[test]
    fn project_keys_of_users_and_unrestricted_keys_are_concerns() {
        let owner = |kind| Some(KeyOwner { kind, ..KeyOwner::default() });
        let mut users = ListedKey { owner: owner("user"), ..key(1, Some(0)) };
        assert_eq!(concerns(users.clone()), [KeyConcern::UserOwned]);
        users.project = None;
        assert_eq!(ReviewedKey::new(users, (true, None), (NOW, 90)).concerns, []);
        let accounts = ListedKey { owner: owner("service-account"), ..key(1, Some(0)) };
        assert_eq!(concerns(accounts.clone()), []);
        let unrestricted = ReviewedKey::new(accounts, (false, Some(true)), (NOW, 90));
        assert_eq!(unrestricted.concerns, [KeyConcern::Unrestricted]);
    }
}
