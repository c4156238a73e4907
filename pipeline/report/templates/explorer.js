"use strict";
(async () => {
const id = name => document.getElementById(name);
if (typeof DecompressionStream !== "function") {
  id("old").hidden = false;
  return;
}
const unpack = text => {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
};
const box = id("explorer"), meta = await unpack(id("listed").textContent), PAGE = 100;
const status = id("count"), note = id("said"), table = id("found"), find = id("find");
const picks = { cause: id("cause"), owner: id("owner"), what: id("what"), file: id("file") };
const packed = box.getElementsByClassName("block"), opened = [];
let state = {}, hits = [], turn = 0, wait;

/* blocks: unpacked once, when first needed (the columns are described in report/blocks.py) */
const indexed = (given, n, step, empty = 0) => {
  const made = new Int32Array(n);
  for (let i = 0, last = 0; i < n; i++) {
    const each = Array.isArray(given) ? given[i] ?? empty : given ?? empty;
    made[i] = last = step ? last + each : each;
  }
  return made;
};
const numbers = given => {
  let head = "", size = 0, last = 0;
  return given.map(each => {
    if (typeof each === "number") return head + String(last += each).padStart(size, "0");
    const parts = /^(.*?)([0-9]{1,15})$/.exec(each ?? "");
    if (parts) [head, size, last] = [parts[1], parts[2].length, Number(parts[2])];
    return each ?? "";
  });
};
const open = at => opened[at] ??= (async () => {
  const b = await unpack(packed[at].textContent), texts = given => given.map(each => each ?? "");
  return {
    f: indexed(b.f, b.n), l: indexed(b.l, b.n, true), s: indexed(b.s, b.n, true),
    w: indexed(b.w, b.n, false, 0), o: numbers(b.o), oi: indexed(b.oi, b.n, true),
    v: texts(b.v), vi: indexed(b.vi, b.n), m: texts(b.m), mi: indexed(b.mi, b.n),
    a: texts(b.a), ai: indexed(b.ai, b.n),
  };
})();

/* runs: [cause, kind, embedded, whole], one after the other through all blocks */
let start = 0;
const runs = meta.runs.map(([cause, kind, embedded, whole]) => {
  const from = start;
  start += embedded;
  return { cause, kind, embedded, whole, from, unit: kind > 1 ? 1 : 0 };
});
const words = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const amount = sums => sums.map((n, at) => n ? words(n, at ? "order" : "row") : "").filter(Boolean).join(" and ") || "0 rows";

const record = (b, i, run) => {
  const cause = meta.causes[run.cause], value = b.v[b.vi[i]], line = b.l[i] + b.w[i];
  const segment = b.s[i] ? ` (segment ${b.s[i]})` : "";
  return {
    order: b.o[b.oi[i]], file: meta.files[b.f[i]] ?? `file ${b.f[i]}`, line: b.l[i], segment: b.s[i], value, cause,
    place: `${meta.files[b.f[i]] ?? `file ${b.f[i]}`}:${b.l[i]}${segment}`, also: b.a[b.ai[i]], what: meta.kinds[run.kind][1],
    column: run.kind === 1 ? "" : cause.column,
    says: b.m[b.mi[i]].replaceAll("\x01", () => value) || `fine itself, held back with line ${line}`,
  };
};

/* which records of a block match; texts are looked at once per distinct text */
const matcher = (b, file, q) => {
  const has = given => given.map(each => each.toLowerCase().includes(q));
  const inFile = meta.files.map(name => name.toLowerCase()), colon = q.lastIndexOf(":");
  const of = q && { o: has(b.o), v: has(b.v), m: has(b.m), a: has(b.a) };
  const line = /^[0-9]+$/.test(q) ? Number(q) : -1;
  const at = colon > 0 && /^[0-9]*$/.test(q.slice(colon + 1)) ? [q.slice(0, colon), q.slice(colon + 1)] : null;
  return i => (file < 0 || b.f[i] === file) && (!q || of.o[b.oi[i]] || of.v[b.vi[i]] || of.m[b.mi[i]] || of.a[b.ai[i]]
    || b.l[i] === line || at && inFile[b.f[i]]?.endsWith(at[0]) && String(b.l[i]).startsWith(at[1]));
};

/* hits: what matches, as runs with how many of their records and which, or all; null if a newer filter came meanwhile */
async function search(asked, stale = () => false) {
  const q = asked.q.trim().toLowerCase(), file = asked.file ? Number(asked.file) : -1, found = { hits: [], sums: [0, 0], left: [0, 0] };
  const add = (run, n, which) => {
    found.sums[run.unit] += n;
    if (n) found.hits.push({ run, n, which });
  };
  for (const run of runs) {
    const cause = meta.causes[run.cause];
    if (asked.cause && cause.id !== asked.cause || asked.owner && cause.owner !== asked.owner) continue;
    if (asked.what && meta.kinds[run.kind][0] !== asked.what) continue;
    found.left[run.unit] += run.whole - run.embedded;
    if (file < 0 && !q) add(run, run.embedded);
    else for (let at = run.from, end = at + run.embedded; at < end;) {
      const block = Math.floor(at / meta.size), base = block * meta.size, which = [];
      const ok = matcher(await open(block), file, q);
      if (stale()) return null;
      for (const stop = Math.min(end, base + meta.size); at < stop; at++) if (ok(at - base)) which.push(at);
      add(run, which.length, Int32Array.from(which));
    }
  }
  return found;
}
async function* listed(hits, from = 0, to = Infinity) {
  let seen = 0;
  for (const { run, n, which } of hits) {
    for (let i = Math.max(0, from - seen); i < n && seen + i < to; i++) {
      const at = which ? which[i] : run.from + i, block = Math.floor(at / meta.size);
      yield record(await open(block), at - block * meta.size, run);
    }
    seen += n;
    if (seen >= to) return;
  }
}

/* the table: texts become text nodes, never markup */
const make = (tag, name, ...parts) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...parts.filter(part => part !== ""));
  return made;
};
const blanks = text => text.replace(/^ +| +$| {2,}/g, found => "␠".repeat(found.length));
const coded = text => text.split("`").map((part, at) => at % 2 ? make("code", "", part) : part);
const head = cause => {
  const th = make("th", "", make("b", "", cause.title), cause.about && `: ${cause.about}`, " ", make("span", "tag", cause.code),
    " ", make("span", "soft", `${cause.amount} · ${cause.owner}`), make("span", "sub", "What to do: ", ...coded(cause.fix)));
  th.colSpan = 5;
  th.scope = "rowgroup";
  return make("tr", "grouphead", th);
};
const row = each => {
  const th = make("th", each.order.length > 40 ? "keys" : "key", each.order || "no order number");
  th.scope = "row";
  return make("tr", "", th, make("td", "place", each.place), make("td", "", each.column),
    make("td", "value", blanks(each.value)),
    make("td", "wide", each.says, each.also && make("span", "sub", `also ${each.also}`)));
};
async function look() {
  const mine = ++turn, found = await search(state, () => mine !== turn);
  if (!found) return;
  const { sums, left } = found, total = sums[0] + sums[1], pages = Math.max(1, Math.ceil(total / PAGE));
  const page = Math.min(Math.max(1, state.page), pages), bodies = [];
  let last;
  for await (const each of listed(found.hits, (page - 1) * PAGE, page * PAGE)) {
    if (each.cause !== last) bodies.push(make("tbody", "", head(last = each.cause)));
    bodies.at(-1).append(row(each));
  }
  if (mine !== turn) return;
  hits = found.hits;
  for (const body of [...table.tBodies]) body.remove();
  table.append(...bodies);
  state.page = page;
  status.textContent = `${amount(sums)} match${total === 1 ? "es" : ""}` + (pages > 1 ? ` · page ${page.toLocaleString("en")} of ${pages.toLocaleString("en")}` : "")
    + (left[0] + left[1] ? ` · ${amount(left)} more are only in rejections.jsonl.gz` : "");
  id("none").hidden = total > 0;
  table.hidden = !total;
  for (const [name, off] of [["first", page < 2], ["previous", page < 2], ["next", page >= pages], ["last", page >= pages]]) id(name).disabled = off;
  id("last").value = pages;
  id("pager").hidden = pages < 2;
  id("clear").hidden = !Object.entries(state).some(([name, value]) => name !== "page" && value !== "");
  box.dataset.ready = turn;
}

/* the state lives in the address, so that a filter can be sent to somebody */
const address = () => {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (value !== "" && !(name === "page" && value < 2)) told.set(name, value);
  return "#" + (told.toString() || "list");
};
function read() {
  const told = new URLSearchParams(location.hash.slice(1));
  const page = Number(told.get("page"));
  state = { q: told.get("q") ?? "", page: Number.isInteger(page) && page > 0 ? page : 1 };
  for (const [name, pick] of Object.entries(picks)) {
    pick.value = told.get(name) ?? "";
    if (pick.selectedIndex < 0) pick.value = "";  /* no such cause, owner or file on this page */
    state[name] = pick.value;
  }
  find.value = state.q;
  note.textContent = "";
  return look();
}
const go = (changes, keep) => {
  state = { ...state, page: 1, ...changes };
  history[keep ? "replaceState" : "pushState"](null, "", address());
  note.textContent = "";
  return look();
};

/* orders and CSV of all that matches, not of the page alone */
async function copy(hits) {
  const found = new Set();
  for await (const each of listed(hits)) if (each.order) found.add(each.order);
  const text = [...found].join("\n");
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {  /* plain http has no clipboard, and a page in a frame may not use it */
    const area = make("textarea", "vh", text), active = document.activeElement;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    active?.focus();
  }
  return done ? `${words(found.size, "order number")} copied` : "The browser did not allow copying; download the CSV instead";
}
const cell = text => `"${String(text).replace(/^'*(?:[\t\r\n]|[\s\p{C}]*[=+\-@＝＋－＠])/u, "'$&").replaceAll('"', '""')}"`;
async function download() {
  const parts = ["\ufeff" + ["Order", "File", "Line", "Segment", "What", "Column", "Value", "Problem", "Also", "Code", "Owner", "What to do"].map(cell).join(";") + "\r\n"];
  let n = 0;
  for await (const e of listed(hits)) {
    parts.push([e.order, e.file, e.line, e.segment || "", e.what, e.column, e.value, e.says, e.also, e.cause.code, e.cause.owner, e.cause.fix].map(cell).join(";") + "\r\n");
    n++;
  }
  const link = make("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  link.download = `rejected-${meta.run}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  note.textContent = `${words(n, "line")} written to ${link.download}`;
}

for (const [name, pick] of Object.entries(picks)) pick.addEventListener("change", () => go({ [name]: pick.value }));
find.addEventListener("input", () => {
  clearTimeout(wait);
  wait = setTimeout(() => go({ q: find.value }, true), 120);
});
const turned = page => go({ page }).then(() => {
  id("list").scrollIntoView();
  if (document.activeElement.disabled !== false) id("view").focus({ preventScroll: true });  /* its button is off now */
});
id("first").addEventListener("click", () => turned(1));
id("previous").addEventListener("click", () => turned(state.page - 1));
id("next").addEventListener("click", () => turned(state.page + 1));
id("last").addEventListener("click", () => turned(Number(id("last").value)));
id("clear").addEventListener("click", () => { find.focus(); go({ q: "", cause: "", owner: "", what: "", file: "" }); });
id("download").addEventListener("click", download);
id("copy").addEventListener("click", async () => { note.textContent = await copy(hits); });
for (const amount of document.querySelectorAll("[data-copy]")) {
  const button = make("button", "copy", "Copy order numbers");
  button.type = "button";
  button.addEventListener("click", async () => {
    const found = await search({ q: "", file: "", owner: amount.dataset.copy });
    button.textContent = await copy(found.hits);
  });
  amount.append(" ", button);
}
/* numbers of the page open the list: their address without script is their own place */
for (const link of document.querySelectorAll("[data-show]")) link.href = `#${link.dataset.show}`;
addEventListener("hashchange", () => {
  if (!location.hash.includes("=") && location.hash !== "#list") return;
  read().then(() => { id("list").scrollIntoView(); id("list").focus({ preventScroll: true }); });
});
addEventListener("popstate", () => { if (location.hash === "") read(); });
box.hidden = false;
read().then(() => { if (location.hash.includes("=")) id("list").scrollIntoView(); });
})();
