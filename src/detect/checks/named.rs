//! `named`: beside a service's address many values are hexadecimal. What the name before one says of it tells a
//! credential from the hash of something.

use super::{Candidate, Check, CompiledVariant, Rejection};

/// Bytes before the secret in which its name stands.
const REACH: usize = 48;

/// What a name says that is none of a credential, in lower case and without `_`, `-` and blanks.
const OTHERS: &[&str] = &[
    "cache",
    "partition",
    "idempoten",
    "sortkey",
    "rowkey",
    "publickey",
    "hash",
    "digest",
    "md5",
    "checksum",
    "etag",
    "sha1",
    "thumbprint",
    "fingerprint",
    "foreignkey",
    "correlation",
    "requestid",
    "traceid",
    "spanid",
    "deployment",
    "resourceid",
    "tenant",
    "subscriptionid",
    "clientid",
    "objectid",
    "userid",
    "keyid",
    "continuation",
    "nexttoken",
    "pagetoken",
    "keyversion",
];

/// Turns down what its name says is something else.
#[derive(Debug)]
pub(super) struct Named;

impl Check for Named {
    fn name(&self) -> &'static str {
        "named"
    }

    fn weigh(&self, candidate: &mut Candidate<'_>, _: &CompiledVariant) -> Result<(), Rejection> {
        let before = &candidate.bytes[candidate.secret.start.saturating_sub(REACH)..candidate.secret.start];
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let gap = before.iter().rev().take_while(|byte| !is_name(byte)).count();
        let end = before.len() - gap;
        let len = before[..end].iter().rev().take_while(is_name).count();
        let name: String = before[end - len..end]
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        match OTHERS.iter().find(|other| name.contains(*other)) {
            Some(other) => Err(format!("its name says `{other}`").into()),
            None => Ok(()),
        }
    }
}
