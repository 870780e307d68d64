// Live counts: the numbers beside the navigation, and what came in since the list of mentions was made. One stream a
// tab, begun when a page has been looked at for a moment and only while it is seen: a browser has few connections.
// And a line while there is no connection: a form that was sent then would leave the page, with what was typed in it.
import { toast } from "./told.js";

const SETTLED = 1500; // ms
const SELDOM = 10000; // ms between two looks at what came in
const MOST = 1000; // as web.pages counts
const list = document.querySelector("[data-newer]");
let stream = null;
let over = false;
let looked = 0;
let waits = null;
let box = null;

function show(counts) {
  for (const link of document.querySelectorAll("[data-count]")) {
    const number = counts[link.dataset.count];
    let badge = link.querySelector(".count");
    if (!number) badge?.remove();
    else {
      if (!badge) {
        badge = document.createElement("span");
        badge.className = link.dataset.count === "alerts" ? "count count--new" : "count";
        link.append(" ", badge);
      }
      badge.textContent = number < MOST ? number : `${number.toLocaleString(document.documentElement.lang)}+`;
    }
  }
}

// Nothing moves under the reader's eyes: what came in is told at the foot, and shown when asked for.
async function look() {
  waits = null;
  looked = Date.now();
  const answer = await fetch(list.dataset.newer).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const { words } = await answer.json();
  if (!words) return;
  if (box?.isConnected) box.firstChild.textContent = words;
  else box = toast(words, [list.dataset.show, () => location.assign(list.dataset.from)]);
}

function counted(event) {
  show(JSON.parse(event.data));
  if (list) waits ??= setTimeout(look, Math.max(0, looked + SELDOM - Date.now()));
}

function open() {
  if (stream || over || document.hidden) return;
  stream = new EventSource("/live");
  stream.addEventListener("counts", counted);
  stream.addEventListener("over", () => {
    over = true;
    close();
  });
}

function close() {
  stream?.close();
  stream = null;
}

let settled = setTimeout(open, SETTLED);
document.addEventListener("visibilitychange", () => {
  clearTimeout(settled);
  if (document.hidden) close();
  else settled = setTimeout(open, SETTLED);
});
addEventListener("pagehide", close); // it may come back as it was, and opens again
addEventListener("pageshow", (event) => {
  if (event.persisted) settled = setTimeout(open, SETTLED);
});

const lost = document.getElementById("lost");
const connected = () => {
  lost.hidden = navigator.onLine;
};
for (const change of ["online", "offline"]) addEventListener(change, connected);
connected();
document.addEventListener(
  "submit",
  (event) => {
    connected();
    if (navigator.onLine) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
