"use strict";
(async () => {
const id = name => document.getElementById(name);
if (typeof DecompressionStream === "undefined") {
  id("old").hidden = false;
  return;
}
const unpack = element => {
  const bytes = Uint8Array.from(atob(element.textContent), sign => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
};
/* what meta and blocks hold is described in report/explorer.py and report/blocks.py */
const meta = await unpack(id("listed")), PAGE = 100, form = id("filters"), table = id("found"), note = id("said");
for (const cause of meta.causes) form.cause.append(new Option(cause.option, cause.id));
const packed = document.getElementsByClassName("block"), opened = [];
let page = 1, hits = [], turn = 0, wait;

/* blocks: unpacked once, when first needed */
const column = (given, n, adds) => {
  const made = new Int32Array(n);
  for (let i = 0; i < n; i++) made[i] = (given[i] ?? given) + (adds && i ? made[i - 1] : 0);
  return made;
};
const numbers = given => {
  let head, size, last;
  return given.map(each => {
    if (typeof each === "number") return head + String(last += each).padStart(size, "0");
    const [, text, digits] = /^(.*?)([0-9]{0,15})$/s.exec(each);
    [head, size, last] = [text, digits.length, Number(digits)];
    return each;
  });
};
const open = number => opened[number] ??= unpack(packed[number]).then(block => {
  for (const name of ["f", "w", "vi", "mi", "ai"]) block[name] = column(block[name], block.n);
  for (const name of ["l", "s", "oi"]) block[name] = column(block[name], block.n, true);
  block.o = numbers(block.o);
  return block;
});
const record = (b, i, run) => {
  const cause = meta.causes[run.cause], file = meta.files[b.f[i]], line = b.l[i], value = b.v[b.vi[i]];
  return {
    cause, file, line, value, order: b.o[b.oi[i]], segment: b.s[i] || "", what: run.words, also: b.a[b.ai[i]],
    place: `${file}:${line}` + (b.s[i] ? ` (segment\xa0${b.s[i]})` : ""), column: run.kind === "held" ? "" : cause.column,
    says: b.m[b.mi[i]].replaceAll("\x01", () => value) || `fine itself, held back with line ${line + b.w[i]}`,
  };
};

/* which records of a block match; a text is looked at once, however many records have it */
const matcher = (b, file, text) => {
  const [o, v, m, a] = [b.o, b.v, b.m, b.a].map(texts => texts.map(each => each.toLowerCase().includes(text)));
  const line = /^[0-9]+$/.test(text) ? Number(text) : -1, atPlace = text.includes(":");
  return i => (!file || b.f[i] === Number(file)) && (o[b.oi[i]] || v[b.vi[i]] || m[b.mi[i]] || a[b.ai[i]]
    || b.l[i] === line || atPlace && `${meta.files[b.f[i]]}:${b.l[i]}`.toLowerCase().includes(text));
};
/* the runs of one cause and kind that match, each with the places of its records; null if a newer search came meanwhile */
async function search(asked, stale = () => false) {
  const text = (asked.get("q") ?? "").trim().toLowerCase(), file = asked.get("file"), found = [];
  let matches, block;
  for (const run of meta.runs) {
    const cause = meta.causes[run.cause], has = { cause: cause.id, owner: cause.owner, what: run.kind };
    if (Object.keys(has).some(name => asked.get(name) && asked.get(name) !== has[name])) continue;
    const places = [];
    for (let at = run.start; at < run.start + run.embedded; at++) {
      if ((file || text) && block !== Math.floor(at / meta.size)) {
        block = Math.floor(at / meta.size);
        matches = matcher(await open(block), file, text);
        if (stale()) return null;
      }
      if (!matches || matches(at % meta.size)) places.push(at);
    }
    found.push({ run, places });
  }
  return found;
}
async function* listed(found, from = 0, to = Infinity) {
  for (const { run, places } of found) {
    for (const at of places.slice(Math.max(0, from), Math.max(0, to))) yield record(await open(Math.floor(at / meta.size)), at % meta.size, run);
    from -= places.length;
    to -= places.length;
  }
}

/* the table: texts become text nodes, never markup */
const make = (tag, name, ...parts) => {
  const made = Object.assign(document.createElement(tag), { className: name });
  made.append(...parts.filter(Boolean));
  return made;
};
const heading = cause => {
  const fix = cause.fix.split("`").map((part, at) => at % 2 ? make("code", "", part) : part);
  return make("tr", "grouphead", Object.assign(make("th", "", make("b", "", cause.title), cause.about && `: ${cause.about}`, " ",
    make("span", "tag", cause.code), " ", make("span", "soft", `${cause.amount} · ${cause.owner}`), " ",
    cause.badge && make("span", `badge ${cause.tone}`, cause.badge), make("span", "sub", "What to do: ", ...fix)), { colSpan: 5, scope: "rowgroup" }));
};
/* blanks at the ends or side by side are seen by the ground of "val" */
const row = each => make("tr", "",
  Object.assign(make("th", each.order.length > 40 ? "keys" : "key", each.order || "no order number"), { scope: "row" }),
  make("td", "place", each.place), make("td", "column", each.column), make("td", "value", / ( |$)|^ /.test(each.value) ? make("span", "val", each.value) : each.value),
  make("td", "wide", each.says, each.also && make("span", "sub", `also ${each.also}`)));
const words = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const sum = (found, count) => found.reduce((n, each) => n + count(each), 0);
const amount = (found, count) => ["row", "order"].map(unit => {
  const n = sum(found.filter(({ run }) => run.unit === unit), count);
  return n && words(n, unit);
}).filter(Boolean).join(" and ");
const size = ({ places }) => places.length;
async function show() {
  const mine = ++turn, stale = () => mine !== turn, asked = told(), found = await search(asked, stale);
  if (!found) return;
  const total = sum(found, size), pages = Math.max(1, Math.ceil(total / PAGE)), bodies = [];
  const at = Math.min(page, pages), left = amount(found, ({ run }) => run.whole - run.embedded);
  let last;
  for await (const each of listed(found, (at - 1) * PAGE, at * PAGE)) {
    if (each.cause !== last) bodies.push(make("tbody", "", heading(last = each.cause)));
    bodies.at(-1).append(row(each));
  }
  if (stale()) return;
  [page, hits] = [at, found];
  table.replaceChildren(table.caption, table.tHead, ...bodies);
  id("count").textContent = `${amount(found, size) || "0 rows"} match${total === 1 ? "es" : ""}`
    + (pages > 1 ? ` · page ${page.toLocaleString("en")} of ${pages.toLocaleString("en")}` : "") + (left && ` · ${left} more are only in rejections.jsonl.gz`);
  id("none").hidden = total > 0;
  table.hidden = !total;
  id("pager").hidden = pages < 2;
  [id("first").value, id("previous").value, id("next").value, id("last").value] = [1, page - 1, page + 1, pages];
  for (const button of id("pager").children) button.disabled = button.value < 1 || button.value > pages || Number(button.value) === page;
  asked.delete("page");
  id("clear").hidden = !String(asked);
  id("explorer").dataset.ready = turn;
}

/* the filters and the page are the address, so that a filter can be sent to somebody */
function told() {
  const asked = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...asked]) if (!value) asked.delete(name);
  if (page > 1) asked.set("page", page);
  return asked;
}
const go = (to, how = "pushState") => {
  page = to;
  note.textContent = "";
  history[how](null, "", `#${String(told()) || "list"}`);
  return show();
};
const read = () => {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const field of form.elements) {
    field.value = asked.get(field.name) ?? "";
    if (field.selectedIndex < 0) field.value = "";  /* no such cause, owner or file on this page */
  }
  page = Math.max(1, Math.trunc(asked.get("page")) || 1);
  note.textContent = "";
  return show();
};

/* orders and CSV of all that matches, not of the page alone */
async function copy(found) {
  const orders = new Set();
  for await (const { order } of listed(found)) if (order) orders.add(order);
  const text = [...orders].join("\n"), copied = `${words(orders.size, "order number")} copied`;
  try {
    await navigator.clipboard.writeText(text);
    return copied;
  } catch {  /* plain http has no clipboard, and a page in a frame may not use it */
    const area = make("textarea", "vh", text), active = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    active?.focus();
    return done ? copied : "The browser did not allow copying; download the CSV instead";
  }
}
const line = cells => cells.map(text => `"${String(text).replace(/^'*(?:[\t\r\n]|[\s\p{C}]*[=+\-@＝＋－＠])/u, "'$&").replaceAll('"', '""')}"`).join(";") + "\r\n";
async function download() {
  const lines = [line(["Order", "File", "Line", "Segment", "What", "Column", "Value", "Problem", "Also", "Code", "Owner", "What to do"])];
  for await (const e of listed(hits)) {
    lines.push(line([e.order, e.file, e.line, e.segment, e.what, e.column, e.value, e.says, e.also, e.cause.code, e.cause.owner, e.cause.fix]));
  }
  const link = Object.assign(make("a"), { href: URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv" })), download: `rejected-${meta.run}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  note.textContent = `${words(lines.length - 1, "line")} written to ${link.download}`;
}

form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("input", event => {
  clearTimeout(wait);
  if (event.target === form.q) wait = setTimeout(() => go(1, "replaceState"), 120);
});
form.addEventListener("change", event => { if (event.target !== form.q) go(1); });
id("pager").addEventListener("click", async event => {
  if (!event.target.value) return;
  await go(Number(event.target.value));
  id("list").scrollIntoView();
  if (event.target.disabled) id("view").focus({ preventScroll: true });
});
id("clear").addEventListener("click", () => {
  form.reset();
  form.q.focus();
  go(1);
});
id("download").addEventListener("click", download);
id("copy").addEventListener("click", async () => { note.textContent = await copy(hits); });
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => { button.textContent = await copy(await search(new URLSearchParams({ owner: button.dataset.copy }))); });
}
/* numbers of the page open the list: their address without script is their own place */
for (const link of document.querySelectorAll("[data-show]")) link.href = `#${link.dataset.show}`;
addEventListener("hashchange", async () => {
  if (location.hash && !location.hash.includes("=") && location.hash !== "#list") return;
  await read();
  if (!location.hash) return;
  id("list").scrollIntoView();
  id("list").focus({ preventScroll: true });
});
id("explorer").hidden = false;
read().then(() => { if (location.hash.includes("=")) id("list").scrollIntoView(); });
})();
