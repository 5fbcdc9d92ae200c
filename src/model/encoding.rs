//! The names that reports use for the encodings of keys.

/// Single encodings.
pub const SINGLE_ENCODINGS: &[&str] = &[
    "utf-8",
    "utf-16le",
    "utf-16be",
    "utf-32le",
    "utf-32be",
    "base64",
    "base64url",
    "hex",
    "decimal",
    "unicode-escape",
    "hex-escape",
    "octal-escape",
    "backslash-escape",
    "percent",
    "html-entity",
    "quoted-printable",
    "ansi",
    "invisible",
    "typographic",
    // Joined from several string literals or lines.
    "split",
];

/// Encodings within another, the outer one first.
pub const NESTED_ENCODINGS: &[&str] = &[
    "base64+utf-16le",
    "base64+base64",
    "base64+split",
    "base64+ansi",
    "base64+unicode-escape",
    "base64+hex-escape",
    "base64+octal-escape",
    "base64+backslash-escape",
    "base64+percent",
    "base64+html-entity",
    "base64+quoted-printable",
    // UTF-16 of either byte order.
    "utf-16+split",
    "utf-16+ansi",
    "utf-16+unicode-escape",
    "utf-16+hex-escape",
    "utf-16+octal-escape",
    "utf-16+backslash-escape",
    "utf-16+percent",
    "utf-16+html-entity",
    "utf-16+quoted-printable",
];

/// The encoding with this name, if there is one.
pub fn encoding_from_name(name: &str) -> Option<&'static str> {
    SINGLE_ENCODINGS.iter().chain(NESTED_ENCODINGS).find(|known| **known == name).copied()
}
