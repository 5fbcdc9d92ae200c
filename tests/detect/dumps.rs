//! Tests byte dumps in the formats of many tools, lists of bytes, and one key per line, with every shape at every position
//! of a line.

use friskey::detect::Match;
use friskey::rules::{MARKER, expand};

use super::cases::shapes;
use super::encoded::{Text, bytes, marked, span};
use super::{detector, found, reported};

/// How a tool prints a dump.
struct Tool {
    name: &'static str,
    columns: usize,
    /// Bytes per group.
    group: usize,
    /// The text before the bytes.
    offset: fn(usize) -> String,
    /// Whether a wider gap is in the middle of the line.
    halved: bool,
    upper: bool,
    /// The delimiters of the text column; empty if there is none.
    frame: Option<(&'static str, &'static str)>,
    end: &'static str,
}

const PLAIN: Tool = Tool {
    name: "xxd",
    columns: 16,
    group: 2,
    offset: |at| format!("{at:08x}: "),
    halved: false,
    upper: false,
    frame: Some(("  ", "")),
    end: "\n",
};

const CANONICAL: Tool = Tool {
    name: "hexdump -C",
    group: 1,
    offset: |at| format!("{at:08x}  "),
    halved: true,
    frame: Some(("  |", "|")),
    ..PLAIN
};

const TOOLS: &[Tool] = &[
    PLAIN,
    Tool { name: "xxd -u", upper: true, ..PLAIN },
    Tool { name: "xxd -g1", group: 1, ..PLAIN },
    Tool { name: "xxd -g4", group: 4, ..PLAIN },
    Tool { name: "xxd -c 32", columns: 32, ..PLAIN },
    Tool { name: "xxd, Windows", end: "\r\n", ..PLAIN },
    Tool { name: "xxd in a comment", offset: |at| format!("#   {at:08x}: "), ..PLAIN },
    Tool { name: "xxd in a diff", offset: |at| format!("+{at:08x}: "), ..PLAIN },
    CANONICAL,
    Tool { name: "hexdump -C, indented", offset: |at| format!("\t{at:08x}  "), ..CANONICAL },
    Tool { name: "od -A x -tx1", offset: |at| format!("{at:06x} "), halved: false, frame: None, ..CANONICAL },
    Tool { name: "od -tx1", offset: |at| format!("{at:07o} "), halved: false, frame: None, ..CANONICAL },
    Tool { name: "od -A d -tx1", offset: |at| format!("{at:07} "), halved: false, frame: None, ..CANONICAL },
    Tool {
        name: "od -A x -tx1z",
        offset: |at| format!("{at:06x} "),
        halved: false,
        frame: Some(("  >", "<")),
        ..CANONICAL
    },
    Tool { name: "tcpdump -X", offset: |at| format!("\t0x{at:04x}:  "), ..PLAIN },
    Tool {
        name: "Wireshark",
        offset: |at| format!("{at:04x}   "),
        halved: false,
        frame: Some(("   ", "")),
        ..CANONICAL
    },
    Tool { name: "objdump -s", group: 4, offset: |at| format!(" {at:04x} "), ..PLAIN },
    Tool {
        name: "Format-Hex",
        offset: |at| format!("{at:08X}   "),
        halved: false,
        upper: true,
        frame: Some(("  ", "")),
        end: "\r\n",
        ..CANONICAL
    },
    Tool {
        name: "OpenSSL",
        offset: |at| format!("{at:04x} - "),
        halved: false,
        frame: Some(("   ", "")),
        ..CANONICAL
    },
    Tool { name: "characters without an offset", offset: |_| String::new(), ..CANONICAL },
];

impl Tool {
    fn dump(&self, text: &Text, from: usize) -> Text {
        let mut out = Text::new();
        for (index, line) in text.chunks(self.columns).enumerate() {
            out.extend(marked((self.offset)(from + index * self.columns).as_bytes(), false));
            let mut digits = Text::new();
            let width = |count: usize| {
                2 * count
                    + count.saturating_sub(1) / self.group
                    + usize::from(self.halved && count > self.columns / 2)
            };
            for (column, &(byte, is_key)) in line.iter().enumerate() {
                let gap = usize::from(column > 0 && column % self.group == 0)
                    + usize::from(self.halved && column == self.columns / 2);
                digits.extend(marked(" ".repeat(gap).as_bytes(), false));
                let one = if self.upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
                digits.extend(marked(one.as_bytes(), is_key));
            }
            if let Some((open, close)) = self.frame {
                let blank = width(self.columns) - digits.len();
                digits.extend(marked(" ".repeat(blank).as_bytes(), false));
                let shown = |byte: u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' };
                let shown: String = line.iter().map(|(byte, _)| shown(*byte)).collect();
                digits.extend(marked(format!("{open}{shown}{close}").as_bytes(), false));
            }
            out.extend(digits);
            out.extend(marked(self.end.as_bytes(), false));
        }
        out
    }
}

/// How many tools there are.
pub(super) const COUNT: usize = TOOLS.len();

/// What one of them prints.
pub(super) fn dumped(text: &[u8], tool: usize) -> Vec<u8> {
    bytes(&TOOLS[tool].dump(&marked(text, true), 0))
}

fn is_it(found: &[Match], text: &Text, key: &[u8]) -> bool {
    matches!(found, [one] if one.span == span(text)
        && one.encoding == "hex"
        && one.detected_key.secret.reveal() == key)
}

/// Runs `write` with every shape after `before` bytes, and checks that the key is found at its position.
fn every_shape(name: &str, columns: usize, befores: std::ops::Range<usize>, write: impl Fn(&Text) -> Text) {
    let mut missed = Vec::new();
    for shape in shapes() {
        for before in befores.clone() {
            let key = expand(&shape.template, before as u64).text;
            let head = [&b"\t\tE ab cd | 12 3456 ".repeat(2)[..16 + before % 16], b"\n"].concat();
            let inner = [marked(&head, false), marked(&key, true), marked(b"\"\0 ab\n\0", false)].concat();
            let ends_line = |at: Option<usize>| at.is_some_and(|at| at % columns == columns - 1);
            let marker = memchr::memmem::find(&key, MARKER.as_bytes()).map(|at| head.len() + at);
            if ends_line(Some(head.len())) && ends_line(marker) {
                // Lines break within the first two bytes of either: nothing shows where to look.
                continue;
            }
            let text = write(&inner);
            if span(&text).len() > detector().max_match_len() {
                continue;
            }
            let found = reported(detector(), &bytes(&text));
            if !is_it(&found, &text, &key) {
                let shown: Vec<_> = found.iter().map(|m| (&m.span, &m.detected_key.evidence)).collect();
                missed.push(format!("{name}: {} at {before}: {:?}, not {shown:?}", shape.name, span(&text)));
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(40)].join("\n"));
}

#[test]
fn a_key_is_found_in_the_dumps_of_all_tools() {
    for tool in TOOLS {
        every_shape(tool.name, tool.columns, 0..16, |text| tool.dump(text, 0x30));
    }
}

#[test]
fn a_key_of_two_bytes_a_character_is_found_in_a_dump() {
    let wide =
        |text: &Text| -> Text { text.iter().flat_map(|&(byte, key)| [(byte, key), (0, key)]).collect() };
    for tool in [&PLAIN, &CANONICAL] {
        // Where `s` ends a line, nothing shows where to look.
        every_shape(tool.name, tool.columns, 0..7, |text| tool.dump(&wide(&text[1..].to_vec()), 0));
    }
}

/// A name, how one byte is written, what separates two, and after how many the line is continued in the next.
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
        ("UTF-16, the other way round", |byte| format!("00{byte:02x}"), "", 0),
        ("UTF-16, apart", |byte| format!("{byte:02x} 00"), " ", 0),
        ("Rust", |byte| format!("0x{byte:02x}"), "u8, ", 0),
        ("Java", |byte| format!("0x{byte:02x}"), ", (byte)", 0),
        ("xxd -i -u", |byte| format!("0X{byte:02X}"), ", ", 0),
    ];
    for &(name, one, separator, every) in lists {
        every_shape(name, usize::MAX, 0..4, |text| {
            let mut out = marked(b"hex:", false);
            for (index, &(byte, is_key)) in text.iter().enumerate() {
                if index > 0 {
                    out.extend(marked(separator.as_bytes(), false));
                    let wrap = every > 0 && index % every == 0;
                    out.extend(marked(if wrap { b"\\\r\n  " } else { b"" }, false));
                }
                out.extend(marked(one(byte).as_bytes(), is_key));
            }
            out.extend(marked(b"\n", false));
            out
        });
    }
}

fn hex(text: &[u8], separator: &str) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

#[test]
fn keys_one_a_line_are_two_keys() {
    let mut templates: Vec<String> = shapes().into_iter().map(|shape| shape.template).collect();
    templates.extend(["sk-proj-{base64url:60}", "sk-svcacct-{base64url:48}"].map(str::to_owned));
    for (index, first) in templates.iter().enumerate() {
        for separator in ["", " "] {
            for (second, seed) in templates.iter().skip(index % 3).step_by(3).zip(0..) {
                let (a, b) = (expand(first, seed).text, expand(second, seed + 7).text);
                let text = format!("{}\n{}\n", hex(&a, separator), hex(&b, separator));
                let keys: Vec<_> = reported(detector(), text.as_bytes())
                    .iter()
                    .map(|m| m.detected_key.secret.reveal().to_vec())
                    .collect();
                assert_eq!(keys, [a, b], "{first} {second}");
            }
        }
    }
}

#[test]
fn a_hash_on_the_next_line_is_not_part_of_a_key() {
    for seed in 0..200 {
        let key = expand("sk-proj-{base64url:60}", seed).text;
        let text = [hex(&key, "").as_bytes(), b"\n", &expand("{hex:64}", seed).text, b"\n"].concat();
        let found = reported(detector(), &text);
        assert!(matches!(&found[..], [m] if m.detected_key.secret.reveal() == key), "{seed} {found:?}");
    }
}

#[test]
fn lines_are_joined_only_where_they_say_so() {
    let key = expand("sk-proj-{base64url:74}{marker}{base64url:74}", 5).text;
    for tool in TOOLS.iter().filter(|tool| tool.columns == 16 && !(tool.offset)(0).is_empty()) {
        let text = marked(&[b"0123456789 = ", &key[..], b"\n"].concat(), true);
        // A line is missing, or shows other characters.
        let gap = [tool.dump(&text[..48].to_vec(), 0), tool.dump(&text[64..].to_vec(), 64)].concat();
        assert!(found(detector(), &bytes(&gap)).is_empty(), "{}", tool.name);
        let Some((_, close)) = tool.frame else { continue };
        let mut whole = bytes(&tool.dump(&text, 0));
        let ends: Vec<usize> = memchr::memmem::find_iter(&whole, tool.end).collect();
        whole[ends[1] - close.len() - 1] = b'!';
        let found = found(detector(), &whole);
        assert!(found.is_empty(), "{} {found:?} {}", tool.name, String::from_utf8_lossy(&whole));
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
            for before in 0..16 {
                let text = [&vec![b' '; before], text.as_bytes(), b"\n"].concat();
                let dump = bytes(&tool.dump(&marked(&text, false), 0));
                assert!(
                    reported(detector(), &dump).is_empty(),
                    "{} {}",
                    tool.name,
                    String::from_utf8_lossy(&dump)
                );
            }
        }
    }
}

/// A name, what a line begins with, how one byte is written, what separates two, and how many are in a line.
type Listing = (&'static str, fn(usize) -> String, fn(u8) -> String, &'static str, usize);

#[test]
fn a_key_is_found_in_listings_of_bytes() {
    let listings: &[Listing] = &[
        ("assembler, .byte", |_| "\t.byte ".to_owned(), |byte| format!("0x{byte:02x}"), ",", 16),
        ("assembler, db", |_| "    DB ".to_owned(), |byte| format!("0x{byte:02x}"), ", ", 8),
        ("gdb, x/xb", |at| format!("0x7ffe{at:04x}:\t"), |byte| format!("0x{byte:02x}"), "\t", 8),
        (
            "gdb, a symbol",
            |at| format!("0x55{at:04x} <key+{at}>:\t"),
            |byte| format!("0x{byte:02x}"),
            "\t",
            8,
        ),
        ("one a line", |_| String::new(), |byte| byte.to_string(), "", 1),
        ("od -An -tu1", |_| String::new(), |byte| format!(" {byte:>3}"), "", 16),
        ("od -tu1", |at| format!("{at:07o}"), |byte| format!(" {byte:>3}"), "", 16),
        ("assembler, decimal", |_| "\t.byte\t".to_owned(), |byte| byte.to_string(), ",", 16),
    ];
    let mut missed = Vec::new();
    for &(name, head, one, separator, columns) in listings {
        for (end, before) in [("\n", 0), ("\r\n", 3), ("\n", 7), ("\n", 15)] {
            for shape in shapes() {
                let key = expand(&shape.template, before as u64).text;
                let text = [&b"k=\t-12_abc+/x;9z"[..before], &key, b"\n"].concat();
                let line = |(index, line): (usize, &[u8])| {
                    let bytes: Vec<String> = line.iter().map(|&byte| one(byte)).collect();
                    format!("{}{}{end}", head(index * columns), bytes.join(separator))
                };
                let listing: String = text.chunks(columns).enumerate().map(line).collect();
                let found = reported(detector(), listing.as_bytes());
                if !found.iter().any(|one| one.detected_key.secret.reveal() == key) {
                    missed.push(format!("{name}: {} behind {before}", shape.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}:\n{}", missed.len(), missed[..missed.len().min(40)].join("\n"));
}
