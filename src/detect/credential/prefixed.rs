//! Finds tokens with the prefix of a vendor.

use super::Credential;
use crate::detect::alphabet::is_key;

/// Minimum number of characters after a prefix.
const MIN_BODY_LEN: usize = 8;

/// Prefixes of tokens. If one is the start of another, the longer one comes first.
const PREFIXES: &[&str] = &[
    "sk-ant-",
    "sk-or-",
    "sk-lf-",
    "sk-proj-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "pk_live_",
    "pk_test_",
    "sk_",
    "xkeysib-",
    "shpua_",
    "glft-",
    "glffct-",
    "glimt-",
    "glsa_",
    "glc_",
    "AROA",
    "AIDA",
    "LTAI",
    "AKID",
    "NRAK-",
    "CFPAT-",
    "HRKU-",
    "dp.pt.",
    "dp.st.",
    "dt0c01.",
    "hvr.",
    "atlasv1.",
    "napi_",
    "pscale_",
    "rnd_",
    "vcp_",
    "vck_",
    "tgp_v1_",
    "amzn.mws.",
    "mfa.",
    "EAAB",
    "oy2",
    "BBDC-",
    "shippo_",
    "cfut_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "glptt-",
    "gldt-",
    "glrt-",
    "glcbt-",
    "glsoat-",
    "glagent-",
    "gloas-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "xoxe-",
    "xoxe.",
    "xoxc-",
    "xoxd-",
    "xapp-",
    "AKIA",
    "ASIA",
    "ABIA",
    "ACCA",
    "AIza",
    "GOCSPX-",
    "ya29.",
    "npm_",
    "hf_",
    "api_org_",
    "pypi-",
    "dop_v1_",
    "doo_v1_",
    "dor_v1_",
    "SG.",
    "whsec_",
    "sq0atp-",
    "sq0csp-",
    "EAAA",
    "shpat_",
    "shpca_",
    "shppa_",
    "shpss_",
    "lin_api_",
    "dckr_pat_",
    "dckr_oat_",
    "hvs.",
    "hvb.",
    "r8_",
    "gsk_",
    "xai-",
    "pplx-",
    "sntrys_",
    "sntryu_",
    "phc_",
    "phx_",
    "nvapi-",
    "secret_",
    "ntn_",
    "figd_",
    "sbp_",
    "sb_secret_",
    "rubygems_",
    "cio",
    "PMAK-",
    "ATATT3",
    "ATCTT3",
    "ATBB",
    "pat-na1-",
    "pat-eu1-",
    "tskey-",
    "fo1_",
    "FlyV1",
    "AGE-SECRET-KEY-",
    "pul-",
    "dapi",
    "tvly-",
    "fw_",
    "jina_",
    "csk-",
    "esecret_",
    "lsv2_",
    "pcsk_",
    "co_",
    "key-",
    "re_",
    "sess-",
    "ek_",
    "eyJ",
];

/// Adds the tokens in `text` to `credentials`.
pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    let mut at = 0;
    while at < text.len() {
        let may_begin =
            text[at].is_ascii_alphabetic() && !text[..at].last().is_some_and(u8::is_ascii_alphanumeric);
        match may_begin.then(|| token_lens(&text[at..])).flatten() {
            Some((prefix_len, length)) => {
                credentials.push(Credential { span: at..at + length, prefix_len });
                at += length;
            }
            None => at += 1,
        }
    }
}

/// Lengths of the prefix and of the token at the start of `rest`, in bytes.
fn token_lens(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = PREFIXES.iter().find(|prefix| rest.starts_with(prefix.as_bytes()))?;
    let is_token_byte = |byte: &u8| is_key(*byte) || matches!(byte, b'.' | b'+' | b'/' | b'=' | b'~' | b'%');
    let length = prefix.len() + rest[prefix.len()..].iter().take_while(|byte| is_token_byte(byte)).count();
    let body = &rest[prefix.len()..length];
    // Many words contain a short prefix. A token has digits, or is long and mixed-case.
    let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
    let upper = body.iter().any(u8::is_ascii_uppercase);
    let lower = body.iter().any(u8::is_ascii_lowercase);
    let is_dense = digits >= 2 && !body.contains(&b'/') && prefix.len() > 3 && body.len() >= MIN_BODY_LEN;
    let is_long = body.len() >= 16 && digits >= 1 && (upper || digits >= 4);
    let is_mixed = body.len() >= 16 && upper && lower && body.iter().all(u8::is_ascii_alphanumeric);
    let is_jwt = *prefix == "eyJ" && body.len() >= 16 && upper && lower;
    // One in thirty key ids of capitals and digits has no digit.
    let is_id = is_upper(prefix) && prefix.len() == 4 && body.len() >= 12 && !lower && !body.contains(&b'_');
    (is_dense || is_long || is_mixed || is_jwt || is_id).then_some((prefix.len(), length))
}

fn is_upper(prefix: &str) -> bool {
    prefix.bytes().all(|byte| byte.is_ascii_uppercase())
}
