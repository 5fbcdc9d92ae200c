//! Writes tables. The script makes them sortable and searchable; on a narrow screen, each row is laid out as a card.

use std::io::{self, Write};

use crate::report::escape;

/// A column of a table.
#[derive(Clone, Copy)]
pub(in crate::report) struct Column {
    /// The heading of the column.
    pub(in crate::report) title: &'static str,
    /// The attribute with the class that determines how the cells are laid out; empty for none.
    class: &'static str,
}

impl Column {
    /// A column of text.
    pub(in crate::report) const fn words(title: &'static str) -> Self {
        Self { title, class: "" }
    }

    /// A column of few words, which share a line with others on a narrow screen.
    pub(in crate::report) const fn short(title: &'static str) -> Self {
        Self { title, class: " class=\"short\"" }
    }

    /// A column of numbers, which are aligned at their end.
    pub(in crate::report) const fn number(title: &'static str) -> Self {
        Self { title, class: " class=\"short number\"" }
    }
}

/// A cell of a table.
pub(in crate::report) struct Cell {
    /// HTML.
    pub(in crate::report) html: String,
    /// The number to sort by; `None` to sort by the text.
    pub(in crate::report) sort: Option<i64>,
}

impl Cell {
    /// A cell with plain text, which is escaped.
    pub(in crate::report) fn text(text: &str) -> Self {
        Self::html(escape::xml(text))
    }

    /// A cell with HTML.
    pub(in crate::report) fn html(html: impl Into<String>) -> Self {
        Self { html: html.into(), sort: None }
    }

    /// Like [`Self::html`], but sorted by `key`.
    pub(in crate::report) fn sorted_by(self, key: i64) -> Self {
        Self { sort: Some(key), ..self }
    }
}

/// Opens a table. `caption` describes the rows and is escaped here.
pub(in crate::report) fn open(caption: &str, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<table class=\"rows sortable\" role=\"table\"><caption>{}</caption>",
        escape::xml(caption)
    )?;
    write!(out, "<thead role=\"rowgroup\"><tr role=\"row\">")?;
    for column in columns {
        let class = column.class;
        write!(out, "<th scope=\"col\" role=\"columnheader\"{class}>{}</th>", escape::xml(column.title))?;
    }
    writeln!(out, "</tr></thead>\n<tbody role=\"rowgroup\">")
}

/// Writes a row; the first cell is its heading.
pub(in crate::report) fn row(columns: &[Column], cells: &[Cell], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<tr role=\"row\">")?;
    for (index, (column, Cell { html, sort })) in columns.iter().zip(cells).enumerate() {
        let sort = sort.map(|key| format!(" data-sort=\"{key}\"")).unwrap_or_default();
        let class = column.class;
        let title = escape::xml(column.title);
        match index {
            0 => write!(out, "<th scope=\"row\" role=\"rowheader\"{class}{sort}>{html}</th>")?,
            _ => write!(out, "<td role=\"cell\" data-label=\"{title}\"{class}{sort}>{html}</td>")?,
        }
    }
    writeln!(out, "</tr>")
}

/// Closes the table.
pub(in crate::report) fn close(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "</tbody></table>")
}
