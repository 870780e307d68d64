// Keys for the inbox: j and k move, e done, a take, r answer, ? help. The buttons do the same without it.
const mentions = [...document.querySelectorAll("[data-mention]")];
let at = -1;

function go(step) {
  if (!mentions.length) return;
  at = Math.min(mentions.length - 1, Math.max(0, at + step));
  mentions[at].focus();
}

function press(act) {
  mentions[at]?.querySelector(`[data-act="${act}"]`)?.click();
}

const keys = {
  j: () => go(1),
  k: () => go(-1),
  e: () => press("done"),
  a: () => press("assign"),
  r: () => press("answer"),
  "?": () => document.querySelector(".pager")?.scrollIntoView(),
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
