//! What the provider says about a leak, if it was asked.

use std::io::{self, Write};

use crate::model::{KeyVerdict, Verification};
use crate::report::escape;
use crate::report::verification::facts;

use super::parts;

pub(super) fn badge(verdict: KeyVerdict) -> String {
    let class = match verdict {
        KeyVerdict::Dead => "good",
        verdict if verdict.is_live() => "bad",
        _ => "warn",
    };
    parts::badge(class, verdict.name())
}

pub(super) fn write(found: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let (verdict, reason) = (found.verdict.name(), escape::xml(&found.reason));
    writeln!(
        out,
        "<h3>What the provider says</h3>\n<p><strong>{verdict}</strong>: {reason}</p>\n<dl class=\"facts\">"
    )?;
    for (what, value) in found.keys.iter().flat_map(facts) {
        write!(out, "{}", parts::fact(what, &escape::xml(&value)))?;
    }
    writeln!(out, "</dl>")
}
