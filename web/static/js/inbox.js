// Keys for the inbox, and marking many at once. The buttons and forms do the same without it.
const mentions = [...document.querySelectorAll("[data-mention]")];
const PLACE = "inbox-place"; // where one was, across the load that follows a move
let at = -1;

function go(step) {
  if (!mentions.length) return;
  at = Math.min(mentions.length - 1, Math.max(0, at + step));
  mentions[at].focus();
}

function press(act) {
  const button = mentions[at]?.querySelector(`[data-act="${act}"]`);
  if (!button) return;
  sessionStorage.setItem(PLACE, String(at));
  button.click();
}

const help = document.getElementById("keys");
const keys = {
  j: () => go(1),
  k: () => go(-1),
  o: () => mentions[at]?.querySelector("a.when[href^='/mentions/']")?.click(),
  x: () => mentions[at]?.querySelector("[name=ids]")?.click(),
  e: () => press("done"),
  a: () => press("assign"),
  r: () => press("answer"),
  u: () => document.querySelector("[data-undo]")?.click(),
  "?": () => help.showModal(),
};

document.addEventListener("focusin", (event) => {
  const found = mentions.indexOf(event.target.closest?.("[data-mention]"));
  if (found >= 0) at = found;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
const opener = document.querySelector("[data-keys]");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}

const before = sessionStorage.getItem(PLACE);
sessionStorage.removeItem(PLACE);
if (before !== null && mentions.length) {
  at = Math.min(Number(before), mentions.length - 1);
  mentions[at].focus();
}
// Beside the list there is room for the filters; over it they stay folded.
const filter = document.querySelector("[data-filter]");
if (filter && matchMedia("(min-width: 64rem)").matches) filter.open = true;

// ---- many at once: the row of what can be done shows once something is marked
const bulk = document.getElementById("bulk");
if (bulk) {
  const marks = [...document.querySelectorAll("[name=ids]")];
  const all = bulk.querySelector("[data-mark-all]");
  const told = bulk.querySelector("[data-marked]");
  bulk.querySelector("[data-all]").hidden = false;
  const show = () => {
    const number = marks.filter((mark) => mark.checked).length;
    bulk.classList.toggle("is-idle", !number);
    bulk.classList.toggle("is-busy", number > 0);
    all.checked = number === marks.length;
    all.indeterminate = number > 0 && number < marks.length;
    told.textContent = told.dataset.words.replace("{n}", number);
  };
  all.addEventListener("change", () => {
    for (const mark of marks) mark.checked = all.checked;
    show();
  });
  for (const mark of marks) mark.addEventListener("change", show);
  addEventListener("pageshow", show); // a browser may bring marks back
  show();
}
