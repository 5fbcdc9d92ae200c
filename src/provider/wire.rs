//! The fields that friskey reads from the administration API's responses, and what makes names and ids in them fit to display.
//! Other fields are ignored, since the API grows.

use serde::{Deserialize, Deserializer};

/// The default instead of `null`.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// One page of a list. The next call passes the id of its last item as `after`.
#[derive(Deserialize)]
pub(super) struct ListPage<T> {
    pub(super) data: Vec<T>,
    // Required: a page without it could be taken for the last one.
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct WireProject {
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) status: String,
}

/// A project key or an admin key.
#[derive(Deserialize)]
pub(super) struct WireKey {
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) object: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) redacted_value: String,
    pub(super) created_at: Option<i64>,
    pub(super) last_used_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    pub(super) owner: Option<WireOwner>,
    pub(super) scopes: Option<Vec<String>>,
}

/// A key that was just created. Only this response contains its value.
#[derive(Deserialize)]
pub(super) struct WireNewKey {
    pub(super) id: String,
    pub(super) value: String,
}

/// The owner of a key. That of a project key is in `user` or `service_account`, that of an admin key in the other fields.
#[derive(Deserialize)]
pub(super) struct WireOwner {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) created_at: Option<i64>,
    pub(super) user: Option<WireNestedOwner>,
    pub(super) service_account: Option<WireNestedOwner>,
}

/// The user or service account that owns a project key.
#[derive(Deserialize)]
pub(super) struct WireNestedOwner {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) role: Option<String>,
    pub(super) created_at: Option<i64>,
}

/// A service account of a project.
#[derive(Deserialize)]
pub(super) struct WireServiceAccount {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) created_at: Option<i64>,
}

/// One page of costs or usage.
#[derive(Deserialize)]
pub(super) struct BucketPage {
    pub(super) data: Vec<DailyBucket>,
    // Required: a page without it could be taken for the last one.
    pub(super) has_more: bool,
    pub(super) next_page: Option<String>,
}

/// The costs or usage of one day.
#[derive(Deserialize)]
pub(super) struct DailyBucket {
    pub(super) start_time: i64,
    // Some versions of the API call it `result`.
    #[serde(alias = "result", default, deserialize_with = "or_default")]
    pub(super) results: Vec<BucketResult>,
}

#[derive(Deserialize)]
pub(super) struct BucketResult {
    pub(super) api_key_id: Option<String>,
    pub(super) amount: Option<Amount>,
    pub(super) num_model_requests: Option<u64>,
    /// Number of searches in files or on the web, which have no `num_model_requests`.
    pub(super) num_requests: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Amount {
    /// `None` if it is missing or not a number.
    #[serde(default, deserialize_with = "number_or_text")]
    pub(super) value: Option<f64>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) currency: String,
}

/// A number, also if it is written as a string: the API has returned amounts in both forms. `None` for anything else.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    Ok(number.filter(|number| number.is_finite()))
}

/// The owner of a key, according to `/v1/me`.
#[derive(Deserialize)]
pub(super) struct WireMe {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) orgs: Option<WireOrganizations>,
}

#[derive(Deserialize)]
pub(super) struct WireOrganizations {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) data: Vec<WireOrganization>,
}

#[derive(Deserialize)]
pub(super) struct WireOrganization {
    pub(super) id: Option<String>,
    #[serde(alias = "title")]
    pub(super) name: Option<String>,
}

/// Number of characters of a name that are kept.
const MAX_NAME_CHARS: usize = 200;

/// Shortens a name to [`MAX_NAME_CHARS`], with an ellipsis for the rest.
pub(super) fn shorten(name: String) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// Whether an id can be used in a URL and displayed without escaping.
pub(super) fn is_safe_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
