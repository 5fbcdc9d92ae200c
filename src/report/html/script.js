(() => {
  "use strict";
  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  for (const command of document.querySelectorAll(".command")) {
    const button = make("button", "Copy", { type: "button" });
    button.addEventListener("click", async () => {
      const text = command.querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(command.querySelector("code"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        if (!document.execCommand("copy")) { button.textContent = "Selected"; return; }
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    command.append(button);
  }
  const value = (row, column) => {
    const cell = row.cells[column];
    const sort = cell.dataset.sort;
    return sort === undefined ? cell.textContent.trim().toLowerCase() : Number(sort);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [value(row, column), row]);
        rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1));
        body.append(...rows.map(([, row]) => row));
      });
    });
    if (body.rows.length < 6) continue;
    const matchCount = make("span", "", { class: "quiet small", role: "status" });
    const input = make("input", "", { type: "search", placeholder: "Filter", "aria-label": "Filter the rows of this table" });
    let texts = null;
    input.addEventListener("input", () => {
      texts ??= [...body.rows].map((row) => [row, row.textContent.toLowerCase()]);
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const [row, text] of texts) {
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) count += 1;
      }
      matchCount.textContent = words.length ? `${count.toLocaleString("en")} of ${texts.length.toLocaleString("en")}` : "";
    });
    const find = make("p", "", { class: "find" });
    find.append(input, matchCount);
    table.before(find);
  }
  addEventListener("beforeprint", () => {
    if (document.querySelectorAll("details").length < 200) document.querySelectorAll("details").forEach((one) => { one.open = true; });
  });
})();
