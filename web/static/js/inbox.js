// Keys for the inbox: j and k move, a take, r answer, e done. The buttons do the same without it.
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

const keys = {
  j: () => go(1),
  k: () => go(-1),
  e: () => press("done"),
  a: () => press("assign"),
  r: () => press("answer"),
};

document.addEventListener("focusin", (event) => {
  const found = mentions.indexOf(event.target.closest?.("[data-mention]"));
  if (found >= 0) at = found;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

const before = sessionStorage.getItem(PLACE);
sessionStorage.removeItem(PLACE);
if (before !== null && mentions.length) {
  at = Math.min(Number(before), mentions.length - 1);
  mentions[at].focus();
}
// Beside the list there is room for the filters; over it they stay folded.
const filter = document.querySelector("[data-filter]");
if (filter && matchMedia("(min-width: 64rem)").matches) filter.open = true;
