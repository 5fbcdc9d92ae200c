//! Sends leaked keys to the provider, and merges its answers with the result of comparing them with the listed keys.

use std::thread;
use std::time::Duration;

use super::leaks::LeakedKey;
use crate::model::{KeyVerdict, Secret, Verification};
use crate::provider::{ApiKey, Client, ProbeAnswer, probe, whoami};

/// Kinds of keys that can be sent as they are.
const SENT_KINDS: [&str; 5] = ["project", "service-account", "admin", "user", "service"];

/// Sends the leaked keys to the provider. A rejection is believed only if it is repeated after `pause`.
pub(super) fn send_keys(
    client: &Client,
    leaks: &mut [(LeakedKey, Verification)],
    secret: impl Fn(&LeakedKey) -> Option<Secret>,
    (with_whoami, pause): (bool, Duration),
) {
    let mut rejected = Vec::new();
    for (index, (leak, verification)) in leaks.iter_mut().enumerate() {
        let kind = leak.shape.kind.as_str();
        if !SENT_KINDS.contains(&kind) {
            verification.notes.push(format!("not sent: a key of the kind `{kind}` cannot be tried"));
            continue;
        }
        // A custom rule may use such a kind for anything.
        let secret = secret(leak).filter(|secret| secret.reveal().starts_with(b"sk-"));
        let Some(key) = secret.and_then(|secret| ApiKey::new(secret.reveal())) else {
            verification
                .notes
                .push("not sent: the key was not found again; name its repository with --repo".to_owned());
            continue;
        };
        verification.key_sent = true;
        let answer = probe(client, &key, kind == "admin");
        if answer.verdict == KeyVerdict::Dead {
            rejected.push((index, key));
            continue;
        }
        if with_whoami && answer.verdict.is_live() {
            match whoami(client, &key) {
                Ok(lines) => verification.whoami = lines,
                Err(error) => verification.notes.push(format!("who owns the key: {error}")),
            }
        }
        merge_answer(verification, answer);
    }
    if !rejected.is_empty() {
        thread::sleep(pause);
    }
    for (index, key) in rejected {
        let (leak, verification) = &mut leaks[index];
        let second_answer = probe(client, &key, leak.shape.kind == "admin");
        let answer = match second_answer.verdict {
            KeyVerdict::Dead => {
                ProbeAnswer { reason: format!("{} twice", second_answer.reason), ..second_answer }
            }
            KeyVerdict::Unknown => ProbeAnswer {
                reason: format!("rejected once, but not again ({})", second_answer.reason),
                ..second_answer
            },
            _ => second_answer,
        };
        merge_answer(verification, answer);
    }
}

/// Merges the result of sending the key with the result from the list.
fn merge_answer(verification: &mut Verification, answer: ProbeAnswer) {
    if verification.verdict == KeyVerdict::Live && answer.verdict == KeyVerdict::Dead {
        verification.notes.push(format!(
            "sent to the provider, the key was rejected ({}), but the organization still lists a match; one of the two is \
             out of date or about another key",
            answer.reason
        ));
        verification.verdict = KeyVerdict::Unknown;
        verification.reason = "list and answer contradict each other".to_owned();
        return;
    }
    let adds_nothing = answer.verdict == KeyVerdict::Unknown && verification.verdict != KeyVerdict::Unknown;
    if adds_nothing {
        verification.notes.push(format!("sent to the provider: {}", answer.reason));
        return;
    }
    let list_reason = std::mem::take(&mut verification.reason);
    verification.reason =
        if list_reason.is_empty() { answer.reason } else { format!("{}; {list_reason}", answer.reason) };
    verification.verdict = answer.verdict;
    verification.works_at = answer.works_at;
}
