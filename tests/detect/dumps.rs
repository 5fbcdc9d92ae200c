//! Tests that a key is found in byte dumps as many tools print them and in lists of bytes, whatever its shape and its
//! position on a line.

use friskey::detect::Match;
use friskey::rules::{MARKER, expand_template};

use super::cases::shapes;
use super::encoded::{TaggedText, bytes, key_span, tag};
use super::{detector, find_all, find_reported};

/// How a tool prints a dump.
struct Tool {
    name: &'static str,
    /// Bytes per line.
    columns: usize,
    /// Bytes between two blanks.
    group: usize,
    /// The text before the bytes of a line, given the offset of the first.
    offset: fn(usize) -> String,
    /// Whether there is another blank in the middle of the line.
    has_middle_blank: bool,
    is_upper_case: bool,
    /// The text before and after the column with the bytes as characters; `None` if there is no such column.
    text_delimiters: Option<(&'static str, &'static str)>,
    line_end: &'static str,
}

const XXD: Tool = Tool {
    name: "xxd",
    columns: 16,
    group: 2,
    offset: |at| format!("{at:08x}: "),
    has_middle_blank: false,
    is_upper_case: false,
    text_delimiters: Some(("  ", "")),
    line_end: "\n",
};

const HEXDUMP: Tool = Tool {
    name: "hexdump -C",
    group: 1,
    offset: |at| format!("{at:08x}  "),
    has_middle_blank: true,
    text_delimiters: Some(("  |", "|")),
    ..XXD
};

const TOOLS: &[Tool] = &[
    XXD,
    Tool { name: "xxd -u", is_upper_case: true, ..XXD },
    Tool { name: "xxd -g1", group: 1, ..XXD },
    Tool { name: "xxd -g4", group: 4, ..XXD },
    Tool { name: "xxd -c 32", columns: 32, ..XXD },
    Tool { name: "xxd, Windows", line_end: "\r\n", ..XXD },
    Tool { name: "xxd in a comment", offset: |at| format!("#   {at:08x}: "), ..XXD },
    Tool { name: "xxd in a diff", offset: |at| format!("+{at:08x}: "), ..XXD },
    HEXDUMP,
    Tool { name: "hexdump -C, indented", offset: |at| format!("\t{at:08x}  "), ..HEXDUMP },
    Tool {
        name: "od -A x -tx1",
        offset: |at| format!("{at:06x} "),
        has_middle_blank: false,
        text_delimiters: None,
        ..HEXDUMP
    },
    Tool {
        name: "od -tx1",
        offset: |at| format!("{at:07o} "),
        has_middle_blank: false,
        text_delimiters: None,
        ..HEXDUMP
    },
    Tool {
        name: "od -A d -tx1",
        offset: |at| format!("{at:07} "),
        has_middle_blank: false,
        text_delimiters: None,
        ..HEXDUMP
    },
    Tool {
        name: "od -A x -tx1z",
        offset: |at| format!("{at:06x} "),
        has_middle_blank: false,
        text_delimiters: Some(("  >", "<")),
        ..HEXDUMP
    },
    Tool { name: "tcpdump -X", offset: |at| format!("\t0x{at:04x}:  "), ..XXD },
    Tool {
        name: "Wireshark",
        offset: |at| format!("{at:04x}   "),
        has_middle_blank: false,
        text_delimiters: Some(("   ", "")),
        ..HEXDUMP
    },
    Tool { name: "objdump -s", group: 4, offset: |at| format!(" {at:04x} "), ..XXD },
    Tool {
        name: "Format-Hex",
        offset: |at| format!("{at:08X}   "),
        has_middle_blank: false,
        is_upper_case: true,
        text_delimiters: Some(("  ", "")),
        line_end: "\r\n",
        ..HEXDUMP
    },
    Tool {
        name: "OpenSSL",
        offset: |at| format!("{at:04x} - "),
        has_middle_blank: false,
        text_delimiters: Some(("   ", "")),
        ..HEXDUMP
    },
    Tool { name: "characters without an offset", offset: |_| String::new(), ..HEXDUMP },
];

impl Tool {
    /// What the tool prints of `text`, whose first byte has the offset `start`.
    fn dump(&self, text: &TaggedText, start: usize) -> TaggedText {
        let mut out = TaggedText::new();
        for (index, line) in text.chunks(self.columns).enumerate() {
            out.extend(tag((self.offset)(start + index * self.columns).as_bytes(), false));
            let mut digits = TaggedText::new();
            // Characters of so many bytes in hex, with blanks.
            let width = |count: usize| {
                2 * count
                    + count.saturating_sub(1) / self.group
                    + usize::from(self.has_middle_blank && count > self.columns / 2)
            };
            for (column, &(byte, is_key)) in line.iter().enumerate() {
                let blanks = usize::from(column > 0 && column % self.group == 0)
                    + usize::from(self.has_middle_blank && column == self.columns / 2);
                digits.extend(tag(" ".repeat(blanks).as_bytes(), false));
                let hex = if self.is_upper_case { format!("{byte:02X}") } else { format!("{byte:02x}") };
                digits.extend(tag(hex.as_bytes(), is_key));
            }
            if let Some((open, close)) = self.text_delimiters {
                let padding = width(self.columns) - digits.len();
                digits.extend(tag(" ".repeat(padding).as_bytes(), false));
                let printable = |byte: u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' };
                let characters: String = line.iter().map(|(byte, _)| printable(*byte)).collect();
                digits.extend(tag(format!("{open}{characters}{close}").as_bytes(), false));
            }
            out.extend(digits);
            out.extend(tag(self.line_end.as_bytes(), false));
        }
        out
    }
}

pub(super) const TOOL_COUNT: usize = TOOLS.len();

/// What the tool with the index `tool`, below [`TOOL_COUNT`], prints of `text`.
pub(super) fn dump(text: &[u8], tool: usize) -> Vec<u8> {
    bytes(&TOOLS[tool].dump(&tag(text, true), 0))
}

fn is_only_match(matches: &[Match], text: &TaggedText, key: &[u8]) -> bool {
    matches!(matches, [one] if one.span == key_span(text)
        && one.encoding == "hex"
        && one.detected_key.secret.reveal() == key)
}

/// Asserts that a key of every shape is found at its position in what `write` makes of a text with it. The text before the
/// key has each length modulo 16 in `offsets`. `columns` is the number of bytes on a line.
fn assert_every_shape_found(
    name: &str,
    columns: usize,
    offsets: std::ops::Range<usize>,
    write: impl Fn(&TaggedText) -> TaggedText,
) {
    let mut missed = Vec::new();
    for shape in shapes() {
        for offset in offsets.clone() {
            let key = expand_template(&shape.template, offset as u64).text;
            let head = [&b"\t\tE ab cd | 12 3456 ".repeat(2)[..16 + offset % 16], b"\n"].concat();
            let inner = [tag(&head, false), tag(&key, true), tag(b"\"\0 ab\n\0", false)].concat();
            let ends_line = |at: Option<usize>| at.is_some_and(|at| at % columns == columns - 1);
            let marker = memchr::memmem::find(&key, MARKER.as_bytes()).map(|at| head.len() + at);
            if ends_line(Some(head.len())) && ends_line(marker) {
                // A line break after the first byte of both prefix and marker leaves no keyword to find the key by.
                continue;
            }
            let text = write(&inner);
            if key_span(&text).len() > detector().max_match_len() {
                continue;
            }
            let matches = find_reported(detector(), &bytes(&text));
            if !is_only_match(&matches, &text, &key) {
                let actual: Vec<_> = matches.iter().map(|m| (&m.span, &m.detected_key.evidence)).collect();
                missed.push(format!(
                    "{name}: {} at {offset}: {:?}, not {actual:?}",
                    shape.name,
                    key_span(&text)
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(40)].join("\n"));
}

#[test]
fn a_key_is_found_in_the_dumps_of_all_tools() {
    for tool in TOOLS {
        assert_every_shape_found(tool.name, tool.columns, 0..16, |text| tool.dump(text, 0x30));
    }
}

#[test]
fn a_utf16_key_is_found_in_a_dump() {
    let utf16 = |text: &TaggedText| -> TaggedText {
        text.iter().flat_map(|&(byte, key)| [(byte, key), (0, key)]).collect()
    };
    for tool in [&XXD, &HEXDUMP] {
        // At offset 7 the key's first character ends a line, which leaves no keyword to find the key by.
        assert_every_shape_found(tool.name, tool.columns, 0..7, |text| {
            tool.dump(&utf16(&text[1..].to_vec()), 0)
        });
    }
}

/// Its name, the text of one byte, the separator of two, and the number of bytes on a line; 0 if all are on one.
type List = (&'static str, fn(u8) -> String, &'static str, usize);

#[test]
fn a_key_is_found_in_lists_of_bytes() {
    let lists: &[List] = &[
        ("commas", |byte| format!("{byte:02x}"), ",", 0),
        ("the registry editor", |byte| format!("{byte:02x}"), ",", 25),
        ("colons", |byte| format!("{byte:02x}"), ":", 0),
        ("dashes", |byte| format!("{byte:02X}"), "-", 0),
        ("the registry editor, UTF-16", |byte| format!("{byte:02x},00"), ",", 12),
        ("UTF-16", |byte| format!("{byte:02x}00"), "", 0),
        ("UTF-16, big-endian", |byte| format!("00{byte:02x}"), "", 0),
        ("UTF-16, bytes separated by blanks", |byte| format!("{byte:02x} 00"), " ", 0),
        ("Rust", |byte| format!("0x{byte:02x}"), "u8, ", 0),
        ("Java", |byte| format!("0x{byte:02x}"), ", (byte)", 0),
        ("xxd -i -u", |byte| format!("0X{byte:02X}"), ", ", 0),
    ];
    for &(name, format_byte, separator, columns) in lists {
        assert_every_shape_found(name, usize::MAX, 0..4, |text| {
            let mut out = tag(b"hex:", false);
            for (index, &(byte, is_key)) in text.iter().enumerate() {
                if index > 0 {
                    out.extend(tag(separator.as_bytes(), false));
                    let is_line_end = columns > 0 && index % columns == 0;
                    out.extend(tag(if is_line_end { b"\\\r\n  " } else { b"" }, false));
                }
                out.extend(tag(format_byte(byte).as_bytes(), is_key));
            }
            out.extend(tag(b"\n", false));
            out
        });
    }
}

fn hex(text: &[u8], separator: &str) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

#[test]
fn hex_keys_on_two_lines_are_two_keys() {
    let mut templates: Vec<String> = shapes().into_iter().map(|shape| shape.template).collect();
    templates.extend(["sk-proj-{base64url:60}", "sk-svcacct-{base64url:48}"].map(str::to_owned));
    for (index, first) in templates.iter().enumerate() {
        for separator in ["", " "] {
            for (second, seed) in templates.iter().skip(index % 3).step_by(3).zip(0..) {
                let (a, b) = (expand_template(first, seed).text, expand_template(second, seed + 7).text);
                let text = format!("{}\n{}\n", hex(&a, separator), hex(&b, separator));
                let keys: Vec<_> = find_reported(detector(), text.as_bytes())
                    .iter()
                    .map(|m| m.detected_key.secret.reveal().to_vec())
                    .collect();
                assert_eq!(keys, [a, b], "{first} {second}");
            }
        }
    }
}

#[test]
fn a_hash_on_the_next_line_is_not_part_of_a_hex_key() {
    for seed in 0..200 {
        let key = expand_template("sk-proj-{base64url:60}", seed).text;
        let text = [hex(&key, "").as_bytes(), b"\n", &expand_template("{hex:64}", seed).text, b"\n"].concat();
        let matches = find_reported(detector(), &text);
        assert!(matches!(&matches[..], [m] if m.detected_key.secret.reveal() == key), "{seed} {matches:?}");
    }
}

#[test]
fn lines_of_a_dump_are_joined_only_if_offsets_and_characters_agree() {
    let key = expand_template("sk-proj-{base64url:74}{marker}{base64url:74}", 5).text;
    for tool in TOOLS.iter().filter(|tool| tool.columns == 16 && !(tool.offset)(0).is_empty()) {
        let text = tag(&[b"0123456789 = ", &key[..], b"\n"].concat(), true);
        let lacking_a_line =
            [tool.dump(&text[..48].to_vec(), 0), tool.dump(&text[64..].to_vec(), 64)].concat();
        assert!(find_all(detector(), &bytes(&lacking_a_line)).is_empty(), "{}", tool.name);
        let Some((_, close)) = tool.text_delimiters else { continue };
        let mut changed = bytes(&tool.dump(&text, 0));
        let line_ends: Vec<usize> = memchr::memmem::find_iter(&changed, tool.line_end).collect();
        // The last character that the second line shows.
        changed[line_ends[1] - close.len() - 1] = b'!';
        let matches = find_all(detector(), &changed);
        assert!(matches.is_empty(), "{} {matches:?} {}", tool.name, String::from_utf8_lossy(&changed));
    }
}

#[test]
fn nothing_is_found_in_dumps_of_look_alikes() {
    for text in [
        ".sk-admin-card-header-title-wrapper-inner-container-left-right { color: red }",
        "git checkout sk-proj-a-long-name-of-a-branch-that-somebody-made-for-a-ticket-1234",
        "sk-container-id-1 div.sk-toggleable__content pre{max-height:0}",
        "sk-proj-your-api-key-here-please-replace-it-with-a-real-one-now",
    ] {
        for tool in TOOLS {
            for blanks in 0..16 {
                let text = [&vec![b' '; blanks], text.as_bytes(), b"\n"].concat();
                let dump = bytes(&tool.dump(&tag(&text, false), 0));
                assert!(
                    find_reported(detector(), &dump).is_empty(),
                    "{} {}",
                    tool.name,
                    String::from_utf8_lossy(&dump)
                );
            }
        }
    }
}

/// Its name, the text before the bytes of a line, given the offset of the first, the text of one byte, the separator of two,
/// and the number of bytes on a line.
type Listing = (&'static str, fn(usize) -> String, fn(u8) -> String, &'static str, usize);

#[test]
fn a_key_is_found_in_listings_of_bytes() {
    let listings: &[Listing] = &[
        ("assembler, .byte", |_| "\t.byte ".to_owned(), |byte| format!("0x{byte:02x}"), ",", 16),
        ("assembler, db", |_| "    DB ".to_owned(), |byte| format!("0x{byte:02x}"), ", ", 8),
        ("gdb, x/xb", |at| format!("0x7ffe{at:04x}:\t"), |byte| format!("0x{byte:02x}"), "\t", 8),
        (
            "gdb, relative to a symbol",
            |at| format!("0x55{at:04x} <key+{at}>:\t"),
            |byte| format!("0x{byte:02x}"),
            "\t",
            8,
        ),
        ("one byte per line", |_| String::new(), |byte| byte.to_string(), "", 1),
        ("od -An -tu1", |_| String::new(), |byte| format!(" {byte:>3}"), "", 16),
        ("od -tu1", |at| format!("{at:07o}"), |byte| format!(" {byte:>3}"), "", 16),
        ("assembler, decimal", |_| "\t.byte\t".to_owned(), |byte| byte.to_string(), ",", 16),
    ];
    let mut missed = Vec::new();
    for &(name, line_start, format_byte, separator, columns) in listings {
        for (line_end, offset) in [("\n", 0), ("\r\n", 3), ("\n", 7), ("\n", 15)] {
            for shape in shapes() {
                let key = expand_template(&shape.template, offset as u64).text;
                let text = [&b"k=\t-12_abc+/x;9z"[..offset], &key, b"\n"].concat();
                let format_line = |(index, line): (usize, &[u8])| {
                    let bytes: Vec<String> = line.iter().map(|&byte| format_byte(byte)).collect();
                    format!("{}{}{line_end}", line_start(index * columns), bytes.join(separator))
                };
                let listing: String = text.chunks(columns).enumerate().map(format_line).collect();
                let matches = find_reported(detector(), listing.as_bytes());
                if !matches.iter().any(|one| one.detected_key.secret.reveal() == key) {
                    missed.push(format!("{name}: {} at {offset}", shape.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(40)].join("\n"));
}
